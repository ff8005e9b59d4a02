"""A problem made ready for search: nodes, road metres between them, which truck may go where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from geopy.distance import great_circle

from routing.rounds.problem import Amount, Problem, Somewhere, Stop, Truck
from routing.units import ceil_div

COST = 18_000  # one fen in the units in which metres and seconds cost whole numbers


@dataclass(frozen=True)
class Node:
    """A depot, a stop or one end of a transfer. `change`: what is on board after it, less what was before."""

    kind: str  # depot, stop, pick, drop
    index: int  # in the list of its kind
    id: str
    service_s: int
    windows: tuple[tuple[int, int], ...]
    trucks: frozenset[int]  # indexes of the kinds of truck that may come


@dataclass(frozen=True)
class Visit:
    """A node in the window in which it is served."""

    node: int
    window: int = 0


Trips = tuple[tuple[Visit, ...], ...]


@dataclass(frozen=True)
class Round:
    """One truck's work: its kind and the visits of each of its trips."""

    truck: int
    trips: Trips

    def nodes(self) -> list[int]:
        """The nodes in order, without the depot."""
        return [visit.node for trip in self.trips for visit in trip]


class Case:
    """Nodes are depots first, then stops, then the two ends of each transfer in turn."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.trucks = problem.trucks
        self.start = min(one.start_at for one in self.trucks)
        self.end = max(one.end_at for one in self.trucks)
        depots = {one.code: at for at, one in enumerate(problem.depots)}
        self.depot_of = [depots[one.depot] for one in self.trucks]
        self._kinds = {one.code: at for at, one in enumerate(self.trucks)}
        self._sites = {one.code: (one.lat_udeg, one.lon_udeg) for one in problem.places}
        self.nodes, self.points = self._nodes()
        self.first_transfer = len(problem.depots) + len(problem.stops)

    def _nodes(self) -> tuple[list[Node], list[tuple[int, int]]]:
        nodes, points = [], []
        every = frozenset(range(len(self.trucks)))
        whole = ((self.start, self.end),)
        for at, depot in enumerate(self.problem.depots):
            nodes.append(Node("depot", at, depot.code, depot.load_s, ((depot.open_at, depot.close_at),), every))
            points.append(self._point(depot))
        for at, stop in enumerate(self.problem.stops):
            windows = tuple((one.open_at, one.close_at) for one in stop.windows) or whole
            nodes.append(Node("stop", at, stop.id, stop.service_s, windows, self._allowed(stop)))
            points.append(self._point(stop))
        for at, one in enumerate(self.problem.transfers):
            trucks = frozenset(self._kinds[code] for code in one.trucks) or every
            for kind, end in (("pick", one.pick), ("drop", one.drop)):
                window = whole if end.window is None else ((end.window.open_at, end.window.close_at),)
                nodes.append(Node(kind, at, one.id, end.service_s, window, trucks))
                points.append(self._point(end))
        return nodes, points

    def _point(self, where: Somewhere) -> tuple[int, int]:
        if where.place is not None:
            return self._sites[where.place]
        assert where.lat_udeg is not None
        assert where.lon_udeg is not None
        return where.lat_udeg, where.lon_udeg

    def _allowed(self, stop: Stop) -> frozenset[int]:
        return frozenset(
            at
            for at, truck in enumerate(self.trucks)
            if (not stop.trucks or truck.code in stop.trucks) and stop.depot in (None, truck.depot)
        )

    @cached_property
    def metres(self) -> list[list[int]]:
        """Road metres between each two nodes: geopy's great circle x detour, rounded up."""
        size = len(self.points)
        degrees = [(lat / 1e6, lon / 1e6) for lat, lon in self.points]
        table = [[0] * size for _ in range(size)]
        for a in range(size):
            for b in range(a):
                if self.points[a] != self.points[b]:
                    crow = round(great_circle(degrees[a], degrees[b]).meters)
                    table[a][b] = table[b][a] = ceil_div(crow * self.problem.detour_permille, 1000)
        return table

    def most_metres(self, truck: int, seconds: int) -> int:
        """How far a truck gets in so many seconds of driving."""
        return seconds * self.trucks[truck].speed_km_h * 5 // 18

    def drive_s(self, truck: int, metres: int) -> int:
        """Seconds of driving, rounded up."""
        return ceil_div(metres * 18, 5 * self.trucks[truck].speed_km_h)

    def units(self, truck: Truck, metres: int, seconds: int) -> int:
        """What a round costs in 1/18,000 fen."""
        return truck.fixed_minor * COST + metres * truck.km_minor * 18 + seconds * truck.hour_minor * 5

    def amounts(self, node: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """What a node takes off the truck and puts on it."""
        one, none = self.nodes[node], (0, 0, 0)
        if one.kind == "stop":
            stop = self.problem.stops[one.index]
            return stop.deliver.parts(), stop.collect.parts()
        if one.kind == "depot":
            return none, none
        amount: Amount = self.problem.transfers[one.index].amount
        return (none, amount.parts()) if one.kind == "pick" else (amount.parts(), none)

    def stays(self, node: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """What a node gets from the depot and gives to it; the goods of a transfer do neither."""
        none = (0, 0, 0)
        return self.amounts(node) if self.nodes[node].kind == "stop" else (none, none)

    def other_end(self, node: int) -> int:
        """The drop of a pick and the pick of a drop."""
        return node + (1 if self.nodes[node].kind == "pick" else -1)
