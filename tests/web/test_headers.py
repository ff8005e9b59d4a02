"""What every answer tells the browser."""

import re

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import Doorman


def directives(policy: str) -> dict[str, str]:
    return {part.split()[0]: part.partition(" ")[2] for part in policy.split("; ")}


@pytest.mark.parametrize("path", ["/login", "/", "/api/v1/me", "/nothing", "/static/css/tokens.css", "/docs"])
def test_scripts_come_from_us_alone_and_nothing_is_evaluated(client: FlaskClient, path: str) -> None:
    with client.get(path) as said:
        headers = said.headers
    found = directives(headers["Content-Security-Policy"])
    assert re.fullmatch(r"'self' 'nonce-[\w-]{22}' 'wasm-unsafe-eval'", found["script-src"])
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert "'unsafe-eval'" not in headers["Content-Security-Policy"]
    assert found["frame-ancestors"] == "'none'"
    assert found["object-src"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=(self)" in headers["Permissions-Policy"]


def test_the_icon_that_browsers_ask_for_is_there(client: FlaskClient) -> None:
    with client.get("/favicon.ico", follow_redirects=True) as said:
        assert said.mimetype == "image/svg+xml"


def test_each_page_has_its_own_nonce(client: FlaskClient) -> None:
    first, other = (client.get("/login").headers["Content-Security-Policy"] for _ in range(2))
    assert first != other


def test_pages_are_not_kept_by_the_browser(doorman: Doorman) -> None:
    assert doorman.browser("clerk").get("/").headers["Cache-Control"] == "no-store"


def test_the_session_cookie_is_out_of_reach_of_scripts(client: FlaskClient) -> None:
    cookie = client.get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_request_has_a_number_and_keeps_a_sane_one(client: FlaskClient) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", client.get("/login").headers["X-Request-ID"])
    assert client.get("/login", headers={"X-Request-ID": "proxy-12345"}).headers["X-Request-ID"] == "proxy-12345"
    forged = client.get("/login", headers={"X-Request-ID": "x" * 500}).headers["X-Request-ID"]
    assert len(forged) == 32


def test_the_log_holds_no_token_and_no_password(client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    client.get("/api/v1/me?token=query-secret", headers={"Authorization": "Bearer dt_header-secret"})
    client.post("/login", data={"login_name": "x", "password": "form-secret"})
    said = capsys.readouterr()
    assert "secret" not in said.out + said.err
