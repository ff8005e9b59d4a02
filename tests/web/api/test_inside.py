"""What is done inside the warehouse over HTTP: counts, adjustments, and who may do what."""

from typing import Any

import pytest

from tests import build
from tests.web.conftest import PASSWORD_HASH, Doorman
from tests.wms.floor.inside import Hall, Handheld, build_hall, lying
from web.auth import credentials
from web.auth.tables import Credential
from wms.db import Database, Scope
from wms.parties.tables import Person


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        made.fill(session, "A-1", 100)
        return made


class Caller:
    """A person who is logged in with a browser and calls the API from it."""

    def __init__(self, doorman: Doorman, person: Person) -> None:
        self._client, key, name = doorman.app.test_client(), credentials.new_key(), f"p{build.number()}"
        with doorman.database.unit_of_work(doorman.scope) as session:
            credential = Credential(person_id=person.id, login_name=name, password_hash=PASSWORD_HASH)
            session.add(credential)
            session.flush()
            credentials.start_login(session, credential.id, key, "127.0.0.1", "test")
        with self._client.session_transaction() as kept:
            kept["_user_id"], kept["_fresh"] = key, True
        self._client.set_cookie("locale", "en")
        text = self._client.get("/desk").text
        self._token = text.partition('name="csrf-token" content="')[2].partition('"')[0]

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Write to the API; the answer with its status."""
        headers = {"X-CSRFToken": self._token, "Idempotency-Key": f"key-{build.number()}"}
        return self._client.post(f"/api/v1/{path}", headers=headers, json=body or {})

    def form(self, path: str, **fields: str) -> Any:
        """Send a form of a page."""
        given = {"csrf_token": self._token, "idempotency_key": f"key-{build.number()}", **fields}
        return self._client.post(path, data=given)

    def get(self, path: str) -> Any:
        """Read from the API."""
        return self._client.get(f"/api/v1/{path}").get_json()

    def page(self, path: str) -> str:
        """Read a page."""
        said = self._client.get(path)
        assert said.status_code == 200
        return str(said.text)


def test_a_count_from_its_order_to_the_ledger(doorman: Doorman, database: Database, scope: Scope, hall: Hall) -> None:
    boss, other = Caller(doorman, hall.boss), Caller(doorman, hall.other_boss)
    made = boss.post("counts", {"site": hall.site.code, "kind": "location", "places": ["a-1"]})
    assert made.status_code == 201
    count_no = made.get_json()["count_no"]
    for person in (hall.clerk, hall.boss):
        gun = Handheld(database, scope.tenant_id, hall, person, "count")
        gun.scans("A-1", "QTY 88", hall.label(), "CONFIRM", document_no=count_no)
    [found] = boss.get("count-differences?state=waiting")
    assert (found["qty"], found["value_minor"], found["place"]) == (-12, -6000, "A-1")
    path = f"count-differences/{found['id']}/approve"
    refused = boss.post(path, {"qty": -12})
    assert (refused.status_code, refused.get_json()["type"].rpartition(":")[2]) == (403, "counter_may_not_approve")
    assert other.post(path, {"qty": -11}).get_json()["type"].endswith("difference_changed")
    assert other.post(path, {"qty": -12, "note": "looked myself"}).get_json()["state"] == "adjusted"
    shown = boss.get(f"counts/{count_no}")
    assert (shown["state"], len(shown["rounds"]), shown["differences"][0]["note"]) == ("done", 2, "looked myself")
    with database.unit_of_work(scope) as session:
        assert lying(session, hall, "A-1") == 88


def test_an_adjustment_from_its_paper_to_the_ledger(doorman: Doorman, hall: Hall) -> None:
    clerk, boss = Caller(doorman, hall.clerk), Caller(doorman, hall.boss)
    line = {"place": "A-1", "item": hall.milk.code, "lot_no": "L1", "qty": -51}
    body = {"document": "P-7", "site": hall.site.code, "owner": hall.owner.code, "reason": "BREAKAGE", "lines": [line]}
    made = clerk.post("adjustments", body).get_json()
    assert (made["state"], made["lines"][0]["qty"]) == ("waiting", -51)
    again = clerk.post("adjustments", body)
    assert (again.status_code, "P-7" in again.get_json()["detail"]) == (409, True)
    assert [row["adjustment_no"] for row in boss.get("adjustments?state=waiting")] == [made["adjustment_no"]]
    assert boss.post(f"adjustments/{made['adjustment_no']}/approve").get_json()["state"] == "posted"
    assert "BREAKAGE" in boss.get("adjustment-reasons")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"qty": -1.5}, "invalid_field"),
        ({"unit": "box"}, "unknown_unit"),
        ({"item": "NONE"}, "unknown_item"),
        ({"place": "NOWHERE"}, "not_found"),
        ({"qty": 3}, "wrong_sign"),
    ],
)
def test_a_wrong_adjustment_line_is_refused_with_its_field(
    doorman: Doorman, hall: Hall, fault: dict[str, Any], code: str
) -> None:
    line = {"place": "A-1", "item": hall.milk.code, "lot_no": "L1", "qty": -1} | fault
    body = {"document": "P-8", "site": hall.site.code, "owner": hall.owner.code, "reason": "BREAKAGE", "lines": [line]}
    said = Caller(doorman, hall.clerk).post("adjustments", body).get_json()
    assert said["type"].rpartition(":")[2] == code
    assert said["field"].startswith("lines") or code == "unknown_unit"


def test_a_count_of_nothing_is_refused(doorman: Doorman, hall: Hall) -> None:
    boss = Caller(doorman, hall.boss)
    said = boss.post("counts", {"site": hall.site.code, "kind": "location"})
    assert said.get_json()["type"].endswith("nothing_to_count")
    assert boss.get("counts/CC00099999")["type"].endswith("unknown_count")


def test_a_return_over_http(doorman: Doorman, database: Database, scope: Scope, hall: Hall) -> None:
    clerk = Caller(doorman, hall.clerk)
    body = {
        "return_no": "RMA-1", "site": hall.site.code, "owner": hall.owner.code,
        "lines": [{"item": hall.cream.code, "qty": 1, "unit": "carton"}],
    }  # fmt: skip
    made = clerk.post("returns", body)
    assert (made.status_code, made.get_json()["expected_qty"]) == (201, 12)
    assert clerk.post("returns", body).get_json()["type"].endswith("return_exists")
    late = body | {"return_no": "RMA-2", "kind": "import", "released_on": "2026-01-01"}
    assert clerk.post("returns", late).get_json()["type"].endswith("applied_too_late")
    gun = Handheld(database, scope.tenant_id, hall, hall.clerk, "return")
    gun.scans("INSP", "QTY 12", hall.label(hall.cream), document_no="RMA-1")
    [came] = clerk.get("returns/RMA-1")["returned"]
    graded = clerk.post("returns/RMA-1/grade", {"returned": came["id"], "grade": "A", "qty": 12, "note": "sealed"})
    assert graded.get_json()["returned"][0]["grades"][0]["result"] == "good"
    assert clerk.post("returns/RMA-1/close").get_json()["state"] == "closed"
    assert [row["return_no"] for row in clerk.get("returns?state=closed")] == ["RMA-1"]


def test_a_kit_over_http(doorman: Doorman, database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        hall.fill(session, "WORK", 10, hall.cream)
        box = build.make_item(session, hall.owner, is_lot_controlled=True).code
    boss, clerk = Caller(doorman, hall.boss), Caller(doorman, hall.clerk)
    lines = [{"item": hall.cream.code, "direction": "in", "qty": 2}, {"item": box, "direction": "out", "qty": 1}]
    bill = {
        "bill_no": "G-1", "version": 1, "owner": hall.owner.code, "kind": "kit", "valid_from_on": "2026-01-01",
        "lines": lines,
    }  # fmt: skip
    assert boss.post("bills", bill).status_code == 201
    assert boss.post("bills", bill).get_json()["type"].endswith("bill_exists")
    order = {"bill_no": "G-1", "owner": hall.owner.code, "site": hall.site.code, "place": "WORK", "batches": 3}
    number = boss.post("processing-orders", order).get_json()["order_no"]
    done = clerk.post(f"processing-orders/{number}/complete", {"batches": 3, "made": [{"item": box, "lot_no": "B1"}]})
    assert (done.status_code, done.get_json()["state"]) == (201, "done")
    shown = clerk.get(f"lot-genealogy?owner={hall.owner.code}&item={box}&lot_no=B1")
    assert [(row["item"], row["qty"]) for row in shown["made_of"]] == [(hall.cream.code, 6)]
    assert [row["done"] for row in clerk.get("processing-orders")] == [3]
    assert len(clerk.get("bills")) == 1


def test_a_replenishment_over_http(doorman: Doorman, hall: Hall) -> None:
    boss = Caller(doorman, hall.boss)
    face = {"place": "P-1", "owner": hall.owner.code, "item": hall.milk.code, "least": 10, "most": 40}
    assert boss.post("pick-faces", {"site": hall.site.code, "faces": [face]}).get_json() == {"faces": 1}
    wrong = boss.post("pick-faces", {"site": hall.site.code, "faces": [face | {"least": 40}]})
    assert wrong.get_json()["type"].endswith("bad_limits")
    made = boss.post("replenishments", {"site": hall.site.code, "demand": []}).get_json()
    assert [(part["from_place"], part["to_place"], part["qty"]) for part in made["parts"]] == [("A-1", "P-1", 40)]
    assert boss.get("pick-faces")[0]["incoming"] == 40
    again = boss.post("replenishments", {"site": hall.site.code, "demand": []}).get_json()
    assert again["replenishments"] == []
    number = made["replenishments"][0]
    assert boss.post(f"replenishments/{number}/void").get_json()["state"] == "void"
    assert boss.get("replenishments?state=open") == []


def test_a_destruction_over_http(doorman: Doorman, database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        company = build.make_company(session, "customs")
        officer_person = build.make_person(session, company, "customs_officer")
    clerk, boss = Caller(doorman, hall.clerk), Caller(doorman, hall.boss)
    goods = {"place": "A-1", "owner": hall.owner.code, "item": hall.milk.code, "qty": 10}
    aside = clerk.post(
        "quarantines", {"site": hall.site.code, "goods": goods, "reason": "torn foil", "to_place": "Q-1"}
    ).get_json()
    assert (aside["place"], aside["qty"]) == ("Q-1", 10)
    decided = boss.post(f"quarantines/{aside['quarantine_no']}/decide", {"decision": "damaged"})
    assert decided.get_json()["decision"] == "damaged"
    lines = [goods | {"place": "Q-1"}]
    body = {"site": hall.site.code, "reason": "spoilt", "method": "burnt", "lines": lines}
    number = clerk.post("destructions", body).get_json()["destruction_no"]
    assert boss.post(f"destructions/{number}/approve").get_json()["state"] == "approved"
    assert clerk.post(f"destructions/{number}/witness").get_json()["type"].endswith("requester_may_not_do")
    assert clerk.post(f"destructions/{number}/carry-out").get_json()["type"].endswith("witnesses_missing")
    for caller in (Caller(doorman, officer_person), boss):
        assert caller.post(f"destructions/{number}/witness").status_code == 200
    done = clerk.post(f"destructions/{number}/carry-out").get_json()
    assert (done["state"], len(done["sha256"])) == ("destroyed", 64)
    assert clerk.get(f"destructions/{number}")["certificate"]["goods"][0]["qty"] == 10


def test_the_pages_show_what_waits_and_take_the_decision(
    doorman: Doorman, database: Database, scope: Scope, hall: Hall
) -> None:
    clerk, boss = Caller(doorman, hall.clerk), Caller(doorman, hall.boss)
    for person in (hall.clerk, hall.other_clerk):
        Handheld(database, scope.tenant_id, hall, person, "count").scans("A-1", "QTY 90", hall.label(), "CONFIRM")
    line = {"place": "A-1", "item": hall.milk.code, "lot_no": "L1", "qty": -51}
    body = {"document": "P-9", "site": hall.site.code, "owner": hall.owner.code, "reason": "BREAKAGE", "lines": [line]}
    adjustment = clerk.post("adjustments", body).get_json()["adjustment_no"]
    goods = {"place": "A-1", "owner": hall.owner.code, "item": hall.milk.code, "qty": 2}
    quarantine = clerk.post("quarantines", {"site": hall.site.code, "goods": goods, "reason": "torn"}).get_json()
    face = {"place": "P-1", "owner": hall.owner.code, "item": hall.milk.code, "least": 1, "most": 5}
    boss.post("pick-faces", {"site": hall.site.code, "faces": [face]})
    [found] = boss.get("count-differences?state=waiting")
    assert "Approve" in boss.page("/desk/counts")
    assert "Approve" not in clerk.page("/desk/counts")
    done = [
        boss.form("/desk/inside", deed="difference-approve", number=str(found["id"]), qty="-10",
                  back="desk_inside.counts"),
        boss.form("/desk/inside", deed="adjustment-approve", number=adjustment),
        boss.form("/desk/inside", deed="quarantine-good", number=quarantine["quarantine_no"]),
        boss.form("/desk/inside", deed="fill", number=hall.site.code),
    ]  # fmt: skip
    assert [one.status_code for one in done] == [302] * 4
    with database.unit_of_work(scope) as session:
        assert lying(session, hall, "A-1") == 39
    assert "P-1" in boss.page(f"/desk/inside?site={hall.site.code}")
    again = boss.form("/desk/inside", deed="adjustment-approve", number=adjustment)
    assert again.status_code == 409
    assert hall.boss.name_en in again.text
    assert clerk.form("/desk/inside", deed="adjustment-approve", number=adjustment).status_code == 403
    assert boss.form("/desk/inside", deed="eat", number="1").status_code == 403
    assert boss.page("/desk/returns")
