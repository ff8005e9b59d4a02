"""What decides at the gates, through pages and API: orders, answers, parameters, tolerances, reasons and pictures."""

import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.build import now, number
from tests.web.conftest import Doorman
from tests.web.test_gate_page import Scene, send
from tests.wms.gate.world import crossing, make_pass, seen_of
from wms.gate.rules.lane import LaneParameters
from wms.gate.service import decide_or_ask, set_parameters
from wms.gate.tables import ControlOrderRow, Passage, PassagePhoto, Release

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


@pytest.fixture
def scene(doorman: Doorman) -> Scene:
    return Scene(doorman.database, doorman.scope)


@pytest.fixture
def api(doorman: Doorman) -> Callable[..., Any]:
    """Call the API as an officer's system: method, path, body."""
    token = doorman.token("customs_officer", doorman.cast.customs_id)

    def call(method: str, path: str, body: Any = None) -> Any:
        headers = token | {"Idempotency-Key": f"k{number()}"}
        return doorman.app.test_client().open(f"/api/v1/gates/{path}", method=method, json=body, headers=headers)

    return call


def test_an_order_by_page_holds_the_vehicle_in_its_lane_and_its_end_is_told(
    doorman: Doorman, scene: Scene, csrf: Callable[..., str]
) -> None:
    officer = doorman.browser("customs_officer")
    token = csrf(officer, "/gate/orders")
    form = {"control": "stop", "target_kind": "plate", "target": scene.held_plate, "reason": "information received"}
    assert send(officer, "/gate/orders", token, **form).status_code == 302
    assert scene.held_plate[2:] in officer.get("/gate/orders").text
    with scene.database.unit_of_work(scene.scope) as session:
        assert session.scalar(select(Passage.hold_code).where(Passage.id == scene.held_id)) == "control_stop"
        order_id = session.scalar(select(ControlOrderRow.id))
    assert "second officer" in officer.get(f"/gate/passages/{scene.held_id}").text
    refused = send(officer, f"/gate/orders/{order_id}/withdraw", token, reason="no")
    assert (refused.status_code, "reason in words" in refused.text) == (422, True)
    assert send(officer, f"/gate/orders/{order_id}/withdraw", token, reason="mistaken plate").status_code == 302
    assert "mistaken plate" in doorman.browser("auditor").get("/gate/orders").text
    wrong = send(officer, "/gate/orders", token, **form | {"target": "SCANIA"})
    assert (wrong.status_code, "SCANIA is no valid plate" in wrong.text) == (422, True)
    assert 'id="control"' not in doorman.browser("auditor").get("/gate/orders").text


def test_orders_by_api_are_given_listed_and_withdrawn_once(api: Callable[..., Any], scene: Scene) -> None:
    body = {"control": "inspect", "target_kind": "plate", "target": scene.held_plate, "reason": "random check"}
    given = api("POST", "control-orders", body)
    assert given.status_code == 201
    assert given.json["passage_ids"] == [scene.held_id]
    order_id = given.json["order_id"]
    assert api("GET", "control-orders").json[0]["target"] == scene.held_plate
    assert api("POST", f"control-orders/{order_id}/withdraw", {"reason": "nothing found"}).status_code == 200
    again = api("POST", f"control-orders/{order_id}/withdraw", {"reason": "nothing found"})
    assert (again.status_code, again.json["type"].rpartition(":")[2]) == (409, "control_order_withdrawn")
    assert api("POST", "control-orders", body | {"control": "wait"}).status_code == 422
    assert api("POST", "control-orders/999999999/withdraw", {"reason": "nothing found"}).status_code == 404


