"""A device's health: signs of life, clock, rate, battery, gaps, starts; each alarm begins and ends with its cause."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from iot.device_health import DeviceHealth, count_hours, devices_health, last_hour, watch
from iot.devices.base import epoch, instant
from iot.inbox import store
from iot.liveness import Clock, Limits, Rate, Signs, clock_of, rate_of, signs_of, skew_of
from iot.parsing import parse_waiting
from iot.register import arrival
from tests.iot.world import Sender, read_register, rows, site_with
from wms.db import Database, Scope

NOW = datetime(2026, 11, 26, 4, 30, tzinfo=UTC)
LIMITS = Limits()
OPEN = "SELECT code, subject FROM device_alarm WHERE closed_at IS NULL ORDER BY code, subject"


@pytest.mark.parametrize(
    ("quiet_s", "interval_s", "is_online", "signs"),
    [
        (None, 60, None, Signs.NEVER),
        (0, 60, True, Signs.LIVELY),
        (180, 60, True, Signs.LIVELY),
        (180.1, 60, True, Signs.LATE),
        (600, 60, True, Signs.LATE),
        (600.1, 60, True, Signs.SILENT),
        (1, 60, False, Signs.OFFLINE),
        (9_999, None, True, Signs.NO_INTERVAL),
        (-86_400, 60, None, Signs.LIVELY),
    ],
)
def test_signs_of_life(quiet_s: float | None, interval_s: int | None, is_online: bool | None, signs: Signs) -> None:
    seen = None if quiet_s is None else NOW - timedelta(seconds=quiet_s)
    assert signs_of(NOW, seen, interval_s, is_online=is_online, limits=LIMITS) is signs


@pytest.mark.parametrize(
    ("skew_ms", "clock"),
    [
        (None, Clock.UNKNOWN), (0, Clock.GOOD), (5_000, Clock.GOOD), (-5_000, Clock.GOOD), (5_001, Clock.OFF),
        (-60_000, Clock.OFF), (60_001, Clock.IGNORED), (-86_400_000, Clock.IGNORED),
    ],
)  # fmt: skip
def test_a_clock_exactly_at_the_limit_is_within_it(skew_ms: int | None, clock: Clock) -> None:
    assert clock_of(skew_ms, LIMITS) is clock


def test_the_median_forgives_one_late_message_and_follows_a_step() -> None:
    day = 86_400_000
    assert skew_of([]) is None
    assert skew_of([10] * 19 + [day]) == 10
    assert skew_of([10] * 9 + [day] * 11) == day
    assert skew_of([10] * 9 + [-day] * 11) == -day  # a jump backwards of our clock, or forwards of theirs


@pytest.mark.parametrize(
    ("last", "history", "rate"),
    [
        (100, [], Rate.UNKNOWN), (100, [100, 100], Rate.UNKNOWN), (100, [90, 100, 110], Rate.USUAL),
        (33, [100] * 5, Rate.LOW), (34, [100] * 5, Rate.USUAL), (301, [100] * 5, Rate.HIGH),
        (300, [100] * 5, Rate.USUAL), (9, [1, 1, 1], Rate.USUAL), (0, [9] * 5, Rate.USUAL), (0, [50] * 5, Rate.LOW),
    ],
)  # fmt: skip
def test_drift_of_rates(last: int, history: list[int], rate: Rate) -> None:
    assert rate_of(last, history, LIMITS) is rate


def test_an_interval_of_its_own_goes_before_its_formats() -> None:
    limits = Limits.of({"heartbeat_s": {"openalpr": 60}, "unknown_key": 1})
    assert limits.interval_s(None, "openalpr") == 60
    assert limits.interval_s(15, "openalpr") == 15
    assert limits.interval_s(None, "axis") is None


@pytest.mark.parametrize(
    "written",
    ["2026-12-31T23:59:60Z", "2026-12-31T23:59:60+00:00", "2027-01-01T07:59:60+08:00"],
)
def test_a_leap_second_is_the_second_after_it(written: str) -> None:
    assert instant(written)[0] == datetime(2027, 1, 1, tzinfo=UTC)


def test_epochs_are_told_apart_by_their_size() -> None:
    wanted = datetime(2026, 11, 26, 4, 30, 0, 250_000, tzinfo=UTC)
    seconds = wanted.timestamp()
    assert epoch(seconds) == epoch(seconds * 1_000) == epoch(seconds * 1_000_000) == wanted


def say(database: Database, scope: Scope, sender: Sender, messages: list[bytes], at: datetime) -> None:
    """Messages that came one after the other at ``at``."""

    register = read_register(database, scope)
    device = register.by_code[sender.code]
    came = [
        replace(
            arrival(register, device, sender.topic(), one, qos=1, door="embedded", limit_bytes=10**6), received_at=at
        )
        for one in messages
    ]
    with database.unit_of_work(scope) as session:
        store(session, came)
    with database.unit_of_work(scope) as session:
        while parse_waiting(session, register).messages:
            pass


def said_at(sender: Sender, ts: str, seq: int, **over: Any) -> bytes:
    return json.dumps(sender.envelope(seq=seq, ts=ts, **over)).encode()


def health_of(database: Database, scope: Scope, sender: Sender, now: datetime = NOW) -> DeviceHealth:
    with database.unit_of_work(scope) as session:
        return devices_health(session, now, sender.code)[0]


def watched(database: Database, scope: Scope, now: datetime = NOW) -> Mapping[str, list[str]]:
    with database.unit_of_work(scope) as session:
        return {code: found for code, found in watch(session, now).items() if found}


@pytest.mark.parametrize(
    ("step", "clock"),
    [
        (timedelta(days=1), Clock.IGNORED),
        (-timedelta(days=1), Clock.IGNORED),
        (timedelta(seconds=20), Clock.OFF),
        (timedelta(0), Clock.GOOD),
    ],
)
def test_a_clock_that_is_off_is_alarmed_until_it_is_set(
    step: timedelta, clock: Clock, database: Database, scope: Scope
) -> None:  # fmt: skip
    sender = site_with(database, scope, "gate")[0]
    stamp = (NOW - timedelta(minutes=2) + step).isoformat()
    say(database, scope, sender, [said_at(sender, stamp, n) for n in range(1, 22)], NOW - timedelta(minutes=2))
    found = health_of(database, scope, sender)
    assert (found.clock, found.skew_ms) == (clock, -int(step.total_seconds() * 1_000))
    assert watched(database, scope) == ({} if clock is Clock.GOOD else {"clock_off": [sender.code]})
    good = NOW - timedelta(minutes=1)
    say(database, scope, sender, [said_at(sender, good.isoformat(), n) for n in range(22, 43)], good)
    assert watched(database, scope) == {}
    assert rows(database, scope, OPEN) == []


def test_replayed_messages_say_nothing_of_a_clock(database: Database, scope: Scope) -> None:
    sender = site_with(database, scope, "gate")[0]
    old = (NOW - timedelta(days=3)).isoformat()
    say(database, scope, sender, [said_at(sender, old, n, replay=True) for n in range(1, 10)], NOW)
    assert health_of(database, scope, sender).clock is Clock.UNKNOWN


def test_silence_lateness_and_a_last_will(database: Database, scope: Scope) -> None:
    quiet, late, gone, never = site_with(database, scope, "gate", "gate", "gate", "gate", heartbeat_s=60)
    for sender, ago_s in ((quiet, 601), (late, 200), (gone, 1)):
        at = NOW - timedelta(seconds=ago_s)
        say(database, scope, sender, [said_at(sender, at.isoformat(), 1)], at)
    with database.unit_of_work(scope) as session:
        session.execute(
            text("UPDATE device_state SET is_online = false, status_at = :at WHERE device_id = :id"),
            {"at": NOW, "id": gone.id},
        )
    signs = {one.code: one.signs for one in _all(database, scope)}
    assert [signs[one.code] for one in (quiet, late, gone, never)] == [
        Signs.SILENT, Signs.LATE, Signs.OFFLINE, Signs.NEVER,
    ]  # fmt: skip
    assert watched(database, scope) == {"silent": [quiet.code]}


def _all(database: Database, scope: Scope) -> list[DeviceHealth]:
    with database.unit_of_work(scope) as session:
        return devices_health(session, NOW)


def test_a_gap_that_stays_open_an_hour_is_shown(database: Database, scope: Scope) -> None:
    sender = site_with(database, scope, "gate")[0]
    say(database, scope, sender, [said_at(sender, NOW.isoformat(), seq) for seq in (1, 2, 7)], NOW)
    with database.unit_of_work(scope) as session:
        session.execute(text("UPDATE device_gap SET found_at = :at"), {"at": NOW - timedelta(minutes=59)})
    assert watched(database, scope) == {}
    found = health_of(database, scope, sender, NOW + timedelta(minutes=2))
    assert (found.gaps, found.missing, found.gap_is_old, found.needs_a_look) == (1, 4, True, True)
    assert watched(database, scope, NOW + timedelta(minutes=2)) == {"gap_open": [sender.code]}
    later = NOW + timedelta(minutes=3)
    say(database, scope, sender, [said_at(sender, later.isoformat(), seq) for seq in (3, 4, 5, 6)], later)
    assert watched(database, scope, later) == {}


def test_a_start_without_a_last_will_is_alarmed_once(database: Database, scope: Scope) -> None:
    broken, polite = site_with(database, scope, "gate", "gate")
    for sender in (broken, polite):
        say(database, scope, sender, [said_at(sender, NOW.isoformat(), 1, boot="first")], NOW)
    off = NOW + timedelta(seconds=1)
    body = {"online": False, "boot": "first"}
    register = read_register(database, scope)
    came = arrival(
        register, register.by_code[polite.code], polite.topic("status"), json.dumps(body).encode(), qos=1,
        door="embedded", limit_bytes=10**6,
    )  # fmt: skip
    with database.unit_of_work(scope) as session:
        store(session, [replace(came, received_at=off)])
    with database.unit_of_work(scope) as session:
        parse_waiting(session, register)
    for sender in (broken, polite):
        say(database, scope, sender, [said_at(sender, NOW.isoformat(), 1, boot=f"second-{uuid.uuid4()}")], NOW)
    with database.unit_of_work(scope) as session:  # the clock of the test: first started at NOW, second a little later
        session.execute(
            text("UPDATE device_seq SET first_at = CASE boot WHEN 'first' THEN :a ELSE :b END, last_at = :a"),
            {"a": NOW - timedelta(seconds=10), "b": off + timedelta(seconds=5)},
        )
    assert watched(database, scope, off + timedelta(seconds=9)) == {"boot_without_will": [broken.code]}
    assert watched(database, scope, off + timedelta(seconds=19)) == {}
    assert rows(database, scope, OPEN) == [("boot_without_will", broken.code)]


def test_a_rate_that_drifts_from_its_own_history_is_alarmed(database: Database, scope: Scope) -> None:
    sender = site_with(database, scope, "gate")[0]
    hour = last_hour(NOW)
    with database.unit_of_work(scope) as session:
        session.execute(text("UPDATE device SET recorded_at = :at"), {"at": NOW - timedelta(days=9)})
        for back in range(1, 30):
            session.execute(
                text("INSERT INTO device_hour (device_id, hour_at, events) VALUES (:id, :at, 90)"),
                {"id": sender.id, "at": hour - timedelta(hours=back)},
            )
    at = hour + timedelta(minutes=5)
    say(database, scope, sender, [said_at(sender, at.isoformat(), n) for n in range(1, 13)], at)
    assert watched(database, scope) == {"rate_drift": [sender.code]}
    found = health_of(database, scope, sender)
    assert (found.last_hour, found.usual_hour, found.rate) == (12, 90, Rate.LOW)
    with database.unit_of_work(scope) as session:
        count_hours(session, NOW + timedelta(days=9))
    assert rows(database, scope, "SELECT count(*) FROM device_hour WHERE hour_at < :at", at=NOW) == [(0,)]


def test_a_low_battery_is_alarmed_until_it_is_changed(database: Database, scope: Scope) -> None:
    sender = site_with(database, scope, "temp", format="chirpstack", topic_filters=("application/#",))[0]

    def report(level: float, n: int, at: datetime) -> None:
        body = {
            "deduplicationId": str(uuid.uuid4()), "time": at.isoformat(),
            "deviceInfo": {"devEui": "0102030405060708", "deviceName": "t"}, "margin": 10, "batteryLevel": level,
        }  # fmt: skip
        register = read_register(database, scope)
        topic = "application/1/device/0102030405060708/event/status"
        came = arrival(
            register, register.by_code[sender.code], topic, json.dumps(body).encode(), qos=1, door="embedded",
            limit_bytes=10**6,
        )  # fmt: skip

        with database.unit_of_work(scope) as session:
            store(session, [replace(came, received_at=at)])
        with database.unit_of_work(scope) as session:
            parse_waiting(session, register)

    report(12.0, 1, NOW - timedelta(hours=2))
    assert watched(database, scope) == {"battery_low": [sender.code]}
    assert health_of(database, scope, sender).battery_pct == 12
    report(98.0, 2, NOW - timedelta(hours=1))
    assert watched(database, scope) == {}


def test_a_best_effort_source_is_shown_as_such(database: Database, scope: Scope) -> None:
    sender = site_with(database, scope, "video", format="frigate", topic_filters=("frigate/#",))[0]
    assert health_of(database, scope, sender).is_best_effort
