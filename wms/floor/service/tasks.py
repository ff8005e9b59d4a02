"""The work queue: offer a piece of work, take it, finish it. The second who reaches for one is told who has it."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.floor.rules.tasks import TaskNotOpen, TaskTaken, UnknownTask
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.tables.tasks import Task
from wms.parties.tables import Location, Person

STANDING = ("open", "taken")
DEFAULT_PRIORITY = 5


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
    """Take the most urgent open task of a site: by priority, due time, then nearness to place ``near``; None: no work.

    Tasks that a rival is taking at this moment are passed over, so nobody waits.
    """
    wanted = select(Task.id).where(Task.site_id == site_id, Task.state == "open")
    if kinds is not None:
        wanted = wanted.where(Task.kind.in_(kinds))
    wanted = wanted.order_by(Task.priority, Task.due_at.nulls_last(), _distance(near), Task.id)
    found = session.scalar(wanted.limit(1).with_for_update(skip_locked=True))
    return take(session, found) if found is not None else None


def _distance(near: int | None) -> ColumnElement[int]:
    if near is None:
        return case((Task.id > 0, 0), else_=0)
    here = select(Location.pick_sequence).where(Location.id == near).scalar_subquery()
    there = select(Location.pick_sequence).where(Location.id == Task.location_id).scalar_subquery()
    return func.coalesce(func.abs(there - here), 1_000_000)


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
