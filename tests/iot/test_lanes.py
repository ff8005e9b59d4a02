"""Passages put together from readings: every order, doubles, losses and contradictions, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot.lanes.assemble import Attach, Close, Decide, Ignore, NoteZero, Open, Step, Warn, WrongWay, assemble
from iot.lanes.readings import LaneMemory, LaneReading, LaneRules, LoopEdge, Standing
from iot.lanes.views import first_reading_of, sequence_no
from wms.gate.rules import SeenContainer

T0 = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
NOTHING_KNOWN = LaneMemory()
RULES = LaneRules(lane_id=3, code="OUT1")
PLATE, OTHER, TRAILER = "湘F12345", "湘F99999", "湘F1234挂"
BOX, BOX2 = "CSQU3054383", "HLXU4074106"


def sec(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def reading(
    n: int, kind: str, at: float, *, is_live: bool = True, flags: tuple[str, ...] = (), **body: Any
) -> LaneReading:
    return LaneReading(n, kind, "dev", sec(at), sec(at), is_live, flags, body)


def plate(n: int, at: float, text: str | None = PLATE, pct: float | None = 98.0, **more: Any) -> LaneReading:
    return reading(n, "PlateRead", at, plate=text, confidence_pct=pct, **more)


def loop(n: int, at: float, name: str, on: bool = True) -> LaneReading:
    return reading(n, "LoopRead", at, loop=name, is_occupied=on)


def weight(n: int, at: float, grams: int, *, stable: bool = True, state: str = "weight") -> LaneReading:
    return reading(n, "WeightRead", at, weight_g=grams, is_stable=stable, state=state)


def box(
    n: int, at: float, number: str | None, ok: bool = True, position: str = "front", pct: float = 95
) -> LaneReading:
    return reading(n, "ContainerRead", at, number=number, check_digit_ok=ok, position=position, confidence_pct=pct)


TRUCK = [
    loop(1, 0, "arrive"),
    plate(2, 0.5),
    loop(3, 1, "scale_front"),
    weight(4, 1.2, 9_000_000, stable=False),
    loop(5, 2, "scale_rear"),
    loop(6, 2.2, "arrive", on=False),
    box(7, 2.4, BOX),
    weight(8, 3, 20_000_000),
    weight(9, 3.6, 20_010_000),
    weight(10, 4.1, 20_000_000),
]


def standing(**changes: Any) -> Standing:
    return replace(Standing(50, 1, T0, False), **changes)


def only(steps: tuple[Step, ...]) -> Step:
    assert len(steps) == 1, steps
    return steps[0]


def decide_now(
    readings: list[LaneReading], at: float, rules: LaneRules = RULES, memory: LaneMemory = NOTHING_KNOWN
) -> Decide:
    step = only(assemble(rules, standing(), readings, sec(at), memory))
    assert isinstance(step, Decide)
    return step


def test_arrive_loop_opens_a_passage() -> None:
    assert only(assemble(RULES, None, TRUCK[:2], sec(0.6), LaneMemory())) == Open(TRUCK[0])


def test_nothing_is_decided_before_the_weight_stands() -> None:
    for n in range(1, len(TRUCK)):
        assert assemble(RULES, standing(), TRUCK[:n], TRUCK[n - 1].at, LaneMemory()) == ()


def test_plate_and_plateau_decide_at_once_with_every_reading_explained() -> None:
    step = decide_now(TRUCK, 4.1)
    assert step.seen.plate == PLATE
    assert step.seen.weight_g == 20_000_000
    assert step.seen.containers == (SeenContainer(BOX, True),)
    assert step.seen.missing == ()
    why = {each.id: (used, reason) for each, used, reason in step.uses}
    assert set(why) == {each.id for each in TRUCK}
    assert why[2] == (True, "voted")
    assert why[4] == (False, "unstable")
    assert why[8] == why[9] == why[10] == (True, "plateau")


def test_time_out_decides_with_what_is_there_and_names_what_is_missing() -> None:
    readings = [loop(1, 0, "arrive"), weight(2, 1, 20_000_000, stable=False)]
    assert assemble(RULES, standing(), readings, sec(7.999), LaneMemory()) == ()
    assert decide_now(readings, 8).seen.missing == ("plate", "weight")


def test_lane_that_needs_a_container_waits_for_the_reader_and_accepts_none() -> None:
    rules = replace(RULES, needs_container=True)
    without = [each for each in TRUCK if each.kind != "ContainerRead"]
    assert assemble(rules, standing(), without, sec(4.2), LaneMemory()) == ()
    step = decide_now([*without, box(11, 4.3, None)], 4.4, rules)
    assert step.seen.containers == ()
    assert step.seen.missing == ()


@given(st.permutations(TRUCK[1:]), st.lists(st.sampled_from(TRUCK), max_size=5))
def test_any_order_and_doubles_never_invent_a_plate_or_a_container(
    order: list[LaneReading], doubles: list[LaneReading]
) -> None:
    steps = assemble(RULES, standing(), [TRUCK[0], *order, *doubles], sec(9), LaneMemory())
    for step in steps:
        if isinstance(step, Decide):
            assert step.seen.plate in (PLATE, None)
            assert step.seen.weight_g is None or 19_990_000 <= step.seen.weight_g <= 20_020_000
            assert {c.number for c in step.seen.containers} <= {BOX}


def test_replayed_retained_and_skewed_readings_never_open_and_never_count() -> None:
    for flag in ("replayed", "retained", "late", "ahead"):
        ghost = replace(TRUCK[0], is_live=False, flags=(flag,))
        assert only(assemble(RULES, None, [ghost], sec(1), LaneMemory())) == Ignore((ghost,))
        old = replace(plate(99, 0.2, OTHER, 100), is_live=False, flags=(flag,))
        attach, step = assemble(RULES, standing(), [TRUCK[0], old, *TRUCK[1:]], sec(4.2), LaneMemory())
        assert attach == Attach(50, ((old, flag),))
        assert isinstance(step, Decide)
        assert step.seen.plate == PLATE
        assert all(each.id != 99 for each, _, _ in step.uses)


def test_readings_that_grew_old_before_the_decision_are_marked_not_fresh() -> None:
    assert decide_now(TRUCK, 4.2).seen.is_fresh
    assert not decide_now(TRUCK, 60).seen.is_fresh


def test_late_readings_of_a_decided_passage_are_attached_and_change_nothing() -> None:
    late = [box(20, 6, BOX2), plate(21, 6.1, PLATE)]
    step = only(assemble(RULES, standing(is_decided=True, plate=PLATE), late, sec(6.2), LaneMemory()))
    assert step == Attach(50, tuple((each, "after_decision") for each in late))


def test_exit_loop_closes_the_passage_as_gone_through() -> None:
    on, off = loop(20, 10, "exit"), loop(21, 12, "exit", on=False)
    here = standing(is_decided=True, plate=PLATE, loops=(LoopEdge("arrive", False, sec(2)),))
    assert [type(s) for s in assemble(RULES, here, [on], sec(10), LaneMemory())] == [Attach]
    kept = replace(here, loops=(*here.loops, LoopEdge("exit", True, sec(10))))
    attach, close = assemble(RULES, kept, [off], sec(12), LaneMemory())
    assert isinstance(attach, Attach)
    assert close == Close(50, sec(12), went_through=True)


def test_vehicle_that_backs_out_closes_the_passage_after_all_loops_are_free() -> None:
    edges = (("arrive", True, 0), ("scale_front", True, 1), ("scale_front", False, 4), ("arrive", False, 5))
    loops = tuple(LoopEdge(name, on, sec(at)) for name, on, at in edges)
    here = standing(is_decided=True, loops=loops)
    assert assemble(RULES, here, [], sec(7.9), LaneMemory()) == ()
    assert only(assemble(RULES, here, [], sec(8), LaneMemory())) == Close(50, sec(8), went_through=False)


def test_vehicle_that_backs_over_the_arrive_loop_is_not_the_next_one() -> None:
    on_scale = (("arrive", True, 0), ("scale_front", True, 1), ("arrive", False, 2))
    here = standing(is_decided=True, plate=PLATE, loops=tuple(LoopEdge(name, on, sec(at)) for name, on, at in on_scale))
    back = [loop(30, 40, "arrive"), loop(31, 41, "scale_front", on=False), loop(32, 42, "arrive", on=False)]
    assert only(assemble(RULES, here, back[:2], sec(41), LaneMemory())) == Attach(50, ((back[1], "scale_front"),))
    kept = replace(here, loops=(*here.loops, LoopEdge("scale_front", False, sec(41))))
    waiting = [back[0], back[2]]
    assert assemble(RULES, kept, waiting, sec(44.9), LaneMemory()) == ()
    assert only(assemble(RULES, kept, waiting, sec(45), LaneMemory())) == Close(
        50, sec(45), went_through=False, readings=tuple((each, "backed_out") for each in waiting)
    )


def test_vehicle_between_the_loops_is_still_there() -> None:
    loops = (LoopEdge("arrive", True, sec(0)), LoopEdge("arrive", False, sec(5)))
    assert assemble(RULES, standing(is_decided=True, loops=loops), [], sec(300), LaneMemory()) == ()


def test_exit_before_any_decision_is_a_vehicle_that_went_through() -> None:
    readings = [loop(1, 0, "arrive"), loop(2, 2, "exit"), loop(3, 3, "exit", on=False)]
    step = only(assemble(RULES, standing(), readings, sec(3), LaneMemory()))
    assert step == Close(50, sec(3), went_through=True, readings=tuple((each, "undecided") for each in readings))


def test_zero_that_was_seen_while_an_undecided_vehicle_drove_through_weighs_the_next_one() -> None:
    """Found by the day of traffic: the vehicle behind a tailgater was never weighed."""
    readings = [loop(1, 0, "arrive"), loop(2, 2, "exit"), weight(3, 2.5, 0, state="zero"), loop(4, 3, "exit", on=False)]
    noted, closed = assemble(RULES, standing(), readings, sec(3), LaneMemory(scale_was_zero=False))
    assert isinstance(noted, NoteZero)
    assert isinstance(closed, Close)
    assert closed.went_through


def test_vehicle_behind_waits_until_the_first_has_gone() -> None:
    loops = (LoopEdge("arrive", True, sec(0)), LoopEdge("arrive", False, sec(2)))
    here = standing(is_decided=True, plate=PLATE, loops=loops)
    behind = [loop(30, 9, "arrive"), plate(31, 9.5, OTHER), box(32, 9.6, BOX2)]
    assert assemble(RULES, here, behind, sec(10), LaneMemory()) == ()
    rear_camera = plate(33, 9.7, PLATE)
    assert only(assemble(RULES, here, [*behind, rear_camera], sec(10), LaneMemory())) == Attach(
        50, ((rear_camera, "after_decision"),)
    )
    assert only(assemble(RULES, None, behind, sec(13), LaneMemory(last_plate=PLATE))) == Open(behind[0])


def test_next_vehicle_closes_a_passage_whose_exit_loop_was_lost() -> None:
    loops = (LoopEdge("arrive", True, sec(0)), LoopEdge("arrive", False, sec(2)), LoopEdge("exit", True, sec(5)))
    here = standing(is_decided=True, has_passed=True, plate=PLATE, loops=loops)
    step = only(assemble(RULES, here, [loop(30, 60, "arrive")], sec(60), LaneMemory()))
    assert step == Close(50, sec(60), went_through=True)


def test_another_plate_in_front_of_a_held_vehicle_is_warned_of_once_and_kept_for_the_next_passage() -> None:
    loops = (LoopEdge("arrive", True, sec(0)), LoopEdge("scale_front", True, sec(1)))  # the free edges were lost
    here = standing(is_decided=True, plate=PLATE, loops=loops)
    stranger = plate(30, 40, OTHER)
    assert only(assemble(RULES, here, [stranger], sec(40), LaneMemory())) == Warn(50, stranger)
    warned = replace(here, warned_of=frozenset({30}))
    assert assemble(RULES, warned, [stranger], sec(41), LaneMemory()) == ()
    left = LaneMemory(last_plate=PLATE, last_passage_id=50, last_closed_at=sec(60))
    assert only(assemble(RULES, None, [stranger], sec(61), left)) == Open(stranger)


@pytest.mark.parametrize("text", [TRAILER, "湘F1Z345", "SCANIA", "湘F12345"])
def test_trailer_look_alike_badge_and_own_plate_are_no_other_vehicle(text: str) -> None:
    here = standing(is_decided=True, plate=PLATE, loops=(LoopEdge("arrive", True, sec(0)),))
    step = only(assemble(RULES, here, [plate(30, 40, text)], sec(40), LaneMemory()))
    assert isinstance(step, Attach)


def test_loops_that_report_free_when_they_start_again_close_a_vehicle_that_left_unseen() -> None:
    loops = (LoopEdge("arrive", True, sec(0)), LoopEdge("scale_front", True, sec(1)))
    here = standing(is_decided=True, plate=PLATE, loops=loops)
    free = [loop(30 + n, 500, name, on=False) for n, name in enumerate(("arrive", "scale_front", "scale_rear", "exit"))]
    step = assemble(RULES, here, free, sec(500), LaneMemory())
    assert [type(each) for each in step] == [Attach]
    kept = replace(here, loops=(*loops, *(LoopEdge(each.body["loop"], False, each.at) for each in free)))
    assert only(assemble(RULES, kept, [], sec(503), LaneMemory())) == Close(50, sec(503), went_through=False)


def test_a_backlog_is_read_vehicle_by_vehicle_and_only_the_last_one_stands() -> None:
    """What a lane missed while nobody read it: two that came and backed out, one that stands there."""

    def visit(n: int, at: float, text: str, *, leaves: bool) -> list[LaneReading]:
        comes = [loop(n, at, "arrive"), plate(n + 1, at + 0.5, text), loop(n + 2, at + 1, "scale_front")]
        comes += [loop(n + 3, at + 2, "arrive", on=False), weight(n + 4, at + 3, 20_000_000)]
        backs = [loop(n + 5, at + 20, "arrive"), loop(n + 6, at + 21, "scale_front", on=False)]
        return comes + ([*backs, loop(n + 7, at + 22, "arrive", on=False)] if leaves else [])

    third = "湘F33333"
    rest = [*visit(10, 0, PLATE, leaves=True), *visit(30, 60, OTHER, leaves=True), *visit(50, 120, third, leaves=False)]
    late, here, seen = sec(400), None, []
    for _ in range(12):
        steps = assemble(RULES, here, rest, late, LaneMemory())
        for step in steps:
            match step:
                case Open(first):
                    here = Standing(first.id, first.id, first.at, is_decided=False)
                case Close(passage_id, _, went_through, kept):
                    seen.append((passage_id, went_through))
                    gone = {each.id for each, _ in kept}
                    rest, here = [each for each in rest if each.id not in gone], None
                case Decide():
                    assert step.seen.plate == third
                    assert not step.seen.is_fresh
                    assert seen == [(10, False), (30, False)]
                    return
    raise AssertionError("the vehicle that stands there was never decided")


def test_doubled_arrival_is_the_same_vehicle() -> None:
    step = decide_now([TRUCK[0], loop(11, 0.1, "arrive"), *TRUCK[1:]], 4.2)
    assert step.first_reading_id == 1
    assert step.seen.plate == PLATE


def test_plate_opens_a_passage_when_the_loop_is_lost_but_not_for_the_vehicle_that_just_left() -> None:
    seen = [plate(40, 0)]
    assert assemble(RULES, None, seen, sec(1), LaneMemory()) == ()
    assert only(assemble(RULES, None, seen, sec(3), LaneMemory())) == Open(seen[0])
    left = LaneMemory(last_plate=PLATE, last_passage_id=49, last_closed_at=sec(-5))
    assert only(assemble(RULES, None, seen, sec(3), left)) == Attach(49, ((seen[0], "after_passage"),))
    again = LaneMemory(last_plate=PLATE, last_passage_id=49, last_closed_at=sec(-25))
    assert only(assemble(RULES, None, seen, sec(3), again)) == Open(seen[0])


def test_lane_without_loops_opens_by_plate_and_parts_vehicles_by_another_plate() -> None:
    rules = replace(RULES, has_loops=False)
    assert only(assemble(rules, None, [plate(1, 0)], sec(0.1), LaneMemory())) == Open(plate(1, 0))
    here = standing(is_decided=True, plate=PLATE)
    assert only(assemble(rules, here, [plate(9, 30, OTHER)], sec(30), LaneMemory())) == Close(50, sec(30), False)
    assert assemble(rules, here, [], sec(300), LaneMemory()) == ()


def test_idle_scale_at_zero_is_noted() -> None:
    zero = weight(5, 0, 0, state="zero")
    assert assemble(RULES, None, [zero], sec(0), LaneMemory()) == (NoteZero(), Ignore((zero,)))


def test_sequence_number_names_the_reading_that_opened_the_passage_and_fits_the_message() -> None:
    assert first_reading_of(3, sequence_no(3, 123_456_789_012)) == 123_456_789_012
    assert len(sequence_no(9_999, 10**14)) <= 20
    assert [first_reading_of(3, other) for other in ("4-77", "20260701000000000001", "3-x", "")] == [0, 0, 0, 0]


# --- direction -----------------------------------------------------------------------------------------------------


def test_exit_loop_of_an_empty_lane_tells_of_one_that_comes_the_wrong_way() -> None:
    taken = loop(1, 0, "exit")
    assert assemble(RULES, None, [taken], sec(0), LaneMemory()) == (WrongWay(taken), Ignore((taken,)))
    left = LaneMemory(last_plate=PLATE, last_passage_id=49, last_closed_at=sec(-2.9))
    assert assemble(RULES, None, [taken], sec(0), left) == (Ignore((taken,)),)  # its own last axles
    no_loops = replace(RULES, has_loops=False)
    assert assemble(no_loops, None, [taken], sec(0), LaneMemory()) == (Ignore((taken,)),)


@pytest.mark.parametrize(("came", "moved"), [(None, "forward"), (-25.0, "forward"), (-19.9, "backward")])
def test_which_way_a_vehicle_came_is_told_by_the_loops(came: float | None, moved: str) -> None:
    memory = LaneMemory(came_from_exit_at=None if came is None else sec(came))
    assert decide_now(TRUCK, 4.2, memory=memory).seen.moved == moved


def test_one_loop_alone_tells_no_direction() -> None:
    assert decide_now([loop(1, 0, "arrive"), plate(2, 1)], 8).seen.moved is None


# --- without loops: gap, another plate, seen again, parked ------------------------------------------------------------

NO_LOOPS = replace(RULES, has_loops=False)
LEFT = LaneMemory(last_plate=PLATE, last_passage_id=49, last_closed_at=sec(0), last_seen_at=sec(30))


def test_the_same_plate_after_the_gap_is_a_new_passage_and_before_it_is_not() -> None:
    soon, later_on = plate(2, 49.9), plate(3, 50)
    assert only(assemble(NO_LOOPS, None, [soon], sec(50), LEFT)) == Attach(49, ((soon, "after_passage"),))
    assert only(assemble(NO_LOOPS, None, [later_on], sec(50), LEFT)) == Open(later_on)


def test_a_parked_vehicle_that_the_camera_follows_is_never_a_new_passage() -> None:
    followed = plate(2, 500, object_id="a1")
    memory = replace(LEFT, last_object_ids=frozenset({"dev a1"}))
    for rules in (NO_LOOPS, RULES):
        assert only(assemble(rules, None, [followed], sec(510), memory)) == Attach(49, ((followed, "same_object"),))
    other = plate(3, 500, object_id="a2")
    assert only(assemble(NO_LOOPS, None, [other], sec(510), memory)) == Open(other)


def test_a_held_vehicle_that_comes_back_is_decided_again_and_one_that_waits_is_not() -> None:
    held = standing(is_decided=True, plate=PLATE, plate_seen_at=sec(1), object_ids=frozenset({"dev a1"}))
    assert assemble(NO_LOOPS, held, [], sec(900), LaneMemory()) == ()
    for waits in (plate(9, 20.9), plate(9, 500, object_id="a1")):
        step = only(assemble(NO_LOOPS, held, [waits], sec(501), LaneMemory()))
        assert step == Attach(50, ((waits, "after_decision"),))
    back = plate(9, 21, object_id="a2")
    assert only(assemble(NO_LOOPS, held, [back], sec(21), LaneMemory())) == Close(50, sec(21), went_through=False)


def test_one_that_passed_is_gone_after_the_gap_since_it_was_last_seen() -> None:
    passed = standing(is_decided=True, has_passed=True, plate=PLATE, plate_seen_at=sec(15))
    assert assemble(NO_LOOPS, passed, [], sec(34.9), LaneMemory()) == ()
    assert only(assemble(NO_LOOPS, passed, [], sec(35), LaneMemory())) == Close(50, sec(35), went_through=True)


# --- seals ---------------------------------------------------------------------------------------------------------


def test_a_lane_that_needs_the_seal_waits_for_it_and_keeps_what_it_says() -> None:
    rules = replace(RULES, needs_seal=True)
    assert assemble(rules, standing(), TRUCK, sec(4.2), LaneMemory()) == ()
    whole = reading(20, "SealRead", 4.3, seal="CN1", is_intact=True)
    opened = reading(21, "SealRead", 4.4, seal="CN1", is_intact=False)
    step = decide_now([*TRUCK, whole, opened], 4.5, rules)
    assert (step.seen.seals, step.seen.broken_seals, step.seen.missing) == (("CN1",), ("CN1",), ())
    why = {each.id: reason for each, _, reason in step.uses}
    assert (why[20], why[21]) == ("intact", "opened")
    assert decide_now(TRUCK, 8, rules).seen.missing == ("seal",)
