"""The live reconciliation, differences with somebody who answers for them, and the write-off that explains each."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.wms.gate.world import World, make_pass, make_world
from wms.customs import differences, list_queries, modes, reconciling, rules, verification_lists, writing_off
from wms.customs.tables import AccountBook, BookDifference, VerificationList, WriteOff
from wms.stock import ledger
from wms.stock.tables import BookLine


def book_of(session: Session, world: World) -> str:
    """The number of the book that the shelf's line belongs to; the book is filed where it is not."""
    line = session.get_one(BookLine, world.shelf.book_line_id)
    if list_queries.book_by_no(session, line.book_no) is None:
        session.add(
            AccountBook(
                book_no=line.book_no, company_id=world.shelf.owner_id, site_id=world.shelf.site_id,
                valid_from_on=date(2026, 1, 1),
            )
        )  # fmt: skip
        session.flush()
    return line.book_no


def state_of(session: Session, world: World) -> reconciling.LineState:
    line = session.get_one(BookLine, world.shelf.book_line_id)
    found = reconciling.explain(session, line.book_no, line.line_no)
    assert found is not None
    return found.state


def lose(session: Session, world: World, qty: int, *, find: bool = False) -> None:
    """Goods that are not found on the shelf, or found again: bonded discrepancy."""
    missing = ledger.AccountKey(
        "discrepancy", world.shelf.owner_id, world.shelf.trade_item_id, world.shelf.site_id, customs_status="bonded",
        book_line_id=world.shelf.book_line_id,
    )  # fmt: skip
    lines = ledger.moved(missing, world.shelf.bonded, qty) if find else ledger.moved(world.shelf.bonded, missing, qty)
    ledger.post(session, ledger.Posting(f"lose-{build.number()}", "count", build.now(), lines, "CT-1", "not found"))


def test_each_term_of_the_equation_is_shown(session: Session) -> None:
    world = make_world(session, declared=100)
    make_pass(session, world, qty=30)
    build.receive_bonded(session, world.shelf, 5)
    lose(session, world, 2)
    state = state_of(session, world)
    assert (state.book, state.pre_deducted, state.available) == (100, 0, 100)
    assert (state.not_yet_booked, state.shelf, state.at_gate, state.missing) == (5, 73, 30, 2)
    assert (state.goods, state.unexplained, state.differs) == (103, 0, True)


def test_a_line_names_its_places_documents_and_causes(session: Session) -> None:
    world = make_world(session, declared=100)
    make_pass(session, world, qty=30)
    lose(session, world, 2)
    line = session.get_one(BookLine, world.shelf.book_line_id)
    found = reconciling.explain(session, line.book_no, line.line_no)
    assert found is not None
    assert {(one.kind, one.qty) for one in found.places} == {("location", 68), ("declared_not_left", 30)}
    (document,) = found.documents
    assert (document.number, document.declared, document.on_passes) == (world.listed.list_no, 100, 30)
    assert [(one.source_doc, one.reason, one.qty) for one in found.causes] == [("CT-1", "not found", 2)]
    assert reconciling.explain(session, line.book_no, 9_999_999) is None


def test_pre_deducted_is_what_lists_promise_and_what_left(session: Session) -> None:
    world = make_world(session, declared=100)
    number = book_of(session, world)
    goods = (verification_lists.ListLine(world.shelf.book_line_id, Decimal(40), "011", 40),)
    command = verification_lists.DrawUpList(
        f"O{build.number()}", number, world.shelf.owner_id, "E", "5000", goods
    )  # fmt: skip
    list_id = verification_lists.draw_up(session, command)
    verification_lists.declare(session, list_id, build.now())
    verification_lists.pre_deduct(session, list_id, f"QD490226E{build.number():09d}", build.now())
    state = state_of(session, world)
    assert (state.book, state.pre_deducted, state.available) == (100, 40, 60)


def test_a_difference_has_somebody_and_a_day_until_book_and_goods_agree(session: Session) -> None:
    world = make_world(session, declared=100)
    number = book_of(session, world)
    lose(session, world, 3)
    (one,) = own(differences.note(session, build.now(), number), session, world)
    today = modes.beijing_day(build.now())
    assert (one.qty, one.state, one.role, one.due_on) == (3, "open", "declarant", today + timedelta(days=14))
    assert not one.is_late(one.due_on)
    assert one.is_late(one.due_on + timedelta(days=1))
    person = build.make_person(session, build.make_company(session), "declarant")
    differences.assign(session, one.id, person.id, today)
    differences.explain(session, one.id, "海关 12", "carton broken")
    (again,) = own(differences.note(session, build.now(), number), session, world)
    assert (again.state, again.person_id, again.document) == ("explained", person.id, "海关 12")
    lose(session, world, 1)  # the explanation is of another amount
    (again,) = own(differences.note(session, build.now(), number), session, world)
    assert (again.qty, again.state) == (4, "open")
    lose(session, world, 4, find=True)
    assert own(differences.note(session, build.now(), number), session, world) == []
    with pytest.raises(differences.DifferenceClosed):
        differences.explain(session, one.id, "x", "y")


