"""The yard by API and on pages: booking, arriving, moving on, the blacklist; each mistake with its own answer."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from tests.build import make_site
from tests.web.conftest import Cast, Doorman
from tests.wms.gate.world import make_lane, new_plate
from web.pages.yard import SHOWN
from wms.db import Database, Scope
from wms.gate.rules.yard import NAME
from wms.gate.service.setup import blacklist
from wms.parties.dated import set_value

YARD = "/api/v1/yard"


@pytest.fixture
def site(database: Database, scope: Scope) -> str:
    """A site that takes one vehicle in each hour of the day."""
    value = {
        "opens": "00:00", "closes": "23:59", "slot_minutes": 30, "capacity": 1, "early_minutes": 120,
        "late_minutes": 60, "days_ahead": 14, "overstay_minutes": 720,
    }  # fmt: skip
    with database.unit_of_work(scope) as session:
        made = make_site(session)
        set_value(session, NAME, value, valid_from_on=date(2026, 1, 1), source="a test", subject=made.code)
        return made.code


def slot() -> str:
    at = datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(hours=1)
    return at.replace(minute=0, second=0, microsecond=0).isoformat()


def call(doorman: Doorman, method: str, path: str, role: str, company_id: int | None = None, **body: Any) -> Any:
    headers = doorman.token(role, company_id) | {"Idempotency-Key": uuid.uuid4().hex}
    given = {"json": body} if method == "post" else {"query_string": body}
    return getattr(doorman.app.test_client(), method)(YARD + path, headers=headers, **given)


def code_of(said: Any) -> str:
    return str(said.json["type"]).rpartition(":")[2]


def test_a_firm_books_arrives_and_is_inside_step_by_step(doorman: Doorman, cast: Cast, site: str) -> None:
    plate = new_plate()
    form = {"site": site, "plate": plate, "purpose": "collect", "from_at": slot(), "reference": "PO-77"}
    booked = call(doorman, "post", "/appointments", "declarant", cast.firm_id, **form)
    assert (booked.status_code, booked.json["state"]) == (201, "booked")
    number = booked.json["id"]
    assert call(doorman, "get", f"/appointments/{number}", "declarant", cast.firm_id).status_code == 200
    assert call(doorman, "get", f"/appointments/{number}", "declarant", cast.other_firm_id).status_code == 404
    taken = call(doorman, "get", "/slots", "declarant", cast.other_firm_id, site=site, at=slot()).json
    assert sum(row["booked"] for row in taken) == 1
    rival = call(doorman, "post", "/appointments", "declarant", cast.other_firm_id, **(form | {"plate": new_plate()}))
    assert (rival.status_code, code_of(rival)) == (409, "slot_full")

    came = call(doorman, "post", "/visits", "clerk", cast.operator_id, site=site, plate=plate)
    assert (came.status_code, came.json["state"], came.json["slot_at"] is not None) == (201, "queued", True)
    visit = came.json["id"]
    outside = call(doorman, "post", f"/visits/{visit}/steps", "clerk", cast.operator_id, kind="dock", place="D-01")
    assert (outside.status_code, code_of(outside)) == (409, "visit_step_not_possible")
    again = call(doorman, "post", "/visits", "clerk", cast.operator_id, site=site, plate=plate)
    assert (again.status_code, code_of(again)) == (409, "already_here")
    here = call(doorman, "get", "/visits", "supervisor", cast.operator_id).json
    assert [row["plate"] for row in here] == [plate]
    assert call(doorman, "post", f"/visits/{visit}/gone", "clerk", cast.operator_id).json["state"] == "gone"
    span = {"from_at": "2020-01-01T00:00:00Z", "until_at": "2100-01-01T00:00:00Z"}
    assert call(doorman, "get", "/expected", "supervisor", cast.operator_id, **span).json["arrived"] == 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"plate": "SCANIA"}, 422, "bad_plate"),
        ({"from_at": "2020-01-01T09:00:00+08:00"}, 422, "slot_over"),
        ({"from_at": "2027-01-01T09:07:00+08:00"}, 422, "no_such_slot"),
        ({"site": "NOWHERE"}, 404, "not_found"),
        ({"purpose": "sleep"}, 422, None),
        ({"from_at": "tomorrow"}, 422, None),
    ],
)
def test_each_mistake_of_a_booking_has_its_own_answer(
    doorman: Doorman, cast: Cast, site: str, change: dict[str, str], status: int, code: str | None
) -> None:
    form = {"site": site, "plate": new_plate(), "purpose": "deliver", "from_at": slot()} | change
    said = call(doorman, "post", "/appointments", "declarant", cast.firm_id, **form)
    assert said.status_code == status, said.json
    assert code is None or code_of(said) == code


def test_pages_book_announce_and_blacklist(
    doorman: Doorman, cast: Cast, site: str, csrf: Callable[[FlaskClient], str]
) -> None:
    def send(browser: FlaskClient, path: str, **form: str) -> str:
        keys = {"csrf_token": csrf(browser, "/account"), "idempotency_key": uuid.uuid4().hex}
        return str(browser.post(path, data=keys | form, follow_redirects=True).text)

    plate = new_plate()
    firm = doorman.browser("declarant", company_id=cast.firm_id)
    told = send(firm, "/desk/appointments", site=site, from_at=slot(), plate=plate, purpose="deliver")
    assert "The appointment is recorded." in told
    assert "is full" in send(firm, "/desk/appointments", site=site, from_at=slot(), plate=new_plate(), purpose="both")
    assert "must be given" in send(firm, "/desk/appointments", site=site, from_at="", plate=plate, purpose="both")
    officer = doorman.browser("customs_officer")
    assert "The vehicle is announced." in send(officer, "/gate/yard", site=site, plate=plate)
    assert "is here already" in send(officer, "/gate/yard", site=site, plate=plate)
    assert "The blacklist is changed." in send(officer, "/gate/blacklist", plate=plate, reason="wanted by the police")
    assert "is on the blacklist already" in send(officer, "/gate/blacklist", plate=plate, reason="once more")
    assert "at least four characters" in send(officer, "/gate/blacklist", plate=new_plate(), reason="x")
    visits = officer.get("/gate/yard/now").text
    number = visits.partition("/gate/visits/")[2].partition('"')[0]
    assert "Step by step" in officer.get(f"/gate/visits/{number}").text
    assert "The visit is up to date." in send(officer, f"/gate/visits/{number}", kind="gone", place="")
    assert officer.get("/gate/visits/999999999").status_code == 404


def test_a_long_blacklist_is_read_page_by_page(doorman: Doorman, database: Database, scope: Scope) -> None:
    begin = datetime.now(UTC)
    with database.unit_of_work(scope) as session:
        plates = [new_plate() for _ in range(SHOWN + 1)]
        for plate in plates:
            blacklist(session, plate, reason="wanted by the police", from_at=begin)
    officer = doorman.browser("customs_officer")
    first = officer.get("/gate/blacklist").text
    assert first.count('name="entry_id"') == SHOWN
    older = first.partition("/gate/blacklist?after=")[2].partition('"')[0]
    assert 'name="entry_id"' in officer.get(f"/gate/blacklist?after={older}").text
    page = officer.get("/api/v1/yard/blacklist?limit=2")
    assert [row["plate"] for row in page.json] == plates[:-3:-1]
    following = page.headers["Link"].partition("<")[2].partition(">")[0]
    assert [row["plate"] for row in officer.get(following).json] == plates[-3:-5:-1]


def test_an_officer_locks_a_lane_and_notes_an_opening_on_the_page(
    doorman: Doorman, database: Database, scope: Scope, csrf: Callable[[FlaskClient], str]
) -> None:
    with database.unit_of_work(scope) as session:
        lane = make_lane(session, make_site(session).id)
        lane_id, code = lane.id, lane.code
    officer = doorman.browser("customs_officer")

    def send(**form: str) -> str:
        keys = {"csrf_token": csrf(officer, "/account"), "idempotency_key": uuid.uuid4().hex, "lane_id": str(lane_id)}
        return str(officer.post("/gate/lanes", data=keys | form, follow_redirects=True).text)

    assert "needs its reason" in send(deed="lock", reason="")
    assert "The lane is told." in send(deed="lock", reason="search in the lane")
    assert "must be given" in send(deed="dance", reason="search in the lane")
    assert "with its picture" in send(deed="opened", reason="ambulance in a hurry", cause="medical", picture="")
    assert "The lane is told." in send(deed="opened", reason="ambulance", cause="medical", picture="rec://1")
    shown = officer.get("/gate/lanes").text
    assert code in shown
    assert "locked" in shown
    headers = doorman.token("customs_officer") | {"Idempotency-Key": uuid.uuid4().hex}
    body = {"action": "unlock", "reason": "search is over"}
    said = doorman.app.test_client().post(f"/api/v1/gates/lanes/{lane_id}/barrier", json=body, headers=headers)
    assert (said.status_code, code_of(said)) == (403, "not_an_officer")  # a program is no officer
