"""Command barcodes: with them a task is done without touching the screen."""

import re
from dataclasses import dataclass
from enum import StrEnum

from wms.floor.rules.mistakes import BadQuantity, UnknownReason

MAX_QTY = 1_000_000
REASONS = ("FULL", "BLOCKED", "NEARER", "TOGETHER", "OTHER")


class Verb(StrEnum):
    """What a command asks for."""

    CONFIRM = "CONFIRM"
    UNDO = "UNDO"
    BACK = "BACK"
    DAMAGED = "DAMAGED"
    QTY = "QTY"
    REASON = "REASON"
    NEXT = "NEXT"
    SHORT = "SHORT"
    DONE = "DONE"


@dataclass(frozen=True)
class Command:
    """A command understood: ``qty`` for QTY, ``text`` for a reason or the key of the scan to undo."""

    verb: Verb
    qty: int | None = None
    text: str | None = None


WITHOUT_MORE = (Verb.CONFIRM, Verb.BACK, Verb.DAMAGED, Verb.NEXT, Verb.SHORT, Verb.DONE)
_QTY = re.compile(r"QTY[ :=-]?(\S{0,20})", re.IGNORECASE)
_REASON = re.compile(r"REASON[ :=-](\S{1,40})", re.IGNORECASE)
_UNDO = re.compile(r"UNDO(?:[ :=]+(\S{1,255}))?", re.IGNORECASE)
_PLAIN = {verb.value: Command(verb) for verb in WITHOUT_MORE}


def parse(text: str) -> Command | None:
    """Return the command that the text is, None when it is none.

    Raises BadQuantity for a QTY without a whole number from 1 to a million, UnknownReason for a reason off the list.
    """
    tidy = text.strip()
    if tidy.upper() in _PLAIN:
        return _PLAIN[tidy.upper()]
    if found := _UNDO.fullmatch(tidy):
        return Command(Verb.UNDO, text=found.group(1))
    if found := _QTY.fullmatch(tidy):
        return Command(Verb.QTY, qty=_quantity(found.group(1)))
    if found := _REASON.fullmatch(tidy):
        return Command(Verb.REASON, text=_reason(found.group(1)))
    return None


def _quantity(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_QTY):
        raise BadQuantity(field="code", qty=text or "QTY")
    return int(text)


def _reason(text: str) -> str:
    if text.upper() not in REASONS:
        raise UnknownReason(field="code", reason=text)
    return text.upper()
