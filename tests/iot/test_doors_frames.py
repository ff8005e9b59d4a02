"""Customs front ends: a frame is committed, decided once, and answered on its connection; silence is a hold."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from iot import barrier, gather, lanes
from iot.devices import parse
from iot.devices.base import Message
from iot.doors.frames import FrameServer
from iot.doors.setup import DoorSettings, set_door
from iot.events import as_json
from iot.inbox import store
from iot.parsing import parse_waiting
from iot.register import arrival
from iot.tables import Device
from tests.iot.doors import until
from tests.iot.porter import PATIENCE_S, FrontEnd, RunningPorter, running
from tests.iot.world import Sender, count, make_device, read_register, rows
from tests.wms.gate.world import World, make_pass, make_world
from wms.customs.tables import GatePass
from wms.db import Database, Scope
from wms.gate.rules.lane import LaneParameters
from wms.gate.service import fail_silent, set_parameters
from wms.gate.tables import BarrierCommand, Passage, Release
from wms.parties.tables import Site

AREA = "4912000001"
LONG = timedelta(minutes=10)


@dataclass
class Gate:
    """A lane whose barrier is a customs front end."""

    database: Database
    scope: Scope
    world: World
    front_end: Sender
    site_id: int
    numbers: int = 0

    def seq(self) -> str:
        self.numbers += 1
        return f"20261126{self.front_end.id:06d}{self.numbers:06d}"

    def question(
        self, gate_pass: GatePass | None = None, seq: str | None = None, *, weight_g: int | None = None,
        plate: str | None = None, **attributes: str,
    ) -> bytes:  # fmt: skip
        """A GATHER_INFO frame; what it says agrees with the pass."""
        plate = plate or (gate_pass.vehicle_plate if gate_pass else "湘F12345")
        grams = weight_g if weight_g is not None else gate_pass.total_weight_g if gate_pass else 20_000_000
        given = {
            "AREA_ID": AREA, "CHNL_NO": self.world.lane.code, "I_E_TYPE": "E", "SEQ_NO": seq or self.seq(),
        } | attributes  # fmt: skip
        head = " ".join(f'{name}="{value}"' for name, value in given.items())
        xml = (
            f'<?xml version="1.0" encoding="GB2312"?><GATHER_INFO {head}><WEIGHT><GROSS_WT>{grams / 1000:.3f}'
            f"</GROSS_WT></WEIGHT><CAR><VE_NAME>{plate}</VE_NAME></CAR></GATHER_INFO>"
        )
        return self.frame(gather.GATHER, xml, given)

    def report(self, event: str, seq: str, type_: int = gather.GATHER, **leaves: str) -> bytes:
        head = {"AREA_ID": AREA, "CHNL_NO": self.world.lane.code, "I_E_TYPE": "E", "SEQ_NO": seq}
        attributes = " ".join(f'{name}="{value}"' for name, value in head.items())
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in leaves.items())
        return self.frame(
            type_, f'<?xml version="1.0" encoding="GB2312"?><{event} {attributes}>{inner}</{event}>', head
        )

    def frame(self, type_: int, xml: str, head: dict[str, str]) -> bytes:
        return gather.encode(
            gather.Frame(
                type=type_,
                area_id=head["AREA_ID"],
                channel=head["CHNL_NO"],
                direction=head["I_E_TYPE"],
                xml=xml.encode("gb18030"),
            )
        )

    def ready_pass(self, **changes: Any) -> GatePass:
        with self.database.unit_of_work(self.scope) as session:
            made = make_pass(session, self.world, **changes)
            session.refresh(made)
            session.expunge(made)
        return made

    def one(self, query: Any) -> Any:
        with self.database.unit_of_work(self.scope) as session:
            found = session.scalars(query).one()
            session.expunge(found)
        return found


@pytest.fixture
def gate(database: Database, scope: Scope, monkeypatch: pytest.MonkeyPatch) -> Gate:
    decided_at = datetime.now(UTC)  # a busy machine may take its time: for the door it stands still
    monkeypatch.setattr("iot.doors.frames._now", lambda: decided_at)
    monkeypatch.setattr("iot.doors.gathering.STALE_AFTER", LONG)
    with database.unit_of_work(scope) as session:
        world = make_world(session)
        site = session.get_one(Site, world.shelf.site_id)
        front_end = make_device(
            session, site, "gate", code=world.lane.barrier_device, format="gather", lane=world.lane.code
        )
        set_door(session, front_end.code, DoorSettings(source_address="127.0.0.1", area_id=AREA))
        for one in (world.lane, world.shelf, world.listed, world.line):
            session.refresh(one) if hasattr(one, "_sa_instance_state") else None
        session.expunge_all()
    return Gate(database, scope, world, front_end, site.id)


@pytest.fixture
def door(gate: Gate, database: Database, scope: Scope) -> Iterator[RunningPorter]:
    with running(RunningPorter(database, scope)) as porter:
        yield porter


@pytest.fixture
def front_end(door: RunningPorter) -> Iterator[FrontEnd]:
    made = FrontEnd(door.frames)
    yield made
    made.close()


def said(frame: gather.Frame | None) -> dict[str, Any]:
    """What a result frame says."""
    assert frame is not None
    assert frame.type == gather.RESULT
    raw = gather.encode(frame)
    return as_json(parse("gather", Message(payload=raw))[0]) | {"xml": frame.xml.decode("gb18030")}


def test_a_good_vehicle_is_lifted_once_and_its_passage_confirmed(gate: Gate, front_end: FrontEnd) -> None:
    gate_pass = gate.ready_pass()
    seq = gate.seq()
    front_end.say(gate.question(gate_pass, seq))
    answer = said(front_end.hear())
    assert answer["lifts"] is True
    assert answer["seq_no"] == seq
    assert "放行抬杆" in answer["xml"]
    command = gate.one(select(BarrierCommand))
    assert command.device == gate.front_end.code
    until(lambda: gate.one(select(BarrierCommand)).state == "accepted", PATIENCE_S)
    front_end.say(gate.report("EC_FREE_PLATFORM", seq))
    until(lambda: gate.one(select(Passage)).state == "passed", PATIENCE_S)
    assert gate.one(select(Release)).state == "used"
    assert gate.one(select(GatePass).where(GatePass.id == gate_pass.id)).state == "passed"


def test_the_same_question_gets_the_same_answer_and_one_release(gate: Gate, front_end: FrontEnd) -> None:
    question = gate.question(gate.ready_pass())
    for _ in range(3):
        front_end.say(question)
        assert said(front_end.hear())["lifts"] is True
    assert count(gate.database, gate.scope, "release") == 1
    assert count(gate.database, gate.scope, "barrier_command") == 1
    assert rows(gate.database, gate.scope, "SELECT copies FROM inbox") == [(2,)]


def test_a_question_asked_again_after_the_opening_or_too_late_is_held(gate: Gate, front_end: FrontEnd) -> None:
    opened, late = gate.ready_pass(), gate.ready_pass()
    first, seq = gate.question(opened, "OPENED-1"), "LATE-1"
    front_end.say(first)
    assert said(front_end.hear())["lifts"] is True
    front_end.say(gate.report("EC_FREE_PLATFORM", "OPENED-1"))
    until(lambda: rows(gate.database, gate.scope, "SELECT 1 FROM passage WHERE state = 'passed'"), PATIENCE_S)
    front_end.say(first)
    assert said(front_end.hear())["lifts"] is False
    question = gate.question(late, seq)
    front_end.say(question)
    assert said(front_end.hear())["lifts"] is True
    until(lambda: count(gate.database, gate.scope, "barrier_command", "state = 'accepted'") == 1, PATIENCE_S)
    with gate.database.unit_of_work(gate.scope) as session:  # nothing was reported in time
        assert fail_silent(session, [gate.site_id], datetime.now(UTC) + timedelta(seconds=60)) == 1
    front_end.say(question)
    assert said(front_end.hear())["lifts"] is False
    assert count(gate.database, gate.scope, "barrier_command") == 2


def test_holds_say_why_in_customs_words(gate: Gate, front_end: FrontEnd) -> None:
    gate_pass = gate.ready_pass()
    front_end.say(gate.question(plate="湘F99998"))
    front_end.say(gate.question(gate_pass, weight_g=gate_pass.total_weight_g * 2))
    unknown, heavy = said(front_end.hear()), said(front_end.hear())
    assert unknown["lifts"] is False
    assert heavy["lifts"] is False
    assert "重量异常不抬杆" in heavy["xml"]
    assert count(gate.database, gate.scope, "barrier_command") == 0
    registered = gate.ready_pass(state="draft")
    front_end.say(gate.question(registered))
    unbound = said(front_end.hear())
    assert unbound["check_result"] == "11000000001002000000"
    assert "未关联单据" in unbound["xml"]


@pytest.mark.parametrize(
    ("needed", "seal", "code"),
    [
        ({"needs_customs_answer": True}, None, "customs_says_hold"),
        ({"needs_seal": True}, "ES100001", "seal_missing"),
        ({"needs_tag": True}, None, "tag_missing"),
        ({"needs_container": True}, None, "container_missing"),
    ],
)
def test_the_dated_parameters_of_the_lane_hold_for_a_front_end_too(
    needed: dict[str, Any], seal: str | None, code: str, gate: Gate, front_end: FrontEnd
) -> None:
    gate_pass = gate.ready_pass(seal_no=seal)
    with gate.database.unit_of_work(gate.scope) as session:
        new = LaneParameters(source="the site's own", **needed)
        set_parameters(session, gate.world.lane.id, new, from_at=datetime.now(UTC) - timedelta(hours=1))
    front_end.say(gate.question(gate_pass))
    assert said(front_end.hear())["lifts"] is False
    assert gate.one(select(Passage)).hold_code == code


def test_another_vehicle_under_a_used_number_is_held_and_kept(gate: Gate, front_end: FrontEnd) -> None:
    one, other = gate.ready_pass(), gate.ready_pass()
    seq = gate.seq()
    front_end.say(gate.question(one, seq))
    assert said(front_end.hear())["lifts"] is True
    front_end.say(gate.question(other, seq))
    assert said(front_end.hear())["lifts"] is False
    assert count(gate.database, gate.scope, "inbox_conflict") == 1
    assert count(gate.database, gate.scope, "device_alarm", "code = 'question_refused'") == 1
    assert count(gate.database, gate.scope, "release") == 1


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("AREA_ID", "9999999999", "wrong_area"),
        ("CHNL_NO", "NOLANE", "wrong_lane"),
        ("I_E_TYPE", "I", "wrong_direction"),
    ],
)
def test_a_question_for_another_lane_is_held(name: str, value: str, why: str, gate: Gate, front_end: FrontEnd) -> None:
    front_end.say(gate.question(gate.ready_pass(), **{name: value}))
    assert said(front_end.hear())["lifts"] is False
    assert count(gate.database, gate.scope, "passage") == 0
    found = rows(gate.database, gate.scope, "SELECT detail FROM device_alarm WHERE code = 'question_refused'")
    assert found[0][0].startswith(why)


def test_a_manual_release_is_an_event_with_officer_and_memo_and_no_release_of_ours(
    gate: Gate, front_end: FrontEnd
) -> None:
    seq, nameless = gate.seq(), gate.seq()
    for number in (seq, nameless):
        front_end.say(gate.question(plate="湘F99998", seq=number))
        assert said(front_end.hear())["lifts"] is False
    front_end.say(gate.report("EC_FREE_MAN", seq, gather.MANUAL, MEMO="急救车辆", OP_NAME="张三"))
    front_end.say(gate.report("EC_FREE_MAN", nameless, gather.MANUAL))

    def alarmed() -> bool:
        found = rows(gate.database, gate.scope, "SELECT code, detail FROM device_alarm ORDER BY code")
        return [code for code, _ in found] == ["opened_by_hand", "opened_by_hand_unnamed"] and "急救车辆" in found[0][1]

    until(alarmed, PATIENCE_S)
    assert count(gate.database, gate.scope, "release") == 0
    assert count(gate.database, gate.scope, "reading", "payload ->> 'memo' = '急救车辆'") == 1
    states = rows(gate.database, gate.scope, "SELECT seq_no, state FROM passage WHERE closed_at IS NOT NULL")
    assert (nameless, "held") in states  # it went through while held: an alarm, and no passage of ours


def test_a_forbidden_opening_spends_the_release(gate: Gate, front_end: FrontEnd) -> None:
    seq = gate.seq()
    question = gate.question(gate.ready_pass(), seq)
    front_end.say(question)
    assert said(front_end.hear())["lifts"] is True
    front_end.say(gate.report("EC_FORBID_PLATFORM", seq))
    until(lambda: gate.one(select(Release)).state == "lapsed", PATIENCE_S)
    front_end.say(question)
    assert said(front_end.hear())["lifts"] is False


def test_an_opening_without_a_lift_and_a_report_of_nothing_are_alarmed(gate: Gate, front_end: FrontEnd) -> None:
    seq = gate.seq()
    front_end.say(gate.question(plate="湘F99998", seq=seq))
    assert said(front_end.hear())["lifts"] is False
    front_end.say(gate.report("EC_FREE_PLATFORM", seq))
    front_end.say(gate.report("EC_FREE_PLATFORM", "NEVER-SEEN"))
    until(
        lambda: (
            {code for (code,) in rows(gate.database, gate.scope, "SELECT code FROM device_alarm")}
            == {"opened_without_release", "report_unknown"}
        ),
        PATIENCE_S,
    )


def test_no_answer_while_the_database_is_away_and_the_front_end_asks_again(
    door: RunningPorter, gate: Gate, front_end: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iot.doors.frames.ANSWER_S", 0.5)
    question = gate.question(gate.ready_pass())
    away = True

    def fail() -> None:
        if away:
            raise OperationalError("INSERT", {}, ConnectionError("the server is gone"))

    door.fail = fail
    front_end.say(question)
    assert front_end.hear(1.5) is None
    assert count(gate.database, gate.scope, "inbox") == 0
    away = False
    monkeypatch.setattr("iot.doors.frames.ANSWER_S", 30.0)
    front_end.say(question)
    assert said(front_end.hear())["lifts"] is True
    assert count(gate.database, gate.scope, "release") == 1


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
