"""API tokens: what is kept of them, when they end, and what they may do."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from tests.web.conftest import Cast, Doorman
from web.auth.guard import BAD_TOKENS
from web.auth.tables import ApiToken
from web.auth.tokens import DaysOutOfRange, create_token, hash_of, revoke_token
from wms.db import Database, Scope
from wms.errors import NotFound
from wms.parties.rules import CustomsGivesItself, UnknownRole
from wms.parties.tables import CompanyRole


def me(client: FlaskClient, headers: dict[str, str]) -> tuple[int, dict[str, object]]:
    said = client.get("/api/v1/me", headers=headers | {"Accept-Language": "en"})
    return said.status_code, said.get_json()


def test_a_token_acts_in_its_role_for_the_installation(doorman: Doorman, client: FlaskClient) -> None:
    status, said = me(client, doorman.token("planner"))
    assert status == 200
    assert (said["roles"], said["sees_all"], said["via"]) == (["planner"], True, "token")


def test_a_firms_token_sees_its_own_alone(doorman: Doorman, client: FlaskClient, cast: Cast) -> None:
    _, said = me(client, doorman.token("planner", cast.firm_id))
    assert (said["company_id"], said["sees_all"]) == (cast.firm_id, False)


def test_a_company_whose_role_ended_sees_all_no_more(
    doorman: Doorman, client: FlaskClient, cast: Cast, database: Database, scope: Scope
) -> None:
    headers = doorman.token("planner", cast.operator_id)
    assert me(client, headers)[1]["sees_all"] is True
    with database.unit_of_work(scope) as session:
        session.execute(update(CompanyRole).values(valid_until_on=date(2020, 1, 1)))
    assert me(client, headers)[1]["sees_all"] is False
    assert doorman.browser("planner").get("/api/v1/me").get_json()["sees_all"] is False


def test_keeps_a_hash_and_never_the_token(doorman: Doorman, database: Database, scope: Scope) -> None:
    secret = doorman.token("clerk")["Authorization"].removeprefix("Bearer ")
    with database.unit_of_work(scope) as session:
        row = session.scalars(select(ApiToken)).one()
    assert row.token_hash == hash_of(secret)
    assert len(secret) > 43
    assert secret not in str(vars(row))
    assert secret.startswith(row.prefix)


@pytest.mark.parametrize("given", ["Bearer", "Bearer nonsense", "Basic dXNlcjpwYXNz", "Bearer dt_" + "x" * 43])
def test_a_wrong_token_is_an_error_and_not_nobody(client: FlaskClient, given: str) -> None:
    status, said = me(client, {"Authorization": given})
    assert status == 401
    assert str(said["type"]).endswith("unknown_token")


def test_an_expired_token_says_since_when(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope
) -> None:
    headers, past = doorman.token("clerk"), datetime.now(UTC) - timedelta(days=3)
    with database.unit_of_work(scope) as session:
        session.execute(update(ApiToken).values(created_at=past - timedelta(days=1), expires_at=past))
    status, said = me(client, headers)
    assert status == 401
    assert str(said["type"]).endswith("token_expired")
    assert past.strftime("%Y-%m-%d %H:%M UTC") in str(said["detail"])


def test_a_revoked_token_ends_at_once_and_alone(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope
) -> None:
    first, other = doorman.token("clerk"), doorman.token("clerk")
    with database.unit_of_work(scope) as session:
        revoke_token(session, session.scalars(select(ApiToken.id).order_by(ApiToken.id)).first() or 0)
    assert me(client, first)[0] == 401
    assert me(client, other)[0] == 200


def test_guessing_tokens_has_to_wait_but_a_good_token_does_not(doorman: Doorman, client: FlaskClient) -> None:
    said = [me(client, {"Authorization": "Bearer dt_guess"})[0] for _ in range(BAD_TOKENS + 1)]
    assert said[-1] == 429
    assert set(said[:-1]) == {401}
    assert me(client, doorman.token("clerk"))[0] == 200


def test_notes_when_a_token_was_last_used(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope
) -> None:
    me(client, doorman.token("clerk"))
    with database.unit_of_work(scope) as session:
        assert session.scalars(select(ApiToken.used_at)).one() is not None


@pytest.mark.parametrize("days", [0, 367])
def test_a_token_lives_neither_for_ever_nor_not_at_all(opened: object, days: int) -> None:
    with pytest.raises(DaysOutOfRange):
        create_token(opened, role="clerk", label="x", days=days)  # type: ignore[arg-type]


def test_names_the_roles_when_one_is_unknown(opened: object) -> None:
    with pytest.raises(UnknownRole, match="customs_officer"):
        create_token(opened, role="king", label="x")  # type: ignore[arg-type]


def test_names_the_company_that_is_not_there(opened: object) -> None:
    with pytest.raises(NotFound, match="NOWHERE"):
        create_token(opened, role="clerk", label="x", company="NOWHERE")  # type: ignore[arg-type]


def test_an_administrator_makes_no_customs_token(opened: object) -> None:
    with pytest.raises(CustomsGivesItself):
        create_token(opened, role="customs_officer", label="x", acting_role="administrator")  # type: ignore[arg-type]


def test_the_page_shows_a_new_token_once_and_revokes_it(
    doorman: Doorman, csrf: Callable[..., str], client: FlaskClient
) -> None:
    browser = doorman.browser("administrator")
    form = {"csrf_token": csrf(browser, "/admin/tokens"), "label": "night shift", "role": "clerk", "days": "7"}
    made = browser.post("/admin/tokens", data=form).text
    secret = made.partition('class="secret">')[2].partition("<")[0]
    assert me(client, {"Authorization": f"Bearer {secret}"})[0] == 200
    assert secret not in browser.get("/admin/tokens").text
    address = made.partition("/revoke")[0].rpartition('"')[2] + "/revoke"
    browser.post(address, data={"csrf_token": form["csrf_token"]})
    assert me(client, {"Authorization": f"Bearer {secret}"})[0] == 401
