"""Despatch advices as messages (EANCOM DESADV in shape): units in one another, checked whole, entered whole or not."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from flask_babel import gettext as _
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.idempotency import stored_problem
from web.api.notices import id_of, known, whole
from web.api.problems import answer, document
from web.api.schemas import Body, Code, Count, Instant, Query
from web.auth.policy import policy
from web.context import current_scope, database
from web.i18n import localised
from wms.floor.rules.notices import LineIn
from wms.floor.service.despatch import UnitIn, take_advice
from wms.floor.service.notice_lines import Refused
from wms.floor.service.notices import Announce
from wms.parties.tables import Company, Site
from wms.record.rules import canonical
from wms.record.service import once
from wms.stock.tables import HANDLING_UNIT_KINDS

bp = APIBlueprint("api_despatch_advices", __name__, url_prefix="/api/v1", tag="Floor")
Sscc = Annotated[str, Field(pattern=r"^[0-9]{18}$")]


class AdviceLine(Body):
    """Goods (CPS/LIN): by the owner's item code or by GTIN; a packaging's GTIN says its unit by itself."""

    item: Code | None = None
    gtin: Annotated[str, Field(pattern=r"^[0-9]{8,14}$")] | None = None
    qty: Count
    unit: Code | None = None
    lot_no: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    expires_on: date | None = None
    weight_g: Count | None = None
    order_no: Code | None = None


class AdviceUnit(Body):
    """A unit (CPS/PAC) with its SSCC, the goods that lie in it, and the units that stand in it."""

    sscc: Sscc
    kind: Literal[HANDLING_UNIT_KINDS] = "pallet"  # type: ignore[valid-type]
    lines: Annotated[tuple[AdviceLine, ...], Field(max_length=1000)] = ()
    units: Annotated[tuple["AdviceUnit", ...], Field(max_length=1000)] = ()


class DespatchAdvice(Body):
    """A despatch advice: its number becomes the number of the notice. ``site`` and ``owner`` are codes."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "advice_no": "DES-2026-0001", "site": "YY-1", "owner": "LAKE", "trade_mode": "0110",
                "units": [
                    {
                        "sscc": "169012340000000018", "kind": "pallet",
                        "units": [
                            {
                                "sscc": "169012340000000025", "kind": "carton",
                                "lines": [{"gtin": "6901234567892", "qty": 12, "lot_no": "L1"}],
                            }
                        ],
                    }
                ],
            }
        }
    )  # fmt: skip
    advice_no: Code
    site: Code
    owner: Code
    trade_mode: Annotated[str, Field(pattern=r"^[0-9]{4}$")]
    verification_list: Code | None = None
    expected_at: Instant | None = None
    is_blind: bool = False
    units: Annotated[tuple[AdviceUnit, ...], Field(max_length=1000)] = ()
    lines: Annotated[tuple[AdviceLine, ...], Field(max_length=1000)] = ()


class AdviceQuery(Query):
    """``dry_run``: only check."""

    dry_run: bool = False


class _TakenBack(Exception):
    """Takes the transaction back: a line was bad, or it was a dry run."""


@bp.post("/despatch-advices")
@policy("clerk", "supervisor", "declarant")
@bp.input(AdviceQuery, location="query", arg_name="query")
@bp.input(DespatchAdvice, arg_name="body")
def take(query: AdviceQuery, body: DespatchAdvice) -> Response:
    """Take a despatch advice as an advance notice: all of it, or nothing when one line or unit is bad.

    The content names the message: the same again gets the first answer. A dry run answers 200 with every bad line; a
    real run with a bad line answers 422 with the same list.
    """
    content = canonical(body.model_dump(mode="json"))
    sha256 = hashlib.sha256(content).hexdigest()
    faults: list[dict[str, Any]] = []

    def enter(session: Session) -> Mapping[str, Any]:
        faults[:] = [_fault(one) for one in take_advice(session, _command(session, body), list(_units(body)))]
        if faults or query.dry_run:
            raise _TakenBack
        return whole(session, known(session, body.advice_no))

    def work(session: Session) -> Any:
        return once(session, f"desadv:{sha256}", bytes.fromhex(sha256), lambda: enter(session))

    try:
        given = database().run(current_scope(), work)
    except _TakenBack:
        return _not_taken(faults, is_dry_run=query.dry_run)
    if given.is_refusal:
        return answer(stored_problem(given.body))
    response = jsonify(given.body)
    response.status_code = 201
    if given.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _not_taken(faults: list[dict[str, Any]], *, is_dry_run: bool) -> Response:
    if is_dry_run:
        return jsonify({"is_entered": False, "bad_lines": len(faults), "faults": faults})
    detail = _("%(bad)s lines or units are bad; nothing was entered.", bad=len(faults))
    return answer(document(422, "bad_lines", detail, errors=faults))


def _fault(one: Refused) -> dict[str, Any]:
    refusal = one.refusal
    return {"field": refusal.field, "code": refusal.code, "detail": localised(refusal.text, refusal.values)}


def _command(session: Session, body: DespatchAdvice) -> Announce:
    return Announce(
        body.advice_no,
        id_of(session, Site, body.site),
        id_of(session, Company, body.owner),
        body.trade_mode,
        tuple(_lines(body)),
        body.verification_list,
        body.expected_at,
        body.is_blind,
    )


def _lines(body: DespatchAdvice) -> Iterator[LineIn]:
    for place, unit, _into in _walk(body.units, "units", None):
        for n, line in enumerate(unit.lines):
            yield _line(line, unit.sscc, f"{place}.lines.{n}")
    for n, line in enumerate(body.lines):
        yield _line(line, None, f"lines.{n}")


def _line(line: AdviceLine, sscc: str | None, field: str) -> LineIn:
    return LineIn(
        line.item or line.gtin or "-", line.qty, line.lot_no, line.expires_on, sscc, line.unit, line.order_no,
        line.weight_g, field, None if line.item else line.gtin,
    )  # fmt: skip


def _units(body: DespatchAdvice) -> Iterator[UnitIn]:
    for place, unit, into in _walk(body.units, "units", None):
        yield UnitIn(unit.sscc, unit.kind, into, f"{place}.sscc")


def _walk(
    units: tuple[AdviceUnit, ...], where: str, into: str | None
) -> Iterator[tuple[str, AdviceUnit, str | None]]:
    for n, unit in enumerate(units):
        place = f"{where}.{n}"
        yield place, unit, into
        yield from _walk(unit.units, f"{place}.units", unit.sscc)
