"""The published problems of rounds: repeatable byte for byte, with the statistics they are published with."""

import hashlib
from statistics import mean, median

from routing.rounds.generate import benchmark_set, rounds_problem
from routing.rounds.reading import shipped


def test_the_twenty_problems_are_the_published_ones() -> None:
    sizes = [stops for stops, _ in benchmark_set()]
    assert (len(sizes), min(sizes), max(sizes)) == (20, 100, 400)
    hashes = "".join(rounds_problem(*one).snapshot_sha256() for one in benchmark_set())
    assert (
        hashlib.sha256(hashes.encode()).hexdigest()
        == "a1f0fd236ec32b7a1b00050f0abb03f52d861569b51e98aeab8dd149b3808bde"
    )


def test_the_stops_follow_the_published_distributions() -> None:
    stops = [one for seed in range(1, 9) for one in rounds_problem(400, seed).stops]
    kg = [one.weight_g / 1000 for stop in stops for one in (stop.deliver, stop.collect) if one.weight_g]
    assert 240 < median(kg) < 280
    assert max(kg) <= 3000
    assert 0.60 < mean(stop.collect.weight_g == 0 for stop in stops) < 0.64
    assert 0.22 < mean(stop.deliver.weight_g == 0 for stop in stops) < 0.26
    assert 0.47 < mean(bool(stop.windows) for stop in stops) < 0.53
    hours = {(stop.windows[0].close_at - stop.windows[0].open_at) // 3600 for stop in stops if stop.windows}
    assert hours == {2, 3, 4}
    assert 12 < mean(stop.service_s for stop in stops) / 60 < 14


def test_what_ships_has_a_source_and_a_mark() -> None:
    assert all(one["source"] and one["mark"] for one in shipped()["hours"])
    assert shipped()["trucks_source"]
