"""From the engine's rounds to rounds that keep every rule: what does not hold is taken out and put in elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from routing.rounds.alone import Job
from routing.rounds.case import Case, Round, Trips, Visit
from routing.rounds.timing import Timed, fits, timed


@dataclass
class Kept:
    """Rounds that hold, with their times, and the jobs that found no place."""

    rounds: list[tuple[Round, Timed]]
    left: list[Job]


def mend(case: Case, jobs: Sequence[Job], found: Sequence[Round]) -> Kept:
    """Rounds that keep every rule and the number of trucks, each job in one of them or left over."""
    owner = {node: job for job in jobs for node in job.nodes}
    kept: list[tuple[Round, Timed]] = []
    loose = {job.id: job for job in jobs}
    for one in found:
        better = _relieved(case, owner, one)
        if better is not None:
            kept.append(better)
    kept = _within_fleet(case, owner, kept)
    for one, _ in kept:
        for node in one.nodes():
            loose.pop(owner[node].id, None)
    out = {job.id for job in _put_in(case, kept, owner, loose.values())}
    left = [job for job in jobs if job.id in out]
    return Kept([_cheapest_truck(case, kept, at) for at in range(len(kept))], left)


def _put_in(
    case: Case, kept: list[tuple[Round, Timed]], owner: dict[int, Job], loose: Iterable[Job]
) -> list[Job]:  # fmt: skip
    """Put the jobs in, those that must go first and, if need be, in the place of others; who found none."""
    left = []
    waiting = sorted(loose, key=lambda job: not job.must_go)
    while waiting:
        job = waiting.pop(0)
        if _insert(case, kept, job):
            continue
        away = _in_place_of_others(case, kept, owner, job) if job.must_go else None
        if away is None:
            left.append(job)
        else:
            waiting += away
    return left


def _in_place_of_others(
    case: Case, kept: list[tuple[Round, Timed]], owner: dict[int, Job], job: Job
) -> list[Job] | None:  # fmt: skip
    """Put a job that must go where others of one round need not: those taken out, or None where that does not help."""
    for at in sorted(range(len(kept)), key=lambda at: (len(kept[at][0].nodes()), at)):
        one = kept[at][0]
        away = [other for other in dict.fromkeys(owner[node] for node in one.nodes()) if not other.must_go]
        if not away:
            continue
        for other in away:
            one = without(one, other)
        rest = [*kept[:at], *kept[at + 1 :]]
        if one.trips:
            found = timed(case, one) if fits(case, one) else None
            if found is None:
                continue
            rest.append((one, found))
        if _insert(case, rest, job, [len(rest) - 1] if one.trips else []):
            kept[:] = rest
            return away
    return None


def _relieved(case: Case, owner: dict[int, Job], one: Round) -> tuple[Round, Timed] | None:
    """The round with as few jobs taken out as it takes to hold."""
    while one.trips:
        if fits(case, one) and (found := timed(case, one)) is not None:
            return one, found
        choices = []
        for job in dict.fromkeys(owner[node] for node in one.nodes()):
            less = without(one, job)
            found = timed(case, less) if less.trips and fits(case, less) else None
            if found is not None:
                choices.append((not job.must_go, found.cost_units, job.id, less, found))
        if choices:
            *_, less, found = max(choices, key=lambda choice: choice[:3])  # the cheapest job to lose the place
            return less, found
        nodes = one.nodes()
        one = without(one, owner[next((node for node in reversed(nodes) if not owner[node].must_go), nodes[-1])])
    return None


def without(one: Round, job: Job) -> Round:
    trips = (tuple(visit for visit in trip if visit.node not in job.nodes) for trip in one.trips)
    return Round(one.truck, tuple(trip for trip in trips if trip))


def _within_fleet(
    case: Case, owner: dict[int, Job], kept: list[tuple[Round, Timed]]
) -> list[tuple[Round, Timed]]:  # fmt: skip
    """No more rounds than trucks: those with the least that must go, then those with the fewest visits go first."""

    def worth(pair: tuple[Round, Timed]) -> tuple[int, int, list[int]]:
        nodes = pair[0].nodes()
        return -sum(owner[node].must_go for node in nodes), -len(nodes), nodes

    used: Counter[int] = Counter()
    found = []
    for one in sorted(kept, key=worth):
        if used[one[0].truck] < case.trucks[one[0].truck].count:
            used[one[0].truck] += 1
            found.append(one)
    return sorted(found, key=lambda pair: (pair[0].truck, pair[0].nodes()))


def _insert(
    case: Case, kept: list[tuple[Round, Timed]], job: Job, among: Iterable[int] | None = None
) -> bool:  # fmt: skip
    """Put the job where it costs least: in a round (`among`: of these) or on a free truck; False where it cannot be."""
    best: tuple[int, int, Round, Timed] | None = None
    for at in range(len(kept)) if among is None else among:
        one, was = kept[at]
        for more in with_job(case, one, job):
            if not fits(case, more):
                continue
            now = timed(case, more)
            if now is not None and (best is None or now.cost_units - was.cost_units < best[0]):
                best = (now.cost_units - was.cost_units, at, more, now)
    used = Counter(one.truck for one, _ in kept)
    for truck in sorted(case.nodes[job.nodes[0]].trucks):
        if used[truck] < case.trucks[truck].count:
            for windows in range(len(case.nodes[job.nodes[0]].windows)):
                new = Round(truck, (tuple(Visit(node, windows) for node in job.nodes),))
                now = timed(case, new) if fits(case, new) else None
                if now is not None and (best is None or now.cost_units < best[0]):
                    best = (now.cost_units, -1, new, now)
    if best is None:
        return False
    if best[1] < 0:
        kept.append(best[2:])
    else:
        kept[best[1]] = best[2:]
    return True


def with_job(case: Case, one: Round, job: Job) -> Iterator[Round]:
    """The round with the job at each place of each trip, in each window."""
    for window in range(len(case.nodes[job.nodes[0]].windows)):
        visits = [Visit(node, window) for node in job.nodes]
        for at, trip in enumerate(one.trips):
            for place in range(len(trip) + 1):
                if len(visits) == 1:
                    yield _put(one, at, (*trip[:place], visits[0], *trip[place:]))
                    continue
                for later in range(place, len(trip) + 1):
                    yield _put(one, at, (*trip[:place], visits[0], *trip[place:later], visits[1], *trip[later:]))
        if len(one.trips) < case.trucks[one.truck].trips:
            yield Round(one.truck, (*one.trips, tuple(visits)))
            yield Round(one.truck, (tuple(visits), *one.trips))


def _put(one: Round, at: int, trip: tuple[Visit, ...]) -> Round:
    trips: Trips = (*one.trips[:at], trip, *one.trips[at + 1 :])
    return Round(one.truck, trips)


def _cheapest_truck(case: Case, kept: list[tuple[Round, Timed]], at: int) -> tuple[Round, Timed]:
    """The same visits by the kind of truck that does them cheapest, where one is free."""
    one, best = kept[at]
    used = Counter(other.truck for other, _ in kept)
    for truck in range(len(case.trucks)):
        if truck != one.truck and used[truck] < case.trucks[truck].count and len(one.trips) <= case.trucks[truck].trips:
            other = Round(truck, one.trips)
            found = timed(case, other) if fits(case, other) else None
            if found is not None and found.cost_units < best.cost_units:
                one, best = other, found
    kept[at] = (one, best)
    return one, best
