"""Declarations over HTTP leave as messages: queued with the deed, signed, sealed; and answers move their documents."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.web.api import test_retail as retail
from tests.web.api.test_account_books import Zone
from tests.web.conftest import Doorman
from tests.wms.customs.parcels import world
from web.app import create_app
from web.demo.counter import forms
from wms.customs.clock import BEIJING
from wms.customs.messages.keeping import clear
from wms.customs.messages.keys import TEST_KEY, read_key
from wms.customs.messages.signing import verify
from wms.customs.tables import CustomsMessage
from wms.db import Database, Scope
from wms.parties.tables import Site
from wms.settings import Settings

Parts = list[tuple[str, tuple[tuple[str, str], ...]]]


@pytest.fixture
def zone(database: Database, scope: Scope, doorman: Doorman) -> Zone:
    return Zone(database, scope, doorman)


@pytest.fixture
def named(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        world.name_sender(session)


@pytest.fixture
def set_to(web_settings: Settings, database: Database, doorman: Doorman) -> Callable[..., Doorman]:
    """The same house with other settings."""
    return lambda **given: replace(doorman, app=create_app(replace(web_settings, **given), database))


def out(zone_or_doorman: Any, kind: str) -> list[tuple[str, str]]:
    """What was queued of a kind: its state, and its bytes as text."""

    def read(session: Session) -> list[tuple[str, str]]:
        rows = select(CustomsMessage).where(CustomsMessage.direction == "out", CustomsMessage.kind == kind)
        return [(row.state, clear(session, row).decode()) for row in session.scalars(rows.order_by(CustomsMessage.id))]

    with zone_or_doorman.database.unit_of_work(zone_or_doorman.scope) as session:
        return read(session)


def bring(doorman: Doorman, raw: bytes | str) -> Any:
    data = raw if isinstance(raw, bytes) else raw.encode()
    body = {"content_base64": base64.b64encode(data).decode(), "source": "e-port"}
    return retail.call(doorman, "POST", "/customs-messages", body).get_json()


def inv201(internal_no: str, list_no: str, result: str = "4", changes: int = 0, state: str = "0") -> str:
    parts: Parts = [
        ("HdeApprResult", (("etpsPreentNo", "1"), ("businessId", list_no), ("manageResult", result))),
        (
            "BondInvtBsc",
            (("bondInvtNo", list_no), ("chgTmsCnt", str(changes)), ("etpsInnerInvtNo", internal_no),
             ("vrfdedMarkcd", "1"), ("invtStucd", state)),
        ),
    ]  # fmt: skip
    return forms.bonded("INV201", list_no, datetime.now(BEIJING), parts)


def sas221(seq_no: str, pass_no: str) -> str:
    parts: Parts = [
        ("HdeApprResult", (("etpsPreentNo", seq_no), ("businessId", pass_no), ("manageResult", "1"))),
        ("SasPassportBsc", (("passportNo", pass_no), ("sasPassportPreentNo", seq_no), ("stucd", "1"))),
    ]
    return forms.bonded("SAS221", pass_no, datetime.now(BEIJING), parts)


def declared(zone: Zone) -> tuple[str, str]:
    """A list that customs pre-deducted, by a message that came to the API; its two numbers."""
    internal_no, list_no = zone.new_list().get_json()["internal_no"], f"QD490226I{build.number():09d}"
    assert zone.answer(internal_no, "declared").status_code == 200
    assert bring(zone.doorman, inv201(internal_no, list_no))["state"] == "taken"
    assert zone.get(f"/verification-lists/{internal_no}").get_json()["state"] == "pre_deducted"
    return internal_no, list_no


def test_declaring_a_list_queues_its_message_and_waits_visibly_without_a_line(zone: Zone) -> None:
    internal_no, _list_no = declared(zone)
    ((state, text),) = out(zone, "INV101")
    assert (state, internal_no in text, "<dclTypecd>1</dclTypecd>" in text) == ("queued", True, True)
    listed = zone.get("/customs-messages?kind=INV101&state=queued").get_json()
    assert [row["number"] for row in listed] == [internal_no]
    page = zone.doorman.browser("declarant").get("/desk/customs-messages").text
    assert "Messages that wait to leave: 1. No line to customs is set" in page


def test_what_may_not_be_declared_queues_nothing(zone: Zone) -> None:
    number = zone.new_list(trade_mode="1239").get_json()["internal_no"]
    assert zone.answer(number, "declared").status_code in {409, 422}
    assert out(zone, "INV101") == []


def test_a_change_and_its_refusal_and_a_deletion_go_out_and_come_back(zone: Zone) -> None:
    internal_no, list_no = declared(zone)
    line = {"line_no": 1, "declared_qty": "9", "declared_base_qty": 9}
    asked = zone.post(f"/verification-lists/{internal_no}/changes", {"reason": "counted again", "lines": [line]})
    assert asked.status_code == 201
    text = out(zone, "INV101")[1][1]
    assert all(part in text for part in ("<dclTypecd>2<", f"<bondInvtNo>{list_no}<", "<dclQty>9<", "<modfMarkcd>1<"))
    assert bring(zone.doorman, inv201(internal_no, list_no, "3", 1))["state"] == "taken"
    assert zone.get(f"/verification-lists/{internal_no}").get_json()["lines"][0]["declared_base_qty"] == 10
    zone.post(f"/verification-lists/{internal_no}/changes", {"reason": "counted again", "lines": [line]})
    bring(zone.doorman, inv201(internal_no, list_no, "2", 1))  # somebody looks at it: nothing is decided yet
    assert zone.get(f"/verification-lists/{internal_no}").get_json()["lines"][0]["declared_base_qty"] == 10
    assert bring(zone.doorman, inv201(internal_no, list_no, "4", 1))["state"] == "taken"
    assert zone.get(f"/verification-lists/{internal_no}").get_json()["lines"][0]["declared_base_qty"] == 9
    zone.post(f"/verification-lists/{internal_no}/changes", {"reason": "not needed", "lines": []})
    assert "<dclTypecd>3<" in out(zone, "INV101")[3][1]
    assert bring(zone.doorman, inv201(internal_no, list_no, "1", 2, "3"))["state"] == "taken"
    assert zone.get(f"/verification-lists/{internal_no}").get_json()["state"] == "deleted"


def test_an_answer_about_no_document_of_ours_is_kept_and_shown_with_its_reason(zone: Zone) -> None:
    kept = bring(zone.doorman, inv201("NOBODY-1", f"QD490226I{build.number():09d}"))
    assert (kept["state"], "NOBODY-1" in kept["reason"]) == ("refused", True)
    page = zone.doorman.browser("declarant").get(f"/desk/customs-messages/{kept['id']}").text
    assert "NOBODY-1" in page


def test_a_pass_is_applied_for_and_voided_by_message(zone: Zone) -> None:
    internal_no, list_no = declared(zone)
    with zone.database.unit_of_work(zone.scope) as session:
        site = session.get_one(Site, zone.shelf.site_id).code
    now = datetime.now(UTC)
    body = {
        "internal_no": f"HF-{build.number()}", "owner": zone.owner, "site": site, "direction": "I", "pass_type": "2",
        "plate": "湘F12345", "vehicle_weight_g": 14_000_000, "valid_from_at": now.isoformat(),
        "valid_until_at": (now + timedelta(hours=8)).isoformat(),
        "goods": [{"document": internal_no, "line_no": 1, "qty": 10, "gross_weight_g": 2500}],
    }  # fmt: skip
    assert zone.post("/gate-passes", body).status_code == 201
    ((state, text),) = out(zone, "SAS121")
    assert (state, f"<rltNo>{list_no}<" in text, "<dclTypecd>1<" in text) == ("queued", True, True)
    seq_no, pass_no = f"2026{build.number():014d}", f"Z4902I{now:%y%m%d}{build.number():012d}"
    early = bring(zone.doorman, sas221(seq_no, pass_no))
    assert early["state"] == "waiting"
    assert bring(zone.doorman, forms.status_file(seq_no, body["internal_no"], "ok", good=True))["state"] == "taken"
    assert zone.get(f"/gate-passes/{pass_no}").get_json()["state"] == "approved"
    assert zone.get("/customs-messages?kind=SAS221").get_json()[0]["state"] == "taken"
    voided = zone.post(f"/gate-passes/{pass_no}/answers", {"answer": "void", "reason": "no vehicle"})
    assert voided.status_code == 200
    assert "<dclTypecd>3<" in out(zone, "SAS121")[1][1]


def test_a_parcel_is_declared_with_a_signed_message_that_is_kept_sealed(
    doorman: Doorman, named: None, web_settings: Settings
) -> None:
    one = world.sale()
    retail.declared(doorman, one)
    ((state, text),) = out(doorman, "CEB621")
    certificate = read_key(web_settings.data_dir / TEST_KEY).certificate
    assert state == "queued"
    assert verify(text.encode(), [certificate]).state == "valid"
    assert "CN=TEST" in certificate.subject.rfc4514_string()
    assert re.search(r"<ceb:copCode>4306960002</ceb:copCode>.*<ceb:dxpId>DXPENT0000000001</ceb:dxpId>", text)
    with doorman.database.unit_of_work(doorman.scope) as session:
        row = session.scalars(select(CustomsMessage).where(CustomsMessage.kind == "CEB621")).one()
        assert row.raw is None
        assert one.buyer_id.encode() not in (row.raw_sealed or b"")


def test_without_a_sender_nothing_is_declared_and_the_setting_is_named(doorman: Doorman) -> None:
    one = world.sale()
    retail.send(doorman, one)
    number = retail.drawn_up(doorman, one)["number"]
    refused = retail.call(doorman, "POST", "/parcel-declarations/declare", {"numbers": [number]})
    assert refused.status_code == 409
    assert "customs.sender" in refused.get_json()["detail"]
    assert retail.call(doorman, "GET", f"/parcel-declarations/{number}").get_json()["state"] == "draft"


@pytest.mark.parametrize(
    ("key", "status", "said"), [("none", 409, "is set to none"), ("absent.pem", 503, "absent.pem")]
)
def test_without_a_key_what_customs_wants_signed_is_refused(
    set_to: Callable[..., Doorman], named: None, tmp_path: Path, key: str, status: int, said: str
) -> None:
    house = set_to(customs_key=key if key == "none" else str(tmp_path / key))
    one = world.sale()
    retail.send(house, one)
    number = retail.drawn_up(house, one)["number"]
    refused = retail.call(house, "POST", "/parcel-declarations/declare", {"numbers": [number]})
    assert (refused.status_code, "DONGTING_CUSTOMS_KEY" in refused.get_json()["detail"]) == (status, True)
    assert said in refused.get_json()["detail"]
    assert out(house, "CEB621") == []


def test_a_house_that_works_by_hand_declares_and_queues_nothing(
    set_to: Callable[..., Doorman], database: Database, scope: Scope
) -> None:
    house = set_to(customs_by_hand=True)
    retail.declared(house, world.sale())
    by_hand = Zone(database, scope, house)
    number = by_hand.new_list().get_json()["internal_no"]
    assert by_hand.answer(number, "declared").get_json()["state"] == "declared"
    assert out(house, "CEB621") == out(house, "INV101") == []
