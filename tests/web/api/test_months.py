"""Months closed for good: by API and page; nothing is posted into them, corrections name what they correct."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests import build
from tests.web.conftest import Doorman
from tests.wms.floor.inside import Hall, build_hall, is_clean, lying
from wms.db import Database, Scope
from wms.floor.service.desk import event_time
from wms.stock.ledger import AccountKey, Posting, moved, post
from wms.stock.months import LEGAL_TIME
from wms.stock.tables import Posting as PostingRow


def this_month() -> datetime:
    """The first instant of this month, Beijing time."""
    return datetime.now(LEGAL_TIME).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def last_month() -> datetime:
    return (this_month() - timedelta(days=1)).replace(day=3, hour=9)


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    """A hundred creams lie in A-1 since last month."""
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        account = made.account("A-1", made.cream)
        supplier = AccountKey("supplier", made.owner.id, made.cream.id)
        post(session, Posting("opened", "opening_balance", last_month(), moved(supplier, account, 100)))
        return made


class Desk:
    """A supervisor at the API."""

    def __init__(self, doorman: Doorman) -> None:
        self.client, self.headers = doorman.app.test_client(), doorman.token("supervisor") | {"Accept-Language": "en"}

    def post(self, path: str, body: dict[str, Any]) -> Any:
        headers = self.headers | {"Idempotency-Key": f"k-{build.number()}"}
        return self.client.post(f"/api/v1/{path}", headers=headers, json=body)

    def close(self, month: datetime) -> Any:
        return self.post("closed-months", {"month": f"{month:%Y-%m}"})


@pytest.fixture
def desk(doorman: Doorman) -> Desk:
    return Desk(doorman)


def test_a_closed_month_takes_nothing_and_what_was_wrong_is_corrected_in_an_open_one(
    desk: Desk, database: Database, scope: Scope, hall: Hall
) -> None:
    assert desk.close(last_month()).status_code == 201
    line = {"owner": hall.owner.code, "item": hall.cream.code, "qty": 5, "from_place": "A-1", "to_place": "A-2"}
    late = {"site": hall.site.code, "lines": [line], "at": (last_month() + timedelta(days=2)).isoformat()}
    [refused] = desk.post("moves", late).get_json()["lines"]
    assert refused["problem"]["type"].endswith("period_closed")
    assert "Post a correction in an open month instead" in refused["problem"]["detail"]
    with database.unit_of_work(scope) as session:
        wrong = session.scalars(select(PostingRow.id).where(PostingRow.idem_key.like("%opened"))).one()
    made = desk.post(f"postings/{wrong}/undo", {"reason": "entered for the wrong site"})
    assert made.status_code in (200, 201), made.get_json()
    with database.unit_of_work(scope) as session:
        correction = session.scalars(select(PostingRow).where(PostingRow.reverses_id == wrong)).one()
        assert correction.event_at >= this_month()
        assert correction.reason == "entered for the wrong site"
        assert lying(session, hall, "A-1", hall.cream) == 0
    assert is_clean(database, scope)


def test_closed_months_are_listed_with_who_closed_them(desk: Desk, hall: Hall) -> None:
    desk.close(last_month())
    [row] = desk.client.get("/api/v1/closed-months", headers=desk.headers).get_json()
    assert (row["month_on"], row["postings"]) == (f"{last_month():%Y-%m-01}", 1)
    assert len(row["totals_sha256"]) == 64


@pytest.mark.parametrize(
    ("month", "status", "code"),
    [
        ("this", 409, "month_not_over"),
        ("2150-01", 409, "month_not_over"),
        ("2026-13", 422, "invalid_field"),
        ("last", 422, "invalid_field"),
    ],
)
def test_a_month_that_cannot_be_closed_is_refused(desk: Desk, month: str, status: int, code: str) -> None:
    said = desk.post("closed-months", {"month": f"{this_month():%Y-%m}" if month == "this" else month})
    assert (said.status_code, said.get_json()["type"].rpartition(":")[2]) == (status, code)


def test_a_month_is_closed_once_and_with_it_all_before(desk: Desk) -> None:
    assert desk.close(last_month()).status_code == 201
    for month in (last_month(), last_month() - timedelta(days=40)):
        assert desk.close(month).get_json()["type"].endswith("period_closed")


def test_a_scan_of_a_closed_month_that_comes_late_counts_at_its_arrival(
    desk: Desk, database: Database, scope: Scope
) -> None:
    arrived = this_month() + timedelta(hours=1)
    made = arrived - timedelta(hours=3)
    with database.unit_of_work(scope) as session:
        assert event_time(session, made, arrived) == made
    desk.close(last_month())
    with database.unit_of_work(scope) as session:
        assert event_time(session, made, arrived) == arrived
        assert event_time(session, arrived - timedelta(minutes=9), arrived) == arrived - timedelta(minutes=9)


def test_a_supervisor_closes_a_month_on_the_page_and_says_that_it_is_for_good(
    doorman: Doorman, csrf: Callable[..., str]
) -> None:
    browser: FlaskClient = doorman.browser("supervisor")
    month = f"{last_month():%Y-%m}"
    assert month in browser.get("/desk/months").text
    form = {"csrf_token": csrf(browser, "/desk/months"), "month": month}
    unsure = browser.post("/desk/months", data=form | {"idempotency_key": "m1"})
    assert (unsure.status_code, "must be ticked" in unsure.text) == (422, True)
    bad = browser.post("/desk/months", data=form | {"idempotency_key": "m2", "month": "soon", "sure": "yes"})
    assert (bad.status_code, "must be a month like 2026-10" in bad.text) == (422, True)
    done = browser.post("/desk/months", data=form | {"idempotency_key": "m3", "sure": "yes"}, follow_redirects=True)
    assert f"The month {month} is closed." in done.text
    again = browser.post("/desk/months", data=form | {"idempotency_key": "m4", "sure": "yes"})
    assert again.status_code == 422
    assert "Close this month" not in doorman.browser("auditor").get("/desk/months").text
