"""A closed box that no departure takes is opened: its goods are open again, from where they stand.

Such goods stay booked under the plan that closed the box when a repair takes its place. Their order on the floor is
cancelled as a replaced plan's are; goods that are picked keep it until the next plan carries them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing import desk
from routing.hand_over.replacing import cancel_work
from routing.tables import StoredPlan
from wms.errors import N_, Kind, WmsError
from wms.freight import service
from wms.freight.service.carrying import loading_of
from wms.freight.tables import Consignment, Milestone, TransportBooking, TransportLeg
from wms.freight.tables.hand_over import ConsignmentWork
from wms.record.service import append_leaf


class NothingStranded(WmsError):
    """Only what stays booked under a plan whose place was taken is stranded."""

    code = "nothing_stranded"
    kind = Kind.CONFLICT
    text = N_("No goods are stranded in box %(box_no)s of plan %(plan_id)s.")


class StillLoaded(WmsError):
    """The floor takes goods off a vehicle; only then is the box opened on paper."""

    code = "still_loaded"
    kind = Kind.CONFLICT
    text = N_("Consignment %(consignment_no)s stands on a load: take it off before the box is opened.")


class HasLeft(WmsError):
    """What has left is somewhere on the way, not where the box was stuffed."""

    code = "has_left_with_its_box"
    kind = Kind.CONFLICT
    text = N_("Consignment %(consignment_no)s has left with its box (%(state)s): it cannot be opened here.")


@dataclass(frozen=True)
class Stranded:
    """A closed box that nothing carries on: the plan that closed it, and what is in it."""

    plan_id: int
    box_no: str
    consignments: tuple[str, ...]


def stranded_of(session: Session, plan_id: int) -> list[Stranded]:
    """The boxes stranded under a plan whose place was taken, or under those that it repairs, that the caller sees."""
    ids = _chain(session, plan_id)
    rows = session.execute(
        select(TransportBooking.plan_id, TransportBooking.box_no, Consignment.consignment_no)
        .join(Consignment, Consignment.id == TransportBooking.consignment_id)
        .where(TransportBooking.plan_id.in_(ids), TransportBooking.ended_at.is_(None))
        .order_by(TransportBooking.plan_id, TransportBooking.box_no, Consignment.consignment_no)
    )
    found: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        found.setdefault((row.plan_id, row.box_no), []).append(row.consignment_no)
    return [Stranded(plan, box, tuple(names)) for (plan, box), names in found.items()]


def _chain(session: Session, plan_id: int) -> list[int]:
    """The plan and those before it whose place was taken."""
    found: list[int] = []
    row = session.get(StoredPlan, plan_id)
    while row is not None:
        if row.state == "superseded":
            found.append(row.id)
        row = session.get(StoredPlan, row.replaces_id) if row.replaces_id not in {None, *found} else None
    return found


def open_box(
    session: Session, plan_id: int, box_no: str, *, reason: str, now: datetime, person_id: int | None = None
) -> list[str]:  # fmt: skip
    """Record that a stranded box was opened; returns the consignments that are open again.

    Raises UnknownPlan, NothingStranded, StillLoaded, HasLeft.
    """
    plan = session.get(StoredPlan, plan_id, with_for_update=True)
    if plan is None:
        raise desk.UnknownPlan(plan_id=plan_id)
    bookings = {row.consignment_id: row for row in _live(session, plan_id, box_no)}
    if plan.state != "superseded" or not bookings:
        raise NothingStranded(plan_id=plan_id, box_no=box_no)
    rows = service.lock_all(session, list(bookings))
    bookings = {row.consignment_id: row for row in _live(session, plan_id, box_no)}  # as it is under the locks
    if not bookings:
        raise NothingStranded(plan_id=plan_id, box_no=box_no)
    for key in sorted(loading_of(session, plan_id, list(bookings))):
        raise StillLoaded(consignment_no=rows[key].consignment_no)
    left = _left(session, bookings)
    for key in sorted(bookings):
        if key in left or rows[key].state not in {"booked", "under_way"}:
            raise HasLeft(consignment_no=rows[key].consignment_no, state=rows[key].state)
    opened = []
    for key, booking in sorted(bookings.items()):
        stands_at = _stuffed_at(session, booking) if rows[key].state == "under_way" else None
        service.reopen(session, key, plan_id, stands_at)
        _cancel_orders(session, plan_id, key, now)
        opened.append(rows[key].consignment_no)
    told = {"plan_id": plan_id, "box_no": box_no, "reason": reason, "consignments": opened, "person_id": person_id}
    append_leaf(session, "box_opened", told, plan_id)
    return opened


def _live(session: Session, plan_id: int, box_no: str) -> list[TransportBooking]:
    found = select(TransportBooking).where(
        TransportBooking.plan_id == plan_id, TransportBooking.box_no == box_no, TransportBooking.ended_at.is_(None)
    )
    return list(session.scalars(found.execution_options(populate_existing=True)))


def _left(session: Session, keys: Collection[int]) -> set[int]:
    """Those of which a departure has really happened."""
    return set(
        session.scalars(
            select(Milestone.consignment_id).where(
                Milestone.consignment_id.in_(keys), Milestone.kind == "ACT", Milestone.event == "departure"
            )
        )
    )


def _stuffed_at(session: Session, booking: TransportBooking) -> str | None:
    """Where goods that were collected stand: the place that the box was to leave first."""
    return session.scalar(
        select(TransportLeg.origin).where(TransportLeg.booking_id == booking.id).order_by(TransportLeg.leg_no).limit(1)
    )


def _cancel_orders(session: Session, plan_id: int, key: int, now: datetime) -> None:
    work = session.get(ConsignmentWork, (plan_id, key), with_for_update=True)
    if work is not None and work.order_id is not None:
        cancel_work(session, work, now)
