"""Picks without a scanner: a list of takings at once, shortages, and taking picks back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.idempotency import request_key, write
from web.api.problems import problem_body
from web.api.schemas import Body, Code, Count, RowId
from web.auth.policy import policy
from wms.errors import NotFound, WmsError
from wms.floor import pick_queries
from wms.floor.pick_queries import ListRow
from wms.floor.rules.picking import AlreadyPicked
from wms.floor.service import shortage, totes, unpicking
from wms.floor.service.picking import Take, pick_many

bp = APIBlueprint("api_picks", __name__, url_prefix="/api/v1", tag="Outbound")

Sscc = Annotated[str, Field(pattern=r"^[0-9]{18}$")]


class PickIn(Body):
    """Goods of a line in hand: ``qty`` base units into ``tote`` (left out: the slot's, or the goods' own pallet)."""

    line: RowId
    qty: Count
    tote: Sscc | None = None
    weight_g: Count | None = None
    serials: Annotated[tuple[Code, ...], Field(max_length=500)] = ()


class PicksIn(Body):
    """What was picked for one pick list, each line at most once."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"list": "PL00000012", "picks": [{"line": 7, "qty": 12, "tote": "106901234000000017"}]}
        }
    )
    list: Code
    picks: Annotated[tuple[PickIn, ...], Field(min_length=1, max_length=500)]


class ShortIn(Body):
    """Lines of one pick list whose goods are not there."""

    list: Code
    lines: Annotated[tuple[RowId, ...], Field(min_length=1, max_length=100)]


class UndoIn(Body):
    """Picks to be taken back, by the ids that they were answered with."""

    picks: Annotated[tuple[RowId, ...], Field(min_length=1, max_length=100)]


@bp.post("/picks")
@policy("clerk", "supervisor")
@bp.input(PicksIn, arg_name="body")
def picks(body: PicksIn) -> Response:
    """Pick lines of a list into totes; each gets a result of its own, and one refused does not hold up the others."""
    return write(lambda session: _pick(session, body), body.model_dump(mode="json"))


def _pick(session: Session, body: PicksIn) -> Mapping[str, Any]:
    row, at = _known(session, body.list), datetime.now(UTC)
    slots = {line.id: line.slot for line in pick_queries.list_lines(session, row.id)}
    takes, results = [], {}
    bound: dict[tuple[int, str], int] = {}
    for one in body.picks:
        try:
            if one.line not in slots:
                raise AlreadyPicked(line=one.line)
            unit_id = None
            if one.tote is not None:
                slot = slots[one.line]
                if (slot, one.tote) not in bound:
                    bound[slot, one.tote] = totes.bind(session, row.id, slot, one.tote)
                unit_id = bound[slot, one.tote]
            takes.append(Take(one.line, one.qty, unit_id, one.weight_g, one.serials))
        except WmsError as refusal:
            results[one.line] = {"line": one.line, "problem": problem_body(refusal)}
    done = pick_many(session, f"pick:{request_key()}", takes, at)
    for take, result in zip(takes, done, strict=True):
        told = {"problem": problem_body(result)} if isinstance(result, WmsError) else vars(result)
        results[take.pick_line_id] = {"line": take.pick_line_id, **told}
    after = _known(session, body.list)
    return {"list": after.list_no, "state": after.state, "results": [results[one.line] for one in body.picks]}


@bp.post("/picks/short")
@policy("clerk", "supervisor")
@bp.input(ShortIn, arg_name="body")
def short(body: ShortIn) -> Response:
    """Say that goods are not there: their place is counted, and other goods are looked for at once."""

    def act(session: Session) -> Mapping[str, Any]:
        row = _known(session, body.list)
        own = {line.id for line in pick_queries.list_lines(session, row.id)}
        for line in body.lines:
            if line not in own:
                raise AlreadyPicked(field="lines", line=line)
        found = shortage.report_short(
            session, f"short:{request_key()}", list(dict.fromkeys(body.lines)), datetime.now(UTC)
        )
        return {
            "missing_qty": found.missing_qty,
            "found_qty": found.found_qty,
            "given_up_qty": found.given_up_qty,
            "new_lines": list(found.new_line_ids),
        }

    return write(act, body.model_dump(mode="json"))


@bp.post("/picks/undo")
@policy("clerk", "supervisor")
@bp.input(UndoIn, arg_name="body")
def undo(body: UndoIn) -> Response:
    """Take picks back by a compensating posting; the goods are promised to their lines anew."""

    def act(session: Session) -> Mapping[str, Any]:
        qty = unpicking.unpick(session, f"unpick:{request_key()}", body.picks, datetime.now(UTC))
        return {"qty": qty}

    return write(act, body.model_dump(mode="json"))


def _known(session: Session, list_no: str) -> ListRow:
    found = pick_queries.list_by_no(session, list_no)
    if found is None:
        raise NotFound(field="list", what=list_no)
    return found
