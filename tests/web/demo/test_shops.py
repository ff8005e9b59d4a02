"""The simulated shops: their papers hold, their buyers are nobody, and their parcels can be declared as they come."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.wms.customs.parcels.world import TERMS, VAULT
from web.demo.shops import papers, sales
from web.demo.shops.config import Firm, Goods, ShopsFile
from web.demo.shops_file import enter_rates
from wms.codes.persons import birthday, is_identity_card
from wms.customs.messages.shape import read
from wms.customs.parcels import declaring, queries, taking
from wms.customs.parcels.rules import documents
from wms.customs.parcels.rules.declaring import Filing

AT = datetime(2026, 6, 1, 4, tzinfo=UTC)
FORMULA = Goods(
    "IN1", "婴儿配方奶粉", "1000g", "122", "609", Decimal("288.00"), 1040, Decimal("0.13"), Decimal(0)
)
SERUM = Goods("CO1", "精华液", "30g", "012", "305", Decimal("438.00"), 40, Decimal("0.13"), Decimal("0.15"))
FILE = ShopsFile(
    7, "t", 60.0, Firm("430666D603", "平台"), Firm("4306660P99", "支付"), Firm("430666D606", "物流"), {}, "430666D601",
    (FORMULA, SERUM),
)  # fmt: skip
FILINGS = {"IN1": Filing("1901101000", "R1", "122"), "CO1": Filing("3304990029", "R2", "012")}
STORIES = sorted({*sales.OPENING, *sales.AFTERWARDS})


def drawn(story: str, number: int = 5) -> sales.Sale:
    return sales.draw(FILE, story, number, f"YM{number}{story}", AT)


def test_buyers_are_nobody_with_valid_numbers() -> None:
    for number in range(400):
        one = sales.buyer(number)
        assert is_identity_card(one.id_number)
        born = birthday(one.id_number)
        assert born is not None
        assert born.year == 1880
        assert one.phone.startswith("120")


@pytest.mark.parametrize("story", STORIES)
def test_the_papers_of_every_story_have_the_shape_of_their_messages(story: str) -> None:
    one = drawn(story)
    head, lines = sales.order(one, FILE)
    made = {
        "CEB311": papers.message("CEB311", FILE.platform, head, lines),
        "CEB411": papers.message("CEB411", FILE.payer, sales.payment(one, FILE)),
        "CEB511": papers.message("CEB511", FILE.carrier, sales.waybill(one, FILE)),
    }
    for kind, raw in made.items():
        assert read(raw).type == kind


def _take(session: Session, one: sales.Sale) -> Mapping[str, object]:
    head, lines = sales.order(one, FILE)
    taking.take_orders(session, VAULT, [documents.read_order("I", head, lines)])
    taking.take_payments(session, VAULT, [documents.read_payment("I", sales.payment(one, FILE))])
    taking.take_waybills(session, VAULT, [documents.read_waybill("I", sales.waybill(one, FILE))])
    (row,) = queries.orders(session, order_no=one.number)
    return row


@pytest.mark.parametrize(
    ("story", "fields"),
    [
        (sales.PLAIN, []), (sales.PAID_LESS, ["amountPaid"]),
        (sales.OTHER_PAYER, ["buyerIdNumber", "buyerName"]), (sales.OTHER_PLACE, ["consigneeAddress"]),
    ],
)  # fmt: skip
def test_the_documents_of_a_story_disagree_in_what_it_is_about(
    session: Session, story: str, fields: list[str]
) -> None:
    mismatches = _take(session, drawn(story))["mismatches"]
    assert isinstance(mismatches, list)
    assert [one["field"] for one in mismatches] == fields


def test_the_tax_that_a_shop_took_is_the_tax_that_is_declared(session: Session) -> None:
    enter_rates(session)
    one = sales.Sale("YM-TAX", sales.PLAIN, sales.buyer(3), ((FORMULA, 2), (SERUM, 1)), AT)
    _take(session, one)
    (order,) = queries.orders_by_no(session, FILE.platform.code, ["YM-TAX"])
    terms = TERMS.__class__(**{**vars(TERMS), "assure_code": FILE.platform.code})
    (made,) = declaring.draw_up(session, [order], terms, date(2026, 6, 1), filings=FILINGS)
    assert made.refusal is None
    row = queries.declaration(session, queries.number_of(session, made.declaration_id or 0) or "")
    assert row.duty + row.consumption_tax + row.vat == one.tax
    assert row.consumption_tax > 0


def test_a_message_appears_whole_for_customs_and_for_the_warehouse(tmp_path: Path) -> None:
    papers.post(tmp_path, "CEB411_1_SIM.xml", b"<x/>")
    for folder in ("in", "out"):
        assert [path.name for path in (tmp_path / folder).iterdir()] == ["CEB411_1_SIM.xml"]


def test_the_opening_holds_every_story_a_person_has_to_deal_with() -> None:
    by_hand = {sales.BY_HAND, sales.UNPAID, sales.PAID_LESS, sales.OTHER_PAYER, sales.OTHER_PLACE, sales.TOO_MUCH}
    assert by_hand <= set(sales.OPENING)
    assert sales.OPENING.count(sales.MUCH) == 6  # five fill a buyer's year, the sixth is refused
