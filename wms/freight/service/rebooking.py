"""Bookings when one plan takes the place of another: ended, made anew, room given back."""

from datetime import UTC, datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from wms.freight.rules import UnknownConsignment
from wms.freight.service.consignments import Booking, book
from wms.freight.tables import AllotmentUse, Consignment, TransportBooking
from wms.record.service import append_leaf


def withdraw(session: Session, consignment_id: int, plan_id: int) -> int:
    """End the live booking of a consignment and open it for planning again; ``plan_id``: the plan that ends it.

    Its version grows, so that other plans made before are stale, and is returned. The caller holds the consignment's
    lock (`lock_all`). Raises UnknownConsignment.
    """
    found = session.get(Consignment, consignment_id)
    if found is None:
        raise UnknownConsignment(consignment_no=consignment_id)
    ended = update(TransportBooking).where(
        TransportBooking.consignment_id == consignment_id, TransportBooking.ended_at.is_(None)
    )
    session.execute(ended.values(ended_at=datetime.now(UTC), ended_by_plan_id=plan_id))
    found.state, found.version = "open", found.version + 1
    session.flush()
    append_leaf(
        session, "booking_ended", {"consignment_no": found.consignment_no, "ended_by_plan_id": plan_id}, found.id
    )
    return found.version


def reopen(session: Session, consignment_id: int, plan_id: int, stands_at: str | None) -> int:
    """As :func:`withdraw`, for goods that come out of a closed box; ``stands_at``: the place where they are now, from
    which they go on; None: they have not set out. Returns the version.
    """
    version = withdraw(session, consignment_id, plan_id)
    if stands_at is not None:
        session.get_one(Consignment, consignment_id).origin = stands_at
        session.flush()
    return version


def ready_later(session: Session, consignment_id: int, ready_at: datetime) -> int:
    """Write down that a consignment is ready later than it was announced; returns the version, which grows where that
    is new, so that other plans made before are stale. The caller holds the consignment's lock.
    """
    found = session.get(Consignment, consignment_id)
    if found is None:
        raise UnknownConsignment(consignment_no=consignment_id)
    if found.ready_at < ready_at < found.due_at:
        found.ready_at, found.version = ready_at, found.version + 1
        session.flush()
        told = {"consignment_no": found.consignment_no, "ready_at": ready_at.astimezone(UTC).isoformat()}
        append_leaf(session, "ready_later", told, found.id)
    return found.version


def rebook(session: Session, booking: Booking, *, tell: bool = True) -> None:
    """End the live booking of a consignment and book it afresh; ``tell``: its times are new, so the planned milestones
    are written again. What is under way or delivered stays so. Raises as :func:`withdraw` and :func:`book`.
    """
    found = session.get(Consignment, booking.consignment_id)
    state = found.state if found is not None else ""
    withdraw(session, booking.consignment_id, booking.plan_id)
    book(session, booking, tell=tell)
    if found is not None and state in {"under_way", "delivered"}:
        found.state = state
        session.flush()


def give_back(session: Session, plan_id: int) -> None:
    """Give back all room that a plan holds on departures."""
    held = update(AllotmentUse).where(AllotmentUse.plan_id == plan_id, AllotmentUse.given_back_at.is_(None))
    session.execute(held.values(given_back_at=datetime.now(UTC)))
    session.flush()
