"""The whole verdict on a message: the schema's, then the rules of the trade."""

from dataclasses import dataclass

from wms.customs.messages import bonded, bonded_rules, reading
from wms.customs.messages.business import find
from wms.customs.messages.findings import Finding
from wms.customs.messages.message import Message
from wms.customs.messages.shape import look


@dataclass(frozen=True)
class Report:
    """What was found. ``message`` is what could be read of a CEB message, also of an invalid one.

    It is None for the bonded set and when the root is no message.
    """

    schema_valid: bool
    findings: tuple[Finding, ...]
    message: Message | None


def check(data: bytes) -> Report:
    """Check a message by schema and rules. Raises :class:`wms.customs.messages.Unreadable` for bytes that are none."""
    root = reading.parse(data)
    if bonded.is_bonded(root):
        said, broken = bonded.look(root)
        rest = bonded_rules.find(said) if said else []
        return Report(not broken, (*broken, *rest), None)
    message, found = look(root)
    more = find(message) if message else []
    return Report(not found, (*found, *more), message)
