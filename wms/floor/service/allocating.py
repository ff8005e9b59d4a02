"""Promise stock to orders: chosen in memory for all lines at once, promised by the ledger in one list.

What was free when it was read may be promised to a rival a moment later. The ledger grants what is there; a list that
was not granted whole is taken back to its savepoint (which frees its locks) and chosen anew, this time with every
balance that comes into question locked first, in the ledger's own order: nobody is promised more than there is, nobody
goes away with less than he could have had, and no two wait in a circle.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wms.errors import WmsError
from wms.floor import allocation_queries as queries
from wms.floor.allocation_queries import Wanted
from wms.floor.rules.allocation import Share, Shelf, Stock, Strategy
from wms.floor.rules.orders import CHANGEABLE
from wms.floor.tables.orders import OutboundOrder
from wms.parties import dated
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Reserve

AT_ONCE = 5_000  # order lines that one transaction promises stock to

NOTE = text("""
    INSERT INTO allocation (order_line_id, account_id, reservation_id, qty, is_whole_unit)
    SELECT * FROM unnest(cast(:lines AS bigint[]), cast(:accounts AS bigint[]), cast(:reservations AS bigint[]),
                         cast(:qtys AS bigint[]), cast(:wholes AS boolean[]))
    RETURNING id
""")
RAISE = text("""
    UPDATE order_line l SET allocated_qty = l.allocated_qty + u.qty
      FROM (SELECT line, sum(qty)::bigint AS qty
              FROM unnest(cast(:lines AS bigint[]), cast(:qtys AS bigint[])) AS x(line, qty) GROUP BY line) u
     WHERE l.id = u.line
""")
STATES = text("""
    UPDATE outbound_order o
       SET state = CASE WHEN s.allocated = 0 THEN 'open' WHEN s.allocated + s.short >= s.ordered THEN 'allocated'
                        ELSE 'part_allocated' END
      FROM (SELECT order_id, sum(ordered_qty) AS ordered, sum(allocated_qty) AS allocated, sum(short_qty) AS short
              FROM order_line WHERE order_id = ANY (:orders) GROUP BY order_id) s
     WHERE o.id = s.order_id AND o.state = ANY (:states)
