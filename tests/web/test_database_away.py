"""When the database is away every answer says so, and comes back by itself afterwards."""

from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from tests.conftest import Urls
from web.app import create_app
from wms.db import Database, ServedAsOwner
from wms.settings import load_settings


@pytest.fixture
def away(tmp_path: Path) -> APIFlask:
    settings = load_settings({"DONGTING_DATA": str(tmp_path), "DONGTING_SECRET_KEY": "only for tests " * 4})
    return create_app(settings, Database("postgresql+psycopg://dongting_app@127.0.0.1:1/none"))


def test_the_api_says_try_again(away: APIFlask) -> None:
    said = away.test_client().get("/api/v1/me", headers={"Authorization": "Bearer dt_x", "Accept-Language": "en"})
    assert said.status_code == 503
    assert said.mimetype == "application/problem+json"
    assert said.headers["Retry-After"] == "5"
    assert "nothing was changed" in said.get_json()["detail"]


def test_a_login_says_try_again(away: APIFlask) -> None:
    client: FlaskClient = away.test_client()
    token = client.get("/login").text.partition('name="csrf-token" content="')[2].partition('"')[0]
    form = {"csrf_token": token, "login_name": "x", "password": "y"}
    said = client.post("/login", data=form, headers={"Accept-Language": "en"})
    assert said.status_code == 503
    assert "cannot take this just now" in said.text


def test_refuses_to_serve_with_the_owners_login(tmp_path: Path, urls: Urls) -> None:
    settings = load_settings(
        {
            "DONGTING_DATA": str(tmp_path),
            "DONGTING_SECRET_KEY": "only for tests " * 4,
            "DONGTING_DATABASE_URL": urls.owner.replace("+psycopg", ""),
        }
    )
    with pytest.raises(ServedAsOwner):
        create_app(settings)
