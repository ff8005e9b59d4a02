"""A plan while it is made: what is heard of it, how it is ended early, and a limit of work in place of time."""

from __future__ import annotations

import pytest

from routing.generate import problem as generated
from routing.solve import make_plan
from routing.verify import verify
from tests.routing.watched import Heard

WRITTEN = {"elapsed_ms", "stages_ms", "started_at"}


def test_what_is_proved_while_a_plan_is_made_is_proved_in_the_end() -> None:
    heard = Heard()
    plan = make_plan(generated(80, seed=3), effort=3, rounds=3, work=1, watch=heard)
    assert heard.bounds
    assert max(heard.bounds) <= plan.objective_minor
    assert max(heard.bounds) == plan.bound_minor
    assert heard.costs[-1] == plan.objective_minor
    assert not plan.stopped


@pytest.mark.parametrize(
    ("stage", "many"),
    [("rough plan", 1), ("bound", 1), ("search", 1), ("baselines", 10**6), ("bound", 10**6), ("loading", 10**6)],
)
def test_a_plan_that_is_stopped_is_a_checked_plan(stage: str, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.solve.MANY_PATHS", many)
    one = generated(60, seed=3)
    plan = make_plan(one, seconds=10_000, work=1, watch=Heard(until=stage))
    assert plan.stopped
    assert plan.state == "solved"
    assert verify(one, plan.model_dump(mode="json")) == []
    assert plan.bound_minor <= plan.objective_minor


@pytest.mark.parametrize("many", [1, 10**6], ids=["with the rough plan", "exact solver alone"])
def test_a_limit_of_work_gives_the_same_plan_every_time(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.solve.MANY_PATHS", many)
    one = generated(60, seed=3)
    first, second = (make_plan(one, effort=2, rounds=2, work=1).model_dump(exclude=WRITTEN) for _ in range(2))
    assert first == second
    assert first["effort"] == 2
