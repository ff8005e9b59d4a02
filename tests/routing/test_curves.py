"""Trade-off curves in the books: one snapshot, a checked plan for each weighting, any of them can be accepted."""

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from routing import desk
from routing.curves import (
    MOST_WEIGHTINGS,
    CurveAsked,
    CurvePlan,
    TooManyWeightings,
    UnknownCurve,
    curve_row,
    curves,
    plans_of,
    request_curve,
    run_curve,
)
from routing.desk import NothingToPlan
from routing.plan import Plan
from routing.problem import BadProblem, Fault, Problem
from routing.tables import StoredPlan
from routing.tradeoff import PLAIN, Wanted, Weights, point
from routing.verify import verify
from routing.watching import Watch
from routing.wishes import Wishes
from tests.build import make_company
from tests.wms.freight.builders import form, make_consignments
from wms.db import Database, Scope
from wms.freight import queries
from wms.freight.service import announce

FAST = Weights(time=1000)


@pytest.fixture
def names(database: Database, scope: Scope) -> list[str]:
    with database.unit_of_work(scope) as session:
        return make_consignments(session, 4, volume_cm3=3_000_000, value_minor=50_000_000)


def asked(database: Database, scope: Scope, *weightings: Weights, company_id: int | None = None) -> int:
    with database.unit_of_work(scope) as session:
        return request_curve(session, CurveAsked(weightings, 8, company_id=company_id))


def made(database: Database, scope: Scope, *weightings: Weights) -> int:
    curve_id = asked(database, scope, *weightings)
    run_curve(database, curve_id=curve_id, tenant_id=scope.tenant_id)
    return curve_id


def plans(database: Database, scope: Scope, curve_id: int) -> list[CurvePlan]:
    with database.unit_of_work(scope) as session:
        return plans_of(session, curve_id)


def test_what_is_wished_of_delays_and_canals_holds_for_every_point(
    database: Database, scope: Scope, names: list[str]
) -> None:
    wishes = Wishes.model_validate({"quantile": 80, "canals": {"suez": "open"}})
    with database.unit_of_work(scope) as session:
        curve_id = request_curve(session, CurveAsked([PLAIN, FAST], 8, wishes=wishes))
        args = session.execute(text("SELECT args FROM procrastinate_jobs ORDER BY id DESC LIMIT 1")).scalar_one()
    run_curve(database, **args)
    with database.unit_of_work(scope) as session:
        rows = session.scalars(select(StoredPlan).where(StoredPlan.curve_id == curve_id)).all()
        for row in rows:
            assert row.state == "solved"
            assert row.problem is not None
            assert row.problem["options"]["quantile"] == 80
            assert row.problem["network"]["canals"]["suez"] == "open"


def test_a_request_stores_a_plan_for_each_weighting_and_one_job(
    database: Database, scope: Scope, names: list[str]
) -> None:
    curve_id = asked(database, scope, FAST, FAST, PLAIN)
    found = plans(database, scope, curve_id)
    assert [(one.weights, one.row.state, one.row.seconds_limit, one.point) for one in found] == [
        (PLAIN, "queued", 4, None), (FAST, "queued", 4, None),
    ]  # fmt: skip
    with database.unit_of_work(scope) as session:
        jobs = session.execute(
            text("SELECT task_name FROM procrastinate_jobs WHERE (args->>'curve_id')::bigint = :id"), {"id": curve_id}
        )
        assert jobs.scalars().all() == ["routing.make_curve"]
        assert [one.id for one in curves(session)] == [curve_id]
        assert curves(session, before_id=curve_id) == []


def test_without_weightings_those_of_the_day_are_taken(database: Database, scope: Scope, names: list[str]) -> None:
    with database.unit_of_work(scope) as session:
        found = plans_of(session, request_curve(session, CurveAsked()))
    assert len(found) == 5
    assert found[0].weights == PLAIN


def test_the_plans_are_checked_answers_to_one_snapshot(database: Database, scope: Scope, names: list[str]) -> None:
    curve_id = made(database, scope, FAST)
    found = plans(database, scope, curve_id)
    assert [one.row.state for one in found] == ["solved", "solved"]
    with database.unit_of_work(scope) as session:
        rows = session.scalars(select(StoredPlan).where(StoredPlan.curve_id == curve_id)).all()
        documents: list[tuple[dict[str, Any], dict[str, Any]]] = [
            (one.problem or {}, one.document or {}) for one in rows
        ]
    for problem, document in documents:
        assert verify(Problem.model_validate(problem), document) == []
    assert len({one.row.snapshot_sha256 for one in found}) == 1
    assert {document["snapshot_sha256"] for _, document in documents} == {found[0].row.snapshot_sha256}
    slow, fast = found[0].point, found[1].point
    assert slow is not None
    assert fast is not None
    assert fast.sums.mean_h < slow.sums.mean_h
    assert fast.sums.paid_minor > slow.sums.paid_minor
    assert found[1].row.bound_minor == found[0].row.bound_minor
    assert fast.bound_minor <= fast.objective_minor
    assert not any(one.beaten for one in found)


