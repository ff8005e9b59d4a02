"""What supervisors ask of the ledger: stock cards, ageing, expiry, productivity; and undo."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.schemas import LARGEST, Body, Instant, Query
from web.auth.policy import READERS, policy
from web.context import settings, unit_of_work
from web.downloads import csv_response, xlsx_response
from wms.errors import NotFound
from wms.floor import supervision_queries as queries
from wms.floor.rules.supervision import CardOfNothing, SpanTooLong
from wms.floor.service.undo_at_desk import undo
from wms.parties import dated
from wms.parties.tables import Site
from wms.stock.queries import Card, CardRow, Stock, stock_card

bp = APIBlueprint("api_supervision", __name__, url_prefix="/api/v1", tag="Supervision")
Format = Literal["json", "csv", "xlsx"]
MOST_DAYS = 92
AGES, EXPIRIES = "stock.age_buckets_days", "stock.expiry_buckets_days"


class CardQuery(Query):
    """Whose card: of an item, lot, place or pallet, of one owner or site; ``since`` ≤ event < ``until``."""

    trade_item_id: int | None = Field(default=None, ge=1, le=LARGEST)
    lot_id: int | None = Field(default=None, ge=1, le=LARGEST)
    location_id: int | None = Field(default=None, ge=1, le=LARGEST)
    handling_unit_id: int | None = Field(default=None, ge=1, le=LARGEST)
    owner_id: int | None = Field(default=None, ge=1, le=LARGEST)
    site_id: int | None = Field(default=None, ge=1, le=LARGEST)
    since: Instant | None = None
    until: Instant | None = None
    limit: int = Field(default=100, ge=1, le=1000)
    format: Format = "json"

    def stock(self) -> Stock:
        """Return it in the ledger's words. Raises CardOfNothing."""
        named = {name: getattr(self, name) for name in
                 ("trade_item_id", "lot_id", "location_id", "handling_unit_id")}  # fmt: skip
        if not any(named.values()):
            raise CardOfNothing(field="trade_item_id")
        return Stock(owner_id=self.owner_id, site_id=self.site_id, **named)


class AgeQuery(Query):
    """Of which site and owner, as JSON or as a file."""

    site: str | None = None
    owner_id: int | None = Field(default=None, ge=1, le=LARGEST)
    format: Format = "json"


class DoneQuery(Query):
    """From which day to which (both included), by hour or day, at which site."""

    since: date
    until: date
    step: Literal["hour", "day"] = "day"
    site: str | None = None
    format: Format = "json"


class UndoIn(Body):
    """Why."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "counted twice"}})

    reason: Annotated[str, Field(min_length=1, max_length=500)]


def as_file(name: str, form: Format, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Response:
    """Return rows as JSON or as a file for a spreadsheet."""
    if form == "json":
        return jsonify(list(rows))
    make = csv_response if form == "csv" else xlsx_response
    return make(name, columns, ([row.get(column) for column in columns] for row in rows))


@bp.get("/stock/card")
@policy(*READERS, firms=True)
@bp.input(CardQuery, location="query", arg_name="query")
def card(query: CardQuery) -> Response:
    """Give a stock card: every movement in the order of its time with the stock after it, and the stock before."""
    with unit_of_work() as session:
        found = stock_card(session, query.stock(), since=query.since, until=query.until, limit=query.limit)
    rows = [asdict(row) for row in found.rows]
    if query.format != "json":
        return as_file("stock-card", query.format, rows, [field.name for field in fields(CardRow)])
    return jsonify(_card(found, rows))


def _card(found: Card, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"opening_qty": found.opening_qty, "rows": rows, "next_since": found.next_since}


@bp.get("/stock/ageing")
@policy(*READERS, firms=True)
@bp.input(AgeQuery, location="query", arg_name="query")
def ageing(query: AgeQuery) -> Response:
    """Say how old stock is, in the buckets of the day (dated value stock.age_buckets_days)."""
    with unit_of_work() as session:
        rows = aged(session, query.site, query.owner_id)
    return as_file("ageing", query.format, [asdict(row) for row in rows], AGED)


@bp.get("/stock/expiry")
@policy(*READERS, firms=True)
@bp.input(AgeQuery, location="query", arg_name="query")
def expiry(query: AgeQuery) -> Response:
    """Say when stock expires, soonest first, in the buckets of the day (dated value stock.expiry_buckets_days)."""
    with unit_of_work() as session:
        rows = expiring(session, query.site, query.owner_id)
    return as_file("expiry", query.format, [asdict(row) for row in rows], AGED)


AGED = tuple(field.name for field in fields(queries.AgedRow) if field.name != "id")


def today() -> date:
    """Return the day on the installation's clock."""
    return datetime.now(ZoneInfo(settings().time_zone)).date()


def aged(session: Session, site: str | None, owner_id: int | None) -> list[queries.AgedRow]:
    """Return today's stock by age."""
    return queries.ageing(session, today(), dated.value(session, AGES, today()), site=site, owner_id=owner_id)


def expiring(session: Session, site: str | None, owner_id: int | None) -> list[queries.AgedRow]:
    """Return today's stock by expiry."""
    bounds = dated.value(session, EXPIRIES, today())
    return queries.expiring(session, today(), bounds, site=site, owner_id=owner_id)


@bp.get("/productivity")
@policy(*READERS)
@bp.input(DoneQuery, location="query", arg_name="query")
def productivity(query: DoneQuery) -> Response:
    """Say what was done by whom: postings and units by kind and hour or day, tasks and the seconds they took."""
    with unit_of_work() as session:
        rows = done(session, query.since, query.until, query.step, query.site)
    columns = [field.name for field in fields(queries.DoneRow)]
    return as_file("productivity", query.format, [asdict(row) for row in rows], columns)


def done(session: Session, since: date, until: date, step: str, site: str | None) -> list[queries.DoneRow]:
    """Return productivity of whole days on the site's clock, else the installation's. Raises SpanTooLong, NotFound."""
    if not 0 <= (until - since).days < MOST_DAYS:
        raise SpanTooLong(field="until", since=since.isoformat(), until=until.isoformat(), most=MOST_DAYS)
    zone = settings().time_zone
    if site:
        found = session.scalar(select(Site.time_zone).where(Site.code == site))
        if found is None:
            raise NotFound(field="site", what=site)
        zone = found
    start = datetime.combine(since, datetime.min.time(), ZoneInfo(zone))
    end = datetime.combine(until + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    return queries.productivity(session, start, end, zone, step=step, site=site)


@bp.post("/postings/<int:posting_id>/undo")
@policy("supervisor")
@bp.input(UndoIn, arg_name="body")
def undo_posting(posting_id: int, body: UndoIn) -> Response:
    """Take a posting of the floor back by its mirror image, with a reason."""

    def act(session: Session) -> Mapping[str, Any]:
        return {"posting_id": posting_id, "undone_by": undo(session, posting_id, body.reason, datetime.now(UTC))}

    return write(act, body.model_dump(mode="json"))
