"""A network design plan in lines to be read."""

from __future__ import annotations

from collections.abc import Iterator

from routing.design.answer import MICRO, DesignPlan

MOST_UNSERVED = 40


def lines(plan: DesignPlan, findings: list[str]) -> Iterator[str]:
    """Cost, bound, gap, how the answer came about, and the checker's verdict."""
    yield f"state           {plan.state}"
    if plan.state == "solved":
        yield f"cost            {_amount(plan.value_micro)}"
        yield f"proven bound    {_amount(plan.bound_micro)}"
        yield f"gap             {plan.gap_ppm / 10_000:.4f} %"
        yield f"moves           {len(plan.moves)}"
        if plan.kind == "dow":
            yield f"arcs opened     {len(plan.opened)}"
    for k, reason in plan.unserved[:MOST_UNSERVED]:
        yield f"  commodity {k}: {reason}"
    if len(plan.unserved) > MOST_UNSERVED:
        yield f"  … and {len(plan.unserved) - MOST_UNSERVED} more"
    limit = f"{plan.seconds_limit:g} s" if plan.work_limit is None else f"{plan.work_limit} rounds of work"
    yield f"made in         {plan.elapsed_ms / 1000:.1f} s, limit {limit}, seed {plan.seed}, {plan.solver}"
    yield f"snapshot        {plan.snapshot_sha256[:16]}"
    for finding in findings:
        yield f"  {finding}"
    yield f"checker         {'sound' if not findings else f'{len(findings)} findings'}"


def _amount(micro: int) -> str:
    whole, part = divmod(micro, MICRO)
    return f"{whole:,}" + (f".{part:06}".rstrip("0") if part else "")
