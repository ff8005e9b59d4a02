"""Proposals and sell-through over HTTP: worked out, explained, accepted, refused."""

from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.wms.freight.sites import Ends, make_ends, stock
from tests.wms.freight.test_supply import steady
from wms.db import Database, Scope


@pytest.fixture
def ends(database: Database, scope: Scope) -> Ends:
    with database.unit_of_work(scope) as session:
        made = make_ends(session)
        made.destination.unlocode = "DEDUI"
        steady(session, made)
        stock(session, made, 1_000)
    return made


def send(doorman: Doorman, path: str, body: dict[str, Any], role: str = "planner") -> Any:
    headers = doorman.token(role) | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    return doorman.app.test_client().post(f"/api/v1/{path}", headers=headers, json=body)


def get(doorman: Doorman, path: str, role: str = "auditor", company_id: int | None = None) -> Any:
    return doorman.app.test_client().get(f"/api/v1/{path}", headers=doorman.token(role, company_id))


def asked(ends: Ends, **given: Any) -> dict[str, Any]:
    return {
        "owner": ends.owner.code, "from_site": ends.origin.code, "to_site": ends.destination.code, "mode": "rail",
    } | given  # fmt: skip


def test_from_a_proposal_to_its_transfer(doorman: Doorman, ends: Ends) -> None:
    said = send(doorman, "replenishment-proposals", asked(ends)).get_json()
    assert said["count"] == 1
    proposal_id = said["to_send"][0]["id"]
    shown = get(doorman, f"replenishment-proposals/{proposal_id}").get_json()
    assert shown["why"]["demand"]["method"] == "exponential_smoothing"
    assert [row["id"] for row in get(doorman, "replenishment-proposals?risky=true&state=proposed").get_json()] == [
        proposal_id
    ]
    accepted = send(doorman, f"replenishment-proposals/{proposal_id}/acceptance", {})
    assert accepted.status_code == 201
    transfer = get(doorman, f"transfers/{accepted.get_json()['transfer_no']}").get_json()
    assert transfer["lines"][0]["qty"] == shown["qty"]
    again = send(doorman, f"replenishment-proposals/{proposal_id}/dismissal", {"reason": "too late"})
    assert (again.status_code, again.get_json()["type"].rpartition(":")[2]) == (409, "proposal_decided")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"mode": "balloon"}, 422, "invalid_field"),
        ({"owner": "NOBODY"}, 404, "not_found"),
        ({"to_site": "NOWHERE"}, 404, "not_found"),
        ({"items": ["NONE"]}, 404, "not_found"),
        ({"service_permille": 1000}, 422, "bad_service_level"),
        ({"service_permille": 95.5}, 422, "invalid_field"),
    ],
)
def test_refuses_what_cannot_be(doorman: Doorman, ends: Ends, fault: dict[str, Any], status: int, code: str) -> None:
    said = send(doorman, "replenishment-proposals", asked(ends) | fault)
    assert (said.status_code, said.get_json()["type"].rpartition(":")[2]) == (status, code)


def test_a_firm_sees_the_sell_through_of_its_own_goods(doorman: Doorman, ends: Ends) -> None:
    rows = get(doorman, "sell-through?by=region").get_json()
    assert [(row["place"], row["sold_qty"], row["closing_qty"]) for row in rows] == [("EU", 600, 100)]
    assert len(get(doorman, "sell-through?by=region", "clerk", ends.owner.id).get_json()) == 1
    assert get(doorman, "sell-through", "clerk", doorman.cast.firm_id).get_json() == []
    assert get(doorman, "sell-through?since=2026-02-01&until=2026-01-01").status_code == 422
    table = doorman.browser("auditor").get("/desk/sell-through.csv?by=country").text.splitlines()
    assert table[1].startswith("DE,")
