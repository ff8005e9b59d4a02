"""Pieces put away one by one: scanned at the dock until DONE or a place; the ledger gets exactly these."""

from typing import Any

from wms.catalog import queries as catalog
from wms.catalog.queries import ScannedItem
from wms.codes.gs1 import Label
from wms.errors import N_
from wms.floor import place_queries
from wms.floor.place_queries import Waiting
from wms.floor.rules import mistakes, piece_mistakes
from wms.floor.rules import pieces as rules
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.pieces import Piece
from wms.floor.rules.putaway import BLOCKED_STATUSES
from wms.floor.service import pieces
from wms.floor.service.desk import Desk

EXPECTS = (Expect.GOODS, Expect.PLACE, Expect.CONFIRM)


def is_open(desk: Desk) -> bool:
    """Whether pieces are being scanned; once their place was asked for, they are goods in hand like others."""
    return (desk.context.pending or {}).get("needs") == "pieces"


def first(desk: Desk, label: Label) -> tuple[ScannedItem, Piece] | None:
    """Return the piece that a label names, None where it names none.

    Raises OneSerialAtATime, WeightOfOne, WeightNotWhole, SerialMissing, WeightMissing.
    """
    if label.item_gtin is None or (label.serial is None and label.net_weight_g is None):
        return None
    for scanned in catalog.items_by_gtin(desk.session, label.item_gtin):
        piece = pieces.named(scanned, label, desk.context.next_qty)
        if piece is not None:
            return scanned, piece
    return None


def waiting_of_serial(desk: Desk, scanned: ScannedItem, serial: str) -> Waiting:
    """Return the open task for the piece with a number. Raises UnknownSerial, SerialGone, SerialNotWaiting."""
    assert desk.context.site_id is not None
    control = pieces.control_of(scanned)
    spot = pieces.where(desk.session, scanned.item.id, serial, control, desk.context.site_id)
    for waiting in place_queries.waiting_items(desk.session, desk.context.site_id, [scanned.item.id]):
        there = (waiting.from_location_id, waiting.lot_id, waiting.handling_unit_id, waiting.is_blocked)
        if there == (spot.location_id, spot.lot_id, spot.handling_unit_id, spot.quality_status in BLOCKED_STATUSES):
            return waiting
    raise piece_mistakes.SerialNotWaiting(serial=serial, item=dict(control.names), place=spot.place or "-")


def begin(desk: Desk, label: Label, waiting: Waiting, piece: Piece) -> Answer:
    """Take the first piece of a task into the hand."""
    _keep(desk, label, waiting)
    return _with(desk, waiting, piece)


def ask(desk: Desk, label: Label, waiting: Waiting, wanted: int) -> Answer | None:
    """Where a part of a task is meant and its pieces were not named: ask for them. None: none are needed."""
    if wanted == waiting.left_qty or not waiting.control.is_told_apart:
        return None
    _keep(desk, label, waiting, wanted=wanted)
    text = N_("Scan each of the %(qty)s pieces of %(item)s that you put away.")
    values = {"qty": wanted, "item": waiting.names}
    return Answer(Outcome.OK, "pieces_wanted", text, values, None, EXPECTS)


def _keep(desk: Desk, label: Label, waiting: Waiting, **more: Any) -> None:
    desk.keep("pieces", label, names=waiting.names, task=waiting.task_id, item=waiting.trade_item_id, pieces=[], **more)


def go_on(desk: Desk, label: Label) -> Answer:
    """Take one more piece into the hand. Raises PlaceFirst for goods of another task, EnoughPieces, SerialInHand."""
    pending = dict(desk.context.pending or {})
    found = first(desk, label)
    if found is None:
        own = {one.item.id for one in catalog.items_by_gtin(desk.session, label.item_gtin or "")}
        if pending["item"] in own:
            rules.refuse_unnamed(task(desk, pending).control)
        raise mistakes.PlaceFirst(item=pending["names"])
    scanned, piece = found
    waiting = task(desk, pending)
    if scanned.item.id != pending["item"] or label.lot_no not in (None, waiting.lot_no):
        raise mistakes.PlaceFirst(item=pending["names"])
    if piece.serial is not None and waiting_of_serial(desk, scanned, piece.serial).task_id != waiting.task_id:
        raise mistakes.PlaceFirst(item=pending["names"])
    if pending.get("wanted") is not None and rules.count(pieces.kept(pending)) >= pending["wanted"]:
        raise piece_mistakes.EnoughPieces(wanted=pending["wanted"], item=waiting.names)
    return _with(desk, waiting, piece)


def task(desk: Desk, pending: dict[str, Any]) -> Waiting:
    """Return the task whose pieces are in hand. Raises TooMany when others put all of it away meanwhile."""
    assert desk.context.site_id is not None
    found = place_queries.waiting_task(desk.session, desk.context.site_id, pending["task"])
    if found is None:
        raise mistakes.TooMany(item=pending["names"], left=0, wanted=rules.count(pieces.kept(pending)))
    return found


def _with(desk: Desk, waiting: Waiting, piece: Piece) -> Answer:
    pending = dict(desk.context.pending or {})
    in_hand = rules.added(pieces.kept(pending), piece, waiting.control)
    if rules.count(in_hand) > waiting.left_qty:
        raise mistakes.TooMany(item=waiting.names, left=waiting.left_qty, wanted=rules.count(in_hand))
    desk.context.pending = {**pending, "pieces": [one.as_json() for one in in_hand]}
    values = {
        "qty": rules.count(in_hand), "item": waiting.names, "place": waiting.from_code,
        "named": piece.serial or f"{piece.weight_g} g",
    }  # fmt: skip
    text = N_("%(named)s: %(qty)s × %(item)s from %(place)s in hand. Scan the next piece, the place, or DONE.")
    understood = {"kind": "goods", "item": waiting.names, "lot_no": waiting.lot_no, "qty": rules.count(in_hand)}
    return Answer(Outcome.OK, "piece_in_hand", text, values, None, EXPECTS, understood)


def in_hand(desk: Desk, pending: dict[str, Any]) -> tuple[Waiting, tuple[Piece, ...]]:
    """Return the task and the pieces of it that are in hand. Raises NoPieceYet, TooMany."""
    found = pieces.kept(pending)
    if not found:
        raise piece_mistakes.NoPieceYet(item=pending["names"])
    return task(desk, pending), found


def back(desk: Desk) -> Answer:
    """Put the last piece down again; with none left the hand is empty."""
    pending = dict(desk.context.pending or {})
    left = pending["pieces"][:-1]
    if not left:
        desk.context.pending = None
        return Answer(Outcome.OK, "put_down", N_("Put down. Nothing was booked."), expects=(Expect.GOODS, Expect.PLACE))
    desk.context.pending = {**pending, "pieces": left}
    text = N_("The last piece is put down; %(qty)s × %(item)s still in hand.")
    values = {"qty": rules.count(pieces.kept({"pieces": left})), "item": pending["names"]}
    return Answer(Outcome.OK, "piece_put_down", text, values, None, EXPECTS)
