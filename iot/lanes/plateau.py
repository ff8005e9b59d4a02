"""One weight from a stream of weighbridge readings: the plateau of a vehicle that stands still and wholly on the scale.

Stable for at least 1 s within one division, both scale loops occupied where the lane has them, and zero seen since the
vehicle before (devices reference, section 9). Without all that there is no weight, and the manual rule applies.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from iot.lanes.readings import SECOND, LaneReading
from iot.lanes.votes import Why

SCALE_LOOPS = ("scale_front", "scale_rear")


@dataclass(frozen=True)
class Weighed:
    """The frozen weight in grams, None where there is none, and whether the scale was at zero before it."""

    weight_g: int | None = None
    saw_zero: bool = False
    why: Why = field(default_factory=dict)


def weigh(
    readings: Sequence[LaneReading], *, division_g: int, was_zero: bool, stable_for: timedelta = SECOND
) -> Weighed:
    """Find the first plateau among loop edges and weights in their order."""
    occupied: dict[str, bool] = {}
    run: list[LaneReading] = []
    why: Why = {}
    saw_zero, weight_g = was_zero, None
    for reading in readings:
        if reading.kind == "LoopRead":
            occupied[reading.body["loop"]] = bool(reading.body["is_occupied"])
            if not _wholly_on(occupied):
                run = []
            continue
        if reading.kind != "WeightRead":
            continue
        fault = "after_plateau" if weight_g is not None else _fault(reading, occupied)
        if fault in ("zero", "minus") and reading.body.get("is_stable"):
            saw_zero = True
        why[reading.id] = (False, fault or "not_long_enough")
        if fault == "after_plateau":
            continue
        run = [] if fault else _grown(run, reading, division_g)
        if run and not saw_zero:
            why[reading.id] = (False, "no_zero_before")
        elif run and run[-1].at - run[0].at >= stable_for:
            weight_g = int(reading.body["weight_g"])
            why |= {each.id: (True, "plateau") for each in run}
    return Weighed(weight_g, saw_zero, why)


def _wholly_on(occupied: dict[str, bool]) -> bool:
    return all(occupied[loop] for loop in SCALE_LOOPS if loop in occupied)


def _fault(reading: LaneReading, occupied: dict[str, bool]) -> str | None:
    state = str(reading.body.get("state"))
    if state != "weight":
        return state
    if not reading.body.get("is_stable"):
        return "unstable"
    if reading.body.get("is_gross") is False:
        return "net"
    return None if _wholly_on(occupied) else "not_wholly_on"


def _grown(run: list[LaneReading], reading: LaneReading, division_g: int) -> list[LaneReading]:
    """The run with this reading; one that would span more than a division starts a new run."""
    weights = [int(each.body["weight_g"]) for each in (*run, reading)]
    return [*run, reading] if max(weights) - min(weights) <= division_g else [reading]
