"""The fence as an officer works with it: plan, alarm from a sensor over a broker to its review, arming, patrols."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from iot.register import NewDevice, register_device
from tests.build import make_site, now, number
from tests.conftest import Urls
from tests.iot.doors import until
from tests.iot.gate_yard import SECRET, ingest_settings, running_ingest
from tests.web.conftest import Doorman
from wms.db import Database, Scope
from wms.watch.jobs import watch_fence_of
from wms.watch.queries import fence as queries
from wms.watch.service.fence import Edge, NewSection, add_section, take_edge
from wms.watch.service.patrols import NewCheckpoint, NewRoute, add_route
from wms.watch.service.video import add_recorder
from wms.watch.tables import Alarm, Camera, FenceSection, FenceSignal
from wms.watch.tables.video import Clip


class Fence:
    """Two sections of a site; a camera looks at the first one."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self.database, self.scope, self.sensor = database, scope, f"fibre-{number()}"
        with database.unit_of_work(scope) as session:
            site = make_site(session, code=f"F{number()}")
            self.site_id, self.site_code = site.id, site.code
            first = NewSection(site.id, "N1", "北侧一段", "North 1", self.sensor, 2600, 90_000, None, (0, 0, 900, 0))
            east = (900, 0, 900, 900)
            second = NewSection(site.id, "E1", "东侧", "East", f"{self.sensor}-2", 2400, 90_000, None, east)
            self.section_id = add_section(session, first).id
            add_section(session, second)
            recorder = add_recorder(session, site.id, f"nvr-{number()}", "http://127.0.0.1:9")
            session.add(
                Camera(
                    site_id=site.id, camera_code=f"49020051101313508{number() % 1000:03d}", name_zh="北侧相机",
                    name_en="North camera", place="fence", fence_section_id=self.section_id,
                    recorder_id=recorder.id, recorder_camera="north",
                )
            )  # fmt: skip

    def touched(self, **changes: Any) -> int:
        """An alarm of the first section; its id."""
        given = {"event_at": now(), "object_class": "animal"} | changes
        with self.database.unit_of_work(self.scope) as session:
            take_edge(session, Edge(self.site_id, number(), self.sensor, True, "touch", now(), **given))
            return session.scalars(select(Alarm.id).order_by(Alarm.id.desc())).first() or 0


@pytest.fixture
def fence(database: Database, scope: Scope) -> Fence:
    return Fence(database, scope)


def api(doorman: Doorman, role: str) -> Callable[..., Any]:
    """A person of a role at the API."""
    browser = doorman.browser(role)
    token = browser.get("/account").text.partition('name="csrf-token" content="')[2].partition('"')[0]

    def call(path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"X-CSRFToken": token, "Idempotency-Key": f"k{number()}"}
        return browser.get(path) if body is None else browser.post(path, json=body, headers=headers)

    return call


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_plan_shows_each_section_in_the_colour_of_its_state(doorman: Doorman, fence: Fence, locale: str) -> None:
    fence.touched()
    page = doorman.browser("customs_officer", locale=locale).get("/gate/fence").text
    assert '<g class="line alarm">' in page
    assert '<g class="line quiet">' in page
    assert ("围网触发" if locale == "zh" else "Fence touched") in page
    assert "2.4 m" in page  # lower than asked


def test_an_alarm_goes_step_by_step_on_the_page(
    doorman: Doorman, fence: Fence, csrf: Callable[..., str]
) -> None:
    alarm_id = fence.touched()
    officer, other = doorman.browser("customs_officer"), doorman.browser("supervisor")
    page = f"/gate/alarms/{alarm_id}"

    def step(client: FlaskClient, **form: str) -> int:
        given = {"csrf_token": csrf(client, page), "idempotency_key": f"k{number()}", **form}
        return int(client.post(f"{page}/step", data=given).status_code)

    assert "Acknowledge under my name" in officer.get(page).text
    assert step(officer, deed="acknowledge") == 302
    assert step(officer, deed="dispatch", words="patrol 2") == 302
    assert step(officer, deed="settle", words=" ", outcome="false") == 422
    assert step(officer, deed="settle", words="a goat at the net", outcome="false") == 302
    assert "another person reviews it" in officer.get(page).text
    assert step(other, deed="review", words="seen on the clip", outcome="false") == 302
    said = other.get(page).text
    for words in ("patrol 2", "a goat at the net", "seen on the clip", "reviewed"):
        assert words in said
    assert api(doorman, "auditor")(f"/api/v1/alarms/{alarm_id}").json["state"] == "reviewed"


