"""Waves and pick lists: gather orders, release them, see how far they are, call them off."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from web import waving
from web.api.idempotency import request_key, write
from web.api.paging import page_of
from web.api.schemas import Body, Code, Count, Instant, Page
from web.auth.policy import READERS, policy
from web.context import current_scope, unit_of_work
from wms.errors import NotFound
from wms.floor import order_queries, pick_queries
from wms.floor.pick_queries import ListLineRow, ListRow, WaveRow
from wms.floor.rules.waves import WaveRule
from wms.floor.service import waves
from wms.parties.tables import Site
from wms.record.jobs import defer

bp = APIBlueprint("api_waves", __name__, url_prefix="/api/v1", tag="Outbound")


class WaveIn(Body):
    """Which orders of a site to gather (or ``orders`` by number), and how they are picked."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "site": "CLJ-B1",
                "method": "cluster",
                "ship_by_until": "2026-06-01T18:00:00+08:00",
                "carrier": "YTO",
                "max_orders": 40,
            }
        }
    )
    site: Code
    method: Literal["discrete", "batch", "cluster", "zone"] = "discrete"
    ship_by_until: Instant | None = None
    carrier: Code | None = None
    kind: Literal["sales", "parcel"] | None = None
    priority_until: Annotated[int, Field(strict=True, ge=0, le=9)] | None = None
    zone: Code | None = None
    max_orders: Annotated[Count, Field(le=100_000)] = 200
    max_lines: Annotated[Count, Field(le=200_000)] = 2_000
    orders: Annotated[tuple[Code, ...], Field(max_length=1000)] = ()


class Start(Body):
    """Where picked goods are to stand: a packing or staging place; the site's first fitting one when left out."""

    to_place: Code | None = None


class WaveQuery(Page):
    """Which waves: of a site, in a state."""

    site: str | None = None
    state: str | None = None


class ListQuery(Page):
    """Which pick lists: of a site, in a state, of a wave."""

    site: str | None = None
    state: str | None = None
    wave: str | None = None


