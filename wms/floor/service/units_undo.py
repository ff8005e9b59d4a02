"""Undo of what was done to units by scan: nesting is taken apart again, goods go back by the posting's mirror image."""

from sqlalchemy import select

from wms.floor import unit_queries
from wms.floor.rules import mistakes
from wms.floor.service import inside_undo, repacking, units
from wms.floor.service.desk import Desk
from wms.floor.service.units import Deed
from wms.floor.tables import Scan, UnitEvent

NESTINGS = ("unit_nested", "unit_taken_out")
POSTED = ("unit_split", "units_merged", "goods_repacked")


def undo(desk: Desk, key: str | None, deed: Deed) -> Scan:
    """Undo the device's last deed of this desk that stands, or the one with ``key``; returns its scan.

    Raises NothingToUndo; MovedSince when the goods or units were moved, reserved or packed over since.
    """
    query = select(Scan).where(
        Scan.device == desk.device,
        Scan.job == desk.context.job,
        Scan.undone_at.is_(None),
        Scan.answer["code"].astext.in_((*NESTINGS, *POSTED)),
    )
    if key is not None:
        query = query.where(Scan.key == key)
    scan = desk.session.scalars(query.order_by(Scan.id.desc()).limit(1)).one_or_none()
    if scan is None or scan.answer is None:
        raise mistakes.NothingToUndo
    if scan.answer["code"] in NESTINGS:
        _undo_nesting(desk, scan, deed)
    else:
        _undo_goods(desk, scan, deed)
    return scan


def _undo_nesting(desk: Desk, scan: Scan, deed: Deed) -> None:
    assert scan.answer is not None
    values = scan.answer["values"]
    unit = units.known(desk.session, values["sscc"])
    was_nested = scan.answer["code"] == "unit_nested"
    if unit.parent_sscc != (values["into"] if was_nested else None):
        raise mistakes.MovedSince
    if was_nested:
        units.take_out(desk.session, unit.sscc, deed)
    else:
        units.nest(desk.session, unit.sscc, values["parent"], deed)
    scan.undone_at = desk.event_at


def _undo_goods(desk: Desk, scan: Scan, deed: Deed) -> None:
    events = list(desk.session.scalars(select(UnitEvent).where(UnitEvent.posting_id == scan.posting_id)))
    ids = {one for event in events for one in (event.from_unit_id, event.to_unit_id) if one is not None}
    units.lock(desk.session, sorted(ids))
    lying = unit_queries.contents(desk.session, sorted(ids))
    inside_undo.reverse(desk, scan)
    repacking.note_back(desk.session, events, lying, deed, desk.posting_id)
