"""Canals open or closed: sea ways, transit and CO2 follow; a canal that closes is a thing that happens to a plan."""

from __future__ import annotations

import pytest

from routing.canals import with_canals, without_detours
from routing.changes import Detour
from routing.demand import Consignment
from routing.network import Network, yueyang
from routing.problem import BadProblem, Options, Problem
from routing.replan.events import CanalClosed, apply
from routing.replan.repair import repair
from routing.solve import make_plan
from routing.units import DAY_S, HOUR_S, instant_s
from routing.verify import verify
from tests.routing.tiny import START
from web.pages.plan_map import lines_of

OPEN = with_canals(yueyang(), {"suez": "open"})


def service(network: Network, code: str) -> tuple[int, int]:
    found = next(one for one in network.services if one.code == code)
    return found.distance_km, found.transit_h


def whole(network: Network, name: str = "K1") -> Problem:
    start = instant_s(START)
    goods = Consignment(
        id=name, owner="FIRM", origin="CNCLJ", destination="DEHAM", customs_mode="0110", volume_cm3=50_000_000,
        weight_g=9_000_000, value_minor=0, ready_at=start, due_at=start + 60 * DAY_S,
    )  # fmt: skip
    return Problem(network=network, options=Options(start_at=start, weeks=2), consignments=(goods,))


def test_suez_open_makes_hamburg_nearer_and_nothing_else() -> None:
    assert service(yueyang(), "OCEAN-HAM") == (26119, 912)
    assert service(OPEN, "OCEAN-HAM") == (19971, 698)  # 29 days; 28 to 32 by Suez
    others = {one.code for one in OPEN.services} - {"OCEAN-HAM"}
    assert all(service(OPEN, code) == service(yueyang(), code) for code in others)
    assert OPEN.canals == {"suez": "open", "panama": "closed"}
    assert "suez open: 19971 km by searoute instead of 26119" in next(
        one.source for one in OPEN.services if one.code == "OCEAN-HAM"
    )


def test_what_the_network_says_already_changes_nothing() -> None:
    assert with_canals(yueyang(), {"suez": "closed"}) == yueyang()
    assert service(with_canals(OPEN, {"suez": "closed"}), "OCEAN-HAM")[0] == 26119


def test_time_and_co2_of_a_plan_follow() -> None:
    cape, canal = (make_plan(whole(network), seconds=1) for network in (yueyang(), OPEN))
    assert canal.legs[-1].arrive_at - cape.legs[-1].arrive_at == (698 - 912) * HOUR_S
    rules = yueyang().rules.carbon.mg_per_tkm
    assert cape.co2_g - canal.co2_g == round(rules["ocean"] * (26119 - 19971) * 9 / 1000)


def test_a_canal_that_closes_sends_later_ships_round_the_cape() -> None:
    problem = whole(OPEN)
    plan = make_plan(problem, seconds=1)
    ship = plan.legs[-1]
    event = CanalClosed(kind="canal", canal="suez", from_at=ship.depart_at)
    found = repair(problem, plan, (event,), seconds=1)
    changed = found.problem.changes.departures
    assert all(name.startswith("OCEAN-HAM@") for name in changed)
    assert min(changed) == ship.departure
    assert changed[ship.departure].detour == Detour(canal="suez", km=6148, seconds=215 * HOUR_S)
    assert verify(found.problem, found.plan.model_dump(mode="json")) == []
    round_the_cape = next(leg for leg in found.plan.legs if leg.service == "OCEAN-HAM")
    assert round_the_cape.arrive_at - round_the_cape.depart_at == 913 * HOUR_S
    assert found.plan.co2_g > plan.co2_g
    assert (round_the_cape.detour, found.plan.canals["suez"]) == ("suez", "open")
    ships = [next(line.path for line in lines_of(one, yueyang()) if line.mode == "ocean") for one in (plan, found.plan)]
    assert ships[0] != ships[1]
    again = apply(found.problem, (event,))
    assert again.changes == found.problem.changes  # the same word twice is one


def test_the_checker_counts_the_longer_way() -> None:
    problem = whole(OPEN)
    event = CanalClosed(kind="canal", canal="suez", from_at=instant_s(START))
    changed = apply(problem, (event,))
    wrong = make_plan(changed, seconds=1).model_dump(mode="json")
    assert verify(changed, wrong) == []
    near = Detour(canal="suez", km=0, seconds=215 * HOUR_S)
    departures = {
        name: one.model_copy(update={"detour": near}) for name, one in changed.changes.departures.items()
    }
    changes = changed.changes.model_copy(update={"departures": departures})
    said = {one.rule for one in verify(changed.model_copy(update={"changes": changes}), wrong)}
    assert "carbon" in said


def test_a_network_that_goes_round_already_knows_no_detour() -> None:
    event = CanalClosed(kind="canal", canal="suez", from_at=instant_s(START))
    changes = apply(whole(OPEN), (event,)).changes.departures
    assert all(one.detour is None for one in without_detours(changes, yueyang()).values())
    assert without_detours(changes, OPEN) == changes


@pytest.mark.parametrize(
    ("network", "canal", "rule"), [(yueyang(), "suez", "closed_already"), (OPEN, "panama", "closed_already")]
)
def test_a_canal_that_is_closed_already_is_refused(network: Network, canal: str, rule: str) -> None:
    event = CanalClosed.model_validate({"kind": "canal", "canal": canal, "from_at": START})
    with pytest.raises(BadProblem) as caught:
        apply(whole(network), (event,))
    assert [(one.field, one.rule) for one in caught.value.faults] == [("events.0.canal.canal", rule)]


def test_a_canal_that_nobody_passes_is_refused() -> None:
    stated = yueyang().model_copy(update={"canals": {"suez": "closed", "panama": "open"}})
    few = stated.model_copy(update={"services": tuple(one for one in stated.services if one.code != "OCEAN-HAM")})
    event = CanalClosed(kind="canal", canal="panama", from_at=instant_s(START))
    with pytest.raises(BadProblem, match="no service of this network passes"):
        apply(whole(few), (event,))
