"""A plate camera that drives the barrier itself: its reply is a word, its sensor the proof."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from iot.register import NewDevice, register_device
from iot.tables import Outbox
from tests.conftest import Urls
from tests.iot.doors import Client, until
from tests.iot.gate_yard import SECRET, ingest_settings, register_lane, running_ingest
from tests.iot.test_barrier import Gate
from tests.wms.gate.world import make_world
from wms.db import Database, Scope
from wms.gate.service import close_passage
from wms.gate.service.by_hand import lower_barrier
from wms.gate.tables import BarrierCommand, Lane, LaneState, Passage


@pytest.fixture
def gate(database: Database, scope: Scope, tenant: int, urls: Urls, tmp_path: Path) -> Gate:
    with database.unit_of_work(scope) as session:
        world = make_world(session)
        yard = register_lane(session, world)
    return Gate(database, scope, world, yard, ingest_settings(tenant, urls.app, tmp_path))


class Camera:
    """A Zhenshi camera that opens its barrier by itself: it speaks the maker's messages and nothing of ours."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        states = {"gate_status": {"0": "CLOSED", "1": "OPENING", "2": "OPEN"}}
        with gate.database.unit_of_work(gate.scope) as session:
            lane = session.get_one(Lane, gate.world.lane.id)
            self.code = f"zs-{lane.code}"
            new = NewDevice(
                self.code, lane.site_id, "gate", "zhenshi", lane=lane.code, topic_filters=(f"device/{self.code}/#",),
                profile=states,
            )  # fmt: skip
            _, self.token = register_device(session, new, SECRET)
            lane.barrier_device = self.code
        self.down = f"device/{self.code}/message/down/gate_direct_open"

    def connect(self) -> "Camera":
        self.client = Client(self.gate.settings.mqtt_port, self.code, self.token).connect()
        self.client.subscribe(self.down)
        return self

    def say(self, topic: str, **more: Any) -> None:
        body = {"sn": self.code, "timestamp": int(time.time()), "version": "1.0", "id": f"m-{time.monotonic_ns()}"}
        self.client.publish(topic, json.dumps(body | more).encode())

    def reply(self, asked: dict[str, Any], code: int) -> None:
        self.say(f"{self.down}/reply", name="gate_direct_open", code=code, id=asked["id"], payload={})

    def arm(self, status: int) -> None:
        payload = {"type": "barr_gate_status", "body": {"gate_status": status}}
        self.say(f"device/{self.code}/message/up/barr_gate_status", name="barr_gate_status", payload=payload)

    def asked(self) -> dict[str, Any]:
        until(lambda: self.client.messages)
        found: dict[str, Any] = json.loads(self.client.messages[-1].payload)
        return found


@pytest.fixture
def camera(gate: Gate) -> Iterator[Camera]:
    """A camera that the whole ingest process knows from its start."""
    made = Camera(gate)
    with running_ingest(gate.settings, gate.database):
        yield made.connect()
        made.client.close()


@pytest.mark.slow
def test_zhenshi_reply_is_only_accepted_and_its_sensor_proves_the_opening(camera: Camera) -> None:
    served = camera.gate
    passage_id = served.lift()
    asked = camera.asked()
    assert (asked["name"], asked["sn"]) == ("gate_direct_open", camera.code)
    camera.reply(asked, 200)
    camera.arm(2)
    until(lambda: served.command_state() in ("opened", "fault"))
    assert served.one(select(BarrierCommand.accepted_at)) is not None
    with served.database.unit_of_work(served.scope) as session:
        close_passage(session, passage_id, at=datetime.now(UTC), went_through=True)
    assert served.one(select(Passage.state).where(Passage.id == passage_id)) == "passed"
    camera.arm(0)
    until(lambda: served.one(select(BarrierCommand.closed_at)) is not None)
    assert "not_passed" not in served.alarms()


@pytest.mark.slow
def test_zhenshi_reply_without_its_sensor_opens_nothing(camera: Camera) -> None:
    served = camera.gate
    served.lift()
    camera.reply(camera.asked(), 200)
    until(lambda: served.command_state() == "fault")
    assert served.one(select(LaneState.barrier)) == "fault"
    assert served.one(select(BarrierCommand.opened_at)) is None
    assert "barrier_fault" in served.alarms()


@pytest.mark.slow
def test_zhenshi_that_says_no_or_cannot_close_is_a_refusal_with_an_alarm(camera: Camera) -> None:
    served = camera.gate
    served.lift()
    camera.reply(camera.asked(), 404)
    until(lambda: served.one(select(BarrierCommand.fault)) == "code_404")
    assert "barrier_refused" in served.alarms()
    with served.database.unit_of_work(served.scope) as session:
        officer = served.world.officer.id
        lower_barrier(
            session, served.world.lane.id, officer_id=officer, reason="search", locked=False, at=datetime.now(UTC)
        )
    until(lambda: served.command_state() == "refused")
    assert served.count(Outbox) == 1
