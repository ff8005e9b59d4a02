"""Quarantine and destruction: set goods aside and decide; ask, approve, witness and carry out a destruction."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.counts import StateQuery
from web.api.idempotency import request_key, write
from web.api.lookups import base_qty, id_of, item_of, place_of
from web.api.paging import page_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Count
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.floor import destruction_queries as queries
from wms.floor.rules.destroying import UnknownDestruction
from wms.floor.service import destroying, quarantining
from wms.floor.service.destroying import Ask
from wms.floor.service.quarantining import SetAside, Which
from wms.floor.tables.destruction import Destruction
from wms.parties.tables import Company, Site

bp = APIBlueprint("api_destructions", __name__, url_prefix="/api/v1", tag="Inside")

Reason = Annotated[str, Field(min_length=3, max_length=400)]


class GoodsIn(Body):
    """Goods in a place: ``qty`` of ``unit`` (base units when left out)."""

    place: Code
    owner: Code
    item: Code
    qty: Count
    unit: Code | None = None
    lot_no: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None
    quality_status: Literal["good", "hold", "damaged", "quarantine", "expired"] | None = None


class QuarantineIn(Body):
    """Goods to be set aside for a reason, in ``to_place`` or where they lie."""

    site: Code
    goods: GoodsIn
    reason: Reason
    to_place: Code | None = None


class DecisionIn(Body):
    """What becomes of goods in quarantine."""

    decision: Literal["good", "hold", "damaged", "expired", "quarantine"]


class DestructionIn(Body):
    """Goods to be destroyed; bonded ones under a customs document."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "site": "YY-BW1",
                "reason": "spoilt by warmth",
                "method": "burnt at the municipal works",
                "customs_document": "XH-2026-1",
                "lines": [{"place": "Q-1", "owner": "ACME", "item": "SKU-1", "lot_no": "L1", "qty": 12}],
            }
        }
    )
    site: Code
    reason: Reason
    method: Reason
    lines: Annotated[list[GoodsIn], Field(min_length=1, max_length=200)]
    customs_document: Code | None = None


def _which(session: Session, site_id: int, goods: GoodsIn, field: str) -> Which:
    item = item_of(session, id_of(session, Company, goods.owner), goods.item, f"{field}.item")
    return Which(
        place_of(session, site_id, goods.place, f"{field}.place").id,
        item.id,
        base_qty(session, item, goods.qty, goods.unit),
        goods.lot_no,
        goods.sscc,
        goods.quality_status,
    )


@bp.get("/quarantines")
@policy(*READERS)
@bp.input(StateQuery, location="query", arg_name="query")
def quarantines(query: StateQuery) -> Response:
    """List goods that were set aside."""
    with unit_of_work() as session:
        rows = queries.quarantines(
            session, after=query.after, limit=query.limit + 1, site=query.site, state=query.state
        )
    return page_of([as_json(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/quarantines")
@policy("clerk", "supervisor")
@bp.input(QuarantineIn, arg_name="body")
def new_quarantine(body: QuarantineIn) -> Response:
    """Put goods into quarantine with a reason."""
    key = request_key()

    def act(session: Session) -> Mapping[str, Any]:
        site_id = id_of(session, Site, body.site)
        target = place_of(session, site_id, body.to_place, "to_place").id if body.to_place else None
        goods = _which(session, site_id, body.goods, "goods")
        made = quarantining.set_aside(
            session, SetAside(key, site_id, goods, body.reason, datetime.now(UTC), target)
        )
        return as_json(queries.quarantines(session, number=made.quarantine_no)[0])

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/quarantines/<number>/decide")
@policy("supervisor")
@bp.input(DecisionIn, arg_name="body")
def decide(number: str, body: DecisionIn) -> Response:
    """Say what becomes of goods in quarantine; never by whoever put them there."""
    key = request_key()

    def act(session: Session) -> Mapping[str, Any]:
        made = quarantining.decide(session, key, number, body.decision, datetime.now(UTC))
        return as_json(queries.quarantines(session, number=made.quarantine_no)[0])

    return write(act, {"quarantine": number, **body.model_dump(mode="json")})


@bp.get("/destructions")
@policy(*READERS)
@bp.input(StateQuery, location="query", arg_name="query")
def destructions(query: StateQuery) -> Response:
    """List destructions and how far they are."""
    with unit_of_work() as session:
        rows = queries.destructions(
            session, after=query.after, limit=query.limit + 1, site=query.site, state=query.state
        )
    return page_of([as_json(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/destructions/<number>")
@policy(*READERS)
def destruction(number: str) -> Response:
    """Show a destruction; when it is carried out, its certificate with the SHA-256 that stands in the record."""
    with unit_of_work() as session:
        return jsonify(_whole(session, number))


def _whole(session: Session, number: str) -> dict[str, Any]:
    found = queries.destructions(session, number=number.upper())
    if not found:
        raise UnknownDestruction(number=number)
    return as_json(found[0])


@bp.post("/destructions")
@policy("clerk", "supervisor")
@bp.input(DestructionIn, arg_name="body")
def new_destruction(body: DestructionIn) -> Response:
    """Ask for goods to be destroyed; they are reserved for it."""
    key = request_key()

    def act(session: Session) -> Mapping[str, Any]:
        site_id = id_of(session, Site, body.site)
        lines = tuple(_which(session, site_id, line, f"lines.{n}") for n, line in enumerate(body.lines, 1))
        command = Ask(key, site_id, lines, body.reason, body.method, datetime.now(UTC), body.customs_document)
        return _whole(session, destroying.ask(session, command).destruction_no)

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/destructions/<number>/approve")
@policy("supervisor")
def approve(number: str) -> Response:
    """Agree to a destruction that somebody else asked for."""
    return _deed(number, lambda session: destroying.approve(session, number, datetime.now(UTC)))


@bp.post("/destructions/<number>/reject")
@policy("supervisor")
def reject(number: str) -> Response:
    """Turn a destruction down; its goods are free again."""
    return _deed(number, lambda session: destroying.reject(session, number, datetime.now(UTC)))


@bp.post("/destructions/<number>/witness")
@policy("clerk", "supervisor", "customs_officer")
def witness(number: str) -> Response:
    """Sign as one of the two witnesses."""
    return _deed(number, lambda session: destroying.witness(session, number))


@bp.post("/destructions/<number>/carry-out")
@policy("clerk", "supervisor")
def carry_out(number: str) -> Response:
    """Book the goods as destroyed under the eyes of two witnesses, and write the certificate into the record."""
    return _deed(number, lambda session: destroying.carry_out(session, number, datetime.now(UTC)))


def _deed(number: str, deed: Callable[[Session], Destruction]) -> Response:
    def act(session: Session) -> Mapping[str, Any]:
        return _whole(session, deed(session).destruction_no)

    return write(act, {"destruction": number})
