"""The ledger as a page of Python: what the database must do, decided without it. Shares no code with the routines."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from wms.stock.ledger import AccountKey, Line, Posting, Reserve

BEIJING = ZoneInfo("Asia/Shanghai")
VIRTUAL = {"supplier", "customer", "transformation", "adjustment", "discrepancy", "customs_source"}
BOOK_SIDE = {"book", "not_yet_booked", "deduction_pending", "customs_source"}
IN_IDENTITY = {
    "location",
    "in_transit",
    "in_process",
    "declared_not_left",
    "discrepancy",
    "book",
    "not_yet_booked",
}


def month_of(at: datetime) -> date:
    """First day of the month that an instant belongs to in Beijing."""
    return at.astimezone(BEIJING).date().replace(day=1)


def month_before(month: date, months: int) -> date:
    """First day of the month that lies ``months`` before."""
    for _ in range(months):
        month = (month - timedelta(days=1)).replace(day=1)
    return month


@dataclass
class Promise:
    """A reservation."""

    account: AccountKey
    open_qty: int
    expires_at: datetime


@dataclass
class Model:
    """Entries, promises and closed months; every question is answered by counting."""

    this_month: date
    entries: dict[AccountKey, list[tuple[datetime, int]]] = field(default_factory=dict)
    promises: dict[int, Promise] = field(default_factory=dict)
    reversed_ids: set[int] = field(default_factory=set)
    closed: date | None = None

    def qty(self, account: AccountKey) -> int:
        return sum(qty for _, qty in self.entries.get(account, ()))

    def reserved(self, account: AccountKey) -> int:
        return sum(promise.open_qty for promise in self.promises.values() if promise.account == account)

    def _lowest_from(self, account: AccountKey, since: datetime) -> int:
        moves = self.entries.get(account, [])
        instants = [since, *(at for at, _ in moves if at > since)]
        return min(sum(qty for at, qty in moves if at <= instant) for instant in instants)

    def refusal(self, posting: Posting) -> str | None:
        """The code that forbids the posting, by the order of precedence; None when it may stand."""
        sums = net(posting.lines)
        if self.closed is not None and month_of(posting.event_at) <= self.closed:
            return "period_closed"
        if not sums:
            return "no_lines"
        if any(total != 0 for total in by_item_and_side(sums).values()):
            return "unbalanced"
        if any(total != 0 for total in by_book_line(sums).values()):
            return "book_shelf_differ"
        if posting.kind != "gate_out" and posting.reverses_id is None and bonded_goods_leave(sums):
            return "leaves_without_pass"
        if posting.reverses_id in self.reversed_ids:
            return "already_reversed"
        return self._reservation_refusal(posting, sums) or self._stock_refusal(posting, sums)

    def _reservation_refusal(self, posting: Posting, sums: dict[AccountKey, int]) -> str | None:
        used = uses(posting.lines)
        for reservation_id, qty in used.items():
            promise = self.promises.get(reservation_id)
            if promise is None or promise.open_qty < qty or qty <= 0:
                return "reservation_not_open"
        for account in {self.promises[reservation_id].account for reservation_id in used}:
            if self._used(used, account) > -sums.get(account, 0):
                return "reservation_elsewhere"
        return None

    def _used(self, used: dict[int, int], account: AccountKey) -> int:
        return sum(qty for reservation_id, qty in used.items() if self.promises[reservation_id].account == account)

    def _stock_refusal(self, posting: Posting, sums: dict[AccountKey, int]) -> str | None:
        counted = {account: qty for account, qty in sums.items() if account.kind not in VIRTUAL}
        used = uses(posting.lines)
        for account, qty in counted.items():
            if self.qty(account) + qty < self.reserved(account) - self._used(used, account):
                return "short_stock"
        for account, qty in counted.items():
            if qty < 0 and self._lowest_from(account, posting.event_at) + qty < 0:
                return "short_in_past"
        return None

    def apply(self, posting: Posting) -> None:
        for account, qty in net(posting.lines).items():
            self.entries.setdefault(account, []).append((posting.event_at, qty))
        for reservation_id, qty in uses(posting.lines).items():
            self.promises[reservation_id].open_qty -= qty
        if posting.reverses_id is not None:
            self.reversed_ids.add(posting.reverses_id)

    def reserve_refusal(self, wanted: Reserve) -> str | None:
        if wanted.qty <= 0:
            return "quantity_not_positive"
        free = self.qty(wanted.account) - self.reserved(wanted.account)
        return "not_available" if free < wanted.qty else None

    def close_refusal(self, month: date) -> str | None:
        if month >= self.this_month:
            return "month_not_over"
        return "period_closed" if self.closed is not None and month <= self.closed else None


def net(lines: tuple[Line, ...]) -> dict[AccountKey, int]:
    sums: dict[AccountKey, int] = {}
    for line in lines:
        sums[line.account] = sums.get(line.account, 0) + line.qty
    return {account: qty for account, qty in sums.items() if qty != 0}


def uses(lines: tuple[Line, ...]) -> dict[int, int]:
    used: dict[int, int] = {}
    for line in lines:
        if line.reservation_id is not None:
            used[line.reservation_id] = used.get(line.reservation_id, 0) - line.qty
    return used


def by_item_and_side(sums: dict[AccountKey, int]) -> dict[tuple[int, bool], int]:
    totals: dict[tuple[int, bool], int] = {}
    for account, qty in sums.items():
        place = account.trade_item_id, account.kind in BOOK_SIDE
        totals[place] = totals.get(place, 0) + qty
    return totals


def bonded_goods_leave(sums: dict[AccountKey, int]) -> bool:
    """Whether bonded goods of an item go down while a customer gets some of it (I5; one item in these tests)."""
    physical = {account: qty for account, qty in sums.items() if account.kind not in BOOK_SIDE}
    got = sum(qty for account, qty in physical.items() if account.kind == "customer")
    bonded = sum(
        qty for account, qty in physical.items() if account.customs_status == "bonded" and account.kind in IN_IDENTITY
    )
    return got > 0 > bonded


def by_book_line(sums: dict[AccountKey, int]) -> dict[int, int]:
    totals: dict[int, int] = {}
    for account, qty in sums.items():
        in_book = account.kind in BOOK_SIDE
        if account.book_line_id and account.kind in IN_IDENTITY and (in_book or account.customs_status == "bonded"):
            totals[account.book_line_id] = totals.get(account.book_line_id, 0) + (qty if in_book else -qty)
    return totals
