"""Recorders asked by the clock: clips hashed, faults on the event, holes found and filled, retention, clocks."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from iot.register import NewDevice, register_device
from tests.build import make_site, now, number
from tests.conftest import Urls
from tests.iot.doors import until
from tests.iot.gate_yard import SECRET, ingest_settings, running_ingest
from tests.web.conftest import Doorman
from tests.web.out.recorder_stand_in import StandIn, recorder
from tests.web.test_fence_page import api, connected
from web.out import recordings
from web.out.recorder import Frigate, RecorderFault, _skew_ms
from wms.db import Database, Scope
from wms.parties.dated import set_value
from wms.watch.queries import video as queries
from wms.watch.rules.video import Stretch
from wms.watch.service.clips import want_for_lane
from wms.watch.service.fence import Edge, NewSection, add_section, take_edge
from wms.watch.service.temperatures import NewPlace, NewSensor, add_place, add_sensor
from wms.watch.service.video import NewCamera, add_camera, add_recorder, link
from wms.watch.tables import Alarm, VideoGap
from wms.watch.tables.temperatures import TemperatureReading
from wms.watch.tables.video import Clip

START = now().replace(microsecond=0)


class Scene:
    """One site with a recorder, a camera that looks at a section of the fence and at a lane."""

    def __init__(self, database: Database, scope: Scope, stand_in: StandIn) -> None:
        self.database, self.scope, self.stand_in = database, scope, stand_in
        self.sensor, self.nvr = f"fibre-{number()}", f"nvr-{number()}"
        with database.unit_of_work(scope) as session:
            site = make_site(session, code=f"V{number()}")
            self.site_id, self.site_code = site.id, site.code
            section = add_section(session, NewSection(site.id, "N1", "北段", "North", self.sensor, 2600, 1000))
            self.section_id = section.id
            add_recorder(session, site.id, self.nvr, stand_in.address + "/")
            self.code = f"49020051101313508{number() % 999 + 1:03d}"
            new = NewCamera(
                site.id, self.code, "北相机", "North", "fence", recorder=self.nvr, recorder_camera="north",
                recording_since_at=START - timedelta(days=200),
            )  # fmt: skip
            self.camera_id = add_camera(session, new, START).id
            link(session, self.camera_id, section_id=section.id)
            link(session, self.camera_id, lane="OUT1")
        stand_in.fps["north"] = 5.0
        self.keep(days=100)

    def keep(self, days: int) -> None:
        day = START - timedelta(days=days)
        self.stand_in.summary["north"] = [
            {"day": f"{START:%Y-%m-%d}", "events": 1, "hours": [{"hour": "03", "duration": 3600}]},
            {"day": f"{day:%Y-%m-%d}", "events": 0, "hours": [{"hour": "23"}, {"hour": f"{day:%H}"}]},
        ]

    def recorded(self, *minutes: tuple[float, float]) -> None:
        """Segments from and to so many minutes before now."""
        self.stand_in.segments["north"] = [
            ((START - timedelta(minutes=a)).timestamp(), (START - timedelta(minutes=b)).timestamp()) for a, b in minutes
        ]

    def touched(self, at: datetime) -> None:
        with self.database.unit_of_work(self.scope) as session:
            take_edge(session, Edge(self.site_id, number(), self.sensor, True, "touch", at, event_at=at))

    def fetch(self, at: datetime) -> int:
        return recordings.fetch_clips_of(self.database, self.scope, at)

    def check(self, at: datetime = START) -> Any:
        recordings.check_recordings_of(self.database, self.scope, at)
        with self.database.unit_of_work(self.scope) as session:
            return queries.cameras(session, at)[0]

    def all(self, table: Any) -> list[Any]:
        with self.database.unit_of_work(self.scope) as session:
            return list(session.scalars(select(table).order_by(table.id)))


@pytest.fixture
def scene(database: Database, scope: Scope) -> Iterator[Scene]:
    with recorder() as stand_in:
        yield Scene(database, scope, stand_in)


def test_a_clip_is_fetched_once_hashed_and_its_frames_stay_where_they_are(scene: Scene) -> None:
    scene.touched(START)
    assert scene.fetch(START + timedelta(seconds=19)) == 0  # the 20 seconds after it are not over yet
    assert scene.fetch(START + timedelta(seconds=20)) == 1
    (clip,) = scene.all(Clip)
    assert (clip.state, clip.sha256) == ("held", hashlib.sha256(b"frames").digest())
    assert (START - clip.from_at, clip.until_at - START) == (timedelta(seconds=10), timedelta(seconds=20))
    begin, end = clip.from_at.timestamp(), clip.until_at.timestamp()
    assert clip.uri == f"{scene.stand_in.address}/api/north/start/{begin:.3f}/end/{end:.3f}/clip.mp4"
    assert scene.fetch(START + timedelta(seconds=60)) == 0


def test_an_event_that_goes_on_wants_a_longer_clip(scene: Scene) -> None:
    scene.touched(START)
    scene.fetch(START + timedelta(seconds=20))
    scene.touched(START + timedelta(seconds=25))
    (clip,) = scene.all(Clip)
    assert (clip.state, clip.until_at) == ("wanted", START + timedelta(seconds=45))
    assert scene.fetch(START + timedelta(seconds=45)) == 1


def test_how_much_before_and_after_is_dated_data(scene: Scene) -> None:
    with scene.database.unit_of_work(scene.scope) as session:
        terms = {"before_s": 1, "after_s": 2, "again_s": 60, "give_up_s": 120}
        set_value(session, "video.clip", terms, valid_from_on=START.date(), source="a test")
    scene.touched(START)
    (clip,) = scene.all(Clip)
    assert clip.until_at - clip.from_at == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("wrong", "fault"), [("gone", "HTTP 404"), ("empty", "clip is empty"), ("down", "ConnectionRefusedError")]
)
def test_a_clip_that_cannot_be_fetched_is_a_fault_of_the_event(
    database: Database, scope: Scope, wrong: str, fault: str
) -> None:
    with recorder() as stand_in:
        scene = Scene(database, scope, stand_in)
        scene.stand_in.clip = {"gone": None, "empty": b"", "down": b"x"}[wrong]
        scene.touched(START)
        if wrong != "down":
            assert scene.fetch(START + timedelta(seconds=30)) == 0
    if wrong == "down":
        assert scene.fetch(START + timedelta(seconds=30)) == 0
    (clip,) = scene.all(Clip)
    assert (clip.state, clip.tries) == ("wanted", 1)
    assert clip.fault.startswith(fault)
    scene.stand_in.clip = None
    assert scene.fetch(START + timedelta(hours=2)) == 1
    assert scene.all(Clip)[0].state == "missing"
    assert [one.code for one in scene.all(Alarm)] == ["fence_alarm", "clip_missing"]


def test_a_passage_wants_the_recordings_of_the_cameras_of_its_lane(scene: Scene) -> None:
    with scene.database.unit_of_work(scene.scope) as session:
        want_for_lane(session, 7, scene.site_id, "OUT1", START, START + timedelta(seconds=40))
        want_for_lane(session, 8, scene.site_id, "OUT2", START, START)
    (clip,) = scene.all(Clip)
    assert (clip.subject, clip.subject_id) == ("passage", 7)
    assert clip.until_at - clip.from_at == timedelta(seconds=70)


def test_clips_past_the_retention_are_marked_and_keep_address_and_hash(scene: Scene) -> None:
    scene.touched(START)
    scene.fetch(START + timedelta(seconds=30))
    scene.fetch(START + timedelta(days=92))
    assert scene.all(Clip)[0].state == "held"
    scene.fetch(START + timedelta(days=93))
    (clip,) = scene.all(Clip)
    assert (clip.state, bool(clip.uri), bool(clip.sha256)) == ("expired", True, True)


def test_whole_recordings_are_no_finding(scene: Scene) -> None:
    scene.recorded((130, 60), (60, 0))
    row = scene.check()
    assert (row.is_online, row.online_permille, row.open_gaps, row.kept.is_short) == (True, 1000, 0, False)
    assert row.kept.days == 100
    assert row.skew_ms is not None
    assert scene.all(Alarm) == []


def test_a_hole_is_found_grows_and_is_filled_later_but_stays_on_record(scene: Scene) -> None:
    scene.recorded((130, 60), (50, 20))
    assert scene.check().open_gaps == 2
    scene.check(START + timedelta(minutes=1))
    gaps = scene.all(VideoGap)
    assert [(START - gap.from_at) // timedelta(minutes=1) for gap in gaps] == [60, 20]
    assert gaps[1].until_at == START - timedelta(minutes=4)  # it runs on
    scene.recorded((130, 0))
    assert scene.check(START + timedelta(minutes=2)).open_gaps == 0
    assert all(gap.filled_at for gap in scene.all(VideoGap))
    assert [(one.code, one.state) for one in scene.all(Alarm)] == [("recording_gap", "raised")]


def test_less_than_three_months_is_an_alarm_by_what_is_found_not_configured(scene: Scene) -> None:
    scene.recorded((130, 0))
    scene.keep(days=91)
    row = scene.check()
    assert (row.kept.days, row.kept.asked_days, row.kept.is_short) == (91, 92, True)
    assert [one.code for one in scene.all(Alarm)] == ["retention_short"]


def test_a_camera_without_frames_and_a_recorder_without_answer_are_told_apart(scene: Scene) -> None:
    scene.recorded((130, -60))
    scene.stand_in.fps["north"] = 0
    row = scene.check()
    assert (row.is_online, row.fault) == (False, "the recorder gets no frames of it")
    scene.stand_in.fps["north"] = 5
    scene.check(START + timedelta(minutes=15))
    scene.stand_in.is_broken = True
    row = scene.check(START + timedelta(minutes=30))
    assert row.fault.startswith("JSONDecodeError")
    assert row.online_permille == 333
    assert {one.code for one in scene.all(Alarm)} == {"camera_offline"}


@pytest.mark.parametrize("body", [b"[]", b"{}", b"null", b"[" * 100_000, b"\xff", b""])
def test_an_answer_of_another_shape_is_a_fault_and_no_exception(scene: Scene, body: bytes) -> None:
    frigate = Frigate(scene.stand_in.address)
    scene.stand_in.answer = lambda _path: (200, body)  # type: ignore[method-assign]
    with pytest.raises(RecorderFault):
        frigate.stats()
    for ask in (lambda: frigate.recorded("a/b", Stretch(START, START)), lambda: frigate.oldest("a b")):
        with suppress(RecorderFault):
            assert not ask()


def test_a_clock_without_zone_and_hours_of_another_shape_stop_nothing(scene: Scene) -> None:
    frigate = Frigate(scene.stand_in.address)
    for hours in ("7", '"x"', '{"hour": "01"}', '[7, {"hour": "x"}, {"hour": Infinity}]'):
        body = f'[{{"day": "2026-01-01", "hours": {hours}}}]'.encode()
        scene.stand_in.answer = lambda _path, body=body: (200, body)  # type: ignore[method-assign, misc]
        assert frigate.oldest("north") is None
    skew_ms = _skew_ms("Thu, 26 Nov 2026 10:00:00 -0000")
    assert skew_ms is not None
    behind = datetime.now(UTC) - datetime(2026, 11, 26, 10, tzinfo=UTC)
    assert abs(behind / timedelta(milliseconds=1) - skew_ms) < 60_000


def test_the_page_and_the_api_show_cameras_and_holes(doorman: Doorman, scene: Scene) -> None:
    scene.recorded((130, 60), (50, 20))
    scene.check()
    for locale, words in (("zh", "录像缺口"), ("en", "Holes in recordings")):
        page = doorman.browser("customs_officer", locale=locale).get("/gate/cameras").text
        assert words in page
        assert scene.code in page
    auditor = doorman.browser("auditor")
    assert auditor.get("/api/v1/cameras").json[0]["camera_code"] == scene.code
    assert len(auditor.get("/api/v1/recording-gaps").json) == 2


def test_cameras_are_set_up_by_api_and_each_mistake_is_named(doorman: Doorman, scene: Scene) -> None:
    supervisor = api(doorman, "supervisor")

    def post(path: str, **body: Any) -> Any:
        return supervisor(f"/api/v1/{path}", body)

    assert post("recorders", site=scene.site_code, code="r2", address="https://nvr.example:8971").status_code == 201
    for wrong in ("ftp://nvr.example", "http://a:b@nvr.example", "nvr.example:5000", "http://nvr:99999"):
        assert post("recorders", site=scene.site_code, code="r3", address=wrong).json["type"].endswith("address_wrong")
    camera = {"site": scene.site_code, "name_zh": "相机", "name_en": "Camera", "place": "yard"}
    made = post("cameras", **camera, camera_code="49020051101323502007", recorder="r2", recorder_camera="yard")
    assert made.status_code == 201, made.text
    assert post("cameras", **camera, camera_code="49020051101323502007").json["type"].endswith("camera_exists")
    assert post("cameras", **camera, camera_code="49020051101323502008", recorder="r9").status_code == 404
    taken = post("cameras", **camera, camera_code="49020051101323502008", recorder="r2", recorder_camera="yard")
    assert taken.json["type"].endswith("recorder_camera_taken")
    for wrong in ("4902005110132350200", "49020054101323502008", "49020051201323502008", "49020051101333502008"):
        assert post("cameras", **camera, camera_code=wrong).json["type"].endswith("camera_code_wrong")
    path = f"cameras/{made.json['id']}/links"
    assert post(path, section="N1").status_code == 201
    assert post(path, lane="IN1").status_code == 201
    assert post(path).json["type"].endswith("camera_link_wrong")
    assert post(path, lane="IN1", section="N1").json["type"].endswith("camera_link_wrong")
    assert post(path, section="nowhere").status_code == 404
    assert post("cameras/999999999/links", lane="IN1").status_code == 404


@pytest.mark.slow
def test_frigate_and_a_thermometer_over_a_broker(
    scene: Scene, database: Database, scope: Scope, tenant: int, urls: Urls, tmp_path: Path
) -> None:
    probe = f"temp-{number()}"
    with database.unit_of_work(scope) as session:
        new = NewDevice(scene.nvr, scene.site_id, "video", "frigate", topic_filters=("frigate/#",))
        _, token = register_device(session, new, SECRET)
        _, probe_token = register_device(session, NewDevice(probe, scene.site_id, "temp"), SECRET)
        add_place(session, NewPlace(scene.site_code, "F1", "冷库", "Freezer", "frozen"))
        add_sensor(session, "F1", NewSensor(probe, START - timedelta(days=1)))
    config = ingest_settings(tenant, urls.app, tmp_path)
    with running_ingest(config, database):
        frigate, thermometer = (connected(*who, config.mqtt_port) for who in ((scene.nvr, token), (probe, probe_token)))
        at = now().timestamp()
        for kind, severity in (("new", "alert"), ("end", "alert"), ("new", "detection")):
            frigate.publish("frigate/reviews", review(kind, severity, at), qos=1).wait_for_publish(30)
        envelope = {
            "v": 1, "id": f"t{number()}", "device": probe, "kind": "temp", "type": "temperature", "seq": 1,
            "boot": "b", "ts": now().isoformat(), "ts_q": "ntp", "data": {"temperature_mdegc": -18_500},
        }  # fmt: skip
        topic = f"wms/v1/{scene.site_code}/temp/{probe}/event"
        thermometer.publish(topic, json.dumps(envelope), qos=1).wait_for_publish(30)
        until(lambda: len(scene.all(TemperatureReading)) == 1, 60)
        until(lambda: len(scene.all(Alarm)) == 1, 60)
        for line in (frigate, thermometer):
            line.disconnect()
            line.loop_stop()
    (alarm,) = scene.all(Alarm)
    assert (alarm.source, alarm.code, alarm.fence_section_id) == ("video", "video_alert", scene.section_id)
    assert scene.all(Clip)[0].subject == "alarm"
    assert scene.fetch(now() + timedelta(seconds=60)) == 1


def review(kind: str, severity: str, at: float) -> str:
    """A review of Frigate 0.16 as it is published, for a person seen by the camera ``north``."""
    body = {
        "id": f"{at:.6f}-abc{severity[0]}", "camera": "north", "start_time": at,
        "end_time": at + 4 if kind == "end" else None, "severity": severity,
        "thumb_path": "/media/frigate/clips/review/thumb-north.webp",
        "data": {"detections": [f"{at:.6f}-xyz"], "objects": ["person"], "sub_labels": [], "zones": [], "audio": []},
    }  # fmt: skip
    return json.dumps({"type": kind, "before": body, "after": body})
