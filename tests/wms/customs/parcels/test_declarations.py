"""A parcel declaration: drawn up from documents that agree, taxed to the cent; its quota taken once and given back."""


from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import AT, TERMS, VAULT, sale
from wms.customs import modes
from wms.customs.parcels import buyers, declaring, requests, taking
from wms.customs.parcels.rules import declaring as rules
from wms.customs.parcels.rules import states
from wms.customs.parcels.rules.declaring import Terms
from wms.customs.parcels.rules.documents import BadDocument
from wms.customs.parcels.rules.limits import AnnualLimit, SingleLimit
from wms.customs.tables.parcels import ParcelLine, ParcelReceipt
from wms.db import Database, Scope
from wms.parties import dated


def used(session: Session, declaration_id: int, year: int = 2026) -> int:
    return buyers.used_minor(session, world.row(session, declaration_id).buyer_id or 0, year)


def test_milk_powder_is_declared_with_its_tax_and_takes_quota(session: Session) -> None:
    made = world.declared(session, sale())
    row = world.row(session, made)
    assert (row.state, row.taxable, row.vat, row.duty) == ("declared", Decimal(279), Decimal("25.39"), 0)
    assert (row.cop_no or "").startswith("PD")
    assert used(session, made) == 27_900


def test_a_mode_that_is_closed_on_the_day_declares_no_parcel(session: Session) -> None:
    one = sale()
    world.take_all(session, one)
    holds = dated.value(session, modes.NAME, AT.date(), "1210:E")
    closed = {**holds, "is_allowed": False}
    tomorrow = AT.date() + timedelta(days=1)
    dated.enter(session, modes.NAME, closed, valid_from_on=tomorrow, source="notice of the day", subject="1210:E")
    orders = [world.order_row(session, one)]
    with pytest.raises(modes.TradeModeClosed):
        declaring.draw_up(session, orders, TERMS, tomorrow, filings=world.FILINGS)
    assert declaring.draw_up(session, orders, TERMS, AT.date(), filings=world.FILINGS)[0].refusal is None


def test_lines_carry_their_tax_freight_and_first_quantity(session: Session) -> None:
    one = sale(goods=(("MILK", 2, "279.00"), ("CREAM", 1, "500.00")), freight="10", tax="0")
    made = world.drawn_up(session, one)
    milk, cream = session.scalars(select(ParcelLine).where(ParcelLine.declaration_id == made).order_by("line_no"))
    assert (milk.taxable + cream.taxable, milk.qty1, milk.unit1) == (Decimal(1068), Decimal("1.8"), "035")
    assert cream.consumption_tax > 0  # about 10 yuan a millilitre
    row = world.row(session, made)
    assert row.vat == milk.vat + cream.vat
    assert row.consumption_tax == cream.consumption_tax


def test_one_article_above_the_single_limit_is_levied_in_full_and_counts(session: Session) -> None:
    made = world.declared(session, sale(goods=(("CREAM", 1, "6000"),), tax="0"))
    row = world.row(session, made)
    assert row.is_levied_in_full
    assert (row.duty, row.consumption_tax, row.vat) == (Decimal(60), Decimal("1069.41"), Decimal("926.82"))
    assert used(session, made) == 600_000


def test_two_articles_above_the_single_limit_are_refused(session: Session) -> None:
    with pytest.raises(SingleLimit):
        world.drawn_up(session, sale(goods=(("CREAM", 2, "3000"),), tax="0"))


def test_the_annual_limit_refuses_one_parcel_of_a_message_and_no_other(session: Session) -> None:
    rich, poor = sale(goods=(("MILK", 1, "5000"),), tax="0"), sale(buyer_id="440524188001010014")
    drawn = [world.drawn_up(session, one) for one in (rich, poor)]
    limits = buyers.limits_on(session, AT.date())
    use = buyers.Use(world.row(session, drawn[0]).buyer_id or 0, 2_500_000)
    buyers.take(session, VAULT, use, 2026, limits)
    refused = declaring.declare(session, VAULT, drawn, AT)
    assert isinstance(refused[0], AnnualLimit)
    assert refused[1] is None
    assert [world.row(session, one).state for one in drawn] == ["draft", "declared"]


