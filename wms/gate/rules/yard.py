"""What holds of appointments: the slots of a day, who may book which, and when a vehicle is late or stays too long.

All of it is dated data (``gate.appointments``): opening hours in the site's own time, length and capacity of a slot,
how early or late a vehicle may come, how many days ahead may be booked, how long a stay may last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from wms.errors import N_, Kind, NotFound, WmsError

NAME = "gate.appointments"
MIN_REASON_CHARS = 4


class BadPlate(WmsError):
    code = "bad_plate"
    kind = Kind.INVALID
    text = N_("%(plate)s is no number plate of a vehicle.")


class NoSuchSlot(WmsError):
    code = "no_such_slot"
    kind = Kind.INVALID
    text = N_("No slot begins at %(at)s. Slots of that day: from %(opens)s to %(closes)s, every %(minutes)s minutes.")


class SlotOver(WmsError):
    code = "slot_over"
    kind = Kind.INVALID
    text = N_("The slot at %(at)s is over.")


class SlotTooFar(WmsError):
    code = "slot_too_far"
    kind = Kind.INVALID
    text = N_("Appointments are taken %(days)s days ahead at most.")


class SlotFull(WmsError):
    code = "slot_full"
    kind = Kind.CONFLICT
    text = N_("The slot at %(at)s is full (%(capacity)s vehicles). Choose another one.")


class AlreadyBooked(WmsError):
    code = "already_booked"
    kind = Kind.CONFLICT
    text = N_("Vehicle %(plate)s has an appointment at %(at)s already.")


class UnknownAppointment(NotFound):
    code = "unknown_appointment"
    text = N_("There is no appointment %(appointment_id)s.")


class AppointmentNotBooked(WmsError):
    code = "appointment_not_booked"
    kind = Kind.CONFLICT
    text = N_("This appointment is %(state)s; only a booked one can be cancelled.")


class UnknownVisit(NotFound):
    code = "unknown_visit"
    text = N_("There is no visit %(visit_id)s.")


class VisitOver(WmsError):
    code = "visit_over"
    kind = Kind.CONFLICT
    text = N_("The visit of %(plate)s is over.")


class StepNotPossible(WmsError):
    code = "visit_step_not_possible"
    kind = Kind.CONFLICT
    text = N_("A vehicle that waits outside the gate is at no dock and in no inspection area.")


class AlreadyHere(WmsError):
    code = "already_here"
    kind = Kind.CONFLICT
    text = N_("Vehicle %(plate)s is here already.")


class YardReasonTooShort(WmsError):
    code = "yard_reason_too_short"
    kind = Kind.INVALID
    text = N_("Say why in at least four characters.")


class BadAppointmentRules(WmsError):
    code = "bad_appointment_rules"
    kind = Kind.CONFLICT
    text = N_("The dated value %(name)s cannot be used: %(part)s must be %(rule)s.")


class AlreadyBlacklisted(WmsError):
    code = "already_blacklisted"
    kind = Kind.CONFLICT
    text = N_("Vehicle %(plate)s is on the blacklist already.")


class UnknownBlacklisting(NotFound):
    code = "unknown_blacklisting"
    text = N_("There is no entry %(entry_id)s on the blacklist.")


class BlacklistingOver(WmsError):
    code = "blacklisting_over"
    kind = Kind.CONFLICT
    text = N_("This entry of the blacklist has ended already.")


class EndsBeforeNow(WmsError):
    code = "ends_before_now"
    kind = Kind.INVALID
    text = N_("An entry of the blacklist must end later than now.")


@dataclass(frozen=True)
class SlotRules:
    """The dated value ``gate.appointments`` of a site on a day. Times of day are the site's own."""

    opens: time
    closes: time
    slot_minutes: int
    capacity: int
    early_minutes: int
    late_minutes: int
    days_ahead: int
    overstay_minutes: int


@dataclass(frozen=True)
class Slot:
    """A slot of a day in instants."""

    from_at: datetime
    until_at: datetime


LIMITS = {
    "slot_minutes": (1, 1_440), "capacity": (0, 10_000), "early_minutes": (0, 100_000), "late_minutes": (0, 100_000),
    "days_ahead": (0, 366), "overstay_minutes": (1, 1_000_000),
}  # fmt: skip


def rules_of(raw: Mapping[str, Any]) -> SlotRules:
    """Read the dated value. Raises BadAppointmentRules, naming the part that cannot be used."""
    opens, closes = _time_of(raw, "opens"), _time_of(raw, "closes")
    if not opens < closes:
        raise BadAppointmentRules(name=NAME, part="closes", rule="> opens")
    for field, (low, high) in LIMITS.items():
        said = raw.get(field)
        if not isinstance(said, int) or isinstance(said, bool) or not low <= said <= high:
            raise BadAppointmentRules(name=NAME, part=field, rule=f"{low} … {high}")
    return SlotRules(opens, closes, **{field: raw[field] for field in LIMITS})


def _time_of(raw: Mapping[str, Any], field: str) -> time:
    try:
        said = time.fromisoformat(str(raw.get(field)))
    except ValueError:
        said = None
    if said is None or said.tzinfo is not None:
        raise BadAppointmentRules(name=NAME, part=field, rule="HH:MM")
    return said


def slots_of(day: date, rules: SlotRules, zone: str) -> list[Slot]:
    """Every slot of a day; one that would end after closing time is none."""
    at, length = datetime.combine(day, rules.opens, ZoneInfo(zone)), timedelta(minutes=rules.slot_minutes)
    end = datetime.combine(day, rules.closes, ZoneInfo(zone))
    found = []
    while at + length <= end:
        found.append(Slot(at, at + length))
        at += length
    return found


def check_slot(at: datetime, now: datetime, rules: SlotRules, zone: str) -> Slot:
    """The slot that begins at ``at``. Raises NoSuchSlot, SlotOver, SlotTooFar."""
    local = at.astimezone(ZoneInfo(zone))
    said = f"{local:%Y-%m-%d %H:%M}"
    slot = next((one for one in slots_of(local.date(), rules, zone) if one.from_at == at), None)
    if slot is None:
        hours = {"opens": f"{rules.opens:%H:%M}", "closes": f"{rules.closes:%H:%M}"}
        raise NoSuchSlot(at=said, minutes=rules.slot_minutes, **hours)
    if slot.until_at <= now:
        raise SlotOver(at=said)
    if (local.date() - now.astimezone(ZoneInfo(zone)).date()).days > rules.days_ahead:
        raise SlotTooFar(days=rules.days_ahead)
    return slot


def fits(slot: Slot, at: datetime, rules: SlotRules) -> bool:
    """Whether a vehicle that arrives at ``at`` arrives for this slot."""
    early, late = timedelta(minutes=rules.early_minutes), timedelta(minutes=rules.late_minutes)
    return slot.from_at - early <= at <= slot.until_at + late


def net_weight_g(weigh_in_g: int | None, weigh_out_g: int | None) -> int | None:
    """What was brought (positive) or fetched (negative): the difference of both weighings in grams."""
    return weigh_in_g - weigh_out_g if weigh_in_g and weigh_out_g else None
