"""Where the lane asks customs: our checks and its answer; none in time is a hold, a late one opens nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.build import now
from tests.wms.gate.world import World, crossing, make_pass, make_world, seen_of
from wms.errors import WmsError
from wms.gate.rules.lane import LaneParameters
from wms.gate.service import DecidePassage, customs_answered, decide_or_ask, open_questions, set_parameters
from wms.gate.tables import BarrierCommand, CustomsQuestion, Decision, Passage
from wms.watch.tables import Alarm


@pytest.fixture
def world(session: Session) -> World:
    made = make_world(session)
    asks = LaneParameters(needs_customs_answer=True, customs_within_ms=4_000, source="a test")
    set_parameters(session, made.lane.id, asks, from_at=now() - timedelta(days=1))
    return made


@pytest.fixture
def asked(session: Session, world: World) -> DecidePassage:
    """A vehicle that our own checks would let go, and about which customs was asked just now."""
    command = crossing(world.lane, seen_of(make_pass(session, world)))
    assert decide_or_ask(session, command) is None
    return command


def later(command: DecidePassage, seconds: float) -> DecidePassage:
    return replace(command, decided_at=command.decided_at + timedelta(seconds=seconds))


def commands(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(BarrierCommand)) or 0


def test_nothing_is_decided_while_the_answer_is_awaited(session: Session, asked: DecidePassage) -> None:
    assert decide_or_ask(session, later(asked, 3.999)) is None
    assert [one.seq_no for one in open_questions(session, asked.decided_at)] == [asked.seq_no]
    assert session.scalar(select(Passage.state)) == "open"
    assert commands(session) == session.scalar(select(func.count()).select_from(Decision)) == 0


def test_lifts_when_customs_agrees_and_only_once(session: Session, asked: DecidePassage) -> None:
    in_time = asked.decided_at + timedelta(seconds=2)
    assert customs_answered(session, asked.seq_no, "lift", at=in_time, hint="放行抬杆") == "taken"
    assert customs_answered(session, asked.seq_no, "hold", at=in_time) == "repeated"
    for seconds in (2, 60):
        decided = decide_or_ask(session, later(asked, seconds))
        assert decided is not None
        assert (decided.verdict, decided.replayed) == ("lift", seconds == 60)
    assert commands(session) == 1
    assert session.scalars(select(Decision.inputs)).one()["seen"]["customs_answer"] == "lift"


def test_holds_when_customs_says_so(session: Session, asked: DecidePassage) -> None:
    customs_answered(session, asked.seq_no, "hold", at=asked.decided_at + timedelta(seconds=1))
    decided = decide_or_ask(session, later(asked, 1))
    assert decided is not None
    assert decided.hold_code == "customs_says_hold"
    assert commands(session) == 0


def test_no_answer_in_time_is_a_hold_and_a_late_one_opens_nothing(session: Session, asked: DecidePassage) -> None:
    decided = decide_or_ask(session, later(asked, 4))
    assert decided is not None
    assert decided.hold_code == "customs_says_hold"
    late = asked.decided_at + timedelta(seconds=4)
    assert customs_answered(session, asked.seq_no, "lift", at=late) == "late"
    assert customs_answered(session, asked.seq_no, "lift", at=late) == "repeated"
    again = decide_or_ask(session, later(asked, 5))
    assert again is not None
    assert (again.hold_code, again.replayed) == ("customs_says_hold", True)
    assert session.scalar(select(Passage.state)) == "held"
    assert session.scalar(select(CustomsQuestion.late_answer)) == "lift"
    assert session.scalar(select(Alarm.code)) == "customs_answer_late"
    assert commands(session) == 0


def test_an_answer_after_its_time_is_late_also_before_anybody_decided(session: Session, asked: DecidePassage) -> None:
    assert customs_answered(session, asked.seq_no, "lift", at=asked.decided_at + timedelta(seconds=4)) == "late"
    decided = decide_or_ask(session, later(asked, 4.1))
    assert decided is not None
    assert decided.hold_code == "customs_says_hold"


def test_customs_is_not_asked_about_a_vehicle_that_our_own_checks_hold(session: Session, world: World) -> None:
    command = crossing(world.lane, seen_of(make_pass(session, world), weight_g=1))
    decided = decide_or_ask(session, command)
    assert decided is not None
    assert decided.hold_code == "weight_low"
    assert session.scalar(select(CustomsQuestion.id)) is None
    with pytest.raises(WmsError, match="was not asked"):
        customs_answered(session, command.seq_no, "lift", at=now())
    with pytest.raises(WmsError, match="no answer of the customs platform"):
        customs_answered(session, command.seq_no, "perhaps", at=now())


def test_what_changed_while_customs_thought_is_decided_by_what_holds_then(
    session: Session, world: World, asked: DecidePassage
) -> None:
    from wms.gate.service.setup import blacklist

    customs_answered(session, asked.seq_no, "lift", at=asked.decided_at + timedelta(seconds=1))
    blacklist(session, asked.seen.plate or "", reason="smuggling case", from_at=asked.decided_at)
    decided = decide_or_ask(session, later(asked, 1))
    assert decided is not None
    assert decided.hold_code == "blacklisted"


@pytest.mark.parametrize("change", ["weight", "vehicle", "trailer"])
def test_the_lift_for_one_state_lifts_no_other(
    session: Session, world: World, asked: DecidePassage, change: str
) -> None:
    """Customs was asked about what stood there then; what stands there when its answer comes was never asked about."""
    seen = asked.seen
    other = {
        "weight": lambda: replace(seen, weight_g=(seen.weight_g or 0) + 20_000),
        "vehicle": lambda: seen_of(make_pass(session, world)),
        "trailer": lambda: replace(seen, trailer_plate="湘F0001挂"),
    }[change]()
    customs_answered(session, asked.seq_no, "lift", at=asked.decided_at + timedelta(seconds=1))
    decided = decide_or_ask(session, later(replace(asked, seen=other), 2))
    assert decided is not None
    assert (decided.verdict, decided.hold_code) == ("hold", "customs_says_hold")
    assert session.scalars(select(Decision.inputs)).one()["seen"]["customs_answer"] is None
    assert session.scalar(select(Alarm.code)) == "customs_answer_differs"
    assert commands(session) == 0


def test_the_question_says_what_it_is_about(session: Session, asked: DecidePassage) -> None:
    (question,) = open_questions(session, asked.decided_at)
    about = question.asked_about
    assert about is not None
    assert (about["plate"], about["weight_g"]) == (asked.seen.plate, asked.seen.weight_g)
    assert about["pass"]["total_weight_g"] == asked.seen.weight_g
    assert about["pass"]["documents"]


def test_a_hold_holds_whatever_is_seen_by_then(session: Session, asked: DecidePassage) -> None:
    customs_answered(session, asked.seq_no, "hold", at=asked.decided_at + timedelta(seconds=1))
    other = replace(asked, seen=replace(asked.seen, weight_g=(asked.seen.weight_g or 0) + 20_000))
    decided = decide_or_ask(session, later(other, 2))
    assert decided is not None
    assert decided.hold_code == "customs_says_hold"
    assert session.scalar(select(Alarm.code)) is None
