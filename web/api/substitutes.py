"""Substitutes: what an owner accepts instead of an item, and substitutions that wait for a second person."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import ConfigDict, Field
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from web.api.idempotency import request_key, write
from web.api.paging import page_of
from web.api.schemas import Body, Code, Count, Page
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.catalog import queries as catalog
from wms.errors import NotFound
from wms.floor.service import substituting
from wms.floor.service.substituting import Asked
from wms.parties.tables import Company

bp = APIBlueprint("api_substitutes", __name__, url_prefix="/api/v1", tag="Outbound")

RULES = text("""
    SELECT s.id, c.code AS owner, i.code AS item, t.code AS substitute, s.per_qty, s.is_preapproved, s.valid_from_on,
           s.valid_until_on
      FROM item_substitute s JOIN company c ON c.id = s.owner_id JOIN trade_item i ON i.id = s.trade_item_id
      JOIN trade_item t ON t.id = s.substitute_item_id
     WHERE s.id > :after ORDER BY s.id LIMIT :limit
""")
LINE = text("""
    SELECT l.id FROM order_line l JOIN outbound_order o ON o.id = l.order_id
     WHERE upper(o.order_no) = upper(:order_no) AND l.line_no = :line_no
""")


class SubstituteIn(Body):
    """``per_qty`` units of ``substitute`` may stand for one unit of ``item``; pre-approved ones need no supervisor."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "owner": "DEMO-OWNER",
                "item": "TEA-01",
                "substitute": "TEA-02",
                "per_qty": 1,
                "is_preapproved": True,
                "valid_from_on": "2026-06-01",
            }
        }
    )
    owner: Code
    item: Code
    substitute: Code
    per_qty: Annotated[Count, Field(le=10_000)] = 1
    is_preapproved: bool = False
    valid_from_on: date
    valid_until_on: date | None = None


class SubstitutionIn(Body):
    """Ask for a substitute for ``qty`` base units by which a line of an order is short."""

    order_no: Code
    line_no: Count
    qty: Count
    substitute: Code | None = None


@bp.get("/item-substitutes")
@policy(*READERS, firms=True)
@bp.input(Page, location="query", arg_name="query")
def rules(query: Page) -> Response:
    """List what owners accept instead of what."""
    with unit_of_work() as session:
        rows = session.execute(RULES, {"after": query.after, "limit": query.limit + 1}).mappings().all()
    return page_of([_plain(dict(row)) for row in rows], after=query.after, limit=query.limit)


@bp.post("/item-substitutes")
@policy("supervisor", "planner")
@bp.input(SubstituteIn, arg_name="body")
def accept(body: SubstituteIn) -> Response:
    """Enter that an owner accepts one item for another from a day on."""

    def act(session: Session) -> Mapping[str, Any]:
        owner_id = session.scalar(select(Company.id).where(func.upper(Company.code) == body.owner.upper()))
        if owner_id is None:
            raise NotFound(field="owner", what=body.owner)
        items = {}
        for field, code in (("item", body.item), ("substitute", body.substitute)):
            found = catalog.item_by_code(session, owner_id, code)
            if found is None:
                raise NotFound(field=field, what=code)
            items[field] = found.id
        made = substituting.accept(
            session,
            owner_id,
            items["item"],
            items["substitute"],
            per_qty=body.per_qty,
            is_preapproved=body.is_preapproved,
            valid_from_on=body.valid_from_on,
            valid_until_on=body.valid_until_on,
        )
        return {"id": made}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/substitutions")
@policy(*READERS)
@bp.input(Page, location="query", arg_name="query")
def substitutions(query: Page) -> Response:
    """List substitutions that wait for a supervisor, oldest first."""
    with unit_of_work() as session:
        rows = [_plain(row._mapping) for row in substituting.waiting(session, query.after, query.limit + 1)]
    return page_of(rows, after=query.after, limit=query.limit)


@bp.post("/substitutions")
@policy("clerk", "supervisor")
@bp.input(SubstitutionIn, arg_name="body")
def ask(body: SubstitutionIn) -> Response:
    """Ask for a substitute; one that is pre-approved is promised and put on the pick list at once."""

    def act(session: Session) -> Mapping[str, Any]:
        line_id = session.execute(LINE, {"order_no": body.order_no, "line_no": body.line_no}).scalar_one_or_none()
        if line_id is None:
            raise NotFound(what=f"{body.order_no}/{body.line_no}")
        asked = substituting.ask(
            session, f"ask:{request_key()}", line_id, body.qty, datetime.now(UTC), substitute=body.substitute
        )
        return _told(asked)

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/substitutions/<int:substitution_id>/approve")
@policy("supervisor")
def approve(substitution_id: int) -> Response:
    """Approve what somebody else asked for: the substitute is promised and stands on the pick list."""
    return _decide(substitution_id, is_approved=True)


@bp.post("/substitutions/<int:substitution_id>/refuse")
@policy("supervisor")
def refuse(substitution_id: int) -> Response:
    """Refuse a substitution: the goods stay short."""
    return _decide(substitution_id, is_approved=False)


def _decide(substitution_id: int, *, is_approved: bool) -> Response:
    def act(session: Session) -> Mapping[str, Any]:
        key = f"decide:{request_key()}"
        return _told(substituting.decide(session, key, substitution_id, datetime.now(UTC), is_approved=is_approved))

    return write(act, {})


def _told(asked: Asked) -> dict[str, Any]:
    return {
        "id": asked.substitution_id,
        "state": asked.state,
        "qty": asked.qty,
        "promised_qty": asked.promised_qty,
        "substitute_zh": asked.substitute["zh"],
        "substitute_en": asked.substitute["en"],
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
