"""Desk, track and oversight: what each person finds there."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from tests.build import (
    make_company,
    make_handling_unit,
    make_item,
    make_location,
    make_shelf,
    make_site,
    now,
    number,
    receive,
)
from tests.web.conftest import Cast, Doorman
from wms.db import Database, Scope
from wms.parties.tables import Company
from wms.stock.ledger import AccountKey, Posting, moved, post


def put_on_shelf(database: Database, scope: Scope, owner_id: int, qty: int, **item: object) -> tuple[str, str]:
    """Stock of one owner on a pallet; returns the item's code and the pallet's SSCC."""
    with database.unit_of_work(scope) as session:
        owner = session.get_one(Company, owner_id)
        made, site, unit = make_item(session, owner, **item), make_site(session), make_handling_unit(session, owner)
        place = make_location(session, site)
        account = AccountKey("location", owner.id, made.id, site.id, place.id, handling_unit_id=unit.id)
        supplier = AccountKey("supplier", owner.id, made.id)
        post(session, Posting(f"p{number()}", "receipt", now(), moved(supplier, account, qty), source_doc="ASN-7"))
        return made.code, unit.sscc


def test_the_desk_filters_by_item_code_and_gtin(doorman: Doorman, cast: Cast, database: Database, scope: Scope) -> None:
    code, _ = put_on_shelf(database, scope, cast.firm_id, 1234, name_en="Moon cake")
    put_on_shelf(database, scope, cast.firm_id, 55, name_en="Lantern")
    browser = doorman.browser("supervisor")
    assert {"Moon cake", "Lantern"} <= {name for name in ("Moon cake", "Lantern") if name in browser.get("/desk").text}
    said = browser.get(f"/desk?item={code}").text
    assert "1,234" in said
    assert "Lantern" not in said
    assert "There is no stock like this." in browser.get("/desk?item=nothing").text
    assert "There is no stock like this." in browser.get("/desk?site=nonsense").text


def test_a_firm_finds_its_own_stock_alone(doorman: Doorman, cast: Cast, database: Database, scope: Scope) -> None:
    put_on_shelf(database, scope, cast.firm_id, 1, name_en="Mine")
    _, foreign = put_on_shelf(database, scope, cast.other_firm_id, 1, name_en="Theirs")
    browser = doorman.browser("planner", company_id=cast.firm_id)
    said = browser.get("/desk").text
    assert "Mine" in said
    assert "Theirs" not in said
    assert "Theirs" not in browser.get("/desk/stock.csv").text
    assert browser.get(f"/track?number={foreign}").status_code == 404


def test_pages_through_a_long_list(doorman: Doorman, cast: Cast, database: Database, scope: Scope) -> None:
    codes = [put_on_shelf(database, scope, cast.firm_id, 1)[0] for _ in range(52)]
    browser = doorman.browser("supervisor")
    first = browser.get("/desk").text
    next_page = first.partition('href="/desk?after=')[2].partition('"')[0]
    second = browser.get(f"/desk?after={next_page}").text
    assert sum(f">{code} " in first or code in first for code in codes) >= 50
    assert codes[-1] in second
    assert "First page" in second


def test_the_export_runs_no_formula(doorman: Doorman, cast: Cast, database: Database, scope: Scope) -> None:
    put_on_shelf(database, scope, cast.firm_id, 1, name_en="=cmd|' /C calc'!A0", name_zh="+1")
    said = doorman.browser("supervisor").get("/desk/stock.csv")
    assert said.mimetype == "text/csv"
    assert "'=cmd" in said.text
    assert ",=cmd" not in said.text
    assert ",'+1," in said.text


def test_a_pallet_is_found_by_any_spelling_of_its_label(
    doorman: Doorman, cast: Cast, database: Database, scope: Scope
) -> None:
    _, sscc = put_on_shelf(database, scope, cast.firm_id, 7, name_en="Moon cake")
    browser = doorman.browser("clerk")
    for spelling in (sscc, f"00{sscc}", f"(00){sscc}", f" {sscc[:9]} {sscc[9:]} "):
        said = browser.get("/track", query_string={"number": spelling})
        assert said.status_code == 200, spelling
        assert "Moon cake" in said.text


def test_a_program_tracks_too(doorman: Doorman, cast: Cast, database: Database, scope: Scope) -> None:
    _, sscc = put_on_shelf(database, scope, cast.firm_id, 7)
    headers = doorman.token("planner", cast.firm_id)
    said = doorman.app.test_client().get(f"/api/v1/track/{sscc}", headers=headers).get_json()
    assert said["unit"]["sscc"] == sscc
    assert said["contents"][0]["qty"] == 7


def test_nonsense_is_not_found_and_does_no_harm(doorman: Doorman) -> None:
    browser = doorman.browser("clerk")
    for nonsense in ("x", "' OR 1=1 --", "%", "<script>alert(1)</script>", "9" * 200):
        said = browser.get("/track", query_string={"number": nonsense})
        assert said.status_code == 404
        assert "<script>alert" not in said.text


def test_the_api_lists_stock_by_page(doorman: Doorman, cast: Cast, database: Database, scope: Scope) -> None:
    for qty in (1, 2, 3):
        put_on_shelf(database, scope, cast.firm_id, qty)
    client, headers = doorman.app.test_client(), doorman.token("planner", cast.firm_id)
    first = client.get("/api/v1/stock?limit=2", headers=headers)
    rest = client.get(first.headers["Link"].partition("<")[2].partition(">")[0], headers=headers)
    assert [row["qty"] for row in first.get_json() + rest.get_json()] == [1, 2, 3]
    assert "next" not in rest.headers.get("Link", "")
    assert first.get_json()[0]["last_event_at"].endswith("Z")


def test_oversight_shows_a_clean_check_and_the_last_postings(
    doorman: Doorman, cast: Cast, database: Database, scope: Scope, csrf: Callable[..., str]
) -> None:
    put_on_shelf(database, scope, cast.firm_id, 7)
    browser = doorman.browser("auditor")
    assert "not checked here yet" in browser.get("/oversight").text
    browser.post("/oversight/check", data={"csrf_token": csrf(browser, "/oversight")})
    said = browser.get("/oversight").text
    assert "no finding" in said
    assert "ASN-7" in said
    assert "The books were checked." in said


def test_oversight_names_what_is_wrong(fresh_database: Database, fresh_urls: object, tmp_path: object) -> None:
    from sqlalchemy import create_engine

    from tests.conftest import new_tenant
    from web.commands.verify import find

    owner = Database(fresh_urls.owner)  # type: ignore[attr-defined]
    tenant = new_tenant(owner)
    scope = Scope.system(tenant)
    with fresh_database.unit_of_work(scope) as session:
        receive(session, make_shelf(session), 5)
    engine = create_engine(fresh_urls.superuser)  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.execute(text("UPDATE balance SET qty = 6"))
    assert find(fresh_database, scope)
    engine.dispose()
    owner.close()


@pytest.mark.parametrize("role", ["clerk", "planner", "declarant"])
def test_only_overseers_come_to_oversight(doorman: Doorman, role: str) -> None:
    assert doorman.browser(role).get("/oversight").status_code == 403


def test_companies_are_listed_for_partners(doorman: Doorman, cast: Cast, database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        make_company(session, "bank", code="BANK")
    said = doorman.app.test_client().get("/api/v1/companies", headers=doorman.token("planner", cast.firm_id))
    assert "BANK" in [row["code"] for row in said.get_json()]
