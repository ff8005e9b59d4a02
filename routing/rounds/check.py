"""The independent checker of rounds: it reads problem and plan as plain JSON values and shares no code with the search.

It drives each round again from the depot: metres by geopy, seconds by the truck's speed, windows, loads, rests and
hours, and adds up the money. A waiting time as long as a rest counts as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any

from geopy.distance import great_circle

Row = Mapping[str, Any]
PARTS = ("weight_g", "volume_cm3", "pallets")
HOLDS = ("payload_g", "volume_cm3", "pallets")


@dataclass(frozen=True)
class Finding:
    """One fault: the rule broken, where, in words."""

    rule: str
    where: str
    text: str


def check(problem: Row, plan: Row) -> list[Finding]:
    """Every fault of a plan; an empty list for a sound one."""
    jobs = {one["id"]: one for one in [*problem["stops"], *problem["transfers"]]}
    found = list(_complete(plan, jobs))
    trucks = {one["code"]: one for one in problem["trucks"]}
    depots = {one["code"]: one for one in problem["depots"]}
    for code, count in Counter(one["truck"] for one in plan["rounds"]).items():
        if code not in trucks:
            found.append(Finding("fleet", code, "is no truck of the problem"))
        elif count > trucks[code]["count"]:
            found.append(Finding("fleet", code, f"{count} rounds, {trucks[code]['count']} trucks"))
    for one in plan["rounds"]:
        if one["truck"] in trucks:
            found += _round(problem, jobs, trucks[one["truck"]], depots, one)
    return found + list(_sums(plan))


def _complete(plan: Row, jobs: Mapping[str, Row]) -> Iterator[Finding]:
    done: Counter[str] = Counter()
    for one in plan["rounds"]:
        for call in one["calls"]:
            if call["kind"] in {"stop", "drop"}:
                done[call["id"]] += 1
    left = Counter(one["id"] for one in plan["unserved"])
    for name in done.keys() | left.keys() | jobs.keys():
        if name not in jobs:
            yield Finding("complete", name, "nobody asked for it")
        elif done[name] + left[name] != 1:
            yield Finding("complete", name, f"{done[name]} times served, {left[name]} times left out")
    for one in plan["unserved"]:
        if not one["reason"]:
            yield Finding("complete", one["id"], "left out without a reason")
    must = [name for name, one in jobs.items() if one["must_go"] and not done[name]]
    infeasible = bool(must) or (bool(jobs) and not done)
    if (plan["state"] == "infeasible") != infeasible:
        yield Finding("state", plan["state"], f"{len(must)} that must go are left out, {len(done)} jobs are served")


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _point(problem: Row, one: Row) -> tuple[float, float]:
    if one["place"] is not None:
        one = next(site for site in problem["places"] if site["code"] == one["place"])
    return one["lat_udeg"] / 1e6, one["lon_udeg"] / 1e6


def _metres(problem: Row, a: Row, b: Row) -> int:
    crow = round(great_circle(_point(problem, a), _point(problem, b)).meters)
    return ceil(Fraction(crow * problem["detour_permille"], 1000))


def _target(call: Row, jobs: Mapping[str, Row], depots: Mapping[str, Row]) -> tuple[Row, list[Row], int]:
    """Where a call is, its windows and its work in seconds."""
    kind = call["kind"]
    if kind == "depot":
        depot = depots[call["id"]]
        return depot, [depot], depot["load_s"]
    job = jobs[call["id"]]
    if kind == "stop":
        return job, job["windows"], job["service_s"]
    end = job[kind]
    return end, [end["window"]] if end["window"] else [], end["service_s"]


def _round(
    problem: Row, jobs: Mapping[str, Row], truck: Row, depots: Mapping[str, Row], one: Row
) -> Iterator[Finding]:  # fmt: skip
    name, calls = one["id"], one["calls"]
    home = [at for at, call in enumerate(calls) if call["kind"] == "depot"]
    if (
        len(calls) < 3
        or home[0] != 0
        or home[-1] != len(calls) - 1
        or any(calls[at]["id"] != truck["depot"] for at in home)
    ):
        yield Finding("depot", name, "does not begin and end at the depot of its truck")
        return
    for call in calls:
        known = call["id"] in (depots if call["kind"] == "depot" else jobs)
        if not known or (
            (call["kind"] == "stop") != ("deliver" in jobs.get(call["id"], {})) and call["kind"] != "depot"
        ):
            yield Finding("complete", name, f"{call['id']} is no {call['kind']} of the problem")
            return
    if len(home) - 1 > truck["trips"]:
        yield Finding("trips", name, f"{len(home) - 1} trips, {truck['trips']} allowed")
    for call in calls:
        job = jobs.get(call["id"], {}) if call["kind"] != "depot" else {}
        if job.get("trucks") and truck["code"] not in job["trucks"]:
            yield Finding("access", name, f"{truck['code']} does not get to {call['id']}")
        if job.get("depot") not in (None, truck["depot"]):
            yield Finding("access", name, f"{call['id']} is served from {job['depot']} only")
    for begin, end in pairwise(home):
        yield from _load(jobs, truck, name, calls[begin : end + 1], last=end == len(calls) - 1)
        yield from _pairs(name, calls[begin:end])
    yield from _times(problem, jobs, truck, depots, one)


def _load(jobs: Mapping[str, Row], truck: Row, name: str, calls: Sequence[Row], *, last: bool) -> Iterator[Finding]:
    """One trip: what is loaded at the depot leaves at the stops, what is collected comes back."""
    for part, hold in zip(PARTS, HOLDS, strict=True):
        board = sum(jobs[call["id"]]["deliver"][part] for call in calls if call["kind"] == "stop")
        for call in calls[:-1]:
            board += _change(call, jobs, part)
            if truck[hold] is not None and board > truck[hold]:
                text = f"{board} {part} after {call['id']}, {truck['code']} holds {truck[hold]}"
                yield Finding("capacity", name, text)
            if call["load"][part] != board:
                yield Finding("sums", name, f"{call['load'][part]} {part} after {call['id']}, counted {board}")
    if last and any(calls[-1]["load"][part] for part in PARTS):
        yield Finding("sums", name, "is not empty at the end")


def _change(call: Row, jobs: Mapping[str, Row], part: str) -> int:
    """What is more on board after the call than before."""
    if call["kind"] == "depot":
        return 0
    job = jobs[call["id"]]
    if call["kind"] == "stop":
        return int(job["collect"][part] - job["deliver"][part])
    return int(job["amount"][part]) * (1 if call["kind"] == "pick" else -1)


def _pairs(name: str, calls: Sequence[Row]) -> Iterator[Finding]:
    """One trip: what is fetched is brought, and in that order."""
    open_: Counter[str] = Counter()
    for call in calls:
        if call["kind"] == "pick":
            open_[call["id"]] += 1
        elif call["kind"] == "drop":
            if open_[call["id"]] < 1:
                yield Finding("pairs", name, f"{call['id']} is brought before it is fetched")
            open_[call["id"]] -= 1
    for job_id in sorted(+open_):
        yield Finding("pairs", name, f"{job_id} is fetched and not brought on the same trip")


@dataclass
class Wheel:
    """How far the truck has come and, in metres, where the last rest of its driver may have ended at the latest."""

    spell: Fraction
    driven: int = 0
    rested: int = 0


def _times(
    problem: Row, jobs: Mapping[str, Row], truck: Row, depots: Mapping[str, Row], one: Row
) -> Iterator[Finding]:  # fmt: skip
    name, calls, hours = one["id"], one["calls"], problem["hours"]
    wheel = Wheel(Fraction(hours["spell_s"] * truck["speed_km_h"] * 1000, 3600))
    trip = 1
    for at, call in enumerate(calls):
        place, windows, work = _target(call, jobs, depots)
        last = at == len(calls) - 1
        if at == 0:
            if call["arrive_at"] != call["begin_at"] or call["drive_m"] or call["rest_before_s"]:
                yield Finding("times", name, "does not begin at its depot")
        else:
            metres = _metres(problem, _target(calls[at - 1], jobs, depots)[0], place)
            yield from _leg(hours, truck, name, wheel, calls[at - 1], call, metres)
            waited = _at(call["begin_at"]) - _at(call["arrive_at"]) >= hours["rest_s"]
            stood = hours["service_is_rest"] and work >= hours["rest_s"] and not last
            if (waited or stood) and wheel.rested + wheel.spell >= wheel.driven:
                wheel.rested = wheel.driven
        yield from _call(truck, name, call, windows, 0 if last else work)
        if call["trip"] != trip:
            yield Finding("trips", name, f"{call['id']} is called trip {call['trip']} in trip {trip}")
        trip += call["kind"] == "depot" and at > 0 and not last
    yield from _whole(hours, truck, one, wheel)


def _leg(
    hours: Row, truck: Row, name: str, wheel: Wheel, before: Row, call: Row, metres: int
) -> Iterator[Finding]:  # fmt: skip
    """The road from one call to the next, with its rests as late as the driver may take them."""
    if metres != call["drive_m"]:
        yield Finding("road", name, f"{call['drive_m']} m to {call['id']}, measured {metres}")
    rest = call["rest_before_s"]
    number = rest // hours["rest_s"] if hours["rest_s"] else 0
    if rest != number * hours["rest_s"]:
        yield Finding("hours", name, f"a rest of {rest} s before {call['id']}")
    for _ in range(number):
        if wheel.rested + wheel.spell < wheel.driven:
            yield Finding("hours", name, f"no rest in {hours['spell_s']} s of driving before {call['id']}")
        wheel.rested = min(wheel.driven + metres, int(wheel.rested + wheel.spell))
    drive = ceil(Fraction(metres * 3600, truck["speed_km_h"] * 1000))
    if _at(call["arrive_at"]) != _at(before["leave_at"]) + drive + rest:
        yield Finding(
            "times", name, f"at {call['id']} at {call['arrive_at']} after {drive} s of driving, {rest} s of rest"
        )
    wheel.driven += metres


def _call(truck: Row, name: str, call: Row, windows: Sequence[Row], work: int) -> Iterator[Finding]:
    arrive, begin, leave = _at(call["arrive_at"]), _at(call["begin_at"]), _at(call["leave_at"])
    if begin < arrive or leave != begin + work:
        yield Finding("times", name, f"{call['id']}: begins {call['begin_at']}, leaves {call['leave_at']}")
    if windows and not any(_at(w["open_at"]) <= begin <= _at(w["close_at"]) for w in windows):
        yield Finding("window", name, f"{call['id']} is closed at {call['begin_at']}")
    if begin < _at(truck["start_at"]) or begin > _at(truck["end_at"]):
        yield Finding("duty", name, f"{truck['code']} is not on duty at {call['begin_at']}")


def _whole(hours: Row, truck: Row, one: Row, wheel: Wheel) -> Iterator[Finding]:
    """Hours, shift and money of the whole round."""
    name, total = one["id"], wheel.driven
    duration = _at(one["calls"][-1]["arrive_at"]) - _at(one["calls"][0]["begin_at"])
    drive = Fraction(total * 3600, truck["speed_km_h"] * 1000)
    if total - wheel.rested > wheel.spell:
        yield Finding("hours", name, f"drives more than {hours['spell_s']} s without a rest")
    if drive > hours["drive_s"]:
        yield Finding("hours", name, f"drives more than {hours['drive_s']} s")
    if duration > truck["shift_s"]:
        yield Finding("duty", name, f"{duration} s, a shift has {truck['shift_s']}")
    road, time = Fraction(total * truck["km_minor"], 1000), Fraction(duration * truck["hour_minor"], 3600)
    for what, said, counted in (
        ("metres", one["metres"], total),
        ("duration_s", one["duration_s"], duration),
        ("drive_s", one["drive_s"], ceil(drive)),
        ("cost_minor", one["cost_minor"], ceil(truck["fixed_minor"] + road + time)),
        ("depot", one["depot"], truck["depot"]),
    ):
        if said != counted:
            yield Finding("sums", name, f"{what} {said}, counted {counted}")


def _sums(plan: Row) -> Iterator[Finding]:
    for name in ("metres", "drive_s", "duration_s", "cost_minor"):
        if plan[name] != (total := sum(one[name] for one in plan["rounds"])):
            yield Finding("sums", name, f"{plan[name]}, counted {total}")
    if plan["bound_minor"] > plan["cost_minor"]:
        yield Finding("bound", "bound_minor", "is above the cost")
    cost = plan["cost_minor"]
    gap = ceil(Fraction((cost - plan["bound_minor"]) * 1_000_000, cost)) if cost else 0
    if plan["gap_ppm"] != gap:
        yield Finding("sums", "gap_ppm", f"{plan['gap_ppm']}, counted {gap}")
