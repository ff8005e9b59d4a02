"""How each device is, from what the inbox holds of it; what is wrong becomes an alarm and ends when it is over.

``watch`` is called by the reader every ten seconds. Counts by hour are kept (``device_hour``) so that a device's rate
can be held against its own history without counting its readings again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from iot import alarms
from iot.devices import FORMATS
from iot.liveness import Clock, Limits, Rate, Signs, clock_of, rate_of, signs_of, skew_of
from wms.parties import dated

NAME = "health.devices"
HISTORY_HOURS = 7 * 24
WITH_BATTERY = ("chirpstack", "ttn", "zigbee2mqtt", "zebra", "dongting")
ALARMS = ("silent", "clock_off", "rate_drift", "battery_low", "gap_open", "boot_without_will")

DEVICES = text(
    """
    SELECT device.id, device.code, site.code AS site, device.family, device.format, device.lane, device.name_zh,
           device.name_en, device.heartbeat_s, state.last_seen_at, state.is_online, state.boot, state.status_at
    FROM device JOIN site ON site.id = device.site_id LEFT JOIN device_state state ON state.device_id = device.id
    WHERE device.is_active AND (CAST(:code AS text) IS NULL OR device.code = :code) ORDER BY site.code, device.code
    """
)
# Live: neither sent again nor retained. What came late or ahead counts: that is what a wrong clock looks like.
SKEWS = text(
    """
    SELECT device.id, array_agg(last.skew_ms ORDER BY last.recorded_at) AS skews
    FROM device CROSS JOIN LATERAL (
        SELECT skew_ms, recorded_at FROM reading
        WHERE reading.device_id = device.id AND skew_ms IS NOT NULL
          AND NOT flags && ARRAY['replayed', 'retained'] AND recorded_at > :now - interval '7 days'
        ORDER BY recorded_at DESC LIMIT :n) AS last
    WHERE device.is_active AND (CAST(:code AS text) IS NULL OR device.code = :code) GROUP BY device.id
    """
)
HOURS = text(
    """
    SELECT device_id, hour_at, events FROM device_hour
    WHERE hour_at >= :since AND (CAST(:device_id AS bigint) IS NULL OR device_id = :device_id)
    ORDER BY device_id, hour_at
    """
)
COUNT_HOUR = text(
    """
    INSERT INTO device_hour (device_id, hour_at, events)
    SELECT device.id, :hour, (SELECT count(*) FROM reading WHERE reading.device_id = device.id
                              AND reading.recorded_at >= :hour AND reading.recorded_at < :upto)
    FROM device JOIN device_state state ON state.device_id = device.id
    WHERE device.is_active AND device.recorded_at < :hour
    ON CONFLICT (device_id, hour_at) DO NOTHING
    """
)
IS_COUNTED = text("SELECT EXISTS (SELECT 1 FROM device_hour WHERE hour_at = :hour)")
FORGET_HOURS = text("DELETE FROM device_hour WHERE hour_at < :before")
BATTERIES = text(
    """
    SELECT device.id, last.pct FROM device CROSS JOIN LATERAL (
        SELECT CASE WHEN payload ->> 'battery_pct' ~ '^[0-9]{1,3}(\\.[0-9]+)?$'
                    THEN (payload ->> 'battery_pct')::numeric::int END AS pct
        FROM reading WHERE reading.device_id = device.id AND recorded_at > :now - interval '7 days'
          AND payload ->> 'battery_pct' IS NOT NULL
        ORDER BY recorded_at DESC LIMIT 1) AS last
    WHERE device.is_active AND device.format = ANY(:formats)
      AND (CAST(:code AS text) IS NULL OR device.code = :code)
    """
)
GAPS = text(
    """
    SELECT device_id, count(*) AS gaps, sum(seq_to - seq_from + 1)::bigint AS missing, min(found_at) AS since
    FROM device_gap WHERE closed_at IS NULL AND (CAST(:device_id AS bigint) IS NULL OR device_id = :device_id)
    GROUP BY device_id
    """
)
# A start that no will and no word of its own announced: the device, or its line, broke off.
BROKEN_OFF = text(
    """
    SELECT now_.device_id, device.code, now_.boot, now_.first_at
    FROM device_seq now_ JOIN device ON device.id = now_.device_id AND device.is_active
    CROSS JOIN LATERAL (SELECT last_at FROM device_seq before_ WHERE before_.device_id = now_.device_id
                        AND before_.boot <> now_.boot AND before_.first_at < now_.first_at
                        ORDER BY first_at DESC LIMIT 1) AS before_
    WHERE now_.first_at > :since AND NOT EXISTS (
        SELECT 1 FROM reading WHERE reading.device_id = now_.device_id AND kind = 'DeviceStatus'
          AND payload ->> 'state' = 'offline'
          AND recorded_at BETWEEN before_.last_at - interval '1 minute' AND now_.first_at + interval '1 minute')
    ORDER BY now_.first_at
    """
)
CLOSE_OTHERS = text(
    "UPDATE device_alarm SET closed_at = :at WHERE code = :code AND closed_at IS NULL AND subject <> ALL(:still)"
)
BOOT_ALARMED = text(
    "SELECT 1 FROM device_alarm WHERE code = 'boot_without_will' AND subject = :code AND detail = :boot"
)


@dataclass(frozen=True)
class DeviceHealth:
    """One device as it is now. ``skew_ms``: ours minus theirs, the median of the last live events."""

    id: int
    code: str
    site: str
    family: str
    format: str
    lane: str | None
    name_zh: str
    name_en: str
    interval_s: int | None
    is_online: bool | None
    last_seen_at: datetime | None
    signs: Signs
    skew_ms: int | None
    clock: Clock
    last_hour: int | None
    usual_hour: int | None
    rate: Rate
    battery_pct: int | None
    battery_is_low: bool
    gaps: int
    missing: int
    gap_since_at: datetime | None
    gap_is_old: bool
    is_best_effort: bool

    @property
    def needs_a_look(self) -> bool:
        """Whether anything about it is wrong."""
        wrong = self.signs in (Signs.SILENT, Signs.OFFLINE, Signs.LATE) or self.clock in (Clock.OFF, Clock.IGNORED)
        return wrong or self.rate in (Rate.LOW, Rate.HIGH) or self.battery_is_low or self.gap_is_old


def limits_on(session: Session, now: datetime) -> Limits:
    """The limits of the day."""
    return Limits.of(dated.value(session, NAME, now.date()))


def devices_health(session: Session, now: datetime, code: str | None = None) -> list[DeviceHealth]:
    """All active devices, or the one of this code, by site and code."""
    limits = limits_on(session, now)
    rows = session.execute(DEVICES, {"code": code}).all()
    one_id = rows[0].id if code is not None and rows else None
    given = {"now": now, "code": code}
    skews = {row.id: row.skews for row in session.execute(SKEWS, given | {"n": limits.skew_events})}
    batteries = {row.id: row.pct for row in session.execute(BATTERIES, given | {"formats": list(WITH_BATTERY)})}
    gaps = {row.device_id: row for row in session.execute(GAPS, {"device_id": one_id})}
    hours = _hours(session, now, one_id)
    return [
        _health(row, now, limits, skews.get(row.id, ()), batteries.get(row.id), gaps.get(row.id), hours.get(row.id, {}))
        for row in rows
    ]


def _hours(session: Session, now: datetime, device_id: int | None) -> dict[int, dict[datetime, int]]:
    found: dict[int, dict[datetime, int]] = {}
    since = last_hour(now) - timedelta(hours=HISTORY_HOURS)
    for row in session.execute(HOURS, {"since": since, "device_id": device_id}):
        found.setdefault(row.device_id, {})[row.hour_at] = row.events
    return found


def last_hour(now: datetime) -> datetime:
    """The beginning of the last full hour."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)


