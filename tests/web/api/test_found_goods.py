"""Found goods over HTTP and on their page."""

import io
import re
from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.wms.floor.inside import Hall, build_hall
from wms.db import Database, Scope

PNG = b"\x89PNG\r\n\x1a\n a picture"


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        return build_hall(session)


def call(doorman: Doorman, method: str, path: str, role: str = "supervisor", **given: Any) -> Any:
    headers = doorman.token(role) | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    return doorman.app.test_client().open(f"/api/v1/found-goods{path}", method=method, headers=headers, **given)


def code_of(said: Any) -> str:
    return str(said.get_json()["type"]).rpartition(":")[2]


def found(doorman: Doorman, hall: Hall) -> str:
    body = {"site": hall.site.code, "place": "Q-1", "description": "a crate without a label", "pieces": 1}
    said = call(doorman, "POST", "", "clerk", json=body)
    assert (said.status_code, said.get_json()["state"]) == (201, "open")
    return str(said.get_json()["found_no"])


def test_noted_with_a_picture_and_listed(doorman: Doorman, hall: Hall) -> None:
    number = found(doorman, hall)
    sent = call(doorman, "POST", f"/{number}/photos", "clerk", data={"photo": (io.BytesIO(PNG), "crate.png")})
    assert sent.status_code == 201
    picture = call(doorman, "GET", f"/{number}/photos/{sent.get_json()['sha256']}", "auditor")
    assert (picture.data, picture.mimetype) == (PNG, "image/png")
    assert call(doorman, "GET", f"/{number}/photos/{'0' * 64}").status_code == 404
    assert code_of(call(doorman, "POST", f"/{number}/photos", data={"photo": (io.BytesIO(b"x"), "x")})) == "not_a_photo"
    assert call(doorman, "GET", f"/{number}").get_json()["photos"] == [sent.get_json()["sha256"]]
    listed = call(doorman, "GET", "", query_string={"site": hall.site.code, "state": "open"}).get_json()
    assert [one["found_no"] for one in listed] == [number]
    assert code_of(call(doorman, "GET", "/FG99999999")) == "unknown_found_goods"


def test_a_program_decides_nothing_and_each_mistake_is_named(doorman: Doorman, hall: Hall) -> None:
    number = found(doorman, hall)
    body = {"handed_to": "carrier Li", "reason": "it fell off his lorry"}
    assert code_of(call(doorman, "POST", f"/{number}/give-back", json=body)) == "supervisor_only"
    assert call(doorman, "POST", f"/{number}/give-back", "clerk", json=body).status_code == 403
    assert code_of(call(doorman, "POST", f"/{number}/witness")) == "found_goods_not_to_destroy"
    faults: list[dict[str, Any]] = [{"pieces": 0}, {"description": "x"}, {"place": "NOWHERE"}, {"site": "NOWHERE"}]
    good = {"site": hall.site.code, "place": "Q-1", "description": "a crate", "pieces": 1}
    assert [call(doorman, "POST", "", json=good | one).status_code for one in faults] == [422, 422, 404, 404]


def test_a_supervisor_receives_them_on_the_page(doorman: Doorman, hall: Hall) -> None:
    browser = doorman.browser("supervisor", locale="en")

    def send(path: str, **form: Any) -> str:
        token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/desk/found-goods").text)
        assert token is not None
        data = {"csrf_token": token[1], "idempotency_key": f"form-{build.number()}"} | form
        return str(browser.post(path, data=data, follow_redirects=True).text)

    given = {"site": hall.site.code, "place": "Q-1", "description": "a crate without a label", "pieces": "1"}
    page = send("/desk/found-goods", **given, photo=(io.BytesIO(PNG), "crate.png"))
    number = re.search(r"FG[0-9]{8}", page)
    assert number is not None
    assert f"/api/v1/found-goods/{number[0]}/photos/" in page
    here = f"/desk/found-goods/{number[0]}"
    wish = {"owner": hall.owner.code, "item": hall.cream.code, "qty": "1", "dock": "STAGE"}
    assert "Reason: must be given" in send(here, deed="receive", **wish)
    page = send(here, deed="receive", reason="its paper came", **wish)
    assert "received" in page
    assert re.search(r"BR[0-9]{8}", page)
    assert "已收货" in doorman.browser("supervisor", locale="zh").get("/desk/found-goods").text
