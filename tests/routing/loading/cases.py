"""Random loads from a seed: pieces as warehouses have them, some upright, fragile, in groups and for several stops."""

import random
from typing import Any

from routing.loading.cargo import LoadProblem, load_problem_of


def random_load(seed: int, *, stops: int = 1, container: str = "20GP", support: str = "full") -> LoadProblem:
    """A load of 5 to 12 kinds that does not all fit."""
    draw = random.Random(seed)
    pieces: list[dict[str, Any]] = []
    for kind in range(draw.randint(5, 12)):
        sides = [draw.randrange(200, 1200, 10) for _ in range(3)]
        pieces.append(
            {
                "id": f"K{kind}",
                "length_mm": sides[0],
                "width_mm": sides[1],
                "height_mm": sides[2],
                "weight_g": draw.randrange(2_000, 90_000),
                "count": draw.randint(3, 30),
                "upright": draw.random() < 0.4,
                "bears_g_m2": draw.choice([None, 0, 150_000, 400_000]) if support == "full" else None,
                "stop": draw.randint(1, stops),
                "together": draw.choice([None, None, None, "G"]) if stops == 1 else None,
            }
        )
    return load_problem_of({"container": container, "pieces": pieces, "support": support})
