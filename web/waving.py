"""Releasing a wave: stock is promised, lists are made by the floor, and their ways found by the solver.

The floor may not know a solver (a room uses only the rooms below it), so the two meet here. A small wave is released
while the caller waits; a large one by a job, its stock promised in several transactions, so that scans go on meanwhile.
"""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial

from sqlalchemy.orm import Session

from routing import aisles
from routing.aisles import BadFloor, BadStop, Floor, Point, Stop
from wms.db import Database, Scope
from wms.floor import pick_queries
from wms.floor.service import allocating, pick_lists, waves
from wms.floor.service.waves import Released

AT_ONCE_LINES = 500  # a wave of more order lines is a job
ROUTING_S = 3.0  # for all lists of one release while somebody waits; a list gets 120 ms at most
ROUTED_AT_ONCE = 20


def release(session: Session, wave_no: str, key: str, now: datetime, *, to_place: str | None) -> Released:
    """Promise stock to a wave's orders, make its lists and find their ways, all in one transaction.

    Raises what :func:`wms.floor.service.waves.release` raises.
    """
    wave, orders = waves.held(session, wave_no)
    if wave.state == "planned":
        allocating.allocate(session, f"wave:{key}", [one.id for one in orders], now)
    made = waves.release(session, wave_no, now, to_place=to_place)
    route_lists(session, made.list_ids, now.date())
    return made


def route_lists(session: Session, list_ids: Sequence[int], on: date, *, within_s: float = ROUTING_S) -> int:
    """Put each list in the order of a short way; returns how many could be (their places must stand on the floor)."""
    end_at, routed = time.perf_counter() + within_s, 0
    for number, list_id in enumerate(list_ids):
        left_ms = (end_at - time.perf_counter()) * 1000 / (len(list_ids) - number)
        routed += route_list(session, list_id, on, budget_ms=max(5, min(aisles.BUDGET_MS, int(left_ms))))
    return routed


def route_list(session: Session, list_id: int, on: date, *, budget_ms: int = aisles.BUDGET_MS) -> bool:
    """Find the way of one list; False where a place's position is unknown or cannot be, and its order stays."""
    floor, stops = pick_queries.floor_plan(session, list_id, on), pick_queries.stops(session, list_id)
    if floor is None or not stops or any(stop.x_mm is None or stop.y_mm is None for stop in stops):
        return False
    start = Point(floor.x_mm, floor.y_mm)
    places = [Stop(one.location_id, one.aisle, one.x_mm or 0, one.y_mm or 0) for one in stops]
    try:
        found = aisles.plan(places, Floor(floor.cross_y_mm, start, start), budget_ms=budget_ms)
    except (BadStop, BadFloor):
        return False  # a place that was measured wrong: picking goes on in the order of the places
    pick_lists.walk_in_order(
        session,
        list_id,
        found.order,
        route_mm=found.length_mm,
        item_order_mm=found.item_order_mm,
        s_shape_mm=found.s_shape_mm,
    )
    return True


def release_job(
    database: Database, *, tenant_id: int, person_id: int | None, wave_no: str, key: str, to_place: str | None
) -> None:
    """Release a large wave. Safe to repeat: what is promised stays, a released wave is left as it is."""
    scope = Scope(tenant_id, person_id)
    now = datetime.now(UTC)
    with database.unit_of_work(scope) as session:
        wave = waves.locked(session, wave_no)
        if wave.state != "planned":
            return
        batches = allocating.batches(session, waves.order_ids_of(session, wave.id))
    # A job that runs again asks for what is still wanted, which is another promise: it must not meet its own old keys.
    deed = f"wave:{key}:{int(now.timestamp() * 1000)}"
    for number, order_ids in enumerate(batches):
        database.run(scope, partial(allocating.allocate, key=f"{deed}:{number}", order_ids=order_ids, now=now))
    made = database.run(scope, lambda session: waves.release(session, wave_no, now, to_place=to_place))
    for i in range(0, len(made.list_ids), ROUTED_AT_ONCE):
        some = made.list_ids[i : i + ROUTED_AT_ONCE]
        database.run(scope, partial(route_lists, list_ids=some, on=now.date()))


TASKS = {"waves.release": release_job}
