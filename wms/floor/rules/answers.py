"""What a scan is answered: the state of the band, one sentence, the way out, and what may be scanned next."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from wms.errors import N_, WmsError


class Outcome(StrEnum):
    """The three states of the band."""

    OK = "ok"
    WARN = "warn"
    STOP = "stop"


class Expect(StrEnum):
    """What may be scanned next."""

    NOTICE = "notice"
    DOCK = "dock"
    GOODS = "goods"
    PLACE = "place"
    CONFIRM = "confirm"
    REASON = "reason"
    TASK = "task"
    TOTE = "tote"
    VEHICLE = "vehicle"
    CHUTE = "chute"
    QTY = "qty"
    WEIGHT = "weight"
    WORD = "word"


@dataclass(frozen=True)
class Answer:
    """An answer in msgids and plain values; it is stored with the scan and given again to a repeat.

    A value ``{"zh": …, "en": …}`` is a name in both languages; the front of house picks one.
    """

    outcome: Outcome
    code: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)
    way_out: str | None = None
    expects: tuple[Expect, ...] = ()
    understood: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    progress: Mapping[str, Any] | None = None
    is_undoable: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the answer as it is stored."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Answer":
        """Return a stored answer."""
        given = dict(stored)
        given["outcome"] = Outcome(given["outcome"])
        given["expects"] = tuple(Expect(one) for one in given["expects"])
        return cls(**given)


GENERAL_WAY_OUT = N_("Scan again, or scan BACK. If it stays so, tell the supervisor.")


def refused(refusal: WmsError, expects: tuple[Expect, ...]) -> Answer:
    """Return the stop answer for a mistake, or for a refusal of the ledger or of customs."""
    way_out = getattr(refusal, "way_out", GENERAL_WAY_OUT)
    values = {name: _plain(value) for name, value in refusal.values.items()}
    return Answer(Outcome.STOP, refusal.code, refusal.text, values, way_out, expects)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | dict) else str(value)
