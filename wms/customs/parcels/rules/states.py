"""Receipts of customs (returnStatus) and what they make of a parcel's declaration. Forward only.

Receipts arrive late, twice and out of order: a lower one never overwrites a higher one. 120 says that customs has the
message, not that the parcel may go; only 800 and 899 do (customs reference, 2.6).
"""

import re
from dataclasses import dataclass

from wms.errors import N_, WmsError

ORDER = ("1", "2", "3", "120", "300", "399", "500", "800", "899")
REOPENS = {"4": "returned", "100": "returned"}
DETAINS = ("501", "502", "503", "505", "599", "600")
ENDS = {"700": "shipped_back"}
RELEASED = {"800": "released", "899": "cleared"}
EXCEPTION = re.compile(r"-\d+", re.ASCII)
WORDS = {
    "draft": N_("drawn up, not declared"),
    "declared": N_("declared, not released"),
    "returned": N_("returned by customs"),
    "rejected": N_("not accepted by customs"),
    "released": N_("let go by customs"),
    "cleared": N_("cleared"),
    "detained": N_("detained by customs"),
    "shipped_back": N_("to be shipped back"),
    "cancelled": N_("cancelled"),
}


class NotDeclarable(WmsError):
    """Declared already, or in a state in which nothing is declared (customs' −621004, −621012)."""

    code = "parcel_not_declarable"
    text = N_("Parcel declaration %(number)s is %(state)s; it can be declared only when drawn up or returned.")


class NotCancellable(WmsError):
    code = "parcel_not_cancellable"
    text = N_("Parcel declaration %(number)s is %(state)s and cannot be cancelled.")


@dataclass(frozen=True)
class Step:
    """What a receipt does: the state and last code afterwards, and whether it moved anything."""

    state: str
    status: str | None
    has_moved: bool


def take_receipt(state: str, status: str | None, code: str) -> Step:
    """Return what a receipt makes of a declaration in ``state`` whose last moving code is ``status``."""
    if not _moves(state, status, code):
        return Step(state, status, has_moved=False)
    for states in (REOPENS, ENDS, RELEASED):
        if code in states:
            return Step(states[code], code, has_moved=True)
    if code in DETAINS:
        return Step("detained", code, has_moved=True)
    return Step("rejected" if EXCEPTION.fullmatch(code) else "declared", code, has_moved=True)


def _moves(state: str, status: str | None, code: str) -> bool:
    if state == "declared":
        if EXCEPTION.fullmatch(code):
            return rank(status) < ORDER.index("120")
        is_decisive = code in REOPENS or code in DETAINS or code in ENDS or code in RELEASED
        return is_decisive or (code in ORDER and rank(code) > rank(status))
    if state == "detained":
        return code in RELEASED or code in ENDS
    if state == "released":
        return code == "899" or code in DETAINS or code in ENDS
    # Nothing stands declared: what arrives belongs to an earlier attempt. But a parcel whose sending was said to have
    # failed may turn out to have arrived.
    return state == "returned" and status == "4" and code in ORDER[1:]


def rank(status: str | None) -> int:
    """The place of a receipt code in the order; −1 for one that stands outside it, or none."""
    return ORDER.index(status) if status in ORDER else -1


def check_declarable(number: str, state: str) -> None:
    """Raise NotDeclarable unless a declaration may be sent now."""
    if state not in ("draft", "returned", "rejected"):
        raise NotDeclarable(number=number, state=WORDS[state])


def may_leave(state: str, *, is_on_hold: bool, is_cancelling: bool) -> bool:
    """Whether a parcel may leave: released, not held, no cancellation under way (OUT-a, OUT-b, OUT-c)."""
    return state in ("released", "cleared") and not is_on_hold and not is_cancelling
