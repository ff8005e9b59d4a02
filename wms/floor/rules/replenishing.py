"""Replenishment: how much a pick face wants, and from where it is taken (first expired, first out)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from wms.errors import N_, Kind, WmsError
from wms.floor.rules.mistakes import ScanMistake


class BadLimits(WmsError):
    code = "bad_limits"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: the least quantity %(least)s must be at least 0 and below the most, %(most)s.")


class NotAPickPlace(WmsError):
    code = "not_a_pick_place"
    kind = Kind.INVALID
    text = N_("Line %(line_no)s: %(place)s is a %(place_kind)s; goods are picked from bins.")


class UnknownReplenishment(ScanMistake):
    code = "unknown_replenishment"
    kind = Kind.NOT_FOUND
    text = N_("There is no replenishment %(number)s.")
    way_out = N_("Choose one from the list, or move goods without a document.")


class ReplenishmentClosed(ScanMistake):
    code = "replenishment_closed"
    kind = Kind.CONFLICT
    text = N_("The replenishment %(number)s is done or was called off.")
    way_out = N_("Scan DONE to leave it, or the number of another one.")


class NothingThere(ScanMistake):
    """The promise has ended, and others took the goods."""

    code = "nothing_there_to_replenish"
    kind = Kind.CONFLICT
    text = N_("Nothing lies in %(place)s any more of what %(number)s takes from there.")
    way_out = N_("Scan SHORT to end this part, or NEXT for the next one.")


class NoReplenishment(ScanMistake):
    code = "no_replenishment"
    kind = Kind.NOT_FOUND
    text = N_("No replenishment is open in this warehouse.")
    way_out = N_("Scan goods to move them.")


class OtherGoodsWanted(ScanMistake):
    code = "other_goods_wanted"
    text = N_("%(item)s of lot %(lot_no)s is wanted from %(place)s, not this.")
    way_out = N_("Take the goods that are named, or NEXT to skip them.")


class OtherPlaceWanted(ScanMistake):
    code = "other_place_wanted"
    text = N_("These goods go to %(wanted)s, not to %(place)s.")
    way_out = N_("Scan the place that is named, or BACK to put them down.")


class TakeFromPlace(ScanMistake):
    code = "take_from_place"
    text = N_("The goods are taken from %(wanted)s, not from %(place)s.")
    way_out = N_("Go to the place that is named, or NEXT to skip it.")


class TooManyToReplenish(ScanMistake):
    code = "too_many_to_replenish"
    text = N_("Only %(left)s of %(item)s are wanted from here, not %(wanted)s.")
    way_out = N_("Scan QTY with the right number, then the goods again.")


@dataclass(frozen=True)
class Face:
    """A pick face: its limits, what lies there, what is promised of it, and what is on its way to it; base units."""

    min_qty: int
    max_qty: int
    multiple_qty: int
    qty: int
    reserved: int
    incoming: int


@dataclass(frozen=True)
class Source:
    """Goods in a reserve place that nobody reserved."""

    account_id: int
    free: int
    expires_on: date | None
    since_at: datetime | None = None


@dataclass(frozen=True)
class Need:
    """How much a face wants, and why."""

    qty: int
    reason: str


def need(face: Face, demand: int = 0) -> Need | None:
    """Return what a face wants: up to its most when it fell below its least, or what orders want beyond its stock.

    What is on its way counts as there already, so the same need is never met twice.
    """
    there = face.qty + face.incoming
    by_min = face.max_qty - there if there < face.min_qty else 0
    by_demand = demand - (face.qty - face.reserved) - face.incoming
    wanted = max(by_min, by_demand)
    if wanted <= 0:
        return None
    whole = -(-wanted // face.multiple_qty) * face.multiple_qty
    return Need(whole, "demand" if by_demand > by_min else "min")


def choose(sources: Sequence[Source], wanted: int) -> list[tuple[Source, int]]:
    """Return from which goods how much is taken: first expired first, then what came to the house first."""
    taken, left = [], wanted
    for source in sorted(sources, key=_first_out):
        here = min(left, source.free)
        if here > 0:
            taken.append((source, here))
            left -= here
    return taken


def _first_out(source: Source) -> tuple[date, float, int]:
    came = source.since_at.timestamp() if source.since_at else 0.0
    return source.expires_on or date.max, came, source.account_id


def check_limits(line_no: int, least: int, most: int) -> None:
    """Raise BadLimits."""
    if not 0 <= least < most:
        raise BadLimits(field=f"lines.{line_no}", line_no=line_no, least=least, most=most)
