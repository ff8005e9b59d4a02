"""A load plan in words, for the console."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from routing.loading.check import Finding
from routing.loading.plan import LoadPlan

SHOWN = 40
REASONS = {
    "too_large": "larger than the container",
    "too_heavy": "heavier than the payload",
    "payload": "the payload is used up",
    "no_room": "no room is left",
    "together": "its group does not fit as a whole",
    "bearing": "heavier than the floor carries",
}


def lines(plan: LoadPlan, findings: Sequence[Finding]) -> Iterator[str]:
    """The console's report of a plan and its checker's verdict."""
    yield f"container       {plan.container}, support {plan.support}"
    yield f"volume used     {plan.volume_ppm / 10_000:.2f} %"
    yield f"weight          {plan.weight_g / 1000:,.1f} kg"
    yield f"pieces loaded   {len(plan.spots)}"
    one = plan.gravity
    yield (
        f"centre of mass  {one.x_mm} / {one.y_mm} / {one.z_mm} mm from the far left corner,"
        f" {one.half_permille / 10:.1f} % of the mass in the fuller half"
    )
    if one.front_axle_g is not None and one.rear_axle_g is not None:
        yield f"axles           {one.front_axle_g / 1e6:.2f} t front, {one.rear_axle_g / 1e6:.2f} t rear"
    if plan.state == "unbalanced":
        yield "balance         NOT within the limits of the container: no arrangement found keeps them"
    out = sum(left.count for left in plan.left_out)
    yield f"left out        {out}"
    for left in plan.left_out[:SHOWN]:
        yield f"  {left.piece} x {left.count}: {REASONS[left.reason]} ({left.detail})"
    if len(plan.left_out) > SHOWN:
        yield f"  … and {len(plan.left_out) - SHOWN} more kinds"
    yield f"search          {plan.tried} completions in {plan.elapsed_ms / 1000:.1f} s, seed {plan.seed}"
    yield "checker         sound" if not findings else f"checker         {len(findings)} FAULTS"
    for finding in findings[:SHOWN]:
        yield f"  {finding.rule} {finding.where}: {finding.text}"
