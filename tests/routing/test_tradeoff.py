"""Money against time against carbon: two ways between the same places, worked out by hand."""

from __future__ import annotations

from routing.dated import in_force
from routing.plan import Plan
from routing.problem import Problem
from routing.replan.stability import given, stability_at
from routing.tradeoff import Point, Sums, Wanted, Weights, beaten, curve, lines, shipped_at, weighted
from routing.units import instant_s
from routing.verify import verify
from tests.routing.tiny import goods, network_document, problem


def two_ways() -> dict[str, object]:
    """The ship of 10 days at 10,000 and a train of 2 days at 15,000 that makes three times its CO2."""
    document = network_document(loose=False)
    ship = document["services"][0]
    train = {**ship, "code": "TRAIN", "mode": "rail", "transit_h": 48, "freight_minor": {"BOX": 1_500_000}}
    document["services"].append(train)
    document["corridors"].append({**document["corridors"][0], "code": "RAIL", "services": ["TRAIN"]})
    document["rules"]["carbon"]["mg_per_tkm"]["rail"] = 24_000
    document["rules"]["holding"]["rate_permille_year"] = 100
    document["rules"]["carbon"]["minor_per_t"] = 100_000
    return document


PLAIN, TIME, BOTH = Weights(), Weights(time=20), Weights(time=20, carbon=100)


def found_under(*points: Weights) -> tuple[Problem, list[tuple[Point, Plan]]]:
    # Worth CNY 1 million: 8 days sooner are worth 1,000,000 x 10 % x 8 / 365 = 2,192; twenty times that 43,836. The
    # train costs 5,000 more and makes 0.8 t more: CNY 800 at the rules' price, 80,000 at a hundred times that.
    one = problem([goods("K1", 15, 5, value_minor=100_000_000)], two_ways())
    return one, curve(one, points, Wanted(3))


def test_time_buys_the_train_and_carbon_brings_the_ship_back() -> None:
    _, found = found_under(PLAIN, TIME, BOTH)
    points = [one for one, _ in found]
    assert [one.sums.paid_minor for one in points] == [1_000_000, 1_500_000, 1_000_000]
    assert points[0].sums.mean_h - points[1].sums.mean_h == 192
    assert points[1].sums.co2_g == 3 * points[0].sums.co2_g
    assert not any(beaten(points))
    assert len(list(lines(points))) == 4


def test_every_plan_answers_the_one_snapshot_in_the_prices_of_the_rules() -> None:
    one, found = found_under(TIME)
    assert [point.weights for point, _ in found] == [PLAIN, TIME]  # the rules' own is always among them
    base, fast = found[0][1], found[1][1]
    assert {plan.snapshot_sha256 for _, plan in found} == {one.snapshot_sha256()}
    for _, plan in found:
        assert verify(one, plan.model_dump(mode="json")) == []
    # The train's holding at the rules' price is a fifth of the ship's; what is paid for it is no less real.
    ship, train = base.assignments[0].costs, fast.assignments[0].costs
    assert train.share_minor - ship.share_minor == 500_000
    assert train.holding_minor < ship.holding_minor
    assert fast.bound_minor == base.bound_minor
    assert fast.objective_minor == fast.cost_minor == fast.assignments[0].total_minor
    assert found[1][0].objective_minor > fast.objective_minor  # in its own weights waiting cost twenty times as much
    assert found[1][0].bound_minor <= found[1][0].objective_minor


def test_who_is_left_behind_is_told_in_the_prices_of_the_rules() -> None:
    document = network_document(capacity=1, loose=False)
    document["rules"]["holding"]["rate_permille_year"] = 100
    one = problem([goods("K1", 15, 5, value_minor=10_000_000), goods("K2", 15, 5)], document)
    (_, base), (told, slow) = curve(one, [TIME], Wanted(3))
    assert verify(one, slow.model_dump(mode="json")) == []
    assert (told.sums.left_behind, len(slow.unserved)) == (1, 1)
    assert slow.left_out_minor == base.left_out_minor
    assert slow.unserved[0].values["cost_minor"] == base.unserved[0].values["cost_minor"]


def test_a_point_is_beaten_only_by_one_that_is_no_worse_in_anything() -> None:
    def made(*sums: int) -> Point:
        left, paid, hours, grams = sums
        taken = Sums(left_behind=left, paid_minor=paid, mean_h=hours, co2_g=grams)
        return Point(weights=PLAIN, sums=taken, boxes=1, objective_minor=1, bound_minor=1, gap_ppm=0)

    points = [made(0, 10, 10, 10), made(0, 10, 11, 10), made(0, 10, 10, 10), made(1, 5, 5, 5), made(0, 9, 12, 10)]
    assert beaten(points) == [False, True, False, False, False]


def test_weights_change_prices_and_nothing_else() -> None:
    one = problem([goods("K1", 15, 5)], two_ways())
    changed = weighted(one, BOTH)
    assert changed.network.rules.holding.rate_permille_year == 2000
    assert changed.network.rules.carbon.minor_per_t == 10_000_000
    assert changed.network.services == one.network.services
    assert weighted(one, PLAIN) == one


def test_where_the_rules_give_carbon_no_price_the_dated_one_is_weighted() -> None:
    document = two_ways()
    document["rules"]["carbon"]["minor_per_t"] = 0
    one = problem([goods("K1", 15, 5)], document)
    assert weighted(one, Weights(carbon=10)).network.rules.carbon.minor_per_t == 70_000
    assert weighted(one, TIME).network.rules.carbon.minor_per_t == 0


def test_the_shipped_weightings_are_those_of_the_day() -> None:
    assert shipped_at(0) == shipped_at(1_800_000_000)
    assert shipped_at(1_800_000_000).weightings[0] == PLAIN
    old, new = (shipped_at(0).model_copy(update={"valid_from": day}) for day in ("2026-01-01", "2027-01-01"))
    assert in_force([new, old], instant_s("2026-12-31T23:59:59Z")) is old
    assert in_force([new, old], instant_s("2027-01-01T00:00:00Z")) is new
    assert in_force([new, old], 0) is old


def test_a_planners_price_of_disturbing_keeps_the_proportion_of_the_days() -> None:
    day = instant_s("2026-03-02T00:00:00Z")
    usual = stability_at(day)
    assert given(2 * usual.move_minor, day).rebox_minor == 2 * usual.rebox_minor
    assert given(0, day).rebox_minor == 0
