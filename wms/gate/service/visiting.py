"""Visits: a vehicle announces itself, comes in, is at a dock or in the inspection area, and leaves."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.errors import WmsError
from wms.gate.rules import yard as rules
from wms.gate.service.booking import checked_plate, match_arrival, slot_rules
from wms.gate.tables import Appointment, Lane, Passage, Visit, VisitStep
from wms.parties.tables import Site
from wms.record.service import append_leaf
from wms.watch.service import NewAlarm, announce, raise_alarm

INSIDE_ONLY = ("dock", "inspection", "parking")
HERE = text("visit.state IN ('queued', 'inside')")  # in these letters: the index of those who are here


def announce_arrival(session: Session, site_id: int, plate: str, *, person_id: int | None, at: datetime) -> Visit:
    """A vehicle has come to the gate and waits; its appointment is matched. Raises BadPlate, AlreadyHere."""
    plate = checked_plate(plate)
    if _here(session, site_id, plate) is not None:
        raise rules.AlreadyHere(plate=plate)
    visit = Visit(site_id=site_id, plate=plate, state="queued", queued_at=at)
    session.add(visit)
    session.flush()
    match_arrival(session, site_id, plate, visit.id, at)
    _begin(session, visit, "queue", at, person_id=person_id)
    append_leaf(session, "visit_announced", {"plate": plate, "at": at}, visit.id)
    announce(session, "yard", visit.id)
    return visit


def move_on(
    session: Session, visit_id: int, kind: str, place: str, *, person_id: int | None, at: datetime
) -> VisitStep:
    """Say where a vehicle is now; the step before ends. Raises UnknownVisit, VisitOver, StepNotPossible."""
    visit = _locked(session, visit_id)
    if visit.state in ("left", "gone"):
        raise rules.VisitOver(plate=visit.plate)
    if (visit.state == "queued") == (kind in INSIDE_ONLY):
        raise rules.StepNotPossible
    step = _begin(session, visit, kind, at, place=place.strip(), person_id=person_id)
    announce(session, "yard", visit.id)
    return step


def turn_away(session: Session, visit_id: int, *, at: datetime) -> Visit:
    """A vehicle that waited outside has gone without coming in. Raises UnknownVisit, VisitOver."""
    visit = _locked(session, visit_id)
    if visit.state != "queued":
        raise rules.VisitOver(plate=visit.plate)
    visit.state, visit.left_at = "gone", at
    _end_step(session, visit.id, at)
    session.flush()
    announce(session, "yard", visit.id)
    return visit


def note_in_lane(session: Session, passage: Passage, at: datetime) -> None:
    """A vehicle of a visit stands in a lane: on its way in, or out."""
    visit = _here(session, passage.site_id, passage.plate) if passage.plate else None
    if visit is not None and (visit.state == "queued") == (passage.direction == "I"):
        kind = "lane_in" if passage.direction == "I" else "lane_out"
        place = session.get_one(Lane, passage.lane_id).code
        _begin(session, visit, kind, at, place=place, passage_id=passage.id)
        announce(session, "yard", visit.id)


def note_turned_back(session: Session, passage: Passage, at: datetime) -> None:
    """A vehicle backed out of its lane: it waits outside again, or stands inside as before."""
    found = session.scalars(
        select(Visit)
        .join(VisitStep, VisitStep.visit_id == Visit.id)
        .where(VisitStep.passage_id == passage.id, VisitStep.until_at.is_(None), HERE)
        .with_for_update(of=Visit, key_share=True)
        .execution_options(populate_existing=True)
    ).first()
    if found is not None:
        _begin(session, found, "queue" if found.state == "queued" else "parking", at)
        announce(session, "yard", found.id)


def note_passage(session: Session, passage: Passage, at: datetime) -> None:
    """A vehicle that came in is inside; one that went out has left (also when nobody saw it come)."""
    if passage.plate is None:
        return
    visit = _come_in(session, passage, at) if passage.direction == "I" else _gone_out(session, passage, at)
    passage.visit_id = visit.id
    session.flush()
    announce(session, "yard", visit.id)


def _come_in(session: Session, passage: Passage, at: datetime) -> Visit:
    assert passage.plate is not None
    visit = _here(session, passage.site_id, passage.plate)
    if visit is None:
        new = {"site_id": passage.site_id, "plate": passage.plate, "state": "inside", "arrived_at": at}
        session.execute(insert(Visit).values(**new).on_conflict_do_nothing())
        visit = _here(session, passage.site_id, passage.plate)
        assert visit is not None
        match_arrival(session, passage.site_id, passage.plate, visit.id, at)
    elif visit.state == "queued" and not _has_appointment(session, visit.id):
        # it may have waited since long ago: what it comes for now is looked for now
        match_arrival(session, passage.site_id, passage.plate, visit.id, at)
    if visit.state == "queued" or visit.weigh_in_g is None:
        visit.state, visit.arrived_at = "inside", visit.arrived_at or at
        visit.weigh_in_g = passage.weight_g
    _begin(session, visit, "parking", at, passage_id=passage.id)
    return visit


def _has_appointment(session: Session, visit_id: int) -> bool:
    return session.scalar(select(Appointment.id).where(Appointment.visit_id == visit_id).limit(1)) is not None


def _gone_out(session: Session, passage: Passage, at: datetime) -> Visit:
    assert passage.plate is not None
    visit = _here(session, passage.site_id, passage.plate)
    if visit is None or visit.state != "inside":
        visit = Visit(site_id=passage.site_id, plate=passage.plate, state="left", left_at=at)
        session.add(visit)
        session.flush()
    visit.state, visit.left_at, visit.weigh_out_g = "left", at, passage.weight_g
    _end_step(session, visit.id, at)
    return visit


def note_overstays(session: Session, now: datetime) -> int:
    """Vehicles that are inside longer than the site allows: one alarm for each visit; returns how many."""
    sites: Sequence[Site] = session.scalars(select(Site)).all()
    found = 0
    for site in sites:
        try:
            held = slot_rules(session, site, now.astimezone(ZoneInfo(site.time_zone)).date())
        except WmsError:  # of this site nothing usable is entered; the others are looked at
            continue
        due = session.scalars(
            select(Visit)
            .where(
                Visit.site_id == site.id,
                Visit.state == "inside",
                Visit.overstay_alarmed_at.is_(None),
                Visit.arrived_at < now - timedelta(minutes=held.overstay_minutes),
            )
            .order_by(Visit.id)
            .with_for_update(skip_locked=True)
        ).all()
        for visit in due:
            visit.overstay_alarmed_at = now
            raise_alarm(session, NewAlarm(site.id, "lane", "overstay", visit.plate, now))
            announce(session, "yard", visit.id)
        found += len(due)
    return found


def _here(session: Session, site_id: int, plate: str) -> Visit | None:
    """The visit of a vehicle that is inside, else the one that waits outside; locked, as by who moves it."""
    return session.scalars(
        select(Visit)
        .where(Visit.site_id == site_id, Visit.plate == plate, HERE)
        .order_by(Visit.state)
        .limit(1)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).first()


def _locked(session: Session, visit_id: int) -> Visit:
    visit = session.scalar(
        select(Visit)
        .where(Visit.id == visit_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if visit is None:
        raise rules.UnknownVisit(visit_id=visit_id)
    return visit


def _begin(
    session: Session,
    visit: Visit,
    kind: str,
    at: datetime,
    *,
    place: str = "",
    passage_id: int | None = None,
    person_id: int | None = None,
) -> VisitStep:
    _end_step(session, visit.id, at)
    step = VisitStep(visit_id=visit.id, kind=kind, place=place, passage_id=passage_id, person_id=person_id, from_at=at)
    session.add(step)
    session.flush()
    return step


def _end_step(session: Session, visit_id: int, at: datetime) -> None:
    for step in session.scalars(select(VisitStep).where(VisitStep.visit_id == visit_id, VisitStep.until_at.is_(None))):
        step.until_at = max(at, step.from_at)
    session.flush()
