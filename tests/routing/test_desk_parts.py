"""A plan whose work is done in parts is the same whoever does them, also where one of them dies."""

from __future__ import annotations

import signal
from contextlib import ExitStack

import pytest
from sqlalchemy import select, text

from routing import desk_parts
from routing.blocks import grouped
from routing.consolidate import blocks_of
from routing.desk_parts import Queue, Taken, do, help_plan, take
from routing.generate import problem as generated
from routing.paths import PathFinder
from routing.solve import make_plan
from routing.stowage import LOADING, Batch
from routing.tables import StoredPart, StoredPlan
from routing.verify import verify
from routing.watching import Deadline
from tests.conftest import Urls
from tests.routing.parted import WRITTEN, Here, announced, being_made, made, process, requested, small_parts, split_from
from tests.web.machine.running import until
from wms.db import Database, Scope

GOODS = 40
EMPTY = Batch(1, 1, ())
WORKER = """
from web import worker
from wms.settings import load_settings
worker.run(load_settings())
"""
DIES = """
import time
from routing import desk_parts
from wms.db import Database, Scope
from wms.settings import load_settings

desk_parts.LEASE_S = 2.0
database, scope = Database(load_settings().database_url), Scope.system(TENANT)
while True:
    with database.unit_of_work(scope) as session:
        taken = desk_parts.take(session, PLAN)
    if taken is not None:
        break
    time.sleep(0.05)
with desk_parts.Hold(database, scope, taken, lambda: False):
    print(taken.part_no, flush=True)
    time.sleep(3600)
"""


def parts(database: Database, scope: Scope, plan_id: int) -> list[StoredPart]:
    with database.unit_of_work(scope) as session:
        rows = session.scalars(select(StoredPart).where(StoredPart.plan_id == plan_id).order_by(StoredPart.part_no))
        found = list(rows)
        session.expunge_all()
    return found


def alive(database: Database) -> int:
    with database.engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM procrastinate_workers")).scalar_one())