def test_a_section_is_disarmed_with_a_reason_on_the_page(
    doorman: Doorman, fence: Fence, csrf: Callable[..., str]
) -> None:
    officer = doorman.browser("customs_officer")
    page = f"/gate/fence/sections/{fence.section_id}"
    given = {"csrf_token": csrf(officer, page), "to": "disarmed"}
    assert officer.post(f"{page}/switch", data=given | {"reason": "ab", "idempotency_key": "k1"}).status_code == 422
    said = officer.post(f"{page}/switch", data=given | {"reason": "works at the drain", "idempotency_key": "k2"})
    assert said.status_code == 302
    assert "works at the drain" in officer.get(page).text
    assert doorman.browser("clerk").get(page).status_code == 403


def test_the_api_sets_up_arms_and_counts(doorman: Doorman, fence: Fence) -> None:
    supervisor, officer = api(doorman, "supervisor"), api(doorman, "customs_officer")
    body = {
        "site": fence.site_code, "code": "S9", "name_zh": "南段", "name_en": "South", "sensor": f"s-{number()}",
        "height_mm": 2600, "length_mm": 1000, "path": [0, 0, 10, 10],
    }  # fmt: skip
    made = supervisor("/api/v1/fence/sections", body)
    assert made.status_code == 201, made.text
    assert supervisor("/api/v1/fence/sections", body).json["type"].endswith("fence_section_exists")
    assert supervisor("/api/v1/fence/sections", body | {"code": "S8", "path": [1]}).status_code == 422
    assert supervisor("/api/v1/fence/zones", {"site": fence.site_code, "code": "Z", "name_zh": "区", "name_en": "Z"})
    section_id = made.json["id"]
    path = f"/api/v1/fence/sections/{section_id}"
    assert supervisor(f"{path}/sensors", {"device": f"x-{number()}", "part": "A"}).status_code == 201
    assert officer(f"{path}/disarm", {"reason": "maintenance"}).json["is_armed"] is False
    assert officer(f"{path}/disarm", {"reason": "maintenance"}).json["type"].endswith("fence_already_disarmed")
    assert officer(f"{path}/arm", {"reason": "done with it"}).json["is_armed"] is True
    assert officer("/api/v1/fence/sections/999999999/signals").status_code == 404
    alarm_id = fence.touched()
    assert officer(f"/api/v1/gates/alarms/{alarm_id}/acknowledge", {}).status_code == 200
    assert officer(f"/api/v1/alarms/{alarm_id}/dispatch", {"to": "patrol"}).json["state"] == "dispatched"
    settled = officer(f"/api/v1/alarms/{alarm_id}/settle", {"cause": "a goat at the net", "outcome": "false"})
    assert settled.json == {"alarm_id": alarm_id, "state": "closed", "outcome": "false"}
    assert officer(f"/api/v1/alarms/{alarm_id}/settle", {"cause": "a goat", "outcome": "maybe"}).status_code == 422
    assert officer(f"/api/v1/alarms/{alarm_id}/review", {"note": "as it was"}).json["type"].endswith("by_settler")
    rates = {row["section_id"]: row for row in officer("/api/v1/fence/false-alarms").json}
    assert rates[fence.section_id]["false_permille"] == 1000
    signals = officer(f"/api/v1/fence/sections/{fence.section_id}/signals").json
    assert len(signals) == 1
    assert {row["code"] for row in officer("/api/v1/fence/sections").json} >= {"N1", "E1", "S9"}


def test_a_round_is_walked_and_a_missed_one_is_alarmed(
    doorman: Doorman, fence: Fence, database: Database, scope: Scope, csrf: Callable[..., str]
) -> None:
    start = now() - timedelta(minutes=5)
    with database.unit_of_work(scope) as session:
        points = (NewCheckpoint("C1", "一点", "One"), NewCheckpoint("C2", "二点", "Two"))
        route = add_route(session, NewRoute(fence.site_id, "R", "夜巡", "Night", start, 86_400, 3600, points))
        route_id = route.id
    watch_fence_of(database, scope, now())
    clerk = doorman.browser("clerk")
    given = {"csrf_token": csrf(clerk, "/gate/patrols"), "checkpoint": "C1", "finding": "lamp is out"}
    assert clerk.post(f"/gate/patrols/{route_id}/visit", data=given | {"idempotency_key": "v1"}).status_code == 302
    assert clerk.post(f"/gate/patrols/{route_id}/visit", data=given | {"idempotency_key": "v2"}).status_code == 409
    assert "lamp is out" in clerk.get("/gate/patrols").text
    watch_fence_of(database, scope, start + timedelta(hours=2))
    with database.unit_of_work(scope) as session:
        codes = set(session.scalars(select(Alarm.code)))
    assert codes == {"patrol_finding", "patrol_missed"}


