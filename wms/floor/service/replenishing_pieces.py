"""Replenishing goods whose pieces are told apart: scanned one by one until the line has all, DONE, or the pick face.

The line takes from one account, so a number that lies elsewhere is not wanted, even of the same item.
"""

from typing import Any

from wms.catalog import queries as catalog
from wms.codes.gs1 import Label
from wms.errors import N_
from wms.floor import piece_queries
from wms.floor.inside_queries import Pile
from wms.floor.rules import piece_mistakes, replenishing
from wms.floor.rules import pieces as rules
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.pieces import Piece
from wms.floor.service import pieces
from wms.floor.service.desk import Desk
from wms.floor.tables.replenishing import ReplenishmentLine

EXPECTS = (Expect.GOODS, Expect.PLACE, Expect.CONFIRM)


def is_open(desk: Desk) -> bool:
    """Whether pieces are being scanned; with all of them in hand only their place is wanted."""
    return (desk.context.pending or {}).get("needs") == "pieces"


def in_hand(pending: dict[str, Any]) -> tuple[Piece, ...]:
    """Return the pieces in hand; none where the goods are all alike, or go whole. Raises NoPieceYet."""
    found = pieces.kept(pending)
    if "pieces" in pending and not found:
        raise piece_mistakes.NoPieceYet(item=pending["names"])
    return found


def named(desk: Desk, label: Label, pile: Pile) -> Piece | None:
    """Return the piece of the wanted goods that a label names, None where it names none.

    Raises OneSerialAtATime, WeightOfOne, WeightNotWhole, SerialMissing, WeightMissing.
    """
    if label.serial is None and label.net_weight_g is None:
        return None
    found = catalog.items_by_gtin(desk.session, label.item_gtin) if label.item_gtin else ()
    scanned = next((one for one in found if one.item.id == pile.account.trade_item_id), None)
    return pieces.named(scanned, label, desk.context.next_qty) if scanned else None


def ask(desk: Desk, line: ReplenishmentLine, pile: Pile, wanted: int, *, is_unit: bool) -> Answer:
    """Ask for the pieces that are taken off a pallet whose label was scanned. Raises SerialMissing, WeightMissing."""
    if not is_unit:
        rules.refuse_unnamed(piece_queries.control_of(desk.session, pile.account.trade_item_id))
    _keep(desk, line, pile, wanted)
    text = N_("Scan each of the %(qty)s pieces of %(item)s that you take off %(sscc)s.")
    values = {"qty": wanted, "item": pile.names, "sscc": pile.sscc or "-"}
    return Answer(Outcome.OK, "pieces_wanted", text, values, None, EXPECTS)


def take(
    desk: Desk, label: Label, line: ReplenishmentLine, pile: Pile, piece: Piece | None, face: str
) -> Answer:  # fmt: skip
    """Take one more piece into the hand.

    Raises SerialMissing, WeightMissing, OtherGoodsWanted, TooManyToReplenish, SerialInHand, and what says why a number
    is not one of the wanted pieces.
    """
    _refuse_other(desk, label, pile, piece)
    assert piece is not None
    if "pieces" not in (desk.context.pending or {}):
        _keep(desk, line, pile, line.qty - line.done_qty)
    pending = dict(desk.context.pending or {})
    control = piece_queries.control_of(desk.session, pile.account.trade_item_id)
    if piece.serial is not None:
        _check_lies_here(desk, pile, piece.serial)
    held = rules.added(pieces.kept(pending), piece, control)
    if rules.count(held) > pending["qty"]:
        raise replenishing.TooManyToReplenish(item=pile.names, left=pending["qty"], wanted=rules.count(held))
    is_all = rules.count(held) == pending["qty"]
    needs = "place" if is_all else "pieces"
    desk.context.pending = {**pending, "pieces": [one.as_json() for one in held], "needs": needs}
    desk.clear_next()
    values = {
        "named": piece.serial or f"{piece.weight_g} g", "qty": rules.count(held), "wanted": pending["qty"],
        "item": pile.names, "place": face,
    }  # fmt: skip
    text = N_("%(named)s: %(qty)s of %(wanted)s × %(item)s in hand. Scan the next piece, or %(place)s.")
    if is_all:
        text = N_("%(named)s: all %(qty)s × %(item)s in hand. Take them to %(place)s and scan it.")
    expects = (Expect.PLACE,) if is_all else EXPECTS
    understood = {"kind": "goods", "item": pile.names, "lot_no": pile.lot_no, "qty": rules.count(held)}
    return Answer(Outcome.OK, "piece_in_hand", text, values, None, expects, understood)


def _refuse_other(desk: Desk, label: Label, pile: Pile, piece: Piece | None) -> None:
    other_lot = label.lot_no is not None and label.lot_no != pile.lot_no
    own = {one.item.id for one in catalog.items_by_gtin(desk.session, label.item_gtin)} if label.item_gtin else set()
    if pile.account.trade_item_id not in own or other_lot:
        raise replenishing.OtherGoodsWanted(item=pile.names, lot_no=pile.lot_no or "-", place=pile.place)
    if piece is None:
        rules.refuse_unnamed(piece_queries.control_of(desk.session, pile.account.trade_item_id))


def _check_lies_here(desk: Desk, pile: Pile, serial: str) -> None:
    control = piece_queries.control_of(desk.session, pile.account.trade_item_id)
    spot = pieces.where(desk.session, pile.account.trade_item_id, serial, control, desk.context.site_id)
    if spot.account_id == pile.account_id:
        return
    if spot.location_id == pile.account.location_id:  # the same place, but another lot, pallet or status
        raise replenishing.OtherGoodsWanted(item=pile.names, lot_no=pile.lot_no or "-", place=pile.place)
    raise piece_mistakes.SerialNotWanted(serial=serial, item=pile.names, place=spot.place or "-", wanted=pile.place)


def _keep(desk: Desk, line: ReplenishmentLine, pile: Pile, wanted: int) -> None:
    skipped = (desk.context.pending or {}).get("skipped", [])
    desk.context.pending = {
        "needs": "pieces", "line": line.id, "qty": wanted, "names": pile.names, "skipped": skipped, "pieces": [],
    }  # fmt: skip


def done(desk: Desk, pile: Pile, face: str) -> Answer:
    """No more pieces are taken this time: ask for their place. Raises NoPieceYet."""
    pending = dict(desk.context.pending or {})
    held = in_hand(pending)
    desk.context.pending = {**pending, "needs": "place"}
    text = N_("%(qty)s × %(item)s in hand. Take them to %(place)s and scan it.")
    values = {"qty": rules.count(held), "item": pile.names, "place": face}
    understood = {"kind": "goods", "item": pile.names, "lot_no": pile.lot_no, "qty": rules.count(held)}
    return Answer(Outcome.OK, "taken_in_hand", text, values, None, (Expect.PLACE,), understood)
