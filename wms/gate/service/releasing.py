"""An officer's release of a held vehicle: named, with a reason, and for the kinds marked so by two persons."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs.clock import BEIJING
from wms.customs.tables import GatePass
from wms.gate.rules import hold_of
from wms.gate.rules.refusals import (
    AnotherVehicle,
    LaneLocked,
    NoBarrier,
    NotAnOfficer,
    NotHeld,
    PassInUse,
    ReasonTooShort,
    ReleaseNotRequested,
    ReleaseWaits,
    SamePerson,
    UnknownPassage,
    UnknownRelease,
    VehicleGone,
)
from wms.gate.rules.release_terms import OTHER, PictureNeeded, ReleaseTerms, release_terms
from wms.gate.service.controls import controls_on, share_control
from wms.gate.service.facts import is_claimed
from wms.gate.service.orders import BY_CONTROL, order_open, standing_lock
from wms.gate.service.pictures import has_picture
from wms.gate.tables import Decision, Lane, Passage, PassageReading, Release
from wms.parties import dated
from wms.parties.tables import Person, PersonRole
from wms.record.service import append_leaf
from wms.watch.service import announce

MIN_REASON_CHARS = 4
ANOTHER_PLATE = "another_plate"  # why of a reading that says: somebody else stands here


@dataclass(frozen=True)
class ReleaseHold:
    """Let the held vehicle of a passage through, for ``reason`` in words and ``reason_code`` of the list."""

    passage_id: int
    officer_id: int
    reason: str
    at: datetime
    reason_code: str = OTHER


def release_hold(session: Session, command: ReleaseHold) -> Release:
    """Release a hold: granted at once, or ``requested`` where it needs a second officer.

    It needs one for every hold that applies, also for a check that was not reached, and for an order of customs that
    was given since.

    Raises:
        NotAnOfficer, UnknownPassage, NotHeld, VehicleGone, AnotherVehicle, ReasonTooShort, UnknownReason,
        PictureNeeded, ReleaseWaits, PassInUse, NoBarrier, LaneLocked.
    """
    require_officer(session, command.officer_id)
    if len(command.reason.strip()) < MIN_REASON_CHARS:
        raise ReasonTooShort(field="reason")
    share_control(session)
    terms = terms_of(session, command.at)
    terms.check_reason(command.reason_code)
    passage = _held(session, command.passage_id)
    if _waiting(session, passage.id) is not None:
        raise ReleaseWaits
    hold = hold_of(passage.hold_code or "")
    codes = holds_of(session, passage)
    if terms.needs_picture(codes) and not has_picture(session, passage.id):
        raise PictureNeeded(field="picture")
    gate_pass = _pass_of(session, passage)
    release = Release(
        passage_id=passage.id,
        made_by="officer",
        state="requested",
        gate_pass_id=gate_pass.id if gate_pass else None,
        vehicle_plate=passage.plate if gate_pass else None,
        stage=session.get_one(Lane, passage.lane_id).stage,
        hold_code=hold.code,
        needs_second=terms.needs_second(codes),
        requested_by=command.officer_id,
        reason_code=command.reason_code,
        reason=command.reason.strip(),
        requested_at=command.at,
    )
    session.add(release)
    session.flush()
    _record(session, "release_requested", release, command.officer_id)
    return release if release.needs_second else _grant(session, release, passage, command.officer_id, command.at)


def terms_of(session: Session, at: datetime) -> ReleaseTerms:
    """The terms of releases on a day."""
    return release_terms(dated.value(session, "gate.manual_release", at.astimezone(BEIJING).date()))


def holds_of(session: Session, passage: Passage) -> set[str]:
    """Every hold that stands against a passage: what holds it, what else its decision found, orders given since.

    An order that was withdrawn no longer counts.
    """
    checks = session.scalar(select(Decision.checks).where(Decision.passage_id == passage.id)) or []
    codes = {check["hold_code"] for check in checks if check.get("hold_code")}
    codes = {code for code in codes if not code.startswith("control_")}
    if passage.hold_code:
        codes.add(passage.hold_code)
    if (control := controls_on(session, passage)) is not None:
        codes.add(f"control_{control}")
    return codes


def approve_release(session: Session, release_id: int, *, officer_id: int, at: datetime) -> Release:
    """The second officer agrees. Raises NotAnOfficer, UnknownRelease, ReleaseNotRequested, SamePerson, VehicleGone …"""
    share_control(session)
    release = _requested(session, release_id, officer_id)
    if release.requested_by == officer_id:
        raise SamePerson
    passage = _held(session, release.passage_id)
    _pass_of(session, passage)  # another lane may have taken the pass since the request
    release.approved_by = officer_id
    return _grant(session, release, passage, officer_id, at)


def refuse_release(session: Session, release_id: int, *, officer_id: int) -> Release:
    """An officer does not agree (or takes the request back); the vehicle stays held."""
    release = _requested(session, release_id, officer_id)
    release.state = "refused"
    session.flush()
    _record(session, "release_refused", release, officer_id)
    announce(session, "passage", release.passage_id)
    return release


def _grant(session: Session, release: Release, passage: Passage, officer_id: int, at: datetime) -> Release:
    lane = session.get_one(Lane, passage.lane_id, populate_existing=True)
    if lane.barrier_device is None:
        raise NoBarrier(lane=lane.code)
    if not lane.is_open and not (standing_lock(session, lane) or BY_CONTROL).startswith(BY_CONTROL):
        raise LaneLocked(lane=lane.code)
    release.state, release.granted_at = "granted", at
    passage.state = "released"
    session.flush()
    order_open(session, release, lane, decided_by=f"person:{officer_id}", at=at)
    _record(session, "release_granted", release, officer_id)
    announce(session, "passage", passage.id)
    return release


def require_officer(session: Session, person_id: int) -> None:
    """Raise NotAnOfficer unless the person is an active customs officer."""
    officer = session.scalar(
        select(Person.id)
        .join(PersonRole, PersonRole.person_id == Person.id)
        .where(Person.id == person_id, Person.is_active, PersonRole.role == "customs_officer")
        .limit(1)
    )
    if officer is None:
        raise NotAnOfficer


def _held(session: Session, passage_id: int) -> Passage:
    passage = session.scalar(
        select(Passage)
        .where(Passage.id == passage_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if passage is None:
        raise UnknownPassage(passage_id=passage_id)
    if passage.state != "held":
        raise NotHeld(state=passage.state)
    if passage.closed_at is not None:
        raise VehicleGone
    stranger = session.scalars(
        select(PassageReading.content["plate"].astext).where(
            PassageReading.passage_id == passage_id, PassageReading.why == ANOTHER_PLATE
        )
    ).first()
    if stranger is not None:
        raise AnotherVehicle(plate=stranger)
    return passage


def _waiting(session: Session, passage_id: int) -> Release | None:
    living = Release.state.in_(("requested", "granted", "used"))
    return session.scalar(select(Release).where(Release.passage_id == passage_id, living))


def _pass_of(session: Session, passage: Passage) -> GatePass | None:
    """The pass the decision was sure of, locked; its goods leave with the vehicle."""
    pass_id = session.scalar(select(Decision.gate_pass_id).where(Decision.passage_id == passage.id))
    if pass_id is None:
        return None
    gate_pass = session.scalars(
        select(GatePass)
        .where(GatePass.id == pass_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    lane = session.get_one(Lane, passage.lane_id)
    if is_claimed(session, gate_pass, passage.id, lane.stage):
        raise PassInUse(number=gate_pass.pass_no)
    return gate_pass if gate_pass.state in ("approved", "passed_first") else None


def _requested(session: Session, release_id: int, officer_id: int) -> Release:
    require_officer(session, officer_id)
    release = session.scalar(
        select(Release)
        .where(Release.id == release_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if release is None:
        raise UnknownRelease(release_id=release_id)
    if release.state != "requested":
        raise ReleaseNotRequested(state=release.state)
    return release


def _record(session: Session, kind: str, release: Release, officer_id: int) -> None:
    append_leaf(
        session,
        kind,
        {
            "passage_id": release.passage_id,
            "officer_id": officer_id,
            "hold_code": release.hold_code,
            "reason_code": release.reason_code,
            "reason": release.reason,
        },
        release.id,
    )
