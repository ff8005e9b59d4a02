"""Network design problems small enough to be solved by hand or by trying everything."""

import random
from collections.abc import Iterator
from itertools import product

from routing.design.instance import Arc, Commodity, Instance

# Two goods of 5 go 0 → 2 and 1 → 2. Apart each takes its own way for 100; by way of node 3 (60 for one vehicle of 10,
# 20 for each feeder) they can share, if both wait for each other.
TOGETHER = Instance(
    "ctsndp",
    4,
    (
        Arc(0, 2, 0, 100, 10, 10), Arc(1, 2, 0, 100, 10, 10), Arc(0, 3, 0, 20, 10, 2), Arc(1, 3, 0, 20, 10, 2),
        Arc(3, 2, 1, 60, 10, 4),
    ),
    (Commodity(0, 2, 5, 0, 20), Commodity(1, 2, 5, 9, 20)),
)  # fmt: skip
TOGETHER_VALUE = 20 + 20 + 60 + 10

# The same, but the first must be there at 12: when the second is at node 3 at the earliest (11), it is too late.
APART = Instance("ctsndp", 4, TOGETHER.arcs, (Commodity(0, 2, 5, 0, 12), Commodity(1, 2, 5, 9, 20)))
APART_VALUE = 85 + 85

# Flows: 8 go 0 → 2; the cheap arc takes 5 only, the rest goes around.
SPLIT = Instance("dow", 3, (Arc(0, 2, 1, 10, 5), Arc(0, 1, 1, 4, 9), Arc(1, 2, 1, 4, 9)), (Commodity(0, 2, 8),))
SPLIT_VALUE = 8 * 2 + 4 + 4


def timed(seed: int) -> Instance:
    """A random timed problem of two or three goods on four nodes."""
    draw = random.Random(seed)
    ways = [(i, j) for i in range(4) for j in range(4) if i != j and draw.random() < 0.75]
    arcs = tuple(
        Arc(i, j, draw.randint(0, 2), draw.randint(1, 30), draw.randint(3, 12), draw.randint(1, 3)) for i, j in ways
    )
    goods = []
    while len(goods) < draw.choice((2, 3)) or not goods:
        origin, destination = draw.sample(range(4), 2)
        release = draw.randint(0, 3)
        goods.append(Commodity(origin, destination, draw.randint(1, 6), release, release + draw.randint(3, 6)))
    return Instance("ctsndp", 4, arcs, tuple(goods))


def best_timed(instance: Instance) -> int | None:
    """The optimum by trying every path and every departure of every commodity."""
    every = [list(_moves(instance, k)) for k in range(len(instance.commodities))]
    if not all(every):
        return None
    return min(_cost(instance, plan) for plan in product(*every))


def _moves(instance: Instance, k: int) -> Iterator[tuple[tuple[int, int], ...]]:
    one = instance.commodities[k]

    def onward(node: int, at: int, seen: frozenset[int]) -> Iterator[tuple[tuple[int, int], ...]]:
        if node == one.destination:
            yield ()
            return
        for a, arc in enumerate(instance.arcs):
            if arc.tail == node and arc.head not in seen:
                for depart in range(at, one.due - arc.transit + 1):
                    for rest in onward(arc.head, depart + arc.transit, seen | {arc.head}):
                        yield ((a, depart), *rest)

    yield from onward(one.origin, one.release, frozenset({one.origin}))


def _cost(instance: Instance, plan: tuple[tuple[tuple[int, int], ...], ...]) -> int:
    loads: dict[tuple[int, int], int] = {}
    total = 0
    for one, steps in zip(instance.commodities, plan, strict=True):
        for a, at in steps:
            total += instance.arcs[a].variable * one.quantity
            loads[a, at] = loads.get((a, at), 0) + one.quantity
    return total + sum(instance.arcs[a].fixed * -(-q // instance.arcs[a].capacity) for (a, _), q in loads.items())


def flowing(seed: int) -> Instance:
    """A random untimed problem of two goods on four nodes."""
    draw = random.Random(seed)
    ways = [(i, j) for i in range(4) for j in range(4) if i != j and draw.random() < 0.6]
    arcs = tuple(Arc(i, j, draw.randint(0, 4), draw.randint(0, 40), draw.randint(2, 9)) for i, j in ways)
    goods = tuple(Commodity(*draw.sample(range(4), 2), draw.randint(1, 6)) for _ in range(2))
    return Instance("dow", 4, arcs, goods)
