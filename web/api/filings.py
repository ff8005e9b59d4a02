"""Business filings (业务申报表), movement slips (出入库单) and the list that declares together what left (集报)."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.idempotency import request_key, write
from web.api.lookups import id_of, place_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Count, Small, Text
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.customs import display, filings, list_queries, modes, slips
from wms.customs import filing_rules as rules
from wms.customs.tables import BusinessFiling, MovementSlip
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.desk import lot_id
from wms.parties.tables import Company, Site
from wms.stock.rules import AccountKey

bp = APIBlueprint("api_filings", __name__, url_prefix="/api/v1", tag="Customs")


class BusinessFilingLineIn(Body):
    """Goods of a filing; a product names its material's line and how much of it a thousand need, loss included."""

    book_line: Small
    ceiling_qty: Count
    unit_value_minor: Annotated[int, Field(strict=True, ge=0)] = 0
    role: Literal["goods", "material", "product"] = "goods"
    material_line: Count | None = None
    material_per_mille: Count | None = None


class BusinessFilingIn(Body):
    """A business filing as it is sent to customs; ``direction`` is the way the goods go first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "internal_no": "F-1",
                    "book_no": "T4902W000001",
                    "owner": "YMBEAUTY",
                    "kind": "C",
                    "direction": "E",
                    "valid_from_on": "2026-11-01",
                    "valid_until_on": "2027-10-31",
                    "guarantee_minor": 100000,
                    "lines": [{"book_line": 1, "ceiling_qty": 50, "unit_value_minor": 100}],
                }
            ]
        }
    )

    internal_no: Code
    book_no: Code
    owner: Code
    kind: Literal["A", "B", "C", "D", "E", "F", "G", "H"]
    direction: Literal["I", "E"]
    valid_from_on: date
    valid_until_on: date
    guarantee_minor: Annotated[int, Field(strict=True, ge=0)] = 0
    lines: Annotated[list[BusinessFilingLineIn], Field(min_length=1, max_length=1_000)]


class BusinessFilingAnswer(Body):
    """What customs answered, or ``ended``: nothing moves under it any more."""

    answer: Literal["approved", "refused", "ended"] = Field(examples=["approved"])
    filing_no: Code | None = None


class SlipLineIn(Body):
    """Goods of a slip; what goes back names the slip and line it came by."""

    line: Count
    qty: Count
    returns_slip: Code | None = None
    returns_line: Small | None = None


class SlipIn(Body):
    """A movement slip of a filing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"internal_no": "S-1", "direction": "E", "lines": [{"line": 1, "qty": 5}]}]
        }
    )  # fmt: skip

    internal_no: Code
    direction: Literal["I", "E"]
    lines: Annotated[list[SlipLineIn], Field(min_length=1, max_length=1_000)]


class SlipAnswer(Body):
    """Customs approved the slip under its number, or it is void."""

    answer: Literal["approved", "void"] = Field(examples=["approved"])
    slip_no: Code | None = None
    reason: Text = ""


