"""Seeded problems of rounds around Yueyang, for tests and benchmarks.

Stops lie around the port, the city and the six counties of Yueyang (`places.json`), shops near their town, farms and
workshops further out; 62 % are delivered to, 24 % collected from, 14 % both. Half have a window of two to four hours.
Weight is lognormal with median 260 kg; 180 kg a m3. Everything is synthetic.
"""

from __future__ import annotations

import math
import random
from typing import Any

from routing.network import yueyang
from routing.rounds.problem import Problem
from routing.rounds.reading import depot_document, problem_of, shipped_trucks
from routing.units import ceil_div

DAY = "2026-03-02"
COUNTIES = (
    ("CNYYA", 30), ("CNCLJ", 8), ("CN430621", 13), ("CN430623", 12), ("CN430624", 10), ("CN430626", 7),
    ("CN430681", 10), ("CN430682", 10),
)  # fmt: skip
SIZES = (100, 150, 200, 250, 300, 350, 400)
MEDIAN_KG, SIGMA, MOST_KG = 260, 0.9, 3000
OWNERS = tuple(f"FIRM{number:02d}" for number in range(1, 13))


def rounds_document(stops: int, seed: int) -> dict[str, Any]:
    """Stops, a mixed fleet that is large enough, one hub; the same seed gives the same document, byte for byte."""
    rng = random.Random(f"dongting-rounds-{seed}")  # noqa: S311 - a repeatable draw, not a secret
    return {
        "depots": [depot_document("CNCLJ", DAY)],
        "trucks": shipped_trucks("CNCLJ", DAY, count=max(4, stops // 8)),
        "stops": [_stop(rng, number) for number in range(1, stops + 1)],
    }


def rounds_problem(stops: int, seed: int) -> Problem:
    """The same as a problem."""
    return problem_of(rounds_document(stops, seed))


def benchmark_set() -> list[tuple[int, int]]:
    """Stops and seed of the twenty published problems."""
    return [(SIZES[number % len(SIZES)], number + 1) for number in range(20)]


def _stop(rng: random.Random, number: int) -> dict[str, Any]:
    codes, weights = zip(*COUNTIES, strict=True)
    code = rng.choices(codes, weights)[0]
    site = next(place for place in yueyang().places if place.code == code)
    km = min(25.0, rng.expovariate(1 / 6))
    angle = rng.random() * 2 * math.pi
    lat = site.lat_udeg + round(km / 111.2 * math.sin(angle) * 1e6)
    lon = site.lon_udeg + round(km / (111.2 * math.cos(math.radians(29.2))) * math.cos(angle) * 1e6)
    kind = rng.random()
    stop: dict[str, Any] = {"id": f"S{number:04d}", "owner": rng.choice(OWNERS), "lat_udeg": lat, "lon_udeg": lon}
    if kind < 0.76:
        stop["deliver"] = _amount(rng)
    if kind >= 0.62:
        stop["collect"] = _amount(rng)
    stop["service_s"] = 60 * rng.choice((8, 10, 12, 15, 20))
    if rng.random() < 0.5:
        start = rng.choice((7, 8, 9, 10, 12, 13, 14, 15))
        stop["windows"] = [
            {
                "open_at": f"{DAY}T{start:02d}:00:00+08:00",
                "close_at": f"{DAY}T{start + rng.choice((2, 3, 4)):02d}:00:00+08:00",
            }
        ]
    return stop


def _amount(rng: random.Random) -> dict[str, int]:
    kg = min(MOST_KG, max(10, round(rng.lognormvariate(math.log(MEDIAN_KG), SIGMA))))
    cm3 = ceil_div(kg * 1_000_000, 180)
    return {"weight_g": kg * 1000, "volume_cm3": cm3, "pallets": min(4, ceil_div(cm3, 1_600_000))}
