"""Reads of the fence: the plan with its sections, one alarm with all its steps, rates of false alarms, patrols."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from wms.parties.tables import Person, Site
from wms.watch.rules import StepDue
from wms.watch.rules.fence import Figures, Shortfall, UnknownSection, false_rate_permille, section_state, shortfalls
from wms.watch.service.fence import facility_figures
from wms.watch.service.levels import due_of
from wms.watch.tables import (
    Alarm,
    Camera,
    CameraLink,
    FenceSection,
    FenceSensor,
    FenceSignal,
    FenceSwitch,
    FenceZone,
    PatrolCheckpoint,
    PatrolRound,
    PatrolRoute,
    PatrolVisit,
)
from wms.watch.tables.video import Clip

TAKEN = ("acknowledged", "dispatched")


@dataclass(frozen=True)
class SectionRow:
    """A section as it stands now. ``state``: alarm, taken, disarmed or quiet; ``path`` in decimetres on the plan."""

    id: int
    site_id: int
    site_code: str
    site_zh: str
    site_en: str
    zone_code: str | None
    code: str
    name_zh: str
    name_en: str
    sensor: str
    is_armed: bool
    state: str
    raised: int
    taken: int
    path: tuple[int, ...]
    figures: Figures
    length_mm: int
    shortfalls: tuple[Shortfall, ...]
    last_signal_at: datetime | None


@dataclass(frozen=True)
class SwitchRow:
    """Who armed or disarmed a section, and why."""

    at: datetime
    is_armed: bool
    person_zh: str
    person_en: str
    reason: str


@dataclass(frozen=True)
class SignalRow:
    """One edge of a sensor."""

    id: int
    reading_id: int
    device: str
    is_alarm: bool
    rule: str
    object_class: str | None
    is_live: bool
    flags: tuple[str, ...]
    was_armed: bool
    event_at: datetime | None
    received_at: datetime
    alarm_id: int | None


@dataclass(frozen=True)
class ClipRow:
    """A stretch of a recording: where it is and what its bytes hash to, or why it is not there."""

    id: int
    camera_code: str
    camera_zh: str
    camera_en: str
    from_at: datetime
    until_at: datetime
    state: str
    uri: str | None
    sha256: str | None
    size_bytes: int | None
    fault: str | None


@dataclass(frozen=True)
class AlarmStory:
    """One alarm with every step, the edges that raised and joined it, its clips, and each step against its level."""

    alarm: Alarm
    names: dict[int, tuple[str, str]]
    section: FenceSection | None
    signals: tuple[SignalRow, ...]
    clips: tuple[ClipRow, ...]
    steps: tuple[StepDue, ...]


@dataclass(frozen=True)
class RateRow:
    """Alarms of a section that were settled in a period; ``false_permille`` among the real and false ones."""

    section_id: int
    code: str
    name_zh: str
    name_en: str
    n_alarms: int
    n_triggers: int
    n_real: int
    n_false: int
    n_test: int
    false_permille: int | None


@dataclass(frozen=True)
class CheckpointRow:
    """A checkpoint of the round that is due or was last."""

    code: str
    name_zh: str
    name_en: str
    visited_at: datetime | None
    person_zh: str | None
    person_en: str | None
    finding: str


@dataclass(frozen=True)
class RoundRow:
    """A patrol round with its checkpoints."""

    id: int
    route_id: int
    route_code: str
    route_zh: str
    route_en: str
    due_at: datetime
    due_until_at: datetime
    state: str
    checkpoints: tuple[CheckpointRow, ...]


def sections(session: Session, now: datetime, *, site_id: int | None = None) -> list[SectionRow]:
    """Every section with how it stands, by site and code."""
    asked = facility_figures(session, now.date())
    of_alarm = (Alarm.fence_section_id, Alarm.state)
    counted = select(*of_alarm, func.count()).where(Alarm.state.in_(("raised", *TAKEN))).group_by(*of_alarm)
    open_: dict[int | None, dict[str, int]] = {}
    for section_id, state, n in session.execute(counted):
        open_.setdefault(section_id, {})[state] = n
    last = dict(
        cast(
            "Any",
            session.execute(
                select(FenceSignal.section_id, func.max(FenceSignal.received_at)).group_by(FenceSignal.section_id)
            ).all(),
        )
    )
    wanted = (
        select(FenceSection, Site, FenceZone.code)
        .join(Site, Site.id == FenceSection.site_id)
        .outerjoin(FenceZone, FenceZone.id == FenceSection.zone_id)
        .order_by(Site.code, FenceSection.code)
        .execution_options(populate_existing=True)
    )
    if site_id is not None:
        wanted = wanted.where(FenceSection.site_id == site_id)
    found = []
    for row, site, zone in session.execute(wanted):
        counts = open_.get(row.id, {})
        raised, taken = counts.get("raised", 0), sum(counts.get(state, 0) for state in TAKEN)
        figures = _figures(row)
        found.append(
            SectionRow(
                row.id, row.site_id, site.code, site.name_zh, site.name_en, zone, row.code, row.name_zh, row.name_en,
                row.sensor, row.is_armed, section_state(is_armed=row.is_armed, raised=raised, taken=taken), raised,
                taken, tuple(row.path), figures, row.length_mm, shortfalls(figures, asked), last.get(row.id),
            )
        )  # fmt: skip
    return found


def _figures(row: FenceSection) -> Figures:
    return Figures(
        row.height_mm, row.mesh_mm2, row.post_gap_mm, row.barbed_rows, row.strip_inside_mm, row.strip_outside_mm
    )


def section(session: Session, section_id: int, now: datetime) -> SectionRow:
    """One section. Raises :class:`UnknownSection`."""
    for row in sections(session, now):
        if row.id == section_id:
            return row
    raise UnknownSection(section=section_id)


def sensors(session: Session, section_id: int) -> list[tuple[str, str]]:
    """The further sensors of a section: device and part."""
    found = session.execute(
        select(FenceSensor.device, FenceSensor.part)
        .where(FenceSensor.section_id == section_id)
        .order_by(FenceSensor.device, FenceSensor.part)
    )
    return [(device, part) for device, part in found]


def switches(session: Session, section_id: int, limit: int = 20) -> list[SwitchRow]:
    """Who armed and disarmed a section, the newest first."""
    found = session.execute(
        select(FenceSwitch.at, FenceSwitch.is_armed, Person.name_zh, Person.name_en, FenceSwitch.reason)
        .join(Person, Person.id == FenceSwitch.person_id)
        .where(FenceSwitch.section_id == section_id)
        .order_by(FenceSwitch.id.desc())
        .limit(limit)
    )
    return [SwitchRow(*row) for row in found]


def signals(
    session: Session,
    *,
    section_id: int | None = None,
    alarm_id: int | None = None,
    after: int = 0,
    limit: int = 50,
) -> list[SignalRow]:
    """Edges of a section or of an alarm, the newest first; ``after`` continues below the edge with that id."""
    wanted = select(FenceSignal).order_by(FenceSignal.id.desc()).limit(limit)
    if section_id is not None:
        wanted = wanted.where(FenceSignal.section_id == section_id)
    if alarm_id is not None:
        wanted = wanted.where(FenceSignal.alarm_id == alarm_id)
    if after:
        wanted = wanted.where(FenceSignal.id < after)
    return [
        SignalRow(
            row.id, row.reading_id, row.device, row.is_alarm, row.rule, row.object_class, row.is_live,
            tuple(row.flags), row.was_armed, row.event_at, row.received_at, row.alarm_id,
        )
        for row in session.scalars(wanted)
    ]  # fmt: skip


def clips_of(session: Session, subject: str, subject_id: int) -> tuple[ClipRow, ...]:
    """The clips of an alarm, a passage or an event."""
    found = session.execute(
        select(Clip, Camera)
        .join(Camera, Camera.id == Clip.camera_id)
        .where(Clip.subject == subject, Clip.subject_id == subject_id)
        .order_by(Clip.id)
    )
    return tuple(
        ClipRow(
            clip.id, camera.camera_code, camera.name_zh, camera.name_en, clip.from_at, clip.until_at, clip.state,
            clip.uri, clip.sha256.hex() if clip.sha256 else None, clip.size_bytes, clip.fault,
        )
        for clip, camera in found
    )  # fmt: skip


def alarm_story(session: Session, alarm_id: int, now: datetime) -> AlarmStory | None:
    """One alarm with everything that happened to it."""
    alarm = session.get(Alarm, alarm_id)
    if alarm is None:
        return None
    ids = {alarm.acknowledged_by, alarm.dispatched_by, alarm.closed_by, alarm.reviewed_by} - {None}
    people = session.scalars(select(Person).where(Person.id.in_(ids))) if ids else ()
    return AlarmStory(
        alarm,
        {person.id: (person.name_zh, person.name_en) for person in people},
        session.get(FenceSection, alarm.fence_section_id) if alarm.fence_section_id else None,
        tuple(signals(session, alarm_id=alarm_id, limit=200)),
        clips_of(session, "alarm", alarm_id),
        due_of(session, alarm, now),
    )


def rates(session: Session, from_at: datetime, until_at: datetime) -> list[RateRow]:
    """False alarms by section, of alarms that were raised in a period."""
    within = and_(
        Alarm.fence_section_id == FenceSection.id, Alarm.source == "fence", Alarm.raised_at >= from_at,
        Alarm.raised_at < until_at,
    )  # fmt: skip
    judged = [func.count(Alarm.id).filter(Alarm.outcome == outcome) for outcome in ("real", "false", "test")]
    found = session.execute(
        select(
            FenceSection.id, FenceSection.code, FenceSection.name_zh, FenceSection.name_en, func.count(Alarm.id),
            func.coalesce(func.sum(Alarm.trigger_count), 0), *judged,
        )
        .outerjoin(Alarm, within)
        .group_by(FenceSection.id)
        .order_by(FenceSection.site_id, FenceSection.code)
    )  # fmt: skip
    return [RateRow(*cast("Any", (*row, false_rate_permille(row[6], row[7])))) for row in found]


def rounds(session: Session, *, limit: int = 10) -> list[RoundRow]:
    """The newest patrol rounds with their checkpoints."""
    found = session.execute(
        select(PatrolRound, PatrolRoute)
        .join(PatrolRoute, PatrolRoute.id == PatrolRound.route_id)
        .order_by(PatrolRound.due_at.desc(), PatrolRound.id.desc())
        .limit(limit)
    ).all()
    places = _checkpoints(session, [one.id for one, _ in found])
    return [
        RoundRow(
            one.id, route.id, route.code, route.name_zh, route.name_en, one.due_at, one.due_until_at, one.state,
            tuple(places.get(one.id, ())),
        )
        for one, route in found
    ]  # fmt: skip


def _checkpoints(session: Session, round_ids: Sequence[int]) -> dict[int, list[CheckpointRow]]:
    by = aliased(Person)
    found = session.execute(
        select(
            PatrolRound.id, PatrolCheckpoint.code, PatrolCheckpoint.name_zh, PatrolCheckpoint.name_en, PatrolVisit.at,
            by.name_zh, by.name_en, func.coalesce(PatrolVisit.finding, ""),
        )
        .join(PatrolCheckpoint, PatrolCheckpoint.route_id == PatrolRound.route_id)
        .outerjoin(
            PatrolVisit,
            and_(PatrolVisit.round_id == PatrolRound.id, PatrolVisit.checkpoint_id == PatrolCheckpoint.id),
        )
        .outerjoin(by, by.id == PatrolVisit.person_id)
        .where(PatrolRound.id.in_(round_ids))
        .order_by(PatrolRound.id, PatrolCheckpoint.place_no)
    )  # fmt: skip
    made: dict[int, list[CheckpointRow]] = {}
    for round_id, *rest in found:
        made.setdefault(round_id, []).append(CheckpointRow(*cast("Any", rest)))
    return made


def cameras_of(session: Session, section_id: int) -> list[Camera]:
    """The cameras that look at a section."""
    linked = select(CameraLink.camera_id).where(CameraLink.fence_section_id == section_id)
    return list(
        session.scalars(
            select(Camera)
            .where((Camera.fence_section_id == section_id) | Camera.id.in_(linked))
            .order_by(Camera.camera_code)
        )
    )
