"""What a client reads when something is wrong: problem+json with code, field and a sentence in its language."""

import json
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import Doorman
from wms.errors import WmsError

Headers = dict[str, str]


@pytest.fixture
def headers(doorman: Doorman) -> Headers:
    return doorman.token("clerk") | {"Accept-Language": "en", "Idempotency-Key": "k1"}


def problem(said: Any, status: int, code: str) -> dict[str, Any]:
    assert said.status_code == status, said.text
    assert said.mimetype == "application/problem+json"
    body: dict[str, Any] = said.get_json()
    assert body["status"] == status
    assert body["type"].endswith(":" + code)
    assert body["detail"]
    assert body["title"]
    return body


def send(client: FlaskClient, headers: Headers, body: Any) -> Any:
    return client.post("/api/v1/probe", headers=headers, json=body)


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({}, "code", "is missing"),
        ({"code": "A", "extra": 1}, "extra", "is not a known field"),
        ({"code": 7}, "code", "must be a text"),
        ({"code": ""}, "code", "must have at least 1 characters"),
        ({"code": "A" * 81}, "code", "must have at most 80 characters"),
        ({"code": "A", "lines": [{"gtin": "1", "qty": "7"}]}, "lines.0.qty", "must be a whole number"),
        ({"code": "A", "lines": [{"gtin": "1", "qty": 7.5}]}, "lines.0.qty", "must be a whole number"),
        ({"code": "A", "lines": [{"gtin": "1", "qty": True}]}, "lines.0.qty", "must be a whole number"),
        ({"code": "A", "lines": [{"gtin": "1", "qty": 0}]}, "lines.0.qty", "must be at least 1"),
        ({"code": "A", "lines": [{"gtin": "1", "qty": 2**63}]}, "lines.0.qty", "must be at most 9223372036854775807"),
        ({"code": "A", "lines": {}}, "lines", "must be a list"),
        ({"code": "A", "lines": [1]}, "lines.0", "must be an object"),
        ({"code": "A", "lines": [{"gtin": "1", "qty": 1}] * 4}, "lines", "must have at most 3 items"),
        ({"code": "A", "at": "2026-01-31T08:00:00"}, "at", "must be an instant with its time zone"),
        ({"code": "A", "at": "yesterday"}, "at", "must be an instant"),
        ({"code": "A\0B"}, "", "must not hold the character NUL"),
        ([], "", "must be an object"),
        ("text", "", "must be an object"),
    ],
    ids=lambda value: json.dumps(value, ensure_ascii=True)[:40] if not isinstance(value, str) else value[:30],
)
def test_names_the_field_and_the_rule_it_breaks(
    client: FlaskClient, headers: Headers, body: Any, field: str, rule: str
) -> None:
    said = problem(send(client, headers, body), 422, "invalid_field")
    named = {one["field"]: one["detail"] for one in said["errors"]}
    assert rule in named[field]


def test_says_it_in_chinese_to_who_reads_chinese(client: FlaskClient, headers: Headers) -> None:
    said = problem(send(client, headers | {"Accept-Language": "zh-CN"}, {}), 422, "invalid_field")
    assert said["detail"] == "code: 缺少此项"


@pytest.mark.parametrize(
    "body",
    [b"{", b"not json", b"\xff\xfe", b'{"code": NaN}', b'{"code": ' + b"9" * 5000 + b"}", b"[" * 100_000],
    ids=["cut", "text", "bytes", "nan", "huge number", "deep"],
)
def test_refuses_what_is_not_json(client: FlaskClient, headers: Headers, body: bytes) -> None:
    said = client.post("/api/v1/probe", headers=headers, data=body, content_type="application/json")
    problem(said, 400, "bad_request")


def test_refuses_another_kind_of_content(client: FlaskClient, headers: Headers) -> None:
    form = "application/x-www-form-urlencoded"
    said = client.post("/api/v1/probe", headers=headers, data="code=A", content_type=form)
    problem(said, 415, "unsupported_media_type")


def test_refuses_a_body_of_two_megabytes(client: FlaskClient, headers: Headers) -> None:
    said = problem(send(client, headers, {"code": "A" * 2_000_000}), 413, "too_large")
    assert "1048576 bytes" in said["detail"]


