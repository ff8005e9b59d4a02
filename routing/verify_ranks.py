"""The ranks of an emergency plan, counted again from problem and plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from routing.problem import Problem


def rank_faults(problem: Problem, plan: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Rule, place and text of each rank that does not say what the plan does; every rank in order or none at all."""
    told = plan.get("ranks") or ()
    if not told:
        return
    goods = {one.id: one for one in problem.consignments}
    if [row["priority"] for row in told] != sorted({one.priority for one in goods.values()} - {0}):
        yield "ranks", "plan", "its ranks are not those of the consignments, in order"
        return
    for row in told:
        waits = [
            int(datetime.fromisoformat(one["deliver_at"]).timestamp()) - goods[one["consignment"]].ready_at
            for one in plan["assignments"]
            if goods[one["consignment"]].priority == row["priority"]
        ]
        count = sum(one.priority == row["priority"] for one in goods.values())
        if (row["consignments"], row["go"], row["hours"]) != (count, len(waits), sum(waits) // 3600):
            yield "ranks", f"rank {row['priority']}", "does not count what goes and how long it takes"
