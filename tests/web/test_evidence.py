"""Why was this vehicle let out? One page, and one bundle that can be verified without us and names every fault."""

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from tests.build import now
from tests.conftest import Urls
from tests.iot.doors import until
from tests.iot.gate_yard import ingest_settings, register_lane, running_ingest
from tests.iot.test_lane_desk import Line
from tests.iot.world import read_register
from tests.web.conftest import Doorman
from tests.wms.gate.world import crossing, make_pass, make_world, new_box, seen_of
from web.cli import dongting
from web.demo.yard import run_yard
from web.demo.yard.config import Truck
from wms.db import Database, Scope
from wms.gate.evidence import INPUTS, disagreements
from wms.gate.rules.controls import NewOrder
from wms.gate.rules.lane import LaneParameters
from wms.gate.service import (
    CommandStep,
    ReleaseHold,
    add_picture,
    approve_release,
    close_passage,
    customs_answered,
    decide_or_ask,
    expire_or_send,
    give_order,
    record_result,
    release_hold,
    set_parameters,
    withdraw_order,
)
from wms.gate.service.by_hand import NoteOpening, note_opening
from wms.gate.tables import BarrierCommand, Passage
from wms.record import bundles
from wms.record.bundles import open_bundle
from wms.record.tables import Leaf

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 20
START = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def passed(database: Database, scope: Scope) -> int:
    """A truck whose readings came as bytes of devices, let out by the rules, its goods out of the ledger."""
    with database.unit_of_work(scope) as session:
        world = make_world(session)
        yard = register_lane(session, world)
        world.lane.needs_container = False
        gate_pass = make_pass(session, world)
        plate, total_g = gate_pass.vehicle_plate, gate_pass.total_weight_g
    line = Line(database, scope, world, yard, read_register(database, scope))
    line.arrives(plate, total_g)
    while line.tick():
        pass
    with database.unit_of_work(scope) as session:
        command = session.scalars(select(BarrierCommand)).one()
        expire_or_send(session, command, command.issued_at)
        for result in ("accepted", "opened", "passed", "closed"):
            record_result(session, CommandStep(command.cmd_id, command.device, result, command.issued_at))
        passage = session.scalars(select(Passage)).one()
        close_passage(session, passage.id, at=command.issued_at, went_through=True)
    return passage.id


def taken(doorman: Doorman, passage_id: int, role: str = "customs_officer") -> bytes:
    said = doorman.browser(role).get(f"/api/v1/gates/passages/{passage_id}/evidence")
    assert said.status_code == 200, said.text
    assert said.mimetype == "application/zip"
    return said.data


