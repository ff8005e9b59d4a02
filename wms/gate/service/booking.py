"""Appointments of vehicles: a firm books a slot, cancels, and the vehicle that comes for it is matched."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes import plates
from wms.errors import WmsError
from wms.gate.rules import yard as rules
from wms.gate.tables import Appointment, AppointmentSlot
from wms.parties import dated
from wms.parties.tables import Site
from wms.record.service import append_leaf
from wms.watch.service import NewAlarm, raise_alarm

NO_SHOWS = 200
# A firm may wake the live pages, but reads no note of anybody: its insert returns nothing.
NOTE = text("INSERT INTO live_note (topic, subject_id) VALUES ('yard', :appointment_id)")


@dataclass(frozen=True)
class BookSlot:
    """Announce a vehicle for the slot of a site that begins at ``from_at``; ``reference`` is the firm's own number."""

    company_id: int
    site_id: int
    plate: str
    purpose: str
    from_at: datetime
    at: datetime
    person_id: int | None = None
    reference: str | None = None


def slot_rules(session: Session, site: Site, on: date) -> rules.SlotRules:
    """What holds for appointments at a site on a day."""
    return rules.rules_of(dated.value(session, rules.NAME, on, site.code))


def checked_plate(text: str) -> str:
    """The normalised plate. Raises BadPlate."""
    plate = plates.normalise(text)
    if not plates.is_plate(plate):
        raise rules.BadPlate(plate=text.strip()[:20] or "-")
    return plate


def book(session: Session, command: BookSlot) -> Appointment:
    """Book a slot; whoever comes when its last place is gone is refused, however many ask at once.

    Raises:
        BadPlate, NoSuchSlot, SlotOver, SlotTooFar, SlotFull, AlreadyBooked.
    """
    plate = checked_plate(command.plate)
    site = session.get_one(Site, command.site_id)
    zone = ZoneInfo(site.time_zone)
    held = slot_rules(session, site, command.from_at.astimezone(zone).date())
    slot = rules.check_slot(command.from_at, command.at, held, site.time_zone)
    said = f"{slot.from_at.astimezone(zone):%Y-%m-%d %H:%M}"
    taken = _take_place(session, command.site_id, slot, held.capacity)
    if taken is None:
        raise rules.SlotFull(at=said, capacity=held.capacity)
    made = session.scalar(
        insert(Appointment)
        .values(
            company_id=command.company_id,
            site_id=command.site_id,
            slot_id=taken,
            plate=plate,
            purpose=command.purpose,
            reference=(command.reference or "").strip() or None,
            booked_by=command.person_id,
            booked_at=command.at,
        )
        .on_conflict_do_nothing()
        .returning(Appointment.id)
    )
    if made is None:
        raise rules.AlreadyBooked(plate=plate, at=said)
    append_leaf(session, "appointment", {"plate": plate, "from_at": slot.from_at}, made)
    session.execute(NOTE, {"appointment_id": made})
    return session.get_one(Appointment, made)


def _take_place(session: Session, site_id: int, slot: rules.Slot, capacity: int) -> int | None:
    """One place of the slot, its row made by the first who books; None when none is left."""
    row = {"site_id": site_id, "from_at": slot.from_at, "until_at": slot.until_at, "capacity": capacity}
    session.execute(insert(AppointmentSlot).values(**row).on_conflict_do_nothing())
    return session.scalar(
        update(AppointmentSlot)
        .where(
            AppointmentSlot.site_id == site_id,
            AppointmentSlot.from_at == slot.from_at,
            AppointmentSlot.booked < AppointmentSlot.capacity,
        )
        .values(booked=AppointmentSlot.booked + 1)
        .returning(AppointmentSlot.id)
        .execution_options(synchronize_session=False)
    )


def cancel(session: Session, appointment_id: int, *, reason: str, at: datetime) -> Appointment:
    """Give the place back. Raises UnknownAppointment, AppointmentNotBooked, YardReasonTooShort."""
    found = session.scalar(
        select(Appointment)
        .where(Appointment.id == appointment_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise rules.UnknownAppointment(appointment_id=appointment_id)
    if found.state != "booked":
        raise rules.AppointmentNotBooked(state=found.state)
    if len(reason.strip()) < rules.MIN_REASON_CHARS:
        raise rules.YardReasonTooShort(field="reason")
    found.state, found.cancelled_at, found.cancel_reason = "cancelled", at, reason.strip()
    session.execute(
        update(AppointmentSlot)
        .where(AppointmentSlot.id == found.slot_id)
        .values(booked=AppointmentSlot.booked - 1)
        .execution_options(synchronize_session=False)
    )
    session.flush()
    append_leaf(session, "appointment_cancelled", {"plate": found.plate, "reason": found.cancel_reason}, found.id)
    session.execute(NOTE, {"appointment_id": found.id})
    return found


def match_arrival(session: Session, site_id: int, plate: str, visit_id: int, at: datetime) -> int | None:
    """The appointment that a vehicle arriving at ``at`` comes for is kept; returns its id, None when it has none."""
    waiting = session.execute(
        select(Appointment, AppointmentSlot.from_at, AppointmentSlot.until_at)
        .join(AppointmentSlot, AppointmentSlot.id == Appointment.slot_id)
        .where(Appointment.site_id == site_id, Appointment.plate == plate, Appointment.state == "booked")
        .order_by(AppointmentSlot.from_at)
        .with_for_update(of=Appointment, key_share=True)
    ).all()
    if not waiting:
        return None
    site = session.get_one(Site, site_id)
    try:
        held = slot_rules(session, site, at.astimezone(ZoneInfo(site.time_zone)).date())
    except WmsError:  # a passage is confirmed whatever was entered for appointments
        return None
    for appointment, from_at, until_at in waiting:
        if rules.fits(rules.Slot(from_at, until_at), at, held):
            appointment.state, appointment.visit_id = "arrived", visit_id
            session.flush()
            return int(appointment.id)
    return None


def note_no_shows(session: Session, now: datetime) -> int:
    """Appointments whose vehicle did not come in time, each with one alarm; returns how many."""
    due = session.execute(
        select(Appointment, AppointmentSlot.from_at, AppointmentSlot.until_at, Site)
        .join(AppointmentSlot, AppointmentSlot.id == Appointment.slot_id)
        .join(Site, Site.id == Appointment.site_id)
        .where(Appointment.state == "booked", AppointmentSlot.until_at < now)
        .order_by(Appointment.id)
        .limit(NO_SHOWS)
        .with_for_update(of=Appointment, skip_locked=True)
    ).all()
    missed = 0
    for appointment, from_at, until_at, site in due:
        try:
            held = slot_rules(session, site, from_at.astimezone(ZoneInfo(site.time_zone)).date())
        except WmsError:  # of this site nothing usable is entered; the others are looked at
            continue
        if now <= until_at + timedelta(minutes=held.late_minutes):
            continue
        appointment.state = "no_show"
        session.flush()
        raise_alarm(session, NewAlarm(site.id, "lane", "no_show", appointment.plate, now, appointment.reference or ""))
        session.execute(NOTE, {"appointment_id": appointment.id})
        missed += 1
    return missed
