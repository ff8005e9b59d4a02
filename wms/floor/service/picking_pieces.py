"""Pieces picked one by one: the number or the grams on a label go to the pick line and to the ledger."""

from wms.codes.gs1 import Label
from wms.errors import WmsError
from wms.floor import piece_queries
from wms.floor.pick_queries import ListLineRow
from wms.floor.rules import piece_mistakes
from wms.floor.rules import pieces as rules
from wms.floor.rules.pieces import Piece
from wms.floor.service import pieces
from wms.floor.service.desk import Desk
from wms.stock.rules import SerialElsewhere, SerialsMissing, WeightLeft, WeightMissing


def named(desk: Desk, line: ListLineRow, label: Label, qty: int) -> Piece | None:
    """Return the piece of a line that a label names, None where it names none. ``qty``: base units of the scan.

    Raises OneSerialAtATime, WeightOfOne, WeightNotWhole, SerialMissing, WeightMissing; UnknownSerial, SerialGone and
    SerialNotWanted for a number that does not lie where the line takes its goods from.
    """
    if label.serial is None and label.net_weight_g is None:
        return None
    control = piece_queries.control_of(desk.session, line.trade_item_id)
    times = desk.context.next_qty or 1
    piece = rules.named(control, label.serial, label.net_weight_g, qty // times, times)
    if piece is not None and piece.serial is not None:
        _check_serial(desk, line, piece.serial)
    return piece


def _check_serial(desk: Desk, line: ListLineRow, serial: str) -> None:
    control = piece_queries.control_of(desk.session, line.trade_item_id)
    spot = pieces.where(desk.session, line.trade_item_id, serial, control, desk.context.site_id)
    there = (spot.location_id, spot.lot_id, spot.handling_unit_id)
    if there != (line.location_id, line.lot_id, line.from_handling_unit_id):
        raise piece_mistakes.SerialNotWanted(
            serial=serial, item=line.names, place=spot.place or "-", wanted=line.place
        )


def in_words(desk: Desk, line: ListLineRow, refusal: WmsError, piece: Piece | None) -> WmsError:
    """Say what a refusal of the ledger means for who scans pieces; other refusals are given back."""
    match refusal:
        case SerialsMissing():
            return piece_mistakes.SerialMissing(item=line.names)
        case WeightMissing():
            return piece_mistakes.WeightMissing(item=line.names)
        case SerialElsewhere() if piece is not None and piece.serial is not None:
            spot = piece_queries.spots(desk.session, line.trade_item_id, [piece.serial])[piece.serial]
            return piece_mistakes.SerialNotWanted(
                serial=piece.serial, item=line.names, place=spot.place or "-", wanted=line.place
            )
        case WeightLeft() if piece is not None:
            held, held_g = piece_queries.held_in(desk.session, line.id)
            return piece_mistakes.WeightsDiffer(
                qty=piece.qty, weight_g=piece.weight_g or 0, item=line.names, place=line.place, held=held, held_g=held_g
            )
        case _:
            return refusal