def own(rows: list[differences.DifferenceRow], session: Session, world: World) -> list[differences.DifferenceRow]:
    line = session.get_one(BookLine, world.shelf.book_line_id)
    return [row for row in rows if (row.book_no, row.line_no) == (line.book_no, line.line_no)]


def test_bad_answers_about_a_difference_are_refused(session: Session) -> None:
    world = make_world(session, declared=10)
    number = book_of(session, world)
    lose(session, world, 1)
    (one,) = own(differences.note(session, build.now(), number), session, world)
    with pytest.raises(differences.DocumentMissing):
        differences.explain(session, one.id, " ", "because")
    with pytest.raises(differences.UnknownDifference):
        differences.explain(session, 10**9, "x", "because")


def settle(session: Session, number: str) -> WriteOff:
    """A write-off of the days until yesterday, as drawn up tomorrow."""
    tomorrow = build.now() + timedelta(days=1)
    return writing_off.draw_up(session, number, date(2026, 1, 1), modes.beijing_day(build.now()), tomorrow)


def booked_list(session: Session, world: World, number: str) -> int:
    goods = (verification_lists.ListLine(world.shelf.book_line_id, Decimal(5), "011", 5),)
    command = verification_lists.DrawUpList(
        f"I{build.number()}", number, world.shelf.owner_id, "I", "5034", goods
    )  # fmt: skip
    list_id = verification_lists.draw_up(session, command)
    verification_lists.declare(session, list_id, build.now())
    verification_lists.pre_deduct(session, list_id, f"QD490226I{build.number():09d}", build.now())
    build.receive_bonded(session, world.shelf, 5)
    verification_lists.release_entry(session, list_id, "E", build.now())
    from tests.wms.customs.test_verification_lists import let_through

    let_through(session, list_id)
    verification_lists.book(session, list_id, f"k{build.number()}", build.now())
    return list_id


def test_a_write_off_explains_every_change_by_its_document_and_closes_the_lists(session: Session) -> None:
    world = make_world(session, declared=100)
    number = book_of(session, world)
    list_id = booked_list(session, world, number)
    lose(session, world, 2)
    with pytest.raises(writing_off.DifferencesOpen):
        settle(session, number)
    (one,) = own(differences.note(session, build.now(), number), session, world)
    differences.explain(session, one.id, "海关 12", "carton broken")
    made = settle(session, number)
    line_no = session.get_one(BookLine, world.shelf.book_line_id).line_no
    (line,) = [row for row in made.report["lines"] if row["line_no"] == line_no]
    assert line["opening"] + sum(move["qty"] for move in line["by_document"]) == line["closing"] == 105
    assert (line["goods"], line["missing"], line["unexplained"]) == (103, 2, 0)
    assert line["difference"] == {"document": "海关 12", "reason": "carton broken", "qty": 2}
    with pytest.raises(writing_off.WriteOffOpen):
        settle(session, number)
    writing_off.declare(session, made.write_off_no)
    assert writing_off.decide(session, made.write_off_no, build.now(), is_accepted=True) >= 1
    assert list_queries.list_row(session, list_id).state == "written_off"
    with pytest.raises(writing_off.WriteOffDecided):
        writing_off.decide(session, made.write_off_no, build.now(), is_accepted=False)
    with pytest.raises(writing_off.BadPeriod, match="part of it"):
        settle(session, number)


def test_a_refused_write_off_leaves_the_lists_and_may_be_drawn_up_again(session: Session) -> None:
    world = make_world(session, declared=10)
    number = book_of(session, world)
    list_id = booked_list(session, world, number)
    made = settle(session, number)
    assert writing_off.decide(session, made.write_off_no, build.now(), is_accepted=False) == 0
    assert list_queries.list_row(session, list_id).state == "booked"
    settle(session, number)


@pytest.mark.parametrize(
    ("first", "last", "rule"),
    [(2, 1, "ends before it begins"), (1, 0, "ends before it begins"), (5, 0, "is not over")],
)
def test_a_wrong_period_is_refused(session: Session, first: int, last: int, rule: str) -> None:
    number = book_of(session, make_world(session, declared=1))
    today = modes.beijing_day(build.now())
    days = (today - timedelta(days=5 - first), today - timedelta(days=5 - last))
    if rule == "is not over":
        days = (today - timedelta(days=3), today)
    with pytest.raises(writing_off.BadPeriod, match=rule):
        writing_off.draw_up(session, number, *days, build.now())


def test_names_an_unknown_book_and_write_off(session: Session) -> None:
    with pytest.raises(rules.BadDocumentNumber):
        writing_off.draw_up(session, "T4902W999999", date(2026, 1, 1), date(2026, 1, 2), build.now())
    with pytest.raises(writing_off.UnknownWriteOff):
        writing_off.by_no(session, "WR1")


def test_one_difference_of_a_line_waits_at_a_time(session: Session) -> None:
    world = make_world(session, declared=10)
    number = book_of(session, world)
    lose(session, world, 1)
    differences.note(session, build.now(), number)
    differences.note(session, build.now(), number)
    of_line = select(BookDifference).where(BookDifference.book_line_id == world.shelf.book_line_id)
    assert len(session.scalars(of_line).all()) == 1
    assert session.scalars(select(VerificationList).where(VerificationList.id == world.listed.id)).one()
