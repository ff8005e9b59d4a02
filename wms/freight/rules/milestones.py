"""When a consignment was to leave and arrive, when it will, and when it did: which reports are believed, and one line
an event made of all that was said. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from wms.errors import N_, Kind, WmsError

SOURCES = ("plan", "carrier", "forwarder", "terminal", "gate", "floor", "customs", "consignee")
OF_A_LEG = ("departure", "arrival")
OF_A_FIRM = ("carrier", "forwarder", "consignee")
"""Whose word a firm may pass on; customs, terminal, gate and floor speak for themselves."""


class PlannedTimeReported(WmsError):
    """Planned times come from the accepted plan alone."""

    code = "planned_time_reported"
    kind = Kind.INVALID
    text = N_("A planned time is not reported: it comes from the plan. Report EST, REQ or ACT.")


class ActualInFuture(WmsError):
    """What happened has happened."""

    code = "actual_in_future"
    kind = Kind.INVALID
    text = N_("%(event_at)s is still to come: what is expected then is an estimate (EST).")


class NotItsWord(WmsError):
    """A firm does not speak for customs, the terminal, the gate or the floor."""

    code = "milestone_source_not_yours"
    kind = Kind.INVALID
    text = N_("A firm reports what carrier, forwarder or consignee say; %(source)s reports for itself.")


class UnknownLeg(WmsError):
    """The booking has no such leg."""

    code = "unknown_leg"
    kind = Kind.INVALID
    text = N_("Consignment %(consignment_no)s has no leg %(leg_no)s: it travels over %(legs)s.")


class LegMissing(WmsError):
    """A departure or an arrival is that of a leg."""

    code = "leg_missing"
    kind = Kind.INVALID
    text = N_("Say of which leg: a departure or an arrival belongs to one.")


class LegNotMeant(WmsError):
    """Cut-off, collection, unpacking and delivery belong to the consignment, not to a leg."""

    code = "leg_not_meant"
    kind = Kind.INVALID
    text = N_("%(event)s belongs to the whole way, not to a leg: leave the leg out.")


class NotBooked(WmsError):
    """Before it is booked a consignment has no legs to report on."""

    code = "consignment_not_booked"
    kind = Kind.CONFLICT
    text = N_("Consignment %(consignment_no)s is not booked (%(state)s): there is nothing to report on yet.")


class ArrivedBeforeDeparture(WmsError):
    """A leg arrives after it has left, and leaves after the leg before it has arrived."""

    code = "milestone_out_of_order"
    kind = Kind.CONFLICT
    text = N_(
        "Consignment %(consignment_no)s: %(event_at)s lies before %(other_event)s of leg %(other_leg)s, which really "
        "was at %(other_at)s."
    )


class LeftBeforeArrival(WmsError):
    """Something later is known to have happened earlier."""

    code = "milestone_after_later_one"
    kind = Kind.CONFLICT
    text = N_(
        "Consignment %(consignment_no)s: %(event_at)s lies after %(other_event)s of leg %(other_leg)s, which really "
        "was at %(other_at)s."
    )


@dataclass(frozen=True)
class Said:
    """One report: what, of which leg (None: the whole way), which kind of time, when, by whom, when it was written."""

    event: str
    leg_no: int | None
    kind: str
    place: str
    event_at: datetime
    recorded_at: datetime
    source: str | None


@dataclass(frozen=True)
class EventLine:
    """All that was said of one event, the newest of each kind; ``late_s``: actual or else expected less planned."""

    event: str
    leg_no: int | None
    place: str
    planned: Said | None
    requested: Said | None
    estimated: Said | None
    actual: Said | None

    @property
    def late_s(self) -> int | None:
        """Seconds after the plan (negative: before it); None where one of the two is not known."""
        now = self.actual or self.estimated
        if now is None or self.planned is None:
            return None
        return int((now.event_at - self.planned.event_at).total_seconds())


def rank(event: str, leg_no: int | None) -> tuple[int, int]:
    """Where an event lies on the way: collected, cut-off, the legs in order, unpacked, delivered. Without a leg it is
    the departure of the first one or the arrival of the last.
    """
    if event in OF_A_LEG and leg_no is None:
        return (2, 0 if event == "departure" else 2**31)
    if event in OF_A_LEG:
        return (2, 2 * (leg_no or 0) + OF_A_LEG.index(event))
    return ({"collected": 0, "cut_off": 1, "stripped": 3}.get(event, 4), 0)


def lines(said: Iterable[Said]) -> list[EventLine]:
    """One line an event in the order of the way. ``said``: in the order in which it was written; the last counts."""
    found: dict[tuple[str, int | None], dict[str, Said]] = {}
    for one in said:
        leg_no = one.leg_no if one.event in OF_A_LEG else None
        found.setdefault((one.event, leg_no), {})[one.kind] = one
    return [
        EventLine(
            event, leg_no, next(iter(kinds.values())).place, kinds.get("PLN"), kinds.get("REQ"), kinds.get("EST"),
            kinds.get("ACT"),
        )
        for (event, leg_no), kinds in sorted(found.items(), key=lambda item: rank(*item[0]))
    ]  # fmt: skip


def check_report(kind: str, event: str, leg_no: int | None, event_at: datetime, now: datetime) -> None:
    """Refuse a report that is wrong by itself: PlannedTimeReported, ActualInFuture, LegMissing, LegNotMeant."""
    if kind == "PLN":
        raise PlannedTimeReported(field="kind")
    if kind == "ACT" and event_at > now:
        raise ActualInFuture(field="event_at", event_at=event_at.isoformat(timespec="minutes"))
    if event in OF_A_LEG and leg_no is None:
        raise LegMissing(field="leg_no")
    if event not in OF_A_LEG and leg_no is not None:
        raise LegNotMeant(field="leg_no", event=event)


def check_source(source: str, *, sees_all: bool) -> None:
    """Refuse a word that the caller cannot pass on. Raises NotItsWord."""
    if not sees_all and source not in OF_A_FIRM:
        raise NotItsWord(field="source", source=source)


def check_order(
    consignment_no: str, event: str, leg_no: int | None, event_at: datetime,
    actual: Mapping[tuple[str, int | None], datetime],
) -> None:  # fmt: skip
    """Refuse an actual time that lies before what comes earlier on the way, or after what comes later.

    ``actual``: what really happened as far as it is known. The cut-off is a limit and not an event of the way.
    """
    if event == "cut_off":
        return
    for (other, other_leg), at in sorted(actual.items(), key=lambda item: rank(*item[0])):
        if (other, other_leg) == (event, leg_no) or other == "cut_off":
            continue
        values = {
            "consignment_no": consignment_no, "event_at": event_at.isoformat(timespec="minutes"), "other_event": other,
            "other_leg": other_leg if other_leg is not None else "–", "other_at": at.isoformat(timespec="minutes"),
        }  # fmt: skip
        if rank(other, other_leg) < rank(event, leg_no) and at > event_at:
            raise ArrivedBeforeDeparture(field="event_at", **values)
        if rank(other, other_leg) > rank(event, leg_no) and at < event_at:
            raise LeftBeforeArrival(field="event_at", **values)
