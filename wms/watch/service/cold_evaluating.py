"""A place is judged from its readings: breaches opened, extended, ended or withdrawn; silence becomes a finding.

Judged again from the earliest thing that is new: a reading that comes late or out of order is no other case.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import Session

from wms.floor.service import tasks
from wms.floor.service.desk import oldest_scan
from wms.parties import dated
from wms.parties.tables import Site
from wms.record.service import append_leaf
from wms.watch.rules.temperatures import LOW_BATTERY_PCT, Excursion, Hole, Limit, Read, excursions, gaps, joined, stuck
from wms.watch.service import cold_holding
from wms.watch.service.alarms import NewAlarm, announce, raise_alarm
from wms.watch.service.cold_holding import Goods
from wms.watch.service.temperatures import close_finding_by_data, find
from wms.watch.tables.temperatures import (
    TemperatureBreach,
    TemperatureFinding,
    TemperatureHold,
    TemperaturePlace,
    TemperatureSensor,
)

MISSED_READINGS, STUCK_AFTER_S = "temperature.missed_readings", "temperature.stuck_after_s"
OPEN_STATES = ("running", "ended")
READS = text(
    """
    SELECT r.event_at, r.temperature_mdegc FROM temperature_reading r
     WHERE r.tenant_id = app_tenant() AND r.sensor = :sensor AND (:probe = '' OR r.probe = :probe)
       AND r.event_at >= :since AND r.event_at < :until AND r.is_plausible ORDER BY r.event_at
    """
)
# The last reading within the limits before an instant: an excursion cannot have begun before it.
LAST_WITHIN = text(
    """
    SELECT max(r.event_at) FROM temperature_reading r
     WHERE r.tenant_id = app_tenant() AND r.sensor = :sensor AND (:probe = '' OR r.probe = :probe)
       AND r.event_at < :at AND r.event_at >= :from_at AND r.is_plausible
       AND r.temperature_mdegc BETWEEN coalesce(:low, -2147483648) AND coalesce(:high, 2147483647)
    """
)
LAST_BATTERY = text(
    """
    SELECT r.event_at, r.battery_pct FROM temperature_reading r
     WHERE r.tenant_id = app_tenant() AND r.sensor = :sensor AND r.battery_pct IS NOT NULL
     ORDER BY r.event_at DESC LIMIT 1
    """
)


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation changed: breaches opened, base units held."""

    opened: tuple[int, ...] = ()
    held_qty: int = 0


@dataclass
class _Judging:
    """One place while it is judged."""

    place: TemperaturePlace
    sensors: list[TemperatureSensor]
    limits: dict[str, Limit]
    goods: list[Goods]
    missed: int
    now: datetime
    opened: list[int] = field(default_factory=list)
    held_qty: int = 0


