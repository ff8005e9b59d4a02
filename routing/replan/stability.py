"""What it costs to disturb: a price in fen for each consignment that a repair moves, dated or given by the planner."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files

from routing.network import Frozen, NotNegative


class Stability(Frozen):
    """`move_minor`: to another departure. `rebox_minor`: to another box on the same one."""

    valid_from: str = ""
    move_minor: NotNegative
    rebox_minor: NotNegative = 0
    source: str = "given by the planner"
    mark: str = ""


@lru_cache(maxsize=1)
def shipped() -> tuple[Stability, ...]:
    """The dated prices that come with the program, the oldest first."""
    text = files("routing").joinpath("data", "replan.json").read_text("utf-8")
    rows = [Stability.model_validate(row) for row in json.loads(text)["stability"]]
    return tuple(sorted(rows, key=lambda one: one.valid_from))


def stability_at(instant: int) -> Stability:
    """The shipped price of that day; the oldest before its time."""
    day = f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%d}"
    held = [one for one in shipped() if one.valid_from <= day]
    return held[-1] if held else shipped()[0]
