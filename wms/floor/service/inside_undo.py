"""Undo inside the warehouse: the last posting of a device in a job is reversed; what it changed beside is put back."""

from sqlalchemy import select, update

from wms.floor.rules import mistakes
from wms.floor.service.desk import Desk
from wms.floor.tables import Scan
from wms.floor.tables.moves import UnitParted
from wms.stock import ledger
from wms.stock.rules import AlreadyReversed, SerialElsewhere, ShortInPast, ShortStock, WeightLeft
from wms.stock.tables import HandlingUnit, Posting


def last_posted(desk: Desk, key: str | None) -> Scan:
    """Return the device's last scan in this job that posted and still stands, or the one with ``key``.

    Raises NothingToUndo.
    """
    query = (
        select(Scan)
        .join(Posting, Posting.id == Scan.posting_id)
        .where(
            Scan.device == desk.device,
            Scan.job == desk.context.job,
            Scan.undone_at.is_(None),
            Posting.reverses_id.is_(None),
        )
    )
    if key is not None:
        query = query.where(Scan.key == key)
    found = desk.session.scalars(query.order_by(Scan.id.desc()).limit(1)).one_or_none()
    if found is None:
        raise mistakes.NothingToUndo
    return found


def reverse(desk: Desk, scan: Scan) -> int:
    """Reverse a scan's posting and put units back on the units they were taken off; returns the posting undone.

    Raises MovedSince.
    """
    assert scan.posting_id is not None
    scan.undone_at = desk.event_at
    at = max(desk.event_at, desk.last_event_of(scan.posting_id))
    try:
        posted = ledger.reverse(desk.session, f"scan:{desk.key}", scan.posting_id, reason="undone by scan", event_at=at)
    except (ShortStock, ShortInPast, AlreadyReversed, SerialElsewhere, WeightLeft) as refusal:
        raise mistakes.MovedSince from refusal
    desk.posting_id = posted.posting_id
    for parted in desk.session.scalars(select(UnitParted).where(UnitParted.posting_id == scan.posting_id)):
        desk.session.execute(
            update(HandlingUnit)
            .where(HandlingUnit.id == parted.handling_unit_id)
            .values(parent_id=parted.parent_id, nested_at=at)
        )
    desk.session.flush()
    return scan.posting_id
