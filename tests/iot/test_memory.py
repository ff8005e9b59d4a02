"""States and deltas: edges found by comparing, aliases named, gaps asked for; a replay changes nothing of it."""

import json
from typing import Any

from iot import devices
from iot.devices.base import Message
from iot.devices.sparkplug import Payload
from iot.parsing import replay
from iot.register import arrival
from tests.iot.devices.more_samples import MS, NODE, sparkplug
from tests.iot.devices.samples import UP, zhenshi
from tests.iot.test_inbox import keep
from tests.iot.test_parsing import come, understand
from tests.iot.world import Sender, count, read_register, rows, site_with
from wms.db import Database, Scope

DOOR = "zigbee2mqtt/door 3"


def compared(name: str, topic: str, payload: bytes, memory: Any, **profile: Any) -> Any:
    message = Message(payload=payload, topic=topic, profile=profile)
    return devices.compare(name, message, devices.parse(name, message), memory)


def states(name: str, said: list[tuple[str, bytes]], **profile: Any) -> tuple[list[list[str]], list[int]]:
    memory: Any = {}
    told, asked = [], []
    for topic, payload in said:
        one = compared(name, topic, payload, memory, **profile)
        memory = one.memory
        told.append([getattr(result, "state", result.kind) or result.kind for result in one.results])
        asked.append(len(one.asks))
    return told, asked


def test_a_contact_gives_its_edges_and_not_its_state_each_time() -> None:
    memory: Any = {}
    found = []
    for contact in (True, True, False, False, True):
        one = compared("zigbee2mqtt", DOOR, json.dumps({"contact": contact}).encode(), memory)
        memory = one.memory
        found += [(result.kind, getattr(result, "active", None)) for result in one.results]
    same = ("DeviceStatus", None)
    assert found == [same, same, ("FenceAlarm", True), same, ("FenceAlarm", False)]


def test_two_doors_are_remembered_apart() -> None:
    memory: Any = {}
    kinds = []
    for name in ("a", "b", "a"):
        one = compared("zigbee2mqtt", f"zigbee2mqtt/{name}", b'{"contact": false}', memory)
        memory = one.memory
        kinds.append(one.results[0].kind)
    assert kinds == ["FenceAlarm", "FenceAlarm", "DeviceStatus"]


def test_a_sequence_that_wraps_is_no_gap_and_one_that_jumps_asks_once_for_rebirth() -> None:
    birth = (NODE.format("NBIRTH"), sparkplug(0, bdSeq=1))
    data = NODE.format("NDATA")
    whole = [birth, *[(data, sparkplug(seq % 256, at=MS + seq)) for seq in range(1, 300)]]
    told, asked = states("sparkplug", whole)
    assert sum(asked) == 0
    assert ["gap"] not in [one[-1:] for one in told]
    holed = [birth, (data, sparkplug(1)), (data, sparkplug(4)), (data, sparkplug(5)), birth, (data, sparkplug(1))]
    told, asked = states("sparkplug", holed)
    assert asked == [0, 0, 1, 0, 0, 0]
    assert told[2] == ["data", "gap"]


def test_data_without_a_birth_asks_for_it() -> None:
    one = compared("sparkplug", NODE.format("NDATA"), sparkplug(7), {})
    [ask] = one.asks
    assert ask.topic == "spBv1.0/yard/NCMD/plc1"
    asked = Payload.FromString(ask.payload)
    assert (asked.metrics[0].name, asked.metrics[0].boolean_value) == ("Node Control/Rebirth", True)


def test_an_alias_has_the_name_that_the_birth_gave_it() -> None:
    profile = {"metrics": {"gate/loop": {"kind": "loop", "loop": "arrive"}}}
    birth = sparkplug(0, **{"bdSeq": 1, "gate/loop": (9, False)})
    one = compared("sparkplug", NODE.format("NBIRTH"), birth, {}, **profile)
    two = compared("sparkplug", NODE.format("NDATA"), sparkplug(1, _a=(9, True)), one.memory, **profile)
    assert [(result.kind, result.is_occupied) for result in two.results] == [("LoopRead", True)]


def test_a_death_of_an_earlier_session_leaves_the_node_online() -> None:
    births = [(NODE.format("NBIRTH"), sparkplug(0, bdSeq=2)), (NODE.format("NDEATH"), sparkplug(None, bdSeq=1))]
    told, asked = states("sparkplug", [*births, (NODE.format("NDATA"), sparkplug(1))])
    assert told[1] == ["stale_death"]
    assert asked == [0, 0, 0]
    told, asked = states("sparkplug", [births[0], (NODE.format("NDEATH"), sparkplug(None, bdSeq=2))])
    assert told[1] == ["offline"]


def test_the_numbers_of_a_zebra_reader_show_what_is_missing() -> None:
    def read(number: int) -> tuple[str, bytes]:
        data = {"tagData": [{"eventNum": number, "EPC": "e28011"}]}
        return "t/DATA/clients/data1event/R1", json.dumps({"type": "x", "data": data}).encode()

    told, _ = states("zebra", [read(5), read(6), read(9), read(8), read(10), read(1), read(2)])
    assert [one[-1] == "gap" for one in told] == [False, False, True, False, False, False, False]


def said(database: Database, scope: Scope, sender: Sender, topic: str, payload: bytes) -> None:
    keep(database, scope, come(database, scope, sender, payload, topic=topic))
    understand(database, scope)


