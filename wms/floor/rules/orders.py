"""What an order must say before goods can be promised to it, and what may be done with it in which state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from wms.codes import customs_numbers, lists
from wms.errors import N_, Kind, WmsError
from wms.floor.rules.allocation import Strategy, UnknownStrategy
from wms.floor.rules.notices import BONDED_MODES, BadTradeMode

CHANGEABLE = ("open", "part_allocated", "allocated")
CANCELLABLE = (*CHANGEABLE, "released", "picking", "short")
LONGEST_LIFE_DAYS = 30 * 365


class OrderExists(WmsError):
    """Two orders would answer to the same number."""

    code = "order_exists"
    kind = Kind.CONFLICT
    text = N_("There is already an order %(order)s.")


class OrderWithoutLines(WmsError):
    """An order that asks for nothing."""

    code = "order_without_lines"
    kind = Kind.INVALID
    text = N_("The order %(order)s asks for no goods.")


class BadOrderLine(WmsError):
    """A line asks for something that cannot be."""

    code = "bad_order_line"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: %(fault)s.")


class ShipsTooFarAhead(WmsError):
    """The day of shipping is a typing error."""

    code = "ships_too_far_ahead"
    kind = Kind.INVALID
    text = N_("An order cannot ship as late as %(ship_by_at)s, nor before it was made.")


class WrongCustomsStatus(WmsError):
    """The trade mode and the customs status asked for contradict each other, or the site cannot hold such goods."""

    code = "wrong_customs_status"
    kind = Kind.INVALID
    text = N_("Goods of trade mode %(trade_mode)s are not %(customs_status)s.")


class OrderNotChangeable(WmsError):
    """The floor works on it already, or it is over."""

    code = "order_not_changeable"
    kind = Kind.CONFLICT
    text = N_("Order %(order)s is %(state)s and can no longer be changed.")


class OrderNotCancellable(WmsError):
    """Its goods are packed or gone, or it was cancelled before."""

    code = "order_not_cancellable"
    kind = Kind.CONFLICT
    text = N_("Order %(order)s is %(state)s and can no longer be cancelled.")


class GoodsPicked(WmsError):
    """Goods stand in totes already; somebody has to bring them back first."""

    code = "goods_picked"
    kind = Kind.CONFLICT
    text = N_("%(qty)s units of order %(order)s are picked already. Undo the picks first, then cancel.")


class OrderNotShort(WmsError):
    """Only an order of which nothing was found waits for the decision that a back-order is."""

    code = "order_not_short"
    kind = Kind.CONFLICT
    text = N_("Order %(order)s is %(state)s. Only an order that was found wholly short can be put back.")


class OrderNotAllocatable(WmsError):
    """Nothing can be promised to an order in this state."""

    code = "order_not_allocatable"
    kind = Kind.CONFLICT
    text = N_("Order %(order)s is %(state)s; stock is promised to orders that are not released yet.")


@dataclass(frozen=True)
class OrderLineIn:
    """A line of a new order: ``unit_qty`` of ``unit``; empty lists and zero do not bind."""

    item_code: str
    unit_qty: int
    unit: str | None = None
    min_life_days: int = 0
    lot_nos: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    strategy: str | None = None


def customs_status_of(trade_mode: str, asked: str | None) -> str:
    """Return the customs status of goods to be sent: as asked, else as the trade mode says.

    Raises BadTradeMode, WrongCustomsStatus.
    """
    if not customs_numbers.is_trade_mode(trade_mode):
        raise BadTradeMode(field="trade_mode", trade_mode=trade_mode)
    natural = "bonded" if trade_mode in BONDED_MODES else "free"
    if asked == "free" and natural == "bonded":
        raise WrongCustomsStatus(field="customs_status", trade_mode=trade_mode, customs_status=asked)
    return asked or natural


def check_day(ship_by_at: datetime | None, now: datetime, past_days: int, ahead_days: int) -> None:
    """Raise ShipsTooFarAhead for a day of shipping more than so many days away: a typing error."""
    if ship_by_at is not None and not now - timedelta(days=past_days) <= ship_by_at <= now + timedelta(days=ahead_days):
        raise ShipsTooFarAhead(field="ship_by_at", ship_by_at=ship_by_at.isoformat(timespec="minutes"))


def check_lines(order_no: str, lines: Sequence[OrderLineIn]) -> None:
    """Raise the first rule that lines of an order break, as far as no database is needed."""
    if not lines:
        raise OrderWithoutLines(field="lines", order=order_no)
    for line_no, line in enumerate(lines, 1):
        if fault := _fault(line):
            raise BadOrderLine(field=f"lines.{line_no}", line_no=line_no, fault=fault)
        if line.strategy is not None and line.strategy not in list(Strategy):
            raise UnknownStrategy(field=f"lines.{line_no}", strategy=line.strategy)


def _fault(line: OrderLineIn) -> str | None:
    if line.unit_qty <= 0:
        return N_("a quantity must be above zero")
    if not 0 <= line.min_life_days <= LONGEST_LIFE_DAYS:
        return N_("the remaining life asked for is no number of days that goods keep")
    if any(country not in _countries() for country in line.countries):
        return N_("a country of origin is unknown")
    if any(not lot.strip() for lot in line.lot_nos):
        return N_("a lot number is empty")
    return None


@cache
def _countries() -> frozenset[str]:
    """Every country that was ever on customs' list, by customs' code and by ISO 3166."""
    known = lists.rows(lists.ListName.COUNTRY)
    return frozenset(row.code for row in known) | frozenset(row.iso for row in known if row.iso)


def state_after_allocation(ordered: int, allocated: int, short: int) -> str:
    """Return the state of an order that is not released: how much of it is promised; base units over all lines."""
    if allocated == 0:
        return "open"
    return "allocated" if allocated + short >= ordered else "part_allocated"
