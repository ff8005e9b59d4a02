"""The own sets: repeatable byte for byte, with the statistics they are published with."""

from statistics import mean, median

from routing.generate import problem


def test_the_same_seed_gives_the_same_problem() -> None:
    assert problem(300, seed=4).snapshot_sha256() == problem(300, seed=4).snapshot_sha256()
    assert problem(300, seed=4).snapshot_sha256() != problem(300, seed=5).snapshot_sha256()


def test_the_demand_follows_the_published_distributions() -> None:
    goods = problem(6000, seed=2).consignments
    assert 1.5 < mean(one.volume_cm3 for one in goods) / 1e6 < 1.7
    assert max(one.volume_cm3 for one in goods) <= 25_000_000
    assert 200 < median(one.weight_g * 1000 / one.volume_cm3 for one in goods) < 220
    assert 0.06 < mean(one.temperature == "frozen" for one in goods) < 0.08
    assert 0.04 < mean(one.dangerous != "none" for one in goods) < 0.06
    assert 0.58 < mean(one.customs_mode != "1210" for one in goods) < 0.62


def test_allotments_grow_with_demand() -> None:
    assert problem(10).options.capacity_permille == 1000
    assert problem(4000).options.capacity_permille == 2000
