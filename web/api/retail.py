"""Retail parcels across the border: order, payment and waybill as they come, declarations, receipts, returns."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from sqlalchemy.orm import Session

from web.api.idempotency import write
from web.api.paging import page_of
from web.api.retail_bodies import (
    DeclarationsQuery,
    DeclareIn,
    DocumentIn,
    DocumentsIn,
    DrawUpIn,
    GoodsBackIn,
    OrdersQuery,
    ParcelReasonIn,
    ParcelReceiptIn,
    ParcelReturnIn,
    PeopleIn,
)
from web.auth.policy import READERS, policy
from web.context import customs_desk, unit_of_work, vault
from web.i18n import localised
from wms.customs import parcel_mail
from wms.customs.clock import BEIJING
from wms.customs.parcels import declaring, privacy, queries, receiving, request_mail, requests, taking
from wms.customs.parcels.receiving import Receipt
from wms.customs.parcels.rules import documents
from wms.customs.parcels.rules.declaring import Filing, Terms
from wms.customs.parcels.rules.requests import ReturnLine, WayBack
from wms.customs.tables.parcels import RetailOrder
from wms.errors import WmsError

bp = APIBlueprint("api_retail", __name__, url_prefix="/api/v1", tag="Parcels across the border")
DECLARES = ("declarant",)


@bp.post("/retail-orders")
@policy(*DECLARES)
@bp.input(DocumentsIn, arg_name="body")
def orders_in(body: DocumentsIn) -> Response:
    """Take orders (CEB311, CEB303)."""
    return _take(body, lambda one: documents.read_order(body.direction, one.head, one.lines), taking.take_orders)


@bp.post("/retail-payments")
@policy(*DECLARES)
@bp.input(DocumentsIn, arg_name="body")
def payments_in(body: DocumentsIn) -> Response:
    """Take payments (CEB411, CEB403)."""
    return _take(body, lambda one: documents.read_payment(body.direction, one.head), taking.take_payments)


@bp.post("/retail-waybills")
@policy(*DECLARES)
@bp.input(DocumentsIn, arg_name="body")
def waybills_in(body: DocumentsIn) -> Response:
    """Take waybills (CEB511, CEB505)."""
    return _take(body, lambda one: documents.read_waybill(body.direction, one.head), taking.take_waybills)


def _take(
    body: DocumentsIn, read: Callable[[DocumentIn], Any], take: Callable[..., Sequence[taking.Taken]]
) -> Response:
    keys = vault()

    def act(session: Session) -> Mapping[str, Any]:
        answers: list[dict[str, Any]] = []
        good = []
        for one in body.documents:
            try:
                good.append(read(one))
                answers.append({})
            except WmsError as refusal:
                answers.append(_refusal(refusal))
        taken = iter(take(session, keys, good))
        return {"documents": [answer or _said(next(taken)) for answer in answers]}

    return write(act, body.model_dump(mode="json"))


def _said(taken: taking.Taken) -> dict[str, Any]:
    return vars(taken) | {"reason": localised(taken.reason, {}) if taken.reason else None}


def _refusal(refusal: WmsError) -> dict[str, Any]:
    words = {name: localised(value, {}) if isinstance(value, str) else value for name, value in refusal.values.items()}
    return {"outcome": "refused", "code": refusal.code, "field": refusal.field,
            "reason": localised(refusal.text, words)}  # fmt: skip


@bp.get("/retail-orders")
@policy(*READERS, firms=True)
@bp.input(OrdersQuery, location="query", arg_name="query")
def listed_orders(query: OrdersQuery) -> Response:
    """List orders with what their documents disagree in: field, both values (masked where personal) and rule."""
    with unit_of_work() as session:
        rows = queries.orders(
            session, match=query.match, order_no=query.order_no, after=query.after, limit=query.limit + 1
        )
    return page_of([plain(_told(row)) for row in rows], after=query.after, limit=query.limit)


@bp.post("/retail-orders/search")
@policy("declarant", "customs_officer", "supervisor")
@bp.input(PeopleIn, arg_name="body")
def search(body: PeopleIn) -> Response:
    """Find orders by the exact identity number, phone or name of buyer or consignee."""
    keys = vault()
    with unit_of_work() as session:
        found = privacy.orders_of(session, keys, id_number=body.id_number, phone=body.phone, name=body.name)
        rows = [
            {"order_no": row.order_no, "ebp_code": row.ebp_code, "match": row.match}
            | {"people": vars(privacy.masked(session, keys, row))}
            for row in found
        ]
    return jsonify(rows)


@bp.post("/parcel-declarations")
@policy(*DECLARES)
@bp.input(DrawUpIn, arg_name="body")
def draw_up(body: DrawUpIn) -> Response:
    """Draw up declarations of orders whose documents agree, with their tax; each refusal stands with its order."""

    def act(session: Session) -> Mapping[str, Any]:
        orders = queries.orders_by_no(session, body.ebp_code, body.orders)
        filings = {item: Filing(**one.model_dump()) for item, one in body.filings.items()}
        on = datetime.now(BEIJING).date()
        waybills = queries.waybills_by_no(session, body.logistics_code or "", body.waybills)
        terms = Terms(**body.terms.model_dump())
        made = declaring.draw_up(session, orders, terms, on, filings=filings, waybills=waybills)
        rows = queries.declarations_by_id(session, [one.declaration_id for one in made if one.declaration_id])
        return {"orders": [_drawn(rows, one) for one in made]}

    return write(act, body.model_dump(mode="json"), status=201)


def _drawn(rows: Mapping[int, Mapping[str, Any]], one: declaring.Drawn) -> dict[str, Any]:
    if one.refusal is not None or one.declaration_id is None:
        return {"order_no": one.order_no, "number": None} | (_refusal(one.refusal) if one.refusal else {})
    row = rows[one.declaration_id]
    return {"order_no": one.order_no, "number": row["cop_no"], "outcome": row["state"]} | {
        name: f"{row[name]:f}" for name in ("taxable", "duty", "consumption_tax", "vat")
    }


@bp.post("/parcel-declarations/declare")
@policy(*DECLARES)
@bp.input(DeclareIn, arg_name="body")
def declare(body: DeclareIn) -> Response:
    """Declare parcels: quota, state and the signed message together; each refusal stands with its number."""
    keys, desk = vault(), customs_desk()

    def act(session: Session) -> Mapping[str, Any]:
        ids = queries.ids_by_number(session, body.numbers)
        refused = parcel_mail.declare(session, keys, ids, datetime.now(UTC), desk)
        return {
            "declarations": [
                {"number": number} | (_refusal(refusal) if refusal else {"outcome": "declared"})
                for number, refusal in zip(body.numbers, refused, strict=True)
            ]
        }

    return write(act, body.model_dump(mode="json"))


@bp.get("/parcel-declarations")
@policy(*READERS, firms=True)
@bp.input(DeclarationsQuery, location="query", arg_name="query")
def listed(query: DeclarationsQuery) -> Response:
    """List parcel declarations in the order in which they were drawn up."""
    with unit_of_work() as session:
        rows = queries.declarations(
            session, state=query.state, order_no=query.order_no, after=query.after, limit=query.limit + 1
        )
    return page_of([plain(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/parcel-declarations/<number>")
@policy(*READERS, firms=True, subject="parcel_declaration")
def show(number: str) -> Response:
    """Show a declaration: state, tax lines, receipts, requests. Our number, or customs' list or pre-entry number."""
    with unit_of_work() as session:
        return jsonify(plain(_told(queries.whole(session, queries.declaration(session, number)))))


