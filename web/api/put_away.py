"""Put-away: the rules that say where goods go, and which place is suggested for goods right now, and why."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from flask_babel import gettext
from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.schemas import Body, Code, Page, Query
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.catalog import queries as catalog
from wms.errors import NotFound
from wms.floor import storing_queries
from wms.floor.queries import location_by_code
from wms.floor.rules.putaway import STRATEGIES, Goods
from wms.floor.service import cross_docking, storing_rules, suggesting
from wms.floor.service.storing_rules import NewRule
from wms.parties.tables import TEMPERATURE_CLASSES, VELOCITY_CLASSES, Company, Site
from wms.stock.tables import CUSTOMS_STATUSES, Lot

bp = APIBlueprint("api_put_away", __name__, url_prefix="/api/v1/put-away", tag="Floor")


class RuleIn(Body):
    """A strategy for the goods that the filled fields describe; of several the lowest ``priority`` is tried first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"priority": 10, "strategy": "zone", "zone": "COLD", "temperature_class": "frozen"}
        }
    )
    priority: Annotated[int, Field(strict=True, ge=0, le=9999)]
    strategy: Literal[STRATEGIES]  # type: ignore[valid-type]
    site: Code | None = None
    owner: Code | None = None
    item: Code | None = None
    temperature_class: Literal[TEMPERATURE_CLASSES] | None = None  # type: ignore[valid-type]
    customs_status: Literal[CUSTOMS_STATUSES] | None = None  # type: ignore[valid-type]
    velocity_class: Literal[VELOCITY_CLASSES] | None = None  # type: ignore[valid-type]
    place: Code | None = None
    zone: Code | None = None
    valid_from_on: date | None = None
    valid_until_on: date | None = None


class EndIn(Body):
    """The last day on which a rule holds."""

    model_config = ConfigDict(json_schema_extra={"example": {"valid_until_on": "2026-12-31"}})
    valid_until_on: date


class GoodsQuery(Query):
    """Goods that want a place at a site."""

    site: Code
    owner: Code
    item: Code
    qty: Annotated[int, Field(ge=1, le=1_000_000_000)] = 1
    lot_no: Code | None = None
    bonded: bool = False
    blocked: bool = False


@bp.get("/rules")
@policy(*READERS, firms=True)
@bp.input(Page, location="query", arg_name="query")
def rules(query: Page) -> Response:
    """List put-away rules by id, with the period in which each holds."""
    with unit_of_work() as session:
        rows = storing_queries.rules(session, after_id=query.after, limit=query.limit + 1)
    return page_of([storing_queries.plain(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/rules")
@policy("supervisor", "planner")
@bp.input(RuleIn, arg_name="body")
def new_rule(body: RuleIn) -> Response:
    """Enter a put-away rule."""
    return write(lambda session: _enter(session, body), body.model_dump(mode="json"), status=201)


@bp.post("/rules/<int:rule_id>/end")
@policy("supervisor", "planner", subject="put_away_rule")
@bp.input(EndIn, arg_name="body")
def end_rule(rule_id: int, body: EndIn) -> Response:
    """Let a rule end; what it decided before stays as it was."""

    def act(session: Session) -> Mapping[str, Any]:
        storing_rules.end(session, rule_id, body.valid_until_on)
        return {"id": rule_id, "valid_until_on": body.valid_until_on.isoformat()}

    return write(act, body.model_dump(mode="json"))


@bp.get("/suggestion")
@policy(*READERS, firms=True)
@bp.input(GoodsQuery, location="query", arg_name="query")
def suggestion(query: GoodsQuery) -> Response:
    """Say where goods would be sent now, by which strategy and why; ``place`` is null where nothing has room."""
    with unit_of_work() as session:
        owner_id = _id_of(session, Company, query.owner)
        item = catalog.item_by_code(session, owner_id, query.item)
        if item is None:
            raise NotFound(field="item", what=query.item)
        lot_id = session.scalar(select(Lot.id).where(Lot.trade_item_id == item.id, Lot.lot_no == query.lot_no))
        goods = Goods(
            {"zh": item.name_zh, "en": item.name_en}, item.id, lot_id, query.qty, query.qty * item.gross_weight_g,
            query.qty * item.volume_mm3, item.temperature_class, query.bonded, query.blocked, owner_id,
            storing_queries.velocity_of(session, item.id),
        )  # fmt: skip
        found = suggesting.suggest(session, _id_of(session, Site, query.site), goods, datetime.now(UTC).date())
    if found is None:
        return jsonify({"place": None, "strategy": None, "why": gettext("No place has room for these goods.")})
    return jsonify({"place": found.place.code, "strategy": found.strategy, "why": gettext(found.why)})


class SiteQuery(Query):
    """A site by its code."""

    site: Code


@bp.get("/cross-docks")
@policy(*READERS, firms=True)
@bp.input(SiteQuery, location="query", arg_name="query")
def cross_docks(query: SiteQuery) -> Response:
    """List the goods at a site's docks that open orders wait for, and how many base units they lack."""
    with unit_of_work() as session:
        found = cross_docking.waiting_at_docks(session, _id_of(session, Site, query.site))
    return jsonify(
        [
            {
                "task_id": task.task_id, "dock": task.from_code, "name_zh": task.name_zh, "name_en": task.name_en,
                "lot_no": task.lot_no, "sscc": task.sscc, "left_qty": task.left_qty, "wanted_qty": wait.qty,
                "orders": list(wait.order_nos), "is_planned": wait.is_planned,
            }
            for task, wait in found
        ]
    )  # fmt: skip


def _enter(session: Session, body: RuleIn) -> Mapping[str, Any]:
    site_id = _id_of(session, Site, body.site) if body.site else None
    owner_id = _id_of(session, Company, body.owner) if body.owner else None
    item = catalog.item_by_code(session, owner_id, body.item) if owner_id and body.item else None
    if body.item and item is None:
        raise NotFound(field="item", what=body.item)
    place = location_by_code(session, site_id, body.place) if site_id and body.place else None
    if body.place and place is None:
        raise NotFound(field="place", what=body.place)
    new = NewRule(
        body.priority, body.strategy, body.valid_from_on or datetime.now(UTC).date(), site_id, owner_id,
        item.id if item else None, body.temperature_class, body.customs_status, body.velocity_class,
        place.id if place else None, body.zone, body.valid_until_on,
    )  # fmt: skip
    return {"id": storing_rules.enter(session, new)}


def _id_of(session: Session, table: type[Company] | type[Site], code: str) -> int:
    found = session.scalar(select(table.id).where(func.upper(table.code) == code.upper()))
    if found is None:
        raise NotFound(field=table.__tablename__, what=code)
    return found
