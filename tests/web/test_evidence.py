"""Why was this vehicle let out? One page, and one bundle that can be verified without us and names every fault."""

import io
import json
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from tests.conftest import Urls
from tests.iot.doors import until
from tests.iot.gate_yard import ingest_settings, register_lane, running_ingest
from tests.iot.test_lane_desk import Line
from tests.iot.world import read_register
from tests.web.conftest import Doorman
from tests.wms.gate.world import make_pass, make_world, new_box
from web.cli import dongting
from web.demo.yard import run_yard
from web.demo.yard.config import Truck
from wms.db import Database, Scope
from wms.gate.evidence import INPUTS, disagreements
from wms.gate.service import CommandStep, close_passage, expire_or_send, record_result
from wms.gate.tables import BarrierCommand, Passage
from wms.record import bundles
from wms.record.bundles import open_bundle
from wms.record.tables import Leaf


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
    assert {leaf["kind"] for leaf in api["leaves"]} == {"gate_pass_approved", "gate_decision", "passage", "posting"}
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
