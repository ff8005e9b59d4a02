"""Lots that go with goods from one owner's item to another's: the same number and days under the taker's item."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.stock.tables import Lot


def same_lot(session: Session, lot_id: int | None, item_id: int) -> int | None:
    """Return the lot of ``item_id`` with the same number and days, filed where it is new; None for no lot."""
    if lot_id is None:
        return None
    known = session.get_one(Lot, lot_id)
    found = session.scalars(select(Lot).where(Lot.trade_item_id == item_id, Lot.lot_no == known.lot_no)).one_or_none()
    if found is None:
        found = Lot(
            trade_item_id=item_id, lot_no=known.lot_no, expires_on=known.expires_on, produced_on=known.produced_on
        )
        session.add(found)
        session.flush()
    return found.id
