"""The document of the API: valid, complete, and readable without a network."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from web.api.openapi import document


@pytest.fixture
def app(web_settings: object, database: object) -> APIFlask:
    from web.app import create_app

    return create_app(web_settings, database)  # type: ignore[arg-type]


def test_is_a_valid_openapi_3_1_document(app: APIFlask) -> None:
    with app.app_context():
        spec = document(app)
    assert spec["openapi"] == "3.1.0"
    validate(spec)


def test_names_every_route_of_the_api_and_no_page(app: APIFlask, client: FlaskClient) -> None:
    said = client.get("/openapi.json").get_json()
    there = {rule.rule.replace("<int:", "<").replace("<", "{").replace(">", "}") for rule in app.url_map.iter_rules()
             if rule.rule.startswith("/api/")}  # fmt: skip
    assert set(said["paths"]) == there
    assert all(path.startswith("/api/v1/") for path in there)


def test_every_operation_says_what_a_refusal_looks_like(client: FlaskClient) -> None:
    said = client.get("/openapi.json").get_json()
    for path, item in said["paths"].items():
        for method, operation in item.items():
            if method in ("get", "post", "put", "patch", "delete"):
                assert "application/problem+json" in operation["responses"]["default"]["content"], (method, path)


def test_the_page_shows_routes_roles_and_refusals_from_our_own_files(client: FlaskClient) -> None:
    said = client.get("/docs", headers={"Accept-Language": "en"}).text
    assert "/api/v1/track/{number}" in said
    assert "short_stock" in said
    assert "http://" not in said.replace("http://www.w3.org", "")
    assert "https://" not in said
