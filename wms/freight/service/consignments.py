"""Use cases of freight: announce, amend and cancel a consignment, book it, write its milestones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.freight.rules import (
    ConsignmentExists,
    ConsignmentForm,
    UnknownConsignment,
    check_form,
    check_open,
    check_rank,
)
from wms.freight.tables import AllotmentUse, Consignment, ConsignmentPiece, Milestone, TransportBooking, TransportLeg
from wms.record.service import append_leaf


@dataclass(frozen=True)
class Leg:
    """One departure of a booking."""

    departure: str
    service: str
    mode: str
    origin: str
    destination: str
    depart_at: datetime
    arrive_at: datetime


@dataclass(frozen=True)
class Booking:
    """A consignment's place in an accepted plan; money in fen."""

    consignment_id: int
    plan_id: int
    box_no: str
    equipment: str
    segment: str
    share_minor: int
    total_minor: int
    legs: tuple[Leg, ...]
    cut_off_at: datetime
    stripped_at: datetime
    deliver_at: datetime


def announce(session: Session, form: ConsignmentForm) -> int:
    """Store a consignment with its pieces, open for planning; returns its id.

    Raises ConsignmentExists and the refusals of :func:`wms.freight.rules.check_form`.
    """
    check_form(form)
    values = {name: value for name, value in vars(form).items() if name != "pieces"}
    statement = insert(Consignment).values(values).on_conflict_do_nothing().returning(Consignment.id)
    made = session.execute(statement).scalar_one_or_none()
    if made is None:
        raise ConsignmentExists(field="consignment_no", consignment_no=form.consignment_no)
    _write_pieces(session, made, form)
    return made


def announce_many(session: Session, forms: Sequence[ConsignmentForm]) -> list[int]:
    """Store many consignments at once, in order. Raises as :func:`announce`; then none of them is kept by the
    caller.
    """
    return [announce(session, form) for form in forms]


def amend(session: Session, form: ConsignmentForm) -> int:
    """Replace what is known of an open consignment; its version grows, so that plans made before are stale.

    Returns the new version. Raises UnknownConsignment, ConsignmentNotOpen and the refusals of check_form.
    """
    check_form(form)
    found = _locked(session, form.consignment_no)
    for name, value in vars(form).items():
        if name not in {"pieces", "consignment_no"}:
            setattr(found, name, value)
    found.version += 1
    session.flush()
    session.execute(delete(ConsignmentPiece).where(ConsignmentPiece.consignment_id == found.id))
    _write_pieces(session, found.id, form)
    return found.version


def set_priority(session: Session, consignment_no: str, priority: int) -> int:
    """Give an open consignment its rank in an emergency (1 before 2; 0: ordinary goods); plans made before are stale.

    The operator's word, not the owner's. Returns the version. Raises UnknownConsignment, ConsignmentNotOpen, BadRank.
    """
    check_rank(priority)
    found = _locked(session, consignment_no)
    if found.priority != priority:
        found.priority, found.version = priority, found.version + 1
        session.flush()
        append_leaf(
            session, "consignment_ranked", {"consignment_no": consignment_no, "priority": priority}, found.id
        )
    return found.version


def cancel(session: Session, consignment_no: str) -> None:
    """Take an open consignment out. Raises UnknownConsignment, ConsignmentNotOpen."""
    found = _locked(session, consignment_no)
    found.state, found.version = "cancelled", found.version + 1
    session.flush()


def book(session: Session, booking: Booking, *, tell: bool = True) -> None:
    """Book one open consignment: booking, legs, planned milestones (unless nothing of them is new, ``tell``) and the
    leaf of the record.

    Raises UnknownConsignment, ConsignmentNotOpen. The caller holds the consignment's lock (`lock_all`).
    """
    found = session.get(Consignment, booking.consignment_id)
    if found is None:
        raise UnknownConsignment(consignment_no=booking.consignment_id)
    check_open(found.consignment_no, found.state)
    found.state = "booked"
    row = TransportBooking(
        consignment_id=found.id, plan_id=booking.plan_id, box_no=booking.box_no, equipment=booking.equipment,
        segment=booking.segment, share_minor=booking.share_minor, total_minor=booking.total_minor,
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.add_all(
        TransportLeg(booking_id=row.id, leg_no=number, **vars(leg)) for number, leg in enumerate(booking.legs, 1)
    )
    if tell:
        session.add_all(_planned(found.id, booking, found.destination))
    append_leaf(
        session,
        "booking",
        {
            "consignment_no": found.consignment_no, "plan_id": booking.plan_id, "box_no": booking.box_no,
            "segment": booking.segment, "total_minor": booking.total_minor,
        },
        found.id,
    )  # fmt: skip


def take_allotment(session: Session, plan_id: int, taken: Mapping[str, tuple[str, int]]) -> None:
    """Write what a plan takes of each departure: name → (unit, amount)."""
    session.add_all(
        AllotmentUse(plan_id=plan_id, departure=departure, unit=unit, amount=amount)
        for departure, (unit, amount) in sorted(taken.items())
        if amount > 0
    )


def write_milestone(
    session: Session,
    consignment_no: str,
    *,
    event: str,
    kind: str,
    place: str,
    event_at: datetime,
    leg_no: int | None = None,
    detail: dict[str, Any] | None = None,
    source: str | None = None,
) -> None:
    """Append one milestone. Raises UnknownConsignment."""
    found = session.scalar(select(Consignment).where(Consignment.consignment_no == consignment_no))
    if found is None:
        raise UnknownConsignment(consignment_no=consignment_no)
    session.add(
        Milestone(
            consignment_id=found.id,
            leg_no=leg_no,
            event=event,
            kind=kind,
            place=place,
            event_at=event_at,
            detail=detail,
            source=source,
        )
    )
    session.flush()


def lock_all(session: Session, ids: Sequence[int]) -> dict[int, Consignment]:
    """Lock consignments in order of id (so that two acceptances never wait for each other in a ring) and read
    them fresh.
    """
    statement = select(Consignment).where(Consignment.id.in_(ids)).order_by(Consignment.id).with_for_update()
    found = session.scalars(statement.execution_options(populate_existing=True)).all()
    return {one.id: one for one in found}


def _locked(session: Session, consignment_no: str) -> Consignment:
    found = session.scalar(select(Consignment).where(Consignment.consignment_no == consignment_no).with_for_update())
    if found is None:
        raise UnknownConsignment(consignment_no=consignment_no)
    check_open(consignment_no, found.state)
    return found


def _write_pieces(session: Session, consignment_id: int, form: ConsignmentForm) -> None:
    rows = [
        {"consignment_id": consignment_id, "line_no": number, **vars(piece)}
        for number, piece in enumerate(form.pieces, 1)
    ]
    if rows:
        session.execute(insert(ConsignmentPiece), rows)


def _planned(consignment_id: int, booking: Booking, destination: str) -> list[Milestone]:
    def made(event: str, place: str, at: datetime, leg_no: int | None = None) -> Milestone:
        return Milestone(
            consignment_id=consignment_id, leg_no=leg_no, event=event, kind="PLN", place=place, event_at=at,
            source="plan",
        )  # fmt: skip

    first, last = booking.legs[0], booking.legs[-1]
    found = [made("cut_off", first.origin, booking.cut_off_at)]
    for number, leg in enumerate(booking.legs, 1):
        found.append(made("departure", leg.origin, leg.depart_at, number))
        found.append(made("arrival", leg.destination, leg.arrive_at, number))
    found.append(made("stripped", last.destination, booking.stripped_at))
    found.append(made("delivery", destination, booking.deliver_at))
    return found
