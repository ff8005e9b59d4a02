"""Companies and what they are here."""

from dataclasses import asdict

from apiflask import APIBlueprint
from flask import Response

from web.api.paging import page_of
from web.api.schemas import Page
from web.auth.policy import ROLES, policy
from web.context import unit_of_work
from wms.parties import queries

bp = APIBlueprint("api_companies", __name__, url_prefix="/api/v1/companies", tag="Parties")


@bp.get("")
@policy(*ROLES, firms=True)
@bp.input(Page, location="query")
def companies(query_data: Page) -> Response:
    """List companies by id. Names of partners are open to all who take part; what they own is not."""
    with unit_of_work() as session:
        rows = queries.companies(session, after=query_data.after, limit=query_data.limit + 1)
    return page_of([asdict(row) for row in rows], after=query_data.after, limit=query_data.limit)
