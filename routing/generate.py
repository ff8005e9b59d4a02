"""Seeded problems: the demand of a planning period around Yueyang, for tests, benchmarks and the demo.

Volume is lognormal with mean 1.6 m3, cut at 25 m3; density lognormal with median 210 kg/m3; 88 % ambient, 7 % under
temperature, 5 % dangerous; 60 % general export, 40 % out of the bonded zone. Leg capacity and demand grow
together above 2,000 consignments. Everything is synthetic.
"""

from __future__ import annotations

import math
import random
from typing import Any

from routing.demand import Consignment, Piece
from routing.network import Network, yueyang
from routing.problem import Options, Problem
from routing.units import CM3_PER_M3, DAY_S, HOUR_S, ceil_div, instant_s

START = "2026-03-02T00:00:00Z"
ORIGINS = (
    ("CNCLJ", 30), ("CNYYA", 20), ("CN430621", 6), ("CN430623", 6), ("CN430624", 6), ("CN430626", 8), ("CN430681", 8),
    ("CN430682", 6), ("CN430281", 4), ("CNCSH", 6),
)  # fmt: skip
REGIONS: tuple[tuple[tuple[tuple[str, int], ...], int], ...] = (
    (
        (
            ("DEDUI", 4),
            ("DEHAM", 3),
            ("DEBER", 2),
            ("DEMUC", 2),
            ("FRPAR", 2),
            ("NLRTM", 2),
            ("PLWAW", 2),
            ("CZPRG", 1),
            ("ITMIL", 1),
        ),
        30,
    ),
    ((("USLAX", 5), ("USPHX", 1), ("USSFO", 2), ("USDAL", 2), ("USCHI", 2), ("USNYC", 3)), 24),
    ((("JPOSA", 4), ("JPNGO", 1), ("JPTYO", 3)), 14),
    ((("AUSYD", 3), ("AUMEL", 2), ("AUBNE", 1)), 10),
    ((("THBKK", 1),), 7),
    ((("HKHKG", 1),), 7),
    ((("RUVVO", 1),), 3),
    ((("RUMOW", 1),), 5),
)
OWNERS = tuple(f"FIRM{number:02d}" for number in range(1, 25))
MEAN_DM3, MOST_DM3, MEDIAN_KG_M3 = 1600, 25_000, 210
VOLUME_SIGMA, DENSITY_SIGMA = 1.0, 0.45
FULL_DEMAND = 2000


def _draw(rng: random.Random, choices: tuple[tuple[Any, int], ...]) -> Any:
    return rng.choices([what for what, _ in choices], [weight for _, weight in choices])[0]


def _pieces(rng: random.Random, volume_cm3: int, weight_g: int) -> tuple[Piece, ...]:
    """Equal cartons that together stay within the volume and weight."""
    side_mm = rng.choice((300, 400, 500, 600))
    tall_mm = rng.choice((250, 350, 450))
    one_cm3 = side_mm * 400 * tall_mm // 1000
    count = max(1, volume_cm3 * 95 // 100 // one_cm3)
    if one_cm3 > volume_cm3:
        side = max(10, int((volume_cm3 * 900) ** (1 / 3)))
        return (Piece(count=1, length_mm=side, width_mm=side, height_mm=side, weight_g=weight_g),)
    return (Piece(count=count, length_mm=side_mm, width_mm=400, height_mm=tall_mm, weight_g=max(1, weight_g // count)),)


def consignment(rng: random.Random, number: int, start_at: int, weeks: int, mean_dm3: int = MEAN_DM3) -> Consignment:
    """One synthetic consignment, ready within the planning period."""
    mu = math.log(mean_dm3 * 1000) - VOLUME_SIGMA**2 / 2
    volume_cm3 = min(max(20_000, round(rng.lognormvariate(mu, VOLUME_SIGMA))), MOST_DM3 * 1000)
    kg_m3 = min(max(40.0, rng.lognormvariate(math.log(MEDIAN_KG_M3), DENSITY_SIGMA)), 900.0)
    weight_g = max(1000, round(kg_m3 * volume_cm3 / 1000))
    places = _draw(rng, REGIONS)
    kind = rng.random()
    temperature = "frozen" if 0.88 <= kind < 0.95 else "ambient"
    mode = _draw(rng, (("0110", 30), ("9710", 20), ("9810", 10), ("1210", 40)))
    ready_at = start_at + rng.randrange(max(1, weeks * 7 - 10) * 24) * HOUR_S
    # Some goods are in a hurry (air or rail), most go by sea.
    days = 10 + rng.randrange(8) if rng.random() < 0.06 else 38 + rng.randrange(35)
    return Consignment(
        id=f"C{number:06d}",
        owner=rng.choice(OWNERS),
        origin=_draw(rng, ORIGINS),
        destination=_draw(rng, places),
        customs_mode=mode,
        temperature=temperature,  # type: ignore[arg-type]
        dangerous="class9" if kind >= 0.95 else "none",
        volume_cm3=volume_cm3,
        weight_g=weight_g,
        pieces=_pieces(rng, volume_cm3, weight_g),
        value_minor=ceil_div(volume_cm3 * round(rng.lognormvariate(math.log(900_000), 0.7)), CM3_PER_M3),
        ready_at=ready_at,
        due_at=ready_at + days * DAY_S,
    )


def problem(
    size: int, seed: int = 1, *, weeks: int = 4, mean_dm3: int = MEAN_DM3, network: Network | None = None
) -> Problem:
    """A problem of `size` consignments; the same seed gives the same problem, byte for byte."""
    rng = random.Random(f"dongting-{seed}")  # noqa: S311 - a repeatable draw, not a secret
    start_at = instant_s(START)
    return Problem(
        network=network or yueyang(),
        options=Options(start_at=start_at, weeks=weeks, capacity_permille=max(1000, 1000 * size // FULL_DEMAND)),
        consignments=tuple(consignment(rng, number, start_at, weeks, mean_dm3) for number in range(1, size + 1)),
    )
