"""From open consignments to booked legs, through the real database."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from routing import desk
from routing.desk import AllotmentGone, CutOffPassed, NothingToPlan, PlanNotSolved, PlanStale, UnknownPlan
from routing.tables import StoredAssignment, StoredBox, StoredPlan, StoredUnserved
from tests.build import make_company
from tests.wms.freight.builders import READY, form, make_consignments
from wms.db import Database, Scope
from wms.freight import queries
from wms.freight.service import amend, announce, take_allotment
from wms.freight.tables import AllotmentUse, TransportLeg


@pytest.fixture
def names(database: Database, scope: Scope) -> list[str]:
    with database.unit_of_work(scope) as session:
        return make_consignments(session, 6, volume_cm3=9_000_000)


def planned(database: Database, scope: Scope, company_id: int | None = None) -> int:
    """Request a plan and run its job in this process; the plan's id."""
    asker = (
        scope if company_id is None else Scope(scope.tenant_id, role="planner", company_id=company_id, sees_all=False)
    )
    with database.unit_of_work(asker) as session:
        plan_id = desk.request_plan(session, seconds=4, company_id=company_id)
    desk.run_plan(database, plan_id=plan_id, tenant_id=scope.tenant_id, company_id=company_id)
    return plan_id


def stored(session: Session, plan_id: int) -> StoredPlan:
    row = session.get(StoredPlan, plan_id)
    assert row is not None
    return row


def test_a_request_defers_its_job_in_the_same_transaction(database: Database, scope: Scope, names: list[str]) -> None:
    with database.unit_of_work(scope) as session:
        plan_id = desk.request_plan(session)
        jobs = session.execute(
            text("SELECT task_name FROM procrastinate_jobs WHERE (args->>'plan_id')::bigint = :id"), {"id": plan_id}
        )
        assert jobs.scalars().all() == ["routing.make_plan"]


def test_nothing_open_is_refused_at_once(session: Session) -> None:
    with pytest.raises(NothingToPlan):
        desk.request_plan(session)


def test_open_consignments_become_a_stored_checked_plan(database: Database, scope: Scope, names: list[str]) -> None:
    plan_id = planned(database, scope)
    with database.unit_of_work(scope) as session:
        row = stored(session, plan_id)
        assert (row.state, row.progress_permille) == ("solved", 1000)
        assert row.bound_minor is not None
        assert row.cost_minor is not None
        assert 0 < row.bound_minor <= row.cost_minor
        assert row.snapshot_sha256 == row.document["snapshot_sha256"] if row.document else False
        rows = session.scalars(select(StoredAssignment).where(StoredAssignment.plan_id == plan_id)).all()
        assert sorted(one.consignment_no for one in rows) == sorted(names)
        boxes = session.scalars(select(StoredBox).where(StoredBox.plan_id == plan_id)).all()
        assert sum(one.price_minor for one in boxes) == sum(one.share_minor for one in rows)


def test_accepting_books_legs_milestones_and_allotment_once(database: Database, scope: Scope, names: list[str]) -> None:
    plan_id = planned(database, scope)
    for _ in range(2):
        with database.unit_of_work(scope) as session:
            assert desk.accept_plan(session, plan_id) == 6
    with database.unit_of_work(scope) as session:
        assert stored(session, plan_id).state == "accepted"
        booking = queries.booking(session, names[0])
        assert booking is not None
        assert booking.plan_id == plan_id
        assert booking.legs[0][2] == "CNCLJ"
        planned_events = [row.event for row in queries.milestones(session, names[0])]
        assert planned_events[0] == "cut_off"
        assert planned_events[-1] == "delivery"
        assert queries.count_open(session) == 0
        document = stored(session, plan_id).document
        assert document is not None
        wanted = {leg["departure"]: leg["taken"] for leg in document["legs"] if leg["taken"]}
        assert queries.allotment_taken(session) == wanted
        assert len(session.scalars(select(TransportLeg)).all()) == sum(
            len(segment["departures"])
            for one in document["assignments"]
            for segment in document["segments"]
            if segment["id"] == one["segment"]
        )


def test_the_next_plan_sees_what_accepted_ones_have_taken(database: Database, scope: Scope, names: list[str]) -> None:
    plan_id = planned(database, scope)
    with database.unit_of_work(scope) as session:
        desk.accept_plan(session, plan_id)
        taken = queries.allotment_taken(session)
        make_consignments(session, 1)
    with database.unit_of_work(scope) as session:
        problem, _ = desk.snapshot(session, weeks=4)
        assert problem.options.used == taken
        assert len(problem.consignments) == 1


def test_a_plan_whose_consignment_changed_is_refused_by_name(
    database: Database, scope: Scope, names: list[str]
) -> None:
    plan_id = planned(database, scope)
    with database.unit_of_work(scope) as session:
        row = queries.consignment(session, names[2])
        assert row is not None
        amend(session, form(row.owner_id, consignment_no=names[2], weight_g=500_000))
    with database.unit_of_work(scope) as session, pytest.raises(PlanStale) as refused:
        desk.accept_plan(session, plan_id)
    assert refused.value.values["consignments"] == names[2]


