"""Rates and limits: entered with a day and a source by a supervisor, refused in words, read by others."""

from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import Doorman
from wms.db import Database, Scope
from wms.parties.dated import value

Csrf = Callable[..., str]


@pytest.fixture
def supervisor(doorman: Doorman) -> FlaskClient:
    return doorman.browser("supervisor")


def value_form(client: FlaskClient, csrf: Csrf, key: str, **changed: str) -> tuple[int, str]:
    form = {"name": "ledger.future_limit_s", "subject": "", "value": "120", "on": "2027-01-01", "source": "audit 12"}
    hidden = {"csrf_token": csrf(client, "/desk/values"), "idempotency_key": key}
    said = client.post("/desk/values", data=form | changed | hidden)
    return said.status_code, said.text


def test_a_limit_is_entered_with_its_day_and_source_and_then_holds(
    supervisor: FlaskClient, csrf: Csrf, database: Database, scope: Scope
) -> None:
    assert value_form(supervisor, csrf, "v1")[0] == 302
    assert "audit 12" in supervisor.get("/desk/values").text
    with database.unit_of_work(scope) as session:
        assert value(session, "ledger.future_limit_s", date(2026, 12, 31)) == 300
        assert value(session, "ledger.future_limit_s", date(2027, 1, 1)) == 120


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"name": "no.such.limit"}, "Nothing in the system asks for a value called no.such.limit"),
        ({"value": "soon"}, "ledger.future_limit_s must look like this: 300"),
        ({"on": "next week"}, "must be a day like 2027-01-31"),
        ({"source": ""}, "must be given"),
    ],
)
def test_a_limit_that_cannot_hold_is_refused_in_words(
    supervisor: FlaskClient, csrf: Csrf, changed: dict[str, str], says: str
) -> None:
    status, text = value_form(supervisor, csrf, "v2", **changed)
    assert status == 422
    assert says in text


def test_a_second_value_of_the_same_day_is_refused(supervisor: FlaskClient, csrf: Csrf) -> None:
    assert value_form(supervisor, csrf, "v3")[0] == 302
    status, text = value_form(supervisor, csrf, "v4", value="90")
    assert (status, "has a value from 2027-01-01 on already" in text) == (422, True)


def test_an_administrator_reads_limits_and_enters_none(doorman: Doorman, csrf: Csrf) -> None:
    admin = doorman.browser("administrator")
    said = admin.get("/desk/values")
    assert "ledger.future_limit_s" in said.text
    assert "New value" not in said.text


def test_a_value_is_shown_as_it_is_entered_its_chinese_readable(supervisor: FlaskClient) -> None:
    page = supervisor.get("/desk/values").text
    assert "破损" in page
    assert "\\u" not in page


def test_where_shipped_values_come_from_is_said_in_the_language_of_the_page(doorman: Doorman) -> None:
    chinese = doorman.browser("supervisor", locale="zh")
    for page in ("/desk/values", "/desk/temperature-limits", "/desk/transfer-lanes"):
        assert "2026-11" in chinese.get(page).text
        assert "our own" not in chinese.get(page).text
        assert "trade knowledge" not in chinese.get(page).text
    assert "本系统自定限值" in chinese.get("/desk/values").text
    assert "our own limit" in doorman.browser("supervisor", locale="en").get("/desk/values").text