def test_of_two_parcels_that_race_for_the_last_yuan_one_is_declared(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        drawn = [world.drawn_up(session, sale(goods=(("MILK", 1, "1000"),), tax="0")) for _ in range(4)]
        use = buyers.Use(world.row(session, drawn[0]).buyer_id or 0, 2_500_000)
        buyers.take(session, VAULT, use, 2026, buyers.limits_on(session, AT.date()))

    def race(one: int) -> bool:
        return database.run(scope, lambda session: declaring.declare(session, VAULT, [one], AT))[0] is None

    with ThreadPoolExecutor(4) as runners:
        assert sum(runners.map(race, drawn)) == 1


def test_what_is_declared_is_not_declared_twice(session: Session) -> None:
    made = world.declared(session, sale())
    refused = declaring.declare(session, VAULT, [made], AT)
    assert isinstance(refused[0], states.NotDeclarable)
    assert used(session, made) == 27_900


def test_what_customs_returns_gives_its_quota_back_and_takes_it_again(session: Session) -> None:
    made = world.declared(session, sale())
    world.receipt(session, made, "100")
    assert used(session, made) == 0
    assert declaring.declare(session, VAULT, [made], datetime(2027, 1, 2, tzinfo=UTC)) == [None]
    assert (used(session, made), used(session, made, 2027)) == (0, 27_900)


def test_receipts_are_kept_and_move_it_forward_only(session: Session) -> None:
    made = world.declared(session, sale())
    moved = [world.receipt(session, made, code) for code in ("2", "800", "120", "800", "23")]
    assert moved == [True, True, False, False, False]
    row = world.row(session, made)
    assert (row.state, row.invt_no, row.released_at is not None) == ("released", f"49022026I{made:09d}", True)
    kept = session.scalars(select(ParcelReceipt.status).where(ParcelReceipt.declaration_id == made)).all()
    assert len(kept) == 5


def test_an_order_that_does_not_agree_is_not_declared(session: Session) -> None:
    one = sale()
    taking.take_orders(session, VAULT, [one.order()])
    taking.take_payments(session, VAULT, [one.payment(payerName="李莫愁")])
    taking.take_waybills(session, VAULT, [one.waybill()])
    refusal = world.draw_up(session, one)[0].refusal
    assert isinstance(refusal, rules.NotMatched)
    assert str(refusal).endswith("its documents are not in agreement.")


def test_an_order_has_one_standing_declaration(session: Session) -> None:
    one = sale()
    world.drawn_up(session, one)
    assert isinstance(world.draw_up(session, one)[0].refusal, states.NotDeclarable)


def test_an_order_that_is_declared_changes_no_more(session: Session) -> None:
    one = sale()
    world.declared(session, one)
    done = taking.take_orders(session, VAULT, [one.order(appType="2", appTime="20260602000000", consignee="王五")])
    assert (done[0].outcome, done[0].reason) == ("refused", taking.DECLARED)


def test_an_order_whose_declaration_was_cancelled_may_be_amended(session: Session) -> None:
    one = sale()
    made = world.drawn_up(session, one)
    requests.ask_to_cancel(session, made, "mistake", AT)
    change = one.order(appType="2", appTime="20260602000000", consignee="王五")
    assert taking.take_orders(session, VAULT, [change])[0].outcome == "amended"
    gone = one.order(appType="3", appTime="20260603000000")
    assert taking.take_orders(session, VAULT, [gone])[0].outcome == "refused"


def test_named_twice_it_is_drawn_up_and_declared_once(session: Session) -> None:
    one = sale()
    world.take_all(session, one)
    drawn = world.draw_up(session, one, one)
    assert isinstance(drawn[1].refusal, states.NotDeclarable)
    made = drawn[0].declaration_id
    assert made is not None
    refused = declaring.declare(session, VAULT, [made, made], AT)
    assert (refused[0], type(refused[1])) == (None, states.NotDeclarable)
    assert used(session, made) == 27_900


def test_of_two_who_draw_up_one_order_one_does(database: Database, scope: Scope) -> None:
    one = sale()
    with database.unit_of_work(scope) as session:
        world.take_all(session, one)

    def race(_n: int) -> bool:
        return database.run(scope, lambda session: world.draw_up(session, one))[0].refusal is None

    with ThreadPoolExecutor(4) as runners:
        assert sum(runners.map(race, range(4))) == 1


def test_goods_that_nobody_filed_are_refused_by_line(session: Session) -> None:
    with pytest.raises(rules.GoodsNotFiled, match="line 1: item TEA has no goods code"):
        world.drawn_up(session, sale(goods=(("TEA", 1, "10"),), tax="0"))


def test_the_catalogue_says_what_goods_are_for_customs(session: Session) -> None:
    owner = build.make_company(session, "owner_of_goods")
    owner.customs_code = f"43069{build.number():05d}"
    item = build.make_item(session, owner, hs_code="0405100000", record_no="R1", customs_unit="035", gross_weight_g=250)
    one = sale(goods=((item.code, 2, "50"),), tax="0", ebc=owner.customs_code)
    terms = replace(TERMS, assure_code=owner.customs_code)
    made = world.drawn_up(session, one, terms)
    line = session.scalars(select(ParcelLine).where(ParcelLine.declaration_id == made)).one()
    assert (line.gcode, line.record_no, line.qty1, line.vat) == ("0405100000", "R1", Decimal("0.5"), Decimal("6.30"))
    assert world.row(session, made).owner_id == owner.id


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (replace(TERMS, trade_mode="1239"), "trade_mode: is no trade mode"),
        (replace(TERMS, ems_no=""), "ems_no: is needed for this trade mode"),
        (replace(TERMS, area_code=""), "area_code: is needed"),
        (replace(TERMS, traf_no="X"), "traf_no: stays empty"),
        (replace(TERMS, country="116"), "country: must be 142 for 1210"),
        (replace(TERMS, customs_code="49"), "customs_code: must be the 4 digits"),
        (replace(TERMS, assure_code="X"), "assure_code: must be the platform"),
        (world.of_mode_9610(bill_no=""), "bill_no: is needed"),
        (world.of_mode_9610(country="142"), "country: must be the country of departure"),
    ],
)
def test_each_mistake_of_the_head_has_its_own_words(session: Session, terms: Terms, said: str) -> None:
    with pytest.raises(BadDocument, match=said):
        world.drawn_up(session, sale(), terms)


def test_direct_purchase_9610_is_declared_with_its_country_of_departure(session: Session) -> None:
    row = world.row(session, world.drawn_up(session, sale(), world.of_mode_9610()))
    assert (row.trade_mode, row.head["country"]) == ("9610", "116")


@pytest.mark.parametrize("code", ["-621005", "700"])
def test_what_ends_without_release_gives_the_quota_back(session: Session, code: str) -> None:
    made = world.declared(session, sale())
    world.receipt(session, made, code)
    assert used(session, made) == 0


def test_sending_that_failed_keeps_the_quota(session: Session) -> None:
    made = world.declared(session, sale())
    world.receipt(session, made, "4")
    assert used(session, made) == 27_900
    assert declaring.declare(session, VAULT, [made], AT) == [None]
    assert used(session, made) == 27_900


