"""What customs front ends send broken, late, unsigned or twice: kept, taken once, believed only where it may be."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from iot import barrier, gather, lanes
from iot.doors.frames import FrameServer
from iot.inbox import store
from iot.parsing import parse_waiting
from iot.register import arrival
from iot.tables import Device
from tests.iot.doors import until
from tests.iot.front_ends import AREA, Gate, make_gate, said
from tests.iot.porter import PATIENCE_S, FrontEnd, RunningPorter, running
from tests.iot.world import count, read_register, rows
from wms.db import Database, Scope
from wms.gate.tables import BarrierCommand, Passage


@pytest.fixture
def gate(database: Database, scope: Scope, monkeypatch: pytest.MonkeyPatch) -> Gate:
    return make_gate(database, scope, monkeypatch)


@pytest.fixture
def door(gate: Gate, database: Database, scope: Scope) -> Iterator[RunningPorter]:
    with running(RunningPorter(database, scope)) as porter:
        yield porter


@pytest.fixture
def front_end(door: RunningPorter) -> Iterator[FrontEnd]:
    made = FrontEnd(door.frames)
    yield made
    made.close()


def test_broken_frames_are_kept_with_their_reason_and_the_stream_goes_on(
    gate: Gate, door: RunningPorter, front_end: FrontEnd
) -> None:
    good = gate.question(gate.ready_pass())
    wrong_length = good[:4] + (len(good) + 7).to_bytes(4, "little") + good[8:]
    no_charset = gate.frame(
        gather.GATHER, "x", {"AREA_ID": AREA, "CHNL_NO": gate.world.lane.code, "I_E_TYPE": "E"}
    ).replace(b"x\xff\xff", b"\x81\xff\xff")
    front_end.say(b"garbage before" + wrong_length + no_charset + good)
    assert said(front_end.hear())["lifts"] is True
    truncated = FrontEnd(door.frames)
    truncated.say(good[: len(good) // 2])
    truncated.close()
    until(lambda: count(gate.database, gate.scope, "inbox") >= 5, PATIENCE_S)
    with gate.database.unit_of_work(gate.scope) as session:
        parse_waiting(session, read_register(gate.database, gate.scope))
    assert count(gate.database, gate.scope, "inbox", "state = 'dead'") >= 4
    assert count(gate.database, gate.scope, "release") == 1


def test_a_report_that_was_stored_but_not_taken_is_taken_when_it_comes_again(
    gate: Gate, front_end: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame is committed, then the database goes away before it is taken: a second one with its bytes is a copy."""
    seq = gate.seq()
    front_end.say(gate.question(gate.ready_pass(), seq))
    assert said(front_end.hear())["lifts"] is True
    settle, lost = FrameServer._settle, threading.Event()

    def cut_off(*given: Any) -> Any:
        if lost.is_set():
            return settle(*given)
        lost.set()
        raise OperationalError("UPDATE", {}, ConnectionError("the server is gone"))

    monkeypatch.setattr(FrameServer, "_settle", cut_off)
    report = gate.report("EC_FREE_PLATFORM", seq)
    front_end.say(report)
    assert lost.wait(PATIENCE_S)
    assert gate.one(select(Passage)).state == "released"
    front_end.say(report)
    until(lambda: gate.one(select(Passage)).state == "passed", PATIENCE_S)
    front_end.say(report)
    front_end.say(gate.question(plate="湘F99998"))
    assert said(front_end.hear())["lifts"] is False
    assert not count(gate.database, gate.scope, "device_alarm")


