"""Large files over HTTP: taken with 202, read by a job, asked about while it reads and when it has."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from tests import build
from tests.web.api.test_imports import ITEM, items_of, long_list, n_items, owner, send
from tests.web.conftest import Doorman
from tests.web.imports.files import csv_of
from web.imports import queued
from web.imports.tables import ImportPart, ImportRun
from wms.db import Database, Scope
from wms.parties.tables import Company

__all__ = ["owner"]  # a fixture


@pytest.fixture
def all_large(doorman: Doorman) -> Iterator[None]:
    """Every file is a large one."""
    given = doorman.app.extensions["dongting"].settings.__dict__
    usual, given["import_at_once_bytes"] = given["import_at_once_bytes"], 0
    yield
    given["import_at_once_bytes"] = usual


def ask(doorman: Doorman, path: str, language: str = "en") -> Any:
    headers = doorman.token("auditor") | {"Accept-Language": language}
    return doorman.app.test_client().get(path, headers=headers)


def read(database: Database, scope: Scope, run_id: int) -> None:
    queued.read_job(database, tenant_id=scope.tenant_id, run_id=run_id)


def n_parts(database: Database, scope: Scope) -> int:
    with database.unit_of_work(scope) as session:
        return session.scalar(select(func.count()).select_from(ImportPart)) or 0


def test_a_large_file_is_read_by_a_job(
    doorman: Doorman, all_large: None, owner: Company, database: Database, scope: Scope
) -> None:
    content = csv_of(ITEM, items_of(owner, [f"J{build.number()}" for _ in range(3)]))
    said = send(doorman, "items", content)
    assert (said.status_code, said.get_json()["state"]) == (202, "waiting")
    again = send(doorman, "items", content)  # impatient: the same file while it waits
    assert again.get_json()["id"] == said.get_json()["id"]
    where = said.headers["Location"]
    assert ask(doorman, where).get_json()["is_entered"] is False
    assert n_parts(database, scope) == 1
    read(database, scope, said.get_json()["id"])
    told = ask(doorman, where).get_json()
    assert (told["state"], told["rows_read"], told["taken"], told["is_replayed"]) == ("entered", 3, 3, False)
    assert (n_items(database, scope), n_parts(database, scope)) == (3, 0)
    read(database, scope, told["id"])  # a job is delivered at least once
    twice = send(doorman, "items", content).get_json()  # the same file a day later
    read(database, scope, twice["id"])
    told = ask(doorman, twice["status_url"]).get_json()
    assert (told["state"], told["is_replayed"], n_items(database, scope)) == ("entered", True, 3)
    listed = ask(doorman, "/api/v1/imports/runs").get_json()
    assert [one["id"] for one in listed] == [said.get_json()["id"], twice["id"]]


def test_a_dry_run_of_a_large_file_enters_nothing(
    doorman: Doorman, all_large: None, owner: Company, database: Database, scope: Scope
) -> None:
    content = csv_of(ITEM, items_of(owner, [f"J{build.number()}"]))
    sent = send(doorman, "items", content, dry_run="true").get_json()
    read(database, scope, sent["id"])
    assert ask(doorman, sent["status_url"]).get_json()["state"] == "clean"
    assert n_items(database, scope) == 0


def test_a_large_file_that_cannot_be_read_says_why(
    doorman: Doorman, all_large: None, database: Database, scope: Scope
) -> None:
    sent = send(doorman, "items", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old spreadsheet").get_json()
    read(database, scope, sent["id"])
    told = ask(doorman, sent["status_url"]).get_json()
    assert (told["state"], told["detail"][:49]) == ("refused", "This is a spreadsheet of the old format (XLS). Sa")
    assert "XLS" in ask(doorman, sent["status_url"], "zh").get_json()["detail"]
    assert ask(doorman, "/api/v1/imports/runs/999999").status_code == 404


def test_the_progress_is_told_while_a_job_reads(
    doorman: Doorman, all_large: None, owner: Company, database: Database, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, int]] = []
    real = queued.update

    def listening(table: Any) -> Any:
        with database.unit_of_work(scope) as session:
            one = session.scalars(select(ImportRun)).one()
            heard.append((one.state, one.rows_read))
        return real(table)

    content = csv_of(ITEM, long_list(owner, 10_000, {7: "x"}))
    sent = send(doorman, "items", content).get_json()
    monkeypatch.setattr(queued, "update", listening)
    read(database, scope, sent["id"])
    assert heard == [("running", 0), ("running", 5_000), ("running", 10_000)]


@pytest.mark.slow
def test_two_hundred_thousand_rows_with_three_bad_ones_and_the_file_sent_twice(
    doorman: Doorman, owner: Company, database: Database, scope: Scope
) -> None:
    content = csv_of(ITEM, long_list(owner, 200_000, {2: "x", 100_000: "-1", 200_001: ""}))
    said = send(doorman, "items", content)
    assert said.status_code == 202
    assert send(doorman, "items", content).get_json()["id"] == said.get_json()["id"]
    read(database, scope, said.get_json()["id"])
    told = ask(doorman, said.headers["Location"]).get_json()
    assert (told["state"], told["rows_read"], told["bad_rows"]) == ("bad", 200_000, 3)
    assert [(one["row"], one["code"]) for one in told["faults"]] == [
        (2, "not_whole"), (100_000, "out_of_range"), (200_001, "cell_missing")
    ]  # fmt: skip
    assert all(one["detail"] for one in told["faults"])
    assert n_items(database, scope) == 0


def test_the_page_shows_how_far_a_large_file_is(
    doorman: Doorman, owner: Company, database: Database, scope: Scope, all_large: None
) -> None:
    rows = [*items_of(owner, ["OK-1"]), [owner.code, "", "x", "x", 1, 1]]
    sent = send(doorman, "items", csv_of(ITEM, rows)).get_json()
    browser = doorman.browser("supervisor", locale="en")
    assert "waits its turn" in browser.get(f"/desk/imports/runs/{sent['id']}").text
    assert "hx-get" in browser.get(f"/desk/imports/runs/{sent['id']}", headers={"HX-Request": "true"}).text
    read(database, scope, sent["id"])
    page = browser.get(f"/desk/imports/runs/{sent['id']}").text
    assert "1 of 2 rows are bad; none was entered." in page
    assert "has bad rows" in browser.get("/desk/imports").text
    assert "有错误行" in doorman.browser("supervisor", locale="zh").get("/desk/imports").text
