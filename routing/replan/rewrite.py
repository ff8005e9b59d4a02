"""A repaired state written as a plan: boxes keep their numbers, new ones get the next."""

from __future__ import annotations

from collections.abc import Iterator

from routing.consolidate import Bounded
from routing.paths import Paths
from routing.plan import Plan
from routing.problem import Problem
from routing.replan.mend import Mender
from routing.search import stand_alone
from routing.state import Box
from routing.stowage import Stower
from routing.writing import Writer


class Rewriter(Writer):
    """Writes what a mender left. Baselines are those of the old plan: a repair does not ask what a dispatcher would
    have done anew."""

    def __init__(
        self, problem: Problem, true: Paths, mender: Mender, plan: Plan, bounded: Bounded, stower: Stower
    ) -> None:
        state = mender.state
        state.total_minor -= mender.moved_minor()
        state.ways = true.by_consignment
        alone = {k: cost for k, (_, cost) in stand_alone(true).items()}
        index = {one.id: k for k, one in enumerate(problem.consignments)}
        alone |= {
            index[one.consignment]: one.alone_minor for one in plan.assignments if index[one.consignment] in alone
        }
        super().__init__(problem, true, state, bounded, plan.baselines, alone, stower, plan.share_rule)
        self._old = {box.id: box for box in plan.boxes}
        self._names = self._named(mender.names)

    def _named(self, names: dict[int, str]) -> dict[int, str]:
        """Names by identity; a new box that holds what an old one of its departure held takes over its number."""
        used = self._used_boxes()
        kept = {id(box): names[id(box)] for box in used if id(box) in names}
        free = {name: box for name, box in self._old.items() if name not in kept.values()}
        groups, last = self._state.groups, max((_number(name) for name in self._old), default=0)
        for box in used:
            if id(box) in kept:
                continue
            inside = {self._goods[k].id for k in box.items}
            fitting = [name for name, old in free.items() if inside & set(old.consignments)]
            fitting = [name for name in fitting if (free[name].kind == "loose") == (box.offer is None)]
            if box.offer is not None:
                code = groups[box.g].offers[box.offer].code
                fitting = [name for name in fitting if free[name].equipment == code]
            if fitting:
                name = max(sorted(fitting), key=lambda name: len(inside & set(free[name].consignments)))
                del free[name]
            else:
                last += 1
                name = f"B{last:04d}"
            kept[id(box)] = name
        return kept

    def _numbered(self) -> Iterator[tuple[str, Box]]:
        for box in self._used_boxes():
            yield self._names[id(box)], box

    def rewritten(self, *, seed: int, seconds: float, started_at: int) -> Plan:
        """The document."""
        return self.plan(seed=seed, seconds=seconds, infeasible_proved=False, stages_ms={}, started_at=started_at)


def _number(name: str) -> int:
    digits = name.lstrip("B")
    return int(digits) if digits.isdecimal() else 0