def test_a_point_is_accepted_like_any_plan_and_pays_the_rules_prices(
    database: Database, scope: Scope, names: list[str]
) -> None:
    fast = plans(database, scope, made(database, scope, FAST))[1]
    with database.unit_of_work(scope) as session:
        assert desk.accept_plan(session, fast.row.id) == len(names)
        rows = queries.consignments(session, state="booked")
        booked = queries.bookings(session, [row.id for row in rows]).values()
        assert {one.plan_id for one in booked} == {fast.row.id}
        assert sum(one.total_minor for one in booked) == fast.row.cost_minor


def test_run_again_the_job_makes_what_is_left_of_the_same_snapshot(
    database: Database, scope: Scope, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(problem: Problem, weights: Weights, base: Plan | None, wanted: Wanted, tell: Watch) -> Any:
        if base is not None:
            raise OperationalError("the worker dies in its second plan", None, Exception())
        return point(problem, weights, base, wanted, tell)

    monkeypatch.setattr("routing.curves.point", dies)
    curve_id = asked(database, scope, FAST)
    with pytest.raises(OperationalError):
        run_curve(database, curve_id=curve_id, tenant_id=scope.tenant_id)
    before = plans(database, scope, curve_id)
    assert [one.row.state for one in before] == ["solved", "running"]
    monkeypatch.undo()
    with database.unit_of_work(scope) as session:
        make_consignments(session, 1)  # the snapshot is frozen: it is not in it
    run_curve(database, curve_id=curve_id, tenant_id=scope.tenant_id)
    after = plans(database, scope, curve_id)
    assert after[0].row == before[0].row
    assert (after[1].row.state, after[1].row.snapshot_sha256) == ("solved", before[0].row.snapshot_sha256)


def test_a_plan_that_cannot_be_made_says_so_and_the_others_go_on(
    database: Database, scope: Scope, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(problem: Problem, weights: Weights, base: Plan | None, wanted: Wanted, tell: Watch) -> Any:
        if weights == bad:
            raise RuntimeError("no such luck")
        return point(problem, weights, base, wanted, tell)

    monkeypatch.setattr("routing.curves.point", fails)
    bad = Weights(time=7)
    found = plans(database, scope, made(database, scope, bad, FAST))
    assert [one.row.state for one in found] == ["solved", "failed", "solved"]
    assert "no such luck" in (found[1].row.fault or "")
    bad = PLAIN
    found = plans(database, scope, made(database, scope, FAST))
    assert [one.row.state for one in found] == ["failed", "failed"]


def test_where_the_snapshot_is_refused_every_plan_says_why(
    database: Database, scope: Scope, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_given: Any, **_more: Any) -> Any:
        raise BadProblem([Fault("consignments.0.temperature", "literal_error", "is no temperature")])

    curve_id = asked(database, scope, FAST)
    monkeypatch.setattr("routing.curves.snapshot", refuses)
    run_curve(database, curve_id=curve_id, tenant_id=scope.tenant_id)
    found = plans(database, scope, curve_id)
    assert [one.row.state for one in found] == ["failed", "failed"]
    assert all("temperature" in (one.row.fault or "") for one in found)


def test_what_cannot_be_asked_is_refused(database: Database, scope: Scope, names: list[str]) -> None:
    with database.unit_of_work(scope) as session:
        many = [Weights(time=k) for k in range(1, MOST_WEIGHTINGS + 2)]
        with pytest.raises(TooManyWeightings):
            request_curve(session, CurveAsked(many))
        with pytest.raises(UnknownCurve):
            curve_row(session, 0)


def test_nothing_open_is_refused_at_once(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session, pytest.raises(NothingToPlan):
        request_curve(session, CurveAsked())


def test_a_firms_curve_plans_its_own_goods_and_nobody_else_of_the_firms_sees_it(
    database: Database, scope: Scope, names: list[str]
) -> None:
    with database.unit_of_work(scope) as session:
        mine, other = make_company(session, "owner_of_goods"), make_company(session, "owner_of_goods")
        announce(session, form(mine.id))
        ids = mine.id, other.id
    own, strange = (Scope(scope.tenant_id, role="planner", company_id=key, sees_all=False) for key in ids)
    curve_id = asked(database, own, FAST, company_id=ids[0])
    run_curve(database, curve_id=curve_id, tenant_id=scope.tenant_id, company_id=ids[0])
    found = plans(database, own, curve_id)
    assert [one.row.state for one in found] == ["solved", "solved"]
    with database.unit_of_work(own) as session:
        row = session.get_one(StoredPlan, found[0].row.id)
        assert len(row.versions or {}) == 1
    with database.unit_of_work(strange) as session:
        assert (curves(session), plans_of(session, curve_id)) == ([], [])
