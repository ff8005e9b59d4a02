"""Use cases of the order: take it in, change it before it is released, put it back, cancel it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.catalog import rules as catalog_rules
from wms.catalog.rules import Packaging
from wms.catalog.tables import PackagingLevel, TradeItem
from wms.errors import NotFound
from wms.floor.rules import orders as rules
from wms.floor.rules.notices import NotOwnersItem
from wms.floor.rules.orders import OrderLineIn
from wms.floor.service import deallocating
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.tables.orders import OrderLine, OutboundOrder
from wms.parties import dated
from wms.parties.tables import Site
from wms.record.service import append_leaf

# What was looked for in vain is wanted again; lines that stood for others are not, for the others are.
WANT_AGAIN = text("""
    UPDATE order_line l SET short_qty = 0
     WHERE l.order_id = :order AND NOT EXISTS (SELECT 1 FROM substitution s WHERE s.new_order_line_id = l.id)
""")
END_SUBSTITUTIONS = text("""
    UPDATE substitution SET state = 'refused', decided_at = coalesce(decided_at, :now)
     WHERE state <> 'refused' AND order_line_id IN (SELECT id FROM order_line WHERE order_id = :order)
""")


@dataclass(frozen=True)
class PlaceOrder:
    """An order as its owner gives it. ``customs_status`` is derived from the trade mode when it is None."""

    order_no: str
    site_id: int
    owner_id: int
    trade_mode: str
    lines: tuple[OrderLineIn, ...]
    kind: str = "sales"
    customs_status: str | None = None
    priority: int = 5
    ship_by_at: datetime | None = None
    carrier: str | None = None
    service: str | None = None
    route: str | None = None
    chute: str | None = None
    ship_policy: str = "partial"
    consignee_name: str | None = None
    consignee_region: str | None = None


@dataclass(frozen=True)
class ChangeOrder:
    """What is to be otherwise; what is None stays. New lines replace all old ones and free what was promised."""

    priority: int | None = None
    ship_by_at: datetime | None = None
    carrier: str | None = None
    service: str | None = None
    route: str | None = None
    chute: str | None = None
    ship_policy: str | None = None
    lines: tuple[OrderLineIn, ...] | None = None


HEAD = (
    "order_no", "site_id", "owner_id", "trade_mode", "kind", "priority", "ship_by_at", "carrier", "service", "route",
    "chute", "ship_policy", "consignee_name", "consignee_region",
)  # fmt: skip


def place_order(session: Session, command: PlaceOrder, now: datetime) -> int:
    """Store an order and return its id.

    Raises OrderExists, OrderWithoutLines, BadOrderLine, BadTradeMode, WrongCustomsStatus, ShipsTooFarAhead,
    NotOwnersItem, UnknownUnit, UnknownStrategy.
    """
    rules.check_lines(command.order_no, command.lines)
    _check_day(session, command.ship_by_at, now)
    status = rules.customs_status_of(command.trade_mode, command.customs_status)
    if status == "bonded" and session.scalar(select(Site.kind).where(Site.id == command.site_id)) != "bonded":
        raise rules.WrongCustomsStatus(field="site", trade_mode=command.trade_mode, customs_status=status)
    head = {name: getattr(command, name) for name in HEAD}
    order_id: int | None = session.scalar(
        insert(OutboundOrder).values(**head, customs_status=status).on_conflict_do_nothing().returning(OutboundOrder.id)
    )
    if order_id is None:
        raise rules.OrderExists(field="order_no", order=command.order_no)
    _add_lines(session, order_id, command.owner_id, command.lines)
    append_leaf(session, "order", {"order_no": command.order_no, "lines": len(command.lines)}, order_id)
    return order_id


def _check_day(session: Session, ship_by_at: datetime | None, now: datetime) -> None:
    past, ahead = (int(dated.value(session, name, now.date())) for name in ("order.past_days", "order.ahead_days"))
    rules.check_day(ship_by_at, now, past, ahead)


def _add_lines(session: Session, order_id: int, owner_id: int, lines: Sequence[OrderLineIn]) -> None:
    """Write lines in one statement, their quantities in base units; a conversion that leaves a fraction is refused."""
    codes = {line.item_code for line in lines}
    own = select(TradeItem).where(TradeItem.owner_id == owner_id, TradeItem.code.in_(codes))
    items = {item.code: item for item in session.scalars(own)}
    packs: dict[int, list[Packaging]] = defaultdict(list)
    for item in items.values():
        packs[item.id].append(Packaging(item.base_unit, 1, item.gtin))
    levels = select(PackagingLevel).where(PackagingLevel.trade_item_id.in_([item.id for item in items.values()]))
    for level in session.scalars(levels):
        packs[level.trade_item_id].append(Packaging(level.unit, level.base_qty, level.gtin))
    rows = []
    for line_no, line in enumerate(lines, 1):
        if line.item_code not in items:
            raise NotOwnersItem(field=f"lines.{line_no}", line_no=line_no, item=line.item_code)
        item = items[line.item_code]
        unit = line.unit or item.base_unit
        packaging = catalog_rules.packaging_of(unit, packs[item.id], item.code)
        rows.append(
            {
                "order_id": order_id,
                "line_no": line_no,
                "trade_item_id": item.id,
                "unit": unit,
                "unit_qty": line.unit_qty,
                "ordered_qty": catalog_rules.in_base_units(line.unit_qty, packaging),
                "min_life_days": line.min_life_days,
                "lot_nos": list(line.lot_nos) or None,
                "countries": list(line.countries) or None,
                "strategy": line.strategy,
            }
        )
    session.execute(insert(OrderLine), rows)


def locked(session: Session, order_no: str) -> OutboundOrder:
    """Return an order under lock, so that nobody changes it meanwhile. Raises NotFound."""
    found = session.scalars(
        select(OutboundOrder)
        .where(func.upper(OutboundOrder.order_no) == order_no.strip().upper())
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound(what=order_no)
    return found


def change_order(session: Session, order_no: str, change: ChangeOrder, now: datetime) -> int:
    """Change an order that is not released yet; return its id.

    Raises NotFound, OrderNotChangeable, and what :func:`place_order` raises for lines.
    """
    order = locked(session, order_no)
    if order.state not in rules.CHANGEABLE:
        raise rules.OrderNotChangeable(order=order.order_no, state=order.state)
    _check_day(session, change.ship_by_at, now)
    if change.lines is not None:
        rules.check_lines(order.order_no, change.lines)
    given = {name: value for name, value in vars(change).items() if value is not None and name != "lines"}
    for name, value in given.items():
        setattr(order, name, value)
    lines = change.lines
    if lines is not None or change.ship_by_at is not None:
        # Goods that were promised for one day may have expired by another: what was promised is chosen anew.
        deallocating.free_orders(session, [order.id])
    if lines is not None:
        deallocating.forget(session, order.id)
        session.execute(delete(OrderLine).where(OrderLine.order_id == order.id))
        _add_lines(session, order.id, order.owner_id, lines)
    session.flush()
    append_leaf(session, "order_changed", {"order_no": order.order_no, "fields": sorted(given)}, order.id)
    return order.id


def back_order(session: Session, order_no: str, now: datetime) -> int:
    """Put an order of which nothing was found back among those that wait for stock; return its id.

    It leaves its wave, all of it is wanted again, and what was asked to be sent instead is not asked any more.

    Raises NotFound, OrderNotShort.
    """
    order = locked(session, order_no)
    if order.state != "short":
        raise rules.OrderNotShort(order=order.order_no, state=order.state)
    session.execute(END_SUBSTITUTIONS, {"order": order.id, "now": now})
    session.execute(WANT_AGAIN, {"order": order.id})
    order.state, order.wave_id, order.released_at = "open", None, None
    session.flush()
    deallocating.free_orders(session, [order.id])
    append_leaf(session, "order_back", {"order_no": order.order_no}, order.id)
    return order.id


def cancel_order(session: Session, order_no: str, reason: str, now: datetime) -> int:
    """Cancel an order whose goods are not picked: promises end, its pick lines are withdrawn. Returns its id.

    Raises NotFound, OrderNotCancellable, GoodsPicked.
    """
    order = locked(session, order_no)
    if order.state not in rules.CANCELLABLE:
        raise rules.OrderNotCancellable(order=order.order_no, state=order.state)
    picked = session.scalar(select(func.sum(OrderLine.picked_qty)).where(OrderLine.order_id == order.id)) or 0
    if picked:
        raise rules.GoodsPicked(order=order.order_no, qty=int(picked))
    deallocating.free_orders(session, [order.id])
    session.execute(
        update(OutboundOrder)
        .where(OutboundOrder.id == order.id)
        .values(state="cancelled", cancelled_at=now, cancelled_by=APP_PERSON, cancel_reason=reason)
        .execution_options(synchronize_session="fetch")
    )
    append_leaf(session, "order_cancelled", {"order_no": order.order_no, "reason": reason}, order.id)
    return order.id
