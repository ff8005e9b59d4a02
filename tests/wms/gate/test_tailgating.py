"""A vehicle that drives out without a release: behind another one, or under a closed barrier."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.build import now, number
from tests.wms.gate.world import World, command_of, crossing, make_pass, make_world, seen_of
from wms.gate.service import (
    CommandStep,
    close_passage,
    decide_passage,
    expire_or_send,
    open_passage,
    record_result,
)
from wms.gate.tables import Passage
from wms.watch.tables import Alarm


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


def let_out(session: Session, world: World, *results: str) -> int:
    """A vehicle that the rules let out; its barrier has answered ``results``, a second apart."""
    lifted = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world, qty=1))))
    command = command_of(session, lifted.passage_id)
    expire_or_send(session, command, now())
    for place, result in enumerate(results):
        record_result(session, CommandStep(command.cmd_id, command.device, result, now() + timedelta(seconds=place)))
    return lifted.passage_id


def stranger(session: Session, world: World, after_s: float) -> Passage:
    """A vehicle that arrived and drove out before anything was decided."""
    at = now() + timedelta(seconds=after_s)
    passage = open_passage(session, f"T{number():019d}", world.lane.id, at)
    return close_passage(session, passage.id, at=at + timedelta(seconds=2), went_through=True)


def codes(session: Session) -> list[str]:
    return list(session.scalars(select(Alarm.code)))


def test_second_vehicle_on_one_opening_is_tailgating(session: Session, world: World) -> None:
    first = let_out(session, world, "accepted", "opened")
    close_passage(session, first, at=now() + timedelta(seconds=3), went_through=True)
    second = stranger(session, world, after_s=4)
    assert (second.state, second.hold_code) == ("held", "tailgated")
    assert codes(session) == ["tailgating"]


def test_vehicle_that_comes_after_the_barrier_is_down_again_has_not_followed_anybody(
    session: Session, world: World
) -> None:
    let_out(session, world, "accepted", "opened", "passed", "closed")
    second = stranger(session, world, after_s=60)
    assert (second.state, second.hold_code) == ("held", "ran_through")
    assert codes(session) == ["passed_while_held"]


def test_barrier_that_is_up_in_the_next_lane_explains_nothing(session: Session, world: World) -> None:
    other = make_world(session)
    let_out(session, other, "accepted", "opened")
    assert stranger(session, world, after_s=5).hold_code == "ran_through"