def test_reads_no_more_than_the_limit_of_a_body_that_does_not_say_its_size(
    client: FlaskClient, headers: Headers
) -> None:
    said = client.post(
        "/api/v1/probe", headers=headers | {"Transfer-Encoding": "chunked"}, content_type="application/json",
        input_stream=BytesIO(b'{"code": "' + b"A" * 2_000_000 + b'"}'),
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )  # fmt: skip
    assert said.status_code in (400, 413)  # cut off at the limit it is no JSON any more
    assert said.mimetype == "application/problem+json"


def test_an_unknown_address_under_the_api_is_a_problem(client: FlaskClient, headers: Headers) -> None:
    problem(client.get("/api/v1/nothing", headers=headers), 404, "not_found")


def test_a_wrong_method_says_which_are_taken(client: FlaskClient, headers: Headers) -> None:
    said = client.delete("/api/v1/probe", headers=headers)
    problem(said, 405, "method_not_allowed")
    assert "POST" in said.headers["Allow"]


def test_a_crash_shows_a_number_and_nothing_of_the_inside(client: FlaskClient, headers: Headers) -> None:
    said = client.get("/api/v1/probe/crash", headers=headers | {"X-Request-ID": "number-12345"})
    assert "number-12345" in problem(said, 500, "internal_error")["detail"]
    assert "secret" not in said.text


def test_a_number_too_large_for_any_column_is_the_callers_mistake(client: FlaskClient, headers: Headers) -> None:
    problem(client.get("/api/v1/probe/large", headers=headers), 422, "unreadable_value")


def test_a_statement_that_takes_too_long_asks_to_try_again(client: FlaskClient, headers: Headers) -> None:
    said = client.get("/api/v1/probe/slow", headers=headers)
    problem(said, 503, "unavailable")
    assert said.headers["Retry-After"]


def test_a_limit_says_how_long_to_wait(client: FlaskClient, headers: Headers) -> None:
    said = [client.get("/api/v1/probe/few", headers=headers) for _ in range(3)]
    assert [one.status_code for one in said] == [200, 200, 429]
    problem(said[-1], 429, "too_many_requests")
    assert 0 < int(said[-1].headers["Retry-After"]) <= 60


def test_a_page_that_is_not_there_is_a_page(client: FlaskClient) -> None:
    said = client.get("/nothing", headers={"Accept-Language": "en"})
    assert said.status_code == 404
    assert said.mimetype == "text/html"
    assert "There is nothing at this address." in said.text


def test_a_list_pages_by_link(client: FlaskClient, headers: Headers) -> None:
    seen, path = [], "/api/v1/probe/rows?limit=3&site=1"
    while path:
        said = client.get(path, headers=headers)
        seen += [row["id"] for row in said.get_json()]
        links = {part.partition('rel="')[2].rstrip('"'): part.partition("<")[2].partition(">")[0]
                 for part in said.headers.get("Link", "").split(", ")}  # fmt: skip
        path = links.get("next", "")
        assert not path or "site=1" in path
    assert seen == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(("query", "field"), [("limit=0", "limit"), ("limit=501", "limit"), ("after=x", "after")])
def test_a_wrong_page_is_named(client: FlaskClient, headers: Headers, query: str, field: str) -> None:
    said = problem(client.get(f"/api/v1/probe/rows?{query}", headers=headers), 422, "invalid_field")
    assert said["field"] == field


@pytest.mark.parametrize(
    "at", [0, "0", True, 1e9, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T00:00:00Z", "1e5"]
)
def test_an_instant_that_no_clock_shows_or_that_is_a_number_is_refused(
    client: FlaskClient, headers: Headers, at: object
) -> None:
    said = client.post("/api/v1/probe", headers=headers, json={"code": "REED", "at": at})
    assert problem(said, 422, "invalid_field")["field"] == "at"


def every_refusal(kind: type[WmsError] = WmsError) -> set[type[WmsError]]:
    return {kind}.union(*(every_refusal(one) for one in kind.__subclasses__()))


def test_a_code_means_one_thing(client: FlaskClient) -> None:
    """A refusal that is kept under a key is said again by its code: two of one code would be taken for each other."""
    ours = [one for one in every_refusal() if one.__module__.partition(".")[0] in ("wms", "web", "routing", "iot")]
    assert len(ours) > 300
    texts: dict[str, set[str]] = {}
    for one in ours:
        texts.setdefault(one.code, set()).add(one.text)
    assert {code: said for code, said in texts.items() if len(said) > 1} == {}
