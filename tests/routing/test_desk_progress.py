"""What is told of a plan while it is made, and a plan that somebody stops."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select, text

from routing import desk, desk_parts, desk_progress, queries
from routing.desk import UnknownPlan
from routing.desk_progress import Known, Ticker, tell
from routing.desk_stop import NothingToStop, request_stop
from routing.plan import Plan
from routing.problem import Problem
from routing.tables import StoredPlan
from routing.verify import verify
from tests.build import make_company
from tests.routing.parted import announced, being_made, requested, small_parts, split_from
from tests.routing.stored import stored_plan
from wms.db import Database, Scope

GOODS = 30


@pytest.fixture
def running(database: Database, scope: Scope) -> int:
    return being_made(database, scope)


def test_what_is_told_comes_in_order_and_what_is_proved_stays(database: Database, scope: Scope, running: int) -> None:
    ticker = Ticker(database, scope, running)
    for stage, bound in (("bound", 50), ("bound", 70), ("search", 60), ("loading", 65)):
        ticker.stage(stage, 100)
        ticker.figures(bound_minor=bound)
        ticker._tick()
    ticker.figures(cost_minor=90)
    ticker._tick()
    ticker._tick()  # nothing new
    with database.unit_of_work(scope) as session:
        steps = queries.steps(session, running)
        notes = text("SELECT count(*) FROM live_note WHERE topic = 'plan' AND subject_id = :id")
        assert session.execute(notes, {"id": running}).scalar_one() == 5
    assert [one.stage for one in steps] == ["bound", "bound", "search", "loading", "loading"]
    assert [one.bound_minor for one in steps] == [50, 70, 70, 70, 70]
    assert [one.gap_ppm for one in steps] == [None, None, None, None, 222_223]
    assert sorted(one.told_at for one in steps) == [one.told_at for one in steps]


def test_a_plan_that_is_made_is_told_of_no_more(database: Database, scope: Scope, running: int) -> None:
    with database.unit_of_work(scope) as session:
        session.get_one(StoredPlan, running).state = "failed"
    with database.unit_of_work(scope) as session:
        tell(session, running, Known("search", 700))
        assert queries.steps(session, running) == []


def test_a_stopped_plan_is_loaded_checked_and_stored_with_its_bound(
    database: Database, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_progress, "TICK_S", 0.01)
    monkeypatch.setattr(desk_parts, "ALIVE", text("SELECT 2 WHERE CAST(:alive_s AS int) > 0"))
    small_parts(monkeypatch)
    with database.unit_of_work(scope) as session:
        split_from(session, 1)
        problem, versions = announced(session, GOODS)
        plan_id = requested(session, problem, versions)
        session.get_one(StoredPlan, plan_id).effort = None
        session.get_one(StoredPlan, plan_id).seconds_limit = 100_000  # only who stops it ends it
    asked = threading.Event()

    class Stopping(Ticker):
        def figures(self, *, cost_minor: int | None = None, bound_minor: int | None = None) -> None:
            super().figures(cost_minor=cost_minor, bound_minor=bound_minor)
            if bound_minor and not asked.is_set():
                asked.set()
                with database.unit_of_work(scope) as session:
                    assert request_stop(session, plan_id) == "running"

    monkeypatch.setattr(desk, "Ticker", Stopping)
    desk.run_plan(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        row = session.get_one(StoredPlan, plan_id)
        assert (row.state, row.fault) == ("solved", None)
        assert row.bound_minor is not None
        assert row.objective_minor is not None
        assert 0 < row.bound_minor <= row.objective_minor
        plan = Plan.model_validate(row.document)
        assert plan.stopped
        assert verify(Problem.model_validate(row.problem), plan.model_dump(mode="json")) == []
        bounds = [one.bound_minor for one in queries.steps(session, plan_id) if one.bound_minor is not None]
        assert bounds == sorted(bounds)
        assert bounds[-1] <= row.bound_minor


def test_a_plan_that_waits_can_be_stopped_and_asking_again_changes_nothing(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        plan_id = requested(session, *announced(session, 4))
        assert request_stop(session, plan_id) == "queued"
        first = session.get_one(StoredPlan, plan_id).stop_asked_at
        assert request_stop(session, plan_id) == "queued"
        assert session.get_one(StoredPlan, plan_id).stop_asked_at == first
    desk.run_plan(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        assert session.get_one(StoredPlan, plan_id).state == "solved"


def test_what_is_not_being_made_cannot_be_stopped(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        plan = stored_plan(session, make_company(session, "owner_of_goods"))
        with pytest.raises(NothingToStop):
            request_stop(session, plan.id)
        with pytest.raises(UnknownPlan):
            request_stop(session, 10**12)


def test_another_firms_plan_is_not_told_of_and_cannot_be_stopped(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        mine, other = make_company(session, "owner_of_goods"), make_company(session, "owner_of_goods")
        row = StoredPlan(seconds_limit=30, weeks=4, seed=1, state="running", company_id=mine.id)
        session.add(row)
        session.flush()
        plan_id, ids = row.id, (mine.id, other.id)
    firms = [Scope(scope.tenant_id, role="planner", company_id=key, sees_all=False) for key in ids]
    with database.unit_of_work(firms[0]) as session:
        tell(session, plan_id, Known("search", 700, 90, 80))
        assert [one.cost_minor for one in queries.steps(session, plan_id)] == [90]
    with database.unit_of_work(firms[1]) as session:
        assert queries.steps(session, plan_id) == []
        with pytest.raises(UnknownPlan):
            request_stop(session, plan_id)
    with database.unit_of_work(firms[0]) as session:
        assert request_stop(session, plan_id) == "running"
        assert session.scalars(select(StoredPlan.stop_asked_at).where(StoredPlan.id == plan_id)).one() is not None
