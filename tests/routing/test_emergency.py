"""Relief goods first, rank by rank: by hand, random cases against every other choice, and the real airport."""

import itertools
import random
from typing import Any

import pytest

from routing.demand import Consignment
from routing.emergency import emergency_plan, with_closed
from routing.network import yueyang
from routing.plan import Plan
from routing.problem import BadProblem, Options, Problem
from routing.solve import make_plan
from routing.tradeoff import Wanted
from routing.units import DAY_S, instant_s
from routing.verify import verify
from tests.routing.test_tradeoff import two_ways
from tests.routing.tiny import goods, problem


def one_train(capacity: int = 1) -> dict[str, Any]:
    """A ship with room and a dear, quick train with little."""
    document = two_ways()
    document["services"][1]["capacity"] = capacity
    document["rules"]["holding"]["rate_permille_year"] = 0
    return document


def ranked(*priorities: int, volume: int = 15, document: dict[str, Any] | None = None) -> Problem:
    rows = [goods(f"K{k}", volume, 5, priority=rank) for k, rank in enumerate(priorities, 1)]
    return problem(rows, document or one_train())


def ways(plan: Plan) -> dict[str, str]:
    return {one.consignment: one.segment.partition("@")[0] for one in plan.assignments}


def relieved(one: Problem, seconds: float = 4) -> Plan:
    plan = emergency_plan(one, Wanted(seconds))
    assert verify(one, plan.rows()) == []
    return plan


def test_the_first_rank_gets_the_train_whatever_it_costs_and_the_others_the_ship() -> None:
    assert set(ways(make_plan(ranked(0, 0), seconds=2)).values()) == {"AB"}
    assert ways(relieved(ranked(2, 1))) == {"K1": "AB", "K2": "RAIL"}
    assert ways(relieved(ranked(1, 2))) == {"K1": "RAIL", "K2": "AB"}
    assert ways(relieved(ranked(0, 1))) == {"K1": "AB", "K2": "RAIL"}


def test_the_ranks_tell_who_goes_and_how_long_it_takes() -> None:
    plan = relieved(ranked(2, 1, 1, 0, document=one_train(2)))
    assert [(one.priority, one.consignments, one.go) for one in plan.ranks] == [(1, 2, 2), (2, 1, 1)]
    assert plan.ranks[0].hours * 2 < plan.ranks[1].hours * 4
    assert all(one.gap_ppm <= 1000 for one in plan.ranks)
    plain = make_plan(ranked(2, 1, 1, 0, document=one_train(2)), seconds=2)
    assert plan.snapshot_sha256 == plain.snapshot_sha256
    assert plan.objective_minor > plain.objective_minor
    assert plan.bound_minor <= plain.objective_minor


def test_room_that_a_first_rank_does_not_need_goes_to_the_second() -> None:
    assert ways(relieved(ranked(1, 2, volume=9))) == {"K1": "RAIL", "K2": "RAIL"}


def test_who_cannot_go_stays_behind_with_a_reason_and_takes_nothing_from_the_next() -> None:
    late = goods("K1", 15, 5, priority=1, ready_day=38)
    plan = relieved(problem([late, goods("K2", 15, 5, priority=2)], one_train()))
    assert [(one.priority, one.go) for one in plan.ranks] == [(1, 0), (2, 1)]
    assert plan.unserved[0].reason
    assert ways(plan) == {"K2": "RAIL"}


def test_without_a_rank_there_is_no_emergency() -> None:
    with pytest.raises(BadProblem) as refused:
        emergency_plan(ranked(0, 0), Wanted(3))
    assert refused.value.faults[0].rule == "no_priority"


def test_a_priority_stands_in_the_file_only_where_there_is_one() -> None:
    one = ranked(0, 1)
    plain, first = one.model_dump(mode="json")["consignments"]
    assert "priority" not in plain
    assert first["priority"] == 1


@pytest.mark.parametrize("planted", [{"go": 0}, {"hours": 1}, {"consignments": 3}, {"priority": 4}])
def test_the_checker_finds_a_rank_that_does_not_say_what_the_plan_does(planted: dict[str, int]) -> None:
    one = ranked(1, 0)
    rows = relieved(one).rows()
    rows["ranks"][0] |= planted
    assert {finding.rule for finding in verify(one, rows)} == {"ranks"}


def lexicographic(one: Problem) -> tuple[int, ...]:
    """The best of all choices of ship, train or nothing: for each rank who stays behind, then hours; every box holds
    one."""
    best = None
    ranks = sorted({good.priority for good in one.consignments} - {0})
    room = {"RAIL": one.network.services[1].capacity, "AB": one.network.services[0].capacity}
    hours = {"RAIL": 0, "AB": 192, "": 0}
    for choice in itertools.product(("RAIL", "AB", ""), repeat=len(one.consignments)):
        if any(choice.count(name) > most for name, most in room.items()):
            continue
        key: list[int] = []
        for rank in ranks:
            mine = [way for way, good in zip(choice, one.consignments, strict=True) if good.priority == rank]
            key += [mine.count(""), sum(hours[way] for way in mine)]
        if best is None or tuple(key) < best:
            best = tuple(key)
    assert best is not None
    return best


def test_random_small_problems_against_every_choice() -> None:
    draw = random.Random(11)
    for _ in range(12):
        document = one_train(draw.randint(0, 2))
        document["services"][0]["capacity"] = draw.randint(0, 2)
        one = ranked(*(draw.randint(0, 3) for _ in range(draw.randint(2, 4))), document=document)
        if not any(good.priority for good in one.consignments):
            continue
        plan, got = relieved(one, 1), []
        took = ways(plan)
        for rank in plan.ranks:
            mine = [took.get(good.id, "") for good in one.consignments if good.priority == rank.priority]
            got += [mine.count(""), 192 * mine.count("AB")]
        assert tuple(got) == lexicographic(one)


def test_where_the_port_is_closed_relief_goes_by_the_airport() -> None:
    start = instant_s("2026-03-02T00:00:00Z")

    def good(name: str, priority: int) -> Consignment:
        return Consignment(
            id=name, owner="RED-CROSS", origin="CNYYA", destination="LGG", customs_mode="0110", volume_cm3=2_000_000,
            weight_g=300_000, value_minor=1_000_000, ready_at=start, due_at=start + 30 * DAY_S, priority=priority,
        )  # fmt: skip

    one = Problem(network=yueyang(), options=Options(start_at=start), consignments=(good("R1", 1), good("R2", 2)))
    shut = with_closed(one, ["CNCLJ", "CNCSD", "CNZZO", "CSX"])
    plan = relieved(shut, 6)
    assert {segment.stuffing_place for segment in plan.segments} == {"YYA"}
    assert [(rank.go, rank.consignments) for rank in plan.ranks] == [(1, 1), (1, 1)]
    with pytest.raises(BadProblem) as refused:
        with_closed(one, ["ATLANTIS"])
    assert refused.value.faults[0].rule == "unknown_place"
