"""Generated from the URL map: every route × every role × own and foreign company.

Adding a route adds its tests. A route that declares no policy, or has parameters but names no subject, fails here.
"""

import re
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from apiflask import APIFlask
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.web.conftest import Doorman
from tests.web.subjects import SUBJECTS
from web.app import create_app
from web.auth.policy import ROLES, Policy, RouteWithoutPolicy, policy_of, refuse_undeclared
from wms.db import Database
from wms.parties.tables import Company
from wms.settings import load_settings

NOT_YET = {  # one's own is there only when the solver is done, or a job has proposed it
    "/api/v1/plans/<int:plan_id>/document",
    "/api/v1/orders/<order_no>/pack-plan",
}
WRITES = ("POST", "PUT", "PATCH", "DELETE")
NOWHERE = TemporaryDirectory(prefix="dongting-map-")  # what is made in it goes with the run, never into the sources


def app_of_no_tenant() -> APIFlask:
    """The application as it would be, only to read its URL map: no query is sent."""
    nowhere = {
        "DONGTING_DATABASE_URL": "postgresql://dongting_app@127.0.0.1:1/none",
        "DONGTING_SECRET_KEY": "only to read the map of addresses",
        "DONGTING_DATA": NOWHERE.name,
    }
    return create_app(load_settings(nowhere), Database("postgresql+psycopg://dongting_app@127.0.0.1:1/none"))


MAP = app_of_no_tenant()


def routes() -> list[tuple[str, str, str]]:
    """(rule, method, endpoint) of every route; HEAD and OPTIONS follow GET."""
    return sorted(
        (rule.rule, method, rule.endpoint)
        for rule in MAP.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    )


def guarded() -> list[Any]:
    found = []
    for rule, method, endpoint in routes():
        declared = policy_of(MAP, endpoint)
        if declared is not None and not declared.is_public:
            found.append(pytest.param(rule, method, declared, id=f"{method} {rule}"))
    return found


GUARDED = guarded()
WRITING = [param for param in GUARDED if param.values[1] in WRITES and param.values[2].roles]
OPEN_TO_FIRMS = [param for param in GUARDED if param.values[2].firms and "<" in param.values[0]]


