"""Bad input is refused by name: field, rule and words; never a traceback."""

import json
from pathlib import Path
from typing import Any

import pytest

from routing.io import problem_of, read_plan, read_problem, write_plan, write_problem
from routing.problem import BadProblem
from routing.solve import make_plan
from tests.routing.tiny import goods, network_document, problem


def document() -> dict[str, Any]:
    made: dict[str, Any] = problem([goods("K1", 2), goods("K2", 3)]).model_dump(mode="json")
    return made


def rules(made: dict[str, Any]) -> set[str]:
    with pytest.raises(BadProblem) as caught:
        problem_of(made)
    return {fault.rule for fault in caught.value.faults}


def test_refuses_a_negative_capacity() -> None:
    made = document()
    made["network"]["services"][0]["capacity"] = -4
    assert rules(made) == {"negative_capacity"}


def test_refuses_a_service_that_arrives_before_it_leaves() -> None:
    made = document()
    made["network"]["services"][0]["transit_h"] = -1
    assert rules(made) == {"arrives_before_departure"}


def test_refuses_a_service_between_unknown_places() -> None:
    made = document()
    made["network"]["services"][0]["destination"] = "ZZZ"
    assert "unknown_place" in rules(made)


def test_refuses_a_corridor_of_unknown_or_unjoined_services() -> None:
    made = document()
    made["network"]["corridors"][0]["services"] = ["NONE"]
    assert rules(made) == {"unknown_service"}
    made["network"]["corridors"][0]["services"] = ["SHIP", "SHIP"]
    assert rules(made) == {"broken_chain"}


def test_refuses_equipment_that_does_not_exist() -> None:
    made = document()
    made["network"]["services"][0]["freight_minor"]["60HQ"] = 1
    assert rules(made) == {"unknown_equipment"}


def test_refuses_a_consignment_that_stands_twice() -> None:
    made = document()
    made["consignments"][1]["id"] = "K1"
    assert rules(made) == {"duplicate"}


def test_refuses_goods_due_before_they_are_ready_and_latest_before_due() -> None:
    made = document()
    made["consignments"][0]["due_at"] = "2026-03-01T00:00:00Z"
    made["consignments"][1]["latest_at"] = "2026-03-03T00:00:00Z"
    assert rules(made) == {"due_before_ready", "latest_before_due"}


def test_refuses_pieces_that_exceed_their_consignment() -> None:
    made = document()
    made["consignments"][0]["pieces"] = [
        {"count": 3, "length_mm": 2000, "width_mm": 1000, "height_mm": 1000, "weight_g": 900_000}
    ]
    assert rules(made) == {"pieces_exceed_volume", "pieces_exceed_weight"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("volume_cm3", -1),
        ("weight_g", "heavy"),
        ("ready_at", "2026-03-02T00:00:00"),
        ("temperature", "warm"),
        ("extra", 1),
        ("value_minor", 1.5),
    ],
)
def test_names_the_field_of_a_consignment_that_breaks_a_rule(field: str, value: object) -> None:
    made = document()
    made["consignments"][1][field] = value
    with pytest.raises(BadProblem) as caught:
        problem_of(made)
    assert caught.value.faults[0].field == f"consignments.1.{field}"


def test_refuses_what_is_no_problem_at_all(tmp_path: Path) -> None:
    for text, rule in (
        ("{", "not_json"), ("[]", "not_object"), ("{}", "missing"), ('{"a": 1.5}', "not_integer"),
        ('{"a": NaN}', "not_integer"),
        ('{"network": "mars", "consignments": []}', "unknown_network"), ("[" * 100_000, "not_json"),
    ):  # fmt: skip
        path = tmp_path / "p.json"
        path.write_text(text)
        with pytest.raises(BadProblem) as caught:
            read_problem(path)
        assert caught.value.faults[0].rule == rule
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadProblem, match="UTF-8"):
        read_problem(path)
    with pytest.raises(BadProblem, match="No such file"):
        read_problem(tmp_path / "none.json")


def test_refuses_more_consignments_than_memory_holds() -> None:
    made = document()
    made["consignments"] = [None] * 200_001
    assert rules(made) == {"too_many"}


def test_the_snapshot_hash_follows_content_not_the_order_of_fields() -> None:
    made = document()
    turned = json.loads(json.dumps(made), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert problem_of(made).snapshot_sha256() == problem_of(turned).snapshot_sha256()
    made["consignments"][0]["weight_g"] += 1
    assert problem_of(made).snapshot_sha256() != problem_of(turned).snapshot_sha256()


def test_problems_and_plans_survive_their_files(tmp_path: Path) -> None:
    one = problem([goods("K1", 2)], network_document())
    write_problem(one, tmp_path / "p.json")
    assert read_problem(tmp_path / "p.json") == one
    plan = make_plan(one, seconds=20)
    write_plan(plan, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan
