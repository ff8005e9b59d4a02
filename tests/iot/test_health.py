"""Silent devices are alarmed, and the alarm ends when they are heard again."""

from datetime import UTC, datetime, timedelta

from iot import alarms, device_health
from tests.iot.world import rows, site_with
from wms.db import Database, Scope

OPEN = "SELECT subject FROM device_alarm WHERE code = 'silent' AND closed_at IS NULL"


def heard(database: Database, scope: Scope, device_id: int, at: datetime) -> None:
    rows(
        database,
        scope,
        "INSERT INTO device_state (device_id, last_seen_at) VALUES (:id, :at)"
        " ON CONFLICT (device_id) DO UPDATE SET last_seen_at = :at RETURNING 1",
        id=device_id,
        at=at,
    )


def test_a_device_silent_for_ten_heartbeats_is_alarmed_until_it_is_heard(database: Database, scope: Scope) -> None:
    quiet, talking = site_with(database, scope, "gate", "scale", heartbeat_s=60)
    now = datetime.now(UTC)
    heard(database, scope, quiet.id, now - timedelta(seconds=601))
    heard(database, scope, talking.id, now - timedelta(seconds=599))
    for _ in range(2):
        with database.unit_of_work(scope) as session:
            assert device_health.watch(session, now)["silent"] == [quiet.code]
    assert rows(database, scope, OPEN) == [(quiet.code,)]
    heard(database, scope, quiet.id, now)
    with database.unit_of_work(scope) as session:
        assert device_health.watch(session, now)["silent"] == []
    assert rows(database, scope, OPEN) == []


def test_an_alarm_about_what_a_stranger_wrote_is_kept_whatever_it_holds(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        alarms.raise_alarm(session, "connect_refused", "a\0b\ud800", "c\0d")
    assert rows(database, scope, "SELECT subject, detail FROM device_alarm") == [("a\\x00b\\ud800", "c\\x00d")]
