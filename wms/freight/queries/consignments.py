"""Reads of freight for the planning desk, pages and API. Row-level security decides which consignments a caller
finds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session, aliased

from wms.freight.rules import Piece
from wms.freight.tables import AllotmentUse, Consignment, ConsignmentPiece, Milestone, TransportBooking, TransportLeg
from wms.parties.tables import Company


@dataclass(frozen=True)
class ConsignmentRow:
    """A consignment with its owner's code and names."""

    id: int
    consignment_no: str
    owner_id: int
    owner_code: str
    owner_zh: str
    owner_en: str
    forwarder_id: int | None
    forwarder_code: str | None
    goods_name: str
    origin: str
    destination: str
    trade_mode: str
    temperature_class: str
    dangerous_class: str
    volume_cm3: int
    weight_g: int
    value_minor: int
    ready_at: datetime
    due_at: datetime
    latest_at: datetime | None
    must_go: bool
    priority: int
    state: str
    version: int


FORWARDER = aliased(Company)
COLUMNS: tuple[Any, ...] = (
    Consignment.id, Consignment.consignment_no, Consignment.owner_id, Company.code, Company.name_zh, Company.name_en,
    Consignment.forwarder_id, FORWARDER.code, Consignment.goods_name, Consignment.origin, Consignment.destination,
    Consignment.trade_mode, Consignment.temperature_class, Consignment.dangerous_class, Consignment.volume_cm3,
    Consignment.weight_g, Consignment.value_minor, Consignment.ready_at, Consignment.due_at, Consignment.latest_at,
    Consignment.must_go, Consignment.priority, Consignment.state, Consignment.version,
)  # fmt: skip


def _heads() -> Select[Any]:
    return (
        select(*COLUMNS)
        .join(Company, Company.id == Consignment.owner_id)
        .outerjoin(FORWARDER, FORWARDER.id == Consignment.forwarder_id)
    )


def consignments(
    session: Session, *, state: str | None = None, after_id: int = 0, limit: int | None = None
) -> list[ConsignmentRow]:
    """Consignments in order of id, from the one after ``after_id``."""
    statement = _heads().where(Consignment.id > after_id).order_by(Consignment.id)
    if state is not None:
        statement = statement.where(Consignment.state == state)
    if limit is not None:
        statement = statement.limit(limit)
    return [_row(row) for row in session.execute(statement)]


def consignments_of(session: Session, ids: Sequence[int]) -> list[ConsignmentRow]:
    """The consignments with these ids, in order of id; those that are not the caller's are left out."""
    statement = (
        select(*COLUMNS)
        .join(Company, Company.id == Consignment.owner_id)
        .outerjoin(FORWARDER, FORWARDER.id == Consignment.forwarder_id)
        .where(Consignment.id.in_(ids))
        .order_by(Consignment.id)
    )
    return [_row(row) for row in session.execute(statement)]


def _row(row: Row[Any]) -> ConsignmentRow:
    return ConsignmentRow(*tuple(row))


def consignment(session: Session, consignment_no: str) -> ConsignmentRow | None:
    """One consignment by its number; None where there is none or it is not the caller's."""
    statement = (
        select(*COLUMNS)
        .join(Company, Company.id == Consignment.owner_id)
        .outerjoin(FORWARDER, FORWARDER.id == Consignment.forwarder_id)
        .where(Consignment.consignment_no == consignment_no)
    )
    row = session.execute(statement).one_or_none()
    return _row(row) if row is not None else None


def count_open(session: Session) -> int:
    """How many consignments wait for a plan."""
    statement = select(func.count()).select_from(Consignment).where(Consignment.state == "open")
    return session.execute(statement).scalar_one()


def first_in_line(session: Session) -> list[ConsignmentRow]:
    """Open consignments that come first in an emergency, by rank."""
    statement = _heads().where(Consignment.state == "open", Consignment.priority > 0)
    return [_row(row) for row in session.execute(statement.order_by(Consignment.priority, Consignment.id))]