class TakeBackIn(Body):
    """Goods that came back through the gate are put on a place, in the lot that they left in.

    The lot may be left out where they left in one only. ``weight_g`` and ``serials`` of goods that are kept by them.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"line": 1, "qty": 5, "site": "CLJ-B1", "place": "A-01", "lot_no": "L2026-11"}]}
    )  # fmt: skip

    line: Count
    qty: Count
    site: Code
    place: Code
    lot_no: Code | None = None
    expires_on: date | None = None
    weight_g: Count | None = None
    serials: Annotated[list[Code], Field(max_length=10_000)] = []  # noqa: RUF012 - pydantic copies it


class CollectIn(Body):
    """Our number and the trade mode of the list that declares together what left; ``slips``: on these only."""

    internal_no: Code = Field(examples=["JB-1"])
    trade_mode: Annotated[str, Field(pattern="^[0-9]{4}$")] = "5000"
    slips: Annotated[list[Code], Field(max_length=1_000)] = []  # noqa: RUF012 - pydantic copies it


@bp.post("/business-filings")
@policy("declarant")
@bp.input(BusinessFilingIn, arg_name="body")
def new_filing(body: BusinessFilingIn) -> Response:
    """Send a business filing to customs."""

    def act(session: Session) -> Mapping[str, Any]:
        lines = tuple(
            rules.FilingLine(
                list_queries.book_line(session, body.book_no, line.book_line, place).id, line.ceiling_qty,
                line.unit_value_minor, line.role, line.material_line, line.material_per_mille,
            )
            for place, line in enumerate(body.lines, 1)
        )  # fmt: skip
        new = rules.NewFiling(
            body.internal_no, body.book_no, id_of(session, Company, body.owner), body.kind, body.direction,
            body.valid_from_on, body.valid_until_on, lines, body.guarantee_minor,
        )  # fmt: skip
        return _filing(session, filings.file_filing(session, new))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/business-filings")
@policy(*READERS, firms=True)
def all_filings() -> Response:
    """List the business filings, the newest first."""
    with unit_of_work() as session:
        found = session.scalars(select(BusinessFiling).order_by(BusinessFiling.id.desc()).limit(500)).all()
        rows = [_filing(session, one) for one in found]
    return jsonify(rows)


@bp.get("/business-filings/<number>")
@policy(*READERS, firms=True, subject="business_filing")
def one_filing(number: str) -> Response:
    """Show a filing: what may move under it and what has moved."""
    with unit_of_work() as session:
        return jsonify(_filing(session, filings.by_no(session, number)))


@bp.post("/business-filings/<number>/answers")
@policy("declarant", "customs_officer", subject="business_filing")
@bp.input(BusinessFilingAnswer, arg_name="body")
def filing_answer(number: str, body: BusinessFilingAnswer) -> Response:
    """Take customs' answer to a filing, or end it."""

    def act(session: Session) -> Mapping[str, Any]:
        if body.answer == "approved":
            filings.approve(session, number, body.filing_no or number, datetime.now(UTC))
        elif body.answer == "refused":
            filings.refuse(session, number)
        else:
            filings.end(session, number)
        return _filing(session, filings.by_no(session, number))

    return write(act, body.model_dump(mode="json"))


@bp.post("/business-filings/<number>/slips")
@policy("declarant", subject="business_filing")
@bp.input(SlipIn, arg_name="body")
def new_slip(number: str, body: SlipIn) -> Response:
    """Apply for a movement slip: ceiling, days, guarantee, what can go back and yield are checked at once."""

    def act(session: Session) -> Mapping[str, Any]:
        lines = tuple(
            rules.SlipLine(
                line.line, line.qty, (line.returns_slip, line.returns_line or 1) if line.returns_slip else None
            )
            for line in body.lines
        )
        new = rules.NewSlip(body.internal_no, number, body.direction, lines)
        return _slip(session, slips.draw(session, new, datetime.now(UTC)))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/business-filings/<number>/collect")
@policy("declarant", subject="business_filing")
@bp.input(CollectIn, arg_name="body")
def collect(number: str, body: CollectIn) -> Response:
    """Draw up the list that declares together all that left on slips and did not come back."""

    def act(session: Session) -> Mapping[str, Any]:
        list_id = slips.collect(session, number, body.internal_no, body.trade_mode, body.slips)
        return as_json(list_queries.list_row(session, list_id))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/movement-slips/<number>")
@policy(*READERS, firms=True, subject="movement_slip")
def one_slip(number: str) -> Response:
    """Show a slip with its goods."""
    with unit_of_work() as session:
        return jsonify(_slip(session, slips.by_no(session, number)))


@bp.get("/movement-slips/overdue")
@policy(*READERS, firms=True)
def overdue() -> Response:
    """List the slips whose goods left and should have been declared by now."""
    with unit_of_work() as session:
        rows = [_slip(session, one) for one in slips.overdue(session, modes.beijing_day(datetime.now(UTC)))]
    return jsonify(rows)


