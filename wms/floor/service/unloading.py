"""What stands on a vehicle is taken off again: the posting's mirror image, or to a place that is named."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from wms.floor import leaving_queries as units
from wms.floor.rules import loading as rules
from wms.floor.rules.mistakes import MovedSince
from wms.floor.service.acting import By, Portion, carry
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.loading import parcels_are
from wms.floor.service.opening_loads import changeable
from wms.floor.tables.loading import LoadUnit, VehicleLoad
from wms.floor.tables.scans import Scan
from wms.parties.tables import Location
from wms.stock import ledger
from wms.stock.rules import AlreadyReversed, ShortInPast, ShortStock
from wms.stock.tables import Account, Balance, Entry, HandlingUnit


def take_off(session: Session, load_id: int, sscc: str, by: By, place_id: int | None = None) -> LoadUnit:
    """Take a unit off the vehicle: back to where it was loaded from, or to ``place_id``.

    Raises LoadNotOpen, LoadingAfterApproval, UnknownUnit, NotOnLoad, GoesWithParent, MovedSince.
    """
    load, _ = changeable(session, load_id)
    unit = units.unit_by_sscc(session, sscc, lock=True)
    if unit is None:
        raise rules.UnknownUnit(sscc=sscc)
    row = session.scalars(
        select(LoadUnit).where(
            LoadUnit.load_id == load.id, LoadUnit.handling_unit_id == unit.id, LoadUnit.unloaded_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        raise rules.NotOnLoad(sscc=sscc, plate=load.vehicle_plate)
    if row.with_unit_id is not None:
        raise rules.GoesWithParent(sscc=sscc, parent=session.get_one(HandlingUnit, row.with_unit_id).sscc)
    return take_off_row(session, load, row, by, place_id)


def take_off_row(session: Session, load: VehicleLoad, row: LoadUnit, by: By, place_id: int | None = None) -> LoadUnit:
    """As :func:`take_off`, for a row of the load: a unit with all that came in it, or loose goods."""
    tree = units.tree(session, row.handling_unit_id) if row.handling_unit_id is not None else ()
    back_to = place_id or _came_from(session, row)
    if place_id is None or row.handling_unit_id is None:
        _reverse(session, row, by)
    else:
        inside = units.contents(session, [one.id for one in tree])
        portions = [Portion(content, content.qty) for content in inside]
        place = session.get_one(Location, place_id)
        carry(session, portions, place, by, "unload", source_doc=f"load:{load.load_no}")
    same = LoadUnit.id == row.id
    if row.handling_unit_id is not None:
        same = same | ((LoadUnit.load_id == load.id) & (LoadUnit.with_unit_id == row.handling_unit_id))
    session.execute(
        update(LoadUnit)
        .where(same, LoadUnit.unloaded_at.is_(None))
        .values(unloaded_at=by.at, unloaded_by=APP_PERSON)
        .execution_options(synchronize_session="fetch")
    )
    if row.scan_id is not None:
        session.get_one(Scan, row.scan_id).undone_at = by.at
    if place_id is None and row.from_parent_id is not None and row.handling_unit_id is not None:
        unit = session.get_one(HandlingUnit, row.handling_unit_id)
        unit.parent_id, unit.nested_at = row.from_parent_id, by.at
    session.flush()
    parcels_are(session, tree, "closed", back_to)
    return row


def _came_from(session: Session, row: LoadUnit) -> int:
    """The place that the goods of a row were loaded from."""
    found = session.scalar(
        select(func.min(Account.location_id))
        .join(Entry, Entry.account_id == Account.id)
        .where(Entry.posting_id == row.posting_id, Entry.qty < 0)
    )
    assert found is not None
    return int(found)


def _reverse(session: Session, row: LoadUnit, by: By) -> None:
    last = session.scalar(
        select(func.max(Balance.last_event_at))
        .join(Entry, Entry.account_id == Balance.account_id)
        .where(Entry.posting_id == row.posting_id, Entry.qty > 0)
    )
    try:
        ledger.reverse(session, by.key, row.posting_id, reason="unloaded", event_at=max(by.at, last or by.at))
    except (ShortStock, ShortInPast, AlreadyReversed) as refusal:
        raise MovedSince from refusal
