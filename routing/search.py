"""Making a plan and making it better: three baselines, the assembly of a model's choice, and a local search.

The search knows what the model leaves out: consignments are indivisible, boxes are whole, allotments bind. It starts
from the best of the starting plans and keeps what lowers the exact total. Moves: relocate one consignment, close a box,
repack a group, and pull goods together to open a box (the only move that sees that ten small consignments deserve one).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from routing.paths import Path, Paths
from routing.state import UNSERVED, Box, State
from routing.tariff import LOOSE, Offer

SHAKES_A_CONSIGNMENT = 50


class Alone:
    """Prices of consignments that travel by themselves; one price for all departures of a corridor."""

    def __init__(self, paths: Paths) -> None:
        self._groups, self._goods = paths.groups, paths.problem.consignments
        self._prices: dict[tuple[int, tuple[int, ...]], int | None] = {}
        self._k = -1

    def minor(self, path: Path) -> int | None:
        """Fen of a path when the consignment pays for the cheapest offer that takes it alone; None where none does."""
        if path.k != self._k:
            self._k = path.k
            self._prices.clear()
        offers = self._groups[path.g].offers
        key = (id(offers), path.offers)
        if key not in self._prices:
            one = self._goods[path.k]
            prices = [offers[index].price(one.volume_cm3, one.weight_g) for index in path.offers]
            self._prices[key] = min((price for price in prices if price is not None), default=None)
        price = self._prices[key]
        return None if price is None else path.cost_minor + price


def stand_alone(paths: Paths) -> dict[int, tuple[int, int]]:
    """Baseline A: the cheapest path of each consignment alone, as (index of the path, fen)."""
    found, alone = {}, Alone(paths)
    for k, ways in enumerate(paths.by_consignment):
        priced = [(cost, index) for index, way in enumerate(ways) if (cost := alone.minor(way)) is not None]
        if priced:
            cost, index = min(priced)
            found[k] = (index, cost)
    return found


def unserved_prices(paths: Paths) -> dict[int, int]:
    """What leaving a consignment behind costs in the model: twice the dearest way to send it alone, so that no plan
    leaves one behind
    to save money; a hundred times that for one that must go."""
    goods = paths.problem.consignments
    return {k: 2 * dearest * (100 if goods[k].must_go else 1) for k, dearest in dearest_alone(paths).items()}


def dearest_alone(paths: Paths) -> dict[int, int]:
    """Fen of the dearest way to send each consignment alone."""
    alone = Alone(paths)
    return {
        k: max(cost for way in ways if (cost := alone.minor(way)) is not None)
        for k, ways in enumerate(paths.by_consignment)
        if ways
    }


def large_box_choice(paths: Paths) -> dict[int, int]:
    """Baseline C: each consignment takes the path that is cheapest when space costs what a largest box filled to
    85 % charges.
    """
    choice, alone = {}, Alone(paths)
    rates: dict[tuple[int, tuple[int, ...]], int] = {}
    for k, ways in enumerate(paths.by_consignment):
        one = paths.problem.consignments[k]
        rates.clear()
        best: tuple[int, int] | None = None
        for index, way in enumerate(ways):
            offers = paths.groups[way.g].offers
            key = (id(offers), way.offers)
            if key not in rates:
                boxes = [offers[o] for o in way.offers if offers[o].kind != LOOSE]
                shares = [_share_minor(box, one.volume_cm3, one.weight_g) for box in boxes]
                rates[key] = min(shares) if shares else (alone.minor(way) or 0) - way.cost_minor
            cost = way.cost_minor + rates[key]
            if best is None or cost < best[0]:
                best = (cost, index)
        if best is not None:
            choice[k] = best[1]
    return choice


def _share_minor(box: Offer, volume_cm3: int, weight_g: int) -> int:
    share = max(volume_cm3 / box.full_cm3(), weight_g / box.full_g())
    return round(box.fixed_minor * share / 0.85)


def assemble(paths: Paths, unserved: dict[int, int], choice: dict[int, int]) -> State:
    """A whole plan from one chosen path each: groups packed in order of departure, what finds no room goes to its
    next best place.
    """
    state = State(paths, unserved)
    by_group: dict[int, list[int]] = {}
    for k, index in choice.items():
        if index >= 0:
            by_group.setdefault(paths.by_consignment[k][index].g, []).append(k)
    over: list[int] = [k for k in unserved if choice.get(k, UNSERVED) < 0]
    for g in sorted(by_group, key=lambda g: (state.groups[g].segment.depart_at, g)):
        ks = by_group[g]
        if not state.repack(g, ks, {k: choice[k] for k in ks}):
            over.extend(ks)
    for k in sorted(over, key=lambda k: (-unserved[k], k)):
        state.insert(k, new=True)
    state.forget()
    return state


class Search:
    """Local search over one state; `steps` counts moves tried, so that a run can be limited by work instead of time."""

    def __init__(
        self, state: State, seed: int, spent: Callable[[], bool], granted: Callable[[Iterable[Box]], bool] | None = None
    ) -> None:
        """``granted``: asked for the boxes of each change before it is kept (the loader)."""
        self.state, self._granted = state, granted
        self._rng = random.Random(f"search-{seed}")  # noqa: S311 - a repeatable draw, not a secret
        self._spent = spent
        self.steps = 0
        self._users: dict[int, list[tuple[int, int]]] = {}
        for k, ways in enumerate(state.ways):
            for index, way in enumerate(ways):
                self._users.setdefault(way.g, []).append((k, index))

    def run(self, rounds: int, shakes: int | None = None) -> int:
        """Up to `rounds` rounds until three in a row bring nothing, then shakes (fifty a consignment unless told);
        less when
        time is spent or the plan is as good as it is proven to get.

        Returns the rounds done.
        """
        idle = done = 0
        while done < rounds and idle < 3 and not self._spent():
            before = self.state.total_minor
            self._relocate()
            self._close()
            self._repack()
            self._pull(0.3 * (1 - done / rounds))
            done += 1
            idle = 0 if self.state.total_minor < before else idle + 1
        for _ in range(SHAKES_A_CONSIGNMENT * len(self.state.way) if shakes is None else shakes):
            if self._spent():
                break
            self._shake()
        return done

    def _shake(self) -> None:
        """Empty a few boxes that could take each other's goods, open another, put everything back; keep it if
        that pays.
        """
        state, rng = self.state, self._rng
        if not state.box:
            return
        before, mark = state.total_minor, state.mark()
        first = state.box[rng.choice(sorted(state.box))]
        ks = self._emptied(first)
        for _ in range(rng.randrange(3)):
            way = rng.choice(state.ways[rng.choice(ks)])
            near = list(state.boxes.get(way.g, ()))
            if way.g in state.loose and state.loose[way.g].items:
                near.append(state.loose[way.g])
            if near:
                ks += self._emptied(rng.choice(near))
        if rng.random() < 0.7:
            self._open_for(ks)
        rng.shuffle(ks)
        ks.sort(key=lambda k: -state.volume[k] * (0.5 + rng.random()))
        for k in ks:
            if state.way[k] == UNSERVED:
                state.insert(k, new=True)
        self._keep_if(before, mark)

    def _emptied(self, box: Box) -> list[int]:
        ks = sorted(box.items)
        for k in ks:
            self.state.take(k)
        return ks

    def _open_for(self, ks: list[int]) -> None:
        """A box on a way of one of the goods, loaded with those that fit."""
        state = self.state
        way = self._rng.choice(state.ways[self._rng.choice(ks)])
        kinds = [index for index in way.offers if state.groups[way.g].offers[index].kind != LOOSE]
        if not kinds:
            return
        box = Box(way.g, self._rng.choice(kinds))
        for k in sorted(ks, key=lambda k: -state.volume[k]):
            index = next((i for i, one in enumerate(state.ways[k]) if one.g == way.g), None)
            if index is not None and state.way[k] == UNSERVED:
                self._try_in(box, k, index)

    def _shuffled(self, things: Iterable[int]) -> list[int]:
        order = sorted(things)
        self._rng.shuffle(order)
        return order

    def _keep_if(self, before: int, mark: int) -> bool:
        self.steps += 1
        state = self.state
        if state.total_minor < before and (self._granted is None or self._granted(list(state.touched.values()))):
            state.forget()
            return True
        state.back(mark)
        state.touched.clear()
        return False

    def _relocate(self) -> None:
        state = self.state
        for k in self._shuffled(state.unserved_minor):
            if self._spent():
                return
            before, mark = state.total_minor, state.mark()
            if state.way[k] != UNSERVED:
                state.take(k)
            state.insert(k, new=True)
            self._keep_if(before, mark)

    def _close(self) -> None:
        state = self.state
        held = [box for g in sorted(state.boxes) for box in state.boxes[g]] + [
            box for g, box in sorted(state.loose.items()) if box.items
        ]
        self._rng.shuffle(held)
        for box in held:
            if self._spent():
                return
            if box.items:
                before, mark = state.total_minor, state.mark()
                ks = sorted(box.items, key=lambda k: (-state.volume[k], k))
                for k in ks:
                    state.take(k)
                for k in ks:
                    state.insert(k, new=False, skip=box)
                self._keep_if(before, mark)

    def _repack(self) -> None:
        state = self.state
        for g in self._shuffled({box.g for box in state.box.values()}):
            if self._spent():
                return
            before, mark = state.total_minor, state.mark()
            ks = state.members(g)
            ways = {k: state.way[k] for k in ks}
            for k in ks:
                state.take(k)
            state.repack(g, ks, ways)
            self._keep_if(before, mark)

    def _pull(self, noise: float) -> None:
        state = self.state
        for g in self._shuffled(self._users):
            if self._spent():
                return
            boxes = [index for index, offer in enumerate(state.groups[g].offers) if offer.kind != LOOSE]
            if boxes:
                self._pull_into(g, Box(g, self._rng.choice(boxes)), noise)
                for box in list(state.boxes.get(g, ())):
                    self._top_up(box, noise)

    def _gain(self, k: int, way: int, noise: float) -> float:
        """What leaving its present place would free a consignment, an estimate that only orders the trying."""
        state = self.state
        if state.way[k] == UNSERVED:
            return float(state.unserved_minor[k])
        box = state.box[k]
        part = max(state.volume[k] / max(1, box.volume_cm3), state.weight[k] / max(1, box.weight_g))
        gain = box.price_minor * part + state.ways[k][state.way[k]].cost_minor - state.ways[k][way].cost_minor
        return gain * (1 + noise * (2 * self._rng.random() - 1))

    def _candidates(self, g: int, offer: Offer, index: int, noise: float) -> list[tuple[float, int, int]]:
        state = self.state
        found = []
        for k, way in self._users[g]:
            inside = state.box.get(k)
            if index in state.ways[k][way].offers and (inside is None or inside.g != g or inside.offer is None):
                gain = self._gain(k, way, noise)
                size = max(state.volume[k] / offer.full_cm3(), state.weight[k] / offer.full_g())
                if gain > 0 and size > 0:
                    found.append((-gain / size, k, way))
        return sorted(found)

    def _pull_into(self, g: int, box: Box, noise: float) -> None:
        assert box.offer is not None
        offer = self.state.groups[g].offers[box.offer]
        candidates = self._candidates(g, offer, box.offer, noise)
        worth = -sum(
            score * max(self.state.volume[k] / offer.full_cm3(), self.state.weight[k] / offer.full_g())
            for score, k, _ in candidates
        )
        if worth > offer.fixed_minor:
            self._load(box, candidates)

    def _top_up(self, box: Box, noise: float) -> None:
        assert box.offer is not None
        offer = self.state.groups[box.g].offers[box.offer]
        if box.items and box.volume_cm3 * 100 < offer.full_cm3() * 97:
            self._load(box, self._candidates(box.g, offer, box.offer, noise))

    def _load(self, box: Box, candidates: list[tuple[float, int, int]]) -> None:
        state = self.state
        before, mark = state.total_minor, state.mark()
        for _, k, way in candidates:
            if box.offer is None:
                return
            offer = state.groups[box.g].offers[box.offer]
            full_cm3, full_g = offer.full_cm3() - box.volume_cm3, offer.full_g() - box.weight_g
            if state.volume[k] > full_cm3 or state.weight[k] > full_g:
                continue
            self._try_in(box, k, way)
        self._keep_if(before, mark)

    def _try_in(self, box: Box, k: int, way: int) -> None:
        state = self.state
        inner = state.mark()
        if state.way[k] != UNSERVED:
            state.take(k)
        cost = state.cost_to_put(k, way, box)
        if cost is None:
            state.back(inner)
        else:
            state.put(k, way, box, cost[1])
