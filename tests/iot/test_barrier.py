"""Barrier commands over a real broker: signed, sent once before their expiry, never repeated; openings explained."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from iot import barrier
from iot.barrier import device_key, signature
from iot.tables import Outbox, Reading
from tests.conftest import Urls
from tests.iot.doors import Client, until
from tests.iot.gate_yard import SECRET, Yard, ingest_settings, register_lane, running_ingest
from tests.wms.gate.world import World, crossing, make_pass, make_world, seen_of
from web.demo.yard.barrier import Barrier
from web.demo.yard.barrier import signature as controllers_signature
from web.demo.yard.wire import Wire
from wms.db import Database, Scope
from wms.gate.service import ReleaseHold, decide_passage, release_hold
from wms.gate.service.by_hand import lower_barrier, unlock_lane
from wms.gate.tables import BarrierCommand, LaneState, Passage
from wms.settings import Settings
from wms.watch.tables import Alarm


@dataclass
class Gate:
    """A lane with its devices, and the ways to look at it."""

    database: Database
    scope: Scope
    world: World
    yard: Yard
    settings: Settings

    def lift(self, at: datetime | None = None) -> int:
        """A passage that the rules let through at ``at``."""
        with self.database.unit_of_work(self.scope) as session:
            gate_pass = make_pass(session, self.world, qty=1)
            decided = decide_passage(session, crossing(self.world.lane, seen_of(gate_pass), at=at))
            assert decided.verdict == "lift"
            return decided.passage_id

    def tick(self, at: datetime | None = None) -> int:
        sites = frozenset({self.world.shelf.site_id})
        return barrier.tick(self.database, self.scope, sites, at or datetime.now(UTC), secret_key=SECRET)

    def one(self, query: Any) -> Any:
        with self.database.unit_of_work(self.scope) as session:
            return session.scalar(query)

    def command_state(self) -> str | None:
        found: str | None = self.one(select(BarrierCommand.state).order_by(BarrierCommand.id.desc()).limit(1))
        return found

    def count(self, table: Any) -> int:
        return int(self.one(select(func.count()).select_from(table)))

    def alarms(self) -> set[str]:
        with self.database.unit_of_work(self.scope) as session:
            return set(session.scalars(select(Alarm.code)))

    def client(self, role: str) -> Client:
        device = self.yard.devices[self.yard.lane.devices[role]]
        return Client(self.settings.mqtt_port, device.code, device.token).connect()

    def topic(self, role: str, leaf: str) -> str:
        device = self.yard.devices[self.yard.lane.devices[role]]
        return f"wms/v1/{self.yard.site}/{device.family}/{device.code}/{leaf}"

    def envelope(self, role: str, type_: str, data: dict[str, Any], **over: Any) -> bytes:
        device = self.yard.devices[self.yard.lane.devices[role]]
        seq = over.pop("seq", 1)
        body = {
            "v": 1, "id": f"{device.code}-{seq}-{time.monotonic_ns()}", "device": device.code, "kind": device.family,
            "type": type_, "seq": seq, "boot": "b1", "ts": datetime.now(UTC).isoformat(), "ts_q": "ntp", "data": data,
        }  # fmt: skip
        return json.dumps(body | over).encode()


@pytest.fixture
def gate(database: Database, scope: Scope, tenant: int, urls: Urls, tmp_path: Path) -> Gate:
    with database.unit_of_work(scope) as session:
        world = make_world(session)
        yard = register_lane(session, world)
    return Gate(database, scope, world, yard, ingest_settings(tenant, urls.app, tmp_path))


@pytest.fixture
def served(gate: Gate) -> Iterator[Gate]:
    with running_ingest(gate.settings, gate.database):
        yield gate


# --- sending -------------------------------------------------------------------------------------------------------


def test_command_is_queued_for_the_device_signed_and_with_its_expiry(gate: Gate) -> None:
    gate.lift()
    assert gate.tick() >= 1
    payload = json.loads(bytes(gate.one(select(Outbox.payload))))
    device = gate.world.lane.barrier_device or ""
    assert payload["sig"] == signature(device_key(SECRET, device), payload)
    assert payload["sig"] == controllers_signature(device_key(SECRET, device), payload)
    assert payload["sig"] != signature(device_key(SECRET, "another"), payload)
    issued, exp = (datetime.fromisoformat(payload[name]) for name in ("issued_at", "exp"))
    assert exp - issued == timedelta(seconds=5) == gate.one(select(Outbox.expires_at)) - issued
    assert gate.one(select(Outbox.topic)) == gate.topic("barrier", "cmd")


@pytest.mark.parametrize(("late_s", "sent"), [(4.999, 1), (5.0, 0), (60.0, 0)])
def test_command_is_never_sent_at_its_expiry_or_later(gate: Gate, late_s: float, sent: int) -> None:
    at = datetime.now(UTC)
    gate.lift(at)
    gate.tick(at + timedelta(seconds=late_s))
    assert gate.count(Outbox) == sent
    assert gate.command_state() == ("sent" if sent else "expired")
    assert ("command_expired" in gate.alarms()) == (not sent)


def test_many_dispatchers_at_once_send_a_command_once(gate: Gate) -> None:
    for _ in range(5):
        gate.lift()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: gate.tick(), range(40)))
    assert gate.count(Outbox) == gate.count(BarrierCommand) == 5


def test_a_sent_command_can_be_neither_queued_again_nor_given_another_nonce(gate: Gate) -> None:
    gate.lift()
    gate.tick()
    for change in ("state = 'queued'", "nonce = 'other'", "expires_at = expires_at - interval '1 second'"):
        with pytest.raises(Exception, match="issued once"), gate.database.unit_of_work(gate.scope) as session:
            session.execute(text(f"UPDATE barrier_command SET {change}"))


# --- the controller ------------------------------------------------------------------------------------------------


@pytest.fixture
def controller(gate: Gate) -> tuple[Barrier, str, dict[str, Any]]:
    """A controller that is not connected, its key, and a command that it obeys."""
    device = gate.yard.devices[gate.yard.lane.devices["barrier"]]
    wire = Wire(device, gate.yard.site, "127.0.0.1", 1)
    wire.link_since = datetime.now(UTC) - timedelta(minutes=1)
    key = device.key or ""
    now = datetime.now(UTC)
    command = {
        "cmd_id": "1", "action": "open", "release_id": 1, "lane": gate.yard.lane.code, "decided_by": "rules",
        "issued_at": now.isoformat(), "exp": (now + timedelta(seconds=5)).isoformat(), "nonce": "n1",
    }  # fmt: skip
    return Barrier(wire, gate.yard.lane.code, key), key, command


def test_controller_obeys_a_good_command(controller: tuple[Barrier, str, dict[str, Any]]) -> None:
    one, key, command = controller
    assert one.fault_of(command | {"sig": signature(key, command)}) is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"lane": "OTHER"}, "wrong_lane"),
        ({"exp": (datetime.now(UTC) - timedelta(seconds=1)).isoformat()}, "expired"),
        ({"exp": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}, "expired"),
        ({"issued_at": (datetime.now(UTC) - timedelta(minutes=5)).isoformat()}, "link_lost_since"),
        ({"action": "dance"}, "unknown_action"),
    ],
)
def test_controller_refuses_what_it_must(
    controller: tuple[Barrier, str, dict[str, Any]], change: dict[str, Any], fault: str
) -> None:
    one, key, command = controller
    changed = command | change
    assert one.fault_of(changed | {"sig": signature(key, changed)}) == fault
    assert one.fault_of(changed | {"sig": signature(key, command)}) == "bad_signature"


def test_controller_refuses_a_nonce_it_has_seen(controller: tuple[Barrier, str, dict[str, Any]]) -> None:
    one, key, command = controller
    one._nonces.append("n1")
    assert one.fault_of(command | {"sig": signature(key, command)}) == "nonce_seen"


def test_controller_judges_expiry_by_the_servers_clock(controller: tuple[Barrier, str, dict[str, Any]]) -> None:
    one, key, command = controller
    signed = command | {"sig": signature(key, command)}
    one._wire.clock_offset = timedelta(hours=3)  # the server is three hours ahead of a controller with a bad clock
    assert one.fault_of(signed) == "expired"


@pytest.mark.parametrize("hours", [-5, 5])
def test_controller_whose_clock_is_hours_off_obeys_by_the_time_of_receipts(gate: Gate, hours: int) -> None:
    device = gate.yard.devices[gate.yard.lane.devices["barrier"]]
    wire = Wire(replace(device, clock_s=hours * 3600.0), gate.yard.site, "127.0.0.1", 1)
    wire.link_since = wire.now() - timedelta(minutes=1)
    one, now = Barrier(wire, gate.yard.lane.code, device.key), datetime.now(UTC)
    command = {
        "cmd_id": "1", "action": "open", "release_id": 1, "lane": gate.yard.lane.code, "decided_by": "rules",
        "issued_at": now.isoformat(), "exp": (now + timedelta(seconds=5)).isoformat(), "nonce": "n1",
    }  # fmt: skip
    signed = command | {"sig": signature(device.key or "", command)}
    assert one.fault_of(signed) == "expired"  # it knows no better yet, and stays closed
    wire._take_receipt({"server_time": datetime.now(UTC).isoformat()})
    assert one.fault_of(signed) is None
    late = command | {"exp": (now - timedelta(seconds=1)).isoformat()}
    assert one.fault_of(late | {"sig": signature(device.key or "", late)}) == "expired"


def test_locked_controller_opens_for_nobody_until_it_is_told_to_close(
    controller: tuple[Barrier, str, dict[str, Any]],
) -> None:
    one, key, command = controller
    signed = command | {"sig": signature(key, command)}
    one.is_locked = True
    assert one.fault_of(signed) == "locked"
    closing = command | {"action": "close"}
    assert one.fault_of(closing | {"sig": signature(key, closing)}) is None
    one.is_locked = False
    assert one.fault_of(signed) is None


# --- over the socket -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_nobody_at_the_barrier_is_a_fault_and_a_late_controller_gets_nothing(served: Gate) -> None:
    passage_id = served.lift()
    until(lambda: served.command_state() == "fault", 15)
    assert served.one(select(Outbox.state)) == "unheard"
    assert "barrier_fault" in served.alarms()
    held = select(Passage.hold_code).where(Passage.id == passage_id, Passage.state == "held")
    assert served.one(held) == "barrier_fault"
    late = served.client("barrier")
    late.subscribe(served.topic("barrier", "cmd"))
    time.sleep(1.0)  # what must not come has no sign to wait for
    late.paho.disconnect()
    assert late.messages == []
    assert served.count(Outbox) == 1


def connected_controller(served: Gate) -> tuple[Wire, Barrier]:
    """The simulated controller of the lane, connected and announced."""
    device = served.yard.devices[served.yard.lane.devices["barrier"]]
    wire = Wire(device, served.yard.site, "127.0.0.1", served.settings.mqtt_port)
    one = Barrier(wire, served.yard.lane.code, device.key)
    wire.start()
    until(lambda: wire.is_connected)
    one.announce()
    return wire, one


@pytest.mark.slow
def test_release_by_an_officer_opens_and_each_answer_is_kept(served: Gate) -> None:
    wire, one = connected_controller(served)
    until(lambda: served.one(select(LaneState.is_linked)) and served.one(select(LaneState.barrier)) == "closed")
    with served.database.unit_of_work(served.scope) as session:
        gate_pass = make_pass(session, served.world, qty=1)
        held = decide_passage(session, crossing(served.world.lane, seen_of(gate_pass, weight_g=1)))
        assert held.verdict == "hold"
    with served.database.unit_of_work(served.scope) as session:
        officer = served.world.officer.id
        release_hold(session, ReleaseHold(held.passage_id, officer, "weighed by hand", datetime.now(UTC)))
    until(one.is_open.is_set)
    until(lambda: served.one(select(LaneState.barrier)) == "open")
    one.vehicle_passed.set()
    until(lambda: served.command_state() == "closed")
    wire.stop()
    assert served.one(select(Passage.state).where(Passage.id == held.passage_id)) == "passed"
    assert served.alarms() == set()
    until(lambda: served.one(select(LaneState.is_linked)) is False)


@pytest.mark.slow
def test_opening_that_no_command_explains_is_an_alarm(served: Gate) -> None:
    client = served.client("barrier")
    state = served.envelope("barrier", "barrier", {"state": "OPEN", "lane": served.yard.lane.code})
    client.publish(served.topic("barrier", "event"), state)
    until(lambda: "opened_without_release" in served.alarms())
    client.publish(
        served.topic("barrier", "cmd/result"), json.dumps({"cmd_id": "no such", "result": "opened"}).encode()
    )
    until(lambda: "unknown_command" in served.alarms())
    client.paho.disconnect()


@pytest.mark.slow
def test_opening_told_late_by_a_bad_clock_is_an_alarm_too_and_moves_no_state(served: Gate) -> None:
    client, lane = served.client("barrier"), served.yard.lane.code
    old = (datetime.now(UTC) - timedelta(hours=5)).isoformat()
    again = served.envelope("barrier", "barrier", {"state": "OPEN", "lane": lane}, seq=1, replay=True, ts=old)
    client.publish(served.topic("barrier", "event"), again)
    settled = select(func.count()).select_from(Reading).where(Reading.state != "open")
    until(lambda: served.one(settled) == 1)
    assert served.alarms() == set()
    late = served.envelope("barrier", "barrier", {"state": "OPEN", "lane": lane}, seq=2, ts=old)
    client.publish(served.topic("barrier", "event"), late)
    until(lambda: "opened_without_release" in served.alarms())
    assert served.one(select(LaneState.barrier)) != "open"
    client.paho.disconnect()


@pytest.mark.slow
def test_locked_lane_stays_closed_until_an_officer_unlocks_it(served: Gate) -> None:
    wire, one = connected_controller(served)
    until(lambda: served.one(select(LaneState.is_linked)))
    lane_id, officer = served.world.lane.id, served.world.officer.id
    with served.database.unit_of_work(served.scope) as session:
        lower_barrier(session, lane_id, officer_id=officer, reason="man on the road", locked=True, at=datetime.now(UTC))
    until(lambda: served.command_state() == "closed")
    assert one.is_locked
    with served.database.unit_of_work(served.scope) as session:
        held = decide_passage(session, crossing(served.world.lane, seen_of(make_pass(session, served.world, qty=1))))
        assert held.hold_code == "lane_closed"
    with served.database.unit_of_work(served.scope) as session:
        unlock_lane(session, lane_id, officer_id=officer, reason="road is free", at=datetime.now(UTC))
    until(lambda: not one.is_locked and served.command_state() == "closed")
    wire.stop()
    assert served.alarms() == set()


@pytest.mark.slow
def test_replayed_and_late_arrivals_open_no_passage(served: Gate) -> None:
    client = served.client("loop")
    old = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
    for seq, over in ((1, {"replay": True}), (2, {"ts": old})):
        data = {"loop": "arrive", "occupied": True}
        client.publish(served.topic("loop", "event"), served.envelope("loop", "loop", data, seq=seq, **over))
    until(lambda: served.one(select(func.count()).select_from(Reading).where(Reading.state != "open")) == 2)
    assert served.count(Passage) == 0
    client.publish(
        served.topic("loop", "event"), served.envelope("loop", "loop", {"loop": "arrive", "occupied": True}, seq=3)
    )
    until(lambda: served.count(Passage) == 1)
    client.paho.disconnect()


def test_ingest_process_can_write_every_row_it_maps() -> None:
    """A process that imports only its own room must still find the tables that its foreign keys name."""
    script = (
        "import iot.ingest, iot.lanes, iot.barrier\n"
        "from wms.db import Base\n"
        "[key.column for table in Base.metadata.tables.values() for key in table.foreign_keys]\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2], timeout=60)


def test_device_keys_differ_by_device_and_installation() -> None:
    keys = {device_key(secret, device) for secret in (SECRET, SECRET + "x") for device in ("a", "b")}
    assert len(keys) == 4
    assert all(len(key) == 64 for key in keys)


def test_yard_file_without_a_key_makes_a_controller_that_obeys_nobody(
    gate: Gate, controller: tuple[Barrier, str, dict[str, Any]]
) -> None:
    _, key, command = controller
    device = replace(gate.yard.devices[gate.yard.lane.devices["barrier"]], key=None)
    keyless = Barrier(Wire(device, gate.yard.site, "127.0.0.1", 1), gate.yard.lane.code, None)
    assert keyless.fault_of(command | {"sig": signature(key, command)}) == "bad_signature"
    assert threading.active_count() < 100
