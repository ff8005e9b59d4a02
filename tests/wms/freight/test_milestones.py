"""Reports on the way: who says what, in which order it can have happened, and what the newest word on each event is."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.build import make_company
from tests.wms.freight.builders import READY, form, make_consignments
from wms.db import Database, Scope
from wms.errors import NotFound
from wms.freight import queries
from wms.freight.rules import UnknownConsignment
from wms.freight.rules.milestones import (
    ActualInFuture,
    ArrivedBeforeDeparture,
    LeftBeforeArrival,
    LegMissing,
    LegNotMeant,
    NotBooked,
    PlannedTimeReported,
    Said,
    UnknownLeg,
    lines,
)
from wms.freight.service import Booking, Leg, announce, book, lock_all
from wms.freight.service.milestones import Report, Written, report_box, report_consignment, report_departure
from wms.freight.tables import Consignment, Milestone

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LATER = READY + 90 * DAY


def booked(session: Session, count: int = 1, **changes: object) -> list[str]:
    """Consignments of one owner in box B0001 of plan 7, by barge on day 2 and by ship on day 8."""
    names = make_consignments(session, count, **changes)
    for name in names:
        row = queries.consignment(session, name)
        assert row is not None
        lock_all(session, [row.id])
        legs = (
            Leg("BARGE@1", "BARGE", "barge", "CNCLJ", "CNSGH", READY + 2 * DAY, READY + 6 * DAY),
            Leg("SHIP@1", "SHIP", "ocean", "CNSGH", "DEHAM", READY + 8 * DAY, READY + 38 * DAY),
        )
        book(session, Booking(row.id, 7, "B0001", "40HQ", "S", 1, 2, legs, READY + DAY, READY + 40 * DAY,
                              READY + 41 * DAY))  # fmt: skip
    return names


def act(event: str, leg_no: int | None, at: datetime, kind: str = "ACT", source: str = "carrier") -> Report:
    return Report(event, kind, at, source, leg_no)


def test_a_report_on_a_departure_reaches_all_that_travels_with_it(session: Session) -> None:
    names = booked(session, 3)
    report = act("departure", None, READY + 9 * DAY, "EST")
    assert report_departure(session, "SHIP@1", report, LATER) == Written(3, 3)
    assert report_departure(session, "SHIP@1", report, LATER) == Written(3, 0)
    said = [one for one in queries.milestones(session, names[2]) if one.kind == "EST"]
    assert [(one.event, one.leg_no, one.place, one.source) for one in said] == [("departure", 2, "CNSGH", "carrier")]


def test_the_way_goes_from_booked_to_under_way_to_delivered(session: Session) -> None:
    (name,) = booked(session)
    report_box(session, 7, "B0001", act("departure", 1, READY + 2 * DAY + HOUR), LATER)
    assert session.scalar(select(Consignment.state)) == "under_way"
    report_consignment(session, name, act("delivery", None, READY + 50 * DAY, source="consignee"), LATER)
    assert session.scalar(select(Consignment.state)) == "delivered"
    places = {one.event: one.place for one in queries.milestones(session, name) if one.kind == "ACT"}
    assert places == {"departure": "CNCLJ", "delivery": "DEHAM"}


def test_a_correction_is_appended_and_the_newest_word_counts(session: Session) -> None:
    (name,) = booked(session)
    for hours in (5, 3):
        report_consignment(session, name, act("departure", 1, READY + 2 * DAY + hours * HOUR), LATER)
    rows = queries.milestones(session, name)
    assert len([one for one in rows if one.kind == "ACT"]) == 2
    said = [Said(one.event, one.leg_no, one.kind, one.place, one.event_at, one.recorded_at, one.source) for one in rows]
    line = next(one for one in lines(said) if (one.event, one.leg_no) == ("departure", 1))
    assert line.actual is not None
    assert line.late_s == 3 * 3600
    assert [(one.event, one.leg_no) for one in lines(said)] == [
        ("cut_off", None), ("departure", 1), ("arrival", 1), ("departure", 2), ("arrival", 2), ("stripped", None),
        ("delivery", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("report", "refusal"),
    [
        (act("departure", 1, READY, "PLN"), PlannedTimeReported),
        (act("departure", 1, LATER + HOUR), ActualInFuture),
        (act("departure", None, READY), LegMissing),
        (act("delivery", 1, READY), LegNotMeant),
        (act("arrival", 3, READY), UnknownLeg),
    ],
)
def test_a_report_that_cannot_be_is_refused_by_name(session: Session, report: Report, refusal: type) -> None:
    (name,) = booked(session)
    before = session.scalar(select(func.count()).select_from(Milestone))
    with pytest.raises(refusal):
        report_consignment(session, name, report, LATER)
    assert session.scalar(select(func.count()).select_from(Milestone)) == before


def test_what_happened_keeps_the_order_of_the_way(session: Session) -> None:
    (name,) = booked(session)
    report_consignment(session, name, act("departure", 1, READY + 3 * DAY), LATER)
    with pytest.raises(ArrivedBeforeDeparture):
        report_consignment(session, name, act("arrival", 1, READY + 2 * DAY), LATER)
    report_consignment(session, name, act("arrival", 2, READY + 30 * DAY), LATER)
    with pytest.raises(LeftBeforeArrival):
        report_consignment(session, name, act("departure", 2, READY + 31 * DAY), LATER)


def test_the_departure_and_arrival_of_a_whole_way_embrace_its_legs() -> None:
    def said(event: str, leg_no: int | None) -> Said:
        return Said(event, leg_no, "ACT", "X", READY, READY, "gate")

    way = [("cut_off", None), ("departure", None), ("departure", 1), ("arrival", 1), ("arrival", None),
           ("stripped", None)]  # fmt: skip
    found = lines(said(event, leg_no) for event, leg_no in reversed(way))
    assert [(one.event, one.leg_no) for one in found] == way


def test_what_is_not_booked_or_not_there_has_nothing_to_report(session: Session) -> None:
    (name,) = make_consignments(session, 1)
    with pytest.raises(NotBooked):
        report_consignment(session, name, act("collected", None, READY), LATER)
    with pytest.raises(UnknownConsignment):
        report_consignment(session, "NONE", act("collected", None, READY), LATER)
    with pytest.raises(NotFound):
        report_box(session, 7, "B9999", act("collected", None, READY), LATER)
    with pytest.raises(NotFound):
        report_departure(session, "NONE@1", act("departure", None, READY), LATER)


def test_a_firm_reports_on_its_own_goods_alone(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        firm = make_company(session, "logistics_firm")
        mine = booked(session, 1, forwarder_id=firm.id)
        theirs = booked(session, 1)
        announce(session, form(firm.id))
    own = Scope(scope.tenant_id, role="planner", company_id=firm.id, sees_all=False)
    with database.unit_of_work(own) as session:
        assert report_departure(session, "BARGE@1", act("departure", None, READY, "EST"), LATER) == Written(1, 1)
        with pytest.raises(UnknownConsignment):
            report_consignment(session, theirs[0], act("departure", 1, READY), LATER)
    with database.unit_of_work(scope) as session:
        assert [one.kind for one in queries.milestones(session, mine[0])].count("EST") == 1
        assert [one.kind for one in queries.milestones(session, theirs[0])].count("EST") == 0
