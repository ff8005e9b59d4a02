"""What is overdue with customs becomes one alarm until somebody settles it; the job does so each night."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.build import make_person, now
from tests.wms.customs.test_reconciling import book_of, lose, settle
from tests.wms.customs.test_slips import filing, left_on_slip
from tests.wms.gate.world import World, make_world
from wms.customs import differences, modes, verification_lists, write_off_due, writing_off
from wms.customs.tables import AccountBook, WriteOff
from wms.db import Database, Scope
from wms.parties import dated
from wms.parties.tables import Company
from wms.watch import jobs
from wms.watch.service import acknowledge, close
from wms.watch.service.books import watch_books
from wms.watch.tables import Alarm

TODAY = modes.beijing_day(now())


def alarms(session: Session, world: World, *codes: str) -> list[tuple[str, str]]:
    """Code and subject of the site's alarms with these codes, the oldest first."""
    found = session.execute(
        select(Alarm.code, Alarm.subject)
        .where(Alarm.site_id == world.shelf.site_id, Alarm.code.in_(codes))
        .order_by(Alarm.id)
    )
    return [(code, subject) for code, subject in found]


def test_an_overdue_difference_is_one_alarm_until_it_is_settled(session: Session) -> None:
    world = make_world(session, declared=100)
    number = book_of(session, world)
    lose(session, world, 3)
    watch_books(session, now())
    assert alarms(session, world, "difference_overdue") == []
    later = now() + timedelta(days=15)
    for _ in range(3):
        watch_books(session, later)
    (found,) = alarms(session, world, "difference_overdue")
    assert found[1].startswith(number)
    lose(session, world, 3, find=True)
    assert differences.note(session, later, number) == []


def test_a_settled_alarm_comes_again_while_the_difference_stands(session: Session) -> None:
    world = make_world(session, declared=100)
    book_of(session, world)
    lose(session, world, 3)
    watch_books(session, now())
    later = now() + timedelta(days=15)
    watch_books(session, later)
    raised = session.scalars(select(Alarm).where(Alarm.code == "difference_overdue")).one()
    person = make_person(session, session.get_one(Company, world.shelf.owner_id), "declarant")
    acknowledge(session, raised.id, person_id=person.id, at=later)
    watch_books(session, later)
    assert len(alarms(session, world, "difference_overdue")) == 1
    close(session, raised.id, person_id=person.id, cause="looked into it", at=later)
    watch_books(session, later)
    assert len(alarms(session, world, "difference_overdue")) == 2


def test_the_write_off_of_a_book_is_due_reminded_of_and_overdue(session: Session) -> None:
    world = make_world(session, declared=100)
    number = book_of(session, world)
    book = session.scalars(select(AccountBook).where(AccountBook.book_no == number)).one()
    for valid_from_on, state in (
        (TODAY - timedelta(days=100), "later"),
        (TODAY - timedelta(days=350), "soon"),
        (TODAY - timedelta(days=400), "late"),
    ):
        book.valid_from_on = valid_from_on
        session.flush()
        (found,) = write_off_due.due(session, TODAY, number)
        assert (found.state, found.due_on) == (state, write_off_due.months_after(valid_from_on, 12))
    watch_books(session, now())
    assert alarms(session, world, "write_off_soon", "write_off_overdue") == [("write_off_overdue", number)]
    made = settle(session, number)
    assert write_off_due.due(session, TODAY, number)[0].state == "waiting"
    writing_off.decide(session, made.write_off_no, now(), is_accepted=True)
    (found,) = write_off_due.due(session, TODAY, number)
    assert (found.state, found.from_on) == ("later", session.get_one(WriteOff, made.id).until_on + timedelta(days=1))


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        (date(2026, 1, 1), 12, date(2027, 1, 1)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
    ],
)
def test_the_same_day_some_months_later_or_the_last_of_the_month(day: date, months: int, after: date) -> None:
    assert write_off_due.months_after(day, months) == after


def test_an_overdue_book_takes_no_declaration_only_where_the_dated_rule_says_so(session: Session) -> None:
    world = make_world(session, declared=100)
    number = book_of(session, world)
    book = session.scalars(select(AccountBook).where(AccountBook.book_no == number)).one()
    book.valid_from_on = TODAY - timedelta(days=400)
    session.flush()
    verification_lists.declare(session, drafted(session, world, number), now())
    dated.set_value(
        session, "customs.write_off_rule", {"remind_days": 30, "refuses_declarations": True},
        valid_from_on=TODAY, source="letter of customs",
    )  # fmt: skip
    with pytest.raises(write_off_due.WriteOffOverdue, match=number):
        verification_lists.declare(session, drafted(session, world, number), now())
    settle(session, number)
    verification_lists.declare(session, drafted(session, world, number), now())


def drafted(session: Session, world: World, number: str) -> int:
    from decimal import Decimal

    goods = (verification_lists.ListLine(world.shelf.book_line_id, Decimal(1), "011", 1),)
    command = verification_lists.DrawUpList(
        f"D{build.number()}", number, world.shelf.owner_id, "E", "5000", goods
    )  # fmt: skip
    return verification_lists.draw_up(session, command)


def test_goods_that_left_on_a_slip_and_are_not_declared_in_time_are_an_alarm(session: Session) -> None:
    world = make_world(session, declared=100)
    slip = left_on_slip(session, world, filing(session, world), 5)
    watch_books(session, now())
    assert alarms(session, world, "slip_overdue") == []
    watch_books(session, now() + timedelta(days=31))
    assert alarms(session, world, "slip_overdue") == [("slip_overdue", slip.slip_no)]


def test_the_clock_looks_at_every_book_of_an_installation(database: Database, scope: Scope) -> None:
    assert set(jobs.EVERY) <= set(jobs.TASKS)
    with database.unit_of_work(scope) as session:
        world = make_world(session, declared=100)
        book_of(session, world)
        lose(session, world, 3)
    jobs.watch_books_of(database, scope, now())
    with database.unit_of_work(scope) as session:
        (found,) = [one for one in differences.listed(session) if one.qty == 3]
        assert found.state == "open"
