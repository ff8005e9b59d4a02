"""After release: tax bills, summaries of exports, exemption without invoice, assessed levy, refund on departure."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.retail import plain
from web.api.schemas import Body, Code, Instant, Query, RowId
from web.auth.policy import policy
from web.context import customs_desk, unit_of_work
from web.i18n import localised
from wms.customs.clock import BEIJING
from wms.customs.parcels import bills, exports, queries, summaries
from wms.customs.parcels.bills import Bill, BillLine

bp = APIBlueprint("api_retail_flows", __name__, url_prefix="/api/v1", tag="Parcels across the border")
DECLARES = ("declarant",)
OFFICE = ("declarant", "customs_officer", "auditor", "supervisor")
Amount = Annotated[Decimal, Field(ge=0, max_digits=19, decimal_places=5)]


class BillLineIn(Body):
    """Tax of a line, yuan as text."""

    line_no: RowId
    duty: Amount
    consumption_tax: Amount
    vat: Amount


class BillIn(Body):
    """An electronic tax bill (CEB816)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"tax_no": "T-1", "invt_no": "49022026I000000001", "status": "1",
                 "lines": [{"line_no": 1, "duty": "0", "consumption_tax": "0", "vat": "25.39"}]}
            ]
        }
    )  # fmt: skip

    tax_no: Code
    invt_no: Code
    status: Literal["1", "2", "3"]
    lines: Annotated[list[BillLineIn], Field(min_length=1, max_length=99)]
    duty_no: Code | None = None
    assure_code: Code | None = None
    at: Instant | None = None


class BillStatusIn(Body):
    """The status of a bill (CEB818)."""

    tax_no: Code
    status: Literal["1", "2", "3"]
    duty_no: Code | None = None
    at: Instant | None = None


class PeriodQuery(Query):
    """A period in days; ``until`` is the first day after it."""

    since: date
    until: date


class StatementQuery(PeriodQuery):
    """Whose exports; ``is_small``: the relief of small firms applies."""

    ebc_code: str
    is_small: bool = False


class SummaryAgentIn(Body):
    """Who makes the declaration that exports are summed up in."""

    code: Code
    name: Code


class SummaryIn(Body):
    """Exports of an enterprise that were let go in a time, with summary declaration.

    ``customs_code`` and ``agent_code`` choose one office and agent; ``declares`` makes the declaration where it is
    another firm.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"ebc_code": "4306960002", "since": "2026-12-01T00:00:00+08:00", "until": "2026-12-02T00:00:00+08:00",
                 "customs_code": "4902", "declares": {"code": "4306960099", "name": "Broker"}}
            ]
        }
    )  # fmt: skip

    ebc_code: Code
    since: Instant
    until: Instant
    by_item_name: bool = False
    customs_code: str = ""
    agent_code: str = ""
    declares: SummaryAgentIn | None = None


class SummaryResultIn(Body):
    """Customs' result of a summary (CEB702, CEB792)."""

    cop_no: Code
    sum_no: Code
    entry_no: Code | None = None
    at: Instant | None = None


class RegisteredIn(Body):
    """The six fields of a line as the pilot zone's platform holds them."""

    exported_on: str = ""
    name: str = ""
    unit: str = ""
    qty: str = ""
    price: str = ""
    amount: str = ""


class ExemptionIn(Body):
    """Whether the exporter is registered in the pilot zone, and what stands on its platform."""

    is_registered: bool
    registered: Annotated[list[RegisteredIn], Field(max_length=100)]


class OverseasDepartureIn(Body):
    """Goods left for an overseas warehouse: refund rate, and the value of those sold already."""

    rate: Annotated[Decimal, Field(ge=0, le=1, decimal_places=5)]
    sold: Amount
    at: Instant | None = None


class OverseasSettleIn(Body):
    """The value of what was sold in the end."""

    sold: Amount
    at: Instant | None = None


@bp.post("/tax-bills")
@policy("declarant", "customs_officer")
@bp.input(BillIn, arg_name="body")
def bill(body: BillIn) -> Response:
    """Take a tax bill of customs; lines that are not what we worked out are named."""

    def act(session: Session) -> Mapping[str, Any]:
        lines = tuple(BillLine(**one.model_dump()) for one in body.lines)
        at = body.at or datetime.now(UTC)
        given = Bill(body.tax_no, body.invt_no, body.status, at, lines, body.duty_no, body.assure_code)
        return _bill(bills.take_bill(session, given))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/tax-bills/status")
@policy("declarant", "customs_officer")
@bp.input(BillStatusIn, arg_name="body")
def bill_status(body: BillStatusIn) -> Response:
    """Take the status of a bill: summarised, or void."""

    def act(session: Session) -> Mapping[str, Any]:
        at = body.at or datetime.now(UTC)
        return _bill(bills.change_status(session, body.tax_no, body.status, body.duty_no, at))

    return write(act, body.model_dump(mode="json"))


