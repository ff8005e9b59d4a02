"""The fence: set it up, arm and disarm with a reason, and take each edge of a sensor once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.parties.dated import value
from wms.record.service import append_leaf
from wms.record.tables import Leaf
from wms.watch.rules.fence import (
    MIN_REASON_CHARS,
    AlreadyArmed,
    AlreadyDisarmed,
    SectionExists,
    SwitchReason,
    UnknownSection,
    UnknownZone,
    path_points,
)
from wms.watch.service.alarms import NewAlarm, announce, raise_alarm
from wms.watch.tables import FenceSection, FenceSensor, FenceSignal, FenceSwitch, FenceZone

JOIN = "fence.join_s"
LIVE_CODE, LATE_CODE, LONG_CODE, VIDEO_CODE = "fence_alarm", "fence_alarm_late", "fence_disarmed_long", "video_alert"
ALWAYS = frozenset({"tamper", "cut", "power"})  # a sensor that is attacked tells also while its section is disarmed
NEVER = frozenset({"battery_low"})  # the sensor's own health, which is watched with that of every other device


@dataclass(frozen=True)
class NewSection:
    """A section with its first sensor, its figures (mm, mm²) and its place on the plan (dm: x, y, x, y …)."""

    site_id: int
    code: str
    name_zh: str
    name_en: str
    sensor: str
    height_mm: int
    length_mm: int
    zone: str | None = None
    path: tuple[int, ...] = ()
    mesh_mm2: int | None = None
    post_gap_mm: int | None = None
    barbed_rows: int | None = None
    strip_inside_mm: int | None = None
    strip_outside_mm: int | None = None


@dataclass(frozen=True)
class Edge:
    """One edge as a sensor sent it; ``part`` is what the device calls the section, ``received_at`` our own clock.

    ``source`` is fence or video; ``section_id`` the section, where the caller knows it.
    """

    site_id: int
    reading_id: int
    device: str
    is_alarm: bool
    rule: str
    received_at: datetime
    part: str | None = None
    object_class: str | None = None
    event_at: datetime | None = None
    is_live: bool = True
    flags: tuple[str, ...] = ()
    source: str = "fence"
    section_id: int | None = None


def add_zone(session: Session, site_id: int, code: str, name_zh: str, name_en: str) -> FenceZone:
    """Set a zone up, or give it new names."""
    names = {"name_zh": name_zh, "name_en": name_en}
    made = session.execute(
        insert(FenceZone)
        .values(site_id=site_id, code=code, **names)
        .on_conflict_do_update(index_elements=["site_id", "code"], set_=names)
        .returning(FenceZone.id)
    ).scalar_one()
    return session.get_one(FenceZone, made, populate_existing=True)


def add_section(session: Session, new: NewSection) -> FenceSection:
    """Set a section up, armed. Raises SectionExists, UnknownZone, BadPath."""
    path_points(list(new.path))
    taken = session.scalar(
        select(FenceSection.id).where(
            or_(
                (FenceSection.site_id == new.site_id) & (FenceSection.code == new.code),
                FenceSection.sensor == new.sensor,
            )
        )
    )
    if taken is not None:
        raise SectionExists(field="code", name=new.code)
    values = {name: given for name, given in vars(new).items() if name not in ("zone", "path")}
    made = FenceSection(**values, zone_id=_zone_id(session, new.site_id, new.zone), path=list(new.path))
    session.add(made)
    session.flush()
    return made


def _zone_id(session: Session, site_id: int, code: str | None) -> int | None:
    if code is None:
        return None
    found = session.scalar(select(FenceZone.id).where(FenceZone.site_id == site_id, FenceZone.code == code))
    if found is None:
        raise UnknownZone(field="zone", zone=code)
    return found


def add_sensor(session: Session, section_id: int, device: str, part: str = "") -> None:
    """A further sensor of a section. Raises UnknownSection, SectionExists when it belongs to another one."""
    section_of(session, section_id)
    made = session.scalar(
        insert(FenceSensor)
        .values(section_id=section_id, device=device, part=part)
        .on_conflict_do_nothing(index_elements=["tenant_id", "device", "part"])
        .returning(FenceSensor.id)
    )
    if made is None:
        owner = session.scalar(
            select(FenceSensor.section_id).where(FenceSensor.device == device, FenceSensor.part == part)
        )
        if owner != section_id:
            raise SectionExists(field="device", name=f"{device} {part}".strip())


def section_of(session: Session, section_id: int) -> FenceSection:
    """The section. Raises :class:`UnknownSection`."""
    found = session.get(FenceSection, section_id)
    if found is None:
        raise UnknownSection(section=section_id)
    return found


def switch(
    session: Session, section_id: int, *, is_armed: bool, person_id: int, reason: str, at: datetime
) -> FenceSwitch:
    """Arm or disarm a section; open alarms stay open. Raises UnknownSection, SwitchReason, AlreadyArmed, …Disarmed."""
    if len(reason.strip()) < MIN_REASON_CHARS:
        raise SwitchReason(field="reason")
    section = section_of(session, section_id)
    turned = session.execute(
        update(FenceSection)
        .where(FenceSection.id == section_id, FenceSection.is_armed.is_(not is_armed))
        .values(is_armed=is_armed)
        .returning(FenceSection.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if turned is None:
        raise (AlreadyArmed if is_armed else AlreadyDisarmed)(section=section.code)
    made = FenceSwitch(section_id=section_id, is_armed=is_armed, person_id=person_id, reason=reason.strip(), at=at)
    session.add(made)
    session.flush()
    said = {"section": section.code, "armed": is_armed, "person_id": person_id, "reason": made.reason}
    append_leaf(session, "fence_switched", said, section_id)
    announce(session, "fence", section_id)
    return made


def take_edge(session: Session, edge: Edge) -> bool:
    """Keep an edge, once; an alarming one of an armed section raises or joins an alarm. False when it was known.

    A clearing edge closes nothing. What comes late, replayed or retained still needs a person, so it raises too, under
    a code of its own and at the time of its arrival: nobody may think that it happens now.
    """
    section = _section(session, edge)
    was_armed = section is None or section.is_armed or edge.rule.lower() in ALWAYS
    made = session.scalar(
        insert(FenceSignal)
        .values(
            site_id=edge.site_id, section_id=section.id if section else None, reading_id=edge.reading_id,
            device=edge.device, is_alarm=edge.is_alarm, rule=edge.rule, object_class=edge.object_class,
            is_live=edge.is_live, flags=list(edge.flags), was_armed=was_armed, event_at=edge.event_at,
            received_at=edge.received_at,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "reading_id"])
        .returning(FenceSignal.id)
    )  # fmt: skip
    if made is None:
        return False
    if edge.is_alarm and was_armed and edge.rule.lower() not in NEVER:
        alarm = raise_alarm(session, _alarm(edge, section), _join(session, edge))
        session.execute(
            update(FenceSignal)
            .where(FenceSignal.id == made)
            .values(alarm_id=alarm.id)
            .execution_options(synchronize_session=False)
        )
    if section is not None:
        announce(session, "fence", section.id)
    return True


def _section(session: Session, edge: Edge) -> FenceSection | None:
    """The section that a sensor belongs to: by device and part, else by device alone, else as the section's first."""
    if edge.section_id is not None:
        return session.get(FenceSection, edge.section_id, populate_existing=True)
    found = session.scalar(
        select(FenceSection)
        .join(FenceSensor, FenceSensor.section_id == FenceSection.id)
        .where(
            FenceSection.site_id == edge.site_id,
            FenceSensor.device == edge.device,
            FenceSensor.part.in_(("", edge.part or "")),
        )
        .order_by(FenceSensor.part.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return found or session.scalar(
        select(FenceSection)
        .where(FenceSection.site_id == edge.site_id, FenceSection.sensor == edge.device)
        .execution_options(populate_existing=True)
    )


def _alarm(edge: Edge, section: FenceSection | None) -> NewAlarm:
    detail = " ".join(filter(None, (edge.rule, edge.object_class, edge.part)))
    at = edge.event_at if edge.is_live and edge.event_at is not None else edge.received_at
    subject = section.code if section is not None and section.sensor != edge.device else edge.device
    live = LIVE_CODE if edge.source == "fence" else VIDEO_CODE
    return NewAlarm(
        edge.site_id, edge.source, live if edge.is_live else LATE_CODE, subject, at, detail=detail,
        reading_id=edge.reading_id, section_id=section.id if section else None,
    )  # fmt: skip


def _join(session: Session, edge: Edge) -> timedelta:
    return timedelta(seconds=int(value(session, JOIN, edge.received_at.date())))


def alarm_long_disarmed(session: Session, now: datetime) -> int:
    """Alarm of each section that has been disarmed for longer than may be; once for each disarming."""
    limit = timedelta(seconds=int(value(session, "fence.disarmed_s", now.date())))
    raised = 0
    for section in _disarmed(session):
        last = session.scalar(
            select(FenceSwitch).where(FenceSwitch.section_id == section.id).order_by(FenceSwitch.id.desc()).limit(1)
        )
        if last is None or last.is_armed or now - last.at < limit:
            continue
        told = append_once(session, "fence_long_disarmed", last.id, {"section": section.code, "since": last.at})
        if told:
            new = NewAlarm(section.site_id, "fence", LONG_CODE, section.code, now, last.reason, None, section.id)
            raise_alarm(session, new)
            raised += 1
    return raised


def _disarmed(session: Session) -> Sequence[FenceSection]:
    return session.scalars(select(FenceSection).where(FenceSection.is_armed.is_(False)).order_by(FenceSection.id)).all()


def append_once(session: Session, kind: str, subject_id: int, said: dict[str, object]) -> bool:
    """Append a fact that is told once for its subject; False when it stands on record already."""
    if session.scalar(select(Leaf.id).where(Leaf.kind == kind, Leaf.subject_id == subject_id)) is not None:
        return False
    append_leaf(session, kind, said, subject_id)
    return True


def facility_figures(session: Session, on: date) -> dict[str, int]:
    """What a fence must keep on a day (dated data)."""
    figures: dict[str, int] = value(session, "fence.facility", on)
    return figures
