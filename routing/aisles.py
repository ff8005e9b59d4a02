"""Pick routes through a warehouse of parallel aisles with cross-aisles: in which order to visit the places of a list.

A picker walks along the middle of an aisle (y) and changes aisles (x) on a cross-aisle only. From that geometry the
walking distance between any two places is exact, whatever the number of cross-aisles. A round that ends where it began
in a hall of two cross-aisles is solved exactly (:mod:`routing.aisles_exact`). Any other order is found by local search
(2-opt and moves of whole stretches, after Or 1976), restarted from kicked tours (iterated local search, Lourenço et al.
2003). Lengths are millimetres, times milliseconds.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from routing.aisles_exact import Aisle, shortest_round
from wms.errors import N_, Kind, WmsError

MOST_STOPS = 500
FARTHEST_MM = 10_000_000  # ten kilometres: no hall is longer, a coordinate beyond is a typing error
BUDGET_MS = 120
LONGEST_STRETCH = 12  # stops that move together; an aisle's worth
Matrix: TypeAlias = NDArray[np.int64]


class BadStop(WmsError):
    """A place of the list cannot be walked to as described."""

    code = "bad_stop"
    kind = Kind.INVALID
    text = N_("Stop %(stop)s: %(fault)s.")


class BadFloor(WmsError):
    """The floor plan does not describe aisles that join."""

    code = "bad_floor"
    kind = Kind.INVALID
    text = N_("The floor plan is not right: %(fault)s.")


@dataclass(frozen=True)
class Point:
    """A point on the floor, millimetres."""

    x_mm: int
    y_mm: int


@dataclass(frozen=True)
class Stop:
    """A place to visit: the aisle it is reached from and where its face is."""

    id: int
    aisle: str
    x_mm: int
    y_mm: int


@dataclass(frozen=True)
class Floor:
    """Where aisles can be changed (``cross_y_mm``, at least two), and where the picker starts and ends."""

    cross_y_mm: tuple[int, ...]
    start: Point
    end: Point


@dataclass(frozen=True)
class Route:
    """Stop ids in walking order; its length beside the order of the list and beside walking every aisle in turn."""

    order: tuple[int, ...]
    length_mm: int
    item_order_mm: int
    s_shape_mm: int
    is_exact: bool

    @property
    def saved_on_item_order_permille(self) -> int:
        return _saved(self.item_order_mm, self.length_mm)

    @property
    def saved_on_s_shape_permille(self) -> int:
        return _saved(self.s_shape_mm, self.length_mm)


def _saved(other_mm: int, length_mm: int) -> int:
    return (other_mm - length_mm) * 1000 // other_mm if other_mm else 0


def plan(
    stops: Sequence[Stop], floor: Floor, *, budget_ms: int = BUDGET_MS, seed: int = 1, exactly: bool = True
) -> Route:
    """Return a short route over all stops; the shortest where ``is_exact``, else the best found in ``budget_ms``.

    ``exactly`` False leaves the exact method out, to measure what local search finds.

    Raises:
        BadStop: a stop is named twice, lies off the floor, or there are too many.
        BadFloor: fewer than two cross-aisles, or coordinates that cannot be.
    """
    started = time.perf_counter()
    _check(stops, floor)
    if not stops:
        length = _walk(floor.start, floor.end, floor)
        return Route((), length, length, length, is_exact=True)
    way = distances(stops, floor)
    listed = np.arange(len(stops) + 2)
    snake = _tour(s_shape(stops, floor), len(stops))
    is_exact = exactly and floor.start == floor.end and len(set(floor.cross_y_mm)) == 2
    if is_exact:
        best = _tour(_exact_order(stops, floor), len(stops))
    else:
        best = _search(way, [listed, snake, _nearest(way)], started + budget_ms / 1000, seed)
    return Route(
        tuple(stops[i - 1].id for i in best[1:-1]),
        _length(way, best),
        _length(way, listed),
        _length(way, snake),
        is_exact,
    )


def _check(stops: Sequence[Stop], floor: Floor) -> None:
    crosses = floor.cross_y_mm
    if len(set(crosses)) < 2:
        raise BadFloor(field="cross_y_mm", fault=N_("it needs two cross-aisles"))
    for number in (*crosses, floor.start.x_mm, floor.start.y_mm, floor.end.x_mm, floor.end.y_mm):
        if not _is_near(number):
            raise BadFloor(fault=N_("a coordinate is no whole number of millimetres within ten kilometres"))
    if len(stops) > MOST_STOPS:
        raise BadStop(stop=stops[MOST_STOPS].id, fault=N_("a list has at most 500 stops"))
    seen: set[int] = set()
    for stop in stops:
        if stop.id in seen:
            raise BadStop(stop=stop.id, fault=N_("it stands on the list twice"))
        seen.add(stop.id)
        if not (_is_near(stop.x_mm) and _is_near(stop.y_mm)):
            raise BadStop(
                stop=stop.id, fault=N_("a coordinate is no whole number of millimetres within ten kilometres")
            )
        if not min(crosses) <= stop.y_mm <= max(crosses):
            raise BadStop(stop=stop.id, fault=N_("it lies beyond the cross-aisles"))


def _is_near(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and abs(number) <= FARTHEST_MM


def distances(stops: Sequence[Stop], floor: Floor) -> Matrix:
    """Return the walking distance between start (row 0), the stops in their order, and end (last row); millimetres.

    In one aisle it is the straight way; between aisles the way over that cross-aisle which is best.
    """
    middle = _middles(stops)
    x = np.array([floor.start.x_mm, *(middle[one.aisle] for one in stops), floor.end.x_mm], dtype=np.int64)
    y = np.array([floor.start.y_mm, *(one.y_mm for one in stops), floor.end.y_mm], dtype=np.int64)
    # Start and end stand in no aisle: numbers of their own, so that they are always reached over a cross-aisle.
    names = {name: i for i, name in enumerate(sorted({stop.aisle for stop in stops}))}
    aisle = np.array([-1, *(names[stop.aisle] for stop in stops), -2])
    across = np.min(
        [np.abs(y[:, None] - cross) + np.abs(y[None, :] - cross) for cross in sorted(set(floor.cross_y_mm))], axis=0
    )
    along = np.abs(y[:, None] - y[None, :])
    way: Matrix = np.abs(x[:, None] - x[None, :]) + np.where(aisle[:, None] == aisle[None, :], along, across)
    way[0, -1] = way[-1, 0] = _walk(floor.start, floor.end, floor)
    return way


def _middles(stops: Sequence[Stop]) -> dict[str, int]:
    """Return where the picker walks in each aisle: half way between the faces on its two sides."""
    faces: dict[str, list[int]] = {}
    for stop in stops:
        faces.setdefault(stop.aisle, []).append(stop.x_mm)
    return {name: (min(xs) + max(xs)) // 2 for name, xs in faces.items()}


def _exact_order(stops: Sequence[Stop], floor: Floor) -> list[int]:
    """Return the positions of stops in the order of the shortest round.

    Where it starts is an aisle of its own with one place in it; beyond a cross-aisle, the way there and back is the
    same for every round.
    """
    near, far = min(floor.cross_y_mm), max(floor.cross_y_mm)
    at: dict[tuple[str, int], list[int]] = {}
    for i, stop in enumerate(stops):
        at.setdefault((stop.aisle, stop.y_mm), []).append(i)
    middle = _middles(stops)
    names = sorted(middle, key=lambda name: (middle[name], name))
    aisles = [Aisle(middle[name], tuple(sorted(y for aisle, y in at if aisle == name))) for name in names]
    place = sum(one.x_mm < floor.start.x_mm for one in aisles)
    start = (place, min(max(floor.start.y_mm, near), far))
    aisles.insert(place, Aisle(floor.start.x_mm, (start[1],)))
    names.insert(place, "")
    _, visits = shortest_round(aisles, near, far, start)
    return [i for number, y in visits if number != place for i in at[names[number], y]]


def _walk(one: Point, other: Point, floor: Floor) -> int:
    if one.x_mm == other.x_mm:
        return abs(one.y_mm - other.y_mm)
    over = min(abs(one.y_mm - cross) + abs(other.y_mm - cross) for cross in floor.cross_y_mm)
    return abs(one.x_mm - other.x_mm) + over


def s_shape(stops: Sequence[Stop], floor: Floor) -> list[int]:
    """Return the positions of stops as they come when every aisle with work is walked in turn, up and down."""
    left: dict[str, int] = {}
    for stop in stops:
        left[stop.aisle] = min(left.get(stop.aisle, stop.x_mm), stop.x_mm)
    from_right = abs(floor.start.x_mm - max(left.values())) < abs(floor.start.x_mm - min(left.values()))
    order: list[int] = []
    up = abs(floor.start.y_mm - min(floor.cross_y_mm)) <= abs(floor.start.y_mm - max(floor.cross_y_mm))
    for name in sorted(left, key=lambda name: (left[name], name), reverse=from_right):
        inside = [i for i, stop in enumerate(stops) if stop.aisle == name]
        order += sorted(inside, key=lambda i: (stops[i].y_mm, i), reverse=not up)
        up = not up
    return order


def _tour(order: Sequence[int], count: int) -> NDArray[np.intp]:
    return np.array([0, *(i + 1 for i in order), count + 1], dtype=np.intp)


def _nearest(way: Matrix) -> NDArray[np.intp]:
    count = len(way)
    left = np.ones(count, dtype=bool)
    left[[0, count - 1]] = False
    tour = [0]
    while left.any():
        here = np.where(left, way[tour[-1]], np.iinfo(np.int64).max)
        tour.append(int(here.argmin()))
        left[tour[-1]] = False
    return np.array([*tour, count - 1], dtype=np.intp)


def _length(way: Matrix, tour: NDArray[np.intp]) -> int:
    return int(way[tour[:-1], tour[1:]].sum())


def _search(way: Matrix, starts: Sequence[NDArray[np.intp]], end_at: float, seed: int) -> NDArray[np.intp]:
    """Return the best tour of a local search from the shortest of the starts, then from kicked copies of the best."""
    best = _improved(way, min(starts, key=lambda tour: _length(way, tour)), end_at)
    shortest = _length(way, best)
    draw = np.random.default_rng(seed)
    while len(best) > 7 and time.perf_counter() < end_at:
        tour = _improved(way, _kicked(best, draw), end_at)
        length = _length(way, tour)
        if length <= shortest:
            best, shortest = tour, length
    return best


def _kicked(tour: NDArray[np.intp], draw: np.random.Generator) -> NDArray[np.intp]:
    """Exchange two neighbouring stretches (a double bridge): a change that no single move below undoes."""
    a, b, c = np.sort(draw.choice(np.arange(1, len(tour)), size=3, replace=False))
    return np.concatenate([tour[:a], tour[b:c], tour[a:b], tour[c:]])


def _improved(way: Matrix, tour: NDArray[np.intp], end_at: float) -> NDArray[np.intp]:
    """Apply the best move until none shortens the tour (first and last stay) or the time is over."""
    while time.perf_counter() < end_at:
        turned = _best_turn(way, tour)
        carried = _best_carry(way, tour)
        gain, move = max((turned, carried), key=lambda one: one[0])
        if gain <= 0:
            return tour
        tour = move
    return tour


def _best_turn(way: Matrix, tour: NDArray[np.intp]) -> tuple[int, NDArray[np.intp]]:
    """2-opt: return the gain and the tour with the best stretch i+1…j walked the other way."""
    here = way[np.ix_(tour, tour)]
    leg = np.diagonal(here, 1)
    gain = leg[:, None] + leg[None, :] - here[:-1, :-1] - here[1:, 1:]
    gain = np.triu(gain, 2)
    i, j = np.unravel_index(int(gain.argmax()), gain.shape)
    best = int(gain[i, j])
    if best <= 0:
        return 0, tour
    return best, np.concatenate([tour[: i + 1], tour[i + 1 : j + 1][::-1], tour[j + 1 :]])


def _best_carry(way: Matrix, tour: NDArray[np.intp]) -> tuple[int, NDArray[np.intp]]:
    """Or-opt: return the gain and the tour with the best stretch carried elsewhere, as it is or turned round."""
    here = way[np.ix_(tour, tour)]
    leg = np.diagonal(here, 1)
    count = len(tour)
    best, found = 0, (0, 0, 0, False)
    for size in range(1, min(LONGEST_STRETCH, count - 3) + 1):
        first = np.arange(1, count - size)  # the stretch first … first+size-1, never the two ends
        last = first + size - 1
        saved = leg[first - 1] + leg[last] - here[first - 1, last + 1]
        gap = np.arange(count - 1)  # put between gap and gap+1
        outside = (gap[None, :] < first[:, None] - 1) | (gap[None, :] > last[:, None])
        for is_turned in (False, True):
            head, tail = (last, first) if is_turned else (first, last)
            added = here[gap[None, :], head[:, None]] + here[tail[:, None], gap[None, :] + 1] - leg[None, :]
            gain = np.where(outside, saved[:, None] - added, 0)
            at = int(gain.argmax())
            row, column = divmod(at, len(gap))
            if int(gain[row, column]) > best:
                best, found = int(gain[row, column]), (int(first[row]), size, column, is_turned)
    if best <= 0:
        return 0, tour
    start, size, gap_at, is_turned = found
    stretch = tour[start : start + size]
    rest = np.concatenate([tour[:start], tour[start + size :]])
    at = gap_at + 1 if gap_at < start else gap_at + 1 - size
    return best, np.concatenate([rest[:at], stretch[::-1] if is_turned else stretch, rest[at:]])