def verify(file: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(dongting, ["evidence", "verify", str(file), *options])
    return result.exit_code, result.output


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_page_holds_the_whole_answer(doorman: Doorman, passed: int, locale: str) -> None:
    page = doorman.browser("auditor", locale=locale).get(f"/gate/passages/{passed}").text
    api = doorman.browser("auditor").get(f"/api/v1/gates/passages/{passed}").json
    assert api["replay_agrees"]
    assert all(reading["raw"]["sha256"][:12] in page for reading in api["readings"])
    weight = next(check for check in api["checks"] if check["check"] == "weight")
    assert weight["inputs"]["weight_g"] == weight["inputs"]["pass_weight_g"]
    assert {leaf["kind"] for leaf in api["leaves"]} == {
        "gate_pass_approved", "gate_decision", "barrier_command", "passage", "posting",
    }  # fmt: skip
    assert sum(entry["qty"] for entry in api["posting"]["entries"]) == 0
    assert api["documents"][0]["number"] in page
    assert str(api["posting"]["id"]) in page
    assert api["commands"][0]["cmd_id"] in page
    assert ("带走证据" if locale == "zh" else "Take the evidence away") in page


def test_the_bytes_of_a_reading_are_those_that_the_device_sent(doorman: Doorman, passed: int) -> None:
    officer = doorman.browser("customs_officer")
    reading = officer.get(f"/api/v1/gates/passages/{passed}").json["readings"][0]
    raw = officer.get(f"/gate/passages/{passed}/raw/{reading['reading_id']}")
    assert json.loads(raw.data)["data"] == {"loop": "arrive", "occupied": True}
    assert officer.get(f"/gate/passages/{passed}/raw/999999999").status_code == 404


def test_a_bundle_is_whole_consistent_and_the_same_each_time(doorman: Doorman, passed: int, tmp_path: Path) -> None:
    first, again = taken(doorman, passed), taken(doorman, passed, "auditor")
    assert first == again
    file = tmp_path / "evidence.zip"
    file.write_bytes(first)
    key_id = doorman.browser("auditor").get("/api/v1/gates/evidence-key").json["key_id"]
    status, said = verify(file, "--key-id", key_id)
    assert status == 0, said
    assert key_id in said
    assert "named no key" not in said
    status, said = verify(file)
    assert status == 0
    assert "named no key" in said
    names = zipfile.ZipFile(io.BytesIO(first)).namelist()
    assert sum(name.startswith("readings/") for name in names) == 4
    assert {INPUTS, "pass.json", "releases.json", "commands.json", "postings.json", "media.json"} <= set(names)


def test_tampering_with_any_file_is_named(doorman: Doorman, passed: int, tmp_path: Path) -> None:
    files = dict(open_bundle(taken(doorman, passed)).files)
    file = tmp_path / "evidence.zip"
    for name, content in files.items():
        if name in (bundles.MANIFEST, bundles.SIGNATURE):
            continue
        file.write_bytes(bundles._zipped(files | {name: content + b" "}))
        status, said = verify(file, "--json")
        assert status == 1
        assert {"file_changed"} <= {json.loads(row).get("code") for row in said.splitlines()}, name
        assert name in said
        file.write_bytes(bundles._zipped({other: body for other, body in files.items() if other != name}))
        assert verify(file)[0] == 1, name
    file.write_bytes(bundles._zipped(files | {bundles.MANIFEST: files[bundles.MANIFEST].replace(b"0", b"1", 1)}))
    assert "signature_broken" in verify(file)[1]


def test_a_story_that_does_not_hold_together_is_named_though_it_was_signed(doorman: Doorman, passed: int) -> None:
    files = {n: b for n, b in open_bundle(taken(doorman, passed)).files.items() if n not in bundles.OWN}
    assert disagreements(files) == []

    inputs = files[INPUTS]
    lighter = json.loads(inputs)
    lighter["seen"]["weight_g"] //= 2
    wrong = json.dumps(lighter, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert {one.code for one in disagreements(files | {INPUTS: wrong})} == {"inputs_differ", "replay_differs"}
    held = json.loads(files["decision/decision.json"]) | {"hold_code": "weight_high", "verdict": "hold"}
    assert {one.code for one in disagreements(files | {"decision/decision.json": json.dumps(held).encode()})} == {
        "decision_differs", "replay_differs",
    }  # fmt: skip
    raw = next(name for name in files if name.startswith("readings/"))
    assert {one.code for one in disagreements(files | {raw: b"{}"})} == {"reading_bytes_differ"}
    leaf = next(name for name in files if name.startswith("record/"))
    assert "leaf_differs" in {one.code for one in disagreements(files | {leaf: b"a\nb\n{}"})}
    assert "unreadable" in {one.code for one in disagreements(files | {"readings.json": b"[["})}
    assert {one.file for one in disagreements({})} >= {"readings.json", "record.json"}


@pytest.fixture
def contested(database: Database, scope: Scope) -> int:
    """A truck that customs' platform let go, an order stopped under way, and two officers released with a picture."""
    with database.unit_of_work(scope) as session:
        world = make_world(session)
        start = now()
        asks = LaneParameters(needs_customs_answer=True, customs_within_ms=5_000, source="a test")
        set_parameters(session, world.lane.id, asks, from_at=start - timedelta(days=1))
        asked = crossing(world.lane, seen_of(make_pass(session, world)), at=start)
        assert decide_or_ask(session, asked) is None
        customs_answered(session, asked.seq_no, "lift", at=start, hint="放行抬杆")
        decided = decide_or_ask(session, asked)
        assert decided is not None
        first = session.scalars(select(BarrierCommand)).one()
        expire_or_send(session, first, start)
        order = give_order(session, NewOrder("detain", "plate", asked.seen.plate or "", "a hint by letter", now()))
        withdraw_order(session, order.order_id, reason="settled by letter", at=now())
        add_picture(session, decided.passage_id, JPEG)
        ask = ReleaseHold(decided.passage_id, world.officer.id, "papers were shown", now(), "papers_checked")
        release = release_hold(session, ask)
        if release.state == "requested":
            approve_release(session, release.id, officer_id=world.second.id, at=now())
        second = session.scalars(select(BarrierCommand).where(BarrierCommand.release_id == release.id)).one()
        expire_or_send(session, second, second.issued_at)
        for result in ("accepted", "opened", "passed", "closed"):
            record_result(session, CommandStep(second.cmd_id, second.device, result, now()))
        picture = "rec-1/lane-1/0830.jpg"
        given = NoteOpening(
            world.lane.id, world.officer.id, "medical", "an ambulance behind it", picture, now(), now(),
        )  # fmt: skip
        note_opening(session, given)
        close_passage(session, decided.passage_id, at=now(), went_through=True)
    return decided.passage_id


def test_question_orders_locks_and_pictures_stand_on_the_page_and_in_the_bundle(
    doorman: Doorman, contested: int, tmp_path: Path
) -> None:
    content = taken(doorman, contested)
    assert taken(doorman, contested, "auditor") == content
    (tmp_path / "evidence.zip").write_bytes(content)
    status, said = verify(tmp_path / "evidence.zip")
    assert status == 0, said
    files = open_bundle(content).files
    picture = f"pictures/{hashlib.sha256(JPEG).hexdigest()}.jpg"
    assert files[picture] == JPEG
    question, (order,) = json.loads(files["question.json"]), json.loads(files["orders.json"])
    assert (question["answer"], order["control"], order["withdrawn_because"]) == ("lift", "detain", "settled by letter")
    assert [row["action"] for row in json.loads(files["commands.json"])] == ["open", "lock", "close", "open"]
    kinds = {row["kind"] for row in json.loads(files["record.json"])}
    assert kinds >= {
        "customs_asked", "customs_answer", "control_order", "control_withdrawn", "passage_photo", "barrier_command",
        "release_requested", "release_granted", "manual_opening",
    }  # fmt: skip
    shown_in = {"zh": ("海关平台", "海关布控指令", "关员补充的图片"), "en": ("keep the arm down", "About")}
    for locale, words in shown_in.items():
        page = doorman.browser("auditor", locale=locale).get(f"/gate/passages/{contested}").text
        assert all(word in page for word in (*words, "a hint by letter", "放行抬杆", "an ambulance behind it")), locale
    shown = doorman.browser("auditor").get(f"/gate/passages/{contested}/pictures/{picture[9:-4]}")
    assert (shown.data, shown.mimetype) == (JPEG, "image/jpeg")
    assert doorman.browser("auditor").get(f"/gate/passages/{contested}/pictures/none").status_code == 404


def test_nothing_in_the_bundle_can_be_told_otherwise_than_it_was_recorded(doorman: Doorman, contested: int) -> None:
    """Whoever signs a bundle anew with a changed story: each file is held against the facts of the record."""
    files = {n: b for n, b in open_bundle(taken(doorman, contested)).files.items() if n != bundles.SIGNATURE}
    assert disagreements(files) == []

    def told(name: str, change: Callable[[Any], Any]) -> set[str]:
        body = json.loads(files[name])
        given = change(body)
        return {one.code for one in disagreements(files | {name: json.dumps(given or body).encode()})}

    def put(**values: Any) -> Callable[[Any], Any]:
        return lambda body: (body[-1] if isinstance(body, list) else body).update(values)

    assert "decision_differs" in told("passage.json", put(seq_no="T999"))
    for values in ({"plate": "湘F00001"}, {"weight_g": 1}, {"containers": ["MSKU0000001"]}, {"passed_at": START}):
        assert "not_as_recorded" in told("passage.json", put(**values)), values
    assert "manifest_differs" in told("passage.json", put(state="held"))
    assert "decision_differs" in told("decision/decision.json", put(decided_at=START))
    assert "replay_differs" in told("decision/decision.json", lambda body: body["checks"][0].update(outcome="hold"))
    for values in ({"reason": "another reason"}, {"requested_by": 1}, {"reason_code": "other"}):
        assert "not_as_recorded" in told("releases.json", put(**values)), values
    assert "not_on_record" in told("releases.json", put(id=10**9))
    for values in ({"action": "close"}, {"decided_by": "person:1"}, {"issued_at": START}):
        assert "not_as_recorded" in told("commands.json", put(**values)), values
    assert "not_on_record" in told("commands.json", put(cmd_id="0"))
    for values in ({"answer": "hold"}, {"hint": "别的"}, {"asked_about": {}}, {"answer_by": START}):
        assert "not_as_recorded" in told("question.json", put(**values)), values
    for values in ({"memo": "none"}, {"cause": "fire"}, {"officer_id": 1}, {"opened_at": START}):
        assert "not_as_recorded" in told("openings.json", put(**values)), values
    assert "not_on_record" in told("openings.json", put(id=10**9))
    for values in ({"target": "湘F00001"}, {"control": "inspect"}, {"reason": "none"}, {"withdrawn_because": "none"}):
        assert "not_as_recorded" in told("orders.json", put(**values)), values
    assert "not_on_record" in told("orders.json", put(id=10**9))
    assert "not_as_recorded" in told("pass.json", lambda body: body["pass"].update(vehicle_plate="湘F00001"))
    assert "not_as_recorded" in told("pass.json", lambda body: body["pass"].update(total_weight_g=1))
    assert "not_as_recorded" in told("pass.json", lambda body: body["documents"].clear())
    assert "not_as_recorded" in told("postings.json", lambda body: body[0]["entries"][0].update(qty=7))
    assert "not_on_record" in told("postings.json", put(id=10**9))
    assert "picture_missing" in told("media.json", lambda body: body["added"].clear())
    picture = next(name for name in files if name.startswith("pictures/"))
    assert {one.code for one in disagreements(files | {picture: b"x"})} == {"picture_differs"}
    gone = {name: body for name, body in files.items() if name != picture}
    assert {one.code for one in disagreements(gone)} == {"picture_missing"}
    assert "leaf_kind_differs" in told("record.json", put(kind="gate_decision"))


def test_a_reading_told_otherwise_than_the_decision_used_it_is_named(doorman: Doorman, passed: int) -> None:
    files = {n: b for n, b in open_bundle(taken(doorman, passed)).files.items() if n not in bundles.OWN}
    readings = json.loads(files["readings.json"])
    used = next(row for row in readings if row["was_used"])
    for change in ({"was_used": False}, {"content": {"plate": "湘F00001"}}):
        told = [row | change if row is used else row for row in readings]
        found = disagreements(files | {"readings.json": json.dumps(told).encode()})
        assert {one.code for one in found} == {"reading_differs"}


def test_who_took_the_evidence_stands_in_the_record_and_on_the_page(
    doorman: Doorman, passed: int, database: Database, scope: Scope
) -> None:
    officer = doorman.browser("customs_officer")
    assert officer.get(f"/gate/passages/{passed}/evidence").status_code == 200
    with database.unit_of_work(scope) as session:
        leaves = session.scalar(select(func.count()).select_from(Leaf).where(Leaf.kind == "evidence_exported"))
        keys = session.scalar(select(func.count()).select_from(Leaf).where(Leaf.kind == "evidence_key"))
    assert (leaves, keys) == (1, 1)
    (export,) = officer.get(f"/api/v1/gates/passages/{passed}").json["exports"]
    assert export["sha256"][:24] in officer.get(f"/gate/passages/{passed}").text
    assert taken(doorman, passed)  # a second one does not change what the first one held


@pytest.mark.parametrize("role", ["clerk", "supervisor", "administrator", "declarant", "planner"])
def test_others_may_not_take_evidence(doorman: Doorman, passed: int, role: str) -> None:
    said = doorman.browser(role).get(f"/api/v1/gates/passages/{passed}/evidence")
    assert said.status_code == 403


def test_an_unknown_passage_has_no_evidence(doorman: Doorman) -> None:
    assert doorman.browser("auditor").get("/api/v1/gates/passages/999999999/evidence").status_code == 404


def test_a_file_that_is_none_is_refused_with_its_own_status(tmp_path: Path) -> None:
    assert verify(tmp_path / "nothing.zip")[0] == 2
    (tmp_path / "text.zip").write_text("hello")
    status, said = verify(tmp_path / "text.zip")
    assert (status, "not_a_bundle" in said) == (1, True)
    (tmp_path / "key.pem").write_text("no key")
    assert verify(tmp_path / "text.zip", "--key", str(tmp_path / "key.pem"))[0] == 2


def test_the_key_is_printed_for_whoever_must_verify(tmp_path: Path) -> None:
    said = CliRunner().invoke(dongting, ["evidence", "key", "--data", str(tmp_path)], env={"DONGTING_DATA": ""}).output
    assert "Key id: " in said
    assert "BEGIN PUBLIC KEY" in said


@pytest.mark.slow
def test_from_the_devices_over_a_broker_to_a_verified_bundle(
    doorman: Doorman, database: Database, scope: Scope, tenant: int, urls: Urls, tmp_path: Path
) -> None:
    box = new_box()
    with database.unit_of_work(scope) as session:
        world = make_world(session)
        yard = register_lane(session, world)
        good = make_pass(session, world, container_nos=(box,), container_weight_g=2_200_000)
        truck = Truck("approved", world.lane.code, "lift", good.vehicle_plate, good.total_weight_g, (box,))
    config = ingest_settings(tenant, urls.app, tmp_path)
    stop = threading.Event()

    def closed() -> Any:
        with database.unit_of_work(scope) as session:
            return session.scalar(select(Passage.id).where(Passage.closed_at.is_not(None)).order_by(Passage.id))

    with running_ingest(config, database):
        playing = threading.Thread(target=run_yard, args=(yard.file([truck]), config.broker_url, stop), daemon=True)
        playing.start()
        try:
            until(lambda: closed() is not None, 150)
        finally:
            stop.set()
            playing.join(20)
    file = tmp_path / "evidence.zip"
    file.write_bytes(taken(doorman, closed()))
    status, said = verify(file)
    assert status == 0, said
    opened = open_bundle(file.read_bytes())
    readings = json.loads(opened.files["readings.json"])
    assert {reading["kind"] for reading in readings} >= {"PlateRead", "WeightRead", "ContainerRead", "LoopRead"}
    assert all(reading["raw"] for reading in readings)
    assert json.loads(opened.files["commands.json"])[0]["passed_at"]
