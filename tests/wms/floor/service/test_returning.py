"""Returns from their announcement to the ledger."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.inside import Hall, Handheld, build_hall, is_clean, sum_of
from tests.wms.floor.world import today
from wms.db import Database, Scope
from wms.floor.rules import returning
from wms.floor.service.returning import Grade, NewReturn, ReturnLineIn, announce, close, grade
from wms.floor.tables import Task
from wms.floor.tables.returns import Returned, ReturnLine, ReturnNotice
from wms.parties import dated
from wms.stock.ledger import AccountKey, Posting, moved, post
from wms.stock.tables import Account, Balance

Gun = Callable[[], Handheld]


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        shelf = made.fill(session, "A-1", 100)
        customer = AccountKey("customer", made.owner.id, made.milk.id)
        post(session, Posting(f"ship-{build.number()}", "ship", build.now(), moved(shelf, customer, 10), "SO-1"))
        return made


@pytest.fixture
def gun(database: Database, scope: Scope, hall: Hall) -> Gun:
    return lambda: Handheld(database, scope.tenant_id, hall, hall.clerk, "return")


def new(hall: Hall, **given: Any) -> NewReturn:
    values: dict[str, Any] = {
        "return_no": f"RT-{build.number()}",
        "site_id": hall.site.id,
        "owner_id": hall.owner.id,
        "lines": (ReturnLineIn(hall.milk.id, 5),),
        "applied_on": today(),
        "order_no": "SO-1",
    }
    return NewReturn(**(values | given))


def announced(database: Database, scope: Scope, hall: Hall, **given: Any) -> str:
    with database.unit_of_work(Scope(scope.tenant_id, hall.clerk.id, "clerk")) as session:
        return announce(session, new(hall, **given)).return_no


def by_quality(session: Session, hall: Hall, place: str = "INSP") -> dict[str, int]:
    rows = session.execute(
        select(Account.quality_status, Balance.qty)
        .join(Balance, Balance.account_id == Account.id)
        .where(Account.location_id == hall.places[place].id, Balance.qty > 0)
    )
    return {quality: qty for quality, qty in rows}  # noqa: C416


def test_a_return_is_taken_in_graded_and_closed(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    number = announced(database, scope, hall)
    one = gun()
    assert one.scans(number, "INSP", "QTY 5", hall.label(lot_no=None)) == [
        "return_chosen", "place_chosen", "quantity_set", "returned",
    ]  # fmt: skip
    assert one.scans("CONFIRM")[-1] == "ungraded_left"
    said = one.scans("QTY 2", "GRADE A", "QTY 1", "GRADE b", "QTY 1", "GRADE C", "GRADE SCRAP", "CONFIRM")
    assert said[1::2] == ["graded", "graded", "graded", "return_closed"]
    with database.unit_of_work(scope) as session:
        assert by_quality(session, hall) == {"good": 2, "hold": 1, "quarantine": 1, "damaged": 1}
        assert session.scalars(select(ReturnNotice.state)).one() == "closed"
        assert session.scalars(select(Returned.lot_id)).one() == hall.lot.id  # back to the lot that was shipped
        assert {(task.kind, task.state) for task in session.scalars(select(Task))} == {
            ("return", "done"),
            ("inspect", "done"),
        }
        assert sum_of(session, hall, "customer") == 5
    assert is_clean(database, scope)


def test_undo_takes_back_the_grade_and_then_the_goods(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    number, one = announced(database, scope, hall), gun()
    one.scans(number, "INSP", "QTY 5", hall.label(), "GRADE A")
    assert one.scans("UNDO", "UNDO", "UNDO") == ["return_undone", "return_undone", "nothing_to_undo"]
    with database.unit_of_work(scope) as session:
        assert by_quality(session, hall) == {}
    assert one.scans(number, "INSP", "QTY 5", hall.label())[-1] == "returned"
    assert is_clean(database, scope)


def test_less_than_announced_is_closed_on_the_second_confirm(
    database: Database, scope: Scope, hall: Hall, gun: Gun
) -> None:
    number, one = announced(database, scope, hall), gun()
    said = one.scans(number, "INSP", "QTY 4", hall.label(), "GRADE A", "CONFIRM", "CONFIRM")
    assert said[-2:] == ["return_short", "return_closed"]
    assert one.scan(number).code == "return_closed"


def test_another_lot_than_was_shipped_is_said(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    with database.unit_of_work(scope) as session:
        build.make_lot(session, hall.milk, "L2", expires_on=hall.lot.expires_on)
    said = gun().scans(announced(database, scope, hall), "INSP", hall.label(lot_no="L2"))
    assert said[-1] == "returned_other_lot"


@pytest.mark.parametrize(
    ("codes", "mistake"),
    [
        (("MILK",), "no_return_chosen"),
        (("NO", "MILK"), "no_return_place"),
        (("NO", "A-1"), "not_a_return_place"),
        (("NO", "INSP", "QTY 6", "MILK"), "too_many_back"),
        (("NO", "INSP", "CREAM"), "not_in_return"),
        (("NO", "INSP", "GRADE A"), "nothing_to_grade"),
        (("NO", "INSP", "MILK", "GRADE X"), "unknown_grade"),
        (("NO", "INSP", "MILK", "QTY 2", "GRADE A"), "too_many_to_grade"),
        (("NO", "INSP", "QTY 1/2"), "bad_quantity"),
        (("NOBODY KNOWS",), "unknown_return"),
    ],
)
def test_each_mistake_has_its_own_answer(
    database: Database, scope: Scope, hall: Hall, gun: Gun, codes: tuple[str, ...], mistake: str
) -> None:
    words = {"MILK": hall.label(), "CREAM": hall.label(hall.cream), "NO": announced(database, scope, hall)}
    assert gun().scans(*(words.get(code, code) for code in codes))[-1] == mistake


def test_goods_moved_away_cannot_be_graded_where_they_were(
    database: Database, scope: Scope, hall: Hall, gun: Gun
) -> None:
    one, mover = gun(), Handheld(database, scope.tenant_id, hall, hall.other_clerk, "move")
    one.scans(announced(database, scope, hall), "INSP", "QTY 5", hall.label())
    assert mover.scans("INSP", "QTY 5", hall.label(), "Q-1")[-1] == "moved"
    assert one.scan("GRADE A").code == "moved_before_graded"


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        ({"kind": "import"}, returning.ReleaseDayMissing),
        ({"kind": "import", "released_on": today() - timedelta(days=31)}, returning.AppliedTooLate),
        ({"kind": "export", "released_on": today() - timedelta(days=366)}, returning.AppliedTooLate),
        ({"kind": "import", "released_on": today() + timedelta(days=1)}, returning.AppliedBeforeRelease),
    ],
)
def test_a_return_across_the_border_has_its_days(
    database: Database, scope: Scope, hall: Hall, given: dict[str, Any], mistake: type[Exception]
) -> None:
    with pytest.raises(mistake):
        announced(database, scope, hall, **given)


def test_no_more_comes_back_than_went_out_and_no_number_twice(database: Database, scope: Scope, hall: Hall) -> None:
    number = announced(database, scope, hall)
    with pytest.raises(returning.ReturnExists):
        announced(database, scope, hall, return_no=number)
    with pytest.raises(returning.MoreThanShipped) as refused:
        announced(database, scope, hall, lines=(ReturnLineIn(hall.milk.id, 6),))
    assert refused.value.values["shipped"] == 5


def test_bonded_goods_come_back_into_their_book_line_within_the_limit(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        hall = build_hall(session, bonded=True)
        hall.fill(session, "A-1", 100)
    released = today() - timedelta(days=30)
    number = announced(database, scope, hall, kind="import", released_on=released, order_no=None)
    one = Handheld(database, scope.tenant_id, hall, hall.clerk, "return")
    assert one.scans(number, "INSP", "QTY 5", hall.label(), "GRADE A")[-1] == "graded"
    with database.unit_of_work(scope) as session:
        assert sum_of(session, hall, "not_yet_booked") == 5
        assert session.scalars(select(ReturnNotice.back_until_on)).one() == released + timedelta(days=45)
    assert is_clean(database, scope)


def test_bonded_goods_that_come_too_late_are_refused_with_the_rule(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        hall = build_hall(session, bonded=True)
        dated.set_value(
            session, "returns.back_days", 2, valid_from_on=date(2026, 1, 1), source="tighter", subject="import"
        )
    released = today() - timedelta(days=5)
    number = announced(database, scope, hall, kind="import", released_on=released, order_no=None)
    said = Handheld(database, scope.tenant_id, hall, hall.clerk, "return").scans(number, "INSP", hall.label())
    assert said[-1] == "back_too_late"


def test_two_graders_of_the_same_goods_cannot_grade_more_than_came(
    database: Database, scope: Scope, hall: Hall, gun: Gun
) -> None:
    number = announced(database, scope, hall)
    gun().scans(number, "INSP", "QTY 5", hall.label())
    with database.unit_of_work(scope) as session:
        returned = session.scalars(select(Returned)).one()
        grade(session, Grade("g1", returned.id, "A", 4, build.now()))
        with pytest.raises(returning.TooManyToGrade) as refused:
            grade(session, Grade("g2", returned.id, "A", 2, build.now()))
        assert refused.value.values["left"] == 1
        with pytest.raises(returning.UngradedLeft):
            close(session, number, build.now())
        assert session.scalars(select(ReturnLine.expected_qty)).one() == 5
