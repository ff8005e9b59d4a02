"""Search for timed plans around the compiled kernel: its data laid out flat, restarts, and the finished departures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from routing.design import timed_kernel as kernel
from routing.design.instance import Instance
from routing.design.timed_paths import Ways
from routing.design.timed_slots import ALONE, Column

Ints = npt.NDArray[np.int64]
NEIGHBOURS = 24
BATCH = 400
MOST_OUT = 14


class Data(NamedTuple):
    """The problem flat: ways of commodity k are ``first[k]`` to ``first[k + 1]``, arcs of way w from ``start[w]``."""

    first: Ints
    start: Ints
    arcs: Ints
    early: Ints
    late: Ints
    variable: Ints
    quantity: Ints
    release: Ints
    due: Ints
    fixed: Ints
    capacity: Ints
    transit: Ints


class Work(NamedTuple):
    """Room for the labels of one insertion: rows by position on the way, and the events chosen."""

    ready: Ints
    paid: Ints
    came: Ints
    chosen: Ints
    plan: Ints


@dataclass(frozen=True)
class Timed:
    """A plan: for each commodity the number of its way and the instant of each departure."""

    value: int
    ways: tuple[int, ...]
    departs: tuple[tuple[int, ...], ...]


class Search:
    """One search with its present and its best plan. Every commodity must have a way."""

    def __init__(self, instance: Instance, ways: Ways, seed: int) -> None:
        self._instance, self._ways, self._seed = instance, ways, seed
        self._data = _flat(instance, ways)
        size = len(instance.commodities)
        length = max(len(way.arcs) for group in ways.by_commodity for way in group)
        width = 1 + max(_visitors(instance, ways))
        shape = (len(instance.arcs), width)
        self._way, self._event = np.full(size, -1, np.int64), np.zeros((size, length), np.int64)
        self._load, self._time, self._latest = (np.zeros(shape, np.int64) for _ in range(3))
        self._top = np.zeros(len(instance.arcs), np.int64)
        rows = (length + 1, kernel.MOST_LABELS)
        self._work = Work(
            np.zeros(rows, np.int64),
            np.zeros(rows, np.int64),
            np.zeros(rows, np.int64),
            np.zeros(rows, np.int64),
            np.zeros(length, np.int64),
        )
        self._near = _near(ways)
        for k in sorted(range(size), key=lambda k: -instance.commodities[k].quantity):
            self._insert(k, -1)
        self.value = int(kernel.cost_of(self._data, self._way, self._load))
        self._best_way, self._best_event = self._way.copy(), self._event.copy()
        self._done = 0
        self._rounds(0.0, 0)

    def _insert(self, k: int, only: int) -> None:
        kernel.shift(self._data, self._way, self._event, self._time, self._latest, 0)
        kernel.put_in(self._data, k, self._way, self._event, self._load, self._time, self._top, self._work, -1, only)

    def run(self, heat_share: float, batches: int, stop: Callable[[], bool]) -> None:
        """Rounds at a temperature falling from ``heat_share`` of the mean cost of a commodity, unless stopped."""
        heat = heat_share * self.value / len(self._way)
        for batch in range(batches):
            if stop():
                return
            self._done += 1
            self._rounds(heat * (1 - batch / batches) ** 2, BATCH)

    def _rounds(self, heat: float, count: int) -> None:
        self.value = int(
            kernel.rounds(
                self._data, self._way, self._event, self._load, self._time, self._latest, self._top, self._work,
                self._near, self._best_way, self._best_event, self.value, count, heat, MOST_OUT,
                self._seed * 1_000_003 + self._done,
            )
        )  # fmt: skip

    def follow(self, chosen: list[Column]) -> None:
        """Start anew from a column for each commodity, its meetings kept where they hold in time."""
        self._way[:] = -1
        kernel.rebuild(self._data, self._way, self._event, self._load, self._top)
        numbers = {k: self._ways.by_commodity[k].index(column.way) for k, column in enumerate(chosen)}
        late: list[tuple[int, int]] = []
        seats: dict[int, dict[int, int]] = {}
        for k in np.random.default_rng(self._seed + self._done).permutation(len(chosen)):
            column, only = chosen[k], int(self._data.first[k]) + numbers[int(k)]
            events = [
                seats.setdefault(arc, {}).setdefault(slot if slot != ALONE else -2 - int(k), len(seats[arc]))
                for arc, slot in zip(column.way.arcs, column.slots, strict=True)
            ]
            self._way[k], self._event[k, : len(events)] = only, events
            if kernel.holds(self._data, self._way, self._event, self._time):
                continue
            self._way[k] = -1
            late.append((int(k), only))
        kernel.rebuild(self._data, self._way, self._event, self._load, self._top)
        for k, only in late:
            self._insert(k, only)
        self._note()

    def _note(self) -> None:
        value = int(kernel.cost_of(self._data, self._way, self._load))
        if value < self.value:
            self.value = value
            self._best_way[:], self._best_event[:, :] = self._way, self._event

    def home(self) -> None:
        """Go on from the best plan."""
        self._way[:], self._event[:, :] = self._best_way, self._best_event
        kernel.rebuild(self._data, self._way, self._event, self._load, self._top)

    def best(self) -> Timed:
        """The best plan with its departures as early as can be; what then leaves together shares vehicles too."""
        way, event = self._best_way.copy(), self._best_event.copy()
        time = np.zeros_like(self._time)
        kernel.forward(self._data, way, event, time)
        departs, ways = [], []
        for k, group in enumerate(self._ways.by_commodity):
            mine = int(way[k] - self._data.first[k])
            ways.append(mine)
            departs.append(tuple(int(time[a, event[k, i]]) for i, a in enumerate(group[mine].arcs)))
        return Timed(value_of(self._instance, self._ways, ways, departs), tuple(ways), tuple(departs))


def value_of(instance: Instance, ways: Ways, chosen: list[int], departs: list[tuple[int, ...]]) -> int:
    """Cost of a plan: variable cost of its ways, and vehicles of what leaves one arc at one instant."""
    total, loads = 0, dict[tuple[int, int], int]()
    for k, (mine, times) in enumerate(zip(chosen, departs, strict=True)):
        way = ways.by_commodity[k][mine]
        total += way.variable
        for arc, at in zip(way.arcs, times, strict=True):
            loads[arc, at] = loads.get((arc, at), 0) + instance.commodities[k].quantity
    return total + sum(instance.arcs[a].fixed * -(-q // instance.arcs[a].capacity) for (a, _), q in loads.items())


def _flat(instance: Instance, ways: Ways) -> Data:
    every = [way for group in ways.by_commodity for way in group]
    flat = {
        "first": np.cumsum([0] + [len(group) for group in ways.by_commodity]),
        "start": np.cumsum([0] + [len(way.arcs) for way in every]),
        "arcs": [arc for way in every for arc in way.arcs],
        "early": [at for way in every for at in way.earliest],
        "late": [at for way in every for at in way.latest],
        "variable": [way.variable for way in every],
        "quantity": [one.quantity for one in instance.commodities],
        "release": [one.release for one in instance.commodities],
        "due": [one.due for one in instance.commodities],
        "fixed": [arc.fixed for arc in instance.arcs],
        "capacity": [arc.capacity for arc in instance.arcs],
        "transit": [arc.transit for arc in instance.arcs],
    }
    return Data(**{name: np.array(values, np.int64) for name, values in flat.items()})


def _visitors(instance: Instance, ways: Ways) -> list[int]:
    who: list[set[int]] = [set() for _ in instance.arcs]
    for k, group in enumerate(ways.by_commodity):
        for way in group:
            for arc in way.arcs:
                who[arc].add(k)
    return [len(found) for found in who]


def _near(ways: Ways) -> Ints:
    """For each commodity those that could share most arcs with it in time."""
    spans: dict[int, dict[int, tuple[int, int]]] = {}
    for k, group in enumerate(ways.by_commodity):
        for way in group:
            for arc, first, last in zip(way.arcs, way.earliest, way.latest, strict=True):
                mine = spans.setdefault(arc, {})
                low, high = mine.get(k, (first, last))
                mine[k] = (min(low, first), max(high, last))
    size = len(ways.by_commodity)
    shared = np.zeros((size, size))
    for found in spans.values():
        items = sorted(found.items())
        for one, (low, high) in items:
            for other, (first, last) in items:
                if one != other and first <= high and low <= last:
                    shared[one, other] += 1
    shared[np.arange(size), np.arange(size)] = -1 if size > 1 else 1
    return np.argsort(-shared, axis=1, kind="stable")[:, : max(1, min(NEIGHBOURS, size - 1))].astype(np.int64)
