"""No box that cannot be loaded: the loader's refusals go back into the plan as cuts.

A refused set of consignments never stands in that kind of box again, nor does any set that holds it. What has to leave
a refused box goes to its next best place that the loader grants, else loose, else it stays behind. Then the search goes
on, and every box that it changes is asked for before the change is kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from routing.reserve import units
from routing.state import UNSERVED, Box, State
from routing.stowage import Stower

MOST_PLACES, FEW_PLACES, MANY_OUT = 12, 3, 200
"""Places among other goods that are asked for one consignment before it has to go loose or by itself; fewer where many
consignments lost their place."""


class Vet:
    """The loader's word on the boxes of one plan."""

    def __init__(self, state: State, stower: Stower) -> None:
        self.state, self.stower = state, stower

    def grants(self, box: Box) -> bool:
        """Whether this box can be loaded as it is; a refusal becomes a cut."""
        if box.offer is None or not box.items:
            return True
        code = self._code(box)
        if self.stower.ask(code, box.items).load is not None:
            return True
        self.state.cut(code, box.items)
        return False

    def _code(self, box: Box) -> str:
        assert box.offer is not None
        return self.state.groups[box.g].offers[box.offer].code

    def all(self, boxes: Iterable[Box]) -> bool:
        """Whether all of these can be loaded; stops at the first that cannot."""
        return all(self.grants(box) for box in boxes)

    def settle(self) -> None:
        """Take out of every refused box what the loader has no room for, and find it another place."""
        state = self.state
        waiting = units(state)
        out: list[int] = []
        while waiting:
            self.stower.ask_all((self._code(box), box.items) for box in waiting)
            waiting = [box for box in waiting if not self.grants(box)]
            for box in waiting:
                for k in self._to_leave(box):
                    state.take(k)
                    out.append(k)
            waiting = [box for box in waiting if box.items]
        places = MOST_PLACES if len(out) <= MANY_OUT else FEW_PLACES
        for k in sorted(out, key=lambda k: (-state.unserved_minor[k], k)):
            self._place(k, places)
        state.forget()

    def _to_leave(self, box: Box) -> list[int]:
        """The least that makes the missing room: the smallest that is enough, else the largest; for the balance's sake
        the smallest."""
        size, code = self.stower.size_mm3, self._code(box)
        missing = self.stower.ask(code, box.items).missing_mm3
        order = sorted((k for k in box.items if size(k)), key=lambda k: (size(k), k))
        may_stay = [k for k in order if not self.state.paths.problem.consignments[k].must_go]
        if may_stay and sum(map(size, may_stay)) >= missing:
            order = may_stay  # what must go does not leave while others make the room
        left: list[int] = []
        while missing > 0 and len(order) > 1 and size(order[-1]) < missing:
            left.append(order.pop())
            missing -= size(left[-1])
        if missing > 0 or not left:
            left.append(next(k for k in order if size(k) >= missing or k == order[-1]))
        return left

    def _place(self, k: int, places: int) -> None:
        """The cheapest place that the loader grants; after some refusals only loose or by itself."""
        state = self.state
        for turn in range(places + len(state.ways[k]) * 9):
            found = state.best_put(k, new=True, alone=turn >= places)
            if found is None or found[0] >= state.unserved_minor[k]:
                return
            mark = state.mark()
            state.put(k, found[1], found[2], found[3])
            if self.grants(found[2]):
                return
            state.back(mark)
        assert state.way[k] == UNSERVED
