"""Files of rounds: each mistake is named by line or index, field and rule, in words of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from routing.problem import BadProblem
from routing.rounds.problem import MOST_STOPS
from routing.rounds.reading import hours_on, problem_of, read_rounds
from tests.routing.rounds.cases import HUB, TRUCK, at, document, stop

HEAD = "id,place,lat,lon,deliver_kg,deliver_m3,collect_kg,service_min,open,close\n"


def said(bad: BadProblem) -> set[tuple[str, str]]:
    """Field and rule of each fault."""
    return {(fault.field, fault.rule) for fault in bad.faults}


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"trucks": [TRUCK | {"payload_g": -1}]}, "trucks.0(T).payload_g", "negative_capacity"),
        ({"trucks": [TRUCK | {"count": -1}]}, "trucks.0(T).count", "negative_count"),
        ({"trucks": [TRUCK | {"count": 501}]}, "trucks", "too_many"),
        ({"trucks": [TRUCK, TRUCK]}, "trucks", "duplicate"),
        ({"trucks": [TRUCK | {"depot": "X"}]}, "trucks.0(T).depot", "unknown_depot"),
        ({"trucks": [TRUCK | {"end_at": at("05:00")}]}, "trucks.0(T).end_at", "ends_before_start"),
        ({"trucks": [TRUCK | {"end_at": "2026-04-02T05:00:00Z"}]}, "trucks", "too_long"),
        ({"trucks": []}, "trucks", "too_short"),
        ({"depots": [HUB | {"close_at": "2026-03-01T00:00:00Z"}]}, "depots.0(HUB)", "closes_before_opens"),
        ({"stops": [stop("A", 1, window=("09:00", "08:00"))]}, "stops.0(A).windows.0", "closes_before_opens"),
        ({"stops": [stop("A", 1), stop("A", 2)]}, "stops", "duplicate"),
        ({"stops": [stop("A", 1, deliver={"weight_g": -5})]}, "stops.0(A).deliver.weight_g", "negative_amount"),
        ({"stops": [stop("A", 1, deliver={})]}, "stops.0(A)", "nothing_to_do"),
        ({"stops": [stop("A", 1, place="CNCLJ")]}, "stops.0(A).place", "two_places"),
        ({"stops": [{"id": "A", "place": "NOWHERE", "deliver": {"weight_g": 1}}]}, "stops.0(A).place", "unknown_place"),
        ({"stops": [{"id": "A", "deliver": {"weight_g": 1}}]}, "stops.0(A).place", "no_place"),
        ({"stops": [stop("A", 1, trucks=["X"])]}, "stops.0(A).trucks", "unknown_truck"),
        ({"stops": [stop("A", 1, depot="X")]}, "stops.0(A).depot", "unknown_depot"),
        ({"stops": [stop("A", 1, colour="red")]}, "stops.0.colour", "extra_forbidden"),
        ({"stops": [stop("A", 1, deliver={"weight_g": 10**13})]}, "stops.0.deliver.weight_g", "less_than_equal"),
        ({"stops": [stop("A", 1)] * (MOST_STOPS + 1)}, "stops", "too_many"),
        ({"stops": [stop("A", 1, windows=[{"open_at": "08:00", "close_at": at("09:00")}])]},
         "stops.0.windows.0.open_at", "value_error"),
        ({"hours": {"drive_s": 28_800, "spell_s": 600, "rest_s": 60}}, "hours.spell_s", "spell_too_short"),
        ({"hours": {"drive_s": 28_800, "spell_s": 14_400, "rest_s": 0}}, "hours.rest_s", "greater_than"),
        ({"mode": "alone"}, "mode", "literal_error"),
        ({"trucks": 5}, "trucks", "tuple_type"),
        ({"trucks": [5]}, "trucks.0", "model_type"),
        ({"trucks": [TRUCK | {"start_at": -(10**11) + 1, "end_at": -(10**11) + 9}]}, "trucks.0(T)", "out_of_time"),
        ({"depots": [HUB | {"close_at": 10**15}]}, "depots.0(HUB)", "out_of_time"),
        ({"stops": [stop("A", 1, windows=[{"open_at": 0, "close_at": 9**13}])]}, "stops.0(A).windows.0", "out_of_time"),
        ({"places": 5}, "places", "tuple_type"),
        ({"places": [{"code": [1], "lat_udeg": 0, "lon_udeg": 0}]}, "places.0.code", "string_type"),
        ({"stops": 5}, "stops", "tuple_type"),
    ],
)  # fmt: skip
def test_each_mistake_is_named(change: dict[str, Any], field: str, rule: str) -> None:
    with pytest.raises(BadProblem) as bad:
        problem_of(document([stop("A", 1)]) | change)
    assert (field, rule) in said(bad.value)


@pytest.mark.parametrize("value", [[], "x", None, 3])
def test_a_document_that_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(BadProblem) as bad:
        problem_of(value)
    assert said(bad.value) == {("(file)", "not_object")}


@pytest.mark.parametrize(
    ("text", "rule"),
    [("{", "not_json"), ("[" * 100_000, "not_json"), ('{"stops": ' + "[" * 900 + "]" * 900 + "}", "not_json"),
     ('{"a": 1.5}', "not_integer"), ('{"a": NaN}', "not_integer"),
     ("9" * 5000, "not_json")],
)  # fmt: skip
def test_a_file_that_is_no_problem_is_refused(tmp_path: Path, text: str, rule: str) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(BadProblem) as bad:
        read_rounds(tmp_path / "p.json")
    assert {fault.rule for fault in bad.value.faults} == {rule}


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadProblem) as bad:
        read_rounds(tmp_path / "none.json")
    assert said(bad.value) == {("(file)", "unreadable")}
    (tmp_path / "p.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(BadProblem) as bad:
        read_rounds(tmp_path / "p.csv")
    assert said(bad.value) == {("(file)", "not_utf8")}


def test_stops_come_from_a_sheet_with_the_shipped_fleet(tmp_path: Path) -> None:
    rows = "A,CN430621,,,120.5,0.8,,12,08:00,10:30\nB,,29.4,113.2,,,300,,,\n"
    (tmp_path / "stops.csv").write_text("\ufeff" + HEAD + rows, "utf-8")
    problem = read_rounds(tmp_path / "stops.csv", day="2026-03-02")
    assert problem.stops[0].deliver.parts() == (120_500, 800_000, 0)
    assert problem.stops[0].service_s == 720
    assert problem.stops[0].windows[0].close_at - problem.stops[0].windows[0].open_at == 9000
    assert (problem.stops[1].lat_udeg, problem.stops[1].collect.weight_g) == (29_400_000, 300_000)
    assert {one.code for one in problem.trucks} == {"VAN", "T42", "T68"}
    assert problem.hours.spell_s == 14_400


def test_trucks_come_from_a_sheet_too(tmp_path: Path) -> None:
    (tmp_path / "stops.csv").write_text(HEAD + "A,CN430621,,,1,,,,,\n")
    (tmp_path / "trucks.csv").write_text(
        "code,count,payload_kg,volume_m3,fixed_cny,km_cny,start,end,trips\nV,2,900,4.5,80,1.25,06:00,18:00,2\n"
    )
    truck = read_rounds(tmp_path / "stops.csv", trucks=tmp_path / "trucks.csv", hub="CNYYA").trucks[0]
    assert (truck.payload_g, truck.volume_cm3, truck.km_minor, truck.trips, truck.depot) == (
        900_000,
        4_500_000,
        125,
        2,
        "CNYYA",
    )


@pytest.mark.parametrize(
    ("row", "where", "rule"),
    [
        ("A,CN430621,,,heavy,,,,,", "line 2: deliver_kg", "not_a_number"),
        ("A,CN430621,,,NaN,,,,,", "line 2: deliver_kg", "not_a_number"),
        ("A,CN430621,,,1e99,,,,,", "line 2: deliver_kg", "not_a_number"),
        ("A,CN430621,,,1e999999,,,,,", "line 2: deliver_kg", "not_a_number"),
        ("A,CN430621,,,1.0005,,,,,", "line 2: deliver_kg", "too_fine"),
        ("A,CN430621,,,1,,,,25:00,26:00", "line 2: open", "not_a_time"),
        ("A,CN430621,,,1,,,,08:00,", "line 2: close", "missing"),
        (",CN430621,,,1,,,,,", "line 2: id", "missing"),
        ("A,,29.1,,1,,,,,", "line 2: lon", "not_a_number"),
        ("A,CN430621,,,1,,,,,,,,", "line 2", "too_many_cells"),
        ('A,"CN430621,,,1,,,,,', "line 2", "not_csv"),
    ],
)
def test_a_bad_row_is_named_by_line_and_field(tmp_path: Path, row: str, where: str, rule: str) -> None:
    (tmp_path / "stops.csv").write_text(HEAD + row + "\n")
    with pytest.raises(BadProblem) as bad:
        read_rounds(tmp_path / "stops.csv")
    assert (where, rule) in said(bad.value)


def test_columns_that_are_unknown_or_missing_are_named(tmp_path: Path) -> None:
    (tmp_path / "stops.csv").write_text("name,weight\nA,1\n")
    with pytest.raises(BadProblem) as bad:
        read_rounds(tmp_path / "stops.csv")
    assert {fault.rule for fault in bad.value.faults} == {"unknown_column", "missing_column"}


def test_a_million_rows_are_refused_by_the_limit(tmp_path: Path) -> None:
    (tmp_path / "stops.csv").write_text("id\n" + "A\n" * 1_000_000)
    with pytest.raises(BadProblem) as bad:
        read_rounds(tmp_path / "stops.csv")
    assert {fault.rule for fault in bad.value.faults} >= {"too_many"}
    (tmp_path / "p.json").write_text(json.dumps({"stops": [{}] * 1_000_000}))
    with pytest.raises(BadProblem) as bad:
        read_rounds(tmp_path / "p.json")
    assert {fault.rule for fault in bad.value.faults} == {"too_many"}


def test_the_mode_asked_for_stands_for_that_of_the_file(tmp_path: Path) -> None:
    together = document([stop("A", 10), stop("B", 10)], mode="unified")
    (tmp_path / "p.json").write_text(json.dumps(together))
    assert [one.id for one in read_rounds(tmp_path / "p.json").stops] == ["A+B"]
    apart = read_rounds(tmp_path / "p.json", mode="joint")
    assert (apart.mode, [one.id for one in apart.stops]) == ("joint", ["A", "B"])
    assert apart == problem_of(together | {"mode": "joint"})
    (tmp_path / "stops.csv").write_text(HEAD + "A,CN430621,,,1,,,,,\nB,CN430621,,,1,,,,,\n")
    assert [one.id for one in read_rounds(tmp_path / "stops.csv", mode="unified").stops] == ["A+B"]


def test_orders_that_are_too_much_for_one_visit_stay_apart() -> None:
    def united(*stops: dict[str, Any]) -> list[str]:
        truck = TRUCK | {"payload_g": 10**12}
        return [one.id for one in problem_of(document(list(stops), trucks=[truck], mode="unified")).stops]

    hours = [{"open_at": at(f"{hour:02d}:00"), "close_at": at(f"{hour:02d}:50")} for hour in (7, 9, 11, 13)]
    halves = [
        {"open_at": at(f"{hour:02d}:{m}"), "close_at": at(f"{hour:02d}:{m + 9}")} for hour in (7, 9) for m in (10, 30)
    ]
    thirds = [{"open_at": at("07:00"), "close_at": at("07:35")}, {"open_at": at("07:40"), "close_at": at("13:30")}]
    assert united(stop("A", 10, windows=hours), stop("B", 10, windows=halves)) == ["A+B"]
    assert united(stop("A", 10, windows=hours), stop("B", 10, windows=thirds)) == ["A", "B"]
    assert united(stop("A", 10, service_s=43_200), stop("B", 10, service_s=43_200)) == ["A+B"]
    assert united(stop("A", 10, service_s=43_200), stop("B", 10, service_s=43_201)) == ["A", "B"]
    most = {"weight_g": 10**12}
    assert united(stop("A", 10, deliver=most), stop("B", 10, deliver=most)) == ["A", "B"]


def test_aliases_are_understood_and_driver_hours_are_of_the_day() -> None:
    problem = problem_of(document([{"id": "A", "place": " cnyuy ", "deliver": {"weight_g": 1}}]))
    assert problem.stops[0].place == "CNYYA"
    named = [{"id": name, "place": name, "deliver": {"weight_g": 1}} for name in ("岳阳县", "Yueyang county")]
    assert {one.place for one in problem_of(document(named)).stops} == {"CN430621"}
    assert (problem.hours.spell_s, problem.hours.rest_s, problem.hours.drive_s) == (14_400, 1200, 28_800)
    assert "405" in problem.hours.source
    with pytest.raises(BadProblem) as bad:
        hours_on("1999-01-01")
    assert said(bad.value) == {("hours", "unknown_hours")}