def _health(
    row: Any, now: datetime, limits: Limits, skews: Sequence[int], battery: int | None, gap: Any,
    hours: dict[datetime, int],
) -> DeviceHealth:  # fmt: skip
    interval = limits.interval_s(row.heartbeat_s, row.format)
    skew = skew_of(skews)
    counted = hours.get(last_hour(now))
    history = [n for at, n in hours.items() if at < last_hour(now)]
    known = FORMATS.get(row.format)
    since = gap.since if gap else None
    return DeviceHealth(
        id=row.id,
        code=row.code,
        site=row.site,
        family=row.family,
        format=row.format,
        lane=row.lane,
        name_zh=row.name_zh,
        name_en=row.name_en,
        interval_s=interval,
        is_online=row.is_online,
        last_seen_at=row.last_seen_at,
        signs=signs_of(now, row.last_seen_at, interval, is_online=row.is_online, limits=limits),
        skew_ms=skew,
        clock=clock_of(skew, limits),
        last_hour=counted,
        usual_hour=sorted(history)[(len(history) - 1) // 2] if history else None,
        rate=Rate.UNKNOWN if counted is None else rate_of(counted, history, limits),
        battery_pct=battery,
        battery_is_low=battery is not None and battery < limits.battery_low_pct,
        gaps=gap.gaps if gap else 0,
        missing=gap.missing if gap else 0,
        gap_since_at=since,
        gap_is_old=since is not None and now - since > timedelta(seconds=limits.gap_shown_after_s),
        is_best_effort=known.is_best_effort if known else False,
    )


def watch(session: Session, now: datetime) -> dict[str, list[str]]:
    """Raise and end the alarms of :data:`ALARMS`; returns the codes of the devices behind each."""
    count_hours(session, now)
    found: dict[str, list[tuple[DeviceHealth, str]]] = {code: [] for code in ALARMS}
    for one in devices_health(session, now):
        if one.signs is Signs.SILENT:
            found["silent"].append((one, f"last heard {one.last_seen_at}, expected every {one.interval_s} s"))
        if one.clock in (Clock.OFF, Clock.IGNORED):
            found["clock_off"].append(
                (one, f"{one.skew_ms} ms{'; its times are ignored' * (one.clock is Clock.IGNORED)}")
            )
        if one.rate in (Rate.LOW, Rate.HIGH):
            found["rate_drift"].append((one, f"{one.last_hour} events in the last hour, usually {one.usual_hour}"))
        if one.battery_is_low:
            found["battery_low"].append((one, f"{one.battery_pct} %"))
        if one.gap_is_old:
            found["gap_open"].append((one, f"{one.missing} messages missing since {one.gap_since_at}"))
    for code, cases in found.items():
        for one, detail in cases:
            alarms.raise_alarm(session, code, one.code, detail, device_id=one.id, n=0)
        if code != "boot_without_will":
            session.execute(CLOSE_OTHERS, {"at": now, "code": code, "still": [one.code for one, _ in cases]})
    told = {code: [one.code for one, _ in cases] for code, cases in found.items()}
    return told | {"boot_without_will": _alarm_boots(session, now)}


def _alarm_boots(session: Session, now: datetime) -> list[str]:
    """Each such start once; the alarm stays until a person closes it."""
    new = []
    for row in session.execute(BROKEN_OFF, {"since": now - timedelta(days=1)}).all():
        boot = f"start {row.boot}"[:500]
        if session.execute(BOOT_ALARMED, {"code": row.code, "boot": boot}).first() is None:
            alarms.raise_alarm(session, "boot_without_will", row.code, boot, device_id=row.device_id)
            new.append(row.code)
    return new


def count_hours(session: Session, now: datetime) -> None:
    """Count the last full hour once, and forget what is older than the history that is looked at."""
    hour = last_hour(now)
    if session.execute(IS_COUNTED, {"hour": hour}).scalar_one():
        return
    session.execute(COUNT_HOUR, {"hour": hour, "upto": hour + timedelta(hours=1)})
    session.execute(FORGET_HOURS, {"before": hour - timedelta(hours=HISTORY_HOURS)})
