"""Counts: order them, see how far they are, decide on differences, settle cases of bonded goods."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import request_key, write
from web.api.lookups import id_of, place_of
from web.api.paging import page_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Count, Instant, Page, Text, Whole
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.catalog.rules import UnknownItem
from wms.catalog.tables import TradeItem
from wms.floor import count_queries as queries
from wms.floor.rules.adjusting import UnknownCase
from wms.floor.rules.counting import UnknownCount
from wms.floor.service import count_deciding, counting, differences
from wms.floor.service.count_deciding import Decide
from wms.floor.service.counting import NewCount
from wms.floor.service.differences import Settle
from wms.floor.tables.counts import CountDifference, DiscrepancyCase
from wms.parties.tables import Company, Site

bp = APIBlueprint("api_counts", __name__, url_prefix="/api/v1", tag="Inside")


class CountIn(Body):
    """What is to be counted: ``location`` names places, ``item`` names items, ``abc`` takes what is due of a class."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"site": "YY-BW1", "kind": "location", "places": ["A-1", "A-2"]}}
    )
    site: Code
    kind: Literal["location", "item", "abc"]
    places: Annotated[tuple[Code, ...], Field(max_length=1000)] = ()
    owner: Code | None = None
    items: Annotated[tuple[Code, ...], Field(max_length=1000)] = ()
    velocity_class: Literal["A", "B", "C"] | None = None
    is_blind: bool = True
    reason: Text | None = None
    due_at: Instant | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=1000)] = 50


class DecisionIn(Body):
    """A decision on the difference that was shown: ``qty`` is what it was."""

    qty: Whole
    note: Text | None = None


class SettlementIn(Body):
    """How a part of a case is settled; ``place`` for goods found, ``customs_document`` for the account book."""

    kind: Literal["found", "written_off", "declared"]
    qty: Count
    place: Code | None = None
    customs_document: Code | None = None


class StateQuery(Page):
    """Which rows: of a site, in a state."""

    site: str | None = None
    state: str | None = None


@bp.get("/counts")
@policy(*READERS)
@bp.input(StateQuery, location="query", arg_name="query")
def counts(query: StateQuery) -> Response:
    """List counts and how far they are."""
    with unit_of_work() as session:
        rows = queries.counts(session, **_given(query))
    return page_of([as_json(row) for row in rows], after=query.after, limit=query.limit)


def _given(query: StateQuery) -> dict[str, Any]:
    return {"after": query.after, "limit": query.limit + 1, "site": query.site, "state": query.state}


@bp.get("/counts/<count_no>")
@policy(*READERS)
def count(count_no: str) -> Response:
    """Show a count: its places, round by round, and its differences."""
    with unit_of_work() as session:
        return jsonify(_whole(session, count_no))


def _whole(session: Session, count_no: str) -> dict[str, Any]:
    found = queries.counts(session, number=count_no.upper())
    if not found:
        raise UnknownCount(count=count_no)
    return {
        **as_json(found[0]),
        "rounds": [as_json(row) for row in queries.count_places(session, found[0].id)],
        "differences": [as_json(row) for row in queries.differences(session, number=count_no.upper(), limit=500)],
    }


@bp.post("/counts")
@policy("supervisor", "planner")
@bp.input(CountIn, arg_name="body")
def new_count(body: CountIn) -> Response:
    """Order a count; its places become tasks."""
    return write(lambda session: _order(session, body), body.model_dump(mode="json"), status=201)


def _order(session: Session, body: CountIn) -> Mapping[str, Any]:
    site_id = id_of(session, Site, body.site)
    new = NewCount(
        site_id,
        body.kind,
        tuple(place_of(session, site_id, code, f"places.{n}").id for n, code in enumerate(body.places, 1)),
        _items(session, body),
        body.velocity_class,
        body.is_blind,
        body.reason,
        body.due_at,
        body.limit,
    )
    return _whole(session, counting.plan(session, new, datetime.now(UTC)).count_no)


def _items(session: Session, body: CountIn) -> tuple[int, ...]:
    found: list[int] = []
    for number, code in enumerate(body.items, 1):
        query = select(TradeItem.id).where(TradeItem.code == code)
        if body.owner:
            query = query.where(TradeItem.owner_id == id_of(session, Company, body.owner))
        ids = session.scalars(query).all()
        if not ids:
            raise UnknownItem(field=f"items.{number}", number=code)
        found += ids
    return tuple(found)


@bp.post("/counts/<count_no>/cancel")
@policy("supervisor")
def cancel(count_no: str) -> Response:
    """Call a count off."""

    def act(session: Session) -> Mapping[str, Any]:
        counting.cancel(session, count_no, datetime.now(UTC))
        return _whole(session, count_no)

    return write(act, {"count": count_no})


@bp.get("/count-differences")
@policy(*READERS)
@bp.input(StateQuery, location="query", arg_name="query")
def count_differences(query: StateQuery) -> Response:
    """List differences that counts found; ``state=waiting``: those that want a supervisor."""
    with unit_of_work() as session:
        rows = queries.differences(session, **_given(query))
    return page_of([as_json(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/count-differences/<int:number>/approve")
@policy("supervisor")
@bp.input(DecisionIn, arg_name="body")
def approve(number: int, body: DecisionIn) -> Response:
    """Post a difference. Never by somebody who counted it."""
    return _decide(count_deciding.approve, number, body)


@bp.post("/count-differences/<int:number>/reject")
@policy("supervisor")
@bp.input(DecisionIn, arg_name="body")
def reject(number: int, body: DecisionIn) -> Response:
    """Leave the books as they are, with a note that says why."""
    return _decide(count_deciding.reject, number, body)


def _decide(deed: Callable[[Session, Decide], CountDifference], number: int, body: DecisionIn) -> Response:
    key = request_key()

    def act(session: Session) -> Mapping[str, Any]:
        row = deed(session, Decide(key, number, body.qty, datetime.now(UTC), body.note))
        return {"id": row.id, "state": row.state, "qty": row.qty, "posting_id": row.posting_id}

    return write(act, {"difference": number, **body.model_dump(mode="json")})


@bp.get("/discrepancy-cases")
@policy(*READERS, firms=True)
@bp.input(StateQuery, location="query", arg_name="query")
def discrepancy_cases(query: StateQuery) -> Response:
    """List bonded goods that are missing or too many, who has to settle it and until when."""
    with unit_of_work() as session:
        rows = queries.cases(session, **_given(query))
    return page_of([as_json(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/discrepancy-cases/<case_no>/settle")
@policy("supervisor")
@bp.input(SettlementIn, arg_name="body")
def settle(case_no: str, body: SettlementIn) -> Response:
    """Settle a case: goods found again, written off or declared under a customs document."""
    key = request_key()

    def act(session: Session) -> Mapping[str, Any]:
        place_id = None
        if body.place is not None:
            site_id = session.scalar(select(DiscrepancyCase.site_id).where(DiscrepancyCase.case_no == case_no))
            if site_id is None:
                raise UnknownCase(case=case_no)
            place_id = place_of(session, site_id, body.place).id
        now = datetime.now(UTC)
        command = Settle(key, case_no, body.kind, body.qty, now, place_id, body.customs_document)
        differences.settle(session, command)
        return as_json(queries.cases(session, number=case_no)[0])

    return write(act, {"case": case_no, **body.model_dump(mode="json")})
