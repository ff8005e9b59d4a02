"""What may be changed in a list that was declared, without a database (customs reference, 1.3 and 1.4: dclTypecd)."""

from wms.customs.rules import ListFacts, wrong_state
from wms.errors import N_, Kind, WmsError

CHANGEABLE = frozenset({"declared", "pre_deducted"})


class ChangeOpen(WmsError):
    """Customs has not answered the last change yet."""

    code = "change_open"
    kind = Kind.CONFLICT
    text = N_("Customs has not answered the last change of list %(number)s yet.")


class NoChangeAsked(WmsError):
    """An answer to something that was never asked."""

    code = "no_change_asked"
    text = N_("No change number %(change_count)s of list %(number)s waits for an answer.")


class UnknownListLine(WmsError):
    """The list has no such line."""

    code = "unknown_list_line"
    kind = Kind.INVALID
    text = N_("List %(number)s has no line %(line_no)s.")


class QuantityBelowOne(WmsError):
    """A line declares something; who wants nothing of it deletes the list."""

    code = "quantity_below_one"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s must declare more than nothing, not %(wanted)s.")


class BelowOnPasses(WmsError):
    """Passes were made for more than the line would declare."""

    code = "below_on_passes"
    text = N_("Line %(line_no)s cannot be lowered to %(wanted)s: %(on_passes)s are on gate passes already.")


class ReasonMissing(WmsError):
    """A change, a deletion, a reopening say why, or by which document."""

    code = "change_reason_missing"
    kind = Kind.INVALID
    text = N_("Say why, or name the document.")


class ListInUse(WmsError):
    """Goods of the list are on a pass, or goods of its book line are counted and wait for a list to book them."""

    code = "list_in_use"
    text = N_("List %(number)s cannot be deleted: line %(line_no)s is on a gate pass or counted in.")


def check_may_change(facts: ListFacts, reason: str, *, has_open: bool) -> None:
    """Raise WrongListState, ReasonMissing or ChangeOpen where the list cannot be changed now."""
    if facts.state not in CHANGEABLE:
        raise wrong_state(facts, "pre_deducted")
    check_reason(reason)
    if has_open:
        raise ChangeOpen(number=facts.number)


def check_reason(reason: str) -> None:
    """Raise ReasonMissing where nothing was said."""
    if not reason.strip():
        raise ReasonMissing(field="reason")


def check_quantity(number: str, line_no: int, on_passes_qty: int | None, wanted: int) -> None:
    """Raise UnknownListLine, QuantityBelowOne, BelowOnPasses (use-up rule: on passes ≤ declared)."""
    if on_passes_qty is None:
        raise UnknownListLine(field="lines", number=number, line_no=line_no)
    if wanted <= 0:
        raise QuantityBelowOne(field="lines", line_no=line_no, wanted=wanted)
    if wanted < on_passes_qty:
        raise BelowOnPasses(field="lines", line_no=line_no, wanted=wanted, on_passes=on_passes_qty)
