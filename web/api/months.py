"""Closing of months: nothing is posted into a closed one; corrections are postings of an open month."""

from datetime import date
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import ConfigDict, Field

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.rows import as_json
from web.api.schemas import Body, Page
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.stock import months

bp = APIBlueprint("api_months", __name__, url_prefix="/api/v1/closed-months", tag="Stock")


class MonthIn(Body):
    """A month that is over; every month before it is closed with it. It is never opened again."""

    model_config = ConfigDict(json_schema_extra={"example": {"month": "2026-10"}})
    month: Annotated[str, Field(pattern=r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$")]


@bp.get("")
@policy(*READERS)
@bp.input(Page, location="query", arg_name="query")
def closed_months(query: Page) -> Response:
    """List the closed months, the oldest first: who closed them, when, and the hash over their postings."""
    with unit_of_work() as session:
        rows = months.closed(session, after=query.after, limit=query.limit + 1)
    return page_of([as_json(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("")
@policy("supervisor")
@bp.input(MonthIn, arg_name="body")
def close_month(body: MonthIn) -> Response:
    """Close a month, and every month before it, for good."""
    first = date.fromisoformat(f"{body.month}-01")
    return write(lambda session: months.close(session, first), body.model_dump(mode="json"), status=201)
