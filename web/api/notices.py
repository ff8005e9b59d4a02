"""Advance notices: announce goods, see what was counted and what differs."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.schemas import Body, Code, Count, Instant, Page
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.catalog import queries as catalog
from wms.catalog import rules as catalog_rules
from wms.errors import NotFound
from wms.floor import queries
from wms.floor.queries import NoticeRow
from wms.floor.rules.notices import LineIn, NotOwnersItem
from wms.floor.service.notices import Announce, announce
from wms.parties.tables import Company, Site

bp = APIBlueprint("api_notices", __name__, url_prefix="/api/v1", tag="Floor")


class NoticeLineIn(Body):
    """Announced goods: ``qty`` of ``unit`` (the item's base unit when left out); converted exactly or refused."""

    item: Code
    qty: Count
    unit: Code | None = None
    lot_no: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    expires_on: date | None = None
    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None


class NoticeIn(Body):
    """A new advance notice. ``site`` and ``owner`` are codes; ``verification_list`` is needed for bonded goods."""

    notice_no: Code
    site: Code
    owner: Code
    trade_mode: Annotated[str, Field(pattern=r"^[0-9]{4}$")]
    lines: Annotated[list[NoticeLineIn], Field(min_length=1, max_length=1000)]
    verification_list: Code | None = None
    expected_at: Instant | None = None


class NoticeQuery(Page):
    """Which notices: of a site, in a state."""

    site: str | None = None
    state: str | None = None


@bp.get("/notices")
@policy(*READERS, firms=True)
@bp.input(NoticeQuery, location="query", arg_name="query")
def notices(query: NoticeQuery) -> Response:
    """List advance notices in the order they were announced."""
    with unit_of_work() as session:
        rows = queries.notices(
            session, site_code=query.site, state=query.state, after_id=query.after, limit=query.limit + 1
        )
    return page_of([_head(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/notices/<notice_no>")
@policy(*READERS, firms=True, subject="notice")
def notice(notice_no: str) -> Response:
    """Show a notice, line by line with what was counted, and the differences of a closed receipt."""
    with unit_of_work() as session:
        return jsonify(_whole(session, _known(session, notice_no)))


@bp.post("/notices")
@policy("clerk", "supervisor", "declarant")
@bp.input(NoticeIn, arg_name="body")
def new_notice(body: NoticeIn) -> Response:
    """Announce goods."""
    return write(lambda session: _announce(session, body), body.model_dump(mode="json"), status=201)


def _announce(session: Session, body: NoticeIn) -> Mapping[str, Any]:
    owner_id = _id_of(session, Company, body.owner)
    lines = tuple(_line(session, owner_id, number, line) for number, line in enumerate(body.lines, 1))
    command = Announce(
        body.notice_no,
        _id_of(session, Site, body.site),
        owner_id,
        body.trade_mode,
        lines,
        body.verification_list,
        body.expected_at,
    )
    announce(session, command)
    return _whole(session, _known(session, body.notice_no))


def _id_of(session: Session, table: type[Company] | type[Site], code: str) -> int:
    found = session.scalar(select(table.id).where(func.upper(table.code) == code.upper()))
    if found is None:
        raise NotFound(field=table.__tablename__, what=code)
    return found


def _line(session: Session, owner_id: int, line_no: int, line: NoticeLineIn) -> LineIn:
    item = catalog.item_by_code(session, owner_id, line.item)
    if item is None:
        raise NotOwnersItem(field=f"lines.{line_no}", line_no=line_no, item=line.item)
    qty = line.qty
    if line.unit is not None:
        packaging = catalog_rules.packaging_of(line.unit, catalog.packagings(session, item.id), item.code)
        qty = catalog_rules.in_base_units(line.qty, packaging)
    return LineIn(line.item, qty, line.lot_no, line.expires_on, line.sscc)


def _known(session: Session, notice_no: str) -> NoticeRow:
    found = queries.notice_by_no(session, notice_no)
    if found is None:
        raise NotFound(what=notice_no)
    return found


def _whole(session: Session, row: NoticeRow) -> dict[str, Any]:
    lines = queries.notice_lines(session, row.id)
    return {
        **_head(row),
        "lines": [
            {
                "line_no": line.line_no,
                "item": line.item_code,
                "name_zh": line.name_zh,
                "name_en": line.name_en,
                "unit": line.base_unit,
                "expected_qty": line.expected_qty,
                "received_qty": line.received_qty,
                "lot_no": line.lot_no,
                "expires_on": line.expires_on.isoformat() if line.expires_on else None,
                "sscc": line.sscc,
            }
            for line in lines
        ],
        "differences": [vars(one) for one in queries.differences(session, row.id)],
    }


def _head(row: NoticeRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "notice_no": row.notice_no,
        "state": row.state,
        "trade_mode": row.trade_mode,
        "site": row.site_code,
        "owner_zh": row.owner_name_zh,
        "owner_en": row.owner_name_en,
        "verification_list": row.list_no,
        "list_state": row.list_state,
        "expected_at": row.expected_at.isoformat() if row.expected_at else None,
        "closed_at": row.closed_at.isoformat() if row.closed_at else None,
    }
