"""The least disruptive repair: goods without a place find one, and a local search moves others only where that pays.

A whole box that goes with another departure keeps its load. Every other change of a box is asked for at the loader.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from routing.plan import Plan, PlanBox
from routing.replan.neighbourhood import Neighbourhood
from routing.replan.stability import Stability
from routing.settle import Vet
from routing.state import UNSERVED, Box, State
from routing.stowage import Stower
from routing.tariff import LOOSE

SHAKES = 6
"""Shakes in a round for each consignment that is not where it was."""


class Mender:
    """A plan under repair: where everybody was, and the search for the cheapest place of those who may move."""

    def __init__(
        self, near: Neighbourhood, plan: Plan, stower: Stower, stability: Stability, *, seed: int,
        spent: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.state = State(near.priced, near.unserved)
        self.home: dict[int, Box] = {}
        self.names: dict[int, str] = {}
        self.steps = 0
        self._broken: list[tuple[str, tuple[int, ...]]] = []
        self._torn: list[Box] = []
        self._free, self._stability, self._spent = near.free, stability, spent
        self._vet = Vet(self.state, stower)
        self._rng = random.Random(f"mend-{seed}")  # noqa: S311 - a repeatable draw, not a secret
        self._groups = {(one.segment.id, one.load_class): one.index for one in near.priced.groups}
        self._on = [{way.g: at for at, way in enumerate(ways)} for ways in near.priced.by_consignment]
        index = {one.id: k for k, one in enumerate(near.priced.problem.consignments)}
        pinned = near.priced.problem.changes.pinned
        for old in plan.boxes:
            self._lay(old, [index[name] for name in old.consignments], pinned.get(old.consignments[0]))
        sealed = {one.box for one in near.priced.problem.changes.sealed}
        for box in {id(box): box for box in self.state.box.values()}.values():
            if self.names[id(box)] in sealed:
                self.state.boxes[box.g].remove(box)  # it stays in the plan, and nobody is put into it
        self.state.forget()

    def _lay(self, box: PlanBox, ks: Sequence[int], pinned: str | None) -> None:
        """The box as it was, without those who can no longer be in it."""
        state = self.state
        g = self._groups.get((box.segment if pinned is None else pinned, box.load_class))
        ways = {k: self._on[k].get(g) for k in ks} if g is not None else {}
        if g is None or all(way is None for way in ways.values()):
            if box.kind != LOOSE and self._free.issuperset(ks):
                self._broken.append((box.equipment, tuple(ks)))
            return
        held = state.loose_of(g)
        if box.kind != LOOSE:
            held = Box(g, [offer.code for offer in state.groups[g].offers].index(box.equipment))
        assert held is not None
        self.names.setdefault(id(held), box.id)
        for k, way in ways.items():
            priced = state.priced(held, held.volume_cm3 + state.volume[k], held.weight_g + state.weight[k])
            if way is not None and priced is not None:
                state.put(k, way, held, priced)
                self.home[k] = held
            elif held not in self._torn:
                self._torn.append(held)

    # --- what it costs --------------------------------------------------------------------------------------

    def cost_minor(self) -> int:
        """The whole plan with the price of disturbing."""
        return self.state.total_minor + self._stability.rebox_minor * sum(self._reboxed(k) for k in self._free)

    def _reboxed(self, k: int) -> bool:
        home, now = self.home.get(k), self.state.box.get(k)
        return home is not None and now is not None and now is not home and now.g == home.g

    def moved_minor(self) -> int:
        """The price of disturbing that stands in the total: of those who go with another departure."""
        state = self.state
        held = [state.ways[k][way] for k in self._free if (way := state.way.get(k, UNSERVED)) != UNSERVED]
        return sum(path.cost_minor - path.costs.total_minor() for path in held)

    def stability_minor(self) -> int:
        """What the price of disturbing adds up to."""
        return self.moved_minor() + self.cost_minor() - self.state.total_minor

    # --- repair ---------------------------------------------------------------------------------------------

    def run(self, work: int) -> None:
        """Take off what no departure has room for, place everybody, then search until the time is spent or `work` moves
        are tried."""
        self._relieve()
        self._place_all()
        self._vet.settle()
        self._place_all()
        idle = 0
        while idle < 2 and not self._over(work):
            before = self.cost_minor()
            for move in self._moves():
                if self._over(work):
                    return
                self._try(move)
            idle = 0 if self.cost_minor() < before else idle + 1
        while (self._active() or self._torn) and not self._over(work):
            self._try(self._shake)

    def _over(self, work: int) -> bool:
        return self.steps >= work or self._spent()

    def _active(self) -> list[int]:
        """Those who are not where they were, or wait."""
        state = self.state
        return [k for k in sorted(self._free) if k in state.way and (state.box.get(k) or self) is not self.home.get(k)]

    def _relieve(self) -> None:
        """Take boxes off the departures that have no room for them: first those that another departure takes whole."""
        state = self.state
        while (leg := next((name for name, left in sorted(state.left.items()) if left < 0), None)) is not None:
            units = sorted(self._units(leg))
            if not units:
                return  # only closed boxes are left; the checker will say so
            for _, _, ks in units:
                if state.left[leg] >= 0:
                    break
                box = state.box[ks[0]]
                if len(ks) < len(box.items) or not self._shift(box):
                    for k in ks:
                        state.take(k)
        state.forget()

    def _units(self, leg: str) -> Iterable[tuple[int, int, tuple[int, ...]]]:
        """What can leave a departure at once, with the price of its leaving; loose goods one by one."""
        state = self.state
        held = {id(box): box for box in state.box.values() if any(name == leg for name, _ in state.legs[box.g])}
        for box in held.values():
            if not (box.teu or box.kg) or not box.items:
                continue
            if box.offer is None:
                for k in box.items:
                    if k in self._free:
                        yield state.unserved_minor[k] // 2, k, (k,)
            elif self._free.issuperset(box.items):
                mark, before = state.mark(), state.total_minor
                ks = tuple(sorted(box.items))
                worth = (
                    state.total_minor - before if self._shift(box) else sum(state.unserved_minor[k] for k in ks) // 2
                )
                state.back(mark)
                yield worth // max(1, box.teu, box.kg), ks[0], ks

    def _shift(self, box: Box) -> bool:
        """Send the whole box with the other departure that is cheapest; False where none takes it."""
        state = self.state
        assert box.offer is not None
        code, ks = state.groups[box.g].offers[box.offer].code, list(box.items)
        open_to = set.intersection(*(set(self._on[k]) for k in ks)) - {box.g}
        best: tuple[int, int] | None = None
        for g in sorted(open_to):
            mark = state.mark()
            if self._carry(ks, g, code) and (best is None or state.total_minor < best[0]):
                best = (state.total_minor, g)
            state.back(mark)
        return best is not None and self._carry(ks, best[1], code)

    def _carry(self, ks: Sequence[int], g: int, code: str) -> bool:
        for k in ks:
            self.state.take(k)
        return self._load(ks, g, code)

    def _place_all(self) -> None:
        waiting = [k for k in self._free if self.state.way.get(k) == UNSERVED]
        for code, ks in self._broken:
            if all(self.state.way.get(k) == UNSERVED for k in ks):
                self._open_as(code, ks)
        for k in sorted(waiting, key=lambda k: (-self.state.unserved_minor[k], k)):
            if self.state.way[k] == UNSERVED:  # a box that went whole may have taken it along
                self._place(k)
        self.state.forget()

    def _open_as(self, code: str, ks: tuple[int, ...]) -> None:
        """A broken box goes whole with the cheapest departure that takes it."""
        state = self.state
        open_to = set.intersection(*(set(self._on[k]) for k in ks))
        before, mark = state.total_minor, state.mark()
        best: tuple[int, int] | None = None
        for g in sorted(open_to):
            if self._load(ks, g, code) and state.total_minor < (best[0] if best else before):
                best = (state.total_minor, g)
            state.back(mark)
        if best is not None:
            self._load(ks, best[1], code)

    def _load(self, ks: Sequence[int], g: int, code: str) -> bool:
        state = self.state
        at = next((at for at, offer in enumerate(state.groups[g].offers) if offer.code == code), None)
        if at is None:
            return False
        held = Box(g, at)
        for k in ks:
            cost = state.cost_to_put(k, self._on[k][g], held)
            if cost is None:
                return False
            state.put(k, self._on[k][g], held, cost[1])
        return True

    # --- search ---------------------------------------------------------------------------------------------

    def _moves(self) -> Iterator[Callable[[], None]]:
        active = self._active()
        self._rng.shuffle(active)
        for k in active:
            yield partial(self._relocate, k)
            for way, box, j in self._doors(k):
                yield partial(self._swap, k, way, box, j)
        places = [self.state.box[k] for k in active if k in self.state.box]
        for full in {id(box): box for box in (*places, *self._torn)}.values():
            if full.items and self._free.issuperset(full.items):
                yield partial(self._close, full)
        for _ in range(SHAKES * (len(active) + len(self._torn))):
            yield self._shake

    def _try(self, move: Callable[[], None]) -> None:
        """Keep what the move does where the plan gets cheaper by more than it disturbs, and can be loaded."""
        self.steps += 1
        state = self.state
        before, mark = self.cost_minor(), state.mark()
        move()
        if self.cost_minor() < before and self._vet.all(list(state.touched.values())):
            state.forget()
            return
        state.back(mark)
        state.touched.clear()

    def _place(self, k: int, skip: Box | None = None) -> None:
        """The cheapest place for one that waits, its old box before an equal one."""
        state = self.state
        found = state.best_put(k, new=skip is None, skip=skip)
        home = self.home.get(k)
        if home is not None and home is not skip and (home.offer is None or home.items):
            way = self._on[k][home.g]
            cost = state.cost_to_put(k, way, home)
            if cost is not None and (found is None or cost[0] <= found[0] + self._stability.rebox_minor):
                found = (cost[0], way, home, cost[1])
        if found is not None and found[0] < state.unserved_minor[k]:
            state.put(k, found[1], found[2], found[3])

    def _relocate(self, k: int) -> None:
        if self.state.way[k] != UNSERVED:
            self.state.take(k)
        self._place(k)

    def _doors(self, k: int) -> Iterator[tuple[int, Box, int]]:
        """Boxes with no room for it, and who could make it: a way, the box, the one that leaves."""
        state = self.state
        for at, way in enumerate(state.ways[k]):
            for box in list(state.boxes.get(way.g, ())):
                if box.offer is None or box.offer not in way.offers or k in box.items:
                    continue
                offer = state.groups[way.g].offers[box.offer]
                over = box.volume_cm3 + state.volume[k] - offer.full_cm3()
                heavy = box.weight_g + state.weight[k] - offer.full_g()
                if over <= 0 and heavy <= 0:
                    continue
                enough = [j for j in box.items if state.volume[j] >= over and state.weight[j] >= heavy]
                for j in sorted(self._free.intersection(enough), key=lambda j: (state.volume[j], j))[:2]:
                    yield at, box, j

    def _swap(self, k: int, way: int, box: Box, j: int) -> None:
        state = self.state
        if j not in box.items or k in box.items:
            return
        state.take(j)
        if state.way[k] != UNSERVED:
            state.take(k)
        cost = state.cost_to_put(k, way, box)
        if cost is not None:
            state.put(k, way, box, cost[1])
        self._place(j)
        if cost is None:
            self._place(k)

    def _close(self, box: Box) -> None:
        ks = sorted(box.items, key=lambda k: (-self.state.volume[k], k))
        for k in ks:
            self.state.take(k)
        for k in ks:
            self._place(k, box)

    def _shake(self) -> None:
        """Empty a box or two that someone without a good place could use, perhaps open another, put all back."""
        state, rng = self.state, self._rng
        active = [*self._active(), *(k for box in self._torn for k in box.items if k in self._free)]
        if not active:
            return
        ks = [rng.choice(active)]
        own = state.box.get(ks[0])
        if own is not None and rng.random() < 0.5:
            ks = [j for j in own.items if j in self._free]
        for _ in range(rng.randrange(4)):
            way = rng.choice(state.ways[rng.choice(ks)])
            near = [*state.boxes.get(way.g, ()), *([state.loose[way.g]] if way.g in state.loose else [])]
            if near:
                ks += [j for j in rng.choice(near).items if j in self._free and j not in ks]
        for j in ks:
            if state.way[j] != UNSERVED:
                state.take(j)
        way = rng.choice(state.ways[rng.choice(ks)])
        boxes = [at for at in way.offers if state.groups[way.g].offers[at].kind != LOOSE]
        rng.shuffle(ks)
        if boxes and rng.random() < 0.6:
            held = Box(way.g, rng.choice(boxes))
            for j in ks:
                at = self._on[j].get(way.g)
                cost = state.cost_to_put(j, at, held) if at is not None else None
                if at is not None and cost is not None:
                    state.put(j, at, held, cost[1])
        for j in ks:
            if state.way[j] == UNSERVED:
                self._place(j)
