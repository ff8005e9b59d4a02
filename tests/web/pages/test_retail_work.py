"""What a declarant does with parcels by page, and what is said when something is wrong."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from tests.build import make_company, make_item, number
from tests.web.conftest import Doorman
from tests.web.test_pages import DESK, PHONE, look_at
from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import Sale, sale
from wms.customs.parcels import queries, taking
from wms.db import Database, Scope
from wms.parties.private import open_vault
from wms.settings import Settings

TERMS = {
    name: str(value)
    for name, value in vars(world.TERMS).items()
    if name in (
        "trade_mode", "customs_code", "port_code", "agent_code", "agent_name", "assure_code", "traf_mode", "country",
        "ems_no", "area_code", "area_name",
    )
}  # fmt: skip


Send = Callable[..., Any]


@pytest.fixture
def send(csrf: Callable[..., str]) -> Send:
    """Post a form as a browser does: with its key and the token against forgery."""

    def post(browser: FlaskClient, path: str, data: Mapping[str, Any]) -> Any:
        keys = {"csrf_token": csrf(browser, "/desk"), "idempotency_key": f"k{number()}"}
        return browser.post(path, data={**data, **keys})

    return post


@pytest.fixture
def house(database: Database, scope: Scope, web_settings: Settings) -> "House":
    return House(database, scope, web_settings)


class House:
    """What stands before a declarant comes."""

    def __init__(self, database: Database, scope: Scope, settings: Settings) -> None:
        self.database, self.scope, self.keys = database, scope, open_vault(settings.data_dir)

    def take(self, one: Sale, **payment: Any) -> int:
        """The three documents of a sale; the order's id. Its goods are filed in the catalogue."""
        with self.database.unit_of_work(self.scope) as session:
            taking.take_orders(session, self.keys, [one.order()])
            taking.take_payments(session, self.keys, [one.payment(**payment)])
            taking.take_waybills(session, self.keys, [one.waybill()])
            return world.order_row(session, one).id

    def order(self, one: Sale) -> Mapping[str, Any]:
        with self.database.unit_of_work(self.scope) as session:
            return queries.orders(session, order_no=one.order_no)[0]

    def filed(self) -> Sale:
        """A sale of an item that the catalogue knows, by the company that owns it."""
        with self.database.unit_of_work(self.scope) as session:
            world.name_sender(session)
            owner = make_company(session)
            owner.customs_code = f"43066D{number():04d}"[-10:]
            item = make_item(session, owner)
            item.hs_code, item.record_no, item.customs_unit = "1901101090", "R-1", "011"
            session.flush()
            return sale(goods=((item.code, 1, "279.00"),), ebc=owner.customs_code)


def test_an_order_says_what_disagrees_and_what_to_do(doorman: Doorman, house: House) -> None:
    order_id = house.take(sale(), amountPaid="300.00")
    page = doorman.browser("declarant", locale="en").get(f"/desk/retail-orders/{order_id}").text
    for said in ("Amount paid", "304.39", "300.00", "payment firm which of the two is right", "Change the payment"):
        assert said in page
    assert "11010519491231002X" not in page


def test_a_quantity_in_parts_is_shown_as_it_is(doorman: Doorman, house: House) -> None:
    order_id = house.take(sale(goods=(("MEAT", Decimal("10.05"), "20.00"),)))
    page = doorman.browser("declarant", locale="en").get(f"/desk/retail-orders/{order_id}").text
    assert ">10.05<" in page


@pytest.mark.parametrize("path", ["?order=999999999", "?order=999999999&order=999999998"])
def test_an_order_that_nobody_knows_is_not_found(doorman: Doorman, send: Send, path: str) -> None:
    browser = doorman.browser("declarant", locale="en")
    assert browser.get(f"/desk/declarations/new{path}").status_code == 404
    data = {**TERMS, "order": "999999999", "deed": "declare"}
    assert send(browser, "/desk/declarations/new", data=data).status_code == 404


def test_a_corrected_payment_by_hand_makes_the_order_agree(doorman: Doorman, send: Send, house: House) -> None:
    one = sale()
    order_id = house.take(one, amountPaid="300.00")
    browser = doorman.browser("declarant", locale="en")
    form = browser.get(f"/desk/retail-orders/document?kind=payment&order={order_id}").text
    assert f'value="P-{one.order_no}"' in form
    payment = {name: str(value) for name, value in one.payment_head().items()}
    answer = send(browser, "/desk/retail-orders/document", data={
        "kind": "payment", "change": "1", "order": str(order_id), **payment,
    })  # fmt: skip
    assert answer.status_code == 302
    assert house.order(one)["match"] == "agrees"


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("amountPaid", "12,50", "amountPaid: "),
        ("payCode", "", "payCode: "),
        ("payerIdNumber", "", "payerIdNumber: "),
        ("orderNo", "", "orderNo: "),
    ],
)
def test_a_mistake_in_a_form_is_shown_beside_its_field(
    doorman: Doorman, send: Send, house: House, field: str, value: str, rule: str
) -> None:
    one = sale()
    order_id = house.take(one)
    payment = {name: str(given) for name, given in one.payment_head().items()} | {field: value}
    answer = send(doorman.browser("declarant", locale="en"), "/desk/retail-orders/document", data={
        "kind": "payment", "change": "1", "order": str(order_id), **payment,
    })  # fmt: skip
    assert answer.status_code == 422
    assert rule in answer.text
    assert f'id="{field}-note"' in answer.text


