"""What each order pays: a round's cost split over the orders on it in proportion to what each would cost alone.

The parts add up to the round to the fen; what cannot be divided goes to the largest fractions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from routing.rounds.alone import Reason, alone, jobs
from routing.rounds.answer import RoundsPlan
from routing.rounds.case import COST, Case
from routing.rounds.problem import Problem
from routing.units import ceil_div, share_exactly


@dataclass(frozen=True)
class Share:
    """An order on a round: its part of the round's cost, and what a truck of its own would cost, in fen."""

    order: str
    owner: str
    round: str
    share_minor: int
    alone_minor: int


@dataclass(frozen=True)
class Bill:
    """What an owner pays for its orders, and what they would cost with a truck for each."""

    owner: str
    orders: int
    share_minor: int
    alone_minor: int

    @property
    def saving_minor(self) -> int:
        """What sharing trucks saves this owner."""
        return self.alone_minor - self.share_minor


def shares(asked: Problem, plan: RoundsPlan, parts: Mapping[str, Sequence[str]]) -> list[Share]:
    """The share of every served order, round by round.

    ``asked``: the problem with each order a stop of its own; ``parts``: stop or transfer of the plan → its orders.
    """
    case = Case(asked)
    owners, costs = {}, {}
    for job in jobs(case):
        found = alone(case, job)
        owners[job.id] = job.owner
        costs[job.id] = 0 if isinstance(found, Reason) else ceil_div(found[1].cost_units, COST)
    split = []
    for one in plan.rounds:
        on = [name for call in one.calls if call.kind in {"stop", "drop"} for name in parts[call.id]]
        weights = [costs[name] for name in on]
        amounts = share_exactly(one.cost_minor, weights if sum(weights) else [1] * len(on))
        split += [
            Share(name, owners[name], one.id, amount, costs[name]) for name, amount in zip(on, amounts, strict=True)
        ]
    return split
