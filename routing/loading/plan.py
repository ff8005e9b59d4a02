"""A load plan as it is written down: each box with its place and its turn, what stays out and why, and the figures."""

from __future__ import annotations

from typing import Final, Literal

from routing.network import Frozen

FORMAT: Final = "dongting-load-plan/1"


class Spot(Frozen):
    """One box in its place. ``step`` is its turn at loading, from 1; ``kept`` stood there before."""

    piece: str
    step: int
    x_mm: int
    y_mm: int
    z_mm: int
    length_mm: int
    width_mm: int
    height_mm: int
    stop: int
    kept: bool = False


class LeftOut(Frozen):
    """Boxes of one kind that stay out, and why (one of ``routing.loading.words.REASONS``)."""

    piece: str
    count: int
    reason: str
    detail: str


class Gravity(Frozen):
    """Centre of gravity in mm from the far left corner of the floor, the fuller half in permille, axle loads in g."""

    x_mm: int
    y_mm: int
    z_mm: int
    half_permille: int
    front_axle_g: int | None = None
    rear_axle_g: int | None = None


class LoadPlan(Frozen):
    """``state`` is ``loaded`` when every rule holds, ``unbalanced`` when no arrangement found keeps the limits of the
    centre of gravity or the axles; ``volume_ppm`` is the share of the inside that is used."""

    format: Literal["dongting-load-plan/1"] = FORMAT
    state: Literal["loaded", "unbalanced"]
    container: str
    support: Literal["full", "none"]
    spots: tuple[Spot, ...]
    left_out: tuple[LeftOut, ...]
    volume_mm3: int
    volume_ppm: int
    weight_g: int
    gravity: Gravity
    seed: int
    tried: int
    elapsed_ms: int
