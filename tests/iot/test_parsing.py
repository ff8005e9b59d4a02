"""From stored bytes to readings: in order, flagged, once, and every fault kept with its reason."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from iot.inbox import Arrival
from iot.parsing import OF_LANES, OF_OTHERS, Done, Whose, parse_begun, parse_waiting, replay
from iot.readings import mark, open_readings
from iot.register import arrival
from tests.iot.test_inbox import keep
from tests.iot.world import Sender, count, read_register, rows, site_with
from wms.db import Database, Scope


def come(database: Database, scope: Scope, sender: Sender, payload: bytes, leaf: str = "event", **how: Any) -> Arrival:
    register = read_register(database, scope)
    topic = how.pop("topic", sender.topic(leaf))
    return arrival(
        register,
        register.by_code[sender.code],
        topic,
        payload,
        qos=1,
        door="embedded",
        limit_bytes=10**6,
        **how,
    )


def understand(database: Database, scope: Scope) -> Done:
    with database.unit_of_work(scope) as session:
        return parse_waiting(session, read_register(database, scope))


def plate(sender: Sender, seq: int = 1, **over: Any) -> bytes:
    return sender.message("plate", seq, data={"plate": "湘F·12345", "confidence_pct": 97.5}, **over)


def test_readings_are_open_for_the_lanes_in_the_order_of_arrival(database: Database, scope: Scope) -> None:
    [camera] = site_with(database, scope, "gate", lane="L1")
    keep(database, scope, *(come(database, scope, camera, plate(camera, seq)) for seq in (1, 2, 3)))
    done = understand(database, scope)
    assert (done.messages, done.device_ids) == (3, {camera.id})
    site_id = rows(database, scope, "SELECT site_id FROM device")[0][0]
    with database.unit_of_work(scope) as session:
        found = open_readings(session, site_id)
        assert [(one.kind, one.lane, one.is_live) for one in found] == [("PlateRead", "L1", True)] * 3
        assert found[0].payload["plate"] == "湘F12345"
        assert done.reading_id == found[-1].id
        mark(session, [one.id for one in found[:2]], "matched")
    with database.unit_of_work(scope) as session:
        assert [one.id for one in open_readings(session, site_id)] == [found[2].id]


def test_who_waits_behind_a_flood_is_read_with_its_first_messages(database: Database, scope: Scope) -> None:
    noisy, quiet = site_with(database, scope, "gate", "scale")
    register = read_register(database, scope)
    given = {"qos": 1, "door": "embedded", "limit_bytes": 10**6}
    flood = [
        arrival(register, register.by_code[noisy.code], noisy.topic(), noisy.message(seq=seq), **given)
        for seq in range(1, 2001)
    ]
    late = arrival(register, register.by_code[quiet.code], quiet.topic(), quiet.message(), **given)
    keep(database, scope, *flood, late)
    first = understand(database, scope)
    assert first.messages == 500
    assert first.device_ids == {register.by_code[noisy.code].id, register.by_code[quiet.code].id}
    assert rows(database, scope, "SELECT subject FROM device_alarm WHERE code = 'flood'") == [(noisy.code,)]
    while understand(database, scope).messages:
        pass
    assert rows(database, scope, "SELECT upto FROM device_seq ORDER BY 1") == [(1,), (2000,)]
    assert count(database, scope, "device_gap") == 0


def test_each_message_is_read_by_one_of_the_two_whatever_a_process_knows_of_its_device(
    database: Database, scope: Scope
) -> None:
    [camera] = site_with(database, scope, "gate", lane="L1")
    [probe] = site_with(database, scope, "gate")
    register = read_register(database, scope)
    keep(database, scope, *(come(database, scope, one, plate(one, seq)) for seq in (1, 2) for one in (camera, probe)))

    def heard(whose: Whose) -> frozenset[int]:
        with database.unit_of_work(scope, whose.alone) as session:
            return parse_begun(session, register, lambda: register, whose).device_ids

    assert (heard(OF_LANES), heard(OF_LANES)) == ({camera.id}, frozenset())
    assert (heard(OF_OTHERS), heard(OF_OTHERS)) == ({probe.id}, frozenset())
    with database.unit_of_work(scope) as session:  # the lane is taken from one and given to the other
        session.execute(text("UPDATE device SET lane = CASE WHEN id = :id THEN NULL ELSE 'L1' END"), {"id": camera.id})
    keep(database, scope, *(come(database, scope, one, plate(one, 3)) for one in (camera, probe)))
    assert heard(OF_LANES) == {probe.id}
    assert heard(OF_OTHERS) == {camera.id}


def test_a_device_that_was_registered_a_moment_ago_is_known_to_the_reader(database: Database, scope: Scope) -> None:
    before = read_register(database, scope)
    [camera] = site_with(database, scope, "gate", lane="L1")
    keep(database, scope, come(database, scope, camera, plate(camera)))
    with database.unit_of_work(scope) as session:
        done = parse_waiting(session, before, fresh=lambda: read_register(database, scope))
    assert done.device_ids == {camera.id}
    assert rows(database, scope, "SELECT upto FROM device_seq") == [(1,)]


def test_what_came_late_replayed_retained_or_too_early_never_opens(database: Database, scope: Scope) -> None:
    [camera] = site_with(database, scope, "gate")
    now = datetime.now(UTC)
    keep(
        database,
        scope,
        come(database, scope, camera, plate(camera, 1, ts=(now - timedelta(minutes=1)).isoformat())),
        come(database, scope, camera, plate(camera, 2, ts=(now + timedelta(days=365)).isoformat())),
        come(database, scope, camera, plate(camera, 3, replay=True)),
        come(database, scope, camera, plate(camera, 4), is_retained=True),
        come(database, scope, camera, plate(camera, 5)),
    )
    understand(database, scope)
    found = rows(database, scope, "SELECT flags, is_live FROM reading ORDER BY id")
    assert found == [
        (["late"], False),
        (["ahead"], False),
        (["replayed"], False),
        (["retained"], False),
        ([], True),
    ]


def test_a_payload_that_is_not_json_is_a_dead_letter_and_its_neighbour_is_read(
    database: Database, scope: Scope
) -> None:
    [camera] = site_with(database, scope, "gate")
    keep(
        database,
        scope,
        come(database, scope, camera, b"no json"),
        come(database, scope, camera, plate(camera)),
    )
    understand(database, scope)
    assert rows(database, scope, "SELECT state FROM inbox ORDER BY id") == [("dead",), ("parsed",)]
    assert rows(database, scope, "SELECT reason, adapter, adapter_version FROM dead_letter") == [
        ("not_json", "dongting", 1)
    ]


def test_text_that_json_columns_refuse_is_buried_alone(database: Database, scope: Scope) -> None:
    [camera] = site_with(database, scope, "gate")
    poisoned = camera.envelope("plate", 1, data={"plate": "A"}, media=[{"uri": "a\0b"}])
    keep(
        database,
        scope,
        come(database, scope, camera, json.dumps(poisoned).encode()),
        come(database, scope, camera, plate(camera, 2)),
    )
    understand(database, scope)
    assert count(database, scope, "reading") == 1
    assert rows(database, scope, "SELECT reason FROM dead_letter") == [("refused_by_database",)]


def test_a_device_that_names_another_in_its_payload_is_refused(database: Database, scope: Scope) -> None:
    [camera] = site_with(database, scope, "gate")
    keep(database, scope, come(database, scope, camera, plate(camera, device="somebody")))
    understand(database, scope)
    assert rows(database, scope, "SELECT reason FROM dead_letter") == [("device_is_not_the_topics",)]


def test_the_makers_own_key_holds_a_reading_once_and_shows_a_conflict(database: Database, scope: Scope) -> None:
    [camera] = site_with(database, scope, "gate", format="frigate", topic_filters=("frigate/#",))
    body = {"type": "lpr", "id": "1.2-x", "plate": "AB12", "score": 0.9, "camera": "c", "timestamp": 1.7e9}
    topic = "frigate/tracked_object_update"
    for one in (body, {**body, "extra": 1}, {**body, "score": 0.4}):
        keep(database, scope, come(database, scope, camera, json.dumps(one).encode(), topic=topic))
    understand(database, scope)
    assert count(database, scope, "inbox") == 3
    assert rows(database, scope, "SELECT payload ->> 'confidence_pct' FROM reading") == [("90.0",)]
    assert rows(database, scope, "SELECT reason FROM dead_letter") == [("reading_conflict",)]


def test_a_status_is_remembered_with_its_bytes(database: Database, scope: Scope) -> None:
    [camera] = site_with(database, scope, "gate", format="zhenshi")
    for online in (True, False, True):
        payload = json.dumps({"online": online, "boot": "b7"}).encode()
        keep(database, scope, come(database, scope, camera, payload, "status", is_retained=True))
    understand(database, scope)
    assert count(database, scope, "inbox", "state = 'parsed'") == 3
    [row] = rows(database, scope, "SELECT is_online, boot, status_payload FROM device_state")
    assert (row[0], row[1], json.loads(bytes(row[2]))) == (True, "b7", {"online": True, "boot": "b7"})


def test_replay_with_a_mended_profile_reads_a_dead_letter_as_history(database: Database, scope: Scope) -> None:
    [sensor] = site_with(database, scope, "temp", format="chirpstack", topic_filters=("application/#",))
    up = {"deviceInfo": {"devEui": "00ff"}, "time": datetime.now(UTC).isoformat(), "fPort": 1, "data": "CWA="}
    topic = "application/a/device/00ff/event/up"
    keep(database, scope, come(database, scope, sensor, json.dumps(up).encode(), topic=topic))
    understand(database, scope)
    assert rows(database, scope, "SELECT reason FROM dead_letter WHERE closed_at IS NULL") == [("no_decoder",)]
    rows(database, scope, """UPDATE device SET profile = '{"decoder": "int16_centidegrees"}' RETURNING 1""")
    [(inbox_id,)] = rows(database, scope, "SELECT id FROM inbox")
    for _ in range(2):
        with database.unit_of_work(scope) as session:
            replay(session, read_register(database, scope), [inbox_id])
    assert rows(database, scope, "SELECT payload ->> 'temperature_mdegc', is_live, state FROM reading") == [
        ("24000", False, "ignored")
    ]
    assert rows(database, scope, "SELECT state FROM inbox") == [("parsed",)]
    assert count(database, scope, "dead_letter", "closed_at IS NULL") == 0
