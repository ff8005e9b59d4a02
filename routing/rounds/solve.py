"""Rounds from a problem: what no truck can do is named, the rest is searched, mended, bounded and written down."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

from routing.rounds.alone import Job, Reason, alone, jobs
from routing.rounds.answer import Call, Left, OwnerShare, PlanRound, RoundsPlan
from routing.rounds.bound import Bound, bound
from routing.rounds.case import COST, Case, Round
from routing.rounds.engine import Limit, Search
from routing.rounds.mend import Kept, mend
from routing.rounds.polish import Polish
from routing.rounds.problem import Amount, Problem
from routing.rounds.timing import Timed
from routing.units import ceil_div, gap_ppm

SOLVER = f"PyVRP {version('pyvrp')}"
BOUND_ROUNDS = 120
MEND_PERMILLE, BOUND_PERMILLE = 50, 60


def make_rounds(problem: Problem, *, seconds: float = 30.0, work: int | None = None, seed: int = 1) -> RoundsPlan:
    """The rounds found in the time, or in `work` iterations: then the same on any machine for the same seed."""
    started = time.perf_counter()
    case = Case(problem)
    every = jobs(case)
    single: dict[str, tuple[Round, Timed]] = {}
    reasons: dict[str, Reason] = {}
    for job in every:
        answer = alone(case, job)
        if isinstance(answer, Reason):
            reasons[job.id] = answer
        else:
            single[job.id] = answer
    able = [job for job in every if job.id in single]
    kept, proved, iterations = _searched(
        case, able, single, Limit(max(0.1, seconds - (time.perf_counter() - started)), work), seed
    )
    for job in kept.left:
        reasons[job.id] = _no_truck_left(case, single[job.id])
    return Writer(case, every, kept, single, reasons).plan(
        proved, seed=seed, seconds=seconds, work=work, iterations=iterations, started=started
    )


def _searched(
    case: Case, able: Sequence[Job], single: dict[str, tuple[Round, Timed]], limit: Limit, seed: int
) -> tuple[Kept, Bound, int]:
    """Rounds and bound, side by side; where jobs are left over, a bound for the served ones afterwards."""
    if not able:
        return Kept([], []), Bound(0, "nothing to bound", 0), 0
    begun = time.perf_counter()
    typical = sum(found.cost_units for _, found in single.values()) // len(single)
    most = BOUND_ROUNDS if limit.work is not None else None
    search = Search(case, able, limit.part(1000 - MEND_PERMILLE), seed, typical)
    probed = mend(case, able, search.probed())
    with ThreadPoolExecutor(1) as pool:
        left_s = limit.seconds * (1000 - BOUND_PERMILLE) / 1000 - (time.perf_counter() - begun)
        bounding = pool.submit(bound, case, able, probed.rounds, left_s, most)
        found = search.run()
        kept = mend(case, able, found.rounds)
        proved = bounding.result()
    if _rank(probed) < _rank(kept):
        kept = probed
    until = begun + limit.seconds
    out = {job.id for job in kept.left}
    served = [job for job in able if job.id not in out]
    polish = Polish(case, served, kept.rounds, lambda: limit.work is None and time.perf_counter() > until)
    kept = Kept(polish.run(), kept.left)
    if kept.left or not proved.units:  # what the probe left out was in no bound
        proved = bound(case, served, kept.rounds, limit.seconds / 10, most)
    return kept, proved, found.iterations


def _rank(kept: Kept) -> tuple[int, int, int]:
    """What counts first: that all goes that must, then that as much as can be goes, then the cost."""
    units = sum(found.cost_units for _, found in kept.rounds)
    return sum(job.must_go for job in kept.left), len(kept.left), units


def _no_truck_left(case: Case, single: tuple[Round, Timed]) -> Reason:
    """All trucks that could are out: one more of the cheapest kind would serve it, at this cost."""
    one, found = single
    return Reason(
        "no_truck_left", {"truck": case.trucks[one.truck].code, "cost_minor": ceil_div(found.cost_units, COST)}
    )


class Writer:
    """Turns what was found into a plan document."""

    def __init__(
        self, case: Case, every: Sequence[Job], kept: Kept, single: dict[str, tuple[Round, Timed]],
        reasons: dict[str, Reason],
    ) -> None:  # fmt: skip
        self._case, self._every, self._kept, self._single, self._reasons = case, every, kept, single, reasons

    def plan(
        self, proved: Bound, *, seed: int, seconds: float, work: int | None, iterations: int, started: float
    ) -> RoundsPlan:
        """The document; rounds by the instant at which they begin."""
        rounds = self._rounds()
        cost = sum(one.cost_minor for one in rounds)
        bound_minor = ceil_div(proved.units, COST)  # never lowered: the checker must see one that is wrong
        unserved = self._unserved()
        served = [job for job in self._every if job.id not in self._reasons]
        return RoundsPlan(
            state="infeasible" if any(one.must_go for one in unserved) or (self._every and not served) else "solved",
            snapshot_sha256=self._case.problem.snapshot_sha256(),
            seed=seed, solver=SOLVER, seconds_limit=seconds, work_limit=work, iterations=iterations,
            elapsed_ms=round((time.perf_counter() - started) * 1000),
            cost_minor=cost, bound_minor=bound_minor, bound_kind=proved.kind,
            gap_ppm=gap_ppm(cost, bound_minor),
            alone_minor=sum(self._alone(job) for job in served),
            metres=sum(one.metres for one in rounds), drive_s=sum(one.drive_s for one in rounds),
            duration_s=sum(one.duration_s for one in rounds),
            rounds=tuple(rounds), unserved=tuple(unserved), owners=tuple(self._owners(served)),
        )  # fmt: skip

    def _alone(self, job: Job) -> int:
        return ceil_div(self._single[job.id][1].cost_units, COST)

    def _owners(self, served: Sequence[Job]) -> list[OwnerShare]:
        count = Counter(job.owner for job in served)
        return [
            OwnerShare(
                owner=owner,
                jobs=count[owner],
                alone_minor=sum(self._alone(job) for job in served if job.owner == owner),
            )
            for owner in sorted(count)
        ]

    def _unserved(self) -> list[Left]:
        return [
            Left(
                id=job.id, owner=job.owner, reason=self._reasons[job.id].code, values=self._reasons[job.id].values,
                must_go=job.must_go,
            )
            for job in self._every
            if job.id in self._reasons
        ]  # fmt: skip

    def _rounds(self) -> list[PlanRound]:
        ordered = sorted(self._kept.rounds, key=lambda pair: (pair[1].begin[0], pair[0].truck, pair[0].nodes()))
        return [self._round(f"R{number:03d}", *pair) for number, pair in enumerate(ordered, 1)]

    def _round(self, name: str, one: Round, found: Timed) -> PlanRound:
        case, truck = self._case, self._case.trucks[one.truck]
        calls, fill = [], 0
        trip_of = [1, *(at + 1 for at, trip in enumerate(one.trips) for _ in (*trip, None))]
        load = self._loaded(one, 0)
        for i, visit in enumerate(found.visits):
            node = case.nodes[visit.node]
            if node.kind == "depot" and i:
                load = self._loaded(one, trip_of[i])
            else:
                off, on = case.amounts(visit.node)
                load = tuple(a - b + c for a, b, c in zip(load, off, on, strict=True))
            fill = max(fill, *(1000 * a // b for a, b in zip(load, truck.holds(), strict=True) if b))
            calls.append(
                Call(
                    kind=node.kind, id=node.id, trip=trip_of[i],  # type: ignore[arg-type]
                    drive_m=case.metres[found.visits[i - 1].node][visit.node] if i else 0,
                    rest_before_s=case.problem.hours.rest_s * found.rests.count(i - 1) if i else 0,
                    arrive_at=found.arrive[i], begin_at=found.begin[i], leave_at=found.leave[i],
                    load=Amount(weight_g=load[0], volume_cm3=load[1], pallets=load[2]),
                )
            )  # fmt: skip
        return PlanRound(
            id=name, truck=truck.code, depot=truck.depot, calls=tuple(calls), metres=found.metres,
            drive_s=found.drive_s, duration_s=found.duration_s, fill_permille=fill,
            cost_minor=ceil_div(found.cost_units, COST),
        )  # fmt: skip

    def _loaded(self, one: Round, trip: int) -> tuple[int, ...]:
        """What is on board when the trip (from 0) leaves the depot: nothing after the last."""
        load = [0, 0, 0]
        for visit in one.trips[trip] if trip < len(one.trips) else ():
            if self._case.nodes[visit.node].kind == "stop":
                load = [a + b for a, b in zip(load, self._case.amounts(visit.node)[0], strict=True)]
        return tuple(load)
