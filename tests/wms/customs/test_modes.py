"""Trade modes are dated data: what holds on a day, what comes before what, and that yesterday keeps its rule."""

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from tests import build
from tests.wms.customs.test_verification_lists import NOW, draw_up
from wms.customs import modes
from wms.customs import verification_lists as lists
from wms.parties import dated

TODAY = modes.beijing_day(NOW)
MODE = {
    "name_zh": "试点", "name_en": "Pilot", "declared_by": "zone_enterprise", "documents": ["INV101", "gate"],
    "moves_when": "declaration", "is_allowed": True, "freed_at": "gate", "single_limit_minor": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "direction", "declared_by", "moves_when"),
    [
        ("0110", "I", "consignee", "declaration"),
        ("9610", "I", "ecommerce", "parcel"),
        ("1210", "I", "zone_enterprise", "declaration"),
        ("1210", "E", "ecommerce", "parcel"),
        ("1210", "export", "ecommerce", "parcel"),
        ("9610", "E", "ecommerce", "parcel"),
        ("9710", "E", "ecommerce", "declaration"),
        ("9810", "E", "ecommerce", "declaration"),
        ("5034", "I", "zone_enterprise", "declaration"),
        ("5000", "E", "zone_enterprise", "declaration"),
        ("5100", "I", "zone_enterprise", "declaration"),
        ("5300", "I", "zone_enterprise", "declaration"),
    ],
)
def test_1_1_mode_table(session: Session, code: str, direction: str, declared_by: str, moves_when: str) -> None:
    mode = modes.allowed(session, code, direction, TODAY)
    assert (mode.declared_by, mode.moves_when) == (declared_by, moves_when)


def test_0_4_1239_is_kept_but_closed(session: Session) -> None:
    assert modes.known(session, "1239", "I", TODAY).name_zh == "保税电商A"
    with pytest.raises(modes.TradeModeClosed):
        modes.allowed(session, "1239", "I", TODAY)


def test_0_3_0034_is_no_supervision_mode(session: Session) -> None:
    with pytest.raises(modes.UnknownTradeMode):
        modes.known(session, "0034", "I", TODAY)


def test_a_new_mode_is_data_with_a_day_and_a_source(session: Session) -> None:
    with pytest.raises(modes.UnknownTradeMode):
        modes.allowed(session, "9999", "E", TODAY)
    dated.enter(session, modes.NAME, MODE, valid_from_on=TODAY, source="pilot letter 7", subject="9999:E")
    assert modes.allowed(session, "9999", "E", TODAY).name_en == "Pilot"
    assert "9999" in {mode.code for mode in modes.listed(session, TODAY)}
    with pytest.raises(modes.UnknownTradeMode):
        modes.allowed(session, "9999", "E", TODAY - timedelta(days=1))


def test_yesterdays_document_keeps_yesterdays_rule(session: Session) -> None:
    closed = MODE | {"is_allowed": False}
    dated.enter(session, modes.NAME, closed, valid_from_on=TODAY, source="closed today", subject="1210:I")
    shelf = build.make_shelf(session)
    of_yesterday, of_today = draw_up(session, shelf), draw_up_again(session, shelf)
    lists.declare(session, of_yesterday, NOW - timedelta(days=1))
    with pytest.raises(modes.TradeModeClosed):
        lists.declare(session, of_today, NOW)


def draw_up_again(session: Session, shelf: build.Shelf) -> int:
    from decimal import Decimal

    goods = (lists.ListLine(shelf.book_line_id, Decimal(1), "011", 1),)
    command = lists.DrawUpList(f"I-{build.number()}", "T4912W000001", shelf.owner_id, "I", "1210", goods)
    return lists.draw_up(session, command)


def test_a_document_comes_after_those_before_it(session: Session) -> None:
    mode = modes.allowed(session, "9610", "I", TODAY)
    modes.check_order(mode, set(), "411")
    with pytest.raises(modes.DocumentTooEarly, match="411, 511"):
        modes.check_order(mode, {"311"}, "621")
    modes.check_order(mode, {"311", "411", "511"}, "621")
    with pytest.raises(modes.DocumentNotOfMode):
        modes.check_order(mode, {"311", "411", "511", "621", "711", "622", "816", "513"}, "INV101")


def test_the_single_limit_is_inclusive(session: Session) -> None:
    mode = modes.allowed(session, "9710", "E", date(2026, 11, 25))
    modes.check_limit(mode, 500_000)
    with pytest.raises(modes.OverSingleLimit, match=r"5000\.00 CNY, not 5000\.01 CNY"):
        modes.check_limit(mode, 500_001)