def _bill(row: Any) -> dict[str, Any]:
    names = ("tax_no", "status", "duty", "consumption_tax", "vat", "duty_no", "assure_code")
    told = [one | {"rule": localised(one["rule"], {})} for one in row.differences]
    return {name: plain(getattr(row, name)) for name in names} | {"differences": told}


@bp.get("/tax-bills/consolidated")
@policy(*OFFICE)
@bp.input(PeriodQuery, location="query", arg_name="query")
def consolidated(query: PeriodQuery) -> Response:
    """The consolidated tax bill of a period, by surety."""
    begin, end = (datetime.combine(day, datetime.min.time(), BEIJING) for day in (query.since, query.until))
    with unit_of_work() as session:
        rows = bills.consolidate(session, begin, end)
    return jsonify([plain(asdict(row)) for row in rows])


@bp.post("/export-summaries")
@policy(*DECLARES)
@bp.input(SummaryIn, arg_name="body")
def sum_up(body: SummaryIn) -> Response:
    """Apply to customs for one declaration of all exports that were let go in a time."""
    desk = customs_desk()
    agent = summaries.Agent(**body.declares.model_dump()) if body.declares is not None else summaries.Agent()

    def act(session: Session) -> Mapping[str, Any]:
        made = summaries.apply(
            session, body.ebc_code, body.since, body.until, datetime.now(UTC), desk, by_item_name=body.by_item_name,
            customs_code=body.customs_code, agent_code=body.agent_code, declares=agent,
        )  # fmt: skip
        lines = [plain(line) for line in exports.summed_lines(session, made.id)]
        return {"cop_no": made.cop_no, "state": made.state, "lines": lines}

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/export-summaries/result")
@policy("declarant", "customs_officer")
@bp.input(SummaryResultIn, arg_name="body")
def summary_result(body: SummaryResultIn) -> Response:
    """Take customs' result of a summary."""

    def act(session: Session) -> Mapping[str, Any]:
        row = exports.take_summary_result(
            session, body.cop_no, sum_no=body.sum_no, entry_no=body.entry_no, at=body.at or datetime.now(UTC)
        )
        return {"cop_no": row.cop_no, "sum_no": row.sum_no, "state": row.state, "entry_no": row.entry_no}

    return write(act, body.model_dump(mode="json"))


@bp.post("/parcel-declarations/<number>/exemption")
@policy(*DECLARES, subject="parcel_declaration")
@bp.input(ExemptionIn, arg_name="body")
def exemption(number: str, body: ExemptionIn) -> Response:
    """Decide whether an export without invoice is exempt: three conditions, six fields."""

    def act(session: Session) -> Mapping[str, Any]:
        row = queries.declaration(session, number)
        registered = [one.model_dump() for one in body.registered]
        made = exports.exempt(session, row.id, registered, datetime.now(UTC), is_registered=body.is_registered)
        told = [one | {"rule": localised(one["rule"], {})} for one in made.conditions]
        return {"number": row.cop_no, "is_exempt": made.is_exempt, "conditions": told}

    return write(act, body.model_dump(mode="json"))


@bp.get("/levy-statements")
@policy(*OFFICE)
@bp.input(StatementQuery, location="query", arg_name="query")
def statement(query: StatementQuery) -> Response:
    """The assessed levy statement of an exporter's exempt exports of a period."""
    with unit_of_work() as session:
        found = exports.levy_statement(
            session, query.ebc_code, query.since, query.until, is_small=query.is_small
        )
    return jsonify(plain(asdict(found)))


@bp.post("/parcel-declarations/<number>/departure")
@policy(*DECLARES, subject="parcel_declaration")
@bp.input(OverseasDepartureIn, arg_name="body")
def departure(number: str, body: OverseasDepartureIn) -> Response:
    """File the refund of goods that left for an overseas warehouse (9810)."""

    def act(session: Session) -> Mapping[str, Any]:
        row = queries.declaration(session, number)
        return _booking(exports.book_departure(session, row.id, body.rate, body.sold, body.at or datetime.now(UTC)))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/parcel-declarations/<number>/settlement")
@policy(*DECLARES, subject="parcel_declaration")
@bp.input(OverseasSettleIn, arg_name="body")
def settle(number: str, body: OverseasSettleIn) -> Response:
    """Settle a refund on departure by what was sold."""

    def act(session: Session) -> Mapping[str, Any]:
        row = queries.declaration(session, number)
        return _booking(exports.settle_booking(session, row.id, body.sold, body.at or datetime.now(UTC)))

    return write(act, body.model_dump(mode="json"))


def _booking(row: Any) -> dict[str, Any]:
    names = ("business_code", "state", "value", "sold_value", "rate", "refunded", "due")
    return {name: plain(getattr(row, name)) for name in names} | {"settle_by_on": row.settle_by_on.isoformat()}
