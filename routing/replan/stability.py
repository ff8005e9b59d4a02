"""What it costs to disturb: a price in fen for each consignment that a repair moves, dated or given by the planner."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files

from routing.dated import in_force
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
    """The dated prices that come with the program."""
    text = files("routing").joinpath("data", "replan.json").read_text("utf-8")
    return tuple(Stability.model_validate(row) for row in json.loads(text)["stability"])


def stability_at(instant: int) -> Stability:
    """The shipped price of that day; the oldest before its time."""
    return in_force(shipped(), instant)


def given(move_minor: int, instant: int) -> Stability:
    """A planner's own price for another departure; for another box in the same proportion as the day's price has it."""
    usual = stability_at(instant)
    rebox = move_minor * usual.rebox_minor // usual.move_minor if usual.move_minor else move_minor
    return Stability(move_minor=move_minor, rebox_minor=rebox)
