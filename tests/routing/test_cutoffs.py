"""Gate-in, documents, customs and verified gross mass close apart; the first that applies binds and is named."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from routing import booking_requests
from routing.chart import chart
from routing.network import Network, yueyang, yueyang_document
from routing.paths import PathFinder
from routing.plan import Plan
from routing.problem import Options, Problem
from routing.report import reason
from routing.schedule import Timetable
from routing.solve import make_plan
from routing.units import instant_s
from routing.verify import verify
from tests.routing.tiny import START, goods, network_document, problem

NOTE = {"source": "made up", "mark": "test"}


def document(**hours: int) -> dict[str, Any]:
    """The ship leaves Wednesday 12:00, gate-in 12 h before, stuffing 12 h before the first cut-off."""
    made = network_document()
    made["services"][0]["cutoffs"] = {**hours, **NOTE}
    return made


@pytest.mark.parametrize(
    ("hours", "close", "name"),
    [
        ({"documents_h": 48}, "2026-03-02T00:00:00Z", "documents"),
        ({"documents_h": 11, "customs_h": 24}, "2026-03-03T00:00:00Z", "customs"),
        ({"documents_h": 11, "vgm_h": 13}, "2026-03-03T11:00:00Z", "vgm"),
        ({"documents_h": 11, "customs_h": 2}, "2026-03-03T12:00:00Z", "gate_in"),
    ],
)
def test_the_first_cut_off_closes_and_is_named(hours: dict[str, int], close: str, name: str) -> None:
    segment = Timetable(problem([goods("K1", 2)], document(**hours))).segments[0]
    assert segment.close_at == instant_s(close)
    assert segment.closed_by == ("SHIP@20260304T1200", name)


def test_who_misses_one_is_told_which_and_by_how_much() -> None:
    one = goods("K1", 2).model_copy(update={"ready_at": instant_s("2026-03-02T12:35:00Z")})
    plan = make_plan(problem([one], document(documents_h=36)), seconds=1)
    left = plan.unserved[0]
    assert (left.reason, left.values["missed_minutes"]) == ("missed_cutoff", 35)
    assert reason(left) == (
        "It misses the last document cut-off by 35 min (SHIP@20260304T1200; goods had to be there by "
        "2026-03-02T12:00:00Z)."
    )


def test_papers_of_a_later_departure_close_the_chain_too() -> None:
    made = yueyang_document()
    ship = next(one for one in made["services"] if one["code"] == "OCEAN-HAM")
    ship["cutoffs"] = {"documents_h": 240, **NOTE}
    whole = Problem(
        network=Network.model_validate(made), options=Options(start_at=instant_s(START), weeks=4), consignments=()
    )
    for segment in (one for one in Timetable(whole).segments if one.corridor.code == "CLJ-HAM"):
        wanted = segment.legs[1].depart_at - 240 * 3600
        assert segment.close_at == min(wanted, segment.legs[0].first_cutoff()[0]) - 12 * 3600
        if wanted < segment.legs[0].cutoff_at:
            assert segment.closed_by == (segment.legs[1].id, "documents")


def test_a_network_without_them_plans_as_before() -> None:
    whole = problem([goods("K1", 2)])
    assert "cutoffs" not in whole.model_dump_json()
    plan = make_plan(whole, seconds=1).model_dump_json()
    assert "papers" not in plan
    assert "closed_by" not in plan


def test_every_service_of_the_seeded_network_but_the_road_names_its_cut_offs_and_their_source() -> None:
    for service in yueyang().services:
        assert (service.cutoffs is None) == (service.mode == "truck"), service.code
        assert service.cutoffs is None or (service.cutoffs.source and service.cutoffs.mark)


@pytest.fixture(scope="module")
def sound() -> tuple[Problem, dict[str, Any]]:
    whole = problem([goods("K1", 15), goods("K2", 4)], document(documents_h=36, vgm_h=20))
    return whole, make_plan(whole, seconds=1).model_dump(mode="json")


def close_later(plan: dict[str, Any]) -> None:
    plan["segments"][0]["close_at"] = "2026-03-03T12:00:00Z"


def name_another(plan: dict[str, Any]) -> None:
    plan["segments"][0]["closed_by"][1] = "gate_in"


def name_none(plan: dict[str, Any]) -> None:
    del plan["segments"][0]["closed_by"]


def move_the_papers(plan: dict[str, Any]) -> None:
    plan["legs"][0]["papers"]["vgm"] = "2026-03-04T11:00:00Z"


def lose_the_papers(plan: dict[str, Any]) -> None:
    del plan["legs"][0]["papers"]["documents"]


@pytest.mark.parametrize("plant", [close_later, name_another, name_none, move_the_papers, lose_the_papers])
def test_the_checker_works_them_out_by_itself(
    sound: tuple[Problem, dict[str, Any]], plant: Callable[[dict[str, Any]], None]
) -> None:
    whole, plan = sound
    assert verify(whole, plan) == []
    wrong = copy.deepcopy(plan)
    plant(wrong)
    assert "cutoff" in {one.rule for one in verify(whole, wrong)}


def test_booking_requests_and_chart_carry_them(sound: tuple[Problem, dict[str, Any]]) -> None:
    whole, plan = Plan.model_validate(sound[1]), sound[0]
    made = booking_requests.requests(whole, 1, {one.id: one for one in plan.consignments})[0]
    assert booking_requests.document(made)["other_cutoffs"] == {
        "documents": "2026-03-03T00:00:00Z", "vgm": "2026-03-03T16:00:00Z",
    }  # fmt: skip
    row = dict(zip(booking_requests.COLUMNS, booking_requests.rows(made)[0], strict=True))
    assert (row["documents_cutoff_at"], row["customs_cutoff_at"]) == ("2026-03-03T00:00:00Z", "")
    drawn = chart(whole)
    assert drawn is not None
    assert drawn.rows[0].closed_by == "documents"


def test_the_paths_of_a_consignment_respect_them() -> None:
    early = goods("K1", 2)
    late = early.model_copy(update={"id": "K2", "ready_at": instant_s("2026-03-03T00:00:00Z")})
    found = PathFinder(problem([early, late], document(documents_h=36))).find()
    assert (len(found.by_consignment[0]), found.reasons[1].code) == (1, "missed_cutoff")
