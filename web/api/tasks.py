"""The work of the floor: what waits, who does what, and taking, giving and ending of it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.schemas import LARGEST, Body, Code, Page, Query, RowId
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.errors import NotFound
from wms.floor import supervision_queries as queries
from wms.floor.service import tasks
from wms.floor.tables import TASK_KINDS
from wms.parties.tables import Location, Site
from wms.record.service import append_leaf

bp = APIBlueprint("api_tasks", __name__, url_prefix="/api/v1/tasks", tag="Supervision")
KindName = Annotated[str, Field(pattern=f"^({'|'.join(TASK_KINDS)})$")]


class TaskQuery(Page):
    """Which tasks: of a site, a kind, a state (standing ones, when left out), a person."""

    site: str | None = None
    kind: str | None = None
    state: Literal["open", "taken", "done", "void"] | None = None
    person_id: int | None = Field(default=None, ge=1, le=LARGEST)


class SiteQuery(Query):
    """Of which site."""

    site: str | None = None


class NextIn(Body):
    """Which work the caller can do: at which site, of which kinds (any, when left out), near which place."""

    model_config = ConfigDict(json_schema_extra={"example": {"site": "YY-1", "kinds": ["put_away", "pick"]}})

    site: Code
    kinds: Annotated[list[KindName], Field(min_length=1, max_length=20)] | None = None
    near: Code | None = None


class AssignIn(Body):
    """To whom."""

    person_id: RowId


class PriorityIn(Body):
    """How urgent: 0 is now, 9 is last."""

    priority: Annotated[int, Field(strict=True, ge=0, le=9)]


@bp.get("")
@policy(*READERS)
@bp.input(TaskQuery, location="query", arg_name="query")
def listed(query: TaskQuery) -> Response:
    """List tasks in the order they were offered."""
    states = (query.state,) if query.state else ("open", "taken")
    with unit_of_work() as session:
        rows = queries.tasks(
            session, site=query.site, kind=query.kind, states=states, person_id=query.person_id, after=query.after,
            limit=query.limit + 1,
        )  # fmt: skip
    return page_of([asdict(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/summary")
@policy(*READERS)
@bp.input(SiteQuery, location="query", arg_name="query")
def summary(query: SiteQuery) -> Response:
    """Count standing work by kind: open, taken, late, urgent, and since when the oldest waits."""
    with unit_of_work() as session:
        rows = queries.work(session, query.site)
    return jsonify([asdict(row) for row in rows])


@bp.get("/now")
@policy(*READERS)
@bp.input(SiteQuery, location="query", arg_name="query")
def now(query: SiteQuery) -> Response:
    """Say who does what at this moment, and since when."""
    with unit_of_work() as session:
        rows = queries.tasks(session, site=query.site, states=("taken",), limit=500)
    return jsonify([asdict(row) for row in rows])


@bp.post("/next")
@policy("clerk", "supervisor")
@bp.input(NextIn, arg_name="body")
def take_next(body: NextIn) -> Response:
    """Take the task that suits the caller best: urgent first, then near, then another kind than the last one."""

    def act(session: Session) -> Mapping[str, Any]:
        site_id = session.scalar(select(Site.id).where(func.upper(Site.code) == body.site.upper()))
        if site_id is None:
            raise NotFound(field="site", what=body.site)
        task = tasks.take_next(session, site_id, body.kinds, _place_id(session, site_id, body.near))
        return {"task": _shown(session, task.id) if task else None}

    return write(act, body.model_dump(mode="json"))


def _place_id(session: Session, site_id: int, code: str | None) -> int | None:
    if code is None:
        return None
    found = session.scalar(
        select(Location.id).where(Location.site_id == site_id, func.upper(Location.code) == code.upper())
    )
    if found is None:
        raise NotFound(field="near", what=code)
    return found


def _shown(session: Session, task_id: int) -> dict[str, Any]:
    row = queries.task_row(session, task_id)
    assert row is not None
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in asdict(row).items()}


@bp.post("/<int:task_id>/take")
@policy("clerk", "supervisor")
def take(task_id: int) -> Response:
    """Take one task; who comes second is told who has it."""

    def act(session: Session) -> Mapping[str, Any]:
        tasks.take(session, task_id)
        return _shown(session, task_id)

    return write(act, {"task_id": task_id})


@bp.post("/<int:task_id>/assign")
@policy("supervisor")
@bp.input(AssignIn, arg_name="body")
def assign(task_id: int, body: AssignIn) -> Response:
    """Give a task to a person, whoever has it now."""
    return write(lambda session: assigned(session, task_id, body.person_id), body.model_dump(mode="json"))


def assigned(session: Session, task_id: int, person_id: int) -> dict[str, Any]:
    """Give a task to a person and write down that it was given."""
    tasks.assign(session, task_id, person_id)
    append_leaf(session, "task_assigned", {"task_id": task_id, "person_id": person_id}, task_id)
    return _shown(session, task_id)


@bp.post("/<int:task_id>/free")
@policy("supervisor")
def free(task_id: int) -> Response:
    """Put a stuck task back on offer."""
    return write(lambda session: freed(session, task_id), {"task_id": task_id})


def freed(session: Session, task_id: int) -> dict[str, Any]:
    """Put a taken task back on offer and write down that it was."""
    tasks.release(session, task_id)
    append_leaf(session, "task_freed", {"task_id": task_id}, task_id)
    return _shown(session, task_id)


@bp.post("/<int:task_id>/priority")
@policy("supervisor")
@bp.input(PriorityIn, arg_name="body")
def priority(task_id: int, body: PriorityIn) -> Response:
    """Make a task more or less urgent."""
    return write(lambda session: prioritised(session, task_id, body.priority), body.model_dump(mode="json"))


def prioritised(session: Session, task_id: int, wanted: int) -> dict[str, Any]:
    """Change how urgent a task is."""
    tasks.set_priority(session, task_id, wanted)
    return _shown(session, task_id)
