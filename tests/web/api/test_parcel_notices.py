"""Notices about parcels over HTTP, and the tally of an export that came back."""

from datetime import timedelta
from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.test_exports import exported
from wms.db import Database, Scope

DEPARTURE = {"kind": "departure", "carrier": "L", "customs_code": "4902", "traf_mode": "5", "traf_no": "CZ3001"}
WAY = {"traf_mode": "5", "traf_name": "CZ3002", "voyage_no": "CZ3002", "port_code": "4902", "country": "502"}


def call(doorman: Doorman, method: str, path: str, body: Any = None, role: str = "declarant") -> Any:
    headers = doorman.token(role) | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    return doorman.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, json=body)


@pytest.fixture
def left(database: Database, scope: Scope) -> tuple[str, str]:
    """An export that customs let go: its number and waybill; somebody sends to customs."""
    with database.unit_of_work(scope) as session:
        world.name_sender(session)
        row = world.row(session, exported(session))
        return row.cop_no or "", row.waybill_no


def test_a_departure_is_told_listed_and_answered(doorman: Doorman, left: tuple[str, str]) -> None:
    made = call(doorman, "POST", "/parcel-notices", DEPARTURE | {"waybills": [left[1]]})
    assert made.status_code == 201
    notice = made.get_json()["notices"][0]
    queued = call(doorman, "GET", "/customs-messages?kind=CEB509").get_json()
    assert [row["number"] for row in queued] == [notice["number"]]
    again = call(doorman, "POST", "/parcel-notices", DEPARTURE | {"waybills": [left[1]]})
    assert again.get_json()["type"].endswith("notice_told_already")
    receipts = f"/parcel-notices/{notice['id']}/receipts"
    said = [call(doorman, "POST", receipts, {"status": status}).get_json() for status in ("120", "399", "100")]
    assert [(one["state"], one["has_moved"]) for one in said] == [
        ("stored", True), ("approved", True), ("approved", False)
    ]  # fmt: skip
    listed = call(doorman, "GET", "/parcel-notices?kind=departure&state=approved").get_json()
    assert [row["waybills"] for row in listed] == [[left[1]]]
    assert call(doorman, "POST", receipts, {"status": "399"}, role="clerk").status_code == 403


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"traf_mode": ""}, 422, "traf_mode: is needed"),
        ({"traf_mode": "Y"}, 422, "trafMode is Y; allowed are"),
        ({"waybills": ["W-NONE"]}, 422, "No waybill W-NONE of carrier L"),
        ({"kind": "tally"}, 422, "kind"),
        ({"waybills": []}, 422, "waybills"),
    ],
)
def test_each_mistake_has_its_own_words(
    doorman: Doorman, left: tuple[str, str], change: dict[str, Any], status: int, said: str
) -> None:
    refused = call(doorman, "POST", "/parcel-notices", DEPARTURE | {"waybills": [left[1]]} | change)
    assert refused.status_code == status
    assert said in refused.get_data(as_text=True)


def test_an_export_comes_back_over_http_from_application_to_count(
    doorman: Doorman, left: tuple[str, str]
) -> None:
    at = (world.LET_GO_AT + timedelta(days=1)).isoformat()
    line = {"line_no": 1, "gcode": "6912001000", "qty": "1"}
    body = {"reason": "unwanted", "lines": [line], "at": at}
    no_way = call(doorman, "POST", f"/parcel-declarations/{left[0]}/returns", body)
    assert no_way.get_json()["type"].endswith("return_way_missing")
    asked = call(doorman, "POST", f"/parcel-declarations/{left[0]}/returns", body | {"way": WAY}).get_json()
    tally = {"operator_code": "4306600001", "operator_name": "Site", "place": "R-01", "at": at}
    path = f"/parcel-returns/{asked['id']}/tally"
    assert call(doorman, "POST", path, tally).get_json()["type"].endswith("parcel_request_not_open")
    call(doorman, "POST", f"/parcel-declarations/{left[0]}/receipts", {"kind": "CEB214", "status": "399"})
    told = call(doorman, "POST", path, tally).get_json()
    back = {"area": "4902", "at": at}
    early = call(doorman, "POST", f"/parcel-returns/{asked['id']}/back", back)
    assert early.get_json()["type"].endswith("notice_not_decided")
    call(doorman, "POST", f"/parcel-notices/{told['id']}/receipts", {"status": "399"})
    assert call(doorman, "POST", f"/parcel-returns/{asked['id']}/back", back).get_json()["state"] == "completed"
    kinds = [row["kind"] for row in call(doorman, "GET", "/customs-messages?direction=out").get_json()]
    assert {"CEB213", "CEB215"} <= set(kinds)
