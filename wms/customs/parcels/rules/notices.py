"""Notices about parcels: what each needs, of which parcels it may speak, and what customs' receipts make of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from wms.customs.parcels.rules import states
from wms.customs.parcels.rules.documents import BadDocument
from wms.customs.parcels.rules.states import EXCEPTION, ORDER, Step
from wms.errors import N_, Kind, WmsError

STORED, APPROVED, RETURNED, FAILED = "120", "399", "100", "4"
LET_GO = ("released", "cleared")
STANDING = ("declared", "detained", *LET_GO)


@dataclass(frozen=True)
class NoticeKind:
    """A kind of notice: its message and receipt, whose parcels in which states, and which fields it needs.

    ``final`` is the receipt code with which customs is done with it. ``states`` None: the parcels need not be declared.
    """

    message: str
    receipt: str
    direction: str
    states: tuple[str, ...] | None
    final: str
    needs: tuple[str, ...]


SITE = ("customs_code", "operator_code", "operator_name")
KINDS: Mapping[str, NoticeKind] = {
    "warehouse_in": NoticeKind(
        "CEB711", "CEB712", "I", None, APPROVED, (*SITE, "traf_mode", "traf_no", "voyage_no", "bill_no")
    ),
    "arrival": NoticeKind("CEB507", "CEB508", "E", STANDING, APPROVED, (*SITE, "traf_mode", "domestic_traf_no")),
    "master_list": NoticeKind(
        "CEB607", "CEB608", "E", STANDING, STORED,
        ("customs_code", "agent_code", "agent_name", "traf_mode", "traf_no", "voyage_no", "bill_no"),
    ),
    "departure": NoticeKind("CEB509", "CEB510", "E", LET_GO, APPROVED, ("customs_code", "traf_mode")),
    "delivery": NoticeKind("CEB513", "CEB514", "I", LET_GO, STORED, ()),
    "tally": NoticeKind("CEB215", "CEB216", "E", LET_GO, APPROVED, ("operator_code", "operator_name")),
}  # fmt: skip
OF_RECEIPT = {kind.receipt: name for name, kind in KINDS.items()}


class UnknownWaybill(WmsError):
    """A notice speaks of a waybill that nobody announced (or that belongs to the other direction)."""

    code = "notice_waybill_unknown"
    kind = Kind.INVALID
    text = N_("No waybill %(waybill_no)s of carrier %(carrier)s came for that direction.")


class NotToBeTold(WmsError):
    """The parcel is not where the notice says: nothing departs or is delivered that customs did not let go."""

    code = "notice_before_release"
    text = N_("Waybill %(waybill_no)s: its declaration is %(state)s, so this cannot be told to customs.")


class ToldAlready(WmsError):
    code = "notice_told_already"
    text = N_("Waybill %(waybill_no)s stands in notice %(number)s of the same kind already.")


class NotDecided(WmsError):
    """Goods of an export are back only when customs agreed to the tally."""

    code = "notice_not_decided"
    text = N_("Customs has not approved notice %(number)s yet.")


def check_fields(kind: NoticeKind, head: Mapping[str, str]) -> None:
    """Raise BadDocument for the first field that the kind needs and that is empty."""
    for name in kind.needs:
        if not head.get(name):
            raise BadDocument(field=name, name=name, rule=N_("is needed"), given="-")


def check_state(kind: NoticeKind, waybill_no: str, state: str | None) -> None:
    """Raise NotToBeTold unless a parcel in ``state`` (None: not declared) may stand in a notice of the kind."""
    if kind.states is None:
        return
    if state not in kind.states:
        said = states.WORDS[state] if state else N_("not drawn up")
        raise NotToBeTold(field="waybills", waybill_no=waybill_no, state=said)


def take_receipt(kind: NoticeKind, state: str, status: str | None, code: str) -> Step:
    """Return what a receipt makes of a notice: forward only, and what is decided stays decided.

    One whose sending was said to have failed (4) may turn out to have arrived.
    """
    if state == "approved" or (state == "refused" and status != FAILED):
        return Step(state, status, has_moved=False)
    if code in (RETURNED, FAILED) or EXCEPTION.fullmatch(code):
        is_late = EXCEPTION.fullmatch(code) is not None and states.rank(status) >= ORDER.index(STORED)
        if is_late or state == "refused":
            return Step(state, status, has_moved=False)
        return Step("refused", code, has_moved=True)
    if code not in ORDER or states.rank(code) <= states.rank(status):
        return Step(state, status, has_moved=False)
    if states.rank(code) >= ORDER.index(kind.final):
        return Step("approved", code, has_moved=True)
    return Step("stored" if states.rank(code) >= ORDER.index(STORED) else "told", code, has_moved=True)
