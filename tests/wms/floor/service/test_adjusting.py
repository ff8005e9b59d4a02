"""Adjustments from the paper to the ledger."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from tests import build
from tests.wms.floor.inside import Hall, build_hall, is_clean, lying, sum_of
from wms.db import Database, Scope
from wms.floor.rules import adjusting, counting, moving
from wms.floor.service.adjusting import Adjust, AdjustLine, adjust, approve, reject
from wms.floor.tables.adjustments import Adjustment
from wms.floor.tables.counts import DiscrepancyCase
from wms.parties import dated
from wms.parties.tables import Person
from wms.stock.ledger import Reserve, close_month, reserve
from wms.stock.rules import PeriodClosed


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        made.fill(session, "A-1", 1000)
        return made


def enter(
    database: Database, scope: Scope, hall: Hall, qty: int, person: Person | None = None, **given: Any
) -> Adjustment:  # fmt: skip
    line = AdjustLine(hall.places["A-1"].id, hall.milk.id, qty, "L1")
    now = build.now()
    values: dict[str, Any] = {"reason": "BREAKAGE" if qty < 0 else "FOUND", "lines": (line,), "at": now, "now": now}
    command = Adjust(given.pop("paper", f"P-{build.number()}"), hall.site.id, **(values | given))
    with database.unit_of_work(Scope(scope.tenant_id, (person or hall.clerk).id, "clerk")) as session:
        return adjust(session, command)


def as_person(scope: Scope, person: Person) -> Scope:
    return Scope(scope.tenant_id, person.id, "supervisor")


def test_a_small_adjustment_is_posted_at_once(database: Database, scope: Scope, hall: Hall) -> None:
    made = enter(database, scope, hall, -10)
    assert (made.state, made.value_minor) == ("posted", 5000)
    enter(database, scope, hall, 4)
    with database.unit_of_work(scope) as session:
        assert lying(session, hall, "A-1") == 994
        assert sum_of(session, hall, "adjustment") == 6
    assert is_clean(database, scope)


def test_above_the_limit_a_second_person_agrees(database: Database, scope: Scope, hall: Hall) -> None:
    made = enter(database, scope, hall, -60, hall.boss)
    assert made.state == "waiting"
    with (
        database.unit_of_work(as_person(scope, hall.boss)) as session,
        pytest.raises(adjusting.RequesterMayNotApprove),
    ):
        approve(session, made.adjustment_no, build.now())
    with database.unit_of_work(as_person(scope, hall.clerk)) as session, pytest.raises(counting.SupervisorOnly):
        approve(session, made.adjustment_no, build.now())
    with database.unit_of_work(as_person(scope, hall.other_boss)) as session:
        assert approve(session, made.adjustment_no, build.now()).state == "posted"
        with pytest.raises(adjusting.AlreadyDecided):
            reject(session, made.adjustment_no, build.now())
    with database.unit_of_work(scope) as session:
        assert lying(session, hall, "A-1") == 940
    assert is_clean(database, scope)


def test_the_limit_is_dated_data(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        dated.set_value(
            session, "adjust.limit", {"qty": 5, "value_minor": 10**9}, valid_from_on=date(2026, 1, 1), source="contract"
        )
    assert enter(database, scope, hall, -6).state == "waiting"
    assert enter(database, scope, hall, -5).state == "posted"


def test_the_database_itself_forbids_to_approve_ones_own(database: Database, scope: Scope, hall: Hall) -> None:
    made = enter(database, scope, hall, -60)
    with pytest.raises(IntegrityError, match="approver_not_requester"), database.unit_of_work(scope) as session:
        session.execute(update(Adjustment).where(Adjustment.id == made.id).values(decided_by=hall.clerk.id))


def test_a_rejected_adjustment_books_nothing(database: Database, scope: Scope, hall: Hall) -> None:
    made = enter(database, scope, hall, -60)
    with database.unit_of_work(as_person(scope, hall.boss)) as session:
        assert reject(session, made.adjustment_no, build.now()).state == "rejected"
    with database.unit_of_work(scope) as session:
        assert lying(session, hall, "A-1") == 1000


def test_bonded_goods_keep_book_and_shelf_together(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        hall = build_hall(session, bonded=True)
        hall.fill(session, "A-1", 100)
    made = enter(database, scope, hall, -2)
    with database.unit_of_work(scope) as session:
        assert (sum_of(session, hall, "discrepancy"), sum_of(session, hall, "book")) == (2, 100)
        case = session.scalars(select(DiscrepancyCase)).one()
        assert (case.source_doc, case.qty) == (made.adjustment_no, -2)
        assert case.due_on > build.now().date() + timedelta(days=12)
    assert is_clean(database, scope)


def test_a_closed_month_refuses_and_says_the_way_out(database: Database, scope: Scope, hall: Hall) -> None:
    today = build.now()
    last_month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    with database.unit_of_work(scope) as session:
        close_month(session, last_month.date())
    at = datetime.combine(last_month.date(), today.timetz()) + timedelta(days=3)
    with pytest.raises(PeriodClosed, match="Post a correction in an open month instead"):
        enter(database, scope, hall, -1, at=at)


def test_the_same_paper_is_booked_once(database: Database, scope: Scope, hall: Hall) -> None:
    made = enter(database, scope, hall, -1, paper="P-1")
    with pytest.raises(adjusting.DocumentBooked) as refused:
        enter(database, scope, hall, -1, paper="P-1")
    assert refused.value.values["adjustment"] == made.adjustment_no
    assert refused.value.values["person"]["en"] == hall.clerk.name_en


@pytest.mark.parametrize(
    ("qty", "given", "mistake"),
    [
        (-1, {"reason": "BECAUSE"}, adjusting.UnknownAdjustmentReason),
        (1, {"reason": "BREAKAGE"}, adjusting.WrongSign),
        (-1, {"reason": "FOUND"}, adjusting.WrongSign),
        (-1, {"lines": ()}, adjusting.NoAdjustmentLines),
        (0, {"reason": "FOUND"}, adjusting.NoAdjustmentLines),
    ],
)
def test_each_mistake_is_refused_in_its_own_words(
    database: Database, scope: Scope, hall: Hall, qty: int, given: dict[str, Any], mistake: type[Exception]
) -> None:
    with pytest.raises(mistake):
        enter(database, scope, hall, qty, **given)


def test_goods_that_are_not_there_or_promised_cannot_be_lowered(database: Database, scope: Scope, hall: Hall) -> None:
    nowhere = (AdjustLine(hall.places["A-3"].id, hall.milk.id, -1, "L1"),)
    with pytest.raises(adjusting.NothingLikeIt):
        enter(database, scope, hall, -1, lines=nowhere)
    with database.unit_of_work(scope) as session:
        hall.fill(session, "A-1", 5, quality_status="damaged")
        reserve(session, Reserve("r", hall.account("A-1"), 999, build.now() + timedelta(hours=1), "SO-3"))
    with pytest.raises(adjusting.StatusUnclear):
        enter(database, scope, hall, -1)
    of_good = (AdjustLine(hall.places["A-1"].id, hall.milk.id, -2, "L1", quality_status="good"),)
    with pytest.raises(moving.ReservedFor, match="SO-3"):
        enter(database, scope, hall, -2, lines=of_good)
