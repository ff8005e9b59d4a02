"""Returns: announce goods that come back, see what came, grade it, close the return."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.counts import StateQuery
from web.api.idempotency import request_key, write
from web.api.lookups import base_qty, id_of, item_of
from web.api.paging import page_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Count, RowId, Text
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.floor import return_queries as queries
from wms.floor.rules.returning import UnknownReturn
from wms.floor.service import returning
from wms.floor.service.returning import Grade, NewReturn, ReturnLineIn
from wms.parties.tables import Company, Site

bp = APIBlueprint("api_returns", __name__, url_prefix="/api/v1", tag="Inside")


class ReturnedLineIn(Body):
    """Goods that should come back: ``qty`` of ``unit`` (base units when left out)."""

    item: Code
    qty: Count
    unit: Code | None = None
    lot_no: Annotated[str, Field(min_length=1, max_length=20)] | None = None


class ReturnIn(Body):
    """A return. ``import`` and ``export`` crossed the border and need the day of release."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "return_no": "RMA-118",
                "site": "YY-BW1",
                "owner": "ACME",
                "kind": "import",
                "order": "SO-2026-7",
                "released_on": "2026-11-01",
                "lines": [{"item": "SKU-1", "qty": 1}],
            }
        }
    )
    return_no: Code
    site: Code
    owner: Code
    lines: Annotated[list[ReturnedLineIn], Field(min_length=1, max_length=500)]
    kind: Literal["domestic", "import", "export"] = "domestic"
    order: Code | None = None
    customer: Code | None = None
    released_on: date | None = None
    applied_on: date | None = None


class GradeIn(Body):
    """A finding on returned goods."""

    returned: RowId
    grade: Code
    qty: Count
    note: Text | None = None


@bp.get("/returns")
@policy(*READERS, firms=True)
@bp.input(StateQuery, location="query", arg_name="query")
def returns(query: StateQuery) -> Response:
    """List returns and how far they are."""
    with unit_of_work() as session:
        rows = queries.returns(
            session, after=query.after, limit=query.limit + 1, site=query.site, state=query.state
        )
    return page_of([as_json(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/returns/<return_no>")
@policy(*READERS)
def show_return(return_no: str) -> Response:
    """Show a return: what came back, and its grades."""
    with unit_of_work() as session:
        return jsonify(_whole(session, return_no))


def _whole(session: Session, return_no: str) -> dict[str, Any]:
    found = queries.returns(session, number=return_no)
    if not found:
        raise UnknownReturn(number=return_no)
    return {**as_json(found[0]), "returned": [as_json(row) for row in queries.returned(session, found[0].id)]}


@bp.post("/returns")
@policy("clerk", "supervisor", "declarant")
@bp.input(ReturnIn, arg_name="body")
def new_return(body: ReturnIn) -> Response:
    """Announce a return. Across the border it must be applied for within the dated limit of days."""
    return write(lambda session: _announce(session, body), body.model_dump(mode="json"), status=201)


def _announce(session: Session, body: ReturnIn) -> Mapping[str, Any]:
    owner_id = id_of(session, Company, body.owner)
    lines = tuple(_line(session, owner_id, number, line) for number, line in enumerate(body.lines, 1))
    new = NewReturn(
        body.return_no,
        id_of(session, Site, body.site),
        owner_id,
        lines,
        body.applied_on or datetime.now(UTC).date(),
        body.kind,
        body.order,
        body.customer,
        body.released_on,
    )
    returning.announce(session, new)
    return _whole(session, body.return_no)


def _line(session: Session, owner_id: int, number: int, line: ReturnedLineIn) -> ReturnLineIn:
    item = item_of(session, owner_id, line.item, f"lines.{number}.item")
    return ReturnLineIn(item.id, base_qty(session, item, line.qty, line.unit), line.lot_no)


@bp.post("/returns/<return_no>/grade")
@policy("clerk", "supervisor")
@bp.input(GradeIn, arg_name="body")
def grade(return_no: str, body: GradeIn) -> Response:
    """Grade returned goods; the dated list ``returns.grades`` says what each grade makes of them."""
    key = request_key()

    def act(session: Session) -> Mapping[str, Any]:
        returning.notice_by_no(session, return_no)
        command = Grade(f"grade:{key}", body.returned, body.grade, body.qty, datetime.now(UTC), body.note)
        returning.grade(session, command)
        return _whole(session, return_no)

    return write(act, {"return": return_no, **body.model_dump(mode="json")})


@bp.post("/returns/<return_no>/close")
@policy("clerk", "supervisor")
def close(return_no: str) -> Response:
    """End a return whose goods are all graded."""

    def act(session: Session) -> Mapping[str, Any]:
        returning.close(session, return_no, datetime.now(UTC))
        return _whole(session, return_no)

    return write(act, {"return": return_no})
