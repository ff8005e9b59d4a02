"""What the rules look at, and how they say what they found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from wms.customs.messages import spec
from wms.customs.messages.codes import limit
from wms.customs.messages.findings import Finding
from wms.customs.messages.message import Message
from wms.customs.messages.values import number

Fields = Mapping[str, str]


@dataclass
class Look:
    """One document under the rules: its head, its lines, the paths to both, and what was found so far."""

    message: Message
    kind: spec.Kind
    head: Fields
    lines: tuple[Fields, ...]
    where: str
    on: date
    found: list[Finding] = field(default_factory=list)

    @property
    def head_path(self) -> str:
        return f"{self.where}/{self.kind.head.node.name}" if self.kind.is_nested else self.where

    def line_path(self, place: int) -> str:
        assert self.kind.lines is not None
        return f"{self.where}/{self.kind.lines.node.name}[{place}]"

    def say(self, rule: str, name: str, text: str, /, **values: object) -> None:
        """A mistake in a field of the head."""
        self.found.append(Finding(rule, f"{self.head_path}/{name}", text, values))

    def say_line(self, rule: str, place: int, name: str, text: str, /, **values: object) -> None:
        """A mistake in a field of a line, counted from 1."""
        self.found.append(Finding(rule, f"{self.line_path(place)}/{name}", text, values))

    def amount(self, name: str) -> Decimal | None:
        return number(self.head.get(name))

    @property
    def tolerance(self) -> Decimal:
        return limit("line_tolerance", self.on) or Decimal(0)


def document_day(head: Fields) -> date:
    """The day by which a document is judged: its own, but not before the edition of the messages holds."""
    edition = spec.description().valid_from_on
    said = (head.get("appTime") or head.get("returnTime") or head.get("opDate") or "")[:8]
    try:
        return max(edition, date(int(said[:4]), int(said[4:6]), int(said[6:8])))
    except ValueError:
        return edition