@bp.post("/movement-slips/<number>/answers")
@policy("declarant", "customs_officer", subject="movement_slip")
@bp.input(SlipAnswer, arg_name="body")
def slip_answer(number: str, body: SlipAnswer) -> Response:
    """Take customs' approval of a slip, or void it."""

    def act(session: Session) -> Mapping[str, Any]:
        if body.answer == "approved":
            slips.approve(session, number, body.slip_no or number, datetime.now(UTC))
        else:
            slips.void(session, number, body.reason)
        return _slip(session, slips.by_no(session, number))

    return write(act, body.model_dump(mode="json"))


@bp.post("/movement-slips/<number>/take-back")
@policy("declarant", "clerk", "supervisor", subject="movement_slip")
@bp.input(TakeBackIn, arg_name="body")
def take_back(number: str, body: TakeBackIn) -> Response:
    """Put goods that came back through the gate on a place, and on the book again."""

    def act(session: Session) -> Mapping[str, Any]:
        slip = slips.by_no(session, number)
        place = place_of(session, id_of(session, Site, body.site), body.place)
        of = next((of for line, of in slips.parts(session, slip.id) if line.line_no == body.line), None)
        if of is None:
            raise rules.UnknownSlip(number=f"{number} / {body.line}")
        lot = lot_id(session, of.trade_item_id, body.lot_no, body.expires_on, None)
        placed = AccountKey(
            "location", slip.owner_id, of.trade_item_id, place.site_id, place.id, lot, customs_status="bonded",
            book_line_id=of.book_line_id,
        )  # fmt: skip
        key = f"slip-return:{slip.id}:{request_key()}"
        command = slips.TakeBack(
            key, number, body.line, placed, body.qty, datetime.now(UTC), body.weight_g, tuple(body.serials)
        )
        return {"posting_id": slips.take_back(session, command)}

    return write(act, body.model_dump(mode="json"), status=201)


class SaleIn(Body):
    """Goods on display that a buyer takes; ``document`` is the receipt of the sale."""

    line: Count = Field(examples=[1])
    qty: Count = Field(examples=[2])
    document: Code = Field(examples=["RECEIPT-7"])


@bp.post("/movement-slips/<number>/sales")
@policy("declarant", "clerk", "supervisor", subject="movement_slip")
@bp.input(SaleIn, arg_name="body")
def sell(number: str, body: SaleIn) -> Response:
    """Note that goods on display were sold: only what a released list declares may be."""

    def act(session: Session) -> Mapping[str, Any]:
        sale = display.Sale(number, body.line, body.qty, body.document)
        made = display.sell(session, sale, session.scalar(select(APP_PERSON)), datetime.now(UTC))
        return {"id": made.id, "qty": made.qty, "document": made.document}

    return write(act, body.model_dump(mode="json"), status=201)


def _filing(session: Session, filed: BusinessFiling) -> dict[str, Any]:
    names = (
        "internal_no", "filing_no", "kind", "direction", "state", "valid_from_on", "valid_until_on", "guarantee_minor",
        "guarantee_used_minor",
    )  # fmt: skip
    lines = [
        {"line_no": line.line_no, "role": line.role, "ceiling_qty": line.ceiling_qty, "moved_qty": line.moved_qty}
        for _, line in sorted(filings.lines_of(session, filed.id).items())
    ]
    return as_json({name: getattr(filed, name) for name in names}) | {"lines": lines}


def _slip(session: Session, slip: MovementSlip) -> dict[str, Any]:
    names = ("internal_no", "slip_no", "direction", "state", "passed_at", "collect_by_on")
    counted = ("line_no", "qty", "on_passes_qty", "passed_qty", "returned_qty")
    lines = [{name: getattr(line, name) for name in counted} for line, _ in slips.parts(session, slip.id)]
    return as_json({name: getattr(slip, name) for name in names}) | {"lines": lines}
