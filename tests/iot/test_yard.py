"""The seed story through a socket: simulated devices, the embedded broker, inbox, lanes, decision, barrier, ledger."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.conftest import Urls
from tests.iot.doors import until
from tests.iot.gate_yard import ingest_settings, register_lane, running_ingest
from tests.wms.gate.world import VEHICLE_G, balance, make_pass, make_world, new_box, new_plate
from web.demo.yard import run_yard
from web.demo.yard.config import Truck
from wms.db import Database, Scope
from wms.gate.service import register_vehicle
from wms.gate.tables import BarrierCommand, GatePassUse, LaneState, Passage, PassageReading


@pytest.mark.slow
def test_yard_trucks_get_the_answer_that_the_truth_demands(
    database: Database, scope: Scope, tenant: int, urls: Urls, tmp_path: Path
) -> None:
    boxes = [new_box() for _ in range(2)]
    with database.unit_of_work(scope) as session:
        world = make_world(session)
        yard = register_lane(session, world)
        good, heavy = (make_pass(session, world, container_nos=(box,), container_weight_g=2_200_000) for box in boxes)
        stranger = new_plate()
        register_vehicle(session, stranger, tare_g=VEHICLE_G)
        code = world.lane.code
        total = good.total_weight_g
        trucks = [
            Truck("approved", code, "lift", good.vehicle_plate, total, (boxes[0],)),
            Truck("wrong_plate", code, "plate_differs", stranger, total, (boxes[1],)),
            Truck("heavy", code, "weight_high", heavy.vehicle_plate, total * 109 // 100, (boxes[1],)),
            Truck("empty", code, "empty_needs_pass", stranger, VEHICLE_G, ()),
        ]
    settings = ingest_settings(tenant, urls.app, tmp_path)
    stop = threading.Event()
    with running_ingest(settings, database):
        playing = threading.Thread(target=run_yard, args=(yard.file(trucks), settings.broker_url, stop), daemon=True)
        playing.start()

        def four_are_closed() -> bool:
            with database.unit_of_work(scope) as session:
                closed = select(func.count()).select_from(Passage).where(Passage.closed_at.is_not(None))
                return (session.scalar(closed) or 0) >= 4

        try:
            until(four_are_closed, 150)
        finally:
            stop.set()
            playing.join(20)

    with database.unit_of_work(scope) as session:
        seen = [(p.plate, p.state, p.hold_code) for p in session.scalars(select(Passage).order_by(Passage.id).limit(4))]
        assert seen == [
            (good.vehicle_plate, "passed", None),
            (stranger, "turned_back", "plate_differs"),
            (heavy.vehicle_plate, "turned_back", "weight_high"),
            (stranger, "turned_back", "empty_needs_pass"),
        ]
        assert balance(session, "customer", world.shelf) == 100
        assert session.scalar(select(func.count()).select_from(GatePassUse)) == 1
        commands = list(session.scalars(select(BarrierCommand)))
        assert [command.state for command in commands] == ["closed"]
        assert commands[0].sent_at
        assert commands[0].accepted_at
        assert commands[0].opened_at
        assert commands[0].passed_at
        assert session.scalar(select(LaneState.barrier).where(LaneState.lane_id == world.lane.id)) in (
            "closed",
            "unknown",
        )
        why = set(session.scalars(select(PassageReading.why)))
        assert {"voted", "plateau", "arrive", "exit"} <= why
