"""Joint, unified and centralised delivery (协同, 统一, 集中配送): what each makes of a problem.

Joint: every owner's goods share the trucks; each order is a call of its own. Unified: each place is called at once for
all owners, one visit with all their goods. Centralised: unified, and all goes through the first depot; the trucks of
others stay at home.
"""

from __future__ import annotations

from collections.abc import Iterator

from routing.rounds.problem import DIMENSIONS, MOST_AMOUNT, MOST_WINDOWS, Amount, Mode, Problem, Stop, Window

MOST_NAME, MOST_SERVICE_S = 64, 86_400


def in_mode(problem: Problem, mode: Mode) -> Problem:
    """The problem as the mode wants it. Orders of one place that cannot be one visit (no common time, too much for any
    truck or one visit, not the same trucks) stay apart. A united visit takes as long as its orders together.
    """
    problem = apart(problem, mode)
    if mode != "joint":
        problem = problem.model_copy(update={"stops": tuple(visit for visit, _ in united(problem))})
    return problem.model_copy(update={"mode": mode})


def apart(problem: Problem, mode: Mode) -> Problem:
    """The trucks and depots of the mode, each order still a stop of its own."""
    if mode != "centralised":
        return problem
    hub = problem.depots[0].code
    trucks = (one if one.depot == hub else one.model_copy(update={"count": 0}) for one in problem.trucks)
    stops = (one.model_copy(update={"depot": None}) for one in problem.stops)
    return problem.model_copy(update={"trucks": tuple(trucks), "stops": tuple(stops)})


def united(problem: Problem) -> Iterator[tuple[Stop, tuple[str, ...]]]:
    """The stops, those of one place joined in the order of the file, each with the orders that it is made of."""
    places: dict[object, list[tuple[Stop, tuple[str, ...]]]] = {}
    for one in problem.stops:
        visits = places.setdefault((problem.point(one), one.depot, one.trucks), [])
        for at, (visit, names) in enumerate(visits):
            both = _both(visit, one)
            if both is not None and _fits(problem, both):
                visits[at] = (both, (*names, one.id))
                break
        else:
            visits.append((one, (one.id,)))
    for visits in places.values():
        yield from visits


def _both(one: Stop, other: Stop) -> Stop | None:
    """One visit for two orders; None where they have no time in common, or where times, work, goods or names are more
    together than one visit may have.
    """
    windows = one.windows or other.windows
    if one.windows and other.windows:
        windows = tuple(
            Window(open_at=max(a.open_at, b.open_at), close_at=min(a.close_at, b.close_at))
            for a in one.windows
            for b in other.windows
            if max(a.open_at, b.open_at) <= min(a.close_at, b.close_at)
        )
        if not 0 < len(windows) <= MOST_WINDOWS:
            return None
    owner = one.owner if one.owner == other.owner else f"{one.owner}+{other.owner}"
    name = f"{one.id}+{other.id}"
    service_s = one.service_s + other.service_s
    sums = [
        [a + b for a, b in zip(mine.parts(), more.parts(), strict=True)]
        for mine, more in ((one.deliver, other.deliver), (one.collect, other.collect))
    ]
    if max(len(name), len(owner)) > MOST_NAME or service_s > MOST_SERVICE_S or max(map(max, sums)) > MOST_AMOUNT:
        return None
    deliver, collect = (Amount(**dict(zip(DIMENSIONS, parts, strict=True))) for parts in sums)
    return one.model_copy(
        update={
            "id": name, "owner": owner, "windows": windows, "deliver": deliver, "collect": collect,
            "service_s": service_s, "must_go": one.must_go or other.must_go,
        }
    )  # fmt: skip


def _fits(problem: Problem, one: Stop) -> bool:
    return any(
        truck.count
        and all(max(a, b) <= c for a, b, c in zip(one.deliver.parts(), one.collect.parts(), truck.holds(), strict=True))
        for truck in problem.trucks
        if (not one.trucks or truck.code in one.trucks) and one.depot in (None, truck.depot)
    )