def test_parameters_and_tolerances_are_entered_with_their_source(api: Callable[..., Any], scene: Scene) -> None:
    lane_id = scene.world.lane.id
    at = now() + timedelta(days=1)
    rules = {"valid_from_at": at.isoformat(), "gap_ms": 30_000, "tag_antennas": [1, 2], "source": "measured"}
    assert [row["gap_ms"] for row in api("GET", f"lanes/{lane_id}/rules").json] == [20_000]
    assert api("POST", f"lanes/{lane_id}/rules", rules).status_code == 201
    assert [row["gap_ms"] for row in api("GET", f"lanes/{lane_id}/rules").json] == [30_000, 20_000]
    assert api("POST", f"lanes/{lane_id}/rules", rules).status_code == 409
    later = rules | {"valid_from_at": (at + timedelta(days=1)).isoformat()}
    assert api("POST", f"lanes/{lane_id}/rules", later | {"source": " "}).status_code == 422
    assert api("POST", f"lanes/{lane_id}/rules", later | {"stable_ms": 99}).json["type"].endswith("bad_lane_rules")
    assert api("GET", "lanes/999999999/rules").status_code == 404
    tolerance = {
        "valid_from_at": at.isoformat(), "lane_id": lane_id, "share_bp": 300, "absolute_g": 60_000, "source": "letter",
    }  # fmt: skip
    assert api("POST", "tolerances", tolerance).status_code == 201
    assert api("GET", "tolerances").json[0]["source"] == "letter"
    assert api("POST", "tolerances", tolerance | {"share_bp": 10_001}).status_code == 422


def test_the_customs_platform_answers_what_it_was_asked(api: Callable[..., Any], scene: Scene) -> None:
    with scene.database.unit_of_work(scene.scope) as session:
        asks = LaneParameters(needs_customs_answer=True, customs_within_ms=60_000, source="a test")
        set_parameters(session, scene.world.lane.id, asks, from_at=now() - timedelta(days=1))
        command = crossing(scene.world.lane, seen_of(make_pass(session, scene.world, qty=1)))
        assert decide_or_ask(session, command) is None
    assert command.seq_no in [one["seq_no"] for one in api("GET", "questions").json]
    assert api("POST", f"questions/{command.seq_no}/answer", {"answer": "perhaps"}).status_code == 422
    said = api("POST", f"questions/{command.seq_no}/answer", {"answer": "lift", "hint": "放行抬杆"})
    assert said.json == {"outcome": "taken", "seq_no": command.seq_no}
    assert api("POST", f"questions/{command.seq_no}/answer", {"answer": "hold"}).json["outcome"] == "repeated"
    assert api("POST", "questions/NEVER/answer", {"answer": "lift"}).status_code == 404


def test_a_release_by_page_keeps_its_kind_of_reason_and_its_picture(
    doorman: Doorman, scene: Scene, csrf: Callable[..., str]
) -> None:
    officer = doorman.browser("customs_officer")
    page = f"/gate/passages/{scene.held_id}"
    token = csrf(officer, page)
    assert re.search(r'<option value="weighed_again"[^>]*>Weighed again', officer.get(page).text)
    wrong = send(officer, f"{page}/release", token, reason="weighed again, within", reason_code="because")
    assert (wrong.status_code, "because is no reason" in wrong.text) == (422, True)
    data = {
        "csrf_token": token, "idempotency_key": f"k{number()}", "reason": "weighed again, within",
        "reason_code": "weighed_again", "picture": (io.BytesIO(PNG), "truck.png"),
    }  # fmt: skip
    sent = officer.post(f"{page}/release", data=data, content_type="multipart/form-data")
    assert sent.status_code == 302
    with scene.database.unit_of_work(scene.scope) as session:
        kept = session.execute(select(Release.reason_code, Release.state).where(Release.passage_id == scene.held_id))
        assert kept.one() == ("weighed_again", "granted")
        assert session.scalar(select(PassagePhoto.media_type)) == "image/png"


def test_a_picture_by_api_is_a_picture(api: Callable[..., Any], scene: Scene, doorman: Doorman) -> None:
    token = doorman.token("customs_officer", doorman.cast.customs_id)
    path, client = f"/api/v1/gates/passages/{scene.held_id}/pictures", doorman.app.test_client()
    kept = client.post(path, data={"picture": (io.BytesIO(PNG), "a.png")}, headers=token)
    assert kept.status_code == 201
    assert len(kept.json["sha256"]) == 64
    wrong = client.post(path, data={"picture": (io.BytesIO(b"no picture"), "a.png")}, headers=token)
    assert wrong.status_code == 422
    gone = path.replace(str(scene.held_id), "999999999")
    assert client.post(gone, data={"picture": (io.BytesIO(PNG), "a.png")}, headers=token).status_code == 404
