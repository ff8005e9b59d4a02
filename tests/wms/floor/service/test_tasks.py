"""The work queue: one standing task for a document, taken by one person, the most urgent first."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from tests import build
from wms.db import Database, Scope
from wms.floor.rules.tasks import TaskNotOpen, TaskTaken, UnknownTask
from wms.floor.service import tasks
from wms.floor.service.tasks import NewTask


@pytest.fixture
def work(session: Session) -> NewTask:
    site = build.make_site(session)
    place = build.make_location(session, site)
    return NewTask(site.id, "count", build.number(), "CC1", location_id=place.id)


def scope_of(database: Database, scope: Scope) -> Scope:
    with database.unit_of_work(scope) as session:
        person = build.make_person(session, build.make_company(session, "operator"), "clerk")
        return replace(scope, person_id=person.id, role="clerk")


def test_work_that_is_on_offer_is_not_offered_twice(session: Session, work: NewTask) -> None:
    assert tasks.offer(session, work) == tasks.offer(session, work)


def test_the_most_urgent_task_is_taken_first_then_the_nearest(session: Session, work: NewTask) -> None:
    site_id = work.site_id
    near, far = (build.make_location(session, build.make_site(session)) for _ in range(2))
    near.pick_sequence, far.pick_sequence = 10, 90
    session.flush()
    first = tasks.offer(session, replace(work, subject_id=1, priority=1, location_id=far.id))
    second = tasks.offer(session, replace(work, subject_id=2, location_id=near.id))
    third = tasks.offer(session, replace(work, subject_id=3, location_id=far.id))
    person = build.make_person(session, build.make_company(session, "operator"), "clerk")
    session.connection().exec_driver_sql("SELECT set_config('app.person', %s, true)", (str(person.id),))
    taken = [tasks.take_next(session, site_id, near=near.id) for _ in range(4)]
    assert [one and one.id for one in taken] == [first, second, third, None]


def test_the_second_is_told_who_has_the_task_and_since_when(database: Database, scope: Scope) -> None:
    one, other = scope_of(database, scope), scope_of(database, scope)
    with database.unit_of_work(one) as session:
        site = build.make_site(session)
        task_id = tasks.offer(session, NewTask(site.id, "pick", build.number(), "PL1"))
        tasks.take(session, task_id)
    with database.unit_of_work(one) as session:
        assert tasks.take(session, task_id).state == "taken"
    with database.unit_of_work(other) as session, pytest.raises(TaskTaken, match=r"Person .* has had task PL1 since"):
        tasks.take(session, task_id)


def test_eight_people_take_eight_tasks_and_nobody_waits_for_another(database: Database, scope: Scope) -> None:
    people = [scope_of(database, scope) for _ in range(8)]
    with database.unit_of_work(scope) as session:
        site_id = build.make_site(session).id
        offered = {tasks.offer(session, NewTask(site_id, "move", n, f"MV{n}")) for n in range(8)}

    def take(who: Scope) -> int | None:
        with database.unit_of_work(who) as session:
            task = tasks.take_next(session, site_id, kinds=("move",))
            return task.id if task else None

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, people))
    again = [take(who) for who, task_id in zip(people, taken, strict=True) if task_id is None]
    assert sorted(one for one in (*taken, *again) if one is not None) == sorted(offered)


def test_a_finished_task_cannot_be_taken_and_its_document_may_have_another(session: Session, work: NewTask) -> None:
    task_id = tasks.offer(session, work)
    tasks.finish(session, "count", work.subject_id)
    with pytest.raises(TaskNotOpen, match="CC1 cannot be taken: it is done"):
        tasks.take(session, task_id)
    assert tasks.offer(session, work) != task_id


def test_a_withdrawn_task_is_gone_and_an_unknown_one_is_named(session: Session, work: NewTask) -> None:
    tasks.offer(session, work)
    tasks.void_task(session, "count", work.subject_id)
    assert tasks.take_next(session, work.site_id) is None
    with pytest.raises(UnknownTask, match="999999999"):
        tasks.take(session, 999999999)


def test_a_stuck_task_is_given_back(database: Database, scope: Scope) -> None:
    one, other = scope_of(database, scope), scope_of(database, scope)
    with database.unit_of_work(one) as session:
        site = build.make_site(session)
        task_id = tasks.offer(session, NewTask(site.id, "pick", build.number(), "PL2"))
        tasks.take(session, task_id)
        tasks.release(session, task_id)
        with pytest.raises(TaskNotOpen):
            tasks.release(session, task_id)
    with database.unit_of_work(other) as session:
        assert tasks.take(session, task_id).id == task_id
