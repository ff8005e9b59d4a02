"""Every list as a file: as the caller sees it, whole, and harmless to a spreadsheet."""

import io
from typing import Any

import pytest
from openpyxl import load_workbook

from tests import build
from tests.web.conftest import Cast, Doorman
from tests.web.pages.test_stock_pages import put_on_shelf
from web.api import exports
from web.auth.policy import READERS, policy_of
from wms.db import Database, Scope


def ask(doorman: Doorman, of: str, form: str = "csv", company_id: int | None = None, role: str = "planner") -> Any:
    query = {"of": of, "format": form}
    return doorman.app.test_client().get(
        "/api/v1/exports", query_string=query, headers=doorman.token(role, company_id) | {"Accept-Language": "en"}
    )


def test_a_list_is_exported_to_its_end(
    doorman: Doorman, cast: Cast, database: Database, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    codes = [put_on_shelf(database, scope, cast.firm_id, 1)[0] for _ in range(5)]
    said = ask(doorman, f"/api/v1/stock?owner_id={cast.firm_id}", role="clerk")
    lines = said.text.splitlines()
    assert (said.mimetype, said.headers["Dongting-Rows"], len(lines)) == ("text/csv", "5", 6)
    assert all(any(code in line for line in lines) for code in codes)
    assert 'filename="stock.csv"' in said.headers["Content-Disposition"]


def test_a_firm_exports_its_own_rows_alone(doorman: Doorman, cast: Cast, database: Database, scope: Scope) -> None:
    mine, _ = put_on_shelf(database, scope, cast.firm_id, 1)
    theirs, _ = put_on_shelf(database, scope, cast.other_firm_id, 1)
    said = ask(doorman, "/api/v1/stock", company_id=cast.firm_id).text
    assert mine in said
    assert theirs not in said


def test_no_cell_runs_as_a_formula(doorman: Doorman, cast: Cast, database: Database, scope: Scope) -> None:
    put_on_shelf(
        database, scope, cast.firm_id, 1, name_en="=cmd|' /C calc'!A0", name_zh="+1", code=f"@S{build.number()}"
    )
    text = ask(doorman, "/api/v1/stock", company_id=cast.firm_id).text
    assert "'=cmd" in text
    assert not [cell for line in text.splitlines() for cell in line.split(",") if cell[:1] in ("=", "+", "@")]
    book = load_workbook(io.BytesIO(ask(doorman, "/api/v1/stock", "xlsx", cast.firm_id).data))
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert not [cell.value for cell in cells if str(cell.value)[:1] in ("=", "+", "@")]


def test_a_long_number_keeps_its_digits_in_a_spreadsheet(
    doorman: Doorman, cast: Cast, database: Database, scope: Scope
) -> None:
    _, sscc = put_on_shelf(database, scope, cast.firm_id, 1_234)
    book = load_workbook(io.BytesIO(ask(doorman, "/api/v1/stock", "xlsx", cast.firm_id).data))
    values = [cell.value for row in book.worksheets[0].iter_rows() for cell in row]
    assert sscc in values
    assert 1234 in values


@pytest.mark.parametrize(
    ("of", "status", "code"),
    [
        ("/api/v1/me", 422, "not_a_list"),
        ("/api/v1/nothing", 404, "not_found"),
        ("/desk", 422, "not_a_list"),
        ("http://elsewhere.example/api/v1/stock", 422, "not_a_list"),
        ("//elsewhere.example/api/v1/stock", 422, "not_a_list"),
        ("/api/v1/exports?of=/api/v1/stock", 422, "not_a_list"),
        ("/api/v1/stock?site_id=x", 422, "invalid_field"),
    ],
)
def test_says_what_cannot_be_exported(doorman: Doorman, of: str, status: int, code: str) -> None:
    said = ask(doorman, of)
    assert (said.status_code, said.get_json()["type"].rpartition(":")[2]) == (status, code)


def test_what_the_list_keeps_shut_stays_shut(doorman: Doorman, cast: Cast) -> None:
    said = ask(doorman, "/api/v1/imports", company_id=cast.firm_id)
    assert said.status_code == 403


def test_parts_of_a_row_become_columns() -> None:
    row = {"a": 1, "person": {"zh": "张", "en": "Zhang"}, "lines": [{"b": 2}], "none": []}
    flat = exports.flattened(row)
    assert flat == {"a": 1, "person_zh": "张", "person_en": "Zhang", "lines": '[{"b": 2}]', "none": None}


def lists(doorman: Doorman) -> list[tuple[str, str]]:
    """(address, role that may read it) of every list of the API that wants no parameter."""
    found = []
    for rule in doorman.app.url_map.iter_rules():
        said = (doorman.app.view_functions[rule.endpoint].__doc__ or "").strip()
        declared = policy_of(doorman.app, rule.endpoint)
        is_list = rule.rule.startswith("/api/v1/") and not rule.arguments and said.startswith("List ")
        if is_list and "GET" in (rule.methods or ()) and declared is not None:
            found.append((rule.rule, min(declared.roles & set(READERS))))
    return sorted(found)


def test_every_list_of_the_api_can_be_exported(doorman: Doorman, database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        site = build.make_site(session).code
    tokens: dict[str, dict[str, str]] = {}
    wrong, asked = [], 0
    for address, role in lists(doorman):
        if asked % 15 == 0:  # a token may export so often a minute
            tokens = {}
        asked += 1
        headers = tokens.setdefault(role, doorman.token(role))
        query = {"of": f"{address}?site={site}", "format": "csv"}  # one that knows no sites ignores it
        said = doorman.app.test_client().get("/api/v1/exports", query_string=query, headers=headers)
        if said.status_code != 200 or said.mimetype != "text/csv":
            wrong.append(f"{address} ({role}): {said.status_code} {said.text[:120]}")
    assert asked > 30
    assert not wrong, "\n".join(wrong)
