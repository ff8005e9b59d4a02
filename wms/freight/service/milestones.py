"""Reports of what is expected and what happened: of one consignment, of a box, or of all that is on a departure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.errors import NotFound
from wms.freight.rules import UnknownConsignment
from wms.freight.rules.milestones import NotBooked, UnknownLeg, check_order, check_report
from wms.freight.service.consignments import lock_all
from wms.freight.service.transfer_desk import acting_person
from wms.freight.tables import Consignment, Milestone, TransportBooking, TransportLeg
from wms.record.service import append_leaf


@dataclass(frozen=True)
class Report:
    """What is said. ``leg_no`` for a departure or arrival of one consignment or box; a departure knows its own leg."""

    event: str
    kind: str
    event_at: datetime
    source: str
    leg_no: int | None = None
    place: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Written:
    """How many consignments it is about, and how many had not been told so before."""

    consignments: int
    new: int


def report_consignment(session: Session, consignment_no: str, report: Report, now: datetime) -> Written:
    """Append a report on one consignment.

    Raises UnknownConsignment, NotBooked, UnknownLeg, and what check_report and check_order refuse.
    """
    found = session.scalar(select(Consignment.id).where(Consignment.consignment_no == consignment_no))
    if found is None:
        raise UnknownConsignment(consignment_no=consignment_no)
    check_report(report.kind, report.event, report.leg_no, report.event_at, now)
    return _write(session, [(found, report.leg_no)], report)


def report_box(session: Session, plan_id: int, box_no: str, report: Report, now: datetime) -> Written:
    """Append a report on every consignment in a box. Raises NotFound and as report_consignment."""
    check_report(report.kind, report.event, report.leg_no, report.event_at, now)
    ids = session.scalars(
        select(TransportBooking.consignment_id)
        .where(
            TransportBooking.plan_id == plan_id, TransportBooking.box_no == box_no, TransportBooking.ended_at.is_(None)
        )
        .order_by(TransportBooking.consignment_id)
    ).all()
    if not ids:
        raise NotFound(field="box_no", what=f"{plan_id}/{box_no}"[:80])
    return _write(session, [(key, report.leg_no) for key in ids], report)


def report_departure(session: Session, departure: str, report: Report, now: datetime) -> Written:
    """Append a report on every consignment that travels with a departure; each knows which of its legs that is.

    Raises NotFound and as report_consignment.
    """
    rows = session.execute(
        select(TransportBooking.consignment_id, TransportLeg.leg_no)
        .join(TransportLeg, TransportLeg.booking_id == TransportBooking.id)
        .where(TransportLeg.departure == departure, TransportBooking.ended_at.is_(None))
        .order_by(TransportBooking.consignment_id)
    ).all()
    if not rows:
        raise NotFound(field="departure", what=departure[:80])
    check_report(report.kind, report.event, rows[0].leg_no, report.event_at, now)
    return _write(session, [(row.consignment_id, row.leg_no) for row in rows], report)


def _write(session: Session, whose: Sequence[tuple[int, int | None]], report: Report) -> Written:
    """Under the consignments' locks, so that two reports on one way are judged one after the other."""
    rows = lock_all(session, [key for key, _ in whose])
    new, person_id = 0, acting_person(session)
    for key, leg_no in whose:
        one = rows[key]
        if one.state not in ("booked", "under_way", "delivered"):
            raise NotBooked(consignment_no=one.consignment_no, state=one.state)
        place = report.place or _place(session, one, report.event, leg_no)
        said = session.scalars(select(Milestone).where(Milestone.consignment_id == key).order_by(Milestone.id)).all()
        if _is_known(said, report, leg_no):
            continue
        if report.kind == "ACT":
            actual = {(row.event, row.leg_no): row.event_at for row in said if row.kind == "ACT"}
            check_order(one.consignment_no, report.event, leg_no, report.event_at, actual)
            one.state = _state_after(one.state, report.event)
        session.add(
            Milestone(
                consignment_id=key, leg_no=leg_no, event=report.event, kind=report.kind, place=place,
                event_at=report.event_at, source=report.source, person_id=person_id,
                detail={"note": report.note} if report.note else None,
            )
        )  # fmt: skip
        new += 1
    session.flush()
    if new:
        append_leaf(
            session,
            "milestones",
            {
                "event": report.event, "kind": report.kind, "event_at": report.event_at.isoformat(),
                "source": report.source, "consignments": new,
            },
            whose[0][0],
        )  # fmt: skip
    return Written(len(whose), new)


def _is_known(said: Sequence[Milestone], report: Report, leg_no: int | None) -> bool:
    """Whether the newest word on it says just this: saying it again adds nothing."""
    same = [row for row in said if (row.event, row.leg_no, row.kind) == (report.event, leg_no, report.kind)]
    return bool(same) and (same[-1].event_at, same[-1].source) == (report.event_at, report.source)


def _place(session: Session, one: Consignment, event: str, leg_no: int | None) -> str:
    legs = session.scalars(
        select(TransportLeg)
        .join(TransportBooking, TransportBooking.id == TransportLeg.booking_id)
        .where(TransportBooking.consignment_id == one.id, TransportBooking.ended_at.is_(None))
        .order_by(TransportLeg.leg_no)
    ).all()
    if leg_no is not None:
        leg = next((leg for leg in legs if leg.leg_no == leg_no), None)
        if leg is None:
            numbers = f"1–{len(legs)}" if legs else "–"
            raise UnknownLeg(field="leg_no", consignment_no=one.consignment_no, leg_no=leg_no, legs=numbers)
        return leg.origin if event == "departure" else leg.destination
    if event == "delivery" or not legs:
        return one.destination
    if event == "collected":
        return one.origin
    return legs[0].origin if event == "cut_off" else legs[-1].destination


def _state_after(state: str, event: str) -> str:
    if event == "delivery":
        return "delivered"
    return "under_way" if state == "booked" and event != "cut_off" else state
