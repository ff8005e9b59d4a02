"""The work queue: offer a piece of work, take it, finish it. The second who reaches for one is told who has it."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import NoReturn

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from wms.errors import NotFound
from wms.floor.rules.tasks import TaskNotOpen, TaskTaken, UnknownTask
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.tables.tasks import Task
from wms.parties import dated
from wms.parties.tables import Location, Person

STANDING = ("open", "taken")
DEFAULT_PRIORITY = 5
BAND = "tasks.interleave_band_mm"
STEP_MM = 1_000  # one place further in the order of the walk, where nobody measured the floor
FAR_MM = 1_000_000_000


@dataclass(frozen=True)
class NewTask:
    """Work to be offered: ``kind`` of TASK_KINDS, the document it belongs to, where it starts and how urgent it is."""

    site_id: int
    kind: str
    subject_id: int
    subject_no: str
    priority: int = DEFAULT_PRIORITY
    owner_id: int | None = None
    location_id: int | None = None
    to_location_id: int | None = None
    qty: int | None = None
    due_at: datetime | None = None


def offer(session: Session, new: NewTask) -> int:
    """Offer work and return the task's id; work that is on offer already for the same document stays as it is."""
    made: int | None = session.scalar(insert(Task).values(**asdict(new)).on_conflict_do_nothing().returning(Task.id))
    if made is not None:
        return made
    return session.execute(select(Task.id).where(*_standing(new.kind, new.subject_id))).scalar_one()


def take(session: Session, task_id: int) -> Task:
    """Give a task to the person of this transaction; taking one's own again is no fault.

    Raises UnknownTask, TaskNotOpen (done or void), TaskTaken (by whom, since when).
    """
    taken = session.scalar(
        update(Task)
        .where(Task.id == task_id, Task.state == "open")
        .values(state="taken", person_id=APP_PERSON, taken_at=func.now())
        .returning(Task)
        .execution_options(populate_existing=True)
    )
    return taken or _held(session, task_id)


def _held(session: Session, task_id: int) -> Task:
    task = session.get(Task, task_id, populate_existing=True)
    if task is None:
        raise UnknownTask(task=task_id)
    if task.state != "taken":
        raise TaskNotOpen(task=task.subject_no, state=task.state)
    if task.person_id != session.scalar(select(APP_PERSON)):
        holder = session.get_one(Person, task.person_id)
        since = task.taken_at.isoformat(timespec="minutes") if task.taken_at else ""
        raise TaskTaken(task=task.subject_no, person={"zh": holder.name_zh, "en": holder.name_en}, since=since)
    return task


def take_next(
    session: Session, site_id: int, kinds: Collection[str] | None = None, near: int | None = None
) -> Task | None:
    """Take the task of a site that suits its taker best; None: no work.

    By priority and due time; then by the way from place ``near`` (where the person's last task ended, when left out),
    in bands as wide as the dated value ``tasks.interleave_band_mm``; within a band another kind of work than the last
    comes first, so that who brought a pallet out brings a pick back. Tasks that a rival is taking at this moment are
    passed over, so nobody waits.
    """
    here = last_place(session, site_id)
    near, last_kind = (near or here.location_id, here.kind) if here else (near, None)
    wanted = select(Task.id).where(Task.site_id == site_id, Task.state == "open")
    if kinds is not None:
        wanted = wanted.where(Task.kind.in_(kinds))
    way_mm = _way_mm(near)
    band = way_mm // max(1, int(dated.value(session, BAND, datetime.now(UTC).date())))
    wanted = wanted.order_by(
        Task.priority, Task.due_at.nulls_last(), band, Task.kind == (last_kind or ""), way_mm, Task.id
    )
    found = session.scalar(wanted.limit(1).with_for_update(skip_locked=True))
    return take(session, found) if found is not None else None


@dataclass(frozen=True)
class LastPlace:
    """Where a person's last task ended, and what kind of work it was."""

    location_id: int | None
    kind: str


