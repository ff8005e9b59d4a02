"""Time that the search has to leave for what follows it: measured early, on this machine as it is loaded just now."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from routing import crew
from routing.state import Box, State
from routing.stowage import Stower
from routing.verify_loads import CHECK_BOXES

SAMPLE = 8
"""Boxes that are loaded to see how long one takes."""
AGAIN = 0.8
"""Boxes that are asked for once more, for the loader refused them or the search changed them."""
WRITING = 1.3
"""What writing the plan and checking all but its loads takes, measured by finding the ways."""
START_S = 4.0
"""Until a process of the crew begins its work."""


@dataclass(frozen=True)
class Reserve:
    """Seconds for loading a box and for writing the plan down."""

    box_s: float
    writing_s: float

    def loading_s(self, boxes: int) -> float:
        """For loading so many boxes."""
        lanes = os.cpu_count() or 1
        apart = boxes >= crew.MANY and lanes > 1
        return boxes * self.box_s * (1 / lanes if apart else 1) + boxes * self.box_s * AGAIN + START_S * apart

    def check_s(self, boxes: int) -> float:
        """For writing a plan of so many boxes and checking it."""
        return boxes * self.box_s * CHECK_BOXES + self.writing_s


def measured(stower: Stower, state: State, paths_s: float) -> Reserve:
    """What a few boxes of a first plan take to load. ``paths_s``: what it took to find the ways."""
    boxes = units(state)
    some = boxes[:: max(1, len(boxes) // SAMPLE)][:SAMPLE]
    spent = []
    for box in some[:1] + some:  # the first one also reads what was compiled
        begun = time.monotonic()
        if box.offer is not None:
            stower.fresh(state.groups[box.g].offers[box.offer].code, box.items)
        spent.append(time.monotonic() - begun)
    return Reserve(sum(spent[1:]) / max(1, len(spent) - 1), paths_s * WRITING)


def units(state: State) -> list[Box]:
    """The boxes and pallets of a plan in the making."""
    return [box for g in sorted(state.boxes) for box in state.boxes[g] if box.offer is not None]
