"""The rough search of the planner for many consignments, compiled by numba: move, pull together, shed.

Units and arrays are those of `bulk_kernel.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from routing.bulk_kernel import FAR, FULL_CM3, IS_BOX, group_price


@njit(cache=True, nogil=True)
def _price_of(g: int, volume: float, weight: float, kind: Any, offer_first: Any, offers: Any) -> float:
    k = kind[g]
    return float(group_price(offers[offer_first[k] : offer_first[k + 1]], volume, weight))


@njit(cache=True, nogil=True)
def _move(k: int, path: int, way: Any, group: Any, vol: Any, wt: Any, held: Any, weighs: Any, paid: Any, kind: Any,
          offer_first: Any, offers: Any) -> None:  # fmt: skip
    """Put a consignment on another path and price both groups."""
    for sign, at in ((-1.0, way[k]), (1.0, path)):
        if at >= 0:
            g = group[at]
            held[g] = max(0.0, held[g] + sign * vol[k])
            weighs[g] = max(0.0, weighs[g] + sign * wt[k])
            if held[g] < 1.0:
                held[g], weighs[g] = 0.0, 0.0
            paid[g] = _price_of(g, held[g], weighs[g], kind, offer_first, offers)
    way[k] = path


@njit(cache=True, nogil=True)
def _best_way(k: int, slack: float, skip: int, way: Any, start: Any, group: Any, cost: Any, vol: Any, wt: Any,
              held: Any, weighs: Any, paid: Any, kind: Any, offer_first: Any,
              offers: Any) -> tuple[int, float]:  # fmt: skip
    """The best other path of a consignment and what the whole changes by; (-1, 0) where none changes it by less than
    `slack`.
    """
    now = way[k]
    g = group[now]
    off = _price_of(g, held[g] - vol[k], weighs[g] - wt[k], kind, offer_first, offers) - paid[g] - cost[now]
    best, least = -1, slack
    for path in range(start[k], start[k + 1]):
        to = group[path]
        if to in (g, skip) or cost[path] + off >= least:
            continue
        more = cost[path] + off - paid[to]
        more += _price_of(to, held[to] + vol[k], weighs[to] + wt[k], kind, offer_first, offers)
        if more < least:
            best, least = path, more
    return best, (least if best >= 0 else 0.0)


@njit(cache=True, nogil=True)
def relocate(ks: Any, slack: float, way: Any, start: Any, group: Any, cost: Any, vol: Any, wt: Any, held: Any,
             weighs: Any, paid: Any, kind: Any, offer_first: Any, offers: Any) -> float:  # fmt: skip
    """Each consignment in turn to its best path; what the whole changed by. A worse one is taken up to `slack`."""
    total = 0.0
    for k in ks:
        limit = -1e-6 if slack <= 0 else -slack * np.log(1.0 - np.random.random())
        path, change = _best_way(
            k, limit, -1, way, start, group, cost, vol, wt, held, weighs, paid, kind, offer_first, offers
        )
        if path >= 0:
            _move(k, path, way, group, vol, wt, held, weighs, paid, kind, offer_first, offers)
            total += change
    return total


@njit(cache=True, nogil=True)
def pull(groups: Any, noise: float, order: Any, first: Any, owner: Any, way: Any, group: Any, cost: Any, vol: Any,
         wt: Any, held: Any, weighs: Any, paid: Any, kind: Any, offer_first: Any, offers: Any) -> float:  # fmt: skip
    """For each group: goods drawn from elsewhere to fill one more box, kept where the whole falls."""
    total = 0.0
    for g in groups:
        n = first[g + 1] - first[g]
        row = offers[offer_first[kind[g]] : offer_first[kind[g] + 1]]
        boxes = np.flatnonzero(row[:, IS_BOX] > 0)
        if n == 0 or len(boxes) == 0:
            continue
        box = row[boxes[np.random.randint(len(boxes))]]
        full = box[FULL_CM3]
        room = full
        if held[g] > 0 and np.random.random() < 0.6:
            room = full - held[g] % full
        elif np.random.random() < 0.2:
            room = 2 * full
        score = np.empty(n)
        for at in range(n):
            path = order[first[g] + at]
            k = owner[path]
            score[at] = FAR
            now = way[k]
            if now < 0 or group[now] == g or vol[k] > full:
                continue
            other = group[now]
            part = max(vol[k] / max(1.0, held[other]), wt[k] / max(1.0, weighs[other]))
            freed = (paid[other] * part + cost[now] - cost[path]) * (1 + noise * (2 * np.random.random() - 1))
            if freed > 0:
                score[at] = -freed / vol[k]
        change = -paid[g]
        done = np.empty(n, np.int64)
        old = np.empty(n, np.int64)
        count = 0
        for at in np.argsort(score):
            if score[at] >= FAR or room < 0.01 * full:
                break
            path = order[first[g] + at]
            k = owner[path]
            if vol[k] > room:
                continue
            other = group[way[k]]
            before = paid[other] + cost[way[k]]
            done[count], old[count] = k, way[k]
            count += 1
            held[other] = max(0.0, held[other] - vol[k])
            weighs[other] = max(0.0, weighs[other] - wt[k])
            if held[other] < 1.0:
                held[other], weighs[other] = 0.0, 0.0
            paid[other] = _price_of(other, held[other], weighs[other], kind, offer_first, offers)
            change += paid[other] - before + cost[path]
            held[g] += vol[k]
            weighs[g] += wt[k]
            way[k] = path
            room -= vol[k]
        paid[g] = _price_of(g, held[g], weighs[g], kind, offer_first, offers)
        change += paid[g]
        if change < -1e-6:
            total += change
        else:
            for turn in range(count - 1, -1, -1):
                _move(done[turn], old[turn], way, group, vol, wt, held, weighs, paid, kind, offer_first, offers)
    return total


@njit(cache=True, nogil=True)
def shed(groups: Any, ks_first: Any, ks_of: Any, way: Any, start: Any, group: Any, cost: Any, vol: Any, wt: Any,
         held: Any, weighs: Any, paid: Any, kind: Any, offer_first: Any, offers: Any) -> float:  # fmt: skip
    """For each group: goods sent elsewhere until one box less is needed, kept where the whole falls. `ks_of` lists the
    members of each group when this began.
    """
    total = 0.0
    for g in groups:
        row = offers[offer_first[kind[g]] : offer_first[kind[g] + 1]]
        boxes = np.flatnonzero(row[:, IS_BOX] > 0)
        if held[g] <= 0:
            continue
        full = row[boxes[np.random.randint(len(boxes))], FULL_CM3] if len(boxes) else held[g]
        goal = held[g] - (held[g] % full if held[g] % full > 0 else full)
        members = ks_of[ks_first[g] : ks_first[g + 1]]
        extra = np.full(len(members), FAR)
        for at in range(len(members)):
            k = members[at]
            if way[k] >= 0 and group[way[k]] == g:
                least = FAR
                for path in range(start[k], start[k + 1]):
                    if group[path] != g:
                        least = min(least, cost[path])
                extra[at] = (least - cost[way[k]]) / vol[k]
        change = 0.0
        done = np.empty(len(members), np.int64)
        old = np.empty(len(members), np.int64)
        count = 0
        for at in np.argsort(extra):
            if extra[at] >= FAR / 1e9 or held[g] <= goal + 1.0:
                break
            k = members[at]
            path, more = _best_way(
                k, FAR, -1, way, start, group, cost, vol, wt, held, weighs, paid, kind, offer_first, offers
            )
            if path < 0:
                continue
            done[count], old[count] = k, way[k]
            count += 1
            _move(k, path, way, group, vol, wt, held, weighs, paid, kind, offer_first, offers)
            change += more
        if change < -1e-6:
            total += change
        else:
            for turn in range(count - 1, -1, -1):
                _move(done[turn], old[turn], way, group, vol, wt, held, weighs, paid, kind, offer_first, offers)
    return total


@njit(cache=True)
def sow(seed: int) -> None:
    """Begin the kernel's own draws."""
    np.random.seed(seed)