def last_place(session: Session, site_id: int) -> LastPlace | None:
    """Return where the person of this transaction ended their last task at a site; None when there is none."""
    row = session.execute(
        select(func.coalesce(Task.to_location_id, Task.location_id), Task.kind)
        .where(Task.site_id == site_id, Task.person_id == APP_PERSON, Task.state == "done")
        .order_by(Task.done_at.desc())
        .limit(1)
    ).one_or_none()
    return LastPlace(*row) if row else None


def _way_mm(near: int | None) -> ColumnElement[int]:
    """The way on the floor from ``near`` to where a task starts: by coordinates, else by the order of the walk."""
    if near is None:
        return case((Task.id > 0, 0), else_=0)
    here, there = aliased(Location), aliased(Location)
    by_floor = func.abs(there.x_mm - here.x_mm) + func.abs(there.y_mm - here.y_mm)
    by_walk = func.abs(there.pick_sequence - here.pick_sequence) * STEP_MM
    way = (
        select(func.coalesce(by_floor, by_walk))
        .select_from(there)
        .join(here, here.id == near)
        .where(there.id == Task.location_id)
        .correlate(Task)
        .scalar_subquery()
    )
    return func.coalesce(way, FAR_MM)


def assign(session: Session, task_id: int, person_id: int) -> Task:
    """Give a standing task to a person, whoever has it now. Raises UnknownTask, TaskNotOpen, NotFound."""
    person = session.get(Person, person_id)
    if person is None or not person.is_active:
        raise NotFound(field="person_id", what=f"person {person_id}")
    given = session.scalar(
        update(Task)
        .where(Task.id == task_id, Task.state.in_(STANDING))
        .values(state="taken", person_id=person_id, taken_at=func.now())
        .returning(Task)
        .execution_options(populate_existing=True)
    )
    return given or _refuse_ended(session, task_id)


def set_priority(session: Session, task_id: int, priority: int) -> Task:
    """Make a standing task more or less urgent (0: now, 9: last). Raises UnknownTask, TaskNotOpen."""
    changed = session.scalar(
        update(Task)
        .where(Task.id == task_id, Task.state.in_(STANDING))
        .values(priority=priority)
        .returning(Task)
        .execution_options(populate_existing=True)
    )
    return changed or _refuse_ended(session, task_id)


def _refuse_ended(session: Session, task_id: int) -> NoReturn:
    task = session.get(Task, task_id, populate_existing=True)
    if task is None:
        raise UnknownTask(task=task_id)
    raise TaskNotOpen(task=task.subject_no, state=task.state)


def finish(session: Session, kind: str, subject_id: int) -> None:
    """Mark the standing task of a document as done, by whoever does it; nothing when there is none."""
    session.execute(
        update(Task)
        .where(*_standing(kind, subject_id))
        .values(
            state="done",
            done_at=func.now(),
            taken_at=func.coalesce(Task.taken_at, func.now()),
            person_id=func.coalesce(APP_PERSON, Task.person_id),
        )
        .execution_options(synchronize_session="fetch")
    )


def void_task(session: Session, kind: str, subject_id: int) -> None:
    """Withdraw the standing task of a document; nothing when there is none."""
    session.execute(
        update(Task)
        .where(*_standing(kind, subject_id))
        .values(state="void")
        .execution_options(synchronize_session="fetch")
    )


def release(session: Session, task_id: int) -> None:
    """Put a taken task back on offer. Raises UnknownTask, TaskNotOpen."""
    done = session.execute(
        update(Task)
        .where(Task.id == task_id, Task.state == "taken")
        .values(state="open", person_id=None, taken_at=None)
        .execution_options(synchronize_session="fetch")
    )
    if done.rowcount == 0:  # type: ignore[attr-defined]
        task = session.get(Task, task_id)
        if task is None:
            raise UnknownTask(task=task_id)
        raise TaskNotOpen(task=task.subject_no, state=task.state)


def _standing(kind: str, subject_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        Task.tenant_id == func.app_tenant(),
        Task.kind == kind,
        Task.subject_id == subject_id,
        Task.state.in_(STANDING),
    )
