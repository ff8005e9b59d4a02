"""Adjustments: reasons, limits and second persons; and how a case of missing or surplus bonded goods is settled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wms.errors import N_, Kind, WmsError


class UnknownAdjustmentReason(WmsError):
    code = "unknown_adjustment_reason"
    kind = Kind.INVALID
    text = N_("%(reason)s is no reason for an adjustment. Reasons: %(reasons)s.")


class WrongSign(WmsError):
    code = "wrong_sign"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: the reason %(reason)s cannot change stock by %(qty)s.")


class DocumentBooked(WmsError):
    code = "document_booked"
    kind = Kind.CONFLICT
    text = N_("The document %(document)s was entered already as %(adjustment)s by %(person)s at %(at)s.")


class NoAdjustmentLines(WmsError):
    code = "no_adjustment_lines"
    kind = Kind.INVALID
    text = N_("An adjustment needs at least one line with a quantity other than zero.")


class UnknownAdjustment(WmsError):
    code = "unknown_adjustment"
    kind = Kind.NOT_FOUND
    text = N_("There is no adjustment %(adjustment)s.")


class RequesterMayNotApprove(WmsError):
    code = "requester_may_not_approve"
    kind = Kind.FORBIDDEN
    text = N_("Whoever asked for %(document)s may not approve it; another person must.")


class AlreadyDecided(WmsError):
    code = "already_decided"
    kind = Kind.CONFLICT
    text = N_("%(document)s was decided by %(person)s at %(at)s.")


class StatusUnclear(WmsError):
    code = "status_unclear"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: %(item)s lies in %(place)s under several statuses; name customs and quality status.")


class NothingLikeIt(WmsError):
    code = "nothing_like_it"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: nothing of %(item)s lies in %(place)s, so it cannot be lowered.")


class BookLineUnclear(WmsError):
    code = "book_line_unclear"
    kind = Kind.INVALID
    text = N_("%(item)s lies in a bonded place and no line of an account book counts it. Name the line.")


class UnknownCase(WmsError):
    code = "unknown_case"
    kind = Kind.NOT_FOUND
    text = N_("There is no case %(case)s.")


class CaseSettled(WmsError):
    code = "case_settled"
    kind = Kind.CONFLICT
    text = N_("Case %(case)s has only %(left)s left to settle, not %(wanted)s.")


class WrongSettlement(WmsError):
    code = "wrong_settlement"
    kind = Kind.INVALID
    text = N_("Case %(case)s cannot be settled so: missing goods are found or written off, surplus is declared.")


class CustomsDocumentMissing(WmsError):
    code = "customs_document_missing"
    text = N_("Bonded goods leave or enter the account book only under a customs document: name its number.")


class FoundWhere(WmsError):
    code = "found_where"
    kind = Kind.INVALID
    text = N_("Say in which bonded place of the site the goods of case %(case)s were found.")


@dataclass(frozen=True)
class Limit:
    """Up to these sums one person may adjust alone: base units, and minor units of currency."""

    qty: int
    value_minor: int

    def holds(self, qty: int, value_minor: int) -> bool:
        return qty <= self.qty and value_minor <= self.value_minor


def check_reason(code: str, reasons: Mapping[str, Mapping[str, Any]], qtys: Sequence[int]) -> None:
    """Raise what is wrong with a reason and the quantities under it.

    Raises NoAdjustmentLines, UnknownAdjustmentReason, WrongSign.
    """
    if not qtys or 0 in qtys:
        raise NoAdjustmentLines(field="lines")
    if code not in reasons:
        raise UnknownAdjustmentReason(field="reason", reason=code, reasons=", ".join(sorted(reasons)))
    sign = int(reasons[code].get("sign", 0))
    for line_no, qty in enumerate(qtys, 1):
        if sign * qty < 0:
            raise WrongSign(field=f"lines.{line_no}", line_no=line_no, reason=code, qty=qty)


def check_settlement(case_no: str, qty: int, left: int, kind: str, wanted: int, customs_doc_no: str | None) -> None:
    """Raise what forbids to settle ``wanted`` of a case of ``qty`` (missing goods are negative).

    Raises CaseSettled, WrongSettlement, CustomsDocumentMissing.
    """
    if kind not in ({"found", "written_off"} if qty < 0 else {"declared"}):
        raise WrongSettlement(field="kind", case=case_no)
    if not 0 < wanted <= left:
        raise CaseSettled(field="qty", case=case_no, left=left, wanted=wanted)
    if kind != "found" and not customs_doc_no:
        raise CustomsDocumentMissing(field="customs_document")