def test_edges_survive_from_one_batch_to_the_next_and_a_replay_adds_none(database: Database, scope: Scope) -> None:
    [bridge] = site_with(database, scope, "fence", format="zigbee2mqtt", topic_filters=("zigbee2mqtt/#",))
    for contact in (True, False, True, False):
        said(database, scope, bridge, DOOR, json.dumps({"contact": contact}).encode())
    query = "SELECT payload ->> 'active' FROM reading WHERE kind = 'FenceAlarm' ORDER BY id"
    assert rows(database, scope, query) == [("true",), ("false",), ("true",)]
    ids = [row.id for row in rows(database, scope, "SELECT id FROM inbox")]
    assert len(ids) == 4
    before = rows(database, scope, "SELECT memory FROM device_state")
    with database.unit_of_work(scope) as session:
        replay(session, read_register(database, scope), ids)
    assert rows(database, scope, "SELECT memory FROM device_state") == before
    assert count(database, scope, "reading", "is_live AND state = 'open'") == 3


def test_a_gap_sends_the_rebirth_command_and_raises_an_alarm(database: Database, scope: Scope) -> None:
    [node] = site_with(database, scope, "scale", format="sparkplug", topic_filters=("spBv1.0/yard/#",))
    said(database, scope, node, NODE.format("NBIRTH"), sparkplug(0, bdSeq=1))
    said(database, scope, node, NODE.format("NDATA"), sparkplug(3))
    assert rows(database, scope, "SELECT topic FROM outbox") == [("spBv1.0/yard/NCMD/plc1",)]
    assert rows(database, scope, "SELECT code FROM device_alarm") == [("rebirth_asked",)]


def test_a_replay_of_what_was_read_well_leaves_no_letter_and_no_second_reading(
    database: Database, scope: Scope
) -> None:
    [camera] = site_with(database, scope, "gate")
    rows(database, scope, "UPDATE device SET lane = 'L1' RETURNING 1")  # or nobody would have to look
    payload = camera.message("plate", 1, data={"plate": "湘F12345"})
    keep(database, scope, come(database, scope, camera, payload))
    understand(database, scope)
    [(inbox_id,)] = rows(database, scope, "SELECT id FROM inbox")
    with database.unit_of_work(scope) as session:
        replay(session, read_register(database, scope), [inbox_id])
    assert rows(database, scope, "SELECT is_live, state FROM reading") == [(True, "open")]
    assert count(database, scope, "dead_letter") == 0


def test_a_mended_profile_puts_its_reading_beside_the_old_one(database: Database, scope: Scope) -> None:
    """What was read then stays: it is what was decided by."""
    [camera] = site_with(
        database, scope, "gate", format="zhenshi", topic_filters=("device/#",), profile={"inputs": {"0": "arrive"}}
    )
    rows(database, scope, "UPDATE device SET lane = 'L1' RETURNING 1")
    trigger = {"AlarmGioIn": {"result": {"TriggerResult": {"source": 0, "value": 1}}}}
    keep(database, scope, come(database, scope, camera, zhenshi("gpio_in", trigger), topic=UP + "gpio_in"))
    understand(database, scope)
    rows(database, scope, """UPDATE device SET profile = '{"inputs": {"0": "exit"}}' RETURNING 1""")
    [(inbox_id,)] = rows(database, scope, "SELECT id FROM inbox")
    for _ in range(2):
        with database.unit_of_work(scope) as session:
            replay(session, read_register(database, scope), [inbox_id])
    assert rows(database, scope, "SELECT payload ->> 'loop', is_live, state FROM reading ORDER BY id") == [
        ("arrive", False, "open"),
        ("exit", False, "ignored"),
    ]
    assert count(database, scope, "dead_letter") == 0


def test_a_replay_leaves_in_quarantine_what_a_device_may_not_say(database: Database, scope: Scope) -> None:
    cameras = site_with(database, scope, "gate", "gate")
    foreign = cameras[1].message("plate", 1, data={"plate": "湘F12345"})
    keep(database, scope, come(database, scope, cameras[0], foreign, topic=cameras[1].topic()))
    [(inbox_id,)] = rows(database, scope, "SELECT id FROM inbox")
    with database.unit_of_work(scope) as session:
        replay(session, read_register(database, scope), [inbox_id])
    assert count(database, scope, "reading") == 0
    assert rows(database, scope, "SELECT reason FROM dead_letter WHERE closed_at IS NULL") == [("foreign_topic",)]


def test_a_replay_gives_a_message_to_the_device_that_was_registered_since(database: Database, scope: Scope) -> None:
    [first] = site_with(database, scope, "gate", format="zhenshi")
    payload, topic = zhenshi("keep_alive", {}), UP + "keep_alive"
    unknown = arrival(
        read_register(database, scope), None, topic, payload, qos=1, door="client", limit_bytes=10**6
    )
    keep(database, scope, unknown)
    rows(database, scope, "UPDATE device SET topic_filters = '{device/#}' RETURNING 1")
    [(inbox_id,)] = rows(database, scope, "SELECT id FROM inbox")
    with database.unit_of_work(scope) as session:
        replay(session, read_register(database, scope), [inbox_id])
    assert rows(database, scope, "SELECT kind, device_id, is_live FROM reading") == [("DeviceStatus", first.id, False)]
    assert count(database, scope, "dead_letter", "closed_at IS NULL") == 0
