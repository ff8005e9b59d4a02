"""Retail parcels that buyers collect in person (线下自提): after their release, in the zone, once."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.lookups import id_of
from web.api.paging import page_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Page
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.customs.parcels import pick_up
from wms.customs.tables import PickUp
from wms.customs.tables.parcels import ParcelDeclaration
from wms.floor.service.counting_in import APP_PERSON
from wms.parties.tables import Site

bp = APIBlueprint("api_pick_ups", __name__, url_prefix="/api/v1", tag="Customs")


class PickUpIn(Body):
    """Which parcel (our number of its declaration) is collected, and where."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"declaration": "PD00000001", "site": "CLJ-B1"}]})

    declaration: Code
    site: Code


@bp.post("/pick-ups")
@policy("clerk", "supervisor", "declarant")
@bp.input(PickUpIn, arg_name="body")
def new_pick_up(body: PickUpIn) -> Response:
    """Note that the buyer collected a parcel: refused before its release and, for bonded goods, outside the zone."""

    def act(session: Session) -> Mapping[str, Any]:
        site_id = id_of(session, Site, body.site)
        person_id = session.scalar(select(APP_PERSON))
        made = pick_up.pick_up(session, body.declaration, site_id, person_id, datetime.now(UTC))
        return {"id": made.id, "declaration": body.declaration, "picked_up_at": made.picked_up_at.isoformat()}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/pick-ups")
@policy(*READERS, firms=True)
@bp.input(Page, location="query", arg_name="query")
def pick_ups(query: Page) -> Response:
    """List the parcels that were collected in person."""
    with unit_of_work() as session:
        found = session.execute(
            select(PickUp.id, ParcelDeclaration.cop_no, Site.code, PickUp.picked_up_at)
            .join(ParcelDeclaration, ParcelDeclaration.id == PickUp.declaration_id)
            .join(Site, Site.id == PickUp.site_id)
            .where(PickUp.id > query.after)
            .order_by(PickUp.id)
            .limit(query.limit + 1)
        )
        names = ("id", "declaration", "site", "picked_up_at")
        rows = [as_json(dict(zip(names, row, strict=True))) for row in found]
    return page_of(rows, after=query.after, limit=query.limit)