def address(rule: str, values: dict[str, object]) -> str:
    """The route's address for these values; a parameter that is not given gets 1."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", lambda found: str(values.get(found[1], 1)), rule)


def call(client: FlaskClient, method: str, path: str, headers: dict[str, str]) -> TestResponse:
    body: Any = {"json": {}} if method in WRITES and path.startswith("/api/") else {}
    return client.open(path, method=method, headers=headers | {"Accept-Language": "en"}, **body)


def is_shut(said: TestResponse) -> bool:
    """Whether the guard kept the caller out; a 403 by a rule of the trade comes from the view and is an answer."""
    at_door = said.status_code == 401 or "/login" in said.headers.get("Location", "")
    return at_door or "role_may_not" in said.text or "firm_may_not" in said.text


@pytest.mark.parametrize(("rule", "method", "endpoint"), routes())
def test_every_route_declares_its_policy_and_subject(rule: str, method: str, endpoint: str) -> None:
    declared = policy_of(MAP, endpoint)
    assert declared is not None, f"{method} {rule} declares no policy"
    if "<" in rule and declared.firms:
        assert declared.subject in SUBJECTS, f"{method} {rule} has parameters and is open to firms: name its subject"


@pytest.mark.parametrize(("rule", "method", "declared"), GUARDED)
def test_nobody_comes_in_without_logging_in(rule: str, method: str, declared: Policy, client: FlaskClient) -> None:
    said = call(client, method, address(rule, {}), {})
    if method == "GET" and not rule.startswith(("/api/", "/live")):
        assert said.status_code == 302
        assert said.headers["Location"].startswith("/login?next=")
    else:
        assert said.status_code == 401
        assert said.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("role", ROLES)
def test_each_route_is_open_to_its_roles_and_to_no_other(role: str, doorman: Doorman, cast: Any) -> None:
    company_id = cast.company_of(role)
    headers, client = doorman.token(role, company_id), doorman.app.test_client()
    wrong = []
    for param in GUARDED:
        rule, method, declared = param.values
        if declared.per_minute or (rule.startswith("/live") and role in declared.roles):
            continue  # an open stream does not end; limits are counted elsewhere
        said = call(client, method, address(rule, {}), headers)
        if said.status_code in (500, 501):
            wrong.append(f"{method} {rule}: fails for {role}")
        elif role in declared.roles and is_shut(said):
            wrong.append(f"{method} {rule}: shut to {role}")
        elif role not in declared.roles and said.status_code != 403:
            wrong.append(f"{method} {rule}: answers {said.status_code} to {role}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", ROLES)
def test_a_firm_comes_in_only_where_the_policy_says_so(role: str, doorman: Doorman, cast: Any) -> None:
    headers, client = doorman.token(role, cast.firm_id), doorman.app.test_client()
    wrong = []
    for param in GUARDED:
        rule, method, declared = param.values
        if role in declared.roles and not declared.firms:
            said = call(client, method, address(rule, {}), headers)
            if said.status_code != 403:
                wrong.append(f"{method} {rule}: answers {said.status_code} to a firm's {role}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("rule", "method", "declared"), OPEN_TO_FIRMS)
def test_what_another_company_owns_is_not_there(
    rule: str, method: str, declared: Policy, doorman: Doorman, cast: Any
) -> None:
    build = SUBJECTS[str(declared.subject)]
    with doorman.database.unit_of_work(doorman.scope) as session:
        own = build(session, session.get_one(Company, cast.firm_id))
        foreign = build(session, session.get_one(Company, cast.other_firm_id))
    client = doorman.app.test_client()
    for role in sorted(declared.roles - {"customs_officer"}):
        headers = doorman.token(role, cast.firm_id)
        said = call(client, method, address(rule, foreign), headers)
        # a body that is wrong anyway may be refused first; whatever comes, it is never an answer
        assert said.status_code in (404, 400, 422), f"{role} sees another company's: {said.status_code}"
        if method == "GET":
            assert said.status_code == 404
            assert rule in NOT_YET or call(client, method, address(rule, own), headers).status_code == 200


@pytest.mark.parametrize(("rule", "method", "declared"), WRITING)
def test_a_write_by_cookie_needs_the_forms_token(rule: str, method: str, declared: Policy, doorman: Doorman) -> None:
    role = min(declared.roles)
    said = call(doorman.browser(role), method, address(rule, {}), {})
    assert said.status_code == 400
    assert "form" in said.text


def test_only_customs_may_release() -> None:
    releasing = [p for p in GUARDED if re.search(r"release", p.values[0]) and p.values[1] in WRITES]
    for param in releasing:
        assert param.values[2].roles == {"customs_officer"}, param.id


# Forms that say nothing by themselves: to enter documents, and to ask by identity number.
FORMS = ("/desk/declarations/new", "/desk/retail-orders/document", "/desk/quota")


@pytest.mark.parametrize("role", ["customs_officer", "auditor"])
def test_customs_and_auditors_read_everything_but_the_places_of_work(role: str) -> None:
    not_for_reading = ("/scan", "/admin", "/fs-static", "/verify", *FORMS)
    shut = [p.id for p in GUARDED if p.values[1] == "GET" and role not in p.values[2].roles]
    assert [route for route in shut if not str(route).removeprefix("GET ").startswith(not_for_reading)] == []


def test_an_auditor_changes_nothing_but_their_own_password() -> None:
    changed = {p.values[0] for p in GUARDED if p.values[1] in WRITES and "auditor" in p.values[2].roles}
    assert changed <= {"/account", "/oversight/check"}


def test_an_administrator_neither_releases_nor_posts() -> None:
    allowed = re.compile(r"^/(admin|account|preferences|api/v1/(companies|people|tokens|sites))")
    for param in GUARDED:
        rule, method, declared = param.values
        if method in WRITES and "administrator" in declared.roles:
            assert allowed.match(rule), f"{method} {rule} lets an administrator write"


def test_refuses_to_start_with_a_route_that_declares_nothing() -> None:
    bare = Flask("bare")
    bare.add_url_rule("/bare", "bare", lambda: "")
    with pytest.raises(RouteWithoutPolicy, match="/bare"):
        refuse_undeclared(bare)


def test_a_route_that_declares_nothing_is_shut_even_if_it_gets_in(app: APIFlask, client: FlaskClient) -> None:
    app.view_functions["home.index"] = lambda: "open"
    assert client.get("/").status_code == 500


def test_a_policy_says_who_is_admitted() -> None:
    rule = Policy(frozenset({"clerk"}))
    assert rule.admits(frozenset({"clerk"}), sees_all=True)
    assert not rule.admits(frozenset({"clerk"}), sees_all=False)
    assert replace(rule, firms=True).admits(frozenset({"clerk"}), sees_all=False)
    assert not rule.admits(frozenset({"planner"}), sees_all=True)
