"""Moves inside a site: a list at once; each line stands or is refused by itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.idempotency import request_key, write
from web.api.lookups import id_of
from web.api.problems import problem_body
from web.api.schemas import Body, Code, Count, Instant
from web.auth.policy import policy
from wms.errors import WmsError
from wms.floor.service.moving import Moved, MoveLine, MoveList, move_many
from wms.parties.tables import Site

bp = APIBlueprint("api_moves", __name__, url_prefix="/api/v1", tag="Inside")

MOST_LINES = 500


class MoveLineIn(Body):
    """A pallet or carton by its SSCC, whole; or ``qty`` of an item out of a place; with both, a part off the pallet.

    A part of goods that are kept by serial number names its ``serials``; of goods of which each piece has its own
    weight, ``weight_g`` says what the pieces weigh together.
    """

    to_place: Code
    from_place: Code | None = None
    sscc: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None
    owner: Code | None = None
    item: Code | None = None
    lot_no: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    qty: Count | None = None
    unit: Code | None = None
    serials: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=20)], ...], Field(max_length=500)] = ()
    weight_g: Count | None = None


class MovesIn(Body):
    """Moves inside one site. With ``all_or_nothing`` the first line that is refused refuses the list."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "site": "YY-BW1",
                "document": "WO-118",
                "lines": [
                    {"sscc": "106901234000000018", "to_place": "A-2"},
                    {"owner": "ACME", "item": "SKU-1", "lot_no": "L1", "qty": 2, "unit": "carton",
                     "from_place": "A-1", "to_place": "P-1"},
                ],
            }
        }
    )  # fmt: skip
    site: Code
    lines: Annotated[list[MoveLineIn], Field(min_length=1, max_length=MOST_LINES)]
    document: Code | None = None
    at: Instant | None = None
    all_or_nothing: bool = False


@bp.post("/moves")
@policy("clerk", "supervisor")
@bp.input(MovesIn, arg_name="body")
def moves(body: MovesIn) -> Response:
    """Move goods from place to place.

    Answers each line in order: its posting, or the problem that refused it.
    """
    key = request_key()
    return write(lambda session: _move(session, key, body), body.model_dump(mode="json"), status=201)


def _move(session: Session, key: str, body: MovesIn) -> Mapping[str, Any]:
    lines = tuple(MoveLine(**line.model_dump()) for line in body.lines)
    site_id = id_of(session, Site, body.site)
    command = MoveList(key, site_id, lines, body.at or datetime.now(UTC), body.document)
    results = move_many(session, command)
    if body.all_or_nothing:
        for one in results:
            if isinstance(one, WmsError):
                raise one
    return {"lines": [_line(number, one) for number, one in enumerate(results, 1)]}


def _line(number: int, result: Moved | WmsError) -> dict[str, Any]:
    if isinstance(result, WmsError):
        return {"line_no": number, "problem": problem_body(result)}
    return {"line_no": number, "qty": result.qty, "posting_id": result.posting_id}