@bp.get("/waves")
@policy(*READERS)
@bp.input(WaveQuery, location="query", arg_name="query")
def wave_list(query: WaveQuery) -> Response:
    """List waves in the order they were made, each with how far it is."""
    with unit_of_work() as session:
        rows = pick_queries.waves(session, site=query.site, state=query.state, after=query.after, limit=query.limit + 1)
    return page_of([wave_json(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/waves/<wave_no>")
@policy(*READERS)
def wave(wave_no: str) -> Response:
    """Show a wave: its orders, its pick lists and how far they are."""
    with unit_of_work() as session:
        return jsonify(_whole(session, wave_no))


@bp.post("/waves")
@policy("supervisor", "planner")
@bp.input(WaveIn, arg_name="body")
def new_wave(body: WaveIn) -> Response:
    """Gather orders that wait into a wave, the most urgent first."""
    return write(lambda session: _gather(session, body), body.model_dump(mode="json"), status=201)


def site_id_of(session: Session, code: str) -> int:
    """Return the id of a site. Raises NotFound."""
    found = session.scalar(select(Site.id).where(func.upper(Site.code) == code.upper()))
    if found is None:
        raise NotFound(field="site", what=code)
    return found


def _gather(session: Session, body: WaveIn) -> Mapping[str, Any]:
    site_id = site_id_of(session, body.site)
    if body.orders:
        ids = []
        for order_no in body.orders:
            row = order_queries.order_by_no(session, order_no)
            if row is None:
                raise NotFound(field="orders", what=order_no)
            ids.append(row.id)
        made = waves.gather_orders(session, site_id, body.method, ids)
    else:
        rule = WaveRule(**body.model_dump(exclude={"site", "method", "orders"}))
        made = waves.gather(session, site_id, body.method, rule)
    return _whole(session, made.wave_no)


@bp.post("/waves/<wave_no>/start")
@policy("supervisor", "planner")
@bp.input(Start, arg_name="body")
def start(wave_no: str, body: Start) -> Response:
    """Promise stock to the wave's orders, make its pick lists and offer them as tasks.

    A wave of more than 500 order lines is released by a job: the answer says so, ``GET /waves/<no>`` shows the end.
    """

    def act(session: Session) -> Mapping[str, Any]:
        done = start_wave(session, wave_no, request_key(), body.to_place)
        return done if "job_id" in done else {**done, **_whole(session, wave_no)}

    return write(act, body.model_dump(mode="json"))


def start_wave(session: Session, wave_no: str, key: str, to_place: str | None) -> Mapping[str, Any]:
    """Start a wave now, or by a job (``job_id``) where it is large."""
    row = _known(session, wave_no)
    count = text("SELECT count(*) FROM order_line l JOIN outbound_order o ON o.id = l.order_id WHERE o.wave_id = :wave")
    lines: int = session.execute(count, {"wave": row.id}).scalar_one()
    if lines > waving.AT_ONCE_LINES and row.state == "planned":
        who = current_scope()
        job_id = defer(
            session,
            "waves.release",
            lock=f"wave-{row.id}",
            tenant_id=who.tenant_id,
            person_id=who.person_id,
            wave_no=row.wave_no,
            key=key,
            to_place=to_place,
        )
        return {"wave_no": row.wave_no, "job_id": job_id}
    made = waving.release(session, row.wave_no, key, datetime.now(UTC), to_place=to_place)
    return {"left_behind": made.left_behind}


@bp.post("/waves/<wave_no>/cancel")
@policy("supervisor", "planner")
def cancel(wave_no: str) -> Response:
    """Call a wave off of which nothing is picked yet; its orders wait again with what is promised to them."""

    def act(session: Session) -> Mapping[str, Any]:
        waves.call_off(session, wave_no, datetime.now(UTC))
        return _whole(session, wave_no)

    return write(act, {})


@bp.get("/pick-lists")
@policy(*READERS)
@bp.input(ListQuery, location="query", arg_name="query")
def pick_lists(query: ListQuery) -> Response:
    """List pick lists with how far they are and how long their ways are."""
    with unit_of_work() as session:
        rows = pick_queries.pick_lists(
            session, site=query.site, state=query.state, wave=query.wave, after=query.after, limit=query.limit + 1
        )
    return page_of([list_json(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/pick-lists/<list_no>")
@policy(*READERS)
def pick_list(list_no: str) -> Response:
    """Show a pick list: where to go in which order, what to take, and what was saved on the way."""
    with unit_of_work() as session:
        row = pick_queries.list_by_no(session, list_no)
        if row is None:
            raise NotFound(what=list_no)
        lines = pick_queries.list_lines(session, row.id)
        return jsonify({**list_json(row), "lines": [_line(line) for line in lines]})


def _known(session: Session, wave_no: str) -> WaveRow:
    found = pick_queries.wave_by_no(session, wave_no)
    if found is None:
        raise NotFound(what=wave_no)
    return found


def _whole(session: Session, wave_no: str) -> dict[str, Any]:
    row = _known(session, wave_no)
    orders = order_queries.orders(session, wave=row.wave_no, limit=500)
    lists = pick_queries.pick_lists(session, wave=row.wave_no, limit=500)
    return {
        **wave_json(row),
        "order_nos": [{"order_no": one.order_no, "state": one.state} for one in orders],
        "pick_lists": [list_json(one) for one in lists],
    }


def wave_json(row: WaveRow) -> dict[str, Any]:
    """Return a wave's head as JSON."""
    return _plain(row) | {"done_permille": row.done_permille}


def list_json(row: ListRow) -> dict[str, Any]:
    """Return a pick list's head as JSON; lengths in millimetres."""
    return _plain(row) | {"saved_permille": row.saved_permille}


def _line(row: ListLineRow) -> dict[str, Any]:
    hidden = ("order_line_id", "owner_id", "location_id", "lot_id", "from_handling_unit_id", "handling_unit_id")
    return {name: value for name, value in _plain(row).items() if name not in hidden}


def _plain(row: object) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in vars(row).items()}
