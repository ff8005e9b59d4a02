"""Sites and the locations in them."""

from dataclasses import asdict

from apiflask import APIBlueprint
from flask import Response

from web.api.paging import page_of
from web.api.schemas import Page
from web.auth.policy import ROLES, policy
from web.context import unit_of_work
from wms.errors import NotFound
from wms.parties import queries
from wms.parties.tables import Site

bp = APIBlueprint("api_sites", __name__, url_prefix="/api/v1/sites", tag="Parties")


@bp.get("")
@policy(*ROLES, firms=True)
@bp.input(Page, location="query")
def sites(query_data: Page) -> Response:
    """List sites by id; coordinates in WGS 84 degrees, as text so that no digit is lost."""
    with unit_of_work() as session:
        rows = queries.sites(session, after=query_data.after, limit=query_data.limit + 1)
    return page_of([asdict(row) for row in rows], after=query_data.after, limit=query_data.limit)


@bp.get("/<int:site_id>/locations")
@policy(*ROLES)
@bp.input(Page, location="query")
def locations(site_id: int, query_data: Page) -> Response:
    """List the locations of a site by id."""
    with unit_of_work() as session:
        if session.get(Site, site_id) is None:
            raise NotFound(what=f"site {site_id}")
        rows = queries.locations(session, site_id, after=query_data.after, limit=query_data.limit + 1)
    return page_of([asdict(row) for row in rows], after=query_data.after, limit=query_data.limit)
