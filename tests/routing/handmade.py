"""A small plan made by hand on the network of Yueyang: a box of two owners by barge and ship, one loose."""

import time

from routing.demand import Consignment, Piece
from routing.network import yueyang
from routing.plan import (
    Assignment,
    Baselines,
    LoadLine,
    Plan,
    PlanBox,
    PlanCosts,
    PlanLeg,
    PlanLoad,
    PlanSegment,
    Unserved,
)
from routing.problem import Options, Problem
from routing.schedule import Departure, Segment, Timetable
from routing.units import DAY_S, HOUR_S


def goods(name: str, owner: str, now: int, count: int = 4, **more: object) -> Consignment:
    """``count`` crates of 1.2 x 1 x 1 m and 200 kg for Hamburg."""
    values: dict[str, object] = {
        "id": name, "owner": owner, "origin": "CNCLJ", "destination": "DEHAM", "customs_mode": "0110",
        "volume_cm3": count * 1_200_000, "weight_g": count * 200_000, "value_minor": 1_000_000,
        "pieces": (Piece(count=count, length_mm=1200, width_mm=1000, height_mm=1000, weight_g=200_000),),
        "ready_at": now, "due_at": now + 60 * DAY_S,
    }  # fmt: skip
    return Consignment(**(values | more))  # type: ignore[arg-type]


def make(
    names: tuple[str, str, str, str] = ("K1", "K2", "K3", "K4"), owners: tuple[str, str] = ("ANNA", "BERT"),
    modes: tuple[str, str] = ("0110", "0110"),
) -> tuple[Problem, Plan]:  # fmt: skip
    """The problem and its plan: K1 and K2 share box B0001, K3 goes loose (B0002), K4 stays behind."""
    now = int(time.time()) // HOUR_S * HOUR_S
    first, second, third, fourth = names
    problem = Problem(
        network=yueyang(),
        options=Options(start_at=now, weeks=4),
        consignments=(
            goods(first, owners[0], now, customs_mode=modes[0]),
            goods(second, owners[1], now, 2, customs_mode=modes[1]),
            goods(third, owners[1], now, 3, pieces=()),
            goods(fourth, owners[0], now, volume_cm3=0, weight_g=0, pieces=()),
        ),
    )
    segment = _segment(problem)
    boxes = (
        _box("B0001", "box", "20GP", segment, (first, second), problem, 400_001),
        _box("B0002", "loose", "LCL", segment, (third,), problem, 120_000),
    )
    assignments = (
        _assignment(first, owners[0], "B0001", segment, 266_668),
        _assignment(second, owners[1], "B0001", segment, 133_333),
        _assignment(third, owners[1], "B0002", segment, 120_000),
    )
    cost = sum(one.total_minor for one in assignments)
    spots = tuple((0, 1200 * column, 0, 1000 * tier, 1200, 1000) for column in (0, 1) for tier in (0, 1))
    spots += tuple((1, 0, 1000, 1000 * tier, 1200, 1000) for tier in (0, 1))
    plan = Plan(
        state="solved", snapshot_sha256=problem.snapshot_sha256(), seed=1, solver="by hand", seconds_limit=1,
        elapsed_ms=1, started_at=now, cost_minor=cost, left_out_minor=0, objective_minor=cost,
        bound_minor=cost - 1000, gap_ppm=1500, blocks=1, blocks_proved=1,
        baselines=Baselines(a_minor=cost + 9000, b_minor=cost + 5000, c_minor=cost + 6000), saving_minor=5000,
        saving_permille=7, co2_g=3_000_000, demand_cm3=sum(one.volume_cm3 for one in problem.consignments),
        legs=tuple(_leg(leg) for leg in segment.legs),
        segments=(
            PlanSegment(
                id=segment.id, corridor=segment.corridor.code, stuffing_place=segment.corridor.stuffing_place,
                stripping_place=segment.corridor.stripping_place, departures=tuple(leg.id for leg in segment.legs),
                close_at=segment.close_at, depart_at=segment.depart_at, arrive_at=segment.arrive_at,
                free_at=segment.free_at,
            ),
        ),
        boxes=boxes, assignments=assignments,
        unserved=(
            Unserved(
                consignment=fourth, owner=owners[0], reason="no_size", values={"volume_cm3": 0, "weight_g": 0}
            ),
        ),
        loads=(
            PlanLoad(
                box="B0001", container="20GP",
                lines=(LoadLine(consignment=first, piece=1), LoadLine(consignment=second, piece=1)), spots=spots,
                volume_ppm=210_000, weight_g=1_200_000, centre_mm=(1000, 800, 1000),
            ),
        ),
    )  # fmt: skip
    return problem, plan


def _segment(problem: Problem) -> Segment:
    """The first sealed move to Hamburg over more than one leg whose cut-off is still two days away."""
    return next(
        one for one in Timetable(problem).segments
        if one.corridor.stripping_place == "DEHAM" and len(one.legs) > 1 and one.legs[0].service.mode == "barge"
        and one.close_at > problem.options.start_at + 2 * DAY_S
    )  # fmt: skip


def _leg(leg: Departure) -> PlanLeg:
    service = leg.service
    return PlanLeg(
        departure=leg.id, service=service.code, mode=service.mode, origin=service.origin,
        destination=service.destination, depart_at=leg.depart_at, arrive_at=leg.arrive_at, cutoff_at=leg.cutoff_at,
        unit=service.capacity_unit, capacity=leg.capacity, taken=1, price_minor=0,
    )  # fmt: skip


def _box(
    name: str, kind: str, equipment: str, segment: Segment, inside: tuple[str, ...], problem: Problem, price: int
) -> PlanBox:
    held = [one for one in problem.consignments if one.id in inside]
    return PlanBox(
        id=name, kind=kind, equipment=equipment, segment=segment.id, load_class="general_export/ambient/none",  # type: ignore[arg-type]
        volume_cm3=sum(one.volume_cm3 for one in held), weight_g=sum(one.weight_g for one in held),
        volume_permille=257, weight_permille=55, teu=1 if kind == "box" else 0, kg=0, price_minor=price,
        consignments=inside,
    )  # fmt: skip


def _assignment(name: str, owner: str, box: str, segment: Segment, share: int) -> Assignment:
    costs = PlanCosts(
        feeder_minor=0, handling_minor=30_000, onward_minor=12_345, holding_minor=700, lateness_minor=0,
        carbon_minor=55, share_minor=share,
    )  # fmt: skip
    total = share + 43_100
    return Assignment(
        consignment=name, owner=owner, box=box, segment=segment.id, deliver_at=segment.free_at + DAY_S, late_s=0,
        co2_g=1_000_000, costs=costs, total_minor=total, alone_minor=total + 3000,
    )  # fmt: skip
