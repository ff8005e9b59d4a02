"""Customs front ends: a frame is committed, decided once, and answered on its connection; silence is a hold."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from iot import gather
from tests.iot.doors import until
from tests.iot.front_ends import Gate, make_gate, said
from tests.iot.porter import PATIENCE_S, FrontEnd, RunningPorter, running
from tests.iot.world import count, rows
from wms.customs.tables import GatePass
from wms.db import Database, Scope
from wms.gate.rules.lane import LaneParameters
from wms.gate.service import fail_silent, set_parameters
from wms.gate.tables import BarrierCommand, Passage, Release


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
