"""Transfers over HTTP: from the document to the last arrival, who may do what, and bad bodies."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.wms.freight.sites import Ends, make_ends, stock
from wms.db import Database, Scope


@pytest.fixture
def ends(database: Database, scope: Scope) -> Ends:
    with database.unit_of_work(scope) as session:
        made = make_ends(session)
        stock(session, made, 100)
    return made


def send(doorman: Doorman, path: str, body: dict[str, Any], role: str = "supervisor") -> Any:
    headers = doorman.token(role) | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    return doorman.app.test_client().post(f"/api/v1/{path}", headers=headers, json=body)


def body(ends: Ends, **given: Any) -> dict[str, Any]:
    today = date.today()  # noqa: DTZ011 - any day will do
    return {
        "transfer_no": f"T-{build.number()}", "owner": ends.owner.code, "from_site": ends.origin.code,
        "to_site": ends.destination.code, "mode": "rail", "depart_on": today.isoformat(),
        "due_on": (today + timedelta(days=20)).isoformat(), "lines": [{"item": ends.item.code, "qty": 40}],
    } | given  # fmt: skip


def test_a_transfer_from_its_document_to_its_end(doorman: Doorman, ends: Ends) -> None:
    made = send(doorman, "transfers", body(ends), "planner")
    assert made.status_code == 201
    path = f"transfers/{made.get_json()['transfer_no']}"
    assert send(doorman, f"{path}/loading", {}, "clerk").get_json()["state"] == "loaded"
    assert send(doorman, f"{path}/departure", {"seal_no": "S1"}, "clerk").get_json()["state"] == "in_transit"
    counted = [{"line_no": 1, "location": ends.dock.code, "good_qty": 36, "damaged_qty": 1}]
    said = send(doorman, f"{path}/arrivals", {"lines": counted, "is_last": True}, "clerk")
    assert (said.status_code, said.get_json()["state"]) == (201, "received")
    assert [(one["kind"], one["qty"]) for one in said.get_json()["discrepancies"]] == [("short", 3)]
    client = doorman.app.test_client()
    shown = client.get(f"/api/v1/{path}", headers=doorman.token("auditor")).get_json()
    line = shown["lines"][0]
    assert (line["arrived_qty"], line["damaged_qty"], line["short_qty"], line["on_the_way_qty"]) == (37, 1, 3, 0)
    assert (shown["value_minor"], shown["seal_no"]) == ({"CNY": 10_000}, "S1")
    listed = client.get(
        f"/api/v1/transfers?site={ends.destination.code}&state=received", headers=doorman.token("clerk")
    )
    assert [row["transfer_no"] for row in listed.get_json()] == [shown["transfer_no"]]
    open_ones = client.get("/api/v1/transfer-discrepancies?open=true", headers=doorman.token("clerk")).get_json()
    assert [one["qty"] for one in open_ones] == [3]
    settled = send(
        doorman, f"{path}/discrepancies/{open_ones[0]['id']}/settlement",
        {"settlement": "lost", "reason": "the carrier pays"},
    )  # fmt: skip
    assert settled.get_json()["type"].endswith(":second_person_needed")  # a token is nobody in particular


def test_the_same_request_twice_draws_up_one_transfer(doorman: Doorman, ends: Ends) -> None:
    headers = doorman.token("planner") | {"Idempotency-Key": f"key-{build.number()}"}
    client, wanted = doorman.app.test_client(), body(ends)
    first = client.post("/api/v1/transfers", headers=headers, json=wanted)
    again = client.post("/api/v1/transfers", headers=headers, json=wanted)
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"lines": []}, 422, "invalid_field"),
        ({"lines": [{"item": "X", "qty": 0}]}, 422, "invalid_field"),
        ({"lines": [{"item": "X", "qty": 1.5}]}, 422, "invalid_field"),
        ({"lines": [{"item": "NOTHING", "qty": 1}]}, 404, "not_found"),
        ({"mode": "balloon"}, 422, "invalid_field"),
        ({"to_site": "NOWHERE"}, 404, "not_found"),
        ({"owner": "NOBODY"}, 404, "not_found"),
        ({"due_on": "2020-01-01"}, 422, "arrives_before_departure"),
        ({"consignment_no": "NONE"}, 404, "not_found"),
        ({"surprise": 1}, 422, "invalid_field"),
    ],
)
def test_refuses_what_cannot_be(doorman: Doorman, ends: Ends, fault: dict[str, Any], status: int, code: str) -> None:
    said = send(doorman, "transfers", body(ends) | fault, "planner")
    assert (said.status_code, said.get_json()["type"].rpartition(":")[2]) == (status, code)


def test_says_how_many_there_are_when_there_are_too_few(doorman: Doorman, ends: Ends) -> None:
    said = send(doorman, "transfers", body(ends, lines=[{"item": ends.item.code, "qty": 101}]), "planner")
    assert said.status_code == 409
    assert "101" in said.get_json()["detail"]
    assert "100" in said.get_json()["detail"]


def test_turned_back_and_cancelled_over_http(doorman: Doorman, ends: Ends) -> None:
    first = send(doorman, "transfers", body(ends), "planner").get_json()["transfer_no"]
    assert send(doorman, f"transfers/{first}/cancellation", {"reason": "no"}).status_code == 422
    said = send(doorman, f"transfers/{first}/cancellation", {"reason": "not needed"})
    assert said.get_json()["state"] == "cancelled"
    second = send(doorman, "transfers", body(ends), "planner").get_json()["transfer_no"]
    send(doorman, f"transfers/{second}/loading", {})
    assert send(doorman, f"transfers/{second}/gate-passage", {}).get_json()["type"].endswith(":pass_not_through")
    assert send(doorman, f"transfers/{second}/gate-pass", {"gate_pass": "NONE"}).status_code == 404
    send(doorman, f"transfers/{second}/departure", {})
    said = send(doorman, f"transfers/{second}/return", {"reason": "border closed"})
    assert said.get_json()["state"] == "returning"
