"""Outbound: cartons for an order. Every answer is checked by the independent checker outside the measured time."""

import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict

from benchmarks import outbound_flow
from benchmarks.rows import Row, percentile, row
from routing.cartons import Cartonised, CartonType, Piece, Rules, cartonise
from routing.cartons_verify import check

SEED, PIECES = 1, 12
TARGET_MS = 100
SIZES = (
    ("1", 530, 290, 370, 520), ("2", 530, 230, 290, 360), ("3", 430, 210, 270, 260), ("4", 350, 190, 230, 180),
    ("5", 290, 170, 190, 130), ("6", 260, 150, 180, 105), ("7", 230, 130, 160, 82), ("8", 210, 110, 140, 66),
    ("9", 195, 105, 135, 58), ("10", 175, 95, 115, 47), ("11", 145, 85, 105, 39), ("12", 130, 80, 90, 33),
)  # fmt: skip
CATALOGUE = tuple(CartonType(code, a, b, c, 20_000, a * b // 300, cost) for code, a, b, c, cost in SIZES)
APART = (("food", "smelling"),)
RULES = Rules(frozenset(frozenset(pair) for pair in APART))


def run(full: bool = False) -> Iterator[Row]:
    """200 orders of twelve pieces (``full``: 1,000), from matchbox to shoe box, some upright, fragile or kept apart."""
    yield from cartons(1_000 if full else 200)
    yield from outbound_flow.run(full)


def cartons(orders: int) -> Iterator[Row]:
    """Time of one order, how full the cartons are, and how far the cost is above the proven bound at most."""
    rng = random.Random(SEED)
    times, answers = [], []
    for _ in range(orders):
        pieces = order(rng)
        started = time.perf_counter()
        found = cartonise(pieces, CATALOGUE, RULES)
        times.append(1000 * (time.perf_counter() - started))
        _checked(pieces, found)
        answers.append(found)
    name = "outbound_cartonise_order"
    p95 = percentile(times, 0.95)
    yield row(f"{name}_p50", statistics.median(times), "ms")
    yield row(f"{name}_p95", p95, "ms", target=TARGET_MS, ok=p95 <= TARGET_MS)
    fills = [carton.fill_permille / 10 for found in answers for carton in found.cartons]
    yield row(f"{name}_fill", statistics.mean(fills), "%")
    cost, bound = sum(found.cost_minor for found in answers), sum(found.bound_minor for found in answers)
    yield row(f"{name}_cost", cost / 100, "CNY", ratio_to="proven bound", ratio=cost / bound)


def order(rng: random.Random) -> list[Piece]:
    """Twelve pieces, several of a kind."""
    made: list[Piece] = []
    while len(made) < PIECES:
        a, b, c = (rng.randint(30, 220) for _ in range(3))
        weight, upright, fragile = rng.randint(100, 1_500), rng.random() < 0.15, rng.random() < 0.1
        classes = frozenset(rng.sample(["food", "food", "smelling"], 1)) if rng.random() < 0.3 else frozenset()
        for _ in range(min(rng.choice((1, 1, 1, 2, 3)), PIECES - len(made))):
            made.append(Piece(f"p{len(made)}", a, b, c, weight, upright, fragile, classes))
    return made


def _checked(pieces: list[Piece], found: Cartonised) -> None:
    plain = [asdict(piece) for piece in pieces]
    if findings := check(plain, [asdict(kind) for kind in CATALOGUE], asdict(found), APART):
        raise AssertionError(f"the checker found {findings[0]}")
