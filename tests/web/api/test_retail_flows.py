"""After release over HTTP: tax bills, export summary, exemption, levy statement, refund on departure."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.test_exports import SIX, TERMS, exported
from tests.wms.customs.parcels.world import AT, EBC, sale
from wms.db import Database, Scope


def call(doorman: Doorman, method: str, path: str, body: Any = None) -> Any:
    headers = doorman.token("declarant") | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    return doorman.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, json=body)


@pytest.fixture(autouse=True)
def _sender(database: Database, scope: Scope) -> None:
    """Somebody sends to customs."""
    with database.unit_of_work(scope) as session:
        world.name_sender(session)


@pytest.fixture
def left(database: Database, scope: Scope) -> str:
    """An export for an overseas warehouse that customs let go: its number."""
    with database.unit_of_work(scope) as session:
        return world.row(session, exported(session, replace(TERMS, trade_mode="9810"))).cop_no or ""


def test_a_tax_bill_that_differs_is_told_and_consolidated(doorman: Doorman, database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        row = world.row(session, world.released(session, sale()))
    line = {"line_no": 1, "duty": "0", "consumption_tax": "0", "vat": "26"}
    at = (AT + timedelta(days=1)).isoformat()
    bill = {"tax_no": "T-1", "invt_no": row.invt_no, "status": "1", "lines": [line], "assure_code": EBC, "at": at}
    said = call(doorman, "POST", "/tax-bills", bill).get_json()
    assert [(one["field"], one["ours"], one["customs"]) for one in said["differences"]] == [("vat", "25.39000", "26")]
    period = "/tax-bills/consolidated?since=2026-06-01&until=2026-07-01"
    assert call(doorman, "GET", period).get_json()[0]["differing_count"] == 1
    void = {"tax_no": "T-1", "status": "3", "at": (AT + timedelta(days=2)).isoformat()}
    assert call(doorman, "POST", "/tax-bills/status", void).get_json()["status"] == "3"
    assert call(doorman, "GET", period).get_json() == []


def test_exports_are_summed_up_and_become_a_declaration(doorman: Doorman, left: str) -> None:
    assert left
    body = {"ebc_code": EBC, "since": AT.isoformat(), "until": (AT + timedelta(days=1)).isoformat()}
    made = call(doorman, "POST", "/export-summaries", body).get_json()
    assert made["lines"][0]["parcels"] == 1
    queued = call(doorman, "GET", "/customs-messages?kind=CEB701").get_json()
    assert [row["number"] for row in queued] == [made["cop_no"]]
    again = call(doorman, "POST", "/export-summaries", body).get_json()
    assert again["type"].endswith("nothing_to_sum")
    result = {"cop_no": made["cop_no"], "sum_no": "S" * 18, "entry_no": "4" * 18}
    assert call(doorman, "POST", "/export-summaries/result", result).get_json()["state"] == "declared"


def test_the_exemption_names_each_condition(doorman: Doorman, database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        number = world.row(session, exported(session, value="500")).cop_no
    path = f"/parcel-declarations/{number}/exemption"
    lacking = call(doorman, "POST", path, {"is_registered": True, "registered": [SIX | {"price": ""}]}).get_json()
    assert (lacking["is_exempt"], [one["is_met"] for one in lacking["conditions"]]) == (False, [False, True, True])
    assert call(doorman, "POST", path, {"is_registered": True, "registered": [SIX]}).get_json()["is_exempt"]
    period = f"/levy-statements?ebc_code={EBC}&since=2026-06-01&until=2026-07-01"
    assert call(doorman, "GET", period).get_json()["tax"] == "10.00"
    assert call(doorman, "GET", f"{period}&is_small=true").get_json()["tax"] == "2.00"


def test_goods_for_an_overseas_warehouse_are_refunded_and_settled(doorman: Doorman, left: str) -> None:
    path = f"/parcel-declarations/{left}"
    made = call(doorman, "POST", f"{path}/departure", {"rate": "0.13", "sold": "0", "at": AT.isoformat()}).get_json()
    assert (made["business_code"], made["refunded"], made["settle_by_on"]) == ("HWC-YT", "13.00", "2027-04-30")
    done = call(doorman, "POST", f"{path}/settlement", {"sold": "100"}).get_json()
    assert (done["state"], float(done["due"])) == ("settled", 0)
