"""Webhooks from a posting to a receiver: told once, in spite of failures, without missing a late commit."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from standardwebhooks import Webhook, WebhookVerificationError

from tests import build
from tests.build import Shelf
from tests.web.conftest import Cast, Doorman
from web.out import calling, webhooks
from web.out.tables import WebhookDelivery, WebhookSubscription
from wms.db import Database, Scope
from wms.settings import load_settings
from wms.watch.tables import Alarm


class Receiver(ThreadingHTTPServer):
    """A partner's server: answers as the test says, keeps what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], str]] = []
        self.answers: list[int | str] = []
        self.headers_out: dict[str, str] = {}
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?x=1"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Receiver = self.server  # type: ignore[assignment]
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        answer = server.answers.pop(0) if server.answers else 204
        if answer == "silence":
            time.sleep(1.5)
            return
        self.send_response(int(answer))
        for name, value in server.headers_out.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_given: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setattr(calling, "TIMEOUT_S", 0.5)
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _inner_addresses_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings({"DONGTING_WEBHOOK_PRIVATE": "on", "DONGTING_DATA": "/nowhere"})
    monkeypatch.setattr(webhooks, "_settings", lambda: settings)


@pytest.fixture
def shelf(database: Database, scope: Scope) -> Shelf:
    with database.unit_of_work(scope) as session:
        return build.make_shelf(session)


def subscribe(
    database: Database, scope: Scope, url: str, *kinds: str, owner_id: int | None = None
) -> WebhookSubscription:
    with database.unit_of_work(scope) as session:
        return webhooks.subscribe(session, webhooks._settings(), f"W{build.number()}", url, kinds, owner_id)


def receive(database: Database, scope: Scope, shelf: Shelf, qty: int = 5) -> int:
    with database.unit_of_work(scope) as session:
        return build.receive(session, shelf, qty).posting_id


def tail(database: Database, scope: Scope, until: Callable[[], bool] | None = None) -> None:
    """Tail once; while other tests of this server hold transactions open, again until what is awaited is there."""
    for _ in range(1200):
        webhooks.tail_tenant(database, scope)
        if until is None or until():
            return
        time.sleep(0.05)
    raise AssertionError("it was never told")


def deliveries(database: Database, scope: Scope, subscription_id: int) -> list[WebhookDelivery]:
    query = select(WebhookDelivery).where(WebhookDelivery.subscription_id == subscription_id)
    with database.unit_of_work(scope) as session:
        return list(session.scalars(query.order_by(WebhookDelivery.id)))


def told(database: Database, scope: Scope, subscription_id: int, n: int) -> list[WebhookDelivery]:
    tail(database, scope, lambda: len(deliveries(database, scope, subscription_id)) >= n)
    return deliveries(database, scope, subscription_id)


def send(database: Database, scope: Scope, delivery_id: int) -> WebhookDelivery:
    webhooks.send(database, tenant_id=scope.tenant_id, delivery_id=delivery_id)
    with database.unit_of_work(scope) as session:
        return session.get_one(WebhookDelivery, delivery_id)


def test_a_receiver_that_fails_is_silent_and_then_takes_it(
    database: Database, scope: Scope, shelf: Shelf, receiver: Receiver
) -> None:
    subscription = subscribe(database, scope, receiver.url)
    posting_id = receive(database, scope, shelf)
    (delivery,) = told(database, scope, subscription.id, 1)
    receiver.answers = [500, "silence", 302]
    seen = [(one := send(database, scope, delivery.id)).state + f" {one.tries} {one.status_code}" for _ in range(4)]
    assert seen == ["queued 1 500", "queued 2 None", "queued 3 302", "delivered 4 204"]  # a redirect is not followed
    send(database, scope, delivery.id)  # a job may run twice; a delivered event does not
    assert len(receiver.got) == 4
    assert len({body for _, body in receiver.got}) == 1
    assert {headers["webhook-id"] for headers, _ in receiver.got} == {f"posting_{posting_id}"}
    headers, body = receiver.got[-1]
    event = Webhook(subscription.secret).verify(body, headers)
    assert event["type"] == "stock.receipt"
    assert event["data"]["posting_id"] == posting_id
    assert sorted(change["qty"] for change in event["data"]["changes"]) == [-5, 5]
    with pytest.raises(WebhookVerificationError):
        Webhook(webhooks.new_secret()).verify(body, headers)


