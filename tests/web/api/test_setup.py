"""Transfer lanes and limits of temperature: entered with day and source, judged by, never overwritten."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests import build
from tests.web.conftest import Doorman
from wms.db import Database, Scope
from wms.freight.service.proposals import lead_time
from wms.parties.tables import Company, Site
from wms.watch.service.cold_holding import limits_on

TODAY = datetime.now(UTC).date()


@pytest.fixture
def sites(database: Database, scope: Scope) -> tuple[Site, Site]:
    with database.unit_of_work(scope) as session:
        return build.make_site(session, "bonded"), build.make_site(session, "overseas")


@pytest.fixture
def owner(database: Database, scope: Scope) -> Company:
    with database.unit_of_work(scope) as session:
        return build.make_company(session, "owner_of_goods")


def send(doorman: Doorman, path: str, body: dict[str, Any], role: str = "supervisor") -> Any:
    headers = doorman.token(role) | {"Accept-Language": "en", "Idempotency-Key": f"k{build.number()}"}
    return doorman.app.test_client().post(f"/api/v1/{path}", headers=headers, json=body)


def code_of(said: Any) -> tuple[str, str | None]:
    problem = said.get_json()
    return str(problem["type"]).rpartition(":")[2], problem.get("field")


def lane(sites: tuple[Site, Site], **given: Any) -> dict[str, Any]:
    return {
        "from_site": sites[0].code, "to_site": sites[1].code, "mode": "rail", "mean_days": "18.5",
        "deviation_days": "3", "valid_from_on": TODAY.isoformat(), "source": "forwarder, 2026",
    } | given  # fmt: skip


def known_lead(session: Session, sites: tuple[Site, Site], days: int) -> int:
    origin, destination = (session.get_one(Site, site.id) for site in sites)
    return lead_time(session, origin, destination, "rail", TODAY + timedelta(days=days)).mean_md


def test_a_lane_holds_from_its_day_and_the_one_before_stays(
    doorman: Doorman, sites: tuple[Site, Site], database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        usual = known_lead(session, sites, 0)
    assert send(doorman, "transfer-lanes", lane(sites), "planner").status_code == 201
    later = (TODAY + timedelta(days=30)).isoformat()
    assert send(doorman, "transfer-lanes", lane(sites, mean_days=25, valid_from_on=later)).status_code == 201
    assert code_of(send(doorman, "transfer-lanes", lane(sites, mean_days=9)))[0] == "dated_value_exists"
    with database.unit_of_work(scope) as session:
        found = [known_lead(session, sites, days) for days in (-1, 0, 29, 30)]
    assert found == [usual, 18_500, 18_500, 25_000]
    headers = doorman.token("auditor")
    listed = doorman.app.test_client().get("/api/v1/transfer-lanes", headers=headers).get_json()
    mine = [one for one in listed if one["to_site"] == sites[1].code]
    assert sorted(one["mean_md"] for one in mine) == [18_500, 25_000]
    assert {one["mode"] for one in listed if one["to_site"] is None} >= {"rail", "ocean"}


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"mean_days": "0"}, "mean_days"), ({"mean_days": "366"}, "mean_days"), ({"mean_days": "4.0005"}, "mean_days"),
        ({"deviation_days": "-1"}, "deviation_days"), ({"deviation_days": "19"}, "deviation_days"),
    ],
)  # fmt: skip
def test_a_lane_that_cannot_be_is_refused(
    doorman: Doorman, sites: tuple[Site, Site], fault: dict[str, str], field: str
) -> None:
    assert code_of(send(doorman, "transfer-lanes", lane(sites, **fault))) == ("bad_lane", field)


def test_a_lane_needs_two_sites_a_source_and_the_role(doorman: Doorman, sites: tuple[Site, Site]) -> None:
    assert code_of(send(doorman, "transfer-lanes", lane(sites, to_site=sites[0].code))) == ("bad_lane", "to_site")
    assert send(doorman, "transfer-lanes", lane(sites, to_site="NOWHERE")).status_code == 404
    assert code_of(send(doorman, "transfer-lanes", lane(sites, source="x"))) == ("invalid_field", "source")
    assert send(doorman, "transfer-lanes", lane(sites), "clerk").status_code == 403


def limit(**given: Any) -> dict[str, Any]:
    return {
        "temperature_class": "frozen", "high_c": "-17.5", "minutes": 30, "valid_from_on": TODAY.isoformat(),
        "source": "contract 2027-4",
    } | given  # fmt: skip


def test_the_narrowest_limit_holds_from_its_day(
    doorman: Doorman, owner: Company, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        item = build.make_item(session, owner, temperature_class="frozen")
    for given in (
        limit(owner=owner.code), limit(owner=owner.code, item=item.code, high_c="-20", low_c="-30", minutes=5),
    ):  # fmt: skip
        assert send(doorman, "temperature-limits", given).status_code == 201
    with database.unit_of_work(scope) as session:
        now, before = limits_on(session, TODAY), limits_on(session, TODAY - timedelta(days=1))
    of_owner, of_item = f"owner:{owner.code}/frozen", f"item:{owner.code}/{item.code}"
    assert (now[of_owner].high_mdegc, now[of_owner].low_mdegc, now[of_owner].for_s) == (-17_500, None, 1_800)
    assert (now[of_item].high_mdegc, now[of_item].low_mdegc, now[of_item].for_s) == (-20_000, -30_000, 300)
    assert of_owner not in before
    again = send(doorman, "temperature-limits", limit(owner=owner.code, high_c="-10"))
    assert code_of(again)[0] == "dated_value_exists"
    headers = doorman.token("auditor")
    listed = doorman.app.test_client().get("/api/v1/temperature-limits", headers=headers).get_json()
    assert {of_owner, of_item, "class:frozen"} <= {one["subject"] for one in listed}


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"high_c": None}, "high_c"), ({"low_c": "-17"}, "low_c"), ({"high_c": "200"}, "high_c"),
        ({"high_c": "-17.00001"}, "high_c"), ({"minutes": -1}, "minutes"), ({"minutes": 20_000}, "minutes"),
    ],
)  # fmt: skip
def test_a_limit_that_cannot_be_is_refused(doorman: Doorman, fault: dict[str, Any], field: str) -> None:
    assert code_of(send(doorman, "temperature-limits", limit(**fault))) == ("bad_temperature_limit", field)


def test_a_limit_is_for_goods_that_exist_and_entered_by_a_supervisor(doorman: Doorman, owner: Company) -> None:
    assert code_of(send(doorman, "temperature-limits", limit(owner="NOBODY"))) == ("not_found", "owner")
    nothing = send(doorman, "temperature-limits", limit(owner=owner.code, item="NOTHING"))
    assert code_of(nothing) == ("not_found", "item")
    assert send(doorman, "temperature-limits", limit(), "planner").status_code == 403


def test_both_are_entered_on_their_pages(doorman: Doorman, sites: tuple[Site, Site], owner: Company) -> None:
    browser = doorman.browser("supervisor", locale="en")

    def post(path: str, **form: str) -> str:
        token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(path).text)
        assert token is not None
        data = {"csrf_token": token[1], "idempotency_key": f"form-{build.number()}", "on": TODAY.isoformat()} | form
        return str(browser.post(path, data=data, follow_redirects=True).text)

    form = {"from_site": sites[0].code, "to_site": sites[1].code, "mode": "rail", "source": "forwarder, 2026"}
    assert "must be a number" in post("/desk/transfer-lanes", **form, mean_days="many", deviation_days="3")
    page = post("/desk/transfer-lanes", **form, mean_days="18.5", deviation_days="3")
    assert f"{sites[0].code}&gt;{sites[1].code}:rail was entered." in page
    assert "18.5" in page
    given = {"temperature_class": "chilled", "owner": owner.code, "low_c": "2", "high_c": "8", "minutes": "15"}
    assert "Taken from: must be given" in post("/desk/temperature-limits", **given, source="")
    assert f"owner:{owner.code}/chilled was entered." in post("/desk/temperature-limits", **given, source="contract")
    reader = doorman.browser("auditor", locale="zh").get("/desk/temperature-limits").text
    assert "温度限值" in reader
    assert "csrf_token" not in reader.partition("<main")[2]
