"""The whole verdict on a message: the schema's, then the rules of the trade."""

from dataclasses import dataclass

from wms.customs.messages import reading
from wms.customs.messages.business import find
from wms.customs.messages.findings import Finding
from wms.customs.messages.message import Message
from wms.customs.messages.shape import look


@dataclass(frozen=True)
class Report:
    """What was found. ``message`` is what could be read, also of an invalid one; None when the root is no message."""

    schema_valid: bool
    findings: tuple[Finding, ...]
    message: Message | None


def check(data: bytes) -> Report:
    """Check a message by schema and rules. Raises :class:`wms.customs.messages.Unreadable` for bytes that are none."""
    message, found = look(reading.parse(data))
    more = find(message) if message else []
    return Report(not found, (*found, *more), message)