def evaluate(session: Session, place_id: int, now: datetime) -> Evaluated:
    """Judge a place up to ``now`` and hold what was there; safe to repeat."""
    place = session.scalars(
        select(TemperaturePlace)
        .where(TemperaturePlace.id == place_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    site = session.get_one(Site, place.site_id)
    day = min(place.dirty_from_at or now, now).date()
    limits = cold_holding.limits_on(session, day)
    sensors = list(
        session.scalars(
            select(TemperatureSensor).where(TemperatureSensor.place_id == place.id).order_by(TemperatureSensor.id)
        )
    )
    missed = int(dated.value(session, MISSED_READINGS, day, place.code))
    at = _Judging(place, sensors, limits, cold_holding.goods_of(session, place.id, limits), missed, now)
    _judge(session, at, site)
    _look_for_holes(session, at, int(dated.value(session, STUCK_AFTER_S, day, place.code)))
    place.dirty_from_at, place.evaluated_at = None, now
    session.flush()
    return Evaluated(tuple(at.opened), at.held_qty)


def _judge(session: Session, at: _Judging, site: Site) -> None:
    own = f"class:{at.place.temperature_class}"
    subjects = sorted({own, *(one.subject for one in at.goods)} & at.limits.keys())
    standing = _standing(session, at.place.id)
    for subject in subjects:
        limit = at.limits[subject]
        mine = [breach for breach in standing if breach.subject == subject]
        since = _since(session, at, limit, mine)
        if since is None:
            continue
        found = joined(one for sensor in at.sensors for one in _of_sensor(session, sensor, limit, since, at))
        _settle(session, at, site, subject, limit, found, [one for one in mine if _ends_after(one, since)])
    oldest = at.now - oldest_scan(session, at.now.date())
    for breach in _standing(session, at.place.id):
        # A handheld that was offline may still tell where goods lay while it lasted.
        if breach.state in OPEN_STATES and (breach.end_at is None or breach.end_at > oldest):
            at.held_qty += cold_holding.hold(session, breach, at.goods, at.now)


def _standing(session: Session, place_id: int) -> list[TemperatureBreach]:
    return list(
        session.scalars(
            select(TemperatureBreach)
            .where(TemperatureBreach.place_id == place_id, TemperatureBreach.state != "withdrawn")
            .order_by(TemperatureBreach.start_at, TemperatureBreach.id)
        )
    )


def _ends_after(breach: TemperatureBreach, since: datetime) -> bool:
    return breach.end_at is None or breach.end_at > since


def _since(session: Session, at: _Judging, limit: Limit, mine: Sequence[TemperatureBreach]) -> datetime | None:
    """From when on this limit has to be judged again; None where nothing is new."""
    running = [breach.start_at for breach in mine if breach.state == "running"]
    new = at.place.dirty_from_at
    if new is None and at.place.evaluated_at is not None:
        new = at.place.evaluated_at  # silence may have made a run of warm readings long enough
    if new is None:
        return None
    reached = [new, *running, *(breach.start_at for breach in mine if breach.end_at and breach.end_at >= new)]
    start = min(reached)
    for sensor in at.sensors:
        bound = {
            "sensor": sensor.sensor, "probe": sensor.probe, "at": start, "from_at": sensor.from_at,
            "low": limit.low_mdegc, "high": limit.high_mdegc,
        }  # fmt: skip
        within = session.execute(LAST_WITHIN, bound).scalar_one()
        start = min(start, within or max(sensor.from_at, datetime.min.replace(tzinfo=start.tzinfo)))
    return start


def _of_sensor(
    session: Session, sensor: TemperatureSensor, limit: Limit, since: datetime, at: _Judging
) -> list[Excursion]:
    reads = _reads(session, sensor, since)
    until = min(sensor.until_at or at.now, at.now)
    found = excursions(reads, limit, gap_s=sensor.interval_s * at.missed, now=until)
    if sensor.until_at is not None and sensor.until_at <= at.now:
        return [
            Excursion(**{**vars(one), "end_at": one.end_at or sensor.until_at}) for one in found
        ]  # it was taken away: what it knew ends there
    return found


def _reads(session: Session, sensor: TemperatureSensor, since: datetime) -> list[Read]:
    bound = {
        "sensor": sensor.sensor, "probe": sensor.probe, "since": max(since, sensor.from_at),
        "until": sensor.until_at or datetime.max.replace(tzinfo=since.tzinfo),
    }  # fmt: skip
    return [Read(*row) for row in session.execute(READS, bound)]


def _settle(
    session: Session, at: _Judging, site: Site, subject: str, limit: Limit, found: Sequence[Excursion],
    standing: Sequence[TemperatureBreach],
) -> None:  # fmt: skip
    """Make the breaches on record what was found: each excursion one breach, the oldest that it overlaps."""
    left = list(standing)
    for one in found:
        same = [breach for breach in left if breach.side == one.side and _overlap(breach, one)]
        for breach in same:
            left.remove(breach)
        if not same:
            _open(session, at, site, subject, limit, one)
            continue
        kept, *others = same
        _update(session, kept, limit, one, at.now)
        for other in others:
            session.execute(
                update(TemperatureHold).where(TemperatureHold.breach_id == other.id).values(breach_id=kept.id)
            )
            _withdraw(session, other, at.now, f"one with breach {kept.id}")
    for breach in left:
        if breach.state in OPEN_STATES:
            _withdraw(session, breach, at.now, "later readings say otherwise")


def _overlap(breach: TemperatureBreach, one: Excursion) -> bool:
    return (breach.end_at is None or one.start_at <= breach.end_at) and (
        one.end_at is None or breach.start_at <= one.end_at
    )


def _values(limit: Limit, one: Excursion, now: datetime) -> dict[str, object]:
    return {
        "start_at": one.start_at,
        "end_at": one.end_at,
        "limit_mdegc": limit.of(one.side),
        "for_s": limit.for_s,
        "limit_source": limit.source,
        "min_mdegc": one.min_mdegc,
        "max_mdegc": one.max_mdegc,
        "kinetic_mdegc": one.kinetic_mdegc,
        "n_readings": one.n_readings,
        "has_gap": one.has_gap,
        "evaluated_at": now,
        "state": "running" if one.end_at is None else "ended",
    }


def _open(session: Session, at: _Judging, site: Site, subject: str, limit: Limit, one: Excursion) -> None:
    breach = TemperatureBreach(place_id=at.place.id, subject=subject, side=one.side, **_values(limit, one, at.now))
    session.add(breach)
    session.flush()
    at.opened.append(breach.id)
    said = f"{subject}: {one.min_mdegc}…{one.max_mdegc} m°C, limit {breach.limit_mdegc} m°C for {breach.for_s} s"
    raise_alarm(session, NewAlarm(site.id, "temperature", "cold_chain_breach", at.place.code, one.start_at, said))
    tasks.offer(
        session,
        tasks.NewTask(
            site_id=site.id, kind="inspect", subject_id=task_of(breach.id), subject_no=at.place.code, priority=1
        ),
    )
    append_leaf(
        session,
        "temperature_breach",
        {"place": at.place.code, "subject": subject, "start_at": one.start_at.isoformat(), "max_mdegc": one.max_mdegc},
        breach.id,
    )
    announce(session, "breach", breach.id)


def task_of(breach_id: int) -> int:
    """What the work queue knows a breach by: below zero, for other inspections have their own ids."""
    return -breach_id


def _update(session: Session, breach: TemperatureBreach, limit: Limit, one: Excursion, now: datetime) -> None:
    if breach.state == "reviewed":
        covered = (
            breach.start_at <= one.start_at
            and breach.end_at is not None
            and (one.end_at is not None and one.end_at <= breach.end_at)
        )
        if covered and one.max_mdegc <= breach.max_mdegc and one.min_mdegc >= breach.min_mdegc:
            return
        # Late readings make it worse than what was judged: it has to be judged again.
        append_leaf(session, "temperature_breach_reopened", {"reason": breach.review_reason}, breach.id)
        breach.reviewed_at = breach.reviewed_by = breach.review_reason = None
        changed = _values(limit, one, now)
    else:
        changed = _values(limit, one, now) | {
            # The limit stays the one under which it was opened.
            "limit_mdegc": breach.limit_mdegc, "for_s": breach.for_s, "limit_source": breach.limit_source,
        }  # fmt: skip
    with session.no_autoflush:
        for name, value in changed.items():
            setattr(breach, name, value)
    session.flush()


def _withdraw(session: Session, breach: TemperatureBreach, now: datetime, why: str) -> None:
    """It was none: what it held stays held until a person says so (the review of a withdrawn breach)."""
    holds = session.scalar(
        select(func.count()).select_from(TemperatureHold).where(
            TemperatureHold.breach_id == breach.id, TemperatureHold.state == "held"
        )
    )  # fmt: skip
    breach.state, breach.evaluated_at = "withdrawn", now
    append_leaf(session, "temperature_breach_withdrawn", {"why": why, "holds": holds or 0}, breach.id)
    session.flush()
    if not holds:
        tasks.void_task(session, "inspect", task_of(breach.id))


def _look_for_holes(session: Session, at: _Judging, stuck_after_s: int) -> None:
    """Silence, stuck probes and low batteries since the last look; what late readings filled is closed."""
    looked = at.place.dirty_from_at or at.place.evaluated_at
    for sensor in at.sensors:
        longest_s = sensor.interval_s * at.missed
        since = sensor.from_at
        if looked is not None:
            since = max(since, looked - timedelta(seconds=max(longest_s, stuck_after_s) * 2))
        until = min(sensor.until_at or at.now, at.now)
        if until <= since:
            continue
        reads = _reads(session, sensor, since)
        begins = since if since == sensor.from_at or not reads else reads[0].at
        is_open = sensor.until_at is None or sensor.until_at > at.now
        holes = gaps(reads, gap_s=longest_s, since=begins, until=until, is_open=is_open)
        _write(session, sensor, "gap", holes, begins, at.now)
        _write(session, sensor, "stuck", stuck(reads, after_s=stuck_after_s), begins, at.now)
        battery = session.execute(LAST_BATTERY, {"sensor": sensor.sensor}).one_or_none()
        if battery is not None and is_open and battery.battery_pct <= LOW_BATTERY_PCT:
            day = battery.event_at.replace(hour=0, minute=0, second=0, microsecond=0)
            find(
                session,
                sensor.sensor,
                sensor.probe,
                "battery",
                max(day, sensor.from_at),
                None,
                f"{battery.battery_pct} %",
            )


def _write(
    session: Session, sensor: TemperatureSensor, kind: str, holes: Sequence[Hole], since: datetime, now: datetime
) -> None:
    """Write the holes of one kind; findings of it that are no holes any more are closed by the readings that came."""
    starts = []
    for hole in holes:
        starts.append(hole.start_at)
        find(session, sensor.sensor, sensor.probe, kind, hole.start_at, hole.end_at, "")
    answered = session.scalars(
        select(TemperatureFinding.id).where(
            TemperatureFinding.sensor == sensor.sensor,
            TemperatureFinding.probe == sensor.probe,
            TemperatureFinding.place_id == sensor.place_id,
            TemperatureFinding.kind == kind,
            TemperatureFinding.closed_at.is_(None),
            TemperatureFinding.start_at >= since,
            TemperatureFinding.start_at.not_in(starts),
        )
    ).all()
    close_finding_by_data(session, answered, now, "late readings filled it")


def evaluate_due(session: Session, now: datetime, *, quiet_s: int = 60) -> list[int]:
    """The places to judge now: those where something is new, and those not looked at for ``quiet_s`` seconds."""
    return list(
        session.scalars(
            select(TemperaturePlace.id)
            .where(
                or_(
                    TemperaturePlace.dirty_from_at.is_not(None),
                    TemperaturePlace.evaluated_at.is_(None),
                    TemperaturePlace.evaluated_at < now - timedelta(seconds=quiet_s),
                )
            )
            .order_by(TemperaturePlace.id)
        )
    )
