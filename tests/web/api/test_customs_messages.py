"""Customs messages over HTTP and at the desk: bring one in, list, findings, bytes for a recorded reason."""

import base64
from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.wms.customs.messages.test_post_office import receipt
from wms.customs.messages import post_office
from wms.db import Database, Scope
from wms.record import queries as record


@pytest.fixture(autouse=True)
def _nobody_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are of the post office alone: no handler of a document acts on what comes in."""
    monkeypatch.setattr(post_office, "HANDLERS", {})


def bring(doorman: Doorman, data: bytes, role: str = "declarant", **body: Any) -> Any:
    headers = doorman.token(role) | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    given = {"content_base64": base64.b64encode(data).decode(), "source": "e-port"} | body
    return doorman.app.test_client().post("/api/v1/customs-messages", headers=headers, json=given)


def get(doorman: Doorman, path: str, role: str = "declarant", language: str = "en") -> Any:
    headers = doorman.token(role) | {"Accept-Language": language}
    return doorman.app.test_client().get(f"/api/v1/customs-messages{path}", headers=headers)


def test_what_cannot_be_read_is_kept_and_says_why_in_both_languages(doorman: Doorman) -> None:
    said = bring(doorman, b"<!DOCTYPE x []><x/>").get_json()
    assert said["state"] == "unreadable"
    for language, text in (("en", "may not bring a document type"), ("zh", "不允许带文档类型")):
        found = get(doorman, f"/{said['id']}", language=language).get_json()["findings"]
        assert [one["rule"] for one in found] == ["message_has_dtd"]
        assert text in found[0]["text"]


def test_findings_name_rule_field_and_text(doorman: Doorman) -> None:
    said = bring(doorman, receipt("COP-8", "8" * 11)).get_json()
    assert said["state"] == "invalid"
    found = get(doorman, f"/{said['id']}").get_json()["findings"]
    assert {"rule": "SCH-LENGTH", "field": "InventoryReturn[1]/returnStatus"}.items() <= found[0].items()


def test_bytes_are_given_for_a_recorded_reason(doorman: Doorman, database: Database, scope: Scope) -> None:
    data = receipt("COP-9", "800")
    message_id = bring(doorman, data).get_json()["id"]
    refused = get(doorman, f"/{message_id}/bytes")
    assert refused.status_code in {400, 422}
    assert "it names people" in refused.get_json()["detail"]
    given = get(doorman, f"/{message_id}/bytes?reason=customs+asked+for+it")
    assert given.data == data
    assert given.headers["Content-Disposition"].endswith(f'CEB622-{message_id}.xml"')
    with database.unit_of_work(scope) as session:
        leaf = record.newest(session, "personal_data_shown")
    assert leaf is not None
    assert get(doorman, f"/{message_id}/bytes?reason=curious+me", role="clerk").status_code == 403


def test_each_mistake_of_a_request_has_its_own_words(doorman: Doorman) -> None:
    for given in ("%%%", "岳阳"):
        assert "must be base64" in bring(doorman, b"", content_base64=given).get_json()["detail"]
    assert get(doorman, "/999999999").get_json()["detail"] == "There is no customs message 999999999."
    assert bring(doorman, b"<x/>", role="clerk").status_code == 403


def test_the_desk_lists_messages_and_shows_what_is_wrong(doorman: Doorman) -> None:
    good = bring(doorman, receipt("COP-10", "800")).get_json()["id"]
    bad = bring(doorman, receipt("COP-11", "8" * 11)).get_json()["id"]
    browser = doorman.browser("declarant")
    listed = browser.get("/desk/customs-messages").text
    assert "COP-10" in listed
    assert f"/desk/customs-messages/{bad}" in listed
    assert "COP-10" not in browser.get("/desk/customs-messages?state=invalid").text
    assert "Nothing is wrong" not in browser.get(f"/desk/customs-messages/{bad}").text
    assert "returnStatus may have 10 signs at most" in browser.get(f"/desk/customs-messages/{bad}").text
    assert browser.get(f"/desk/customs-messages/{good}").status_code == 200
    assert "Download" not in doorman.browser("clerk").get(f"/desk/customs-messages/{good}").text