def test_the_plan_is_the_same_on_one_two_and_three_processes_and_where_one_of_them_is_killed(
    fresh_database: Database, fresh_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_parts(monkeypatch)
    database, scope = fresh_database, Scope.system(1)
    with database.unit_of_work(scope) as session:
        split_from(session, GOODS)
        problem, versions = announced(session, GOODS)
        plans = [requested(session, problem, versions) for _ in range(4)]
    alone = made(database, scope, plans[0])
    assert verify(problem, {**alone, "elapsed_ms": 0, "stages_ms": {}, "started_at": 0}) == []
    assert {one.kind for one in parts(database, scope, plans[0])} == {"rough plan", "bound", "loading"}
    assert len({one.worker for one in parts(database, scope, plans[0])}) == 1
    assert all(one.input is one.answer is None for one in parts(database, scope, plans[0]))

    with ExitStack() as stack:
        patch = stack.enter_context(monkeypatch.context())
        patch.setattr(Queue, "_did_one", lambda _self: False)  # others have to do every part
        for count in (1, 2):
            stack.enter_context(process(fresh_urls, WORKER))
            until(lambda wanted=count: alive(database) == wanted, "the worker's first sign")
            # one call fewer than there are workers: who makes the plan is one of them, and here it is none
            patch.setattr(desk_parts, "ALIVE", text(f"SELECT {count + 1} WHERE CAST(:alive_s AS int) > 0"))
            assert made(database, scope, plans[count]) == alone
            hands = {one.worker for one in parts(database, scope, plans[count])}
            assert not hands & {one.worker for one in parts(database, scope, plans[0])}

    script = DIES.replace("PLAN", str(plans[3])).replace("TENANT", "1")
    did_one = Queue._did_one

    def killed(self: Queue) -> bool:
        if dying.poll() is None:
            assert dying.stdout is not None
            assert int(dying.stdout.readline()) > 0
            dying.send_signal(signal.SIGKILL)
            dying.wait(60)
        return did_one(self)

    with process(fresh_urls, script) as dying:
        monkeypatch.setattr(Queue, "_did_one", killed)
        assert made(database, scope, plans[3]) == alone
    again = [one for one in parts(database, scope, plans[3]) if one.attempts == 2]
    assert len(again) == 1


def test_a_crew_on_paper_makes_a_sound_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    small_parts(monkeypatch)
    one = generated(50, seed=5)
    first, second = (make_plan(one, effort=2, rounds=2, crew=Here()).model_dump(exclude=WRITTEN) for _ in range(2))
    assert first == second
    assert first["bound_minor"] > first["objective_minor"] // 2


def test_parts_hold_each_block_once_in_order() -> None:
    paths = PathFinder(generated(120, seed=2)).find()
    blocks = blocks_of(paths)[::-1]
    found = grouped(paths, blocks, range(len(blocks)))
    assert [at for part in found for at in part] == list(range(len(blocks)))
    assert 1 < len(found) < len(blocks)


@pytest.fixture
def plan_id(database: Database, scope: Scope) -> int:
    return being_made(database, scope)


def put(database: Database, scope: Scope, plan_id: int, deadline: Deadline | None = None) -> Queue:
    queue = Queue(database, scope, plan_id)
    queue._put(LOADING, [EMPTY, EMPTY], deadline or Deadline(), [1, 3])
    return queue


def taken(database: Database, scope: Scope, plan_id: int) -> Taken | None:
    with database.unit_of_work(scope) as session:
        return take(session, plan_id)


def lapse(database: Database, scope: Scope, part_no: int, plan_id: int) -> None:
    with database.unit_of_work(scope) as session:
        lent = text("UPDATE plan_part SET lease_until = now() - interval '1 s' WHERE plan_id = :id AND part_no = :no")
        session.execute(lent, {"id": plan_id, "no": part_no})


def test_a_part_is_lent_to_one_and_again_when_its_worker_is_silent(
    database: Database, scope: Scope, plan_id: int
) -> None:
    put(database, scope, plan_id)
    first, second = taken(database, scope, plan_id), taken(database, scope, plan_id)
    assert first is not None
    assert second is not None
    assert (first.part_no, second.part_no) == (1, 2)
    assert taken(database, scope, plan_id) is None
    lapse(database, scope, 1, plan_id)
    again = taken(database, scope, plan_id)
    assert again is not None
    assert again.part_no == 1


def test_an_answer_that_came_too_late_changes_nothing(database: Database, scope: Scope, plan_id: int) -> None:
    queue = put(database, scope, plan_id)
    late = taken(database, scope, plan_id)
    assert late is not None
    with database.unit_of_work(scope) as session:  # lent to somebody else meanwhile
        lent = text("UPDATE plan_part SET worker = 'other:1:1' WHERE part_no = 1 AND plan_id = :id")
        session.execute(lent, {"id": plan_id})
    do(database, scope, late)
    assert queue._answers(1, 2, []) == []


def test_a_part_that_keeps_failing_is_left_to_who_makes_the_plan(
    database: Database, scope: Scope, plan_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, scope, plan_id)
    broken = type("Broken", (), {"worked": staticmethod(lambda _job, _deadline: 1 / 0)})
    with monkeypatch.context() as patch:
        patch.setitem(desk_parts.KINDS, "loading", broken)  # type: ignore[arg-type]
        help_plan(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    tried = parts(database, scope, plan_id)
    assert [(one.state, one.attempts) for one in tried] == [("waiting", desk_parts.MOST_TRIED)] * 2
    assert all("ZeroDivisionError" in (one.fault or "") for one in tried)
    assert taken(database, scope, plan_id) is None
    queue = Queue(database, scope, plan_id)
    assert queue.work(LOADING, [EMPTY, EMPTY], Deadline(), [1, 3]) == [[], []]


def test_a_plan_begun_anew_finds_what_was_done(database: Database, scope: Scope, plan_id: int) -> None:
    put(database, scope, plan_id)
    mine = taken(database, scope, plan_id)
    assert mine is not None
    do(database, scope, mine)
    queue = put(database, scope, plan_id)
    assert [part_no for part_no, _ in queue._answers(1, 2, [])] == [1]


def test_the_time_left_is_shared_by_weight_among_those_who_work(
    database: Database, scope: Scope, plan_id: int
) -> None:
    put(database, scope, plan_id, Deadline.within(10_000))
    first, second = taken(database, scope, plan_id), taken(database, scope, plan_id)
    assert first is not None
    assert second is not None
    assert first.seconds is not None
    assert second.seconds is not None
    assert first.seconds < 5_000 < second.seconds


def test_nobody_works_for_a_plan_that_is_made(database: Database, scope: Scope, plan_id: int) -> None:
    put(database, scope, plan_id)
    with database.unit_of_work(scope) as session:
        session.get_one(StoredPlan, plan_id).state = "failed"
    assert taken(database, scope, plan_id) is None


def test_others_are_called_while_parts_wait(
    database: Database, scope: Scope, plan_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_parts, "ALIVE", text("SELECT 3 WHERE CAST(:alive_s AS int) > 0"))
    queue = put(database, scope, plan_id)
    for _ in range(2):
        queue._called_at = -desk_parts.CALL_S
        queue._call()
    with database.unit_of_work(scope) as session:
        jobs = "SELECT count(*) FROM procrastinate_jobs WHERE (args->>'plan_id')::bigint = :id AND task_name = :task"
        found = session.execute(text(jobs), {"id": plan_id, "task": desk_parts.TASK}).scalar_one()
    assert found == 1  # of two parts that wait, one is done here; a second call is not made while one waits


def test_with_a_limit_of_time_a_plan_in_parts_is_checked_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    small_parts(monkeypatch)
    one = generated(50, seed=5)
    plan = make_plan(one, seconds=2, work=1, crew=Here())
    assert verify(one, plan.rows()) == []
    assert 0 < plan.bound_minor <= plan.objective_minor
    assert not plan.stopped
