"""Parts of goods whose pieces are told apart: scanned one by one into the hand, until DONE or a place.

The ledger gets exactly these numbers and grams. A number says itself where its piece lies; weighed pieces lie where the
clerk stands, or on the pallet whose label was scanned with QTY.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select

from wms.catalog import queries as catalog
from wms.catalog.queries import ScannedItem
from wms.codes.gs1 import Label
from wms.errors import N_
from wms.floor import inside_queries as reads
from wms.floor import place_queries
from wms.floor.inside_queries import Names, Pile
from wms.floor.rules import mistakes, moving, piece_mistakes
from wms.floor.rules import pieces as rules
from wms.floor.rules.answers import Answer, Outcome
from wms.floor.rules.pieces import Control, Piece
from wms.floor.service import pieces
from wms.floor.service.desk import Desk
from wms.floor.service.moving import already_moved, last_moved
from wms.floor.service.moving_board import Taken
from wms.floor.service.moving_hand import Hand, expects, put, understood
from wms.stock.tables import HandlingUnit

Resolve = Callable[[Desk, Label, int | None], tuple[list[Pile], list[ScannedItem]]]


def is_open(desk: Desk) -> bool:
    """Whether pieces are being scanned, or are in hand and wait for their place."""
    return "pieces" in (desk.context.pending or {})


def begin(desk: Desk, label: Label, here: int | None, loose: Resolve) -> Answer | None:
    """Take the first piece into the hand; None where the label names no piece of such goods.

    ``loose`` finds the piles of goods that lie loose. Raises what naming a piece and taking it raise.
    """
    if label.serial is None and label.net_weight_g is None:
        return None
    scanned = _scanned(desk, label)
    if scanned is None or (piece := pieces.named(scanned, label, desk.context.next_qty)) is None:
        return None
    control = pieces.control_of(scanned)
    if piece.serial is not None:
        spot = pieces.where(desk.session, scanned.item.id, piece.serial, control, desk.context.site_id)
        if here not in (None, spot.location_id):
            raise pieces.not_here(spot, control, place_queries.place(desk.session, here or 0).code)
        from_id = spot.location_id
    else:
        piles, _ = loose(desk, label, here)
        from_id = piles[0].account.location_id
    desk.keep(
        "pieces", label, names=dict(control.names), from_id=from_id, item=scanned.item.id, lot_no=label.lot_no,
        pieces=[],
    )  # fmt: skip
    return _with(desk, control, piece)


def ask(desk: Desk, label: Label, taken: Sequence[Taken], unit: HandlingUnit | None) -> Answer | None:
    """Where a part of a pile is meant and its pieces were not named: ask for them one by one. None: none are needed.

    Only who scans a pallet's label with QTY is asked; else the mistake says to scan the pieces.
    """
    parts = [one.pile for one in taken if one.qty < one.pile.qty and one.pile.is_told_apart]
    if unit is None or not parts:
        pieces.refuse_parts(desk.session, taken)
        return None
    pile = parts[0]
    wanted = sum(one.qty for one in taken)
    desk.keep(
        "pieces", label, names=pile.names, from_id=pile.account.location_id, item=pile.account.trade_item_id,
        lot_no=label.lot_no, pieces=[], unit=unit.id, wanted=wanted,
    )  # fmt: skip
    text = N_("Scan each of the %(qty)s pieces of %(item)s that you take off %(sscc)s.")
    values = {"qty": wanted, "item": pile.names, "sscc": unit.sscc}
    return Answer(Outcome.OK, "pieces_wanted", text, values, None, expects(desk))


def go_on(desk: Desk, label: Label) -> Answer:
    """Take one more piece into the hand. Raises PlaceFirst for other goods, EnoughPieces, SerialInHand and others."""
    pending = dict(desk.context.pending or {})
    scanned = _scanned(desk, label)
    other_lot = label.lot_no is not None and pending.get("lot_no") not in (None, label.lot_no)
    if scanned is None or scanned.item.id != pending["item"] or other_lot:
        raise mistakes.PlaceFirst(item=pending["names"])
    control = pieces.control_of(scanned)
    piece = pieces.named(scanned, label, desk.context.next_qty)
    if piece is None:
        rules.refuse_unnamed(control)
    assert piece is not None
    if pending.get("wanted") is not None and rules.count(pieces.kept(pending)) >= pending["wanted"]:
        raise piece_mistakes.EnoughPieces(wanted=pending["wanted"], item=dict(control.names))
    return _with(desk, control, piece)


def _scanned(desk: Desk, label: Label) -> ScannedItem | None:
    """Return the item of a label whose pieces are told apart: of several owners' the one that has this number here."""
    found = catalog.items_by_gtin(desk.session, label.item_gtin) if label.item_gtin else ()
    apart = [one for one in found if pieces.control_of(one).is_told_apart]
    if len(apart) > 1 and label.serial:
        owned = [one for one in apart if pieces.is_filed(desk.session, one.item.id, label.serial)]
        apart = owned or apart
    return apart[0] if apart else None


