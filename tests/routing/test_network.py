import csv
from importlib.resources import files

import pytest
import searoute

from routing.network import minute_of_week, yueyang
from routing.problem import _network_faults

UNLOCODE_PLACES = {"CNCLJ", "CNYYA", "CNCSD", "CNZZO", "KZALS", "PLMAA", "DEDUI", "DEHAM", "CNYSA"}


def test_the_seeded_network_has_no_fault() -> None:
    assert list(_network_faults(yueyang())) == []


def test_every_figure_of_the_seeded_network_carries_its_source_and_mark() -> None:
    network = yueyang()
    for record in (*network.services, *network.equipment, *network.corridors, *network.rules.road.lands):
        assert record.source
        assert set(record.mark.split("/")) <= {"V", "GK"}


def test_uses_official_codes_and_understands_the_usual_wrong_ones() -> None:
    network = yueyang()
    assert {place.code for place in network.places} >= UNLOCODE_PLACES
    assert [network.official(code) for code in ("cnyuy", " HHA ", "CNYSN", "PLMAL", "CNCLJ")] == [
        "CNYYA",
        "CSX",
        "CNYSA",
        "PLMAA",
        "CNCLJ",
    ]


def test_every_alias_says_who_writes_it() -> None:
    rows = list(csv.DictReader(files("routing").joinpath("data", "aliases.csv").read_text("utf-8").splitlines()))
    assert rows
    assert all(row["who"] for row in rows)


def test_cached_sea_distances_are_those_of_searoute() -> None:
    network = yueyang()
    place = {one.code: (one.lon_udeg / 1e6, one.lat_udeg / 1e6) for one in network.places}
    for code, closed in (("OCEAN-HAM", ["suez", "northwest", "panama"]), ("OCEAN-SYD", None), ("OCEAN-OSA", None)):
        service = next(one for one in network.services if one.code == code)
        more = {"restrictions": closed} if closed else {}
        route = searoute.searoute(place[service.origin], place[service.destination], **more)
        assert abs(route.properties["length"] - service.distance_km) <= 1


def test_a_weekly_departure_is_minutes_since_monday() -> None:
    assert minute_of_week("tue 06:30") == 24 * 60 + 390
    for wrong in ("tuesday 06:30", "tue 25:00", "tue"):
        with pytest.raises(ValueError, match=r"weekday|literal"):
            minute_of_week(wrong)
