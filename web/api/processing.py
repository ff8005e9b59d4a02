"""Kits and simple processing: bills, orders, taking bonded goods into process, completions, genealogy."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.adjustments import BookLineIn
from web.api.counts import StateQuery
from web.api.idempotency import request_key, write
from web.api.lookups import id_of, item_of, place_of
from web.api.paging import page_of
from web.api.rows import as_json
from web.api.schemas import Body, Code, Count, Page
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.errors import NotFound
from wms.floor import processing_queries as queries
from wms.floor.rules.processing import Part, UnknownProcessingOrder
from wms.floor.service import completing, processing
from wms.floor.service.completing import Complete, Made
from wms.floor.service.processing import NewBill, NewOrder
from wms.floor.tables.processing import Bill, ProcessingOrder
from wms.parties.tables import Company, Site
from wms.stock.tables import Lot

bp = APIBlueprint("api_processing", __name__, url_prefix="/api/v1", tag="Inside")


class BillLineIn(Body):
    """An item of a batch, in base units; ``waste_per_mille`` of an input may be spoilt without a supervisor."""

    item: Code
    direction: Literal["in", "out"]
    qty: Count
    waste_per_mille: Annotated[int, Field(strict=True, ge=0, le=1000)] = 0


class BillIn(Body):
    """A version of a bill of components, from a day on."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "bill_no": "GIFT-1",
                "version": 1,
                "owner": "ACME",
                "kind": "kit",
                "valid_from_on": "2026-12-01",
                "lines": [
                    {"item": "MILK", "direction": "in", "qty": 2, "waste_per_mille": 5},
                    {"item": "BOX", "direction": "out", "qty": 1},
                ],
            }
        }
    )
    bill_no: Code
    version: Count
    owner: Code
    kind: Literal["kit", "dekit", "process"]
    lines: Annotated[list[BillLineIn], Field(min_length=1, max_length=100)]
    valid_from_on: date
    valid_until_on: date | None = None


class ProcessingOrderIn(Body):
    """So many batches at a work place; ``filing_no`` is the business filing that bonded goods need."""

    bill_no: Code
    owner: Code
    site: Code
    place: Code
    batches: Count
    filing_no: Code | None = None


class IssueIn(Body):
    """The bonded inputs of so many batches are taken into process."""

    batches: Count


class MadeIn(Body):
    """The lot that was made of an output, and for bonded goods its line of the account book."""

    item: Code
    lot_no: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    expires_on: date | None = None
    book_line: BookLineIn | None = None


class WasteIn(Body):
    """What was spoilt of an input besides what the batches needed, in base units."""

    item: Code
    qty: Count


class CompletionIn(Body):
    """Batches that are finished."""

    batches: Count
    waste: Annotated[tuple[WasteIn, ...], Field(max_length=100)] = ()
    made: Annotated[tuple[MadeIn, ...], Field(max_length=100)] = ()


@bp.get("/bills")
@policy(*READERS, firms=True)
@bp.input(Page, location="query", arg_name="query")
def bills(query: Page) -> Response:
    """List bills of components, every version."""
    with unit_of_work() as session:
        rows = queries.bills(session, after=query.after, limit=query.limit + 1)
    return page_of([as_json(row) for row in rows], after=query.after, limit=query.limit)


@bp.post("/bills")
@policy("supervisor", "planner")
@bp.input(BillIn, arg_name="body")
def new_bill(body: BillIn) -> Response:
    """File a bill, or a new version of one."""

    def act(session: Session) -> Mapping[str, Any]:
        owner_id = id_of(session, Company, body.owner)
        parts = tuple(
            Part(
                item_of(session, owner_id, line.item, f"lines.{n}.item").id, line.direction, line.qty,
                line.waste_per_mille,
            )
            for n, line in enumerate(body.lines, 1)
        )  # fmt: skip
        new = NewBill(
            body.bill_no, body.version, owner_id, body.kind, parts, body.valid_from_on, body.valid_until_on
        )
        made = processing.file_bill(session, new)
        return as_json(next(row for row in queries.bills(session, number=body.bill_no, limit=500) if row.id == made.id))

    return write(act, body.model_dump(mode="json"), status=201)


@bp.get("/processing-orders")
@policy(*READERS, firms=True)
@bp.input(StateQuery, location="query", arg_name="query")
def processing_orders(query: StateQuery) -> Response:
    """List processing orders and how far they are."""
    with unit_of_work() as session:
        rows = queries.orders(session, after=query.after, limit=query.limit + 1, site=query.site, state=query.state)
    return page_of([as_json(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/processing-orders/<order_no>")
@policy(*READERS)
def processing_order(order_no: str) -> Response:
    """Show a processing order."""
    with unit_of_work() as session:
        return jsonify(_whole(session, order_no))


def _whole(session: Session, order_no: str) -> dict[str, Any]:
    found = queries.orders(session, number=order_no.upper())
    if not found:
        raise UnknownProcessingOrder(order=order_no)
    return as_json(found[0])


@bp.post("/processing-orders")
@policy("supervisor", "planner")
@bp.input(ProcessingOrderIn, arg_name="body")
def new_processing_order(body: ProcessingOrderIn) -> Response:
    """Order batches of the bill's version that holds today."""

    def act(session: Session) -> Mapping[str, Any]:
        site_id = id_of(session, Site, body.site)
        new = NewOrder(
            body.bill_no,
            id_of(session, Company, body.owner),
            site_id,
            place_of(session, site_id, body.place).id,
            body.batches,
            datetime.now(UTC).date(),
            body.filing_no,
        )
        return _whole(session, processing.order(session, new).order_no)

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/processing-orders/<order_no>/issue")
@policy("clerk", "supervisor")
@bp.input(IssueIn, arg_name="body")
def issue(order_no: str, body: IssueIn) -> Response:
    """Take bonded goods into process; only under a business filing."""
    key = request_key()

    def act(session: Session) -> Mapping[str, Any]:
        issued = processing.issue(session, key, order_no, body.batches, datetime.now(UTC))
        return _whole(session, order_no) | {"issued_qty": sum(one.qty for one in issued)}

    return write(act, {"order": order_no, **body.model_dump(mode="json")}, status=201)


@bp.post("/processing-orders/<order_no>/complete")
@policy("clerk", "supervisor")
@bp.input(CompletionIn, arg_name="body")
def complete(order_no: str, body: CompletionIn) -> Response:
    """Finish batches: one posting consumes and produces."""
    key = request_key()

    def act(session: Session) -> Mapping[str, Any]:
        owner_id = _owner_of(session, order_no)
        waste = {
            item_of(session, owner_id, one.item, f"waste.{n}.item").id: one.qty for n, one in enumerate(body.waste, 1)
        }
        made = {
            item_of(session, owner_id, one.item, f"made.{n}.item").id: Made(
                one.lot_no, one.expires_on, (one.book_line.book_no, one.book_line.line_no) if one.book_line else None
            )
            for n, one in enumerate(body.made, 1)
        }
        done = completing.complete(
            session, Complete(key, order_no, body.batches, datetime.now(UTC), waste=waste, made=made)
        )
        return _whole(session, order_no) | {"posting_id": done.posting_id}

    return write(act, {"order": order_no, **body.model_dump(mode="json")}, status=201)


def _owner_of(session: Session, order_no: str) -> int:
    query = select(Bill.owner_id).join(ProcessingOrder, ProcessingOrder.bill_id == Bill.id)
    found = session.scalar(query.where(ProcessingOrder.order_no == order_no.upper()))
    if found is None:
        raise UnknownProcessingOrder(order=order_no)
    return found


@bp.post("/processing-orders/<order_no>/cancel")
@policy("supervisor")
def cancel(order_no: str) -> Response:
    """Call the rest of an order off; bonded goods in process go back to the work place."""
    key = request_key()

    def act(session: Session) -> Mapping[str, Any]:
        processing.cancel(session, key, order_no, datetime.now(UTC))
        return _whole(session, order_no)

    return write(act, {"order": order_no})


class LotQuery(Page):
    """Which lot of which owner's item."""

    owner: str
    item: str
    lot_no: str


@bp.get("/lot-genealogy")
@policy(*READERS)
@bp.input(LotQuery, location="query", arg_name="query")
def lot_genealogy(query: LotQuery) -> Response:
    """Say what a lot was made of, and what was made of it."""
    with unit_of_work() as session:
        item = item_of(session, id_of(session, Company, query.owner), query.item)
        lot_id = session.scalar(select(Lot.id).where(Lot.trade_item_id == item.id, Lot.lot_no == query.lot_no))
        if lot_id is None:
            raise NotFound(field="lot_no", what=query.lot_no)
        return jsonify(
            made_of=[as_json(row) for row in queries.made_of(session, lot_id)],
            went_into=[as_json(row) for row in queries.went_into(session, lot_id)],
        )
