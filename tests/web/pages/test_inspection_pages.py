"""The inspection centre by API and page: an officer orders, examines, keeps a picture, detains and lifts."""

import base64
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import build
from tests.web.conftest import Doorman
from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import sale
from wms.customs.tables.parcels import ParcelDeclaration
from wms.db import Database, Scope

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 20


class Centre:
    """A centre with a lane, and two parcels that customs let go."""

    def __init__(self, doorman: Doorman, database: Database, scope: Scope) -> None:
        self.doorman, self.database, self.scope = doorman, database, scope
        with database.unit_of_work(scope) as session:
            site = build.make_site(session)
            site.kind = "inspection"
            session.flush()
            self.site = site.code
            self.ids = [world.released(session, sale()) for _ in range(2)]
            self.numbers = [str(world.row(session, one).cop_no) for one in self.ids]

    def post(self, path: str, body: dict[str, Any], role: str = "customs_officer") -> Any:
        company = self.doorman.cast.company_of(role)
        headers = self.doorman.token(role, company) | {"Idempotency-Key": f"k{build.number()}"}
        return self.doorman.app.test_client().post(f"/api/v1{path}", json=body, headers=headers)

    def get(self, path: str) -> Any:
        headers = self.doorman.token("auditor", self.doorman.cast.operator_id)
        return self.doorman.app.test_client().get(f"/api/v1{path}", headers=headers)

    def held(self) -> list[bool]:
        with self.database.unit_of_work(self.scope) as session:
            return [session.get_one(ParcelDeclaration, one).is_on_hold for one in self.ids]


@pytest.fixture
def centre(doorman: Doorman, database: Database, scope: Scope) -> Centre:
    return Centre(doorman, database, scope)


def send(client: FlaskClient, path: str, csrf: str, **form: Any) -> Any:
    return client.post(
        path, data={"csrf_token": csrf, "idempotency_key": f"k{build.number()}", **form}, content_type=(
            "multipart/form-data" if "picture" in form else "application/x-www-form-urlencoded"
        ),
    )  # fmt: skip


def test_from_an_order_by_api_to_a_detention_lifted_on_the_page(
    centre: Centre, doorman: Doorman, csrf: Callable[..., str]
) -> None:
    lane = {"site": centre.site, "code": "X1", "mode": "1210", "name_zh": "一号线", "name_en": "Line 1"}
    lane_id = centre.post("/inspection-lanes", lane, "supervisor").get_json()["id"]
    made = centre.post("/inspection-orders", {"mode": "1210", "parcels": centre.numbers[:1], "reason": "布控查验"})
    assert made.status_code == 201, made.text
    assert centre.held() == [True, False]
    (row,) = centre.get("/parcel-inspections?state=waiting").get_json()
    assert row["declaration"] == centre.numbers[0]
    assert centre.get("/inspection-lanes").get_json()[0]["code"] == "X1"
    officer = doorman.browser("customs_officer")
    page = f"/gate/inspections/{row['id']}"
    token = csrf(officer, page)
    assert send(officer, page, token, deed="start", lane=str(lane_id)).status_code == 302
    failed = {"deed": "result", "method": "unpack", "outcome": "failed", "finding": "夹带未申报物品"}
    refused = send(officer, page, token, **failed)
    assert refused.status_code in (409, 422)
    assert "without a picture" in refused.text
    assert send(officer, page, token, deed="picture", picture=(io.BytesIO(b"GIF89a"), "a.gif")).status_code != 302
    assert send(officer, page, token, deed="picture", picture=(io.BytesIO(JPEG), "a.jpg")).status_code == 302
    assert send(officer, page, token, **failed).status_code == 302
    assert centre.held() == [True, False]
    shown = centre.get(f"/parcel-inspections/{row['id']}").get_json()
    assert shown["state"] == "detained"
    assert [step["step"] for step in shown["steps"]] == ["ordered", "started", "unpack"]
    picture = shown["pictures"][0]
    assert centre.get(f"/inspection-pictures/{picture['id']}").data == JPEG
    assert officer.get(f"/gate/inspections/pictures/{picture['id']}").data == JPEG
    assert send(officer, page, token, deed="lift", finding="补充申报已核实").status_code == 302
    assert centre.held() == [False, False]
    assert centre.numbers[0] in doorman.browser("auditor", locale="zh").get("/gate/inspections").text


def test_an_officer_orders_and_draws_on_the_page(centre: Centre, doorman: Doorman, csrf: Callable[..., str]) -> None:
    officer = doorman.browser("customs_officer", locale="zh")
    token = csrf(officer, "/gate/inspections")
    both = "\n".join(centre.numbers)
    wrong = send(officer, "/gate/inspections", token, deed="order", mode="9610", parcels=both, reason="布控查验")
    assert wrong.status_code in (409, 422)
    assert "监管方式" in wrong.text
    assert send(
        officer, "/gate/inspections", token, deed="order", mode="1210", parcels=both, reason="布控查验"
    ).status_code == 302  # fmt: skip
    assert centre.held() == [True, True]
    assert send(officer, "/gate/inspections", token, deed="draw", mode="1210").status_code == 302
    assert "待查暂扣" in officer.get("/gate/inspections").text


def test_a_token_is_no_person_and_decides_nothing(centre: Centre) -> None:
    centre.post("/inspection-orders", {"mode": "1210", "parcels": centre.numbers[:1], "reason": "布控查验"})
    (row,) = centre.get("/parcel-inspections").get_json()
    picture = {"content": base64.b64encode(JPEG).decode()}
    result = {"method": "xray", "outcome": "passed"}
    for path, body in (
        ("start", {"lane_id": 1}),
        ("result", result),
        ("pictures", picture),
        ("lift", {"reason": "可以放行"}),
    ):
        said = centre.post(f"/parcel-inspections/{row['id']}/{path}", body)
        assert said.status_code == 403 or said.get_json()["type"].endswith("not_an_officer"), (path, said.text)
    assert centre.held() == [True, False]
    assert centre.post("/inspection-draws", {"mode": "1210"}).get_json()["order_no"] is None


def test_device_health_and_doors_by_api_and_page(centre: Centre, doorman: Doorman) -> None:
    from tests.iot.world import make_device
    from wms.parties.tables import Site

    with centre.database.unit_of_work(centre.scope) as session:
        site = session.query(Site).filter_by(code=centre.site).one()
        camera = make_device(session, site, "video", format="frigate", topic_filters=("frigate/#",), name_en="Camera 7")
    given = {"source_address": "10.1.7.0/24", "pull_url": "http://10.1.7.21/stream", "pull_password": "very secret"}
    told = centre.post(f"/devices/{camera.code}/door", given, "supervisor")
    assert told.status_code == 200, told.text
    assert told.get_json() == {
        "device": camera.code, "source_address": "10.1.7.0/24", "trust_address": False, "has_digest": False,
        "has_stream": True,
    }  # fmt: skip
    bad = centre.post(f"/devices/{camera.code}/door", {"source_address": "nowhere"}, "supervisor")
    assert bad.get_json()["type"].endswith("bad_source_address")
    one = centre.get(f"/device-health/{camera.code}").get_json()
    assert (one["signs"], one["is_best_effort"]) == ("never", True)
    assert [row["code"] for row in centre.get("/device-health").get_json()] == [camera.code]
    assert centre.get("/device-health/nobody").status_code == 404
    page = doorman.browser("customs_officer").get("/oversight/devices").text
    assert "Camera 7" in page
    assert "best effort" in page
    assert "尽力而为" in doorman.browser("auditor", locale="zh").get("/oversight/devices").text
