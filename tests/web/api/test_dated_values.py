"""Dated values over the API: entered with a source, listed with the shipped ones, refused in words."""

from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman

BODY = {"name": "ledger.future_limit_s", "value": 60, "valid_from_on": "2027-02-01", "source": "audit of clocks"}


def send(doorman: Doorman, role: str = "supervisor", **changed: Any) -> Any:
    headers = doorman.token(role) | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    return doorman.app.test_client().post("/api/v1/dated-values", headers=headers, json=BODY | changed)


def test_a_value_is_entered_and_stands_before_the_shipped_one(doorman: Doorman) -> None:
    assert send(doorman).status_code == 201
    said = doorman.app.test_client().get("/api/v1/dated-values?name=ledger.", headers=doorman.token("auditor"))
    mine, shipped = (row for row in said.get_json() if row["name"] == BODY["name"])
    assert (mine["value"], mine["is_shipped"], mine["source"]) == (60, False, "audit of clocks")
    assert (shipped["value"], shipped["is_shipped"]) == (300, True)


@pytest.mark.parametrize(
    ("changed", "status", "code", "field"),
    [
        ({"name": "ledger.futre_limit_s"}, 404, "unknown_dated_name", "name"),
        ({"value": {"s": 60}}, 422, "dated_value_shape", "value"),
        ({"source": ""}, 422, "invalid_field", "source"),
        ({"value": 1.5}, 422, "invalid_field", "value"),
        ({"value": {"share": [0.5]}}, 422, "invalid_field", "value"),
        ({"valid_from_on": "soon"}, 422, "invalid_field", "valid_from_on"),
        ({"valid_from_on": 20000}, 422, "invalid_field", "valid_from_on"),
        ({"valid_from_on": "9999-12-31"}, 422, "invalid_field", "valid_from_on"),
    ],
)
def test_a_value_that_cannot_hold_is_refused_by_field(
    doorman: Doorman, changed: dict[str, Any], status: int, code: str, field: str
) -> None:
    said = send(doorman, **changed)
    problem = said.get_json()
    assert (said.status_code, problem["type"].rpartition(":")[2], problem["field"]) == (status, code, field)


def test_a_clerk_enters_no_limits(doorman: Doorman) -> None:
    assert send(doorman, "clerk").status_code == 403
