"""The ledger's rules that need no database: how postings are netted, and the refusals in the trade's words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from wms.errors import N_, Kind, WmsError
from wms.record.rules import KeyReused

BIGINT_MAX = 2**63 - 1


class StockRefusal(WmsError):
    """A posting or reservation that the ledger refuses. The refusal is stored under its key."""


class ShortStock(StockRefusal):
    code = "short_stock"
    kind = Kind.CONFLICT
    text = N_("There are not enough goods: %(wanted)s wanted, %(on_hand)s on hand, %(reserved)s of them reserved.")


class ShortInPast(StockRefusal):
    code = "short_in_past"
    kind = Kind.CONFLICT
    text = N_("At that time there were not enough goods: %(wanted)s wanted, the stock later fell to %(lowest)s.")


class PeriodClosed(StockRefusal):
    code = "period_closed"
    text = N_("The month %(month_on)s is closed. Post a correction in an open month instead.")


class MonthNotOver(StockRefusal):
    code = "month_not_over"
    text = N_("Only a whole month that is over can be closed, not %(month_on)s.")


class EventInFuture(StockRefusal):
    code = "event_in_future"
    kind = Kind.INVALID
    text = N_("The time %(event_at)s lies in the future. Check the clock of the device.")


class Unbalanced(StockRefusal):
    code = "unbalanced"
    kind = Kind.INVALID
    text = N_("The lines of this posting do not sum to zero: item %(trade_item_id)s is off by %(sum)s.")


class BookShelfDiffer(StockRefusal):
    code = "book_shelf_differ"
    text = N_(
        "This would part the account book from the shelf: line %(book_line_id)s would change by %(book)s in the book"
        " and by %(shelf)s on the shelf."
    )


class LeavesWithoutPass(StockRefusal):
    code = "leaves_without_pass"
    text = N_("Bonded goods leave by the gate on an approved gate pass and in no other way (item %(trade_item_id)s).")


class NotSupervised(StockRefusal):
    """Bonded goods lie under customs' supervision, whichever door they are brought through."""

    code = "not_supervised"
    text = N_("%(place)s lies outside the supervision of customs: bonded goods cannot be put there.")


class NoLines(StockRefusal):
    code = "no_lines"
    kind = Kind.INVALID
    text = N_("A posting needs at least two lines that differ from zero.")


class UnknownAccount(StockRefusal):
    code = "unknown_account"
    kind = Kind.NOT_FOUND
    text = N_("The ledger has no account %(account_id)s that you may use.")


class AlreadyReversed(StockRefusal):
    code = "already_reversed"
    kind = Kind.CONFLICT
    text = N_("Posting %(posting_id)s was already reversed by posting %(by)s.")


class UnknownPosting(StockRefusal):
    code = "unknown_posting"
    kind = Kind.NOT_FOUND
    text = N_("There is no posting %(posting_id)s.")


class NotAvailable(StockRefusal):
    code = "not_available"
    kind = Kind.CONFLICT
    text = N_("Only %(available)s are free to reserve, %(wanted)s were asked for.")


class ReservationNotOpen(StockRefusal):
    code = "reservation_not_open"
    kind = Kind.CONFLICT
    text = N_("Reservation %(reservation_id)s has %(open)s left, %(wanted)s were asked of it.")


class ReservationElsewhere(StockRefusal):
    code = "reservation_elsewhere"
    kind = Kind.INVALID
    text = N_("A reservation can only be used by taking its own goods; %(used)s were named from another account.")


class QuantityNotPositive(StockRefusal):
    code = "quantity_not_positive"
    kind = Kind.INVALID
    text = N_("A quantity must be a whole number above zero, not %(wanted)s.")


class QuantityTooLarge(StockRefusal):
    code = "quantity_too_large"
    kind = Kind.INVALID
    text = N_("The quantity %(wanted)s is larger than the ledger can count.")


class KeyTwiceInBatch(StockRefusal):
    code = "key_twice_in_batch"
    kind = Kind.INVALID
    text = N_("The key %(key)s stands twice in one list.")


class WeightMissing(StockRefusal):
    """Goods of catch weight move with their grams; only who takes all of an account need not say them."""

    code = "weight_missing"
    kind = Kind.INVALID
    text = N_("Each piece of item %(trade_item_id)s has a weight of its own: weigh what you move and say its grams.")


class WeightUnbalanced(StockRefusal):
    code = "weight_unbalanced"
    kind = Kind.INVALID
    text = N_("The weights of item %(trade_item_id)s do not sum to zero: they are off by %(sum_g)s g.")


class WeightLeft(StockRefusal):
    """Grams without pieces, pieces without grams, or fewer grams than none."""

    code = "weight_left"
    kind = Kind.CONFLICT
    text = N_("That would leave %(qty)s pieces with %(weight_g)s g. Weigh again.")


class SerialsMissing(StockRefusal):
    code = "serials_missing"
    kind = Kind.INVALID
    text = N_("Item %(trade_item_id)s is kept by serial number: %(wanted)s pieces move, %(named)s numbers were named.")


class SerialElsewhere(StockRefusal):
    """A rival moved it first, or it never lay there."""

    code = "serial_elsewhere"
    kind = Kind.CONFLICT
    text = N_("Serial number %(serial_no)s does not lie where it was taken from.")


class SerialHereAlready(StockRefusal):
    code = "serial_here_already"
    kind = Kind.CONFLICT
    text = N_("Serial number %(serial_no)s lies in the warehouse already.")


