"""The cold chain's rules: when a place was too warm for too long, where its history has holes. Pure, integers only.

Temperatures are thousandths of a degree Celsius. Time between two readings counts with the earlier one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise

from wms.errors import N_, Kind, NotFound, WmsError

SIDES = ("high", "low")
HIGH, LOW = SIDES
READING_SOURCES = ("device", "logger")
FINDING_KINDS = ("gap", "implausible", "stuck", "conflict", "battery")
BREACH_STATES = ("running", "ended", "withdrawn", "reviewed")
HOLD_STATES = ("held", "found", "gone", "decided")
REVIEW_DECISIONS = ("good", "damaged")
# No cold store, reefer or summer roof is outside of these; a probe that says so is broken (85 °C is what a DS18B20
# answers when it has not measured).
COLDEST_MDEGC, WARMEST_MDEGC = -90_000, 84_999
LOW_BATTERY_PCT = 10
# Haynes 1971, used by USP <1079.2>: activation energy 83.144 kJ/mol over the gas constant is 10,000 K.
KINETIC_K, ZERO_K = Decimal(10_000), Decimal("273.15")
LEAST_REASON = 4


class ColdChainRefusal(WmsError):
    """Something about temperatures that the trade forbids."""


class UnknownPlace(NotFound):
    code = "unknown_temperature_place"
    text = N_("There is no temperature place %(place)s.")


class PlaceExists(ColdChainRefusal):
    code = "temperature_place_exists"
    kind = Kind.CONFLICT
    text = N_("There is already a temperature place %(place)s.")


class SensorElsewhere(ColdChainRefusal):
    code = "sensor_elsewhere"
    kind = Kind.CONFLICT
    text = N_("Sensor %(sensor)s stands in %(place)s at that time. End that first.")


class OneMemberOnly(ColdChainRefusal):
    code = "one_member_only"
    kind = Kind.INVALID
    text = N_("Name exactly one of location, zone and pallet (sscc).")


class UntilBeforeFrom(ColdChainRefusal):
    code = "until_before_from"
    kind = Kind.INVALID
    text = N_("It cannot end (%(until)s) before it begins (%(since)s).")


class ReadingInFuture(ColdChainRefusal):
    code = "reading_in_future"
    kind = Kind.INVALID
    text = N_("Row %(row)s: %(at)s lies in the future. Check the logger's clock and time zone.")


class BadReading(ColdChainRefusal):
    code = "bad_reading"
    kind = Kind.INVALID
    text = N_("Row %(row)s: %(why)s.")


class UnknownBreach(NotFound):
    code = "unknown_breach"
    text = N_("There is no temperature breach %(breach_id)s.")


class BreachNotOver(ColdChainRefusal):
    code = "breach_not_over"
    kind = Kind.CONFLICT
    text = N_("%(place)s is still out of its limits. Review the breach when it is over.")


class BreachReviewed(ColdChainRefusal):
    code = "breach_reviewed"
    kind = Kind.CONFLICT
    text = N_("%(person)s reviewed this breach at %(at)s.")


class NamedPersonNeeded(ColdChainRefusal):
    code = "named_person_needed"
    kind = Kind.FORBIDDEN
    text = N_("A person with a name has to answer for this decision.")


class ReviewReasonMissing(ColdChainRefusal):
    code = "review_reason_missing"
    kind = Kind.INVALID
    text = N_("Say in words why the goods may or may not be used, at least %(least)s signs.")


class NotOfThisBreach(ColdChainRefusal):
    code = "not_of_this_breach"
    kind = Kind.INVALID
    text = N_("Hold %(hold_id)s does not belong to breach %(breach_id)s.")


class UnknownFinding(NotFound):
    code = "unknown_finding"
    text = N_("There is no open finding %(finding_id)s.")


@dataclass(frozen=True)
class Limit:
    """Between which temperatures goods stay good, and for how long they may be beyond (seconds)."""

    low_mdegc: int | None
    high_mdegc: int | None
    for_s: int
    source: str = ""

    def of(self, side: str) -> int | None:
        """The limit of one side."""
        return self.high_mdegc if side == HIGH else self.low_mdegc

    def is_beyond(self, side: str, mdegc: int) -> bool:
        """Whether a temperature is too high, or too low."""
        limit = self.of(side)
        return limit is not None and (mdegc > limit if side == HIGH else mdegc < limit)


@dataclass(frozen=True)
class Read:
    """One reading of one sensor."""

    at: datetime
    mdegc: int


@dataclass(frozen=True)
class Excursion:
    """Beyond the limit from ``start_at`` until ``end_at`` (None: still)."""

    side: str
    start_at: datetime
    end_at: datetime | None
    min_mdegc: int
    max_mdegc: int
    kinetic_mdegc: int
    n_readings: int
    has_gap: bool


def is_plausible(mdegc: int) -> bool:
    """Whether a probe that says so can be right."""
    return COLDEST_MDEGC <= mdegc <= WARMEST_MDEGC


def excursions(reads: Sequence[Read], limit: Limit, *, gap_s: int, now: datetime) -> list[Excursion]:
    """Every time that one sensor was beyond the limit for longer than it allows, in order of time.

    ``reads`` in ascending order. An excursion begins with the first reading beyond the limit and ends with the first
    one within it: the doubt is on the goods' side. Silence longer than ``gap_s`` inside it does not end it.
    """
    found: list[Excursion] = []
    for side in SIDES:
        run: list[Read] = []
        for read in reads:
            if limit.is_beyond(side, read.mdegc):
                run.append(read)
            elif run:
                found += _long_enough(side, run, read.at, limit, gap_s, now)
                run = []
        if run:
            found += _long_enough(side, run, None, limit, gap_s, now)
    return sorted(found, key=lambda one: (one.start_at, one.side))


def _long_enough(
    side: str, run: Sequence[Read], end_at: datetime | None, limit: Limit, gap_s: int, now: datetime
) -> list[Excursion]:
    until = end_at or now
    if until - run[0].at <= timedelta(seconds=limit.for_s):
        return []
    instants = [read.at for read in run] + [until]
    values = [read.mdegc for read in run]
    has_gap = any(later - earlier > timedelta(seconds=gap_s) for earlier, later in pairwise(instants))
    mean = kinetic_mean(list(run), until)
    return [Excursion(side, run[0].at, end_at, min(values), max(values), mean, len(run), has_gap)]


def joined(found: Iterable[Excursion]) -> list[Excursion]:
    """Excursions of several sensors in one place as one history: those of a side that overlap are one.

    The warmest (coldest) of each counts; the mean kinetic temperature is that of the worst sensor.
    """
    made: list[Excursion] = []
    for one in sorted(found, key=lambda one: (one.side, one.start_at)):
        last = made[-1] if made else None
        if last is None or last.side != one.side or (last.end_at is not None and one.start_at > last.end_at):
            made.append(one)
            continue
        ends = None if last.end_at is None or one.end_at is None else max(last.end_at, one.end_at)
        made[-1] = replace(
            last,
            end_at=ends,
            min_mdegc=min(last.min_mdegc, one.min_mdegc),
            max_mdegc=max(last.max_mdegc, one.max_mdegc),
            kinetic_mdegc=max(last.kinetic_mdegc, one.kinetic_mdegc),
            n_readings=last.n_readings + one.n_readings,
            has_gap=last.has_gap or one.has_gap,
        )
    return made


@dataclass(frozen=True)
class Hole:
    """Silence of a sensor: from its last reading before it to the first one after it (None: still silent)."""

    start_at: datetime
    end_at: datetime | None


def gaps(reads: Sequence[Read], *, gap_s: int, since: datetime, until: datetime, is_open: bool) -> list[Hole]:
    """Where a sensor that stood from ``since`` until ``until`` was silent for longer than ``gap_s``.

    ``is_open``: it still stands there, so silence up to now has no end yet.
    """
    longest = timedelta(seconds=gap_s)
    instants = [since, *(read.at for read in reads if since < read.at <= until)]
    holes = [Hole(a, b) for a, b in pairwise(instants) if b - a > longest]
    if until - instants[-1] > longest:
        holes.append(Hole(instants[-1], None if is_open else until))
    return holes


def stuck(reads: Sequence[Read], *, after_s: int) -> list[Hole]:
    """Where a sensor said exactly the same for longer than ``after_s``: a room is never that still."""
    found: list[Hole] = []
    start = 0
    for i in range(1, len(reads) + 1):
        if i < len(reads) and reads[i].mdegc == reads[start].mdegc:
            continue
        if i - start > 2 and reads[i - 1].at - reads[start].at > timedelta(seconds=after_s):
            found.append(Hole(reads[start].at, reads[i].at if i < len(reads) else None))
        start = i
    return found


def kinetic_mean(reads: Sequence[Read], until: datetime) -> int:
    """The mean kinetic temperature of readings, each counted until the next one (the last until ``until``).

    The one temperature that would have aged the goods as the real ones did: hot hours count more. Exact decimals,
    rounded to a thousandth of a degree at the end.
    """
    with localcontext() as context:
        context.prec = 28
        total, weighted = Decimal(0), Decimal(0)
        instants = [read.at for read in reads[1:]] + [until]
        known: dict[int, Decimal] = {}
        for read, ends in zip(reads, instants, strict=True):
            seconds = Decimal(max((ends - read.at) // timedelta(milliseconds=1), 1))
            if read.mdegc not in known:
                known[read.mdegc] = (-KINETIC_K / (Decimal(read.mdegc) / 1000 + ZERO_K)).exp()
            total += seconds
            weighted += seconds * known[read.mdegc]
        kelvin = KINETIC_K / -(weighted / total).ln()
        return int(((kelvin - ZERO_K) * 1000).to_integral_value())


def subjects_of(owner_code: str, item_code: str, temperature_class: str) -> tuple[str, str, str]:
    """Under which names a limit for an item may have been entered, the narrowest first."""
    return f"item:{owner_code}/{item_code}", f"owner:{owner_code}/{temperature_class}", f"class:{temperature_class}"


def check_reason(reason: str) -> str:
    """Return the reason without blanks around it. Raises ReviewReasonMissing."""
    if len(reason.strip()) < LEAST_REASON:
        raise ReviewReasonMissing(field="reason", least=LEAST_REASON)
    return reason.strip()
