"""Control orders of customs act at once: in the lane, on a lift that has not opened, inside the zone; and their end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.build import now
from tests.wms.gate.world import World, command_of, crossing, make_lane, make_pass, make_world, new_box, seen_of
from wms.codes.containers import check_digit
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.gate.rules import SeenContainer
from wms.gate.rules.controls import NewOrder, OrderWithdrawn, UnknownOrder
from wms.gate.service import (
    CommandStep,
    ReleaseHold,
    approve_release,
    confirm_passage,
    decide_passage,
    expire_or_send,
    fail_silent,
    give_order,
    record_result,
    release_hold,
    withdraw_order,
)
from wms.gate.service.barrier import barrier_seen
from wms.gate.service.by_hand import lower_barrier, unlock_lane
from wms.gate.service.orders import lanes_kept_down, standing_lock
from wms.gate.service.passing import close_passage
from wms.gate.tables import BarrierCommand, Lane, Passage, Release
from wms.watch.tables import Alarm


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


def order(target: str, control: str = "stop", kind: str = "plate", reason: str = "information received") -> NewOrder:
    return NewOrder(control, kind, target, reason, now())


def passage(session: Session, passage_id: int) -> Passage:
    return session.get_one(Passage, passage_id, populate_existing=True)


def test_an_order_given_before_holds_by_plate_container_pass_and_document(session: Session, world: World) -> None:
    for kind in ("plate", "container", "gate_pass", "document"):
        box = new_box()
        gate_pass = make_pass(session, world, qty=10, container_nos=(box,), container_weight_g=2_200_000)
        target = {
            "plate": gate_pass.vehicle_plate,
            "container": box,
            "gate_pass": gate_pass.pass_no or "",
            "document": world.listed.list_no or "",
        }[kind]
        given = give_order(session, order(target.lower() if kind == "gate_pass" else target, "detain", kind))
        held = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
        assert (held.verdict, held.hold_code) == ("hold", "control_detain"), kind
        withdraw_order(session, given.order_id, reason="settled by letter", at=now())
        again = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
        assert again.verdict == "lift", kind


def test_an_order_may_name_our_own_number_of_a_pass_though_customs_has_given_another(
    session: Session, world: World
) -> None:
    gate_pass = make_pass(session, world)
    assert gate_pass.pass_no != gate_pass.internal_no
    give_order(session, order(gate_pass.internal_no, "detain", "gate_pass"))
    assert decide_passage(session, crossing(world.lane, seen_of(gate_pass))).hold_code == "control_detain"


def test_a_lock_that_the_barrier_accepted_is_no_fault_and_explains_no_opening(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    lifted = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    command = command_of(session, lifted.passage_id)
    expire_or_send(session, command, now())
    give_order(session, order(gate_pass.vehicle_plate))
    lock = session.scalars(select(BarrierCommand).where(BarrierCommand.action == "lock")).one()
    expire_or_send(session, lock, now())
    record_result(session, CommandStep(lock.cmd_id, lock.device, "accepted", now()))
    record_result(session, CommandStep(command.cmd_id, command.device, "refused", now(), "locked"))
    later = now() + timedelta(minutes=2)
    assert fail_silent(session, [world.lane.site_id], later) == 0
    lane = session.get_one(Lane, world.lane.id)
    assert barrier_seen(session, lane, "open", later)


def locked_by_order(session: Session, world: World) -> tuple[int, int]:
    """A vehicle whose lift is under way is ordered to stop, and the arm locked before it rose; passage and order."""
    gate_pass = make_pass(session, world, qty=1)
    lifted = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    lift = obeyed(session, "open", "accepted")
    given = give_order(session, order(gate_pass.vehicle_plate))
    obeyed(session, "lock", "accepted", "closed")
    record_result(session, CommandStep(lift.cmd_id, lift.device, "refused", now(), "locked"))
    return lifted.passage_id, given.order_id


def obeyed(session: Session, action: str, *results: str) -> BarrierCommand:
    due = select(BarrierCommand).where(BarrierCommand.state == "queued").order_by(BarrierCommand.id).limit(1)
    command = session.scalars(due).one()
    assert command.action == action
    assert expire_or_send(session, command, now())
    for result in results:
        record_result(session, CommandStep(command.cmd_id, command.device, result, now()))
    return command


def queued(session: Session) -> list[str]:
    wanted = select(BarrierCommand.action).where(BarrierCommand.state == "queued").order_by(BarrierCommand.id)
    return list(session.scalars(wanted))


def test_the_lock_of_an_order_stays_through_its_withdrawal_and_ends_with_the_officers_lift(
    session: Session, world: World
) -> None:
    passage_id, order_id = locked_by_order(session, world)
    withdraw_order(session, order_id, reason="mistaken plate", at=now())
    assert queued(session) == []
    assert lanes_kept_down(session) == {world.lane.id}
    release_hold(session, ReleaseHold(passage_id, world.officer.id, "order was withdrawn", now()))
    assert queued(session) == ["close", "open"]  # first the lock ends, then the arm goes up
    obeyed(session, "close", "accepted", "closed")
    obeyed(session, "open", "accepted", "opened", "passed", "closed")
    decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world, qty=1))))
    assert queued(session) == ["open"]
    assert lanes_kept_down(session) == frozenset()


def test_the_lock_of_an_order_on_one_vehicle_does_not_stay_for_the_next_one(session: Session, world: World) -> None:
    passage_id, _ = locked_by_order(session, world)
    close_passage(session, passage_id, at=now(), went_through=False)
    assert decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world, qty=1)))).verdict == "lift"
    assert queued(session) == ["close", "open"]
    obeyed(session, "close")
    unheard = now() + timedelta(minutes=2)
    assert fail_silent(session, [world.lane.site_id], unheard) == 1
    give_order(session, order(locked_plate(session)))  # the open is never sent, and nothing ended the lock
    decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world, qty=1))))
    assert queued(session) == ["close", "open"]


def locked_plate(session: Session) -> str:
    found = session.scalars(select(Passage.plate).where(Passage.state == "released")).one()
    assert found is not None
    return found


def test_an_order_on_the_vehicle_that_was_to_end_a_lock_leaves_the_lock(session: Session, world: World) -> None:
    passage_id, _ = locked_by_order(session, world)
    close_passage(session, passage_id, at=now(), went_through=False)
    decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world, qty=1))))
    give_order(session, order(locked_plate(session)))
    assert queued(session) == []


def test_an_officers_closing_ends_no_lock_and_their_own_lock_outlasts_it(session: Session, world: World) -> None:
    locked_by_order(session, world)
    lane, officer = world.lane.id, world.officer.id
    again = lower_barrier(session, lane, officer_id=officer, reason="wind", locked=False, at=now())
    assert (again.action, again.decided_by[:8]) == ("lock", "control:")
    lower_barrier(session, lane, officer_id=officer, reason="man on the road", locked=True, at=now())
    own = lower_barrier(session, lane, officer_id=officer, reason="wind", locked=False, at=now())
    assert (own.action, own.decided_by) == ("lock", f"person:{officer}")
    held = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world, qty=1))))
    assert held.hold_code == "lane_closed"
    unlock_lane(session, lane, officer_id=officer, reason="road is free", at=now())
    assert standing_lock(session, world.lane) is None


def test_stop_is_stronger_than_inspect_whatever_came_first(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    give_order(session, order(gate_pass.vehicle_plate, "inspect"))
    give_order(session, order(gate_pass.pass_no or "", "stop", "gate_pass"))
    assert decide_passage(session, crossing(world.lane, seen_of(gate_pass))).hold_code == "control_stop"


def test_an_order_on_a_vehicle_that_was_let_go_stops_the_command_before_it_is_sent(
    session: Session, world: World
) -> None:
    gate_pass = make_pass(session, world)
    lifted = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    given = give_order(session, order(gate_pass.vehicle_plate))
    assert (given.passage_ids, given.stopped_commands) == ((lifted.passage_id,), 1)
    command = command_of(session, lifted.passage_id)
    assert (command.state, command.sent_at) == ("expired", None)
    stands = passage(session, lifted.passage_id)
    assert (stands.state, stands.hold_code) == ("held", "control_stop")
    assert session.scalar(select(Release.lapsed_because)) == "control_stop"
    assert session.scalar(select(Alarm.code)) == "control_after_lift"


@pytest.mark.parametrize("reached", ["sent", "accepted"])
def test_a_command_that_is_under_way_is_followed_by_the_order_to_keep_the_arm_down(
    session: Session, world: World, reached: str
) -> None:
    gate_pass = make_pass(session, world)
    lifted = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    command = command_of(session, lifted.passage_id)
    assert expire_or_send(session, command, now())
    if reached == "accepted":
        record_result(session, CommandStep(command.cmd_id, command.device, "accepted", now()))
    assert give_order(session, order(gate_pass.vehicle_plate)).stopped_commands == 1
    lock = session.scalars(select(BarrierCommand).where(BarrierCommand.action == "lock")).one()
    assert (lock.lane_id, lock.release_id, lock.state) == (world.lane.id, None, "queued")
    assert passage(session, lifted.passage_id).state == "held"


def test_a_vehicle_that_has_passed_is_not_held_but_its_order_stands(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    lifted = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    confirm_passage(session, lifted.passage_id, passed_at=now())
    given = give_order(session, order(gate_pass.vehicle_plate))
    assert given.passage_ids == ()
    assert passage(session, lifted.passage_id).state == "passed"


def test_an_order_on_a_held_vehicle_asks_for_a_second_officer_and_ends_a_request_that_waits(
    session: Session, world: World
) -> None:
    gate_pass = make_pass(session, world)
    held = decide_passage(session, crossing(world.lane, seen_of(gate_pass, weight_g=22_000_000)))
    ask = ReleaseHold(held.passage_id, world.officer.id, "weighed again, within", now(), "weighed_again")
    give_order(session, order(gate_pass.vehicle_plate))
    asked = release_hold(session, ask)
    assert (asked.state, asked.needs_second, asked.reason_code) == ("requested", True, "weighed_again")
    give_order(session, order(gate_pass.pass_no or "", "detain", "gate_pass"))
    with pytest.raises(WmsError, match="waits for nobody"):
        approve_release(session, asked.id, officer_id=world.second.id, at=now())
    assert passage(session, held.passage_id).hold_code == "control_stop"  # detain is weaker
    agreed = approve_release(session, release_hold(session, ask).id, officer_id=world.second.id, at=now())
    assert agreed.state == "granted"


def test_after_its_withdrawal_the_vehicle_waits_for_an_officer_and_does_not_open_by_itself(
    session: Session, world: World
) -> None:
    gate_pass = make_pass(session, world)
    lifted = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    first = give_order(session, order(gate_pass.vehicle_plate))
    second = give_order(session, order(gate_pass.pass_no or "", "inspect", "gate_pass"))
    withdraw_order(session, first.order_id, reason="mistaken plate", at=now(), person_id=world.officer.id)
    assert passage(session, lifted.passage_id).hold_code == "control_inspect"
    withdraw_order(session, second.order_id, reason="nothing found", at=now())
    stands = passage(session, lifted.passage_id)
    assert (stands.state, stands.hold_code) == ("held", "order_withdrawn")
    done = release_hold(session, ReleaseHold(stands.id, world.officer.id, "order was withdrawn", now()))
    assert done.state == "granted"
    with pytest.raises(OrderWithdrawn):
        withdraw_order(session, first.order_id, reason="once more", at=now())
    with pytest.raises(UnknownOrder):
        withdraw_order(session, 10**9, reason="once more", at=now())


def test_a_withdrawal_leaves_what_the_decision_itself_held_for(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    given = give_order(session, order(gate_pass.vehicle_plate))
    held = decide_passage(session, crossing(world.lane, seen_of(gate_pass, weight_g=22_000_000)))
    assert held.hold_code == "control_stop"
    withdraw_order(session, given.order_id, reason="nothing found", at=now())
    assert passage(session, held.passage_id).hold_code == "weight_high"


def test_a_vehicle_inside_the_zone_is_alarmed_and_its_exit_held(session: Session, world: World) -> None:
    lane_in = make_lane(session, world.shelf.site_id, direction="I")
    gate_pass = make_pass(session, world, direction="I", pass_type="6", lines=(), documents=())
    came = decide_passage(session, crossing(lane_in, seen_of(gate_pass)))
    assert came.verdict == "lift", came.hold_code
    confirm_passage(session, came.passage_id, passed_at=now())
    given = give_order(session, order(gate_pass.pass_no or "", "inspect", "gate_pass"))
    assert given.plates_inside == (gate_pass.vehicle_plate,)
    assert session.scalar(select(Alarm.code)) == "control_inside"
    give_order(session, order(gate_pass.vehicle_plate, "detain"))
    out = make_pass(session, world, plate=gate_pass.vehicle_plate)
    assert decide_passage(session, crossing(world.lane, seen_of(out))).hold_code == "control_detain"


BAD = [
    ({"control": "wait"}, "control", "wait is no control order"),
    ({"target_kind": "person"}, "target_kind", "not person"),
    ({"target": "SCANIA"}, "target", "SCANIA is no valid plate"),
    ({"target": " "}, "target", "- is no valid plate"),
    ({"target_kind": "container", "target": "CSQU3054384"}, "target", "CSQU3054384 is no valid container"),
    ({"target_kind": "document", "target": "X" * 65}, "target", "is no valid document"),
    ({"reason": " no "}, "reason", "need their reason in words"),
]


@pytest.mark.parametrize(("change", "field", "said"), BAD)
def test_each_mistake_in_an_order_has_its_own_answer(
    session: Session, change: dict[str, str], field: str, said: str
) -> None:
    given = {"control": "stop", "target_kind": "plate", "target": "湘F12345", "reason": "information", **change}
    with pytest.raises(WmsError, match=said) as refused:
        give_order(session, NewOrder(at=now(), **given))
    assert refused.value.field == field


def test_an_order_and_a_decision_at_the_same_moment_never_let_the_vehicle_go(database: Database, scope: Scope) -> None:
    """Whichever is first: the order finds the lift, or the decision finds the order."""
    rounds = 12
    with database.unit_of_work(scope) as session:
        world = make_world(session, declared=rounds)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(rounds):
            with database.unit_of_work(scope) as session:
                gate_pass = make_pass(session, world, qty=1)
                plate, seen = gate_pass.vehicle_plate, seen_of(gate_pass)
            start = Barrier(2)

            def decide_it() -> int:
                with database.unit_of_work(scope) as session:
                    start.wait(60)  # noqa: B023
                    return decide_passage(session, crossing(world.lane, seen)).passage_id  # noqa: B023

            def order_it() -> None:
                with database.unit_of_work(scope) as session:
                    start.wait(60)  # noqa: B023
                    give_order(session, order(plate))  # noqa: B023

            decided, ordered = pool.submit(decide_it), pool.submit(order_it)
            ordered.result(120)
            with database.unit_of_work(scope) as session:
                stands = passage(session, decided.result(120))
                assert (stands.state, stands.hold_code) == ("held", "control_stop")
                queued = select(BarrierCommand.id).where(BarrierCommand.state == "queued")
                assert session.scalars(queued).first() is None


def test_container_numbers_of_the_tests_are_valid() -> None:
    assert check_digit("CSQU305438") == 3
    assert SeenContainer(new_box(), True).recognised