def jobs_of(database: Database, delivery_id: int) -> list[Any]:
    with database.engine.connect() as connection:
        return list(
            connection.execute(
                text(
                    "SELECT status::text, scheduled_at FROM procrastinate_jobs WHERE task_name = 'webhooks.send'"
                    " AND (args ->> 'delivery_id')::bigint = :id ORDER BY id"
                ),
                {"id": delivery_id},
            )
        )


def test_each_failure_queues_the_next_try_and_the_last_one_is_dead(
    database: Database, scope: Scope, shelf: Shelf, receiver: Receiver
) -> None:
    subscription = subscribe(database, scope, receiver.url)
    receive(database, scope, shelf)
    (delivery,) = told(database, scope, subscription.id, 1)
    assert len(jobs_of(database, delivery.id)) == 1
    receiver.answers = [503] * 9
    for tries in range(1, 10):
        with database.engine.begin() as connection:  # the worker took the job
            connection.execute(text("DELETE FROM procrastinate_jobs WHERE task_name = 'webhooks.send'"))
        state = send(database, scope, delivery.id).state
        assert state == ("dead" if tries == 9 else "queued")
        assert len(jobs_of(database, delivery.id)) == (0 if tries == 9 else 1)
    with database.unit_of_work(scope) as session:
        webhooks.resend(session, delivery.id)
    assert send(database, scope, delivery.id).state == "delivered"
    assert {headers["webhook-id"] for headers, _ in receiver.got} == {delivery.event_id}


def test_a_dead_delivery_raises_one_alarm_that_an_administrator_sees_and_sends_again(
    database: Database, scope: Scope, shelf: Shelf, receiver: Receiver, doorman: Doorman
) -> None:
    subscription = subscribe(database, scope, receiver.url)
    receive(database, scope, shelf)
    receive(database, scope, shelf)
    sent = told(database, scope, subscription.id, 2)
    receiver.answers = [410, 410]
    assert [send(database, scope, one.id).state for one in sent] == ["dead", "dead"]
    with database.unit_of_work(scope) as session:
        (alarm,) = session.scalars(select(Alarm).where(Alarm.source == "webhook"))
        assert (alarm.code, alarm.subject, alarm.trigger_count) == ("webhook_dead", subscription.name, 2)
        assert sent[1].event_id in alarm.detail
        webhooks.set_active(session, subscription.id, True)
    browser = doorman.browser("administrator", locale="en")
    page = browser.get("/admin/webhooks").text
    assert "2 deliveries were tried until the last time" in page
    assert sent[0].event_id in page
    assert "webhooks that did not arrive" in browser.get("/").text
    listed = call(doorman, "get", "webhook-deliveries").get_json()
    assert {one["id"] for one in listed} >= {one.id for one in sent}
    assert call(doorman, "post", "webhook-deliveries/resend-dead", json={"webhook_id": subscription.id}).get_json() == {
        "sent_again": 2
    }
    assert [send(database, scope, one.id).state for one in sent] == ["delivered", "delivered"]
    assert sent[0].event_id not in browser.get("/admin/webhooks").text


