"""Reads of loads: one, a list, what stands on it, its pass beside it, its proofs; frozen rows for screens and API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session, aliased

from wms.customs.tables import GatePass
from wms.floor.rules.loading import PassGoods
from wms.floor.tables.loading import LoadProof, LoadStop, LoadUnit, VehicleLoad
from wms.parties.tables import Location, Person, Site


@dataclass(frozen=True)
class LoadRow:
    """A load with the names of its parts. ``unit_count`` of what was scanned, nested ones not counted."""

    id: int
    load_no: str
    state: str
    site_code: str
    vehicle_plate: str
    trailer_plate: str | None
    container_no: str | None
    seal_no: str | None
    carrier: str | None
    dock: str | None
    pass_internal_no: str | None
    pass_no: str | None
    pass_state: str | None
    opened_at: datetime
    opened_by_zh: str | None
    opened_by_en: str | None
    closed_at: datetime | None
    departed_at: datetime | None
    unit_count: int


def loads(
    session: Session,
    *,
    state: str | None = None,
    site_code: str | None = None,
    after_id: int = 0,
    limit: int = 50,
    newest: bool = False,
) -> tuple[LoadRow, ...]:
    """Return loads in the order they were opened, from behind ``after_id``; ``newest``: the other way round."""
    where: list[ColumnElement[bool]] = [VehicleLoad.id > after_id]
    if state:
        where.append(VehicleLoad.state == state)
    if site_code:
        where.append(func.upper(Site.code) == site_code.upper())
    return _rows(session, *where, limit=limit, newest=newest)


def load(session: Session, load_no: str) -> LoadRow | None:
    """Return the load with this number."""
    return next(iter(_rows(session, func.upper(VehicleLoad.load_no) == load_no.strip().upper(), limit=1)), None)


def _rows(session: Session, *where: ColumnElement[bool], limit: int, newest: bool = False) -> tuple[LoadRow, ...]:
    dock, opener = aliased(Location), aliased(Person)
    count = (
        select(func.count())
        .where(LoadUnit.load_id == VehicleLoad.id, LoadUnit.unloaded_at.is_(None), LoadUnit.with_unit_id.is_(None))
        .correlate(VehicleLoad)
        .scalar_subquery()
    )
    query = (
        select(
            VehicleLoad.id, VehicleLoad.load_no, VehicleLoad.state, Site.code, VehicleLoad.vehicle_plate,
            VehicleLoad.trailer_plate, VehicleLoad.container_no, VehicleLoad.seal_no, VehicleLoad.carrier, dock.code,
            GatePass.internal_no, GatePass.pass_no, GatePass.state, VehicleLoad.opened_at, opener.name_zh,
            opener.name_en, VehicleLoad.closed_at, VehicleLoad.departed_at, count,
        )
        .join(Site, Site.id == VehicleLoad.site_id)
        .outerjoin(dock, dock.id == VehicleLoad.dock_id)
        .outerjoin(GatePass, GatePass.id == VehicleLoad.gate_pass_id)
        .outerjoin(opener, opener.id == VehicleLoad.opened_by)
        .where(*where)
        .order_by(VehicleLoad.id.desc() if newest else VehicleLoad.id)
        .limit(limit)
    )  # fmt: skip
    found: list[list[Any]] = [list(row) for row in session.execute(query)]
    return tuple(LoadRow(*columns) for columns in found)


def load_by_no(session: Session, load_no: str) -> VehicleLoad | None:
    """Return the load with this number, to be worked on."""
    return session.scalars(
        select(VehicleLoad).where(func.upper(VehicleLoad.load_no) == load_no.strip().upper())
    ).one_or_none()


def load_of_plate(session: Session, site_id: int, plate: str) -> VehicleLoad | None:
    """Return the load that a vehicle is being filled for at a site."""
    standing = VehicleLoad.state.in_(("open", "closed"))
    found = select(VehicleLoad).where(VehicleLoad.vehicle_plate == plate, VehicleLoad.site_id == site_id, standing)
    return session.scalars(found).one_or_none()


@dataclass(frozen=True)
class LoadedRow:
    """A unit or loose goods on a load, by whose scan; ``with_sscc`` for one that came in another."""

    id: int
    sscc: str | None
    kind: str
    with_sscc: str | None
    item_code: str | None
    lot_no: str | None
    qty: int | None
    stop_no: int | None
    is_in_the_way: bool
    person_zh: str | None
    person_en: str | None
    loaded_at: datetime
    posting_id: int


ON_LOAD = text("""
    SELECT u.id, h.sscc, coalesce(h.kind, 'loose') AS kind, w.sscc AS with_sscc, t.code AS item_code, l.lot_no, u.qty,
           u.stop_no, u.is_in_the_way, p.name_zh AS person_zh, p.name_en AS person_en, u.loaded_at, u.posting_id
      FROM load_unit u LEFT JOIN handling_unit h ON h.id = u.handling_unit_id
      LEFT JOIN handling_unit w ON w.id = u.with_unit_id LEFT JOIN trade_item t ON t.id = u.trade_item_id
      LEFT JOIN lot l ON l.id = u.lot_id LEFT JOIN person p ON p.id = u.person_id
     WHERE u.load_id = :load AND u.unloaded_at IS NULL ORDER BY u.id
