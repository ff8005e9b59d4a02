"""Logging in: who gets in, who has to wait, and when a login is over."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from tests.web.conftest import PASSWORD, Doorman
from web.auth import credentials, passwords
from web.auth.tables import Credential, LoginSession
from wms.db import Database, Scope
from wms.parties.tables import Person

HASH = passwords.hashed(PASSWORD)
Csrf = Callable[..., str]


def log_in(client: FlaskClient, csrf: Csrf, name: str, password: str = PASSWORD, **more: str) -> TestResponse:
    form = {"csrf_token": csrf(client), "login_name": name, "password": password, **more}
    return client.post("/login", data=form, headers={"Accept-Language": "en"})


def is_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def test_lets_a_person_in_and_out(doorman: Doorman, csrf: Csrf) -> None:
    name, client = doorman.person("clerk", password_hash=HASH), doorman.app.test_client()
    assert not is_in(client)
    assert log_in(client, csrf, name.upper()).status_code == 302
    assert is_in(client)
    assert client.post("/logout", data={"csrf_token": csrf(client, "/account")}).status_code == 302
    assert not is_in(client)


def test_a_copied_cookie_is_worthless_after_logout(doorman: Doorman, csrf: Csrf) -> None:
    client, thief = doorman.app.test_client(), doorman.app.test_client()
    log_in(client, csrf, doorman.person("clerk", password_hash=HASH))
    cookie = client.get_cookie("dongting")
    assert cookie is not None
    thief.set_cookie("dongting", cookie.value)
    assert is_in(thief)
    client.post("/logout", data={"csrf_token": csrf(client, "/account")})
    assert not is_in(thief)


def test_each_login_has_a_new_key(doorman: Doorman, csrf: Csrf, database: Database, scope: Scope) -> None:
    name = doorman.person("clerk", password_hash=HASH)
    for _ in range(2):
        log_in(doorman.app.test_client(), csrf, name)
    with database.unit_of_work(scope) as session:
        keys = session.scalars(select(LoginSession.key_hash)).all()
    assert len(set(keys)) == 2


@pytest.mark.parametrize("name", ["nobody-here", ""])
def test_says_the_same_of_a_wrong_name_and_a_wrong_password(doorman: Doorman, csrf: Csrf, name: str) -> None:
    known = doorman.person("clerk", password_hash=HASH)
    said = log_in(doorman.app.test_client(), csrf, known, "not the password")
    assert "Login name or password is not right." in said.text
    assert "Login name or password is not right." in log_in(doorman.app.test_client(), csrf, name).text


def test_makes_a_login_name_wait_after_five_wrong_passwords(doorman: Doorman, csrf: Csrf) -> None:
    name, client = doorman.person("clerk", password_hash=HASH), doorman.app.test_client()
    for _ in range(credentials.NAME_TRIES):
        log_in(client, csrf, name, "not the password")
    said = log_in(client, csrf, name)
    assert "Too many tries" in said.text
    assert not is_in(client)


def test_the_count_of_wrong_passwords_is_shared_by_all_processes(
    doorman: Doorman, csrf: Csrf, web_settings: object, database: Database
) -> None:
    from web.app import create_app

    name, other = doorman.person("clerk", password_hash=HASH), create_app(web_settings, database)  # type: ignore[arg-type]
    for _ in range(credentials.NAME_TRIES):
        log_in(other.test_client(), csrf, name, "not the password")
    assert "Too many tries" in log_in(doorman.app.test_client(), csrf, name).text


def test_the_right_password_forgets_wrong_ones(doorman: Doorman, csrf: Csrf) -> None:
    name = doorman.person("clerk", password_hash=HASH)
    for _ in range(2):
        for _ in range(credentials.NAME_TRIES - 1):
            log_in(doorman.app.test_client(), csrf, name, "not the password")
        assert log_in(doorman.app.test_client(), csrf, name).status_code == 302


@pytest.mark.parametrize(
    ("column", "age"), [("seen_at", credentials.IDLE), ("started_at", credentials.ABSOLUTE)], ids=["idle", "absolute"]
)
def test_a_login_ends_when_its_time_is_over(
    doorman: Doorman, database: Database, scope: Scope, column: str, age: timedelta
) -> None:
    client = doorman.browser("clerk")
    assert is_in(client)
    with database.unit_of_work(scope) as session:
        session.execute(update(LoginSession).values({column: datetime.now(UTC) - age - timedelta(seconds=1)}))
    assert not is_in(client)


def test_a_login_ends_when_the_person_leaves(doorman: Doorman, database: Database, scope: Scope) -> None:
    client = doorman.browser("clerk")
    with database.unit_of_work(scope) as session:
        session.execute(update(Person).values(is_active=False))
    assert not is_in(client)


def test_refuses_a_login_form_that_was_not_sent_from_our_page(doorman: Doorman) -> None:
    client = doorman.app.test_client()
    said = client.post("/login", data={"login_name": "x", "password": "y"}, headers={"Accept-Language": "en"})
    assert said.status_code == 400
    assert "form is too old" in said.text


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_sends_nobody_to_another_site_after_login(doorman: Doorman, csrf: Csrf, elsewhere: str) -> None:
    said = log_in(doorman.app.test_client(), csrf, doorman.person("clerk", password_hash=HASH), next=elsewhere)
    there = urlsplit(said.headers.get("Location", "/"))
    assert not there.netloc
    assert "\\" not in there.path


def test_a_new_password_ends_every_login(doorman: Doorman, csrf: Csrf) -> None:
    name = doorman.person("clerk", password_hash=HASH)
    here, elsewhere = doorman.app.test_client(), doorman.app.test_client()
    log_in(here, csrf, name)
    log_in(elsewhere, csrf, name)
    new = "seven herons over reeds"
    form = {"csrf_token": csrf(here, "/account"), "password": PASSWORD, "new_password": new, "new_password_again": new}
    assert here.post("/account", data=form).status_code == 302
    assert not is_in(here)
    assert not is_in(elsewhere)
    assert log_in(here, csrf, name, new).status_code == 302


def test_the_present_password_is_asked_for_a_new_one(doorman: Doorman, csrf: Csrf) -> None:
    client = doorman.app.test_client()
    log_in(client, csrf, doorman.person("clerk", password_hash=HASH))
    new = "seven herons over reeds"
    form = {"csrf_token": csrf(client, "/account"), "password": "x", "new_password": new, "new_password_again": new}
    said = client.post("/account", data=form, headers={"Accept-Language": "en"})
    assert said.status_code == 422
    assert "not your present password" in said.text
    assert is_in(client)


def test_keeps_passwords_as_argon2id(doorman: Doorman, database: Database, scope: Scope) -> None:
    doorman.person("clerk")
    with database.unit_of_work(scope) as session:
        person_id = session.scalars(select(Credential.person_id)).one()
        session.execute(Credential.__table__.delete())  # type: ignore[attr-defined]
        credentials.create_credential(session, person_id=person_id, login_name="boatman", password=PASSWORD)
        kept = session.scalars(select(Credential.password_hash)).one()
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept
