"""Allocation: which stock an order line gets. Pure: stock and wishes in, shares out; what was promised meanwhile is
sorted out by the ledger.

Order of the stock: the strategy's date first (first expired, first or last come); among goods of one date whole pallets
that fit, then as few places as can be, a place that is emptied before one that is broken into, the nearer one first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from wms.errors import N_, Kind, WmsError

FAR = date.max


class Strategy(StrEnum):
    """Which goods go first: the soonest to expire, the first that came, or the last that came."""

    FEFO = "fefo"
    FIFO = "fifo"
    LIFO = "lifo"


class UnknownStrategy(WmsError):
    """The dated data name a strategy that nobody wrote."""

    code = "unknown_strategy"
    kind = Kind.INVALID
    text = N_("%(strategy)s is no allocation strategy; use fefo, fifo or lifo.")


@dataclass(frozen=True)
class Policy:
    """How goods of one owner and item class are chosen."""

    strategy: Strategy = Strategy.FEFO
    whole_units: bool = True
    min_life_days: int = 0


def policy_of(value: object) -> Policy:
    """Read a policy from its dated value ``{"strategy", "whole_units", "min_life_days"}``; raise UnknownStrategy."""
    given: dict[str, Any] = value if isinstance(value, dict) else {"strategy": value}
    name = given.get("strategy", "fefo")
    if name not in list(Strategy):
        raise UnknownStrategy(strategy=name)
    return Policy(Strategy(name), bool(given.get("whole_units", True)), int(given.get("min_life_days", 0)))


@dataclass(slots=True)
class Stock:
    """Good stock in one account. ``free_qty`` base units that nobody was promised fall as they are shared out.

    ``came`` orders arrivals (older is smaller); ``is_whole`` says that nothing else stands in its handling unit and
    nothing of it is promised.
    """

    account_id: int
    location_id: int
    free_qty: int
    sequence: int = 0
    lot_id: int | None = None
    lot_no: str | None = None
    expires_on: date | None = None
    came: tuple[int, ...] = ()
    country: str | None = None
    customs_status: str = "free"
    handling_unit_id: int | None = None
    is_whole: bool = False


@dataclass(frozen=True)
class Wish:
    """What one order line still wants. ``ships_on`` is the day on which nothing may have expired."""

    line_id: int
    qty: int
    ships_on: date
    customs_status: str = "free"
    min_life_days: int = 0
    lot_nos: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class Share:
    """Stock meant for a line."""

    line_id: int
    account_id: int
    qty: int
    is_whole_unit: bool = False


def may_serve(wish: Wish, stock: Stock) -> bool:
    """Whether goods are such as the line may get: customs status, lot, country of origin, life left at ship day."""
    if stock.customs_status != wish.customs_status:
        return False
    if wish.lot_nos and stock.lot_no not in wish.lot_nos:
        return False
    if wish.countries and stock.country not in wish.countries:
        return False
    if stock.expires_on is None:
        return True
    life = max(wish.min_life_days, wish.policy.min_life_days)
    return stock.expires_on >= wish.ships_on + timedelta(days=life)


def _dated(strategy: Strategy, stock: Stock) -> tuple[object, ...]:
    """Return the part of the order that nothing else overrides."""
    if strategy is Strategy.FEFO:
        return (stock.expires_on or FAR,)
    if strategy is Strategy.FIFO:
        return stock.came
    return tuple(-part for part in stock.came)


class Shelf:
    """The stock of one item at one site, shared out to line after line. Not pure inside: free quantities fall."""

    def __init__(self, stock: Iterable[Stock]) -> None:
        self._stock = list(stock)
        self._sorted: dict[Strategy, list[list[Stock]]] = {}

    def share(self, wish: Wish) -> list[Share]:
        """Return what the line gets, less than it wants where there is no more; the shelf is lowered by it."""
        left, shares = wish.qty, []
        for same_date in self._batches(wish.policy.strategy):
            if left == 0:
                break
            fit = [one for one in same_date if one.free_qty > 0 and may_serve(wish, one)]
            if not fit:
                continue
            for stock, qty, is_whole in _chosen(fit, left, whole_units=wish.policy.whole_units):
                stock.free_qty -= qty
                left -= qty
                shares.append(Share(wish.line_id, stock.account_id, qty, is_whole))
                if not is_whole:
                    stock.is_whole = False
        return shares

    def free_for(self, wish: Wish) -> int:
        """Return how many base units could serve the line."""
        return sum(one.free_qty for one in self._stock if may_serve(wish, one))

    def give_back(self, shares: Iterable[Share]) -> None:
        """Take shares back: the line is not to get them after all."""
        by_account = {one.account_id: one for one in self._stock}
        for share in shares:
            by_account[share.account_id].free_qty += share.qty

    def _batches(self, strategy: Strategy) -> list[list[Stock]]:
        """Return the stock in batches of one date, best first; what is used up is dropped on the way."""
        if strategy not in self._sorted:
            batches: dict[tuple[object, ...], list[Stock]] = {}
            for one in self._stock:
                batches.setdefault(_dated(strategy, one), []).append(one)
            self._sorted[strategy] = [batches[key] for key in sorted(batches)]
        return self._sorted[strategy]


def _chosen(fit: Sequence[Stock], wanted: int, *, whole_units: bool) -> list[tuple[Stock, int, bool]]:
    """Choose among goods of one date: whole units that fit, then one place that holds the rest, else the fullest."""
    chosen: list[tuple[Stock, int, bool]] = []
    left = wanted
    if whole_units:
        whole = [one for one in fit if one.is_whole and one.free_qty <= left]
        for one in sorted(whole, key=lambda one: (-one.free_qty, one.sequence, one.account_id)):
            if one.free_qty <= left:
                chosen.append((one, one.free_qty, True))
                left -= one.free_qty
    if left == 0:
        return chosen
    taken = {id(one) for one, _, _ in chosen}
    rest = [one for one in fit if id(one) not in taken]
    while left and rest:
        enough = [one for one in rest if one.free_qty >= left]
        # Loose goods before a pallet that would be broken into; the tightest fit empties a place.
        best = (
            min(enough, key=lambda one: (one.is_whole, one.free_qty, one.sequence, one.account_id))
            if enough
            else max(rest, key=lambda one: (not one.is_whole, one.free_qty, -one.sequence, -one.account_id))
        )
        qty = min(left, best.free_qty)
        chosen.append((best, qty, best.is_whole and qty == best.free_qty))
        left -= qty
        rest.remove(best)
    return chosen
