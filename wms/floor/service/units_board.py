"""What a unit at hand holds, and which of it a label means, for the desk that changes units."""

from collections.abc import Sequence

from sqlalchemy import select

from wms.catalog import queries as catalog
from wms.codes.gs1 import Label
from wms.floor import inside_queries, piece_queries, unit_queries
from wms.floor.rules import mistakes, unit_mistakes
from wms.floor.rules import pieces as rules
from wms.floor.rules import units as unit_rules
from wms.floor.rules.repacking import Wanted
from wms.floor.service import goods as labels
from wms.floor.service import pieces, units
from wms.floor.service.desk import Desk
from wms.floor.tables.packing import Parcel
from wms.floor.unit_queries import Content, UnitRow
from wms.parties.tables import Location
from wms.stock.accounts import account_ids


def at_hand(desk: Desk, sscc: str) -> UnitRow:
    """Return a unit that the clerk may change here.

    Raises UnknownHandlingUnit, UnitIsParcel, UnitElsewhere, UnitNotAtHand.
    """
    unit = units.known(desk.session, sscc)
    if desk.session.scalar(select(Parcel.id).where(Parcel.handling_unit_id == unit.id).limit(1)) is not None:
        raise unit_mistakes.UnitIsParcel(sscc=sscc)
    tree = unit_queries.tree_of(desk.session, [unit.id])
    for one in unit_queries.contents(desk.session, [unit.id, *tree.below(unit.id)]):
        if one.account.site_id != desk.context.site_id:
            raise unit_mistakes.UnitElsewhere(sscc=sscc)
        place = desk.session.get_one(Location, one.account.location_id)
        if place.kind not in unit_rules.SET_DOWN_KINDS:
            raise unit_mistakes.UnitNotAtHand(sscc=sscc, place=place.code, place_kind=place.kind)
    return unit


def inside(desk: Desk, unit: UnitRow) -> tuple[Content, ...]:
    """Return what lies in a unit and in those that stand in it."""
    tree = unit_queries.tree_of(desk.session, [unit.id])
    return unit_queries.contents(desk.session, [unit.id, *tree.below(unit.id)])


def refuse_promised(desk: Desk, unit: UnitRow) -> None:
    """Raise GoodsPromised where a part of what lies in a unit is promised: it goes over whole or not at all."""
    for one in inside(desk, unit):
        if one.free_qty < one.qty:
            account_id = account_ids(desk.session, {one.account})[one.account]
            document = inside_queries.holder(desk.session, account_id)
            raise unit_mistakes.GoodsPromised(
                reserved=one.qty - one.free_qty, item=one.names, sscc=unit.sscc, document=document
            )


def wanted(desk: Desk, unit: UnitRow, label: Label, before: Sequence[Wanted]) -> Wanted:
    """Return the goods of a unit that a label means; ``before`` are those that were scanned already.

    Raises UnknownLabel, NotInThisUnit, LotOfUnit, NotSoManyInThisUnit, and the mistakes of single pieces.
    """
    scanned = catalog.items_by_gtin(desk.session, label.item_gtin or "")
    if not scanned:
        raise mistakes.UnknownLabel(label=labels.shown(label))
    lying = unit_queries.contents(desk.session, [unit.id])
    here = {one.account.trade_item_id for one in lying}
    found = next((one for one in scanned if one.item.id in here), None)
    if found is None:
        names = {"zh": scanned[0].item.name_zh, "en": scanned[0].item.name_en}
        raise unit_mistakes.NotInThisUnit(item=names, sscc=unit.sscc)
    of_item = [one for one in lying if one.account.trade_item_id == found.item.id]
    of_lot = [one for one in of_item if label.lot_no is None or one.lot_no == label.lot_no]
    names = of_item[0].names
    if not of_lot:
        raise unit_mistakes.NotInThisUnit(item=names, sscc=unit.sscc)
    lots = sorted({one.lot_no or "-" for one in of_lot})
    if len(lots) > 1:
        raise unit_mistakes.LotOfUnit(item=names, sscc=unit.sscc, lots=", ".join(lots))
    qty = (desk.context.next_qty or label.count or 1) * found.base_qty
    piece = pieces.named(found, label, desk.context.next_qty)
    taken = sum(one.qty for one in before if one.trade_item_id == found.item.id and one.lot_id == _lot(of_lot))
    left = sum(one.free_qty for one in of_lot) - taken
    if qty > left:
        raise unit_mistakes.NotSoManyInThisUnit(left=left, item=names, sscc=unit.sscc, wanted=qty)
    if piece is None:
        if qty < sum(one.qty for one in of_lot):
            rules.refuse_unnamed(pieces.control_of(found))
        return Wanted(found.item.id, qty, _lot(of_lot), item=found.item.code)
    serials = (piece.serial,) if piece.serial is not None else ()
    if piece.serial is not None:
        _check_serial(desk, unit, found.item.id, piece.serial, before)
    return Wanted(found.item.id, piece.qty, _lot(of_lot), None, piece.weight_g, serials, found.item.code)


def _lot(of_lot: Sequence[Content]) -> int | None:
    return of_lot[0].account.lot_id


def _check_serial(desk: Desk, unit: UnitRow, item_id: int, serial: str, before: Sequence[Wanted]) -> None:
    control = piece_queries.control_of(desk.session, item_id)
    rules.added([rules.Piece(one) for wish in before for one in wish.serials], rules.Piece(serial), control)
    spot = pieces.where(desk.session, item_id, serial, control, desk.context.site_id)
    if spot.handling_unit_id != unit.id:
        raise pieces.not_here(spot, control, unit.sscc)
