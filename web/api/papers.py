"""Lists to carry, as PDF."""

from datetime import UTC, datetime

from apiflask import APIBlueprint
from flask import Response
from flask_babel import gettext as _
from pydantic import Field

from web.api.schemas import LARGEST, Query
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.paper import making
from web.paper.sheets import Sheet, pdf

bp = APIBlueprint("api_papers", __name__, url_prefix="/api/v1/papers", tag="Paper")


class CountQuery(Query):
    """Places of a site from one code to another. ``blind``: without what the books say."""

    site_id: int = Field(ge=1, le=LARGEST)
    since: str = Field(default="", max_length=30)
    until: str = Field(default="\uffff", max_length=30)
    zone: str | None = Field(default=None, max_length=30)
    blind: bool = True


def paper(sheet: Sheet, name: str) -> Response:
    """Return a list as a PDF to look at or print."""
    page_word = _("Page %(page)s of %(pages)s", page="%(page)s", pages="%(pages)s")
    content = pdf(sheet, page_word=page_word, printed_at=making.local_time(datetime.now(UTC)))
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(content, mimetype="application/pdf", headers=headers)


@bp.get("/packing-lists/<number>")
@policy(*READERS, firms=True, subject="tracked")
def packing_list(number: str) -> Response:
    """Give the packing list of a unit: every item and lot on it and on the units it carries."""
    with unit_of_work() as session:
        sheet = making.packing_list(session, number)
    return paper(sheet, f"packing-list-{number[:18]}")


@bp.get("/pick-lists/<list_no>")
@policy(*READERS)
def pick_list(list_no: str) -> Response:
    """Give a pick list to carry: places in walking order, each with its barcode, and the slot of the cart."""
    with unit_of_work() as session:
        sheet = making.pick_list(session, list_no)
    return paper(sheet, f"pick-list-{list_no[:40]}")


@bp.get("/count-sheets")
@policy(*READERS)
@bp.input(CountQuery, location="query", arg_name="query")
def count_sheet(query: CountQuery) -> Response:
    """Give a sheet to count places of a site by hand, in walking order."""
    with unit_of_work() as session:
        sheet = making.count_sheet(session, query.site_id, query.since, query.until, query.zone, is_blind=query.blind)
    return paper(sheet, f"count-sheet-{query.site_id}")
