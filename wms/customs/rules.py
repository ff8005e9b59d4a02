"""Pure decisions of customs law: what a verification list may do next, and which goods may be sold or may leave.

Sources: customs reference 1.3 (states of the list, both conditions of booking) and 1.7 (in/out checklist, IN-a, IN-f,
IN-g); the marks there say what is confirmed.
"""

from dataclasses import dataclass
from datetime import datetime

from wms.errors import N_, Kind, WmsError


class BadDocumentNumber(WmsError):
    """The number has not the shape that customs gives such a document."""

    code = "bad_document_number"
    kind = Kind.INVALID
    text = N_("%(number)s is no number of a %(document)s.")


class UnknownList(WmsError):
    """No verification list by that number."""

    code = "unknown_verification_list"
    kind = Kind.NOT_FOUND
    text = N_("There is no verification list %(number)s.")


class WrongListState(WmsError):
    """The list is not in the state that the step needs."""

    code = "wrong_list_state"
    text = N_("The verification list %(number)s is %(state)s; this step needs it to be %(needed)s.")


class ListWithoutLines(WmsError):
    """A list that names no goods cannot be declared."""

    code = "list_without_lines"
    kind = Kind.INVALID
    text = N_("The verification list %(number)s names no goods.")


class LineNotOfBook(WmsError):
    """A line points to a line of another account book, or to another item than that line counts."""

    code = "line_not_of_book"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s does not belong to account book %(book_no)s or names another item.")


class EntryNotReleased(WmsError):
    """First condition of booking: the customs declaration behind the list is released."""

    code = "entry_not_released"
    text = N_("List %(number)s cannot be booked: its declaration is not released yet.")


class GoodsNotThroughGate(WmsError):
    """Second condition of booking: all goods of the list went through the gate."""

    code = "goods_not_through_gate"
    text = N_("List %(number)s cannot be booked: line %(line_no)s has %(missing)s that did not pass the gate.")


class GoodsNotCounted(WmsError):
    """Goods are counted, and what is missing is reported, before their list is booked (IN-f)."""

    code = "goods_not_counted"
    text = N_(
        "List %(number)s cannot be booked: line %(line_no)s has %(missing)s not counted in. Close the receipt first."
    )


class NotSellable(WmsError):
    """Bonded goods whose list is not booked may not be sold (IN-g)."""

    code = "not_booked_yet"
    text = N_("These bonded goods may not be sold yet: their verification list is not booked.")


class OnHold(WmsError):
    """Goods that are held, damaged, in quarantine or expired stay where they are."""

    code = "goods_held_by_quality"
    text = N_("These goods may not leave: their quality status is %(quality_status)s.")


# What may follow what (customs reference, 1.3). Anything else is refused.
NEXT_STATES: dict[str, frozenset[str]] = {
    "draft": frozenset({"declared", "deleted"}),
    "declared": frozenset({"pre_deducted", "returned", "deleted"}),
    "returned": frozenset({"declared", "deleted"}),
    "pre_deducted": frozenset({"booked", "deleted"}),
    "booked": frozenset({"written_off"}),
    "written_off": frozenset(),
    "deleted": frozenset(),
}


# The states in words, for refusals: "booked" alone would be a freight booking elsewhere.
STATE_WORDS: dict[str, str] = {
    "draft": N_("draft"),
    "declared": N_("declared"),
    "pre_deducted": N_("pre-deducted"),
    "booked": N_("booked in the account book"),
    "written_off": N_("written off"),
    "returned": N_("sent back by customs"),
    "deleted": N_("deleted"),
}


@dataclass(frozen=True)
class LineFacts:
    """A line of a list as booking sees it; quantities in base units.

    ``awaiting_qty`` is what of its book line waits for a list to book it: received or reported missing (inward), or
    passed the gate and deducted provisionally (outward).
    """

    line_no: int
    declared_base_qty: int
    passed_qty: int
    awaiting_qty: int


@dataclass(frozen=True)
class ListFacts:
    """A verification list as its rules see it."""

    number: str
    state: str
    direction: str
    entry_released_at: datetime | None
    lines: tuple[LineFacts, ...]
    change_count: int = 0


@dataclass(frozen=True)
class GoodsFacts:
    """Goods in one account, as the decision to sell or to let out sees them."""

    customs_status: str
    quality_status: str
    booked_qty: int


def check_step(facts: ListFacts, to_state: str) -> None:
    """Raise :class:`WrongListState` unless the list may go to ``to_state``; ListWithoutLines when it is empty."""
    if to_state not in NEXT_STATES[facts.state]:
        needed = next(state for state, after in NEXT_STATES.items() if to_state in after)
        raise wrong_state(facts, needed)
    if not facts.lines:
        raise ListWithoutLines(number=facts.number)


def wrong_state(facts: ListFacts, needed: str) -> WrongListState:
    """Return the refusal of a step that needs the list to be ``needed``."""
    return WrongListState(number=facts.number, state=STATE_WORDS[facts.state], needed=STATE_WORDS[needed])


def check_booking(facts: ListFacts) -> None:
    """Raise what forbids booking: state, declaration not released, goods not through the gate, goods not counted.

    Both official conditions must hold; neither alone is enough.
    """
    check_step(facts, "booked")
    if facts.entry_released_at is None:
        raise EntryNotReleased(number=facts.number)
    for line in facts.lines:
        if line.passed_qty < line.declared_base_qty:
            missing = line.declared_base_qty - line.passed_qty
            raise GoodsNotThroughGate(number=facts.number, line_no=line.line_no, missing=missing)
    for line in facts.lines:
        if line.awaiting_qty < line.declared_base_qty:
            missing = line.declared_base_qty - line.awaiting_qty
            raise GoodsNotCounted(number=facts.number, line_no=line.line_no, missing=missing)


def may_receive(number: str, state: str) -> None:
    """Raise :class:`WrongListState` unless goods of the list may be counted in: approved and pre-deducted (IN-a)."""
    if state not in {"pre_deducted", "booked"}:
        raise WrongListState(number=number, state=STATE_WORDS[state], needed=STATE_WORDS["pre_deducted"])


def may_sell(goods: GoodsFacts, qty: int) -> None:
    """Raise what forbids selling ``qty`` base units: quality status, or a list that is not booked (IN-g)."""
    if goods.quality_status != "good":
        raise OnHold(quality_status=goods.quality_status)
    if goods.customs_status == "bonded" and goods.booked_qty < qty:
        raise NotSellable


def may_leave(goods: GoodsFacts, qty: int) -> None:
    """Raise what forbids loading ``qty`` base units to leave the zone. The gate asks for its pass besides (I5)."""
    may_sell(goods, qty)
