"""What officers do at a barrier themselves: close, lock, unlock, and note an opening by hand."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.build import make_company, make_person, now
from tests.wms.gate.world import World, crossing, make_pass, make_world, seen_of
from wms.errors import WmsError
from wms.gate.rules import refusals
from wms.gate.service import (
    CommandStep,
    ReleaseHold,
    close_passage,
    decide_passage,
    expire_or_send,
    open_passage,
    record_result,
    release_hold,
)
from wms.gate.service.barrier import barrier_seen, opening_unknown
from wms.gate.service.by_hand import NoteOpening, lower_barrier, note_opening, unlock_lane
from wms.gate.tables import BarrierCommand, Lane, Passage
from wms.watch.tables import Alarm


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


def note(world: World, **changes: Any) -> NoteOpening:
    given = NoteOpening(
        world.lane.id, world.officer.id, "medical", "ambulance for the weigher", "rec://cam-1/2027-03-05T09:00",
        now(), now() + timedelta(seconds=5),
    )  # fmt: skip
    return replace(given, **changes)


def answer(session: Session, command: BarrierCommand, *results: str) -> None:
    assert expire_or_send(session, command, now())
    for result in results:
        record_result(session, CommandStep(command.cmd_id, command.device, result, now()))


def test_closing_is_a_command_without_a_release_and_no_alarm(session: Session, world: World) -> None:
    officer = world.officer.id
    command = lower_barrier(session, world.lane.id, officer_id=officer, reason="wind", locked=False, at=now())
    answer(session, command, "accepted", "closed")
    assert (command.action, command.release_id, command.state) == ("close", None, "closed")
    assert session.scalar(select(Alarm.code)) is None


def test_locked_lane_holds_every_vehicle_until_it_is_unlocked(session: Session, world: World) -> None:
    officer = world.officer.id
    lower_barrier(session, world.lane.id, officer_id=officer, reason="search", locked=True, at=now())
    gate_pass = make_pass(session, world, qty=1)
    assert decide_passage(session, crossing(world.lane, seen_of(gate_pass))).hold_code == "lane_closed"
    unlock_lane(session, world.lane.id, officer_id=officer, reason="search is over", at=now())
    assert session.get_one(Lane, world.lane.id).is_open
    assert decide_passage(session, crossing(world.lane, seen_of(gate_pass))).verdict == "lift"


def test_a_lift_that_is_queued_when_the_lane_is_locked_is_never_sent(session: Session, world: World) -> None:
    decided = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world, qty=1))))
    assert decided.verdict == "lift"
    lower_barrier(session, world.lane.id, officer_id=world.officer.id, reason="search", locked=True, at=now())
    opened = session.scalars(select(BarrierCommand).where(BarrierCommand.action == "open")).one()
    assert (opened.state, opened.fault) == ("expired", "lane_locked")
    assert session.get_one(Passage, decided.passage_id).state == "held"


def test_no_officer_releases_into_a_locked_lane(session: Session, world: World) -> None:
    held = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world, qty=1), weight_g=1)))
    assert held.verdict == "hold"
    officer = world.officer.id
    lower_barrier(session, world.lane.id, officer_id=officer, reason="search", locked=True, at=now())
    with pytest.raises(refusals.LaneLocked), session.begin_nested():
        release_hold(session, ReleaseHold(held.passage_id, officer, "weighed by hand", now()))
    unlock_lane(session, world.lane.id, officer_id=officer, reason="search is over", at=now())
    assert release_hold(session, ReleaseHold(held.passage_id, officer, "weighed by hand", now())).state == "granted"


def test_a_vehicle_that_was_said_to_be_gone_is_not_let_go(session: Session, world: World) -> None:
    command = crossing(world.lane, seen_of(make_pass(session, world, qty=1)))
    passage = open_passage(session, command.seq_no, command.lane_id, command.opened_at)
    close_passage(session, passage.id, at=now(), went_through=False)
    with pytest.raises(refusals.VehicleGone):
        decide_passage(session, command)
    assert session.scalar(select(BarrierCommand.id)) is None


def test_an_opening_is_noted_with_who_stood_there_then(session: Session, world: World) -> None:
    first = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world, qty=1), weight_g=1)))
    close_passage(session, first.passage_id, at=now() + timedelta(minutes=1), went_through=False)
    later = crossing(world.lane, seen_of(make_pass(session, world, qty=1)))
    decide_passage(session, replace(later, opened_at=now() + timedelta(minutes=2)))
    noted = note_opening(session, note(world, opened_at=now(), at=now() + timedelta(minutes=3)))
    assert noted.passage_id == first.passage_id


def test_a_command_to_close_explains_no_opening(session: Session, world: World) -> None:
    officer = world.officer.id
    command = lower_barrier(session, world.lane.id, officer_id=officer, reason="wind", locked=False, at=now())
    answer(session, command, "accepted")
    assert barrier_seen(session, world.lane, "opening", now())


def test_opening_told_late_is_explained_only_by_a_command_that_was_sent(session: Session, world: World) -> None:
    decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world, qty=1))))
    command = session.scalars(select(BarrierCommand)).one()
    late = now() + timedelta(hours=5)
    assert opening_unknown(session, world.lane, "open", str(command.cmd_id), late)
    answer(session, command, "accepted", "opened", "passed", "closed")
    assert not opening_unknown(session, world.lane, "open", str(command.cmd_id), late)
    assert not opening_unknown(session, world.lane, "closed", "", late)
    assert opening_unknown(session, world.lane, "open", "", late)
    assert opening_unknown(session, world.lane, "open", "no such command", late)


def test_an_opening_by_hand_names_officer_cause_memo_picture_and_its_alarm(session: Session, world: World) -> None:
    barrier_seen(session, world.lane, "open", now())
    alarm = session.scalars(select(Alarm)).one()
    row = note_opening(session, note(world))
    assert (row.officer_id, row.cause, row.alarm_id) == (world.officer.id, "medical", alarm.id)
    assert session.get_one(Alarm, alarm.id).state == "raised"  # nothing closes itself
    assert note_opening(session, note(world)).alarm_id is None
    with pytest.raises(refusals.AlarmNoted):
        note_opening(session, note(world, alarm_id=alarm.id))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"memo": "x"}, refusals.ReasonTooShort),
        ({"picture": " "}, refusals.NoPicture),
        ({"opened_at": datetime.fromisoformat("2999-01-01T00:00:00+00:00")}, refusals.OpenedInFuture),
        ({"lane_id": 10**9}, refusals.UnknownLane),
        ({"alarm_id": 10**9}, refusals.UnknownOpening),
        ({"officer_id": 10**9}, refusals.NotAnOfficer),
    ],
)
def test_each_mistake_in_a_note_has_its_own_refusal(
    session: Session, world: World, change: dict[str, Any], refusal: type[WmsError]
) -> None:
    with pytest.raises(refusal):
        note_opening(session, note(world, **change))


def test_only_an_officer_moves_a_barrier_and_says_why(session: Session, world: World) -> None:
    clerk = make_person(session, make_company(session, "operator"), "clerk")
    with pytest.raises(refusals.NotAnOfficer):
        lower_barrier(session, world.lane.id, officer_id=clerk.id, reason="because", locked=True, at=now())
    with pytest.raises(refusals.ReasonTooShort):
        lower_barrier(session, world.lane.id, officer_id=world.officer.id, reason=" ", locked=True, at=now())
    world.lane.barrier_device = None
    session.flush()
    with pytest.raises(refusals.NoBarrier):
        lower_barrier(session, world.lane.id, officer_id=world.officer.id, reason="search", locked=True, at=now())
