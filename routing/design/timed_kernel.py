"""Compiled search for timed plans: take a few commodities out, shift the departures of the rest, put them back.

An event is a departure on an arc; its members share vehicles. ``way[k]`` is the way of commodity k (-1: out), and
``event[k, i]`` the event of the i-th arc. Departures may move within what all members' slack allows: any lower limits
not above the latest schedule lead, carried forward, to a schedule that holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

MOST_LABELS = 96
MOST_PASSES = 500
HORIZON = 1 << 40


@njit(cache=True, nogil=True)
def vehicles(quantity: int, capacity: int) -> int:
    """How many vehicles a quantity needs."""
    return (quantity + capacity - 1) // capacity


@njit(cache=True, nogil=True)
def holds(d: Any, way: Any, event: Any, time: Any) -> bool:
    """Does every commodity arrive in time when all leave as early as they can?"""
    time[:, :] = 0
    if not forward(d, way, event, time):
        return False
    for k in range(way.size):
        w = way[k]
        if w >= 0:
            for i in range(d.start[w + 1] - d.start[w]):
                if time[d.arcs[d.start[w] + i], event[k, i]] > d.late[d.start[w] + i]:
                    return False
    return True


@njit(cache=True, nogil=True)
def cost_of(d: Any, way: Any, load: Any) -> int:
    """Cost of the plan: its ways' variable cost and its events' vehicles."""
    total = 0
    for k in range(way.size):
        if way[k] >= 0:
            total += d.variable[way[k]]
    for a in range(load.shape[0]):
        for c in range(load.shape[1]):
            if load[a, c] > 0:
                total += d.fixed[a] * vehicles(load[a, c], d.capacity[a])
    return total


@njit(cache=True, nogil=True)
def take_out(d: Any, k: int, way: Any, event: Any, load: Any) -> None:
    """Remove a commodity from its events."""
    w = way[k]
    if w >= 0:
        for i in range(d.start[w + 1] - d.start[w]):
            load[d.arcs[d.start[w] + i], event[k, i]] -= d.quantity[k]
        way[k] = -1


@njit(cache=True, nogil=True)
def shift(d: Any, way: Any, event: Any, time: Any, latest: Any, mode: int) -> None:
    """New times for all events. ``mode`` 0: as early as can be, 1: at random between earliest and latest."""
    arcs, width = time.shape
    for a in range(arcs):
        for c in range(width):
            time[a, c] = 0
            latest[a, c] = 1 << 60
    forward(d, way, event, time)
    changed = True
    while changed:
        changed = False
        for k in range(way.size):
            w = way[k]
            if w < 0:
                continue
            by = d.due[k]
            for i in range(d.start[w + 1] - d.start[w] - 1, -1, -1):
                a, c = d.arcs[d.start[w] + i], event[k, i]
                by -= d.transit[a]
                if by < latest[a, c]:
                    latest[a, c] = by
                    changed = True
                by = latest[a, c]
    if mode == 0:
        return
    for k in range(way.size):
        w = way[k]
        if w >= 0:
            for i in range(d.start[w + 1] - d.start[w]):
                a, c = d.arcs[d.start[w] + i], event[k, i]
                slack = latest[a, c] - time[a, c]
                if slack > 0:
                    time[a, c] += np.int64(np.random.random() ** 2 * (slack + 1) * np.random.random())
    forward(d, way, event, time)


@njit(cache=True, nogil=True)
def forward(d: Any, way: Any, event: Any, time: Any) -> bool:
    """Raise event times until each commodity is released and arrived before it departs; False: they never end."""
    changed, passes = True, 0
    while changed:
        changed = False
        passes += 1
        if passes > MOST_PASSES:
            return False
        for k in range(way.size):
            w = way[k]
            if w < 0:
                continue
            ready = d.release[k]
            for i in range(d.start[w + 1] - d.start[w]):
                a, c = d.arcs[d.start[w] + i], event[k, i]
                if time[a, c] < ready:
                    time[a, c] = ready
                    changed = True
                ready = time[a, c] + d.transit[a]
                if ready > d.due[k] + HORIZON:
                    return False
    return True


@njit(cache=True, nogil=True)
def put_in(
    d: Any, k: int, way: Any, event: Any, load: Any, time: Any, top: Any, work: Any, avoid: int, only: int
) -> int:  # fmt: skip
    """Put a commodity back where it costs least at the present times; the cost added.

    ``avoid``: a way not to take unless there is no other; ``only``: the one way to take (-1: any).
    """
    best, best_way, q = 1 << 60, -1, d.quantity[k]
    ready, paid, came, chosen = work.ready, work.paid, work.came, work.chosen
    for w in range(d.first[k], d.first[k + 1]):
        if d.variable[w] >= best or (w == avoid and d.first[k + 1] - d.first[k] > 1):
            continue
        if only >= 0 and w != only:
            continue
        length = d.start[w + 1] - d.start[w]
        ready[0, 0], paid[0, 0] = 0, d.variable[w]
        count = 1
        for i in range(length):
            a = d.arcs[d.start[w] + i]
            early, late = d.early[d.start[w] + i], d.late[d.start[w] + i]
            own = d.fixed[a] * vehicles(q, d.capacity[a])
            n = 0
            for one in range(count):
                begin = max(ready[i, one], early)
                if begin > late:
                    continue
                n = _keep(work, i + 1, n, begin + d.transit[a], paid[i, one] + own, one, -1, best)
                for c in range(top[a]):
                    if load[a, c] > 0 and begin <= time[a, c] <= late:
                        more = vehicles(load[a, c] + q, d.capacity[a]) - vehicles(load[a, c], d.capacity[a])
                        n = _keep(
                            work, i + 1, n, time[a, c] + d.transit[a], paid[i, one] + d.fixed[a] * more, one, c, best
                        )
            count = n
        for one in range(count):
            if paid[length, one] < best:
                best, best_way = paid[length, one], w
                label = one
                for i in range(length - 1, -1, -1):
                    work.plan[i] = chosen[i + 1, label]
                    label = came[i + 1, label]
    way[k] = best_way
    at = np.int64(0)
    for i in range(d.start[best_way + 1] - d.start[best_way]):
        a = d.arcs[d.start[best_way] + i]
        at = max(at, d.early[d.start[best_way] + i])
        c = work.plan[i]
        if c < 0:
            c = 0
            while load[a, c] > 0:
                c += 1
            time[a, c] = at
            top[a] = max(top[a], c + 1)
        load[a, c] += q
        event[k, i] = c
        at = time[a, c] + d.transit[a]
    return best


@njit(cache=True, nogil=True)
def _keep(work: Any, row: int, n: int, at: int, cost: int, came: int, chosen: int, best: int) -> int:
    """Add a label unless another is as early and as cheap; drop those it beats. The new number of labels."""
    if cost >= best:
        return n
    ready, paid = work.ready, work.paid
    one = 0
    while one < n:
        if ready[row, one] <= at and paid[row, one] <= cost:
            return n
        if ready[row, one] >= at and paid[row, one] >= cost:
            n -= 1
            ready[row, one], paid[row, one] = ready[row, n], paid[row, n]
            work.came[row, one], work.chosen[row, one] = work.came[row, n], work.chosen[row, n]
        else:
            one += 1
    if n >= MOST_LABELS:
        return n
    ready[row, n], paid[row, n], work.came[row, n], work.chosen[row, n] = at, cost, came, chosen
    return n + 1


@njit(cache=True, nogil=True)
def rounds(
    d: Any, way: Any, event: Any, load: Any, time: Any, latest: Any, top: Any, work: Any, near: Any, best_way: Any,
    best_event: Any, best: int, count: int, heat: float, most_out: int, seed: int,
) -> int:  # fmt: skip
    """``count`` rounds from the plan in ``way`` and ``event``; the best is left in ``best_way``, ``best_event``."""
    np.random.seed(seed)
    here = cost_of(d, way, load)
    old_way, old_event = way.copy(), event.copy()
    out = np.zeros(most_out, np.int64)
    for _ in range(count):
        n = _choose(way.size, near, out, most_out)
        for j in range(n):
            out_k = out[j]
            take_out(d, out_k, way, event, load)
        shift(d, way, event, time, latest, 1)
        for j in range(n):
            if j > 0 and np.random.random() < 0.5:
                shift(d, way, event, time, latest, 1)
            avoid = old_way[out[j]] if np.random.random() < 0.03 else -1
            put_in(d, out[j], way, event, load, time, top, work, avoid, -1)
        cost = cost_of(d, way, load)
        if cost <= here - heat * np.log(np.random.random() + 1e-12):
            here = cost
            old_way[:], old_event[:, :] = way, event
            if cost < best:
                best = cost
                best_way[:], best_event[:, :] = way, event
        else:
            way[:], event[:, :] = old_way, old_event
            rebuild(d, way, event, load, top)
    return best


@njit(cache=True, nogil=True)
def rebuild(d: Any, way: Any, event: Any, load: Any, top: Any) -> None:
    """Loads and highest events from the ways and events of all commodities."""
    load[:, :] = 0
    top[:] = 0
    for k in range(way.size):
        w = way[k]
        if w >= 0:
            for i in range(d.start[w + 1] - d.start[w]):
                a, c = d.arcs[d.start[w] + i], event[k, i]
                load[a, c] += d.quantity[k]
                top[a] = max(top[a], c + 1)


@njit(cache=True, nogil=True)
def _choose(size: int, near: Any, out: Any, most_out: int) -> int:
    """A commodity at random and some of those that could travel with it, in random order."""
    out[0] = np.random.randint(size)
    n, wanted = 1, min(size, 2 + np.random.randint(most_out - 1))
    tries = 0
    while n < wanted and tries < 4 * most_out:
        tries += 1
        around = near[out[np.random.randint(n)]]
        one = around[np.random.randint(around.size)]
        seen = False
        for j in range(n):
            seen = seen or out[j] == one
        if not seen:
            out[n] = one
            n += 1
    for j in range(n - 1, 0, -1):
        other = np.random.randint(j + 1)
        out[j], out[other] = out[other], out[j]
    return n