""")


def units_on(session: Session, load_id: int) -> tuple[LoadedRow, ...]:
    """Return what stands on a load (or left with it), in the order it was loaded."""
    return tuple(LoadedRow(**row) for row in session.execute(ON_LOAD, {"load": load_id}).mappings())


ITEMS_ON = text("""
    SELECT item, sum(qty)::bigint FROM (
      SELECT a.trade_item_id AS item, b.qty FROM load_unit u JOIN account a ON a.handling_unit_id = u.handling_unit_id
        JOIN balance b ON b.account_id = a.id
       WHERE u.load_id = :load AND u.unloaded_at IS NULL AND a.kind = 'location' AND b.qty > 0
      UNION ALL
      SELECT trade_item_id, qty FROM load_unit
       WHERE load_id = :load AND unloaded_at IS NULL AND handling_unit_id IS NULL) held
     GROUP BY item
""")


def items_on(session: Session, load_id: int) -> dict[int, int]:
    """Return the base units of each item on a load, for the screen; the proof reads the vehicle's accounts instead."""
    return {item: int(qty) for item, qty in session.execute(ITEMS_ON, {"load": load_id})}


def stops_of(session: Session, load_id: int) -> dict[int, str]:
    """Return the stops of a load by their number."""
    rows = session.execute(select(LoadStop.stop_no, LoadStop.code).where(LoadStop.load_id == load_id))
    return dict(sorted((number, code) for number, code in rows))


@dataclass(frozen=True)
class PassLineRow:
    """A line of a gate pass, with the document line and the book line behind it."""

    line_no: int
    owner_id: int
    trade_item_id: int
    item_code: str
    name_zh: str
    name_en: str
    qty: int
    gross_weight_g: int
    list_no: str | None
    list_line_no: int | None
    book_line_id: int | None
    book_no: str | None
    book_line_no: int | None

    def as_goods(self) -> PassGoods:
        """The line as the comparison sees it."""
        return PassGoods(self.line_no, self.owner_id, self.trade_item_id, self.qty, self.book_line_id)


PASS_LINES = text("""
    SELECT g.line_no, p.owner_id, g.trade_item_id, t.code AS item_code, t.name_zh, t.name_en, g.qty, g.gross_weight_g,
           coalesce(d.list_no, d.internal_no) AS list_no, v.line_no AS list_line_no, v.book_line_id, b.book_no,
           b.line_no AS book_line_no
      FROM gate_pass_line g JOIN gate_pass p ON p.id = g.gate_pass_id JOIN trade_item t ON t.id = g.trade_item_id
      LEFT JOIN verification_line v ON v.id = g.verification_line_id
      LEFT JOIN verification_list d ON d.id = v.verification_list_id
      LEFT JOIN book_line b ON b.id = v.book_line_id
     WHERE g.gate_pass_id = :pass_id ORDER BY g.line_no
""")


def pass_lines(session: Session, pass_id: int) -> tuple[PassLineRow, ...]:
    """Return the goods that a pass names, by line."""
    return tuple(PassLineRow(**row) for row in session.execute(PASS_LINES, {"pass_id": pass_id}).mappings())


def newest_proof(session: Session, load_id: int) -> LoadProof | None:
    """Return the last proof of a load."""
    found = select(LoadProof).where(LoadProof.load_id == load_id).order_by(LoadProof.id.desc()).limit(1)
    return session.scalars(found).one_or_none()
