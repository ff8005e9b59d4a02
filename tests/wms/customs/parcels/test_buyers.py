"""A buyer's year: taken, given back, and never above the limit, whoever races for it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from wms.customs.parcels import buyers
from wms.customs.parcels.buyers import Identity, Use
from wms.customs.parcels.rules.limits import AnnualLimit, Limits, in_fen
from wms.db import Database, Scope
from wms.parties import dated
from wms.parties.private import Vault

VAULT = Vault({1: b"k" * 32}, b"i" * 32)
DAY = date(2026, 6, 1)
LIMITS = Limits(Decimal(5000), Decimal(26000))


def make_buyer(session: Session, number: str = "11010519491231002X") -> int:
    return buyers.buyers_of(session, VAULT, [Identity(number, "张三丰")], DAY)[number]


def yuan(amount: int) -> int:
    return amount * 100


def test_the_same_person_is_one_buyer_however_the_number_is_written(session: Session) -> None:
    assert make_buyer(session, "11010519491231002X") == make_buyer(session, " 11010519491231002x ")


def test_used_25400_and_new_600_is_26000_and_accepted(session: Session) -> None:
    buyer = make_buyer(session)
    buyers.take(session, VAULT, Use(buyer, yuan(25_400)), 2026, LIMITS)
    assert buyers.take(session, VAULT, Use(buyer, yuan(600)), 2026, LIMITS) == yuan(26_000)


def test_used_25500_and_new_600_is_above_the_annual_limit(session: Session) -> None:
    buyer = make_buyer(session)
    buyers.take(session, VAULT, Use(buyer, yuan(25_500)), 2026, LIMITS)
    said = r"Buyer 张\*+ has used 25500.00 of 26000 yuan in 2026; 600.00 more"
    with pytest.raises(AnnualLimit, match=said):
        buyers.take(session, VAULT, Use(buyer, yuan(600)), 2026, LIMITS)
    assert buyers.used_minor(session, buyer, 2026) == yuan(25_500)


def test_exactly_the_limit_may_be_forbidden_by_data(session: Session) -> None:
    strict = Limits(Decimal(5000), Decimal(26000), inclusive=False)
    with pytest.raises(AnnualLimit):
        buyers.take(session, VAULT, Use(make_buyer(session), yuan(26_000)), 2026, strict)


def test_what_came_back_may_be_used_again_in_its_own_year(session: Session) -> None:
    buyer = make_buyer(session)
    buyers.take(session, VAULT, Use(buyer, yuan(26_000)), 2026, LIMITS)
    buyers.take(session, VAULT, Use(buyer, yuan(100)), 2027, LIMITS)
    buyers.give_back(session, Use(buyer, yuan(600)), 2026)
    assert (buyers.used_minor(session, buyer, 2026), buyers.used_minor(session, buyer, 2027)) == (2_540_000, 10_000)
    buyers.take(session, VAULT, Use(buyer, yuan(600)), 2026, LIMITS)


def test_of_orders_that_race_for_the_last_yuan_one_wins(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        buyer = make_buyer(session)
        buyers.take(session, VAULT, Use(buyer, yuan(25_999)), 2026, LIMITS)

    def race(_n: int) -> bool:
        try:
            database.run(scope, lambda session: buyers.take(session, VAULT, Use(buyer, yuan(1)), 2026, LIMITS))
        except AnnualLimit:
            return False
        return True

    with ThreadPoolExecutor(8) as runners:
        assert sum(runners.map(race, range(8))) == 1
    with database.unit_of_work(scope) as session:
        assert buyers.used_minor(session, buyer, 2026) == yuan(26_000)


def test_parcels_of_one_message_are_refused_one_by_one(session: Session) -> None:
    one, other = make_buyer(session), make_buyer(session, "440524188001010014")
    uses = [Use(other, yuan(26_000)), Use(one, yuan(1)), Use(other, yuan(1))]
    refused = buyers.take_many(session, VAULT, uses, 2026, LIMITS)
    assert [refusal is None for refusal in refused] == [True, True, False]


def test_of_the_parcels_of_one_buyer_those_are_taken_that_fit_one_after_the_other(session: Session) -> None:
    buyer = make_buyer(session)
    uses = [Use(buyer, yuan(20_000)), Use(buyer, yuan(7_000)), Use(buyer, yuan(6_000)), Use(buyer, 1)]
    refused = buyers.take_many(session, VAULT, uses, 2026, LIMITS)
    assert [refusal is None for refusal in refused] == [True, False, True, False]
    assert buyers.used_minor(session, buyer, 2026) == yuan(26_000)


def test_of_messages_that_race_for_the_last_yuan_one_wins_and_none_waits_for_ever(
    database: Database, scope: Scope
) -> None:
    """Each message names the same three buyers in another order; one of them has a yuan left."""
    with database.unit_of_work(scope) as session:
        ids = [make_buyer(session, number) for number in ("11010519491231002X", "440524188001010014", "9" * 18)]
        buyers.take(session, VAULT, Use(ids[1], yuan(25_999)), 2026, LIMITS)

    def race(n: int) -> list[bool]:
        uses = [Use(one, yuan(1)) for one in ids[n % 3 :] + ids[: n % 3]]
        said = database.run(scope, lambda session: buyers.take_many(session, VAULT, uses, 2026, LIMITS), attempts=1)
        return [refusal is None for use, refusal in zip(uses, said, strict=True) if use.buyer_id == ids[1]]

    with ThreadPoolExecutor(6) as runners:
        won = [one for said in runners.map(race, range(6)) for one in said]
    assert sum(won) == 1
    with database.unit_of_work(scope) as session:
        used = [buyers.used_minor(session, one, 2026) for one in ids]
    assert used == [yuan(6), yuan(26_000), yuan(6)]


def test_the_shipped_limits_are_those_of_the_notice(session: Session) -> None:
    assert buyers.limits_on(session, date(2026, 6, 1)) == LIMITS
    assert buyers.limits_on(session, date(2018, 6, 1)) == Limits(Decimal(2000), Decimal(20000))


def test_a_new_limit_holds_from_its_day(session: Session) -> None:
    value = {"single": "6000", "annual": "30000", "inclusive": True}
    dated.enter(session, buyers.LIMITS, value, valid_from_on=date(2027, 1, 1), source="notice")
    assert buyers.limits_on(session, date(2026, 12, 31)).annual == 26_000
    assert in_fen(buyers.limits_on(session, date(2027, 1, 1)).annual) == yuan(30_000)