REFUSALS: Mapping[str, type[WmsError]] = {
    refusal.code: refusal
    for refusal in (
        ShortStock, ShortInPast, PeriodClosed, MonthNotOver, EventInFuture, Unbalanced, BookShelfDiffer,
        LeavesWithoutPass,
        NoLines,
        UnknownAccount, AlreadyReversed, UnknownPosting, NotAvailable, ReservationNotOpen, ReservationElsewhere,
        QuantityNotPositive, QuantityTooLarge, KeyTwiceInBatch, KeyReused, WeightMissing, WeightUnbalanced, WeightLeft,
        SerialsMissing, SerialElsewhere, SerialHereAlready,
    )
}  # fmt: skip


def refusal_of(answer: Mapping[str, Any]) -> WmsError:
    """The refusal that a stored answer tells of."""
    values = {name: value for name, value in answer.items() if name != "code"}
    return REFUSALS[answer["code"]](**values)


@dataclass(frozen=True)
class AccountKey:
    """All dimensions of an account; an account exists for each combination that was ever used."""

    kind: str
    owner_id: int
    trade_item_id: int
    site_id: int | None = None
    location_id: int | None = None
    lot_id: int | None = None
    handling_unit_id: int | None = None
    customs_status: str = "free"
    quality_status: str = "good"
    book_line_id: int | None = None

    @property
    def dimensions(self) -> str:
        """The text under which the database finds the account (column ``account.dimensions``)."""
        site, place, lot, unit, line = [
            "" if part is None else part
            for part in (self.site_id, self.location_id, self.lot_id, self.handling_unit_id, self.book_line_id)
        ]
        return (
            f"{self.kind}|{self.owner_id}|{self.trade_item_id}|{site}|{place}|{lot}|{unit}|{self.customs_status}"
            f"|{self.quality_status}|{line}"
        )


@dataclass(frozen=True)
class Line:
    """A signed change of one account: ``qty`` in base units, ``weight_g`` in grams, ``value_minor`` in minor units.

    ``reservation_id`` names the reservation that a withdrawal (negative ``qty``) uses up. ``serials`` are the numbers
    of the pieces, where the item is kept by serial number.
    """

    account: AccountKey
    qty: int
    weight_g: int | None = None
    value_minor: int | None = None
    reservation_id: int | None = None
    serials: tuple[str, ...] = ()

    def content(self) -> list[Any]:
        """What the request hash covers; a line without serial numbers hashes as lines did before there were any."""
        said = [self.account.dimensions, self.qty, self.weight_g, self.value_minor, self.reservation_id]
        return [*said, list(self.serials)] if self.serials else said


@dataclass(frozen=True)
class Posting:
    """One business fact to be posted. ``key`` is made by the client when the intent is formed."""

    key: str
    kind: str
    event_at: datetime
    lines: tuple[Line, ...]
    source_doc: str | None = None
    reason: str | None = None
    device: str | None = None
    reverses_id: int | None = None

    def content(self) -> dict[str, Any]:
        """What the request hash covers: all but the key."""
        return {
            "kind": self.kind,
            "event_at": self.event_at,
            "source_doc": self.source_doc,
            "reason": self.reason,
            "device": self.device,
            "reverses_id": self.reverses_id,
            "lines": [line.content() for line in self.lines],
        }


def net(lines: Iterable[Line]) -> tuple[Line, ...]:
    """One line for each account, sums of zero left out. Reservations and serials are kept apart (:func:`uses`)."""
    sums: dict[AccountKey, Line] = {}
    for line in lines:
        known = sums.get(line.account)
        merged = line if known is None else _added(known, line)
        if merged.reservation_id is not None or merged.serials:
            merged = replace(merged, reservation_id=None, serials=())
        sums[line.account] = merged
    return tuple(line for line in sums.values() if line.qty != 0)


def _added(one: Line, other: Line) -> Line:
    return replace(
        one,
        qty=one.qty + other.qty,
        weight_g=_sum(one.weight_g, other.weight_g),
        value_minor=_sum(one.value_minor, other.value_minor),
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)


def uses(lines: Iterable[Line]) -> tuple[tuple[int, int], ...]:
    """(reservation id, quantity used) of the lines that name a reservation, summed, in ascending id."""
    used: dict[int, int] = {}
    for line in lines:
        if line.reservation_id is not None:
            used[line.reservation_id] = used.get(line.reservation_id, 0) - line.qty
    return tuple(sorted(used.items()))


def pieces(lines: Iterable[Line]) -> tuple[tuple[AccountKey, int, str], ...]:
    """(account, -1 out or 1 in, serial number) of the lines that name numbers; in and out of one account cancel."""
    signs: dict[tuple[AccountKey, str], int] = {}
    for line in lines:
        for serial in line.serials:
            signs[line.account, serial] = signs.get((line.account, serial), 0) + (1 if line.qty > 0 else -1)
    return tuple((account, sign, serial) for (account, serial), sign in signs.items() if sign)


def check_range(posting: Posting) -> None:
    """Refuse quantities that no ledger column can hold (raises :class:`QuantityTooLarge`)."""
    for line in posting.lines:
        if abs(line.qty) > BIGINT_MAX // 2:
            raise QuantityTooLarge(wanted=line.qty)


def moved(
    taken: AccountKey, placed: AccountKey, qty: int, reservation_id: int | None = None, *,
    weight_g: int | None = None, serials: tuple[str, ...] = (),
) -> tuple[Line, Line]:
    """The two lines that carry ``qty`` base units from one account to another, with their grams and serial numbers."""
    out_g = None if weight_g is None else -weight_g
    return Line(taken, -qty, out_g, None, reservation_id, serials), Line(placed, qty, weight_g, serials=serials)


@dataclass(frozen=True)
class Posted:
    """A posting that stands. ``replayed``: it stood before, this was a repeat."""

    posting_id: int
    replayed: bool = field(default=False)
