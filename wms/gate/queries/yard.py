"""The yard as it is: who is here, who is expected, who stayed away, and how long each step took."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from wms.gate.rules.yard import Slot, SlotRules, net_weight_g, slots_of
from wms.gate.service.booking import slot_rules
from wms.gate.tables import Appointment, AppointmentSlot, Blacklist, Visit, VisitStep
from wms.parties.tables import Company, Person, Site

DAY = timedelta(days=1)


@dataclass(frozen=True)
class StepRow:
    """A step of a visit; ``seconds`` until it ended, or until now."""

    kind: str
    place: str
    from_at: datetime
    until_at: datetime | None
    seconds: int
    passage_id: int | None = None


@dataclass(frozen=True)
class VisitRow:
    """A visit. Weights in grams; ``net_g`` is positive for what was brought. ``dwell_s``: seconds since it came in."""

    id: int
    site_code: str
    plate: str
    state: str
    queued_at: datetime | None
    arrived_at: datetime | None
    left_at: datetime | None
    weigh_in_g: int | None
    weigh_out_g: int | None
    net_g: int | None
    dwell_s: int | None
    is_overstay: bool
    slot_at: datetime | None
    steps: tuple[StepRow, ...]

    @property
    def now(self) -> StepRow | None:
        """Where the vehicle is."""
        return self.steps[-1] if self.steps and self.steps[-1].until_at is None else None


@dataclass(frozen=True)
class AppointmentRow:
    """An appointment with its slot and the firm that made it."""

    id: int
    site_code: str
    company_code: str
    company_zh: str
    company_en: str
    plate: str
    purpose: str
    reference: str | None
    state: str
    from_at: datetime
    until_at: datetime
    visit_id: int | None
    cancel_reason: str | None


@dataclass(frozen=True)
class SlotRow:
    """A slot with its places."""

    from_at: datetime
    until_at: datetime
    capacity: int
    booked: int


@dataclass(frozen=True)
class Expected:
    """A day: how many were expected, came, stayed away, and came without an appointment."""

    booked: int
    arrived: int
    no_show: int
    cancelled: int
    unannounced: int


@dataclass(frozen=True)
class BlacklistRow:
    """An entry of the blacklist with the names of those who made and ended it."""

    id: int
    plate: str
    reason: str
    from_at: datetime
    until_at: datetime | None
    by_zh: str | None
    by_en: str | None
    end_reason: str | None


def visits(
    session: Session,
    now: datetime,
    *,
    states: tuple[str, ...] = ("queued", "inside"),
    after: int = 0,
    limit: int = 200,
    plate: str | None = None,
) -> list[VisitRow]:
    """Visits in these states, the newest first; ``after`` continues below the visit with that id."""
    wanted = (
        select(Visit, Site.code, AppointmentSlot.from_at)
        .join(Site, Site.id == Visit.site_id)
        .outerjoin(Appointment, Appointment.visit_id == Visit.id)
        .outerjoin(AppointmentSlot, AppointmentSlot.id == Appointment.slot_id)
        .where(Visit.state.in_(states))
        .order_by(Visit.id.desc())
        .limit(limit)
    )
    if after:
        wanted = wanted.where(Visit.id < after)
    if plate:
        wanted = wanted.where(Visit.plate == plate)
    found = session.execute(wanted).all()
    steps = _steps(session, [visit.id for visit, _, _ in found], now)
    return [_visit_row(visit, code, slot_at, steps.get(visit.id, ()), now) for visit, code, slot_at in found]


def visit(session: Session, visit_id: int, now: datetime) -> VisitRow | None:
    """One visit with its steps."""
    found = session.execute(
        select(Visit, Site.code, AppointmentSlot.from_at)
        .join(Site, Site.id == Visit.site_id)
        .outerjoin(Appointment, Appointment.visit_id == Visit.id)
        .outerjoin(AppointmentSlot, AppointmentSlot.id == Appointment.slot_id)
        .where(Visit.id == visit_id)
        .limit(1)
    ).one_or_none()
    if found is None:
        return None
    row, code, slot_at = found
    return _visit_row(row, code, slot_at, _steps(session, [visit_id], now).get(visit_id, ()), now)


def _visit_row(
    visit: Visit, code: str, slot_at: datetime | None, steps: tuple[StepRow, ...], now: datetime
) -> VisitRow:
    dwell = None if visit.arrived_at is None else int(((visit.left_at or now) - visit.arrived_at).total_seconds())
    return VisitRow(
        visit.id, code, visit.plate, visit.state, visit.queued_at, visit.arrived_at, visit.left_at, visit.weigh_in_g,
        visit.weigh_out_g, net_weight_g(visit.weigh_in_g, visit.weigh_out_g), dwell,
        visit.overstay_alarmed_at is not None and visit.state == "inside", slot_at, steps,
    )  # fmt: skip


def _steps(session: Session, visit_ids: list[int], now: datetime) -> dict[int, tuple[StepRow, ...]]:
    found: dict[int, tuple[StepRow, ...]] = {}
    rows = session.scalars(select(VisitStep).where(VisitStep.visit_id.in_(visit_ids)).order_by(VisitStep.id))
    for step in rows:
        seconds = int(((step.until_at or now) - step.from_at).total_seconds())
        row = StepRow(step.kind, step.place, step.from_at, step.until_at, max(seconds, 0), step.passage_id)
        found[step.visit_id] = (*found.get(step.visit_id, ()), row)
    return found


def appointments(
    session: Session,
    *,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
    state: str | None = None,
    after: int = 0,
    limit: int = 200,
) -> list[AppointmentRow]:
    """Appointments in the order in which they were made; ``after`` continues behind the one with that id."""
    wanted = (
        select(
            Appointment.id, Site.code, Company.code, Company.name_zh, Company.name_en, Appointment.plate,
            Appointment.purpose, Appointment.reference, Appointment.state, AppointmentSlot.from_at,
            AppointmentSlot.until_at, Appointment.visit_id, Appointment.cancel_reason,
        )
        .join(AppointmentSlot, AppointmentSlot.id == Appointment.slot_id)
        .join(Site, Site.id == Appointment.site_id)
        .join(Company, Company.id == Appointment.company_id)
        .where(Appointment.id > after)
        .order_by(Appointment.id)
        .limit(limit)
    )  # fmt: skip
    if from_at is not None:
        wanted = wanted.where(AppointmentSlot.from_at >= from_at)
    if until_at is not None:
        wanted = wanted.where(AppointmentSlot.from_at < until_at)
    if state:
        wanted = wanted.where(Appointment.state == state)
    found: list[tuple[Any, ...]] = [tuple(row) for row in session.execute(wanted)]
    return [AppointmentRow(*row) for row in found]


def appointment(session: Session, appointment_id: int) -> AppointmentRow | None:
    """One appointment, None when there is none that the caller may see."""
    found = appointments(session, after=appointment_id - 1, limit=1)
    return found[0] if found and found[0].id == appointment_id else None


def free_slots(session: Session, site: Site, day: datetime) -> list[SlotRow]:
    """The slots of the day of ``day`` at a site, with what is booked of each."""
    rules: SlotRules = slot_rules(session, site, day.date())
    slots: list[Slot] = slots_of(day.date(), rules, site.time_zone)
    rows = session.scalars(
        select(AppointmentSlot).where(
            AppointmentSlot.site_id == site.id, AppointmentSlot.from_at.in_([slot.from_at for slot in slots])
        )
    )
    known = {row.from_at: row for row in rows}
    return [
        SlotRow(slot.from_at, slot.until_at, row.capacity if row else rules.capacity, row.booked if row else 0)
        for slot in slots
        for row in (known.get(slot.from_at),)
    ]


def expected(session: Session, from_at: datetime, until_at: datetime) -> Expected:
    """Expected against arrived between two instants."""
    states: dict[str, int] = {}
    counted = (
        select(Appointment.state, func.count())
        .join(AppointmentSlot, AppointmentSlot.id == Appointment.slot_id)
        .where(AppointmentSlot.from_at >= from_at, AppointmentSlot.from_at < until_at)
        .group_by(Appointment.state)
    )
    for state, n in session.execute(counted):
        states[state] = int(n)
    came = func.coalesce(Visit.queued_at, Visit.arrived_at)
    unannounced = session.scalars(
        select(func.count())
        .select_from(Visit)
        .where(
            came >= from_at,
            came < until_at,
            ~select(Appointment.id).where(Appointment.visit_id == Visit.id).correlate(Visit).exists(),
        )
    ).one()
    return Expected(
        states.get("booked", 0), states.get("arrived", 0), states.get("no_show", 0), states.get("cancelled", 0),
        unannounced,
    )  # fmt: skip


def blacklist(
    session: Session, now: datetime, *, only_living: bool = True, after: int = 0, limit: int = 200
) -> list[BlacklistRow]:
    """Entries of the blacklist, the newest first; ``after`` continues below the one with that id."""
    wanted = (
        select(
            Blacklist.id, Blacklist.plate, Blacklist.reason, Blacklist.from_at, Blacklist.until_at, Person.name_zh,
            Person.name_en, Blacklist.end_reason,
        )
        .outerjoin(Person, Person.id == Blacklist.entered_by)
        .order_by(Blacklist.id.desc())
        .limit(limit)
    )  # fmt: skip
    if after:
        wanted = wanted.where(Blacklist.id < after)
    if only_living:
        wanted = wanted.where(or_(Blacklist.until_at.is_(None), Blacklist.until_at > now))
    return [BlacklistRow(*row) for row in session.execute(wanted)]
