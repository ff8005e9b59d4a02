"""Dated values: yesterday's document is judged by yesterday's value, ours goes before the shipped one."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from wms.parties.dated import NoDatedValue, set_value, value


def test_a_value_holds_from_its_day_until_the_next(session: Session) -> None:
    set_value(session, "test.rate", 5, valid_from_on=date(2026, 1, 1), source="contract 1")
    set_value(session, "test.rate", 7, valid_from_on=date(2026, 7, 1), source="contract 2")
    assert value(session, "test.rate", date(2026, 6, 30)) == 5
    assert value(session, "test.rate", date(2026, 7, 1)) == 7


def test_a_day_before_the_first_value_is_refused_by_name(session: Session) -> None:
    set_value(session, "test.rate", 5, valid_from_on=date(2026, 1, 1), source="contract 1")
    with pytest.raises(NoDatedValue, match=r"test\.rate .* 2025-12-31"):
        value(session, "test.rate", date(2025, 12, 31))


def test_the_subject_s_own_value_goes_before_the_general_one(session: Session) -> None:
    set_value(session, "test.limit", {"max": 1}, valid_from_on=date(2026, 1, 1), source="rule")
    set_value(session, "test.limit", {"max": 2}, valid_from_on=date(2026, 1, 1), source="rule", subject="frozen")
    assert value(session, "test.limit", date(2026, 2, 1), "frozen") == {"max": 2}
    assert value(session, "test.limit", date(2026, 2, 1), "ambient") == {"max": 1}


def test_a_shipped_value_holds_until_the_installation_enters_its_own(session: Session) -> None:
    assert value(session, "ledger.future_limit_s", date(2026, 1, 1)) == 300
    set_value(session, "ledger.future_limit_s", 60, valid_from_on=date(2026, 1, 1), source="our clocks")
    assert value(session, "ledger.future_limit_s", date(2026, 1, 2)) == 60
