"""The pages of what each device sent: understood or not, read again, registered; and the same by API."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from iot.parsing import parse_waiting
from tests.iot.test_inbox import keep
from tests.iot.test_parsing import come, plate
from tests.iot.world import Sender, count, read_register, rows, site_with
from tests.web.conftest import Doorman


@pytest.fixture
def camera(doorman: Doorman) -> Sender:
    """A camera that sent a plate and something that nobody can read."""
    database, scope = doorman.database, doorman.scope
    [found] = site_with(database, scope, "gate", lane="L7")
    keep(database, scope, come(database, scope, found, plate(found)), come(database, scope, found, b"\xff no json"))
    with database.unit_of_work(scope) as session:
        parse_waiting(session, read_register(database, scope))
    return found


def ids(doorman: Doorman, camera: Sender) -> list[int]:
    query = "SELECT id FROM inbox WHERE device_id = :id ORDER BY id"
    return [row.id for row in rows(doorman.database, doorman.scope, query, id=camera.id)]


def ask(doorman: Doorman, role: str, path: str) -> Any:
    return doorman.app.test_client().get(path, headers=doorman.token(role) | {"Accept-Language": "en"})


def send(client: FlaskClient, path: str, csrf: str, **form: str) -> Any:
    return client.post(path, data={"csrf_token": csrf, "idempotency_key": str(uuid.uuid4()), **form})


def test_the_list_tells_what_was_sent_held_and_not_understood(doorman: Doorman, camera: Sender) -> None:
    listed = ask(doorman, "auditor", f"/api/v1/devices?after={camera.id - 1}").json
    [row] = [one for one in listed if one["code"] == camera.code]
    assert (row["sent"], row["held"], row["missing"], row["unread"]) == (1, 1, 0, 1)
    shown = doorman.browser("customs_officer").get(f"/gate/devices?after={camera.id - 1}")
    assert camera.code in shown.text


def test_messages_are_found_by_device_state_and_period(doorman: Doorman, camera: Sender) -> None:
    good, bad = ids(doorman, camera)
    path = f"/api/v1/device-messages?device_id={camera.id}"
    assert [one["id"] for one in ask(doorman, "customs_officer", path).json] == [bad, good]
    assert [one["id"] for one in ask(doorman, "customs_officer", f"{path}&state=open").json] == [bad]
    assert [one["id"] for one in ask(doorman, "customs_officer", f"{path}&before={bad}").json] == [good]
    assert ask(doorman, "customs_officer", f"{path}&until=2020-01-01T00:00:00Z").json == []
    assert ask(doorman, "customs_officer", f"{path}&state=nonsense").status_code == 422
    browser = doorman.browser("customs_officer")
    assert "not_json" in browser.get(f"/gate/device-messages?device={camera.id}&state=open").text
    for strange in ("device=-1", "device=" + "9" * 30, "since=yesterday", "until=9999-99-99", "state=x", "before=a"):
        assert browser.get(f"/gate/device-messages?{strange}").status_code == 200, strange


def test_a_message_shows_its_bytes_and_how_it_was_read(doorman: Doorman, camera: Sender) -> None:
    good, bad = ids(doorman, camera)
    body = ask(doorman, "auditor", f"/api/v1/device-messages/{good}").json
    assert json.loads(bytes.fromhex(body["payload_hex"]))["device"] == camera.code
    assert (body["shown_as"], body["adapter"], body["readings"][0]["kind"]) == ("json", "dongting", "PlateRead")
    body = ask(doorman, "auditor", f"/api/v1/device-messages/{bad}").json
    assert (body["state"], body["readings"], body["letters"][0]["reason"]) == ("dead", [], "not_json")
    shown = doorman.browser("customs_officer").get(f"/gate/device-messages/{good}").text
    assert "湘F12345" in shown
    assert ask(doorman, "auditor", "/api/v1/device-messages/999999999999").status_code == 404


def test_a_message_is_read_again_as_history_and_never_twice(
    doorman: Doorman, camera: Sender, csrf: Callable[..., str]
) -> None:
    officer = doorman.browser("customs_officer")
    good, bad = ids(doorman, camera)
    page, token = f"/gate/device-messages/{bad}", csrf(officer, "/gate/devices")
    assert send(officer, f"{page}/replay", token).status_code == 302
    assert send(officer, "/gate/device-messages/replay", token, device_id=str(camera.id)).status_code == 302
    headers = doorman.token("customs_officer") | {"Idempotency-Key": str(uuid.uuid4())}
    said = doorman.app.test_client().post(
        "/api/v1/device-messages/replay", headers=headers, json={"message_ids": [good, bad]}
    )
    assert (said.status_code, said.json) == (200, {"messages": 2})
    assert count(doorman.database, doorman.scope, "reading", "device_id = :id", id=camera.id) == 1
    waiting = "closed_at IS NULL AND inbox_id = :id"
    assert count(doorman.database, doorman.scope, "dead_letter", waiting, id=bad) == 1


def test_an_administrator_registers_a_device_and_sees_its_token_once(
    doorman: Doorman, camera: Sender, csrf: Callable[..., str]
) -> None:
    admin = doorman.browser("administrator")
    key = csrf(admin, "/admin/devices")
    query = "SELECT site_id FROM device WHERE id = :id"
    [(site_id,)] = rows(doorman.database, doorman.scope, query, id=camera.id)
    code = f"new-{uuid.uuid4().hex[:8]}"
    form = {"code": code, "site_id": str(site_id), "family": "fence", "format": "zigbee2mqtt"}
    form |= {"topic_filters": "zigbee2mqtt/gate", "profile": '{"a": 1}'}
    said = send(admin, "/admin/devices", key, **form)
    assert said.status_code == 200
    shown = said.text.partition('class="secret">')[2].partition("<")[0]
    assert len(shown) >= 40
    assert shown not in admin.get("/admin/devices").text
    for wrong in ({"code": code}, {"code": "a/b"}, {"code": "ok1", "format": "x"}, {"code": "ok2", "family": "x"},
                  {"code": "ok3", "profile": "["}, {"code": "ok4", "site_id": "0"},
                  {"code": "ok5", "topic_filters": "#"}):  # fmt: skip
        assert send(admin, "/admin/devices", key, **(form | wrong)).status_code == 422, wrong
    query = "SELECT id FROM device WHERE code = :code"
    [(device_id,)] = rows(doorman.database, doorman.scope, query, code=code)
    changed = send(admin, f"/admin/devices/{device_id}", key, format="axis", profile="{}", is_active="1")
    assert changed.status_code == 302
    assert rows(doorman.database, doorman.scope, "SELECT format FROM device WHERE code = :code", code=code) == [
        ("axis",)
    ]
    assert send(admin, f"/admin/devices/{device_id}", key, format="no", profile="{}").status_code == 422
    assert send(doorman.browser("customs_officer"), "/admin/devices", "x").status_code in (400, 403)
