"""Repairs of stored plans on the real database: the live plan is not touched, bookings move at once or not at all."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from routing import desk
from routing import queries as plans
from routing.desk import NotItsPlace, PlanNotSolved, PlanStale, UnknownPlan
from routing.plan import Plan
from routing.problem import Problem
from routing.replan.desk import (
    Asked,
    EventRefused,
    NothingToRepair,
    accept_in_place,
    request_replan,
    run_replan,
)
from routing.tables import StoredPlan
from routing.verify import verify
from tests.routing.stored import held, plan_of
from tests.routing.test_desk import planned, stored
from tests.wms.freight.builders import make_consignments
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.freight import queries
from wms.freight.service import write_milestone
from wms.freight.tables import AllotmentUse, TransportBooking


@pytest.fixture
def names(database: Database, scope: Scope) -> list[str]:
    with database.unit_of_work(scope) as session:
        return make_consignments(session, 6, volume_cm3=9_000_000)


@pytest.fixture
def live(database: Database, scope: Scope, names: list[str]) -> int:
    """An accepted plan of six consignments."""
    plan_id = planned(database, scope)
    with database.unit_of_work(scope) as session:
        desk.accept_plan(session, plan_id)
    return plan_id


def cancelled(plan: Plan) -> dict[str, Any]:
    return {"events": [{"kind": "cancelled", "departure": plan.legs[0].departure}]}


def repaired(database: Database, scope: Scope, plan_id: int, document: dict[str, Any], **more: Any) -> int:
    with database.unit_of_work(scope) as session:
        made = request_replan(session, Asked(plan_id, document, **more))
    run_replan(database, plan_id=made, tenant_id=scope.tenant_id)
    return made


def test_asking_defers_a_job_and_leaves_the_live_plan_and_its_bookings_alone(
    database: Database, scope: Scope, live: int, names: list[str]
) -> None:
    plan = plan_of(database, scope, live)
    with database.unit_of_work(scope) as session:
        before = held(session)
        made = request_replan(session, Asked(live, cancelled(plan)))
        jobs = session.execute(
            text("SELECT task_name FROM procrastinate_jobs WHERE (args->>'plan_id')::bigint = :id"), {"id": made}
        )
        assert jobs.scalars().all() == ["routing.replan"]
    run_replan(database, plan_id=made, tenant_id=scope.tenant_id)
    run_replan(database, plan_id=made, tenant_id=scope.tenant_id)  # a second delivery of the job changes nothing
    with database.unit_of_work(scope) as session:
        row = stored(session, made)
        assert (row.state, row.replaces_id) == ("solved", live)
        assert held(session) == before
        assert stored(session, live).state == "accepted"
        assert [one.id for one in plans.repairs_of(session, live)] == [made]
        assert row.document is not None
        assert verify(Problem.model_validate(row.problem), row.document) == []
        comparison = plans.comparison(session, made)
        assert comparison is not None
        assert comparison["breaks"][0]["code"] == "cancelled"
        assert comparison["comparison"]["before"]["go"] == 6


def test_accepting_moves_bookings_and_room_and_ends_the_old_plan(
    database: Database, scope: Scope, live: int, names: list[str]
) -> None:
    old = plan_of(database, scope, live)
    made = repaired(database, scope, live, cancelled(old))
    new = plan_of(database, scope, made)
    for _ in range(2):
        with database.unit_of_work(scope) as session:
            assert accept_in_place(session, made) == len(new.assignments)
    with database.unit_of_work(scope) as session:
        assert (stored(session, live).state, stored(session, made).state) == ("superseded", "accepted")
        assert held(session) == {one.consignment: (made, one.segment) for one in new.assignments}
        assert old.legs[0].departure not in {name for row in new.segments for name in row.departures}
        wanted = {leg.departure: leg.taken for leg in new.legs if leg.taken}
        assert queries.allotment_taken(session) == wanted == queries.taken_by(session, made)
        assert queries.taken_by(session, live) == {}
        ended = session.scalars(select(TransportBooking).where(TransportBooking.ended_by_plan_id == made)).all()
        assert len(ended) == 6
        assert session.scalar(select(AllotmentUse.given_back_at).where(AllotmentUse.plan_id == live)) is not None
        booking = queries.booking(session, names[0])
        assert booking is not None
        assert booking.plan_id == made
        planned_events = [row.event for row in queries.milestones(session, names[0])]
        assert planned_events.count("delivery") == 2  # as it was planned, and as it is now


def test_what_does_not_move_is_not_told_again(database: Database, scope: Scope, live: int, names: list[str]) -> None:
    with database.unit_of_work(scope) as session:
        fresh = make_consignments(session, 1)
        before = len(queries.milestones(session, names[0]))
    made = repaired(database, scope, live, {"events": [{"kind": "new", "consignment": fresh[0]}]})
    with database.unit_of_work(scope) as session:
        accept_in_place(session, made)
    with database.unit_of_work(scope) as session:
        assert set(held(session)) == {*names, *fresh}
        assert len(queries.milestones(session, names[0])) == before


def test_a_repair_of_a_repair_can_be_accepted_in_its_place(database: Database, scope: Scope, live: int) -> None:
    first = repaired(database, scope, live, cancelled(plan_of(database, scope, live)))
    with database.unit_of_work(scope) as session:
        accept_in_place(session, first)
    second = repaired(database, scope, first, cancelled(plan_of(database, scope, first)))
    with database.unit_of_work(scope) as session:
        accept_in_place(session, second)
        assert stored(session, first).state == "superseded"
        assert {plan_id for plan_id, _ in held(session).values()} == {second}


def test_of_two_repairs_of_a_plan_one_takes_its_place_whoever_comes_first(
    database: Database, scope: Scope, live: int
) -> None:
    plan = plan_of(database, scope, live)
    rivals = [repaired(database, scope, live, cancelled(plan)) for _ in range(2)]
    done: list[int | str] = []

    def take(plan_id: int) -> None:
        try:
            with database.unit_of_work(scope) as session:
                done.append(accept_in_place(session, plan_id))
        except WmsError as refused:
            done.append(refused.code)

    threads = [threading.Thread(target=take, args=(one,)) for one in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(map(str, done)) == ["6", "not_its_place"]
    with database.unit_of_work(scope) as session:
        assert len({plan_id for plan_id, _ in held(session).values()}) == 1


def test_a_what_if_of_a_plan_that_is_not_accepted_cannot_take_a_place(
    database: Database, scope: Scope, names: list[str]
) -> None:
    base = planned(database, scope)
    made = repaired(database, scope, base, cancelled(plan_of(database, scope, base)))
    with database.unit_of_work(scope) as session, pytest.raises(NotItsPlace, match="which is solved"):
        accept_in_place(session, made)
    with database.unit_of_work(scope) as session:
        assert desk.accept_plan(session, made) == 6  # it is a plan like any other


def test_a_plan_that_repairs_none_cannot_take_a_place(database: Database, scope: Scope, names: list[str]) -> None:
    base = planned(database, scope)
    with database.unit_of_work(scope) as session, pytest.raises(NotItsPlace):
        accept_in_place(session, base)
    with database.unit_of_work(scope) as session, pytest.raises(UnknownPlan):
        accept_in_place(session, 10**9)


def test_goods_that_somebody_took_meanwhile_are_named(database: Database, scope: Scope, live: int) -> None:
    with database.unit_of_work(scope) as session:
        fresh = make_consignments(session, 1)
    made = repaired(database, scope, live, {"events": [{"kind": "new", "consignment": fresh[0]}]})
    other = planned(database, scope)
    with database.unit_of_work(scope) as session:
        desk.accept_plan(session, other)
    with database.unit_of_work(scope) as session, pytest.raises(PlanStale, match=fresh[0]):
        accept_in_place(session, made)
    with database.unit_of_work(scope) as session:
        assert stored(session, live).state == "accepted"
        assert queries.taken_by(session, live) != {}


def test_what_has_begun_stays_where_it_is(database: Database, scope: Scope, live: int) -> None:
    plan = plan_of(database, scope, live)
    box = plan.boxes[0]
    with database.unit_of_work(scope) as session:
        write_milestone(
            session, box.consignments[0], event="collected", kind="ACT", place="CNCLJ", event_at=datetime.now(UTC)
        )
    other = next((leg.departure for leg in plan.legs if leg.departure not in plan.segments[0].departures), None)
    event = {"kind": "full", "departure": other or plan.legs[-1].departure, "capacity": 50}
    made = repaired(database, scope, live, {"events": [event]})
    with database.unit_of_work(scope) as session:
        changes = Problem.model_validate(stored(session, made).problem).changes
    assert set(changes.pinned) >= set(box.consignments)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"kind": "cancelled", "departure": "BARGE-DOWN@20200101T1000"}, "no departure"),
        ({"kind": "new", "consignment": "NOBODY"}, "NOBODY is no open consignment"),
        ({"kind": "delay", "departure": "X"}, "is missing"),
        ({"kind": "late", "consignment": "NOBODY", "ready_at": "2026-03-05T00:00:00Z"}, "no consignment of this plan"),
    ],
)
def test_a_bad_event_is_refused_when_it_is_asked_for(
    database: Database, scope: Scope, live: int, event: dict[str, Any], said: str
) -> None:
    with database.unit_of_work(scope) as session, pytest.raises(EventRefused, match=said):
        request_replan(session, Asked(live, {"events": [event]}))


def test_only_a_plan_with_an_answer_can_be_repaired(database: Database, scope: Scope, names: list[str]) -> None:
    with database.unit_of_work(scope) as session:
        waiting = desk.request_plan(session)
        with pytest.raises(NothingToRepair):
            request_replan(session, Asked(waiting, {"events": []}))
        with pytest.raises(UnknownPlan):
            request_replan(session, Asked(10**9, {"events": []}))


def test_a_repair_that_failed_says_why_and_cannot_be_accepted(database: Database, scope: Scope, live: int) -> None:
    plan = plan_of(database, scope, live)
    document = cancelled(plan) | {"frozen": ["B9999"]}
    made = repaired(database, scope, live, document)
    with database.unit_of_work(scope) as session:
        row = session.get_one(StoredPlan, made)
        assert (row.state, "B9999" in (row.fault or "")) == ("failed", True)
        with pytest.raises(PlanNotSolved):
            accept_in_place(session, made)


def test_goods_put_on_a_departure_whose_cut_off_has_passed_are_refused(
    database: Database, scope: Scope, live: int
) -> None:
    made = repaired(database, scope, live, cancelled(plan_of(database, scope, live)))
    with database.unit_of_work(scope) as session:
        row = stored(session, made)
        assert row.document is not None
        past = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        row.document = row.document | {
            "segments": [segment | {"close_at": past} for segment in row.document["segments"]]
        }
    with database.unit_of_work(scope) as session, pytest.raises(desk.CutOffPassed):
        accept_in_place(session, made)
