"""Counts: what was found against what the books say, and what has to follow from it.

A count is compared with the stock as of its own last scan, not as of its start: goods that were moved before or after
that scan are no difference. Goods that moved *between* two scans of the same goods cannot be compared at all: that is
``is_disturbed``, and it demands a recount whatever the figures say.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from wms.errors import N_, Kind, WmsError
from wms.floor.rules.mistakes import ScanMistake


class Key(NamedTuple):
    """What a counter can tell apart by looking: owner, item, lot and the unit that it stands on."""

    owner_id: int
    trade_item_id: int
    lot_id: int | None
    handling_unit_id: int | None


class Next(StrEnum):
    """What follows from a difference."""

    ADJUST = "adjust"
    RECOUNT = "recount"
    APPROVE = "approve"


@dataclass(frozen=True)
class Counted:
    """What was counted of one key, in base units, and when its first and last scan happened."""

    qty: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Change:
    """An entry of the ledger that changed the stock of a key while its place was counted."""

    key: Key
    at: datetime
    qty: int


@dataclass(frozen=True)
class Found:
    """A key that was counted otherwise than the books say as of ``as_of``; ``qty`` is signed: missing is negative."""

    key: Key
    book_qty: int
    counted_qty: int
    as_of: datetime
    is_disturbed: bool

    @property
    def qty(self) -> int:
        return self.counted_qty - self.book_qty


@dataclass(frozen=True)
class Tolerance:
    """How far a count may be off before somebody else has to count again: units, and thousandths of the stock."""

    qty: int
    per_mille: int

    def holds(self, found: Found) -> bool:
        return abs(found.qty) <= max(self.qty, self.per_mille * max(found.book_qty, found.counted_qty) // 1000)


def compare(
    now: Mapping[Key, int],
    changes: Sequence[Change],
    counted: Mapping[Key, Counted],
    started_at: datetime,
    ended_at: datetime,
) -> tuple[Found, ...]:
    """Return every key that was counted otherwise than the books say.

    ``now`` is the present stock of each key in the place, ``changes`` every entry since ``started_at``. A key that
    nobody scanned was counted as nothing when the place was declared done.
    """
    found: list[Found] = []
    for key in sorted({*now, *counted, *(change.key for change in changes)}, key=repr):
        seen = counted.get(key, Counted(0, started_at, ended_at))
        own = [change for change in changes if change.key == key]
        book = now.get(key, 0) - sum(change.qty for change in own if change.at > seen.last_at)
        disturbed = any(seen.first_at < change.at <= seen.last_at for change in own)
        one = Found(key, book, seen.qty, seen.last_at, disturbed)
        if one.qty != 0:
            found.append(one)
    return tuple(found)


def follows(found: Found, tolerance: Tolerance, *, earlier: Sequence[Mapping[Key, int]], most_rounds: int) -> Next:
    """Return what a difference leads to. ``earlier`` holds the differences of each round before this one.

    Two rounds that agree, or the last round allowed, go to the supervisor; a disturbed count never adjusts by itself.
    """
    if tolerance.holds(found) and not found.is_disturbed:
        return Next.ADJUST
    if not earlier:
        return Next.RECOUNT
    agrees = earlier[-1].get(found.key, 0) == found.qty and not found.is_disturbed
    if agrees or len(earlier) + 1 >= most_rounds:
        return Next.APPROVE
    return Next.RECOUNT


def is_due(last_counted_at: datetime | None, every_days: int, now: datetime) -> bool:
    """Whether goods of a class that is counted every so many days are to be counted again."""
    return last_counted_at is None or (now - last_counted_at).days >= every_days


def net(changes: Iterable[Change]) -> dict[Key, int]:
    """Return the sum of changes by key."""
    sums: dict[Key, int] = {}
    for change in changes:
        sums[change.key] = sums.get(change.key, 0) + change.qty
    return sums


class UnknownCount(WmsError):
    """No count has that number."""

    code = "unknown_count"
    kind = Kind.NOT_FOUND
    text = N_("There is no count %(count)s.")


class NothingToCount(WmsError):
    """A count was asked for that names no place with goods."""

    code = "nothing_to_count"
    text = N_("Nothing that is to be counted was found: name a place, or an item that lies somewhere.")


class CountClosed(ScanMistake):
    code = "count_closed"
    kind = Kind.CONFLICT
    text = N_("The count %(count)s is closed.")
    way_out = N_("Choose another count, or scan a place without one.")


class NotInCount(ScanMistake):
    code = "not_in_count"
    text = N_("%(place)s is not part of the count %(count)s, or was counted already.")
    way_out = N_("Scan a place that is still open, or NEXT.")


class CountedByOther(ScanMistake):
    code = "counted_by_other"
    kind = Kind.CONFLICT
    text = N_("%(place)s is being counted by %(person)s since %(at)s.")
    way_out = N_("Count another place.")


class AnotherMustCount(ScanMistake):
    code = "another_must_count"
    text = N_("You counted %(place)s already; a recount needs another person.")
    way_out = N_("Leave it to a colleague and scan another place.")


class NoPlaceToCount(ScanMistake):
    code = "no_place_to_count"
    text = N_("No place is chosen.")
    way_out = N_("Scan the place that you count.")


class CountItemOnly(ScanMistake):
    code = "count_item_only"
    text = N_("Only %(item)s is to be counted in %(place)s.")
    way_out = N_("Scan that item, or CONFIRM when none is left.")


class UnitCountedTwice(ScanMistake):
    code = "unit_counted_twice"
    text = N_("%(sscc)s was counted already in this place.")
    way_out = N_("Go on with the next goods. Scan UNDO if the first scan was wrong.")


class UnitNeedsContents(ScanMistake):
    code = "unit_needs_contents"
    text = N_("The books know nothing on %(sscc)s.")
    way_out = N_("Scan QTY and the labels of the goods on it.")


class NoDifference(WmsError):
    """No difference has that number."""

    code = "no_difference"
    kind = Kind.NOT_FOUND
    text = N_("There is no difference %(difference)s.")


class DifferenceDecided(WmsError):
    """Somebody else was faster."""

    code = "difference_decided"
    kind = Kind.CONFLICT
    text = N_("This difference was decided by %(person)s at %(at)s.")


class CounterMayNotApprove(WmsError):
    """Who counted does not approve."""

    code = "counter_may_not_approve"
    kind = Kind.FORBIDDEN
    text = N_("Whoever counted %(place)s may not decide on its difference; another supervisor must.")


class SupervisorOnly(WmsError):
    """The deed needs the role of a supervisor at the site."""

    code = "supervisor_only"
    kind = Kind.FORBIDDEN
    text = N_("Only a supervisor of this site may do this.")


class DifferenceChanged(WmsError):
    """Late scans have told of movements before the count: the difference is another one now."""

    code = "difference_changed"
    kind = Kind.CONFLICT
    text = N_("Movements from before the count were booked since: the difference is %(now)s now, not %(was)s.")


class DifferenceOvertaken(WmsError):
    """What is missing was moved away on the books since it was counted."""

    code = "difference_overtaken"
    kind = Kind.CONFLICT
    text = N_("The goods were moved since the count: only %(left)s are left in %(place)s by the books. Count again.")


class NobodyCounts(ScanMistake):
    code = "nobody_counts"
    text = N_("A count needs a person: this device is not logged in for one.")
    way_out = N_("Log in with your own name.")
