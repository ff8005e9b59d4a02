"""The cold chain over HTTP: set up, read out a logger, a breach, its review, the history of a lot, bad bodies."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import build
from tests.web.conftest import Doorman
from tests.wms.watch.cold import Cold, bring, make_cold
from wms.db import Database, Scope
from wms.stock.tables import Lot


@pytest.fixture
def cold(database: Database, scope: Scope) -> Cold:
    with database.unit_of_work(scope) as session:
        return make_cold(session)


@pytest.fixture
def lot(database: Database, scope: Scope, cold: Cold) -> Lot:
    with database.unit_of_work(scope) as session:
        made = build.make_lot(session, cold.meat, "L7")
        bring(session, cold.account(cold.outside, made), 10, 0)
    return made


def send(doorman: Doorman, path: str, body: dict[str, Any], role: str = "supervisor") -> Any:
    headers = doorman.token(role) | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    return doorman.app.test_client().post(f"/api/v1/{path}", headers=headers, json=body)


def get(doorman: Doorman, path: str, role: str = "auditor") -> Any:
    return doorman.app.test_client().get(f"/api/v1/{path}", headers=doorman.token(role))


def ago(minutes: int) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()


def test_from_a_new_place_to_the_review_of_its_breach(
    doorman: Doorman, cold: Cold, lot: Lot, csrf: Callable[[FlaskClient, str], str]
) -> None:
    code, logger = f"R{build.number()}", f"LOG-{build.number()}"
    names = {"site": cold.site.code, "code": code, "name_zh": "冷库", "name_en": "Store"}
    assert send(doorman, "temperature-places", names | {"temperature_class": "frozen"}).status_code == 201
    since = {"from_at": ago(600)}
    assert (
        send(doorman, f"temperature-places/{code}/members", since | {"location": cold.outside.code}).status_code == 201
    )
    assert send(doorman, f"temperature-places/{code}/sensors", since | {"sensor": logger}).status_code == 201
    rows = [
        {"sensor": logger, "event_at": ago(minute), "temperature_mdegc": -5_000 if 60 <= minute < 120 else -20_000}
        for minute in range(300, 0, -5)
    ]
    said = send(doorman, "temperature-readings", {"readings": rows}, "clerk").get_json()
    assert (said["new"], len(said["breaches"])) == (60, 1)
    again = send(doorman, "temperature-readings", {"readings": rows}, "clerk").get_json()
    assert (again["new"], again["known"], again["breaches"]) == (0, 60, [])
    breach_id = said["breaches"][0]
    shown = get(doorman, f"temperature-breaches/{breach_id}").get_json()
    assert [(one["lot_no"], one["qty"], one["state"]) for one in shown["holds"]] == [("L7", 10, "held")]
    history = get(doorman, f"lots/{lot.id}/temperature").get_json()
    assert (history["max_mdegc"], history["segments"][0]["place"]) == (-5_000, code)
    assert history["segments"][0]["breaches"][0]["id"] == breach_id
    table = get(doorman, f"lots/{lot.id}/temperature?format=csv").text.splitlines()
    assert len(table) == 61
    assert table[0].lstrip("\ufeff").startswith("place,site,location,sscc,lot_no")
    refused = send(doorman, f"temperature-breaches/{breach_id}/review", {"decision": "good", "reason": "it was short"})
    assert refused.get_json()["type"].endswith(":named_person_needed")  # a token is nobody in particular
    browser = doorman.browser("supervisor")
    headers = {"X-CSRFToken": csrf(browser, "/desk"), "Idempotency-Key": f"key-{build.number()}"}
    done = browser.post(
        f"/api/v1/temperature-breaches/{breach_id}/review", headers=headers,
        json={"decision": "good", "reason": "it was short"},
    )  # fmt: skip
    assert done.get_json()["state"] == "reviewed"
    assert get(doorman, "temperature-breaches?open=true").get_json() == []


def test_a_firm_sees_the_history_of_its_own_lots(doorman: Doorman, cold: Cold, lot: Lot) -> None:
    client = doorman.app.test_client()
    own = client.get(f"/api/v1/lots/{lot.id}/temperature", headers=doorman.token("clerk", cold.owner.id))
    assert own.status_code == 200
    other = client.get(f"/api/v1/lots/{lot.id}/temperature", headers=doorman.token("clerk", doorman.cast.firm_id))
    assert other.status_code == 404


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"temperature_mdegc": -18.5}, 422, "invalid_field"),
        ({"temperature_mdegc": "-18500"}, 422, "invalid_field"),
        ({"temperature_mdegc": -300_000}, 422, "invalid_field"),
        ({"event_at": "2026-11-25T08:00:00"}, 422, "invalid_field"),
        ({"event_at": "2999-01-01T00:00:00Z"}, 422, "reading_in_future"),
        ({"sensor": ""}, 422, "invalid_field"),
        ({"battery_pct": 101}, 422, "invalid_field"),
    ],
)
def test_refuses_readings_that_cannot_be(doorman: Doorman, fault: dict[str, Any], status: int, code: str) -> None:
    row = {"sensor": "X", "event_at": ago(5), "temperature_mdegc": -18_000} | fault
    said = send(doorman, "temperature-readings", {"readings": [row]}, "clerk")
    assert (said.status_code, said.get_json()["type"].rpartition(":")[2]) == (status, code)


def test_refuses_what_cannot_be_set_up(doorman: Doorman, cold: Cold) -> None:
    place = cold.place.code
    assert send(doorman, f"temperature-places/{place}/members", {"from_at": ago(5)}).status_code == 422
    assert send(doorman, f"temperature-places/{place}/members", {"from_at": ago(5), "zone": "NONE"}).status_code == 404
    taken = send(doorman, f"temperature-places/{place}/sensors", {"from_at": ago(5), "sensor": cold.sensor})
    assert taken.status_code == 409
    ended = send(doorman, f"temperature-places/{place}/sensors/{cold.sensor}/end", {"until_at": ago(5)})
    assert ended.status_code == 200
    assert send(doorman, "temperature-places/NONE/sensors/X/end", {"until_at": ago(5)}).status_code == 404
