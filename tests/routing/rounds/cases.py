"""Small problems of rounds for the tests: places on a line east of the hub, and random ones."""

import random
from itertools import permutations
from typing import Any

from routing.rounds.case import COST, Case, Round, Visit
from routing.rounds.problem import Problem
from routing.rounds.reading import problem_of
from routing.rounds.timing import fits, timed
from routing.units import ceil_div

DAY = "2026-03-02"
HUB = {"code": "HUB", "lat_udeg": 0, "lon_udeg": 0, "open_at": f"{DAY}T00:00:00Z", "close_at": f"{DAY}T23:00:00Z"}
TRUCK = {
    "code": "T", "count": 9, "depot": "HUB", "payload_g": 1000, "volume_cm3": 1000, "fixed_minor": 1000,
    "km_minor": 100, "hour_minor": 0, "speed_km_h": 36, "start_at": f"{DAY}T06:00:00Z", "end_at": f"{DAY}T20:00:00Z",
    "shift_s": 50_400,
}  # fmt: skip
KM_UDEG = 8993  # a kilometre along the equator in millionths of a degree


def at(clock: str) -> str:
    """The instant of a clock time of the day, in UTC."""
    return f"{DAY}T{clock}:00Z"


def stop(
    name: str, km: float, *, north: float = 0, window: tuple[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """A stop so many kilometres east of the hub; it gets 100 g unless said."""
    found = {
        "id": name,
        "lat_udeg": round(north * KM_UDEG),
        "lon_udeg": round(km * KM_UDEG),
        "deliver": {"weight_g": 100},
    }
    if window:
        found["windows"] = [{"open_at": at(window[0]), "close_at": at(window[1])}]
    return found | more


def document(stops: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A problem without detour, one hub and nine equal trucks unless said."""
    return {"depots": [HUB], "trucks": [TRUCK], "detour_permille": 1000, "stops": stops} | more


def random_document(seed: int) -> dict[str, Any]:
    """One to five stops with windows, both ways, two kinds of truck, sometimes a rest."""
    rng = random.Random(f"rounds-{seed}")
    stops = []
    for number in range(rng.randint(1, 5)):
        more: dict[str, Any] = {"service_s": rng.choice((0, 600, 1800))}
        kind = rng.random()
        more["deliver"] = {"weight_g": rng.randint(1, 6) * 100 if kind < 0.7 else 0}
        more["collect"] = {"weight_g": rng.randint(1, 6) * 100 if kind > 0.5 else 0}
        window = None
        if rng.random() < 0.4:
            hour = rng.randint(6, 15)
            window = (f"{hour:02d}:00", f"{hour + rng.randint(1, 4):02d}:00")
        if rng.random() < 0.15:
            more["trucks"] = ["T"]
        stops.append(stop(f"S{number}", rng.uniform(-60, 60), north=rng.uniform(-60, 60), window=window, **more))
    small = TRUCK | {"hour_minor": rng.choice((0, 2000)), "fixed_minor": rng.choice((500, 5000))}
    large = small | {"code": "L", "payload_g": 2000, "km_minor": 150, "fixed_minor": small["fixed_minor"] + 1500}
    hours = {"drive_s": 28_800, "spell_s": rng.choice((14_400, 10_800, 28_800)), "rest_s": 1200}
    return document(stops, trucks=[small, large], hours=hours)


def cheapest_minor(problem: Problem) -> tuple[int, int]:
    """By trying all: how many stops can be served, and the least cost of serving those in fen."""
    case = Case(problem)
    first, count = len(problem.depots), len(problem.stops)
    rounds: dict[int, int] = {}
    for subset in range(1, 1 << count):
        inside = [first + i for i in range(count) if subset >> i & 1]
        costs = []
        for order in permutations(inside):
            for truck in range(len(case.trucks)):
                one = Round(truck, (tuple(Visit(node) for node in order),))
                found = timed(case, one) if fits(case, one) else None
                if found is not None:
                    costs.append(found.cost_units)
        if costs:
            rounds[subset] = min(costs)
    able = sum(1 << i for i in range(count) if 1 << i in rounds)
    best = {0: 0}
    for goal in range(1, able + 1):
        if goal & ~able:
            continue
        low = goal & -goal
        choices = [
            best[goal & ~subset] + cost for subset, cost in rounds.items() if subset & low and subset & ~goal == 0
        ]
        best[goal] = min(choices)
    return able.bit_count(), ceil_div(best[able], COST)


def small(**more: Any) -> Problem:
    """Two stops on the way out and one the other way."""
    return problem_of(document([stop("A", 10), stop("B", 20), stop("C", -10)], **more))
