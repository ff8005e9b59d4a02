"""Who pays what under a plan: one line an owner, adding up to the plan's cost and the price of each box to the fen."""

from __future__ import annotations

from dataclasses import dataclass

from routing.plan import Plan


@dataclass(frozen=True, slots=True)
class Bill:
    """An owner's part, in fen. ``ways_minor``: trucks, handling, stock in transit, lateness and carbon of its own
    goods; ``share_minor``: its shares of the boxes; ``alone_minor``: what its goods would cost each by itself.
    """

    owner: str
    consignments: int
    boxes: int
    ways_minor: int
    share_minor: int
    total_minor: int
    alone_minor: int
    saving_minor: int
    co2_g: int


def bills(plan: Plan) -> list[Bill]:
    """One bill an owner, in the order of their codes. Their totals add up to ``plan.cost_minor``."""
    found = []
    for owner in sorted({one.owner for one in plan.assignments}):
        mine = [one for one in plan.assignments if one.owner == owner]
        total, alone = sum(one.total_minor for one in mine), sum(one.alone_minor for one in mine)
        shares = sum(one.costs.share_minor for one in mine)
        found.append(
            Bill(
                owner=owner,
                consignments=len(mine),
                boxes=len({one.box for one in mine}),
                ways_minor=total - shares,
                share_minor=shares,
                total_minor=total,
                alone_minor=alone,
                saving_minor=alone - total,
                co2_g=sum(one.co2_g for one in mine),
            )
        )
    return found


def off_by_minor(plan: Plan) -> dict[str, int]:
    """What does not add up, in fen: box → price less its shares, ``plan`` → cost less all totals. Empty for a sound
    plan.
    """
    off = {box.id: box.price_minor for box in plan.boxes}
    for one in plan.assignments:
        off[one.box] = off.get(one.box, 0) - one.costs.share_minor
    off["plan"] = plan.cost_minor - sum(one.total_minor for one in plan.assignments)
    return {name: amount for name, amount in off.items() if amount}