def test_a_receiver_says_how_long_to_wait_or_that_it_is_gone(
    database: Database, scope: Scope, shelf: Shelf, receiver: Receiver
) -> None:
    subscription = subscribe(database, scope, receiver.url)
    receive(database, scope, shelf)
    (delivery,) = told(database, scope, subscription.id, 1)
    receiver.answers, receiver.headers_out = [429, 410], {"Retry-After": "900"}
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM procrastinate_jobs WHERE task_name = 'webhooks.send'"))
    send(database, scope, delivery.id)
    ((_status, scheduled_at),) = jobs_of(database, delivery.id)
    assert scheduled_at > datetime.now(UTC) + timedelta(seconds=800)
    assert send(database, scope, delivery.id).state == "dead"
    with database.unit_of_work(scope) as session:
        assert not session.get_one(WebhookSubscription, subscription.id).is_active


def test_a_posting_that_commits_late_is_not_missed(fresh_database: Database) -> None:
    """Its id was taken before that of a posting that was already told."""
    scope = Scope.system(1)
    with fresh_database.unit_of_work(scope) as session:
        shelf, other = build.make_shelf(session), build.make_shelf(session)
        webhooks.subscribe(session, webhooks._settings(), "W", "http://127.0.0.1/", (), None)
    slow = fresh_database.unit_of_work(scope)
    session = slow.__enter__()
    late = build.receive(session, shelf, 1).posting_id
    early = receive(fresh_database, scope, other, 2)
    assert late < early
    webhooks.tail_tenant(fresh_database, scope)
    assert deliveries(fresh_database, scope, 1) == []  # held back: an older transaction is still open
    slow.__exit__(None, None, None)
    assert {one.posting_id for one in told(fresh_database, scope, 1, 2)} == {late, early}
    webhooks.tail_tenant(fresh_database, scope)
    assert len(deliveries(fresh_database, scope, 1)) == 2


def test_tells_of_one_owner_and_of_the_kinds_that_were_asked_for(
    database: Database, scope: Scope, shelf: Shelf, receiver: Receiver
) -> None:
    with database.unit_of_work(scope) as session:
        other = build.make_shelf(session)
    mine = subscribe(database, scope, receiver.url, owner_id=shelf.owner_id)
    moves = subscribe(database, scope, receiver.url, "move")
    everything = subscribe(database, scope, receiver.url)
    receive(database, scope, shelf)
    receive(database, scope, other)
    assert len(told(database, scope, everything.id, 2)) == 2
    assert len(told(database, scope, mine.id, 1)) == 1
    assert deliveries(database, scope, moves.id) == []


def test_a_stopped_subscription_goes_on_from_where_it_stopped(
    database: Database, scope: Scope, shelf: Shelf, receiver: Receiver
) -> None:
    subscription = subscribe(database, scope, receiver.url)
    with database.unit_of_work(scope) as session:
        webhooks.set_active(session, subscription.id, False)
    receive(database, scope, shelf)
    tail(database, scope)
    assert deliveries(database, scope, subscription.id) == []
    with database.unit_of_work(scope) as session:
        webhooks.set_active(session, subscription.id, True)
    assert len(told(database, scope, subscription.id, 1)) == 1


def test_two_secrets_sign_while_the_receiver_changes_over(database: Database, scope: Scope) -> None:
    subscription = subscribe(database, scope, "http://127.0.0.1/")
    with database.unit_of_work(scope) as session:
        new = webhooks.rotate(session, subscription.id)
        row = session.get_one(WebhookSubscription, subscription.id)
    now = datetime.now(UTC)
    headers = webhooks.signed(row, "posting_1", "{}", now)
    for secret in (subscription.secret, new):
        Webhook(secret).verify("{}", headers)
    later = webhooks.signed(row, "posting_1", "{}", now + timedelta(days=2))
    assert " " not in later["webhook-signature"]


def test_signs_as_the_specification_says(shared: Path) -> None:
    vectors = json.loads((shared / "data/interop/webhooks/standard_webhooks_vectors.json").read_text())
    for one in vectors["sign"]:
        row = WebhookSubscription(secret=one["secret"])
        at = datetime.fromtimestamp(one["timestamp"], UTC)
        headers = webhooks.signed(row, one["id"], one["payload"], at)
        assert headers["webhook-signature"] == one["signature"]
        assert headers["webhook-timestamp"] == str(one["timestamp"])


def test_an_inner_address_is_not_called(
    database: Database, scope: Scope, shelf: Shelf, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name was public when it was entered and points inside now: it is resolved again, and refused."""
    subscription = subscribe(database, scope, receiver.url)
    receive(database, scope, shelf)
    (delivery,) = told(database, scope, subscription.id, 1)
    with database.unit_of_work(scope) as session:
        session.get_one(WebhookSubscription, subscription.id).url = "https://partner.example/"
    strict = load_settings({"DONGTING_DATA": "/nowhere"})
    monkeypatch.setattr(webhooks, "_settings", lambda: strict)
    monkeypatch.setattr(calling.socket, "getaddrinfo", lambda *_given, **_more: [(2, 1, 6, "", ("127.0.0.1", 443))])
    sent = send(database, scope, delivery.id)
    assert (sent.state, sent.error) == ("queued", "its host lies in a private network")
    assert receiver.got == []


def call(doorman: Doorman, method: str, path: str, company_id: int | None = None, **given: Any) -> Any:
    headers = doorman.token("supervisor", company_id) | {
        "Accept-Language": "en", "Idempotency-Key": f"k{build.number()}"
    }  # fmt: skip
    return doorman.app.test_client().open(f"/api/v1/{path}", method=method, headers=headers, **given)


def test_subscriptions_over_http(doorman: Doorman, cast: Cast, database: Database, scope: Scope) -> None:
    body = {"name": "erp", "url": "https://erp.example.com/hook", "kinds": ["receipt"]}
    made = call(doorman, "POST", "webhooks", cast.firm_id, json=body)
    assert made.status_code == 201, made.text
    said = made.get_json()
    assert said["secret"].startswith("whsec_")
    assert said["owner_id"] == cast.firm_id  # a firm is told of its own goods alone
    (listed,) = call(doorman, "GET", "webhooks", cast.firm_id).get_json()
    assert "secret" not in listed
    assert call(doorman, "GET", "webhooks", cast.other_firm_id).get_json() == []
    again = call(doorman, "POST", "webhooks", cast.firm_id, json=body).get_json()
    assert again["type"].endswith(":webhook_exists")
    new = call(doorman, "POST", f"webhooks/{said['id']}/rotate", cast.firm_id, json={}).get_json()["secret"]
    assert new != said["secret"]
    off = call(doorman, "PATCH", f"webhooks/{said['id']}", cast.firm_id, json={"is_active": False})
    assert off.get_json()["is_active"] is False
    assert call(doorman, "GET", f"webhooks/{said['id']}/deliveries", cast.firm_id).get_json() == []
    assert call(doorman, "GET", f"webhooks/{said['id']}/deliveries", cast.other_firm_id).status_code == 404
    assert call(doorman, "POST", "webhook-deliveries/999999999/resend", json={}).status_code == 404


@pytest.mark.parametrize(
    "url", ["http://erp.example.com/", "https://", "https://u:p@erp.example.com/", "ftp://erp.example.com/x"]
)
def test_an_address_that_may_not_be_called_is_refused(doorman: Doorman, url: str) -> None:
    said = call(doorman, "POST", "webhooks", json={"name": "x", "url": url})
    assert said.get_json()["type"].endswith(":bad_webhook_url")


def test_a_queued_delivery_is_not_queued_twice(
    doorman: Doorman, database: Database, scope: Scope, shelf: Shelf, receiver: Receiver
) -> None:
    subscription = subscribe(database, scope, receiver.url)
    receive(database, scope, shelf)
    (delivery,) = told(database, scope, subscription.id, 1)
    said = call(doorman, "POST", f"webhook-deliveries/{delivery.id}/resend", json={})
    assert said.get_json()["type"].endswith(":delivery_queued")
