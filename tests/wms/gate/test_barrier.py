"""The barrier after a decision: what it confirms, when it is silent, and what it says too late."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.build import now
from tests.wms.gate.test_service import drive_through, hold_code, state_of
from tests.wms.gate.world import (
    World,
    balance,
    command_of,
    crossing,
    make_pass,
    make_world,
    seen_of,
)
from wms.gate.service import (
    CommandStep,
    ReleaseHold,
    close_passage,
    decide_passage,
    expire_or_send,
    fail_silent,
    record_result,
    release_hold,
)
from wms.gate.tables import BarrierCommand, Passage
from wms.watch.tables import Alarm


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


def test_exit_loop_confirms_a_passage_of_which_the_controller_said_nothing(session: Session, world: World) -> None:
    lifted = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world))))
    command = command_of(session, lifted.passage_id)
    expire_or_send(session, command, now())
    for result in ("accepted", "opened"):
        record_result(session, CommandStep(command.cmd_id, command.device, result, now()))
    assert close_passage(session, lifted.passage_id, at=now(), went_through=True).state == "passed"
    assert balance(session, "customer", world.shelf) == 100
    record_result(session, CommandStep(command.cmd_id, command.device, "passed", now()))
    assert balance(session, "customer", world.shelf) == 100


def test_vehicle_that_went_through_a_closed_barrier_is_an_alarm_though_it_was_released(
    session: Session, world: World
) -> None:
    lifted = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world))))
    assert close_passage(session, lifted.passage_id, at=now(), went_through=True).state == "released"
    assert session.scalar(select(Alarm.code)) == "passed_while_held"
    assert balance(session, "customer", world.shelf) == 0


def test_expired_command_is_not_sent_and_the_vehicle_is_held_again(session: Session, world: World) -> None:
    lifted = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world))))
    command = command_of(session, lifted.passage_id)
    assert not expire_or_send(session, command, command.expires_at)
    assert (command.state, command.sent_at) == ("expired", None)
    assert hold_code(session, lifted.passage_id) == "command_expired"


def test_silent_barrier_is_a_fault_with_an_alarm_and_no_second_command(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    lifted = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    command = command_of(session, lifted.passage_id)
    sent_at = now()
    expire_or_send(session, command, sent_at)
    assert fail_silent(session, [world.shelf.site_id], sent_at + timedelta(seconds=2.9)) == 0
    assert fail_silent(session, [world.shelf.site_id], sent_at + timedelta(seconds=3)) == 1
    assert hold_code(session, lifted.passage_id) == "barrier_fault"
    assert session.scalar(select(Alarm.code)) == "barrier_fault"
    assert session.scalar(select(func.count()).select_from(BarrierCommand)) == 1
    release = release_hold(session, ReleaseHold(lifted.passage_id, world.officer.id, "barrier reset by hand", now()))
    assert release.gate_pass_id == gate_pass.id
    drive_through(session, lifted.passage_id)
    assert balance(session, "customer", world.shelf) == 100


def test_what_was_said_in_time_and_not_read_yet_is_no_silence(session: Session, world: World) -> None:
    lifted = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world))))
    command = command_of(session, lifted.passage_id)
    sent_at = now()
    expire_or_send(session, command, sent_at)
    site, unread = [world.shelf.site_id], [command.device]
    assert fail_silent(session, site, sent_at + timedelta(seconds=17), unread) == 0
    assert fail_silent(session, site, sent_at + timedelta(seconds=5), ["barrier-other"]) == 1


def test_nobody_waits_for_ever_for_what_is_not_read(session: Session, world: World) -> None:
    lifted = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world))))
    command = command_of(session, lifted.passage_id)
    sent_at = now()
    expire_or_send(session, command, sent_at)
    assert fail_silent(session, [world.shelf.site_id], sent_at + timedelta(seconds=18), [command.device]) == 1


def test_barrier_that_answers_after_its_fault_still_confirms_the_passage(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    lifted = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    command = command_of(session, lifted.passage_id)
    sent_at = now()
    expire_or_send(session, command, sent_at)
    fail_silent(session, [world.shelf.site_id], sent_at + timedelta(seconds=5))
    for result in ("accepted", "opened", "passed", "closed"):
        record_result(session, CommandStep(command.cmd_id, command.device, result, now()))
    assert set(session.scalars(select(Alarm.code))) == {"barrier_fault", "opened_after_fault"}
    assert (state_of(session, gate_pass), balance(session, "customer", world.shelf)) == ("passed", 100)


def test_opened_and_closed_without_a_passage_holds_the_vehicle_again(session: Session, world: World) -> None:
    lifted = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world))))
    command = command_of(session, lifted.passage_id)
    expire_or_send(session, command, now())
    for result in ("accepted", "opened", "closed"):
        record_result(session, CommandStep(command.cmd_id, command.device, result, now()))
    assert hold_code(session, lifted.passage_id) == "not_passed"


def test_answer_of_another_device_or_to_an_unknown_command_changes_nothing(session: Session, world: World) -> None:
    lifted = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world))))
    command = command_of(session, lifted.passage_id)
    expire_or_send(session, command, now())
    assert record_result(session, CommandStep(command.cmd_id, "barrier-other", "passed", now())) == "unknown"
    assert record_result(session, CommandStep(uuid4(), command.device, "passed", now())) == "unknown"
    assert session.scalar(select(Passage.state)) == "released"
