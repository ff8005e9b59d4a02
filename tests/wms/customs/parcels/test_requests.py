"""Cancelled or come back in time: tax and quota are restored; late, elsewhere or too much is refused (GAC 2020-45)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from tests.wms.customs.parcels import world
from tests.wms.customs.parcels.world import AT, TERMS, sale
from wms.customs.parcels import buyers, requests
from wms.customs.parcels.rules import requests as rules
from wms.customs.parcels.rules import states
from wms.customs.parcels.rules.requests import ReturnLine

LET_GO = AT + timedelta(hours=1)
MILK = "1901101090"


def used(session: Session, declaration_id: int) -> int:
    return buyers.used_minor(session, world.row(session, declaration_id).buyer_id or 0, 2026)


def three_tins(session: Session) -> int:
    return world.released(session, sale(goods=(("MILK", 3, "100"),), tax="0"))


def come_back(session: Session, made: int, qty: int, days: int = 1) -> int:
    at = LET_GO + timedelta(days=days)
    asked = requests.ask_to_return(session, made, [ReturnLine(1, MILK, Decimal(qty))], "unwanted", at)
    world.receipt(session, made, "399", kind="CEB626", hours=30)
    return asked.id


def test_a_whole_return_in_time_restores_tax_and_quota(session: Session) -> None:
    made = three_tins(session)
    assert used(session, made) == 30_000
    done = requests.goods_back(session, come_back(session, made, 3), TERMS.area_code, LET_GO + timedelta(days=45))
    assert (done.state, done.tax_restored, used(session, made)) == ("completed", Decimal("27.30"), 0)


def test_returns_in_parts_sum_to_the_cent(session: Session) -> None:
    made = world.released(session, sale(goods=(("MILK", 3, "33.37"),), tax="0"))
    levied = world.row(session, made).vat
    parts = [
        requests.goods_back(session, come_back(session, made, 1), TERMS.area_code, LET_GO + timedelta(days=5))
        for _ in range(3)
    ]
    assert sum(part.tax_restored for part in parts) == levied
    assert world.row(session, made).tax_restored == levied
    assert used(session, made) == 0


def test_the_last_hour_of_the_thirtieth_day_is_in_time_and_a_second_later_is_not(session: Session) -> None:
    made, late = three_tins(session), three_tins(session)
    line = [ReturnLine(1, MILK, Decimal(1))]
    requests.ask_to_return(session, made, line, "unwanted", LET_GO + timedelta(days=30))
    with pytest.raises(rules.ReturnTooLate, match="had to be applied for by"):
        requests.ask_to_return(session, late, line, "unwanted", LET_GO + timedelta(days=30, seconds=1))


def test_goods_back_after_45_days_restore_nothing(session: Session) -> None:
    made = three_tins(session)
    asked = come_back(session, made, 3)
    with pytest.raises(rules.BackTooLate):
        requests.goods_back(session, asked, TERMS.area_code, LET_GO + timedelta(days=45, seconds=1))
    assert used(session, made) == 30_000


def test_goods_must_come_back_to_the_zone_they_left(session: Session) -> None:
    made = three_tins(session)
    with pytest.raises(rules.BackElsewhere, match="must come back there, not to 9999"):
        requests.goods_back(session, come_back(session, made, 3), "9999", LET_GO + timedelta(days=9))


def test_a_return_is_not_back_before_customs_approved_it_nor_twice(session: Session) -> None:
    made = three_tins(session)
    asked = requests.ask_to_return(session, made, [ReturnLine(1, MILK, Decimal(1))], "unwanted", LET_GO)
    with pytest.raises(rules.RequestNotOpen):
        requests.goods_back(session, asked.id, TERMS.area_code, LET_GO)
    world.receipt(session, made, "399", kind="CEB626")
    requests.goods_back(session, asked.id, TERMS.area_code, LET_GO)
    with pytest.raises(rules.RequestNotOpen):
        requests.goods_back(session, asked.id, TERMS.area_code, LET_GO)
    assert used(session, made) == 20_000


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        (ReturnLine(1, MILK, Decimal(4)), rules.ReturnTooMuch),
        (ReturnLine(1, MILK, Decimal(0)), rules.ReturnTooMuch),
        (ReturnLine(2, MILK, Decimal(1)), rules.UnknownReturnLine),
        (ReturnLine(1, "0405100000", Decimal(1)), rules.UnknownReturnLine),
    ],
)
def test_only_what_is_on_the_original_list_comes_back(
    session: Session, line: ReturnLine, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        requests.ask_to_return(session, three_tins(session), [line], "unwanted", LET_GO)


def test_what_is_on_its_way_back_is_not_asked_back_twice(session: Session) -> None:
    made = three_tins(session)
    come_back(session, made, 2)
    with pytest.raises(rules.ReturnTooMuch, match="only 1 of 3 can still come back, not 2"):
        requests.ask_to_return(session, made, [ReturnLine(1, MILK, Decimal(2))], "unwanted", LET_GO)


def test_only_what_was_let_go_comes_back(session: Session) -> None:
    made = world.declared(session, sale())
    with pytest.raises(rules.NotReturnable):
        requests.ask_to_return(session, made, [ReturnLine(1, MILK, Decimal(1))], "unwanted", LET_GO)


def test_a_cancellation_that_customs_approves_gives_the_quota_back(session: Session) -> None:
    made = world.declared(session, sale())
    requests.ask_to_cancel(session, made, "buyer withdrew", LET_GO)
    assert used(session, made) == 27_900
    world.receipt(session, made, "2", kind="CEB624")
    assert world.row(session, made).state == "declared"
    world.receipt(session, made, "399", kind="CEB624")
    assert (world.row(session, made).state, used(session, made)) == ("cancelled", 0)
    assert not world.receipt(session, made, "800")


def test_a_cancellation_that_customs_refuses_leaves_everything(session: Session) -> None:
    made = world.declared(session, sale())
    requests.ask_to_cancel(session, made, "buyer withdrew", LET_GO)
    with pytest.raises(rules.AlreadyAsked):
        requests.ask_to_cancel(session, made, "again", LET_GO)
    world.receipt(session, made, "100", kind="CEB624")
    assert (world.row(session, made).state, used(session, made)) == ("declared", 27_900)


def test_what_was_never_sent_is_cancelled_at_once_and_may_be_drawn_up_anew(session: Session) -> None:
    one = sale()
    made = world.drawn_up(session, one)
    assert requests.ask_to_cancel(session, made, "mistake", LET_GO).state == "completed"
    assert world.draw_up(session, one)[0].refusal is None
    with pytest.raises(states.NotCancellable):
        requests.ask_to_cancel(session, made, "again", LET_GO)
