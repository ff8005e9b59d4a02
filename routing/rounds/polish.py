"""Last improvements with the exact schedule: order within a round, a job moved or two exchanged, rounds merged.

The engine puts rests on the first leg and rounds the price of a second; what that hides is found here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, combinations, permutations

from routing.rounds.alone import Job
from routing.rounds.case import Case, Round, Visit
from routing.rounds.mend import with_job, without
from routing.rounds.timing import Timed, fits, timed

NEAR, ALL_ORDERS, MOST_PASSES = 8, 5, 20
Pair = tuple[Round, Timed]


def _cost(pairs: Sequence[Pair]) -> int:
    return sum(found.cost_units for _, found in pairs)


class Polish:
    """Improves rounds in place until nothing helps or `over` says so."""

    def __init__(self, case: Case, jobs: Sequence[Job], kept: list[Pair], over: Callable[[], bool]) -> None:
        self._case, self._kept, self._over = case, kept, over
        self._job = {node: job for job in jobs for node in job.nodes}
        self._near = {job.id: self._neighbours(job) for job in jobs}

    def run(self) -> list[Pair]:
        """The improved rounds."""
        for _ in range(MOST_PASSES):
            if not any([self._orders(), self._shares(), self._moves(), self._swaps()]):
                break
        return self._kept

    def _neighbours(self, job: Job) -> set[int]:
        row = self._case.metres[job.nodes[0]]
        return set(
            sorted((node for node in self._job if node not in job.nodes), key=lambda node: (row[node], node))[:NEAR]
        )

    def _priced(self, one: Round) -> Pair | None:
        """The round by the cheapest kind of truck that is its own or free; None where none can."""
        used = Counter(other.truck for other, _ in self._kept)
        best: Pair | None = None
        for truck, kind in enumerate(self._case.trucks):
            if (truck != one.truck and used[truck] >= kind.count) or len(one.trips) > kind.trips:
                continue
            new = Round(truck, one.trips)
            found = timed(self._case, new) if fits(self._case, new) else None
            if found is not None and (best is None or found.cost_units < best[1].cost_units):
                best = (new, found)
        return best

    def _orders(self) -> bool:
        """Other orders of each short round; for longer ones a stretch turned round or one visit moved."""
        better = False
        for at in range(len(self._kept)):
            one, was = self._kept[at]
            for trips in self._other_trips(one):
                if self._over():
                    return better
                found = self._priced(Round(one.truck, trips))
                if found is not None and found[1].cost_units < was.cost_units:
                    self._kept[at], was, better = found, found[1], True
        return better

    def _other_trips(self, one: Round) -> Iterator[tuple[tuple, ...]]:  # type: ignore[type-arg]
        for at, trip in enumerate(one.trips):
            if len(trip) <= ALL_ORDERS:
                orders: Iterator[tuple] = permutations(trip)  # type: ignore[type-arg]
            else:
                orders = (
                    trip[:a] + trip[a:b][::-1] + trip[b:] for a in range(len(trip)) for b in range(a + 2, len(trip) + 1)
                )
            for order in orders:
                yield (*one.trips[:at], order, *one.trips[at + 1 :])

    def _shares(self) -> bool:
        """The visits of up to three small rounds shared anew between at most two trucks, all ways tried."""
        better = False
        small = [pair[0] for pair in self._kept if len(pair[0].trips) == 1 and len(pair[0].nodes()) <= ALL_ORDERS]
        for group in chain.from_iterable(combinations(small, size) for size in (1, 2, 3)):
            if sum(len(one.nodes()) for one in group) > ALL_ORDERS or self._over():
                continue
            mine = [pair for pair in self._kept if pair[0] in group]
            if len(mine) == len(group):
                self._kept = [pair for pair in self._kept if pair not in mine]
                new = self._shared([visit for pair in mine for visit in pair[0].trips[0]])
                if new is not None and _cost(new) < _cost(mine):
                    mine, better = new, True
                self._kept += mine
        return better

    def _shared(self, visits: list[Visit]) -> list[Pair] | None:
        """The cheapest way to serve the visits by one truck or two, the cheapest order of each."""
        best: list[Pair] | None = None
        for count in range(len(visits) // 2 + 1):
            for part in combinations(visits, count):
                rest = [visit for visit in visits if visit not in part]
                pairs = [self._ordered(tuple(rest))] + ([self._ordered(part)] if part else [])
                sound = [pair for pair in pairs if pair is not None]
                if len(sound) < len(pairs) or not self._enough([*self._kept, *sound]):
                    continue
                if best is None or _cost(sound) < _cost(best):
                    best = sound
        return best

    def _ordered(self, visits: tuple[Visit, ...]) -> Pair | None:
        found = [pair for order in permutations(visits) if (pair := self._priced(Round(-1, (order,)))) is not None]
        return min(found, key=lambda pair: pair[1].cost_units, default=None)

    def _moves(self) -> bool:
        """Each job out of its round into another, or onto a truck of its own."""
        better = False
        for job in self._jobs():
            if self._over():
                break
            at, one, was = self._where(job)
            rest = without(one, job)
            less = self._priced(rest) if rest.trips else None
            if rest.trips and less is None:
                continue
            saved = was.cost_units - (less[1].cost_units if less else 0)
            best: tuple[int, int, Pair] | None = None
            for other in range(len(self._kept)):
                target, now = self._kept[other]
                if other == at or not self._near[job.id] & set(target.nodes()):
                    continue
                for more in with_job(self._case, target, job):
                    found = self._priced(more)
                    if found is not None and (best is None or found[1].cost_units - now.cost_units < best[0]):
                        best = (found[1].cost_units - now.cost_units, other, found)
            own = self._own(job) if rest.trips else None
            new = list(self._kept)
            new[at : at + 1] = [less] if less else []
            if own is not None and own[1].cost_units < min(saved, best[0] if best else saved):
                better |= self._take([*new, own])
            elif best is not None and best[0] < saved:
                new[best[1] - (less is None and best[1] > at)] = best[2]
                better |= self._take(new)
        return better

    def _take(self, new: list[Pair]) -> bool:
        """Keep these rounds, unless two of them want the same last truck: each was priced as if it were free."""
        if not self._enough(new):
            return False
        self._kept = new
        return True

    def _enough(self, pairs: Sequence[Pair]) -> bool:
        used = Counter(one.truck for one, _ in pairs)
        return all(count <= self._case.trucks[truck].count for truck, count in used.items())

    def _swaps(self) -> bool:
        """Two jobs of two rounds in each other's place."""
        better = False
        for job in self._jobs():
            for node in sorted(self._near[job.id]):
                other = self._job[node]
                if self._over():
                    return better
                a, one, was = self._where(job)
                b, two, also = self._where(other)
                if a == b:
                    continue
                first = self._best_with(without(one, job), other)
                second = self._best_with(without(two, other), job)
                if first and second and first[1].cost_units + second[1].cost_units < was.cost_units + also.cost_units:
                    new = list(self._kept)
                    new[a], new[b] = first, second
                    better |= self._take(new)
        return better

    def _own(self, job: Job) -> Pair | None:
        """The job on a free truck of its own."""
        used = Counter(other.truck for other, _ in self._kept)
        free = [at for at, kind in enumerate(self._case.trucks) if used[at] < kind.count]
        found = [
            pair for at in free for more in with_job(self._case, Round(at, ((),)), job) if (pair := self._priced(more))
        ]
        return min(found, key=lambda pair: pair[1].cost_units, default=None)

    def _best_with(self, one: Round, job: Job) -> Pair | None:
        target = one if one.trips else Round(one.truck, ((),))
        found = [pair for more in with_job(self._case, target, job) if (pair := self._priced(more)) is not None]
        return min(found, key=lambda pair: pair[1].cost_units, default=None)

    def _jobs(self) -> list[Job]:
        return list({self._job[node].id: self._job[node] for one, _ in self._kept for node in one.nodes()}.values())

    def _where(self, job: Job) -> tuple[int, Round, Timed]:
        for at, (one, found) in enumerate(self._kept):
            if job.nodes[0] in one.nodes():
                return at, one, found
        raise AssertionError(f"{job.id} is in no round")
