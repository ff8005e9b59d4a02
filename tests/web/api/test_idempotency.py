"""A write that is sent again: the same answer, and the deed is done once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.web.conftest import Doorman
from wms.db import Database, Scope
from wms.parties.tables import Company


def send(doorman: Doorman, headers: dict[str, str], code: str, key: str | None = "key-1") -> Any:
    keyed = headers | {"Accept-Language": "en"} | ({"Idempotency-Key": key} if key is not None else {})
    return doorman.app.test_client().post("/api/v1/probe", headers=keyed, json={"code": code})


def companies(database: Database, scope: Scope, code: str) -> int:
    with database.unit_of_work(scope) as session:
        return session.scalar(select(func.count()).where(Company.code == code)) or 0


def test_the_same_key_and_body_get_the_first_answer(doorman: Doorman, database: Database, scope: Scope) -> None:
    headers = doorman.token("clerk")
    first, again = send(doorman, headers, "HERON"), send(doorman, headers, "HERON")
    assert (first.status_code, first.get_json()) == (again.status_code, again.get_json())
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert companies(database, scope, "HERON") == 1


def test_a_refusal_is_an_answer_too(doorman: Doorman, database: Database, scope: Scope) -> None:
    headers = doorman.token("clerk")
    first, again = send(doorman, headers, "NONE"), send(doorman, headers, "NONE")
    assert first.status_code == again.status_code == 409
    assert first.get_json() == again.get_json()
    assert first.get_json()["detail"] == "There are only 3 reeds left."
    assert first.get_json()["field"] == "code"
    assert again.headers["Idempotent-Replayed"] == "true"
    assert companies(database, scope, "NONE") == 0


def test_the_same_key_with_another_body_is_refused(doorman: Doorman) -> None:
    headers = doorman.token("clerk")
    send(doorman, headers, "HERON")
    said = send(doorman, headers, "EGRET")
    assert said.status_code == 422
    assert said.get_json()["type"].endswith(":key_reused")


def test_another_callers_key_does_not_get_my_answer(doorman: Doorman) -> None:
    send(doorman, doorman.token("clerk"), "HERON")
    said = send(doorman, doorman.token("clerk"), "HERON")
    assert said.status_code == 422


@pytest.mark.parametrize("key", [None, "", "x" * 201])
def test_a_write_without_a_fit_key_is_refused(doorman: Doorman, key: str | None) -> None:
    said = send(doorman, doorman.token("clerk"), "HERON", key)
    assert said.status_code == 422
    assert said.get_json()["field"] == "Idempotency-Key"


def test_sixteen_at_once_do_it_once(doorman: Doorman, database: Database, scope: Scope) -> None:
    headers = doorman.token("clerk")
    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(lambda _n: send(doorman, headers, "HERON"), range(16)))
    assert {one.status_code for one in said} == {201}
    assert len({one.get_json()["company_id"] for one in said}) == 1
    assert sum("Idempotent-Replayed" not in one.headers for one in said) == 1
    assert companies(database, scope, "HERON") == 1


def test_a_body_that_is_wrong_does_not_use_up_the_key(doorman: Doorman, client: FlaskClient) -> None:
    headers = doorman.token("clerk") | {"Idempotency-Key": "key-1"}
    assert client.post("/api/v1/probe", headers=headers, json={}).status_code == 422
    assert send(doorman, headers, "HERON").status_code == 201
