"""Replenishment: pick faces with their limits, proposals by limits and demand, calling one off."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.counts import StateQuery
from web.api.idempotency import request_key, write
from web.api.lookups import base_qty, id_of, item_of, place_of
from web.api.paging import page_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Count, Small, Whole
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.floor import replenish_queries as queries
from wms.floor.service import replenishing
from wms.floor.service.replenishing import Limits
from wms.parties.tables import Company, Site

bp = APIBlueprint("api_replenishments", __name__, url_prefix="/api/v1", tag="Inside")


class PickFaceIn(Body):
    """A pick place of an item: below ``least`` it is filled up to ``most``, in whole ``multiple``; base units."""

    place: Code
    owner: Code
    item: Code
    least: Whole
    most: Count
    multiple: Count = 1


class PickFacesIn(Body):
    """Pick places of a site; those that are known get the new limits."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "site": "YY-BW1",
                "faces": [
                    {"place": "P-1", "owner": "ACME", "item": "SKU-1", "least": 10, "most": 40, "multiple": 6}
                ],
            }
        }
    )
    site: Code
    faces: Annotated[list[PickFaceIn], Field(min_length=1, max_length=1000)]


class DemandIn(Body):
    """What is wanted of an item at its pick face: ``qty`` of ``unit``."""

    owner: Code
    item: Code
    qty: Small
    unit: Code | None = None


class ProposalIn(Body):
    """Fill the pick faces of a site. Without ``demand`` the open orders are asked what they want."""

    site: Code
    demand: Annotated[tuple[DemandIn, ...], Field(max_length=1000)] | None = None


@bp.get("/pick-faces")
@policy(*READERS)
@bp.input(StateQuery, location="query", arg_name="query")
def pick_faces(query: StateQuery) -> Response:
    """List pick faces with what lies there and what is on its way."""
    with unit_of_work() as session:
        rows = queries.faces(session, after=query.after, site=query.site, limit=query.limit + 1)
    return page_of([as_json(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/pick-faces")
@policy("supervisor", "planner")
@bp.input(PickFacesIn, arg_name="body")
def set_pick_faces(body: PickFacesIn) -> Response:
    """Make places the pick faces of items, or change their limits."""

    def act(session: Session) -> Mapping[str, Any]:
        site_id = id_of(session, Site, body.site)
        lines = [
            Limits(
                place_of(session, site_id, face.place, f"faces.{n}.place").id,
                item_of(session, id_of(session, Company, face.owner), face.item, f"faces.{n}.item").id,
                face.least,
                face.most,
                face.multiple,
            )
            for n, face in enumerate(body.faces, 1)
        ]
        return {"faces": len(replenishing.set_limits(session, lines))}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/replenishments")
@policy(*READERS)
@bp.input(StateQuery, location="query", arg_name="query")
def replenishments(query: StateQuery) -> Response:
    """List what is on its way to pick faces, part by part."""
    with unit_of_work() as session:
        rows = queries.replenishments(
            session, after=query.after, limit=query.limit + 1, site=query.site, state=query.state
        )
    return page_of([as_json(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/replenishments")
@policy("supervisor", "planner")
@bp.input(ProposalIn, arg_name="body")
def propose(body: ProposalIn) -> Response:
    """Fill pick faces that fell below their least, or that orders want more of; each part becomes a task."""
    key = request_key()

    def act(session: Session) -> Mapping[str, Any]:
        site_id = id_of(session, Site, body.site)
        wanted = None if body.demand is None else _demand(session, body.demand)
        made = replenishing.propose(session, key, site_id, datetime.now(UTC), wanted)
        numbers = [one.replenishment_no for one in made]
        rows = [row for number in numbers for row in queries.replenishments(session, number=number)]
        return {"replenishments": numbers, "parts": [as_json(row) for row in rows]}

    return write(act, body.model_dump(mode="json"), status=201)


def _demand(session: Session, lines: tuple[DemandIn, ...]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for number, line in enumerate(lines, 1):
        item = item_of(session, id_of(session, Company, line.owner), line.item, f"demand.{number}.item")
        sums[item.id] = sums.get(item.id, 0) + base_qty(session, item, line.qty, line.unit)
    return sums


@bp.post("/replenishments/<number>/void")
@policy("supervisor", "planner")
def void(number: str) -> Response:
    """Call a replenishment off; what was reserved for it is free again."""

    def act(session: Session) -> Mapping[str, Any]:
        head = replenishing.void(session, number)
        return {"replenishment_no": head.replenishment_no, "state": head.state}

    return write(act, {"replenishment": number})
