"""Model test: every pass state × direction × vehicle × stage, and races of two lanes; the model is four lines long."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Barrier

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tests.build import now
from tests.wms.gate.world import (
    World,
    balance,
    command_of,
    crossing,
    make_lane,
    make_pass,
    make_world,
    new_plate,
    seen_of,
)
from wms.customs.tables import GatePass
from wms.db import Database, Scope
from wms.gate.service import CommandStep, decide_passage, expire_or_send, record_result, register_vehicle
from wms.gate.tables import BarrierCommand, GatePassUse, Passage, Release

STATES = ("applied", "approved", "passed_first", "passed", "void")
VEHICLES = ("its own", "another")
ROUNDS = 40


def put_in_state(session: Session, gate_pass: GatePass, state: str) -> None:
    """Write the state by hand, as other parts of the house would have reached it."""
    session.execute(update(GatePass).where(GatePass.id == gate_pass.id).values(state=state))
    session.expire(gate_pass)


def drive(session: Session, passage_id: int) -> None:
    command = command_of(session, passage_id)
    expire_or_send(session, command, now())
    for result in ("accepted", "opened", "passed", "closed"):
        record_result(session, CommandStep(command.cmd_id, command.device, result, now()))


@pytest.mark.parametrize("is_double", [False, True])
def test_a_vehicle_leaves_exactly_when_the_model_says_so(database: Database, scope: Scope, is_double: bool) -> None:
    cases = list(product(STATES, ("I", "E"), VEHICLES, (0, 1, 2)))
    with database.unit_of_work(scope) as session:
        world = make_world(session, declared=len(cases) * 10)
        lanes = {
            (direction, stage): make_lane(session, world.shelf.site_id, direction=direction, stage=stage)
            for direction, stage in product("IE", (0, 1, 2))
        }
        stranger = new_plate()
        register_vehicle(session, stranger, tare_g=14_000_000)
    for state, direction, vehicle, stage in cases:
        wanted = "passed_first" if stage == 2 else "approved"
        serves = is_double == (stage > 0)
        may_pass = serves and direction == "E" and state == wanted and vehicle == "its own"
        leaves = may_pass and stage != 1
        with database.unit_of_work(scope) as session:
            gate_pass = make_pass(session, world, qty=10, is_double_gate=is_double)
            left = balance(session, "customer", world.shelf)
            put_in_state(session, gate_pass, state)
            plate = gate_pass.vehicle_plate if vehicle == "its own" else stranger
            decided = decide_passage(session, crossing(lanes[direction, stage], seen_of(gate_pass, plate=plate)))
            case = f"{state} {direction} {vehicle} {stage} {is_double}"
            assert (decided.verdict == "lift") == may_pass, case
            if may_pass:
                drive(session, decided.passage_id)
            assert balance(session, "customer", world.shelf) - left == (10 if leaves else 0), case
    with database.unit_of_work(scope) as session:
        used = session.scalar(select(func.count()).select_from(GatePassUse))
        assert used == session.scalar(select(func.count()).select_from(Passage).where(Passage.state == "passed"))


def test_two_lanes_at_once_on_the_same_pass_open_exactly_once(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        world = make_world(session, declared=ROUNDS)
        lanes = [world.lane, make_lane(session, world.shelf.site_id)]
    codes: dict[str | None, int] = {}
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            with database.unit_of_work(scope) as session:
                gate_pass = make_pass(session, world, qty=1)
                seen = seen_of(gate_pass)
            start = Barrier(2)

            def decide_in(lane_no: int) -> str | None:
                with database.unit_of_work(scope) as session:
                    start.wait(10)  # noqa: B023
                    decided = decide_passage(session, crossing(lanes[lane_no], seen))  # noqa: B023
                    return decided.hold_code

            for code in pool.map(decide_in, (0, 1)):
                codes[code] = codes.get(code, 0) + 1
    assert codes == {None: ROUNDS, "pass_in_use": ROUNDS}
    with database.unit_of_work(scope) as session:
        opened = select(func.count()).select_from(BarrierCommand).where(BarrierCommand.action == "open")
        assert session.scalar(opened) == ROUNDS
        living = select(func.count()).select_from(Release).where(Release.state == "granted")
        assert session.scalar(living) == ROUNDS


def test_two_confirmations_at_once_let_the_goods_leave_once(database: Database, scope: Scope) -> None:
    from wms.gate.service import confirm_passage

    with database.unit_of_work(scope) as session:
        world: World = make_world(session, declared=ROUNDS)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS // 4):
            with database.unit_of_work(scope) as session:
                gate_pass = make_pass(session, world, qty=1)
                passage_id = decide_passage(session, crossing(world.lane, seen_of(gate_pass))).passage_id
            start = Barrier(2)

            def confirm(_: int) -> None:
                with database.unit_of_work(scope) as session:
                    start.wait(10)  # noqa: B023
                    confirm_passage(session, passage_id, passed_at=now())  # noqa: B023

            list(pool.map(confirm, (0, 1)))
    with database.unit_of_work(scope) as session:
        assert balance(session, "customer", world.shelf) == ROUNDS // 4
        assert session.scalar(select(func.count()).select_from(GatePassUse)) == ROUNDS // 4
