"""Counting in: which line of a notice goods belong to, and what the count found otherwise than announced."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from wms.floor.rules.mistakes import ExpiredLot, ExpiryMissing, ExpiryTooFar, LotMissing

# Nothing that a warehouse takes in keeps longer; a label that says so is misprinted or a date misread.
LONGEST_LIFE = timedelta(days=30 * 365)


class DifferenceKind(StrEnum):
    """How goods differ from their notice."""

    OVER = "over"
    SHORT = "short"
    DAMAGED = "damaged"
    WRONG_ITEM = "wrong_item"
    WRONG_LOT = "wrong_lot"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Announced:
    """A line of a notice and what was counted for it so far; base units."""

    id: int
    trade_item_id: int
    expected_qty: int
    received_qty: int = 0
    lot_no: str | None = None
    sscc: str | None = None

    @property
    def left_qty(self) -> int:
        return max(0, self.expected_qty - self.received_qty)


@dataclass(frozen=True)
class Counted:
    """Goods that were counted in; ``notice_line_id`` is None where the item was not announced."""

    notice_line_id: int | None
    trade_item_id: int
    lot_no: str | None
    qty: int
    quality_status: str


@dataclass(frozen=True)
class Difference:
    """One finding. ``qty`` is signed: missing goods are negative; base units."""

    kind: DifferenceKind
    notice_line_id: int | None
    trade_item_id: int
    lot_no: str | None
    expected_qty: int
    found_qty: int
    qty: int


@dataclass(frozen=True)
class LotDates:
    """What label, notice and lot register say of the goods in hand; ``item`` is its name, or its names by language."""

    item: str | dict[str, str]
    is_lot_controlled: bool
    is_expiry_controlled: bool
    lot_no: str | None
    expires_on: date | None


def check_lot(lot: LotDates, today: date, *, is_expired_confirmed: bool) -> None:
    """Raise LotMissing, ExpiryMissing, ExpiryTooFar, or ExpiredLot unless the clerk confirmed to take it as expired."""
    if lot.is_lot_controlled and not lot.lot_no:
        raise LotMissing(item=lot.item)
    if lot.is_expiry_controlled and lot.expires_on is None:
        raise ExpiryMissing(item=lot.item)
    if lot.expires_on is None:
        return
    if lot.expires_on > today + LONGEST_LIFE:
        raise ExpiryTooFar(item=lot.item, expires_on=lot.expires_on.isoformat())
    if lot.expires_on < today and not is_expired_confirmed:
        raise ExpiredLot(item=lot.item, lot_no=lot.lot_no or "-", expires_on=lot.expires_on.isoformat())


def line_for(
    lines: Sequence[Announced], trade_item_id: int, lot_no: str | None, sscc: str | None = None
) -> Announced | None:
    """Return the line that goods belong to: same pallet, then same lot, then no lot named, then any lot of the item.

    Among equals a line that still lacks goods comes first. None: the item was not announced at all.
    """

    def rank(line: Announced) -> tuple[bool, bool, bool, bool, int]:
        other_lot = line.lot_no is not None and line.lot_no != lot_no
        return (line.sscc != sscc, other_lot, line.lot_no is None, line.left_qty == 0, line.id)

    of_item = [line for line in lines if line.trade_item_id == trade_item_id]
    return min(of_item, key=rank, default=None)


def is_other_lot(line: Announced, lot_no: str | None) -> bool:
    """Whether goods of ``lot_no`` on this line are another lot than announced."""
    return line.lot_no is not None and lot_no is not None and line.lot_no != lot_no


def differences(lines: Sequence[Announced], counted: Iterable[Counted]) -> tuple[Difference, ...]:
    """Return everything that was found otherwise than announced, line by line.

    Over and short compare the whole count of a line, whatever lot or state: a pallet of another lot is a wrong lot, not
    a missing one besides. Damaged and expired goods were found, and are named with their own quantity.
    """
    by_line: dict[int | None, list[Counted]] = defaultdict(list)
    for one in counted:
        by_line[one.notice_line_id].append(one)
    found: list[Difference] = []
    for line in sorted(lines, key=lambda one: one.id):
        found += _of_line(line, by_line.pop(line.id, []))
    for unannounced in by_line.values():
        found += [_finding(DifferenceKind.WRONG_ITEM, None, one, 0) for one in _summed(unannounced)]
    return tuple(found)


def _of_line(line: Announced, counted: list[Counted]) -> list[Difference]:
    found_qty = sum(one.qty for one in counted)
    found: list[Difference] = []
    if found_qty != line.expected_qty:
        kind = DifferenceKind.OVER if found_qty > line.expected_qty else DifferenceKind.SHORT
        surplus = found_qty - line.expected_qty
        found.append(Difference(kind, line.id, line.trade_item_id, line.lot_no, line.expected_qty, found_qty, surplus))
    for one in _summed(counted):
        if is_other_lot(line, one.lot_no):
            found.append(_finding(DifferenceKind.WRONG_LOT, line.id, one, 0))
        if one.quality_status in {"damaged", "expired"}:
            found.append(_finding(DifferenceKind(one.quality_status), line.id, one, 0))
    return found


def _finding(kind: DifferenceKind, line_id: int | None, one: Counted, expected_qty: int) -> Difference:
    return Difference(kind, line_id, one.trade_item_id, one.lot_no, expected_qty, one.qty, one.qty)


def _summed(counted: Iterable[Counted]) -> list[Counted]:
    sums: dict[tuple[int | None, int, str | None, str], int] = defaultdict(int)
    for one in counted:
        sums[one.notice_line_id, one.trade_item_id, one.lot_no, one.quality_status] += one.qty
    return [Counted(line, item, lot, qty, quality) for (line, item, lot, quality), qty in sums.items()]


def quality_of(*, is_damaged: bool, is_expired: bool, is_announced: bool, is_bonded: bool) -> str:
    """Return the quality status that counted goods get; bonded goods are held until their list is booked."""
    if is_damaged:
        return "damaged"
    if is_expired:
        return "expired"
    if not is_announced:
        return "quarantine"
    return "hold" if is_bonded else "good"
