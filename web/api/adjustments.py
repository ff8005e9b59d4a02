"""Adjustments of stock: enter one with its paper and reason; a second person approves what is above the limit."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import text
from sqlalchemy.orm import Session

from web.api.counts import StateQuery
from web.api.idempotency import write
from web.api.lookups import base_qty, id_of, item_of, place_of
from web.api.paging import page_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Count, Instant, Text, Whole
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.floor import count_queries as queries
from wms.floor.rules.adjusting import UnknownAdjustment
from wms.floor.service import adjusting
from wms.floor.service.adjusting import Adjust, AdjustLine
from wms.floor.tables.adjustments import Adjustment
from wms.parties import dated
from wms.parties.tables import Company, Site

bp = APIBlueprint("api_adjustments", __name__, url_prefix="/api/v1", tag="Inside")


class BookLineIn(Body):
    """A line of an account book."""

    book_no: Code
    line_no: Count


class AdjustmentLineIn(Body):
    """By how much goods in a place are off: ``qty`` of ``unit`` (base units when left out), below zero when missing."""

    place: Code
    item: Code
    qty: Whole
    unit: Code | None = None
    lot_no: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None
    customs_status: Literal["free", "bonded", "export"] | None = None
    quality_status: Literal["good", "hold", "damaged", "quarantine", "expired"] | None = None
    book_line: BookLineIn | None = None


class AdjustmentIn(Body):
    """An adjustment of one owner's goods at one site; ``document`` is the number on the paper."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "document": "BR-2026-118",
                "site": "YY-BW1",
                "owner": "ACME",
                "reason": "BREAKAGE",
                "note": "fell off the fork",
                "lines": [{"place": "A-1", "item": "SKU-1", "lot_no": "L1", "qty": -2}],
            }
        }
    )
    document: Code
    site: Code
    owner: Code
    reason: Code
    lines: Annotated[list[AdjustmentLineIn], Field(min_length=1, max_length=500)]
    at: Instant | None = None
    note: Text | None = None


@bp.get("/adjustments")
@policy(*READERS)
@bp.input(StateQuery, location="query", arg_name="query")
def adjustments(query: StateQuery) -> Response:
    """List adjustments; ``state=waiting``: those that want a second person."""
    with unit_of_work() as session:
        rows = queries.adjustments(
            session, after=query.after, limit=query.limit + 1, site=query.site, state=query.state
        )
    return page_of([as_json(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/adjustment-reasons")
@policy(*READERS)
def reasons() -> Response:
    """Tell the reasons that hold today, and what each does."""
    with unit_of_work() as session:
        return jsonify(dated.value(session, "adjust.reasons", datetime.now(UTC).date()))


@bp.get("/adjustments/<adjustment_no>")
@policy(*READERS)
def adjustment(adjustment_no: str) -> Response:
    """Show an adjustment with its lines."""
    with unit_of_work() as session:
        return jsonify(_whole(session, adjustment_no))


_LINES = text(
    "SELECT n.line_no, l.code AS place, t.code AS item, lot.lot_no, h.sscc, a.customs_status, a.quality_status, n.qty"
    " FROM adjustment_line n JOIN account a ON a.id = n.account_id JOIN location l ON l.id = a.location_id"
    " JOIN trade_item t ON t.id = a.trade_item_id LEFT JOIN lot ON lot.id = a.lot_id"
    " LEFT JOIN handling_unit h ON h.id = a.handling_unit_id WHERE n.adjustment_id = :id ORDER BY n.line_no"
)


def _whole(session: Session, adjustment_no: str) -> dict[str, Any]:
    found = queries.adjustments(session, number=adjustment_no.upper())
    if not found:
        raise UnknownAdjustment(adjustment=adjustment_no)
    lines = session.execute(_LINES, {"id": found[0].id}).mappings()
    return {**as_json(found[0]), "lines": [as_json(line) for line in lines]}


@bp.post("/adjustments")
@policy("clerk", "supervisor")
@bp.input(AdjustmentIn, arg_name="body")
def new_adjustment(body: AdjustmentIn) -> Response:
    """Enter an adjustment: posted at once within the limit of the day, else it waits for a second person."""
    return write(lambda session: _enter(session, body), body.model_dump(mode="json"), status=201)


def _enter(session: Session, body: AdjustmentIn) -> Mapping[str, Any]:
    site_id, owner_id = id_of(session, Site, body.site), id_of(session, Company, body.owner)
    lines = tuple(_line(session, site_id, owner_id, number, line) for number, line in enumerate(body.lines, 1))
    now = datetime.now(UTC)
    command = Adjust(body.document, site_id, body.reason, lines, body.at or now, now, body.note)
    return _whole(session, adjusting.adjust(session, command).adjustment_no)


def _line(session: Session, site_id: int, owner_id: int, number: int, line: AdjustmentLineIn) -> AdjustLine:
    item = item_of(session, owner_id, line.item, f"lines.{number}.item")
    return AdjustLine(
        place_of(session, site_id, line.place, f"lines.{number}.place").id,
        item.id,
        base_qty(session, item, line.qty, line.unit),
        line.lot_no,
        line.sscc,
        line.customs_status,
        line.quality_status,
        (line.book_line.book_no, line.book_line.line_no) if line.book_line else None,
    )


@bp.post("/adjustments/<adjustment_no>/approve")
@policy("supervisor")
def approve(adjustment_no: str) -> Response:
    """Agree to an adjustment as its second person."""
    return _decide(adjusting.approve, adjustment_no)


@bp.post("/adjustments/<adjustment_no>/reject")
@policy("supervisor")
def reject(adjustment_no: str) -> Response:
    """Turn an adjustment down."""
    return _decide(adjusting.reject, adjustment_no)


def _decide(deed: Callable[[Session, str, datetime], Adjustment], adjustment_no: str) -> Response:
    def act(session: Session) -> Mapping[str, Any]:
        return _whole(session, deed(session, adjustment_no, datetime.now(UTC)).adjustment_no)

    return write(act, {"adjustment": adjustment_no})