def _with(desk: Desk, control: Control, piece: Piece) -> Answer:
    pending = dict(desk.context.pending or {})
    in_hand = rules.added(pieces.kept(pending), piece, control)
    if piece.serial is not None:
        spot = pieces.where(desk.session, pending["item"], piece.serial, control, desk.context.site_id)
        if spot.location_id != pending["from_id"]:
            here = place_queries.place(desk.session, pending["from_id"]).code
            raise pieces.not_here(spot, control, here)
    pending["pieces"] = [one.as_json() for one in in_hand]
    pending["needs"] = "place" if rules.count(in_hand) == pending.get("wanted") else "pieces"
    desk.context.pending = pending
    hand = _hand(desk, pending)
    values: dict[str, Any] = {
        "qty": hand.qty, "item": dict(control.names), "place": hand.taken[0].pile.place,
        "named": piece.serial or f"{piece.weight_g} g",
    }  # fmt: skip
    text = N_("%(named)s: %(qty)s × %(item)s from %(place)s in hand. Scan the next piece, or the place.")
    if pending["needs"] == "place":
        text = N_("%(named)s: %(qty)s × %(item)s from %(place)s in hand. Scan where you put them.")
    return Answer(Outcome.OK, "piece_in_hand", text, values, None, expects(desk), understood(hand))


def _hand(desk: Desk, pending: dict[str, Any]) -> Hand:
    """Return the pieces in hand with the piles that they are taken from, as things are now."""
    in_hand = pieces.kept(pending)
    if not in_hand:
        raise piece_mistakes.NoPieceYet(item=pending["names"])
    if in_hand[0].serial is not None:
        taken = pieces.taken_by_serial(desk.session, pending["item"], in_hand)
        if pieces.is_overtaken(taken, in_hand) or taken[0].pile.account.location_id != pending["from_id"]:
            raise last_moved(desk.session, pending["names"], [one.pile.account_id for one in taken])
        return Hand(taken, None, ())
    piles = _piles(desk, pending)
    return Hand(pieces.taken_by_weight(desk.session, piles, in_hand, pending["lot_no"]), None, ())


def _piles(desk: Desk, pending: dict[str, Any]) -> list[Pile]:
    session = desk.session
    if pending.get("unit") is None:
        found = reads.piles_of_items_at(session, [(pending["from_id"], pending["item"])])
        piles = [pile for pile in found if pile.account.handling_unit_id is None]
        if not piles:
            place, wanted = place_queries.place(session, pending["from_id"]).code, rules.count(pieces.kept(pending))
            raise moving.NotEnoughHere(item=pending["names"], place=place, left=0, wanted=wanted)
        return piles
    unit = session.scalars(select(HandlingUnit).where(HandlingUnit.id == pending["unit"])).one()
    tree = tuple(reads.nested(session, [unit.id])[unit.id])
    piles = [pile for pile in reads.piles_on(session, tree) if pile.account.trade_item_id == pending["item"]]
    if not piles or piles[0].account.location_id != pending["from_id"]:
        raise already_moved(session, unit, tree)
    return piles


def done(desk: Desk) -> Answer:
    """All pieces are in hand: ask for their place. Raises NoPieceYet."""
    pending = dict(desk.context.pending or {})
    hand = _hand(desk, pending)
    desk.context.pending = {**pending, "needs": "place"}
    names: Names = pending["names"]
    text = N_("%(qty)s × %(item)s from %(place)s. Scan where you put it.")
    values = {"qty": hand.qty, "item": names, "place": hand.taken[0].pile.place}
    return Answer(Outcome.OK, "taken_in_hand", text, values, None, expects(desk), understood(hand))


def put_down(desk: Desk, place_id: int) -> Answer:
    """Post the pieces in hand to a place. Raises NoPieceYet, AlreadyMoved and what :func:`moving_hand.put` raises."""
    hand = _hand(desk, dict(desk.context.pending or {}))
    desk.context.pending = None
    return put(desk, hand, place_id)


def back(desk: Desk) -> Answer:
    """Put the last piece down again; with none left the hand is empty."""
    pending = dict(desk.context.pending or {})
    left = pending["pieces"][:-1]
    if not left:
        desk.context.pending = None
        return Answer(Outcome.OK, "put_down", N_("Put down. Nothing was booked."), expects=expects(desk))
    desk.context.pending = {**pending, "pieces": left, "needs": "pieces"}
    text = N_("The last piece is put down; %(qty)s × %(item)s still in hand.")
    values = {"qty": rules.count(pieces.kept({"pieces": left})), "item": pending["names"]}
    return Answer(Outcome.OK, "piece_put_down", text, values, None, expects(desk))