def test_a_report_that_its_door_could_not_take_is_taken_by_the_lane_loop(
    gate: Gate, front_end: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    seq = gate.seq()
    front_end.say(gate.question(gate.ready_pass(), seq))
    assert said(front_end.hear())["lifts"] is True
    asked = count(gate.database, gate.scope, "inbox")

    def cut_off(*_: Any) -> Any:
        raise OperationalError("UPDATE", {}, ConnectionError("the server is gone"))

    monkeypatch.setattr(FrameServer, "_settle", cut_off)
    front_end.say(gate.report("EC_FREE_PLATFORM", seq))
    until(lambda: count(gate.database, gate.scope, "inbox") == asked + 1, PATIENCE_S)
    with gate.database.unit_of_work(gate.scope) as session:
        parse_waiting(session, read_register(gate.database, gate.scope))
    lanes.tick(gate.database, gate.scope, frozenset({gate.site_id}), datetime.now(UTC))
    assert gate.one(select(Passage)).state == "passed"


def test_a_front_end_that_must_sign_is_not_believed_over_its_connection(gate: Gate, front_end: FrontEnd) -> None:
    """A frame carries no signature: its question is held and clears no lane, its report is an alarm and no more."""
    seq = gate.seq()
    front_end.say(gate.question(gate.ready_pass(), seq))
    assert said(front_end.hear())["lifts"] is True
    other = gate.seq()
    front_end.say(gate.question(plate="湘F99998", seq=other))
    assert said(front_end.hear())["lifts"] is False
    with gate.database.unit_of_work(gate.scope) as session:
        session.execute(update(Device).where(Device.code == gate.front_end.code).values(must_sign=True))
    front_end.say(gate.question(gate.ready_pass()))
    assert said(front_end.hear())["lifts"] is False
    states = dict(rows(gate.database, gate.scope, "SELECT seq_no, closed_at IS NULL FROM passage"))
    assert states[other]
    front_end.say(gate.report("EC_FREE_PLATFORM", seq))
    until(lambda: count(gate.database, gate.scope, "device_alarm", "code = 'untrusted_result'"), PATIENCE_S)
    assert rows(gate.database, gate.scope, "SELECT state FROM passage WHERE seq_no = :n", n=seq) == [("released",)]


def test_a_frame_that_comes_byte_by_byte_is_given_up_and_what_came_is_kept(
    gate: Gate, door: RunningPorter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iot.doors.frames.FRAME_S", 0.5)
    slow, raw = FrontEnd(door.frames), gate.question(plate="湘F99998")
    slow.socket.settimeout(0.05)
    heard = b"?"
    for n in range(len(raw) - 1):
        try:
            slow.say(raw[n : n + 1])
            heard = slow.socket.recv(1)
        except TimeoutError:
            continue
        except ConnectionError:
            heard = b""
        break
    slow.close()
    assert heard == b""
    until(lambda: count(gate.database, gate.scope, "inbox") == 1, PATIENCE_S)
    [(kept,)] = rows(gate.database, gate.scope, "SELECT payload FROM inbox")
    assert raw.startswith(bytes(kept))


def test_an_answer_whose_leaving_cannot_be_noted_ends_no_connection(
    gate: Gate, front_end: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: Any) -> None:
        raise OperationalError("UPDATE", {}, ConnectionError("the server is gone"))

    monkeypatch.setattr(FrameServer, "_delivered", cut_off)
    front_end.say(gate.question(gate.ready_pass()))
    assert said(front_end.hear())["lifts"] is True
    front_end.say(gate.question(plate="湘F99998"))
    assert said(front_end.hear())["lifts"] is False


def test_a_stranger_is_not_heard_but_kept(database: Database, scope: Scope) -> None:
    with running(RunningPorter(database, scope)) as door:
        stranger = FrontEnd(door.frames)
        stranger.say(gather.HEAD + b"\0" * 60)
        assert stranger.hear() is None
        stranger.close()
        assert rows(database, scope, "SELECT reason FROM dead_letter") == [("unknown_device",)]
        until(lambda: count(database, scope, "device_alarm", "code = 'frame_refused'"), PATIENCE_S)


def test_a_hundred_vehicles_of_two_connections_each_get_one_release(gate: Gate, door: RunningPorter) -> None:
    passes = [gate.ready_pass(qty=5) for _ in range(20)]
    questions = [gate.question(one) for one in passes]
    lifted: list[str] = []

    def ask() -> None:
        mine = FrontEnd(door.frames)
        for question in questions:
            mine.say(question)
            answer = said(mine.hear())
            lifted.append(answer["seq_no"]) if answer["lifts"] else None
        mine.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S * 2)
    assert count(gate.database, gate.scope, "release") == 20
    assert count(gate.database, gate.scope, "barrier_command") == 20
    assert len(set(lifted)) == 20


def test_the_json_variant_over_mqtt_is_answered_by_the_lane_loop(gate: Gate) -> None:
    gate_pass = gate.ready_pass()
    body = {
        "Cmd": 33,
        "Data": {
            "AREA_ID": AREA, "CHNL_NO": gate.world.lane.code, "I_E_TYPE": "E", "SEQ_NO": "JSON-1",
            "CAR": {"VE_NAME": gate_pass.vehicle_plate},
            "WEIGHT": {"GROSS_WT": f"{gate_pass.total_weight_g // 1000}"},
        },
    }  # fmt: skip
    sender = read_register(gate.database, gate.scope).by_code[gate.front_end.code]
    _came_over_mqtt(gate, json.dumps(body, ensure_ascii=False).encode())
    sent = rows(gate.database, gate.scope, "SELECT topic, payload FROM outbox")
    assert len(sent) == 1
    assert sent[0][0] == sender.topic("cmd")
    answer = json.loads(bytes(sent[0][1]))
    assert answer["Cmd"] == 34
    assert answer["Data"]["SEQ_NO"] == "JSON-1"
    assert gather.lifts(answer["Data"]["CHECK_RESULT"])
    assert gate.one(select(BarrierCommand)).state == "sent"
    assert count(gate.database, gate.scope, "passage") == 1
    _came_over_mqtt(gate, bytes(sent[0][1]))  # our own answer, said back to us: no report of what was done
    assert gate.one(select(BarrierCommand)).state == "sent"
    assert rows(gate.database, gate.scope, "SELECT state FROM passage") == [("released",)]


def _came_over_mqtt(gate: Gate, payload: bytes) -> None:
    """Store, read and take a message of the front end, as ingest does."""
    register = read_register(gate.database, gate.scope)
    sender = register.by_code[gate.front_end.code]
    came = arrival(register, sender, sender.topic("event"), payload, qos=1, door="embedded", limit_bytes=10**6)
    with gate.database.unit_of_work(gate.scope) as session:
        store(session, [came])
    with gate.database.unit_of_work(gate.scope) as session:
        parse_waiting(session, register)
    sites, now = frozenset({sender.site_id}), datetime.now(UTC)
    lanes.tick(gate.database, gate.scope, sites, now)
    barrier.tick(gate.database, gate.scope, sites, now, secret_key="s" * 32)