""")


@dataclass(frozen=True)
class Allocated:
    """What came of it: order lines looked at and met in full, base units promised, allocations made."""

    lines: int
    lines_met: int
    qty: int
    allocation_ids: tuple[int, ...] = ()

    @property
    def lines_short(self) -> int:
        return self.lines - self.lines_met


@dataclass(frozen=True)
class Only:
    """A part of an order that is being worked on: these lines, nothing from some accounts, nothing but from others."""

    line_ids: frozenset[int] | None = None
    not_from: frozenset[int] = frozenset()
    none_but: frozenset[int] | None = None

    def may_take(self, account_id: int) -> bool:
        """Whether stock of this account comes into question."""
        return account_id not in self.not_from and (self.none_but is None or account_id in self.none_but)

    def lines_of(self, wanted: list[Wanted]) -> list[Wanted]:
        """Return the lines that are meant."""
        return wanted if self.line_ids is None else [one for one in wanted if one.wish.line_id in self.line_ids]


@dataclass(frozen=True)
class _Pick:
    share: Share
    line: Wanted
    account: AccountKey


def allocate(
    session: Session, key: str, order_ids: Sequence[int], now: datetime, *, states: Sequence[str] = CHANGEABLE,
    only: Only | None = None,
) -> Allocated:  # fmt: skip
    """Promise good stock to the lines of orders, the most urgent first, as far as it goes.

    ``key`` names the deed (it is part of every reservation's key); orders in other ``states`` are passed over. An order
    that ships complete or not at all gets nothing unless all its lines are met. ``only`` narrows it to lines and leaves
    out accounts: goods were looked for there and not found.
    """
    only = only or Only()
    order_ids = list(
        session.scalars(
            select(OutboundOrder.id)
            .where(OutboundOrder.id.in_(order_ids), OutboundOrder.state.in_(states))
            .order_by(OutboundOrder.id)
            .with_for_update(key_share=True)
        )
    )
    wanted = only.lines_of(queries.wanted(session, order_ids, now))
    if not wanted:
        return Allocated(0, 0, 0)
    hold = timedelta(days=int(dated.value(session, "allocation.hold_days", now.date())))
    granted: list[_Pick] = []
    reservations: list[int] = []
    for is_last in (False, True):
        savepoint = session.begin_nested()
        if is_last:
            only = replace(only, none_but=lock(session, wanted))
        chosen = _choose(session, wanted, only)
        granted, reservations = _promise(session, key, chosen, now, hold)
        if len(granted) == len(chosen) or is_last:
            if only.line_ids is None:
                granted, reservations = _without_parts(session, wanted, granted, reservations)
            savepoint.commit()
            break
        savepoint.rollback()
    ids = _note(session, granted, reservations)
    restate(session, order_ids)
    got: dict[int, int] = defaultdict(int)
    for one in granted:
        got[one.share.line_id] += one.share.qty
    met = sum(got[line.wish.line_id] == line.wish.qty for line in wanted)
    return Allocated(len(wanted), met, sum(got.values()), ids)


def restate(session: Session, order_ids: Sequence[int]) -> None:
    """Let the state of orders that are not released follow from how much of them is promised."""
    session.flush()
    session.execute(STATES, {"orders": list(order_ids), "states": list(CHANGEABLE)})
    for known in session:
        if isinstance(known, OutboundOrder):
            session.expire(known)


def _read(session: Session, wanted: Sequence[Wanted]) -> dict[tuple[int, int, int], list[tuple[Stock, AccountKey]]]:
    """Return the free stock of every shelf (site, owner, item) that lines want something of."""
    items: dict[tuple[int, int], set[int]] = defaultdict(set)
    by_arrival = False
    for line in wanted:
        items[line.site_id, line.owner_id].add(line.trade_item_id)
        by_arrival = by_arrival or line.wish.policy.strategy is not Strategy.FEFO
    return {
        (site_id, owner_id, item_id): stock
        for (site_id, owner_id), item_ids in items.items()
        for item_id, stock in queries.stock(session, site_id, owner_id, item_ids, by_arrival=by_arrival).items()
    }


def lock(session: Session, wanted: Sequence[Wanted], reservation_ids: Sequence[int] = ()) -> frozenset[int]:
    """Lock every balance that could serve lines, with those of promises that are to end in the same transaction.

    Returns the accounts: whoever locks first must then take from these alone, for stock that comes free elsewhere
    meanwhile would be locked out of order.
    """
    accounts = {one.account_id: account for stock in _read(session, wanted).values() for one, account in stock}
    ledger.lock(session, set(accounts.values()), reservation_ids)
    return frozenset(accounts)


def _choose(session: Session, wanted: Sequence[Wanted], only: Only) -> list[_Pick]:
    """Share out what is free now; orders that ship complete or not at all are left out when a line is not met."""
    found = {
        shelf: [one for one in stock if only.may_take(one[0].account_id)]
        for shelf, stock in _read(session, wanted).items()
    }
    shelves = {shelf: Shelf(one for one, _ in stock) for shelf, stock in found.items()}
    accounts = {one.account_id: account for stock in found.values() for one, account in stock}
    chosen: list[_Pick] = []
    for lines in _by_order(wanted):
        picks: list[_Pick] = []
        for line in lines:
            shelf = shelves.get(line.shelf)
            shares = shelf.share(line.wish) if shelf else []
            picks += [_Pick(share, line, accounts[share.account_id]) for share in shares]
        if (
            lines[0].is_complete_only
            and only.line_ids is None
            and sum(one.share.qty for one in picks) < sum(line.wish.qty for line in lines)
        ):
            for one in picks:
                shelves[one.line.shelf].give_back([one.share])
        else:
            chosen += picks
    return chosen


def _by_order(wanted: Sequence[Wanted]) -> list[list[Wanted]]:
    orders: dict[int, list[Wanted]] = {}
    for line in wanted:
        orders.setdefault(line.order_id, []).append(line)
    return list(orders.values())


def _promise(
    session: Session, key: str, chosen: Sequence[_Pick], now: datetime, hold: timedelta
) -> tuple[list[_Pick], list[int]]:
    """Ask the ledger for everything in one list; return what was granted and the reservations, in one order."""
    asked = [
        Reserve(
            f"{key}:{one.share.line_id}:{number}",
            one.account,
            one.share.qty,
            max(now, one.line.ship_by_at or now) + hold,
            one.line.order_no,
        )
        for number, one in enumerate(chosen)
    ]
    granted, reservations = [], []
    for one, result in zip(chosen, ledger.reserve_many(session, asked), strict=True):
        if not isinstance(result, WmsError):
            granted.append(one)
            reservations.append(result.reservation_id)
    return granted, reservations


def _without_parts(
    session: Session, wanted: Sequence[Wanted], granted: list[_Pick], reservations: list[int]
) -> tuple[list[_Pick], list[int]]:
    """Give back what orders got that ship complete or not at all and were not met whole."""
    asked: dict[int, int] = defaultdict(int)
    for line in wanted:
        if line.is_complete_only:
            asked[line.order_id] += line.wish.qty
    for one in granted:
        asked[one.line.order_id] -= one.share.qty
    unmet = {order_id for order_id, left in asked.items() if left > 0}
    ledger.void(session, [r for one, r in zip(granted, reservations, strict=True) if one.line.order_id in unmet])
    kept = [(one, r) for one, r in zip(granted, reservations, strict=True) if one.line.order_id not in unmet]
    return [one for one, _ in kept], [r for _, r in kept]


def _note(session: Session, granted: Sequence[_Pick], reservations: Sequence[int]) -> tuple[int, ...]:
    if not granted:
        return ()
    lines, qtys = [one.share.line_id for one in granted], [one.share.qty for one in granted]
    values = {
        "lines": lines,
        "accounts": [one.share.account_id for one in granted],
        "reservations": list(reservations),
        "qtys": qtys,
        "wholes": [one.share.is_whole_unit for one in granted],
    }
    made = session.execute(NOTE, values).scalars().all()
    session.execute(RAISE, {"lines": lines, "qtys": qtys})
    return tuple(made)


def batches(session: Session, order_ids: Sequence[int]) -> list[list[int]]:
    """Cut orders into lists of at most :data:`AT_ONCE` lines, the most urgent first; each is one transaction's work."""
    rows = session.execute(
        text(
            "SELECT o.id, count(l.id) AS lines FROM outbound_order o JOIN order_line l ON l.order_id = o.id"
            " WHERE o.id = ANY (:orders) GROUP BY o.id ORDER BY o.priority, o.ship_by_at NULLS LAST, o.id"
        ),
        {"orders": list(order_ids)},
    ).all()
    found: list[list[int]] = []
    room = 0
    for row in rows:
        if not found or row.lines > room:
            found.append([])
            room = AT_ONCE
        found[-1].append(row.id)
        room -= row.lines
    return found
