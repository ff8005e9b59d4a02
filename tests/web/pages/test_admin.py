"""Administration: entering people, keeping them out, and what an administrator cannot do."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.web.conftest import Cast, Doorman
from web.auth.credentials import NAME_TRIES
from web.auth.passwords import hashed
from web.auth.tables import Credential
from wms.db import Database, Scope
from wms.parties.tables import Person, PersonRole
from wms.record.tables import Leaf

Csrf = Callable[..., str]
NEW = {"name_zh": "李四", "name_en": "Li Si", "login_name": "lisi", "password": "nine boats at anchor", "role": "clerk"}


@pytest.fixture
def admin(doorman: Doorman) -> FlaskClient:
    return doorman.browser("administrator")


def enter(admin: FlaskClient, csrf: Csrf, company_id: int, key: str = "k1", **changed: str) -> tuple[int, str]:
    form = NEW | changed | {"company_id": str(company_id), "csrf_token": csrf(admin, "/admin"), "idempotency_key": key}
    said = admin.post("/admin/people", data=form)
    return said.status_code, said.text


def test_a_new_person_can_log_in(
    admin: FlaskClient, csrf: Csrf, cast: Cast, doorman: Doorman, database: Database, scope: Scope
) -> None:
    assert enter(admin, csrf, cast.operator_id)[0] == 302
    client = doorman.app.test_client()
    form = {"csrf_token": csrf(client), "login_name": "lisi", "password": NEW["password"]}
    assert client.post("/login", data=form).status_code == 302
    assert client.get("/scan").status_code in (200, 404)  # a clerk's page, once there is one
    with database.unit_of_work(scope) as session:
        assert "person_added" in session.scalars(select(Leaf.kind)).all()


def test_the_same_form_sent_twice_enters_one_person(
    admin: FlaskClient, csrf: Csrf, cast: Cast, database: Database, scope: Scope
) -> None:
    assert enter(admin, csrf, cast.operator_id)[0] == enter(admin, csrf, cast.operator_id)[0] == 302
    with database.unit_of_work(scope) as session:
        assert len(session.scalars(select(Person.id).where(Person.name_en == "Li Si")).all()) == 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"password": "short"}, "12 to 128 characters"),
        ({"password": "password123456"}, "too easy to guess"),
        ({"login_name": "a"}, "3 to 40 small letters"),
        ({"name_en": ""}, "one in English are needed"),
        ({"role": "king"}, "There is no role king"),
        ({"role": "customs_officer"}, "Only a person of customs"),
    ],
)
def test_a_wrong_form_comes_back_with_the_rule_and_enters_nobody(
    admin: FlaskClient, csrf: Csrf, cast: Cast, database: Database, scope: Scope, changed: dict[str, str], says: str
) -> None:
    status, text = enter(admin, csrf, cast.operator_id, **changed)
    assert status == 422
    assert says in text
    with database.unit_of_work(scope) as session:
        assert session.scalar(select(Person.id).where(Person.name_zh == "李四")) is None


def test_refuses_a_login_name_that_is_taken(admin: FlaskClient, csrf: Csrf, cast: Cast) -> None:
    enter(admin, csrf, cast.operator_id)
    status, text = enter(admin, csrf, cast.operator_id, key="k2")
    assert status == 422
    assert "The login name lisi is taken." in text


def test_an_administrator_makes_no_customs_officer(admin: FlaskClient, csrf: Csrf, cast: Cast) -> None:
    status, text = enter(admin, csrf, cast.customs_id, role="customs_officer")
    assert status == 422
    assert "Only customs can give" in text


def test_customs_enters_its_own_officers(doorman: Doorman, csrf: Csrf, cast: Cast) -> None:
    officer = doorman.browser("customs_officer")
    assert enter(officer, csrf, cast.customs_id, role="customs_officer")[0] == 302


def test_keeping_a_person_out_ends_what_they_do(
    admin: FlaskClient, csrf: Csrf, doorman: Doorman, database: Database, scope: Scope
) -> None:
    name = doorman.person("clerk")
    with database.unit_of_work(scope) as session:
        person_id = session.scalars(select(Credential.person_id).where(Credential.login_name == name)).one()
    send = {"csrf_token": csrf(admin, "/admin"), "deed": "deactivate"}
    assert admin.post(f"/admin/people/{person_id}", data=send).status_code == 302
    with database.unit_of_work(scope) as session:
        assert session.get_one(Person, person_id).is_active is False


def test_gives_and_takes_a_role(
    admin: FlaskClient, csrf: Csrf, doorman: Doorman, database: Database, scope: Scope
) -> None:
    name = doorman.person("clerk")
    with database.unit_of_work(scope) as session:
        person_id = session.scalars(select(Credential.person_id).where(Credential.login_name == name)).one()
    for deed, role in (("give", "planner"), ("take", "clerk")):
        send = {"csrf_token": csrf(admin, "/admin"), "deed": deed, "role": role}
        admin.post(f"/admin/people/{person_id}", data=send)
    with database.unit_of_work(scope) as session:
        assert session.scalars(select(PersonRole.role).where(PersonRole.person_id == person_id)).all() == ["planner"]


def number_of(database: Database, scope: Scope, name: str) -> int:
    with database.unit_of_work(scope) as session:
        return session.scalars(select(Credential.person_id).where(Credential.login_name == name)).one()


def test_gives_a_new_password_that_works_once_shown(
    admin: FlaskClient, csrf: Csrf, doorman: Doorman, database: Database, scope: Scope
) -> None:
    name = doorman.person("clerk")
    send = {"csrf_token": csrf(admin, "/admin"), "deed": "password"}
    said = admin.post(f"/admin/people/{number_of(database, scope, name)}", data=send, follow_redirects=True).text
    password = said.partition("shown once: ")[2].partition("<")[0]
    client = doorman.app.test_client()
    form = {"csrf_token": csrf(client), "login_name": name, "password": password}
    assert client.post("/login", data=form).status_code == 302
    assert password not in admin.get("/admin").text


@pytest.mark.parametrize("deed", ["password", "unlock", "deactivate"])
def test_an_administrator_does_not_touch_customs_logins(
    admin: FlaskClient, csrf: Csrf, doorman: Doorman, database: Database, scope: Scope, deed: str
) -> None:
    officer = number_of(database, scope, doorman.person("customs_officer"))
    send = {"csrf_token": csrf(admin, "/admin"), "deed": deed}
    said = admin.post(f"/admin/people/{officer}", data=send, follow_redirects=True).text
    assert "Only customs can give" in said
    assert "shown once" not in said


def test_unlocking_lets_a_person_try_again_at_once(
    admin: FlaskClient, csrf: Csrf, doorman: Doorman, database: Database, scope: Scope
) -> None:
    name = doorman.person("clerk", password_hash=hashed("an old lake boat"))
    client = doorman.app.test_client()
    for _ in range(NAME_TRIES):
        client.post("/login", data={"csrf_token": csrf(client), "login_name": name, "password": "wrong"})
    right = {"login_name": name, "password": "an old lake boat"}
    assert client.post("/login", data=right | {"csrf_token": csrf(client)}).status_code == 200
    send = {"csrf_token": csrf(admin, "/admin"), "deed": "unlock"}
    admin.post(f"/admin/people/{number_of(database, scope, name)}", data=send)
    assert client.post("/login", data=right | {"csrf_token": csrf(client)}).status_code == 302


def test_a_person_that_is_not_there_is_not_found(admin: FlaskClient, csrf: Csrf) -> None:
    send = {"csrf_token": csrf(admin, "/admin"), "deed": "deactivate"}
    assert admin.post("/admin/people/999999999", data=send).status_code == 404
