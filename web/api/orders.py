"""Orders: take them in, change and cancel them, promise stock to them and give it back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web.api.idempotency import request_key, write
from web.api.paging import page_of
from web.api.schemas import Body, Code, Count, Instant, Page
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.errors import NotFound
from wms.floor import order_queries as queries
from wms.floor.order_queries import OrderRow
from wms.floor.rules.orders import CHANGEABLE, OrderLineIn, OrderNotAllocatable
from wms.floor.service import deallocating, orders
from wms.floor.service.allocating import Allocated, allocate
from wms.floor.service.orders import ChangeOrder, PlaceOrder
from wms.parties.tables import Company, Site

bp = APIBlueprint("api_orders", __name__, url_prefix="/api/v1", tag="Outbound")

Word = Annotated[str, Field(min_length=1, max_length=80)]
Priority = Annotated[int, Field(strict=True, ge=0, le=9)]


class OrderLineBody(Body):
    """Goods asked for: ``qty`` of ``unit`` (the item's base unit when left out), converted exactly or refused."""

    item: Code
    qty: Count
    unit: Code | None = None
    min_life_days: Annotated[int, Field(strict=True, ge=0, le=10_950)] = 0
    lots: Annotated[tuple[Word, ...], Field(max_length=50)] = ()
    countries: Annotated[tuple[Word, ...], Field(max_length=50)] = ()
    strategy: Literal["fefo", "fifo", "lifo"] | None = None

    def as_line(self) -> OrderLineIn:
        """Return the line as the floor takes it."""
        return OrderLineIn(self.item, self.qty, self.unit, self.min_life_days, self.lots, self.countries, self.strategy)


class OrderIn(Body):
    """A new order. ``site`` and ``owner`` are codes; ``customs_status`` follows from the trade mode when left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "order_no": "SO-2026-0001",
                "site": "CLJ-B1",
                "owner": "DEMO-OWNER",
                "trade_mode": "1210",
                "kind": "parcel",
                "priority": 3,
                "ship_by_at": "2026-06-01T18:00:00+08:00",
                "carrier": "YTO",
                "ship_policy": "partial",
                "lines": [{"item": "BEEF-01", "qty": 2, "unit": "carton", "min_life_days": 30}],
            }
        }
    )
    order_no: Code
    site: Code
    owner: Code
    trade_mode: Annotated[str, Field(pattern=r"^[0-9]{4}$")]
    lines: Annotated[list[OrderLineBody], Field(min_length=1, max_length=1000)]
    kind: Literal["sales", "parcel"] = "sales"
    customs_status: Literal["free", "bonded"] | None = None
    priority: Priority = 5
    ship_by_at: Instant | None = None
    carrier: Word | None = None
    service: Word | None = None
    route: Word | None = None
    chute: Word | None = None
    ship_policy: Literal["complete", "partial"] = "partial"
    consignee_name: Word | None = None
    consignee_region: Word | None = None


class OrderChange(Body):
    """What is to be otherwise; what is left out stays. New lines replace all old ones."""

    priority: Priority | None = None
    ship_by_at: Instant | None = None
    carrier: Word | None = None
    service: Word | None = None
    route: Word | None = None
    chute: Word | None = None
    ship_policy: Literal["complete", "partial"] | None = None
    lines: Annotated[list[OrderLineBody], Field(min_length=1, max_length=1000)] | None = None


class Reason(Body):
    """Why."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


class Orders(Body):
    """Which orders stock is promised to, at most a thousand at once."""

    orders: Annotated[list[Code], Field(min_length=1, max_length=1000)]


class OrderQuery(Page):
    """Which orders: of a site, an owner, in a state, for a carrier, in a wave."""

    site: str | None = None
    owner: str | None = None
    state: str | None = None
    carrier: str | None = None
    wave: str | None = None


@bp.get("/orders")
@policy(*READERS, firms=True)
@bp.input(OrderQuery, location="query", arg_name="query")
def order_list(query: OrderQuery) -> Response:
    """List orders in the order they were taken in."""
    asked = query.model_dump(include={"site", "owner", "state", "carrier", "wave"})
    with unit_of_work() as session:
        rows = queries.orders(session, after=query.after, limit=query.limit + 1, **asked)
    return page_of([_head(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/orders/<order_no>")
@policy(*READERS, firms=True, subject="order")
def order(order_no: str) -> Response:
    """Show an order, line by line with what is promised, picked and short, and where the promised goods lie."""
    with unit_of_work() as session:
        return jsonify(_whole(session, order_no))


@bp.post("/orders")
@policy("clerk", "supervisor", "planner")
@bp.input(OrderIn, arg_name="body")
def new_order(body: OrderIn) -> Response:
    """Take in an order."""
    return write(lambda session: _place(session, body), body.model_dump(mode="json"), status=201)


def _place(session: Session, body: OrderIn) -> Mapping[str, Any]:
    given = body.model_dump(exclude={"site", "owner", "lines"})
    command = PlaceOrder(
        **given,
        site_id=_id_of(session, Site, body.site),
        owner_id=_id_of(session, Company, body.owner),
        lines=tuple(line.as_line() for line in body.lines),
    )
    orders.place_order(session, command, datetime.now(UTC))
    return _whole(session, body.order_no)


def _id_of(session: Session, table: type[Company] | type[Site], code: str) -> int:
    found = session.scalar(select(table.id).where(func.upper(table.code) == code.upper()))
    if found is None:
        raise NotFound(field="owner" if table is Company else "site", what=code)
    return found


@bp.patch("/orders/<order_no>")
@policy("clerk", "supervisor", "planner")
@bp.input(OrderChange, arg_name="body")
def change(order_no: str, body: OrderChange) -> Response:
    """Change an order that is not released yet. New lines or another day free what was promised to it."""

    def act(session: Session) -> Mapping[str, Any]:
        lines = None if body.lines is None else tuple(line.as_line() for line in body.lines)
        command = ChangeOrder(**body.model_dump(exclude={"lines"}), lines=lines)
        orders.change_order(session, order_no, command, datetime.now(UTC))
        return _whole(session, order_no)

    return write(act, body.model_dump(mode="json"))


@bp.post("/orders/<order_no>/cancel")
@policy("supervisor", "planner")
@bp.input(Reason, arg_name="body")
def cancel(order_no: str, body: Reason) -> Response:
    """Cancel an order whose goods are not picked; what was promised is free again."""

    def act(session: Session) -> Mapping[str, Any]:
        orders.cancel_order(session, order_no, body.reason, datetime.now(UTC))
        return _whole(session, order_no)

    return write(act, body.model_dump(mode="json"))


@bp.post("/orders/<order_no>/back-order")
@policy("supervisor", "planner")
def back_order(order_no: str) -> Response:
    """Put an order of which nothing was found back among those that wait for stock; the other way out is to cancel."""

    def act(session: Session) -> Mapping[str, Any]:
        orders.back_order(session, order_no, datetime.now(UTC))
        return _whole(session, order_no)

    return write(act, {})


@bp.post("/orders/<order_no>/allocate")
@policy("supervisor", "planner")
def allocate_one(order_no: str) -> Response:
    """Promise good stock to one order by its owner's strategy; the answer says what it got."""

    def act(session: Session) -> Mapping[str, Any]:
        _changeable(session, order_no)
        row = _known(session, order_no)
        done = allocate(session, f"alloc:{request_key()}", [row.id], datetime.now(UTC))
        return {**_done(done), "order": _whole(session, order_no)}

    return write(act, {})


@bp.post("/orders/<order_no>/deallocate")
@policy("supervisor", "planner")
def deallocate(order_no: str) -> Response:
    """Give back what was promised to an order that is not released."""

    def act(session: Session) -> Mapping[str, Any]:
        deallocating.free_orders(session, [_changeable(session, order_no)])
        return _whole(session, order_no)

    return write(act, {})


@bp.post("/allocations")
@policy("supervisor", "planner")
@bp.input(Orders, arg_name="body")
def allocate_many(body: Orders) -> Response:
    """Promise good stock to several orders at once, the most urgent first."""

    def act(session: Session) -> Mapping[str, Any]:
        ids = [_known(session, order_no).id for order_no in body.orders]
        return _done(allocate(session, f"alloc:{request_key()}", ids, datetime.now(UTC)))

    return write(act, body.model_dump(mode="json"))


def _changeable(session: Session, order_no: str) -> int:
    found = orders.locked(session, order_no)
    if found.state not in CHANGEABLE:
        raise OrderNotAllocatable(order=found.order_no, state=found.state)
    return found.id


def _done(done: Allocated) -> dict[str, Any]:
    return {"lines": done.lines, "lines_met": done.lines_met, "lines_short": done.lines_short, "qty": done.qty}


def _known(session: Session, order_no: str) -> OrderRow:
    found = queries.order_by_no(session, order_no)
    if found is None:
        raise NotFound(what=order_no)
    return found


def _whole(session: Session, order_no: str) -> dict[str, Any]:
    row = _known(session, order_no)
    return {
        **_head(row),
        "lines": [vars(line) for line in queries.order_lines(session, row.id)],
        "promises": [
            {**vars(one), "expires_on": one.expires_on.isoformat() if one.expires_on else None}
            for one in queries.promises(session, row.id)
        ],
    }


def _head(row: OrderRow) -> dict[str, Any]:
    moments = ("ship_by_at", "recorded_at", "picked_at", "cancelled_at")
    told = {name: value for name, value in vars(row).items() if name not in moments}
    return told | {name: at.isoformat() if (at := getattr(row, name)) else None for name in moments}