@bp.post("/parcel-declarations/<number>/receipts")
@policy("declarant", "customs_officer", subject="parcel_declaration")
@bp.input(ParcelReceiptIn, arg_name="body")
def receipt(number: str, body: ParcelReceiptIn) -> Response:
    """Take a receipt of customs; late and repeated ones are kept and change nothing."""

    def act(session: Session) -> Mapping[str, Any]:
        row = queries.declaration(session, number)
        given = Receipt(
            body.kind, body.status, body.at or datetime.now(UTC), body.info, row.cop_no, body.pre_no, body.invt_no
        )
        has_moved = receiving.take_receipt(session, given)
        return {"number": row.cop_no, "state": row.state, "status": row.status, "has_moved": has_moved}

    return write(act, body.model_dump(mode="json"))


@bp.post("/parcel-declarations/<number>/cancellation")
@policy(*DECLARES, subject="parcel_declaration")
@bp.input(ParcelReasonIn, arg_name="body")
def cancel(number: str, body: ParcelReasonIn) -> Response:
    """Ask customs to cancel a declaration, by message; one that was never sent is cancelled at once."""
    keys, desk = vault(), customs_desk()

    def act(session: Session) -> Mapping[str, Any]:
        row = queries.declaration(session, number)
        return _request(request_mail.ask_to_cancel(session, keys, row.id, body.reason, datetime.now(UTC), desk))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/parcel-declarations/<number>/returns")
@policy(*DECLARES, subject="parcel_declaration")
@bp.input(ParcelReturnIn, arg_name="body")
def take_back(number: str, body: ParcelReturnIn) -> Response:
    """Apply for the return of goods: imports within 30 days of the day customs let them go, exports within a year.

    Of an export, ``way`` tells how the goods come back.
    """
    keys, desk = vault(), customs_desk()

    def act(session: Session) -> Mapping[str, Any]:
        row = queries.declaration(session, number)
        lines = [ReturnLine(one.line_no, one.gcode, one.qty) for one in body.lines]
        way = WayBack(**body.way.model_dump()) if body.way is not None else None
        at = body.at or datetime.now(UTC)
        return _request(request_mail.ask_to_return(session, keys, row.id, lines, body.reason, at, desk, way))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/parcel-returns/<int:request_id>/back")
@policy("declarant", "customs_officer", subject="parcel_return")
@bp.input(GoodsBackIn, arg_name="body")
def back(request_id: int, body: GoodsBackIn) -> Response:
    """The goods of an approved return are back: tax and quota are restored."""

    def act(session: Session) -> Mapping[str, Any]:
        return _request(requests.goods_back(session, request_id, body.area, body.at or datetime.now(UTC)))

    return write(act, body.model_dump(mode="json"))


@bp.post("/parcel-declarations/<number>/people")
@policy("declarant", "customs_officer", subject="parcel_declaration", per_minute=30)
@bp.input(ParcelReasonIn, arg_name="body")
def people(number: str, body: ParcelReasonIn) -> Response:
    """Show who buys and who receives. Person, time and reason are recorded."""
    keys = vault()
    with unit_of_work() as session:
        row = queries.declaration(session, number)
        order = session.get_one(RetailOrder, row.order_id)
        shown = privacy.reveal(session, keys, order, body.reason, datetime.now(UTC))
    return jsonify(vars(shown))


def _request(asked: Any) -> dict[str, Any]:
    names = ("id", "kind", "cop_no", "state", "reason", "lines", "back_by_at", "tax_restored", "quota_restored_minor")
    return {name: plain(getattr(asked, name)) for name in names}


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """Rules of mismatches in the reader's language."""
    return dict(row) | {"mismatches": [one | {"rule": localised(one["rule"], {})} for one in row["mismatches"]]}


def plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime) else value