def test_of_two_plans_for_the_same_goods_only_one_is_accepted(
    database: Database, scope: Scope, names: list[str]
) -> None:
    first, second = planned(database, scope), planned(database, scope)
    with database.unit_of_work(scope) as session:
        desk.accept_plan(session, first)
    with database.unit_of_work(scope) as session, pytest.raises(PlanStale):
        desk.accept_plan(session, second)


def test_a_plan_whose_room_was_taken_is_refused_with_the_departure(
    database: Database, scope: Scope, names: list[str]
) -> None:
    plan_id = planned(database, scope)
    with database.unit_of_work(scope) as session:
        document = stored(session, plan_id).document
        assert document is not None
        leg = next(leg for leg in document["legs"] if leg["taken"])
        take_allotment(session, plan_id + 1_000_000, {leg["departure"]: (leg["unit"], leg["capacity"])})
    with database.unit_of_work(scope) as session, pytest.raises(AllotmentGone, match=leg["departure"]):
        desk.accept_plan(session, plan_id)


def test_a_plan_whose_cut_off_has_passed_is_refused(database: Database, scope: Scope, names: list[str]) -> None:
    plan_id = planned(database, scope)
    with database.unit_of_work(scope) as session:
        row = stored(session, plan_id)
        assert row.document is not None
        segments = [{**one, "close_at": "2026-01-01T00:00:00Z"} for one in row.document["segments"]]
        row.document = {**row.document, "segments": segments}
    with database.unit_of_work(scope) as session, pytest.raises(CutOffPassed):
        desk.accept_plan(session, plan_id)


def test_a_plan_with_no_feasible_service_is_stored_with_its_reasons_and_cannot_be_accepted(
    database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        make_consignments(session, 2, destination="DEXXX")
        make_consignments(session, 1, due_at=READY + timedelta(days=1), latest_at=READY + timedelta(days=2))
    plan_id = planned(database, scope)
    with database.unit_of_work(scope) as session:
        assert stored(session, plan_id).state == "infeasible"
        rows = session.scalars(select(StoredUnserved).where(StoredUnserved.plan_id == plan_id)).all()
        assert sorted(row.reason for row in rows) == ["arrives_late", "unknown_place", "unknown_place"]
    with database.unit_of_work(scope) as session, pytest.raises(PlanNotSolved):
        desk.accept_plan(session, plan_id)


def test_running_the_job_again_changes_nothing(database: Database, scope: Scope, names: list[str]) -> None:
    plan_id = planned(database, scope)
    with database.unit_of_work(scope) as session:
        before = stored(session, plan_id).finished_at
    desk.run_plan(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        assert stored(session, plan_id).finished_at == before


def test_a_job_that_died_halfway_takes_the_same_snapshot_again(
    database: Database, scope: Scope, names: list[str]
) -> None:
    with database.unit_of_work(scope) as session:
        plan_id = desk.request_plan(session, seconds=3)
    assert desk._begin(database, scope, plan_id) is not None
    with database.unit_of_work(scope) as session:
        make_consignments(session, 1)
    desk.run_plan(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        row = stored(session, plan_id)
        assert row.state == "solved"
        assert row.problem is not None
        assert len(row.problem["consignments"]) == 6


def test_a_defect_of_the_planner_ends_the_waiting_and_is_told(
    database: Database, scope: Scope, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object, **_named: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(desk, "make_plan", broken)
    with database.unit_of_work(scope) as session:
        plan_id = desk.request_plan(session, seconds=3)
    with pytest.raises(ZeroDivisionError):
        desk.run_plan(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        assert (stored(session, plan_id).state, stored(session, plan_id).fault) == (
            "failed",
            "ZeroDivisionError: a defect",
        )


def test_a_firm_plans_its_own_goods_and_sees_its_own_share_only(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        firm = make_company(session, "logistics_firm")
        mine = make_consignments(session, 2, forwarder_id=firm.id)
        make_consignments(session, 3)
    everybody = planned(database, scope)
    own = Scope(scope.tenant_id, role="planner", company_id=firm.id, sees_all=False)
    with database.unit_of_work(own) as session:
        assert session.get(StoredPlan, everybody) is None
        assert session.scalars(select(StoredBox)).all() == []
        rows = session.scalars(select(StoredAssignment)).all()
        assert sorted(row.consignment_no for row in rows) == sorted(mine)
        with pytest.raises(UnknownPlan):
            desk.accept_plan(session, everybody)
    alone = planned(database, scope, firm.id)
    with database.unit_of_work(own) as session:
        assert stored(session, alone).state == "solved"
        assert desk.accept_plan(session, alone) == 2
    with database.unit_of_work(scope) as session:
        assert queries.count_open(session) == 3


def test_allotments_of_others_are_counted_for_a_firm_too(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        firm = make_company(session, "logistics_firm")
        session.add(AllotmentUse(plan_id=1, departure="X@1", unit="teu", amount=2))
        announce(session, form(make_company(session, "owner_of_goods").id, forwarder_id=firm.id))
    own = Scope(scope.tenant_id, role="planner", company_id=firm.id, sees_all=False)
    with database.unit_of_work(own) as session:
        assert desk.snapshot(session, weeks=1)[0].options.used == {"X@1": 2}