@pytest.mark.slow
def test_from_a_sensor_over_a_broker_to_the_officers_page(
    doorman: Doorman, fence: Fence, database: Database, scope: Scope, tenant: int, urls: Urls, tmp_path: Path
) -> None:
    with database.unit_of_work(scope) as session:
        _, token = register_device(session, NewDevice(fence.sensor, fence.site_id, "fence", "dongting"), SECRET)
        axis = f"axis-{number()}"
        _, axis_token = register_device(
            session, NewDevice(axis, fence.site_id, "fence", "axis", topic_filters=(f"{axis}/event/#",)), SECRET
        )
        second = session.scalars(select(FenceSection).where(FenceSection.sensor == f"{fence.sensor}-2")).one()
        second.sensor = axis
    config = ingest_settings(tenant, urls.app, tmp_path)
    with running_ingest(config, database):
        tokens = {fence.sensor: token, axis: axis_token}
        lines = {device: connected(device, secret, config.mqtt_port) for device, secret in tokens.items()}
        topic = f"wms/v1/{fence.site_code}/fence/{fence.sensor}/event"
        for seq, active in enumerate((True, True, False), 1):
            body = touch(fence.sensor, seq, active)
            for _ in range(2 if seq == 1 else 1):  # the first one comes twice: after a lost PUBACK
                lines[fence.sensor].publish(topic, body, qos=1).wait_for_publish(30)
        old = touch(fence.sensor, 4, True, replay=True, ts=(now() - timedelta(hours=5)).isoformat())
        lines[fence.sensor].publish(topic, old, qos=1).wait_for_publish(30)
        perimeter = {
            "topic": "axis:CameraApplicationPlatform/FenceGuard/Camera1Profile1", "serial": axis,
            "timestamp": int(time.time() * 1000), "message": {"source": {}, "key": {}, "data": {"active": "1"}},
        }  # fmt: skip
        where = f"{axis}/event/tns:axis/CameraApplicationPlatform/FenceGuard/Camera1Profile1"
        lines[axis].publish(where, json.dumps(perimeter), qos=1).wait_for_publish(30)

        def signals() -> int:
            with database.unit_of_work(scope) as session:
                return len(session.scalars(select(FenceSignal.id)).all())

        until(lambda: signals() >= 5, 60)
        for line in lines.values():
            line.disconnect()
            line.loop_stop()
    with database.unit_of_work(scope) as session:
        alarms = session.scalars(select(Alarm).order_by(Alarm.code, Alarm.id)).all()
        assert [(one.code, one.trigger_count) for one in alarms] == [
            ("fence_alarm", 2), ("fence_alarm", 1), ("fence_alarm_late", 1),
        ]  # fmt: skip
        kept = queries.signals(session, section_id=fence.section_id)
        assert [(one.is_alarm, one.is_live) for one in reversed(kept)] == [
            (True, True), (True, True), (False, True), (True, False),
        ]  # fmt: skip
        clips = session.scalars(select(Clip)).all()
        assert {clip.state for clip in clips} == {"wanted"}  # wanted in the transaction of the alarm
        assert len(clips) == 2
    assert "Fence touched" in doorman.browser("customs_officer").get("/gate/fence").text


def touch(device: str, seq: int, active: bool, **over: Any) -> str:
    data = {"rule": "touch", "active": active, "object_class": "human"}
    body = {
        "v": 1, "id": f"{device}-{seq}", "device": device, "kind": "fence", "type": "alarm", "seq": seq, "boot": "b",
        "ts": now().isoformat(), "ts_q": "ntp", "data": data,
    }  # fmt: skip
    return json.dumps(body | over)


def connected(device: str, token: str, port: int) -> mqtt.Client:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=device, protocol=mqtt.MQTTv311)
    client.username_pw_set(device, token)
    client.connect("127.0.0.1", port)
    client.loop_start()
    until(client.is_connected, 30)
    return client