def pieces(session: Session, ids: Sequence[int]) -> dict[int, tuple[Piece, ...]]:
    """The pieces of consignments by consignment id."""
    statement = (
        select(ConsignmentPiece)
        .where(ConsignmentPiece.consignment_id.in_(ids))
        .order_by(ConsignmentPiece.consignment_id, ConsignmentPiece.line_no)
    )
    found: dict[int, list[Piece]] = {}
    for row in session.scalars(statement):
        piece = Piece(row.count, row.length_mm, row.width_mm, row.height_mm, row.weight_g)
        found.setdefault(row.consignment_id, []).append(piece)
    return {key: tuple(value) for key, value in found.items()}


def allotment_taken(session: Session) -> dict[str, int]:
    """What accepted plans have taken of each departure, in the departure's own unit."""
    statement = (
        select(AllotmentUse.departure, func.sum(AllotmentUse.amount))
        .where(AllotmentUse.given_back_at.is_(None))
        .group_by(AllotmentUse.departure)
    )
    return {departure: int(amount) for departure, amount in session.execute(statement)}


@dataclass(frozen=True)
class BookingRow:
    """A booked consignment: its box, its cost in fen, its legs."""

    consignment_no: str
    plan_id: int
    box_no: str
    equipment: str
    segment: str
    share_minor: int
    total_minor: int
    legs: tuple[tuple[str, str, str, str, datetime, datetime], ...]


def booking(session: Session, consignment_no: str) -> BookingRow | None:
    """The booking of a consignment; None where it has none or is not the caller's."""
    statement = (
        select(TransportBooking)
        .join(Consignment, Consignment.id == TransportBooking.consignment_id)
        .where(Consignment.consignment_no == consignment_no, TransportBooking.ended_at.is_(None))
    )
    found = session.scalar(statement)
    if found is None:
        return None
    legs = session.scalars(
        select(TransportLeg).where(TransportLeg.booking_id == found.id).order_by(TransportLeg.leg_no)
    )
    return BookingRow(
        consignment_no, found.plan_id, found.box_no, found.equipment, found.segment, found.share_minor,
        found.total_minor,
        tuple((leg.departure, leg.mode, leg.origin, leg.destination, leg.depart_at, leg.arrive_at) for leg in legs),
    )  # fmt: skip


def bookings(session: Session, ids: Sequence[int]) -> dict[int, BookingRow]:
    """The bookings of many consignments by consignment id, without their legs."""
    statement = (
        select(TransportBooking, Consignment.consignment_no)
        .join(Consignment, Consignment.id == TransportBooking.consignment_id)
        .where(TransportBooking.consignment_id.in_(ids), TransportBooking.ended_at.is_(None))
    )
    return {
        found.consignment_id: BookingRow(
            name, found.plan_id, found.box_no, found.equipment, found.segment, found.share_minor, found.total_minor, ()
        )
        for found, name in session.execute(statement)
    }


@dataclass(frozen=True)
class MilestoneRow:
    """One milestone: PLN, EST, REQ or ACT."""

    event: str
    kind: str
    place: str
    leg_no: int | None
    event_at: datetime
    recorded_at: datetime
    source: str | None = None


def begun(session: Session, ids: Sequence[int]) -> set[int]:
    """Those of the consignments of which something has really happened on the way (an ACT milestone)."""
    statement = select(Milestone.consignment_id).where(Milestone.consignment_id.in_(ids), Milestone.kind == "ACT")
    return set(session.scalars(statement))


def taken_by(session: Session, plan_id: int) -> dict[str, int]:
    """What one accepted plan holds of each departure, in the departure's own unit."""
    statement = select(AllotmentUse.departure, AllotmentUse.amount).where(
        AllotmentUse.plan_id == plan_id, AllotmentUse.given_back_at.is_(None)
    )
    return {departure: int(amount) for departure, amount in session.execute(statement)}


def milestones(session: Session, consignment_no: str) -> list[MilestoneRow]:
    """The milestones of a consignment in the order in which they were written."""
    statement = (
        select(
            Milestone.event,
            Milestone.kind,
            Milestone.place,
            Milestone.leg_no,
            Milestone.event_at,
            Milestone.recorded_at,
            Milestone.source,
        )
        .join(Consignment, Consignment.id == Milestone.consignment_id)
        .where(Consignment.consignment_no == consignment_no)
        .order_by(Milestone.id)
    )
    return [MilestoneRow(*row) for row in session.execute(statement)]
