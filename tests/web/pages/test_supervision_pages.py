"""The supervisor's pages: files in, work, billing, paper and webhooks by their forms."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import build
from tests.web.api.test_billing import FIRST, LAST, card, stocked
from tests.web.api.test_billing import World as Billed
from tests.web.api.test_imports import ITEM, items_of
from tests.web.api.test_paper import World as Stocked
from tests.web.api.test_paper import enter
from tests.web.conftest import Cast, Doorman
from tests.web.imports.files import csv_of
from tests.wms.floor.world import Scanner, build_world
from web.out.tables import WebhookDelivery, WebhookSubscription
from wms.db import Database, Scope
from wms.parties.tables import Company

Csrf = Callable[..., str]


@pytest.fixture
def browser(doorman: Doorman) -> FlaskClient:
    return doorman.browser("supervisor")


def send(browser: FlaskClient, csrf: Csrf, page: str, path: str, **data: Any) -> Any:
    keys = {"csrf_token": csrf(browser, page), "idempotency_key": f"k{build.number()}"}
    return browser.post(path, data=keys | data, follow_redirects=True)


def test_a_file_is_checked_and_then_entered(
    browser: FlaskClient, csrf: Csrf, cast: Cast, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        owner = session.get_one(Company, cast.firm_id)
    rows = items_of(owner, ["P1", "P2"])
    bad = [rows[0], [*rows[1][:4], "heavy", 1]]

    def file(content: list[list[Any]]) -> tuple[io.BytesIO, str]:
        return io.BytesIO(csv_of(ITEM, content)), "items.csv"

    said = send(browser, csrf, "/desk/imports", "/desk/imports", kind="items", deed="check", file=file(bad))
    assert (said.status_code, "heavy is no whole number." in said.text) == (422, True)
    said = send(browser, csrf, "/desk/imports", "/desk/imports", kind="items", deed="check", file=file(rows))
    assert "They can be entered" in said.text
    said = send(browser, csrf, "/desk/imports", "/desk/imports", kind="items", deed="enter", file=file(rows))
    assert "2 rows read, 2 entered." in said.text
    said = send(browser, csrf, "/desk/imports", "/desk/imports", kind="items", deed="enter", file=file(rows))
    assert "Nothing was entered twice" in said.text
    said = send(browser, csrf, "/desk/imports", "/desk/imports", kind="items", deed="enter")
    assert said.status_code == 422


def test_a_task_is_given_put_back_and_hurried(
    browser: FlaskClient, csrf: Csrf, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        world = build_world(session, mode="0110")
    scanner = Scanner(database, Scope(scope.tenant_id, world.person.id, "clerk"), world)
    scanner.at_dock().scan(world.pallet_label())
    page = browser.get(f"/desk/work?site={world.site.code}").text
    task_id = page.partition('action="/desk/work/')[2].partition("?")[0]
    path = f"/desk/work/{task_id}"
    said = send(browser, csrf, "/desk/work", path, deed="assign", person_id=world.person.id)
    assert "was changed" in said.text
    assert "Put back" in said.text
    assert "was changed" in send(browser, csrf, "/desk/work", path, deed="free").text
    assert "Nobody has taken a task." in browser.get("/desk/work").text
    assert "was changed" in send(browser, csrf, "/desk/work", path, deed="urgent", priority=0).text
    assert "cannot be taken" not in browser.get("/desk/work").text
    assert send(browser, csrf, "/desk/work", path, deed="sing").status_code == 404


def test_a_draft_is_computed_issued_and_credited(
    doorman: Doorman, browser: FlaskClient, csrf: Csrf, cast: Cast, database: Database, scope: Scope
) -> None:
    world = Billed(database, scope, cast.firm_id)
    card(doorman, world)
    stocked(world)
    days = {"owner": world.owner.code, "since": FIRST.isoformat(), "until": LAST.isoformat()}
    said = send(browser, csrf, "/desk/billing", "/desk/billing", **days)
    assert "12.12 CNY" in said.text
    path = said.request.path
    traced = browser.get(f"{path}?line=1").text
    assert "What stands behind line 1" in traced
    said = send(browser, csrf, path, path, deed="issue")
    assert "Invoice IN" in said.text
    assert "are billed already" in send(browser, csrf, "/desk/billing", "/desk/billing", **days).text
    said = send(browser, csrf, path, path, deed="credit")
    assert "Credit note CN" in said.text
    assert "-12.12" in said.text.replace("−", "-")
    said = send(browser, csrf, "/desk/billing", "/desk/billing", **days | {"since": "yesterday"})
    assert "must be a day like" in said.text


def test_a_label_is_sent_to_a_printer(
    doorman: Doorman, browser: FlaskClient, csrf: Csrf, cast: Cast, database: Database, scope: Scope
) -> None:
    world = Stocked(database, scope, cast.firm_id)
    name = enter(doorman, world, 9100)
    of = f"/api/v1/labels/units/{world.unit.sscc}"
    said = send(browser, csrf, "/desk/paper", "/desk/paper/prints", printer=name, of=of)
    assert f"on its way to {name}" in said.text
    assert "waits" in said.text
    said = send(browser, csrf, "/desk/paper", "/desk/paper/prints", printer=name, of="/desk")
    assert "neither a label nor a paper" in said.text


def test_a_webhook_is_entered_and_a_dead_delivery_sent_again(
    browser: FlaskClient, csrf: Csrf, database: Database, scope: Scope
) -> None:
    page = "/desk/webhooks"
    said = send(browser, csrf, page, page, name="erp", url="https://erp.example.com/", kinds="receipt, ship")
    assert "whsec_" in said.text
    assert "whsec_" not in browser.get(page).text
    assert "cannot be called" in send(browser, csrf, page, page, name="x", url="http://10.0.0.1/").text
    with database.unit_of_work(scope) as session:
        subscription = session.query(WebhookSubscription).one()
        assert subscription.kinds == ["receipt", "ship"]
        posting = build.receive(session, build.make_shelf(session), 1)
        session.add(
            WebhookDelivery(
                subscription_id=subscription.id, posting_id=posting.posting_id, event_id="posting_1",
                event_type="stock.receipt", body="{}", state="dead", tries=9, error="gone quiet",
            )
        )  # fmt: skip
        session.flush()
        (delivery_id,) = [row.id for row in session.query(WebhookDelivery)]
    assert "gone quiet" in browser.get(page).text
    assert "It is sent again." in send(browser, csrf, page, f"{page}/deliveries/{delivery_id}").text
    assert "waits to be sent already" in send(browser, csrf, page, f"{page}/deliveries/{delivery_id}").text
    with database.unit_of_work(scope) as session:
        row = session.get_one(WebhookDelivery, delivery_id)
        row.state, row.error = "dead", "gone quiet"
    given_up = "/admin/webhooks"
    assert "gone quiet" in browser.get(given_up).text
    assert "It is sent again." in send(browser, csrf, given_up, f"{given_up}/deliveries/{delivery_id}").text
    assert "gone quiet" not in browser.get(given_up).text
