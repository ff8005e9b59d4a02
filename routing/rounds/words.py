"""Rounds in words, for the console."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone

from routing.rounds.answer import Left, PlanRound, RoundsPlan
from routing.rounds.check import Finding
from routing.units import money

WEAK_PPM = 80_000
"""From here on a gap says more of the bound, which looks at load or time alone, than of the rounds."""
SHOWN_ROUNDS, SHOWN_LEFT, SHOWN_FINDINGS = 60, 40, 20
BEIJING = timezone(timedelta(hours=8))
WHATS = {"weight_g": "g", "volume_cm3": "cm3", "pallets": "pallet places"}


def clock(instant: int) -> str:
    """The instant in Beijing time, day and minute."""
    return datetime.fromtimestamp(instant, UTC).astimezone(BEIJING).strftime("%m-%d %H:%M")


def span(seconds: int) -> str:
    """Hours and minutes."""
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d} h"


REASONS: dict[str, Callable[[dict[str, int | str]], str]] = {
    "no_truck": lambda _: "no truck may go there: allow a kind, or give its depot one",
    "too_much": lambda v: (
        f"{v['amount']} {WHATS[str(v['what'])]}, but {v['truck']} holds {v['holds']}: divide it, or add a larger truck"
    ),
    "too_far": lambda v: (
        f"{v['km']} km there and back, but {v['truck']} drives at most {v['most_km']} km in the driver's hours"
    ),
    "closed": lambda v: (
        f"{v['truck']} can be there at {clock(int(v['arrive_at']))} at the earliest; it closes at"
        f" {clock(int(v['close_at']))}: {-(-(int(v['arrive_at']) - int(v['close_at'])) // 60)} min more would do"
    ),
    "back_late": lambda v: (
        f"{v['truck']} would be back at {clock(int(v['back_at']))}; it must be at {clock(int(v['end_at']))}:"
        f" {-(-(int(v['back_at']) - int(v['end_at'])) // 60)} min more would do"
    ),
    "shift": lambda v: f"the round is longer than {span(int(v['shift_s']))}, the most for {v['truck']}",
    "depot_closed": lambda v: f"depot {v['depot']} is closed while {v['truck']} is on duty",
    "no_truck_left": lambda v: (
        f"all trucks are out: one more {v['truck']} would serve it alone for {money(int(v['cost_minor']))} CNY"
    ),
}


def reason(left: Left) -> str:
    """Why it is left out and what would change it."""
    return REASONS[left.reason](left.values)


def lines(plan: RoundsPlan, findings: Sequence[Finding]) -> Iterator[str]:
    """The console's report of a plan and its checker's verdict."""
    served = sum(call.kind in {"stop", "drop"} for one in plan.rounds for call in one.calls)
    yield f"state           {plan.state}"
    yield f"rounds          {len(plan.rounds)}, serving {served}"
    yield f"cost            {money(plan.cost_minor)} CNY"
    yield f"each alone      {money(plan.alone_minor)} CNY, a truck for each"
    yield f"proven bound    {money(plan.bound_minor)} CNY ({plan.bound_kind})"
    yield f"gap             at most {plan.gap_ppm / 10_000:.2f} %" + (
        " (a weak bound: the gap says more of it than of the rounds)" if plan.gap_ppm > WEAK_PPM else ""
    )
    yield f"road            {plan.metres / 1000:,.1f} km, {span(plan.drive_s)} driving, {span(plan.duration_s)} on duty"
    took = f"{plan.iterations} iterations in {plan.elapsed_ms / 1000:.1f} s"
    yield f"search          {plan.solver}, {took}, seed {plan.seed}"
    yield "checker         sound" if not findings else f"checker         {len(findings)} FAULTS"
    for finding in findings[:SHOWN_FINDINGS]:
        yield f"  {finding.rule} {finding.where}: {finding.text}"
    for one in plan.rounds[:SHOWN_ROUNDS]:
        yield from _round(one)
    if len(plan.rounds) > SHOWN_ROUNDS:
        yield f"… and {len(plan.rounds) - SHOWN_ROUNDS} more rounds"
    yield f"left out        {len(plan.unserved)}"
    for left in plan.unserved[:SHOWN_LEFT]:
        yield f"  {left.id}{' (must go)' if left.must_go else ''}: {reason(left)}"
    if len(plan.unserved) > SHOWN_LEFT:
        yield f"  … and {len(plan.unserved) - SHOWN_LEFT} more"


def _round(one: PlanRound) -> Iterator[str]:
    yield (
        f"{one.id} {one.truck} from {one.depot}: {clock(one.calls[0].begin_at)} to {clock(one.calls[-1].arrive_at)},"
        f" {one.metres / 1000:.1f} km, {one.fill_permille / 10:.0f} % full, {money(one.cost_minor)} CNY"
    )
    parts = []
    for call in one.calls:
        rest = f"[rest {call.rest_before_s // 60} min] " if call.rest_before_s else ""
        parts.append(f"{rest}{call.id} {datetime.fromtimestamp(call.begin_at, UTC).astimezone(BEIJING):%H:%M}")
    yield "    " + " > ".join(parts)