def test_an_order_by_hand_is_summed_up_and_taken(doorman: Doorman, send: Send, house: House) -> None:
    one = sale()
    head = {name: str(value) for name, value in one.order_head().items()}
    line = {f"{name}-1": str(value) for name, value in one.order_lines()[0].items()}
    answer = send(
        doorman.browser("declarant", locale="en"),
        "/desk/retail-orders/document",
        data={"kind": "order", **head, **line},
    )
    assert answer.status_code == 302
    assert house.order(one)["goods_value"] == Decimal("279.00")


def test_an_order_whose_sum_is_wrong_is_not_taken(doorman: Doorman, send: Send) -> None:
    one = sale()
    head = {name: str(value) for name, value in one.order_head().items()} | {"acturalPaid": "1.00"}
    line = {f"{name}-1": str(value) for name, value in one.order_lines()[0].items()}
    answer = send(
        doorman.browser("declarant", locale="en"),
        "/desk/retail-orders/document",
        data={"kind": "order", **head, **line},
    )
    assert answer.status_code == 422
    assert "acturalPaid" in answer.text


def test_chosen_orders_are_declared_and_each_answer_stands_with_its_order(
    doorman: Doorman, send: Send, house: House
) -> None:
    good, other = house.filed(), sale()
    chosen = [house.take(good), house.take(other, amountPaid="300.00")]
    browser = doorman.browser("declarant", locale="en")
    form = browser.get("/desk/declarations/new?" + "&".join(f"order={one}" for one in chosen)).text
    assert good.order_no in form
    terms = TERMS | {"assure_code": good.ebc}
    answer = send(browser, "/desk/declarations/new", data={
        **terms, "order": [str(one) for one in chosen], "deed": "declare",
    })  # fmt: skip
    assert answer.status_code == 200
    assert "declared" in answer.text
    assert f"Order {other.order_no} cannot be declared" in answer.text


def test_terms_that_break_a_rule_are_shown_with_field_and_rule(doorman: Doorman, send: Send, house: House) -> None:
    order_id = house.take(house.filed())
    answer = send(doorman.browser("declarant", locale="en"), "/desk/declarations/new", data={
        **TERMS, "customs_code": "49", "order": str(order_id), "deed": "declare",
    })  # fmt: skip
    assert answer.status_code == 422
    assert "must be the 4 digits of a customs office" in answer.text


def test_the_quota_of_a_buyer_is_told_masked_and_a_wrong_number_is_said(
    doorman: Doorman, send: Send, house: House
) -> None:
    house.take(sale())
    browser = doorman.browser("customs_officer", locale="en")
    page = send(browser, "/desk/quota", data={"id_number": "11010519491231002X"}).text
    assert "26,000.00" in page
    assert "张****" in page
    wrong = send(browser, "/desk/quota", data={"id_number": "110105194912310021"})
    assert wrong.status_code == 422
    assert "This is no identity number" in wrong.text


def test_an_officer_and_an_auditor_find_nothing_to_do_by_hand(doorman: Doorman, house: House) -> None:
    order_id = house.take(sale())
    for role in ("customs_officer", "auditor"):
        browser = doorman.browser(role, locale="en")
        for path in (f"/desk/retail-orders/{order_id}", "/desk/retail-orders", "/desk/declarations"):
            page = browser.get(path)
            assert page.status_code == 200
            assert "/desk/retail-orders/document" not in page.text
        assert browser.get("/desk/retail-orders/document").status_code == 403


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_working_pages_fit(doorman: Doorman, house: House, chromium: Browser, live_server: str, size: Any) -> None:
    order_id = house.take(sale(), payerName="李莫愁")
    context = doorman.page_context(chromium, live_server, "declarant", viewport=size, bypass_csp=False)
    page = context.new_page()
    for path in (
        f"/desk/retail-orders/{order_id}", f"/desk/retail-orders/document?kind=order&order={order_id}",
        "/desk/retail-orders/document", f"/desk/declarations/new?order={order_id}", "/desk/parcel-returns",
        "/desk/tax-bills", "/desk/quota",
    ):  # fmt: skip
        assert not look_at(page, live_server + path, [])
    context.close()
