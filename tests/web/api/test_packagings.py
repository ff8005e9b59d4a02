"""Packaging levels over HTTP: exact conversions, and each that leaves a fraction refused."""

from typing import Any

import pytest

from tests import build
from tests.web.api.test_inbound import post, see
from tests.web.conftest import Doorman
from wms.db import Database, Scope


@pytest.fixture
def item_id(database: Database, scope: Scope) -> int:
    with database.unit_of_work(scope) as session:
        return build.make_item(session, build.make_company(session, "owner_of_goods")).id


def add(doorman: Doorman, item_id: int, **body: Any) -> Any:
    return post(doorman, f"/items/{item_id}/packagings", body, "supervisor")


def test_levels_are_added_and_converted_exactly(doorman: Doorman, item_id: int) -> None:
    add(doorman, item_id, unit="carton", base_qty=12)
    said = add(doorman, item_id, unit="pallet", base_qty=480)
    assert [(one["unit"], one["base_qty"]) for one in said.get_json()["packagings"]] == [
        ("piece", 1), ("carton", 12), ("pallet", 480),
    ]  # fmt: skip
    got = see(doorman, f"/items/{item_id}/convert?qty=2.5&unit=pallet&to=carton").get_json()
    assert (got["qty"], got["base_qty"]) == (100, 1200)
    assert got["said"] == [{"qty": 2, "unit": "pallet"}, {"qty": 20, "unit": "carton"}]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("qty=1&unit=piece&to=carton", "inexact_conversion"),
        ("qty=0.5&unit=piece", "inexact_conversion"),
        ("qty=1&unit=barrel", "unknown_unit"),
        ("qty=0&unit=piece", "invalid_field"),
    ],
)
def test_refuses_what_leaves_a_fraction_or_is_no_unit(doorman: Doorman, item_id: int, query: str, code: str) -> None:
    add(doorman, item_id, unit="carton", base_qty=12)
    said = see(doorman, f"/items/{item_id}/convert?{query}")
    assert said.get_json()["type"].endswith(f":{code}")


def test_refuses_a_unit_twice_and_a_broken_number(doorman: Doorman, item_id: int) -> None:
    add(doorman, item_id, unit="carton", base_qty=12)
    assert add(doorman, item_id, unit="carton", base_qty=24).get_json()["type"].endswith(":unit_taken")
    assert add(doorman, item_id, unit="box", base_qty=6, gtin="16901234567890").get_json()["type"].endswith(":bad_gtin")
