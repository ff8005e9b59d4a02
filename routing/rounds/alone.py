"""Each stop on a round of its own: what that costs, or why no truck can do it at all."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from routing.rounds.case import Case, Round, Visit
from routing.rounds.problem import DIMENSIONS
from routing.rounds.timing import Timed, fits, timed

Values = dict[str, int | str]


@dataclass(frozen=True)
class Reason:
    """Why a job is left out: a code of `words.REASONS` and the values of its sentence."""

    code: str
    values: Values


@dataclass(frozen=True)
class Job:
    """A stop, or both ends of a transfer: served whole or not at all."""

    id: str
    owner: str
    nodes: tuple[int, ...]
    must_go: bool


def jobs(case: Case) -> list[Job]:
    """Stops in the order of the problem, then transfers."""
    first = len(case.problem.depots)
    found = [Job(one.id, one.owner, (first + at,), one.must_go) for at, one in enumerate(case.problem.stops)]
    for at, one in enumerate(case.problem.transfers):
        pick = case.first_transfer + 2 * at
        found.append(Job(one.id, one.owner, (pick, pick + 1), one.must_go))
    return found


def alone(case: Case, job: Job) -> tuple[Round, Timed] | Reason:
    """The cheapest round that serves the job and nothing else, or the reason why there is none."""
    best: tuple[Round, Timed] | None = None
    for truck in sorted(case.nodes[job.nodes[0]].trucks):
        if case.trucks[truck].count < 1:
            continue
        for window in range(len(case.nodes[job.nodes[0]].windows)):
            one = Round(truck, (tuple(Visit(node, window) for node in job.nodes),))
            found = timed(case, one) if fits(case, one) else None
            if found is not None and (best is None or found.cost_units < best[1].cost_units):
                best = (one, found)
    return best or _reason(case, job)


def _reason(case: Case, job: Job) -> Reason:
    """The first stage that no truck passes, with the least that is missing."""
    trucks = [at for at in sorted(case.nodes[job.nodes[0]].trucks) if case.trucks[at].count > 0]
    if not trucks:
        return Reason("no_truck", {})
    strong = [at for at in trucks if fits(case, Round(at, (tuple(Visit(node) for node in job.nodes),)))]
    if not strong:
        return _too_much(case, job, trucks)
    metres = {at: _metres(case, job, at) for at in strong}
    near = [at for at in strong if metres[at] <= case.most_metres(at, case.problem.hours.drive_s)]
    if not near:
        at = min(strong, key=lambda at: metres[at] - case.most_metres(at, case.problem.hours.drive_s))
        most = case.most_metres(at, case.problem.hours.drive_s)
        return Reason("too_far", {"km": -(-metres[at] // 1000), "most_km": most // 1000, "truck": case.trucks[at].code})
    return min((_late(case, job, at) for at in near), key=lambda found: found[0])[1]


def _metres(case: Case, job: Job, truck: int) -> int:
    way = [case.depot_of[truck], *job.nodes, case.depot_of[truck]]
    return sum(case.metres[a][b] for a, b in pairwise(way))


def _too_much(case: Case, job: Job, trucks: list[int]) -> Reason:
    """The truck that lacks least, and what it lacks most of."""
    off, on = case.amounts(job.nodes[0])
    need = [max(a, b) for a, b in zip(off, on, strict=True)]
    lacks = []
    for at in trucks:
        shares = [
            (1000 * (want - hold) // max(1, hold), name, want, hold)
            for name, want, hold in zip(DIMENSIONS, need, case.trucks[at].holds(), strict=True)
        ]
        share, name, want, hold = max(shares)
        lacks.append((share, at, name, want, hold))
    _, at, name, want, hold = min(lacks)
    return Reason("too_much", {"what": name, "amount": want, "holds": hold, "truck": case.trucks[at].code})


def _late(case: Case, job: Job, at: int) -> tuple[tuple[int, int], Reason]:
    """How far the truck gets, driving as early as it may: which instant it misses and by how many seconds."""
    truck, hours = case.trucks[at], case.problem.hours
    depot = case.nodes[case.depot_of[at]]
    way = [case.depot_of[at], *job.nodes, case.depot_of[at]]
    opens, closes = depot.windows[0]
    clock, since = max(opens, truck.start_at) + depot.service_s, 0
    if max(opens, truck.start_at) > min(closes, truck.end_at):
        return (3, 0), Reason("depot_closed", {"truck": truck.code, "depot": depot.id})
    spell = case.most_metres(at, hours.spell_s)
    for a, b in pairwise(way):
        leg = case.metres[a][b]
        rests = max(0, since + leg - 1) // spell if leg else 0
        since += leg - rests * spell
        clock += case.drive_s(at, leg) + rests * hours.rest_s
        if b == way[-1]:
            break
        node = case.nodes[b]
        later = [one for one in node.windows if one[1] >= clock]
        if not later:
            last = max(one[1] for one in node.windows)
            return (2, clock - last), Reason("closed", {"truck": truck.code, "arrive_at": clock, "close_at": last})
        clock = max(clock, min(one[0] for one in later)) + node.service_s
    end = min(closes, truck.end_at)
    if clock > end:
        return (1, clock - end), Reason("back_late", {"truck": truck.code, "back_at": clock, "end_at": end})
    return (0, 0), Reason("shift", {"truck": truck.code, "shift_s": truck.shift_s})
