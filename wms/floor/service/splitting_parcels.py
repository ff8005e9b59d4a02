"""Part of an open parcel goes into a second carton of the same order."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.floor import leaving_queries as units
from wms.floor.leaving_queries import Content
from wms.floor.rules import packing as rules
from wms.floor.service.acting import By, Portion, carry, take_from
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.packing import OpenParcel, item_names, locked, open_parcel, sscc_of, standing_items
from wms.floor.tables.packing import Parcel, ParcelItem
from wms.parties.tables import Location


def split_parcel(
    session: Session, parcel_id: int, carton: str, goods: Sequence[tuple[int, str | None, int]], by: By
) -> Parcel:
    """Put part of an open parcel's goods, (item, lot number, base units), into a new one of the same order.

    Raises ParcelClosed, NotInUnit, TooManyInHand, UnknownCarton, EmptyParcel (where nothing would stay).
    """
    parcel = locked(session, parcel_id)
    label = sscc_of(session, parcel.handling_unit_id)
    if parcel.state != "open":
        raise rules.ParcelClosed(sscc=label, state=parcel.state)
    new = open_parcel(session, OpenParcel(parcel.location_id, parcel.owner_id, carton, parcel.order_id), by)
    inside = units.contents(session, [parcel.handling_unit_id])
    portions = [portion for wish in goods for portion in _part(session, inside, wish, label)]
    if sum(portion.qty for portion in portions) == sum(one.qty for one in inside):
        raise rules.EmptyParcel(sscc=label)
    place = session.get_one(Location, parcel.location_id)
    posting_id = carry(session, portions, place, by, "pack", unit_id=new.handling_unit_id, source_doc=f"parcel:{label}")
    _hand_over(session, parcel, new, portions, posting_id, by)
    return new


def _part(session: Session, inside: Sequence[Content], wish: tuple[int, str | None, int], label: str) -> list[Portion]:
    item, lot_no, qty = wish
    held = [one for one in inside if one.account.trade_item_id == item and lot_no in (None, one.lot_no)]
    if not held:
        raise rules.NotInUnit(item=item_names(session, item), sscc=label)
    portions = take_from(held, qty)
    if sum(portion.qty for portion in portions) < qty:
        left = sum(one.free_qty for one in held)
        raise rules.TooManyInHand(item=held[0].names, left=left, wanted=qty, sscc=label)
    return portions


def _hand_over(
    session: Session, parcel: Parcel, new: Parcel, portions: Sequence[Portion], posting_id: int, by: By
) -> None:
    """What was packed into the old parcel now counts for the new one; the parts of one packing are written anew."""
    person_id = session.scalar(select(APP_PERSON))
    for portion in portions:
        left = portion.qty
        key = portion.content.account
        for item in reversed(standing_items(session, parcel.id)):
            if left == 0 or (item.trade_item_id, item.lot_id) != (key.trade_item_id, key.lot_id):
                continue
            moved = min(left, item.qty)
            left -= moved
            item.undone_at = by.at
            same = {"trade_item_id": key.trade_item_id, "lot_id": key.lot_id, "posting_id": posting_id}
            rows = [{"parcel_id": new.id, "from_unit_id": parcel.handling_unit_id, "qty": moved, **same}]
            if moved < item.qty:
                rows.append(
                    {"parcel_id": parcel.id, "from_unit_id": item.from_unit_id, "qty": item.qty - moved, **same}
                )
            for row in rows:
                session.execute(
                    insert(ParcelItem).values(
                        **row, scan_id=by.scan_id, person_id=person_id, device=by.device, packed_at=by.at
                    )
                )
    session.flush()
