"""What a clerk has in hand while moving goods, and how it is put down: one posting, whatever was taken."""

from dataclasses import dataclass
from typing import Any

from wms.errors import N_
from wms.floor import inside_queries as reads
from wms.floor.inside_queries import Names
from wms.floor.rules import moving
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.service import moving_board as boards
from wms.floor.service import pieces
from wms.floor.service.desk import Desk
from wms.floor.service.moving import overtaken, part_units
from wms.floor.service.moving_board import Board, Taken
from wms.stock import ledger
from wms.stock.rules import SerialElsewhere, ShortInPast, ShortStock, WeightLeft
from wms.stock.tables import HandlingUnit


@dataclass(frozen=True)
class Hand:
    """What the clerk has in hand: the piles it comes from, and the unit when it is moved whole.

    ``named`` is the unit whose label was scanned, when only a part is taken off it.
    """

    taken: list[Taken]
    unit: HandlingUnit | None
    tree: tuple[int, ...]
    named: HandlingUnit | None = None

    @property
    def qty(self) -> int:
        return sum(one.qty for one in self.taken)

    @property
    def name(self) -> str | Names:
        return self.unit.sscc if self.unit else self.taken[0].pile.names

    @property
    def from_id(self) -> int:
        found = self.taken[0].pile.account.location_id
        assert found is not None
        return found


def put(desk: Desk, hand: Hand, place_id: int) -> Answer:
    """Post what is in hand to a place.

    Raises AlreadyThere, WeightsDiffer, AlreadyMoved, ReservedFor, and what the rules of the place forbid.
    """
    session = desk.session
    board = Board(places=reads.places(session, {place_id, hand.from_id}))
    board.lay(one.pile for one in hand.taken)
    place = board.places[place_id]
    if place_id == hand.from_id:
        raise moving.AlreadyThere(item=hand.name, place=place.code)
    moving.check_loading_place(place)
    lines = board.carry(hand.taken, place_id, as_unit=hand.unit is not None)
    at = boards.moment(desk.event_at, hand.taken)
    posting = ledger.Posting(f"scan:{desk.key}", "move", at, tuple(lines), device=desk.device)
    try:
        desk.posting_id = ledger.post(session, posting).posting_id
    except (ShortStock, ShortInPast, SerialElsewhere) as refusal:
        raise overtaken(session, hand.taken, hand.tree) from refusal
    except WeightLeft as refusal:
        accounts = [one.pile.account for one in hand.taken]
        scanned = (hand.qty, sum(one.weight_g or 0 for one in hand.taken))
        pile = hand.taken[0].pile
        raise pieces.weights_differ(session, accounts, scanned, pile.names, pile.place) from refusal
    if hand.unit is not None:
        part_units(session, [(hand.unit, desk.posting_id)])
    desk.clear_next()
    text = N_("%(qty)s × %(item)s moved from %(from_place)s to %(place)s.")
    if hand.unit is not None:
        text = N_("%(item)s with %(qty)s pieces moved from %(from_place)s to %(place)s.")
    return Answer(
        Outcome.OK,
        "moved",
        text,
        {"qty": hand.qty, "item": hand.name, "from_place": hand.taken[0].pile.place, "place": place.code},
        expects=expects(desk),
        understood=understood(hand),
        is_undoable=True,
    )


def understood(hand: Hand) -> dict[str, Any]:
    """Return what a scan was understood as, for the screen."""
    pile = hand.taken[0].pile
    sscc = hand.unit.sscc if hand.unit else pile.sscc
    found = {"kind": "goods", "item": pile.names, "lot_no": pile.lot_no, "sscc": sscc, "qty": hand.qty}
    serials = [serial for one in hand.taken for serial in one.serials]
    weight_g = sum(one.weight_g or 0 for one in hand.taken)
    return found | ({"serials": ", ".join(serials)} if serials else {}) | ({"weight_g": weight_g} if weight_g else {})


def expects(desk: Desk) -> tuple[Expect, ...]:
    """Return what may be scanned next at the desk for moves."""
    match (desk.context.pending or {}).get("needs"):
        case "place":
            return (Expect.PLACE,)
        case "pieces":
            return (Expect.GOODS, Expect.PLACE, Expect.CONFIRM)
        case _:
            return (Expect.GOODS, Expect.PLACE)
