"""Kits, de-kitting and simple processing from the bill to the ledger."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.inside import Hall, build_hall, is_clean, lying, sum_of
from tests.wms.floor.world import today
from wms.catalog.tables import TradeItem
from wms.customs import filing_rules, filings
from wms.customs.tables import AccountBook
from wms.db import Database, Scope
from wms.floor import processing_queries as queries
from wms.floor.rules import processing
from wms.floor.rules.processing import Part
from wms.floor.service.completing import Complete, Made, complete
from wms.floor.service.processing import NewBill, NewOrder, cancel, file_bill, issue, order
from wms.floor.tables import Task
from wms.floor.tables.processing import ProcessingOrder, ProcessingUse
from wms.parties.tables import Person
from wms.stock.tables import BookLine, Entry, Lot


class Bench:
    """A work place with milk and cream, and a gift box that is made of 2 and 1."""

    def __init__(self, session: Session, *, bonded: bool = False) -> None:
        self.hall: Hall = build_hall(session, bonded=bonded)
        self.box: TradeItem = build.make_item(session, self.hall.owner, name_en="Gift box", is_lot_controlled=True)
        self.line: BookLine = build.make_book_line(session, self.box, f"T4903W{build.number():06d}")
        self.bill_no = f"KIT-{build.number()}"

    def bill(self, session: Session, version: int = 1, **given: Any) -> None:
        parts = (
            Part(self.hall.milk.id, "in", 2, 100),
            Part(self.hall.cream.id, "in", 1),
            Part(self.box.id, "out", 1),
        )
        values: dict[str, Any] = {"kind": "kit", "parts": parts, "valid_from_on": today()} | given
        file_bill(session, NewBill(self.bill_no, version, self.hall.owner.id, **values))

    def order(self, session: Session, batches: int = 10, **given: Any) -> str:
        new = NewOrder(
            self.bill_no, self.hall.owner.id, self.hall.site.id, self.hall.places["WORK"].id, batches, today(), **given
        )
        return order(session, new).order_no

    def filing(self, session: Session) -> str:
        """An approved business filing for simple processing of the milk."""
        milk, on = self.hall.book_line, today()
        assert milk is not None
        book = AccountBook(
            book_no=milk.book_no, company_id=self.hall.owner.id, site_id=self.hall.site.id, valid_from_on=on
        )
        session.add(book)
        product = build.make_book_line(session, self.box, milk.book_no)
        lines = (
            filing_rules.FilingLine(milk.id, 1_000, 0, "material"),
            filing_rules.FilingLine(product.id, 1_000, 0, "product", 1, 2_000),
        )
        new = filing_rules.NewFiling(
            f"F{build.number()}", milk.book_no, self.hall.owner.id, "G", "E", on - timedelta(days=1),
            on + timedelta(days=30), lines,
        )  # fmt: skip
        filed = filings.file_filing(session, new)
        return filings.approve(session, filed.internal_no, f"SB{build.number()}", build.now()).filing_no or ""

    def done(self, order_no: str, batches: int, **given: Any) -> Complete:
        values: dict[str, Any] = {"made": {self.box.id: Made("BOX1")}} | given
        return Complete(f"k{build.number()}", order_no, batches, build.now(), **values)


@pytest.fixture
def bench(database: Database, scope: Scope) -> Bench:
    with database.unit_of_work(scope) as session:
        made = Bench(session)
        made.hall.fill(session, "WORK", 30)
        made.hall.fill(session, "WORK", 20, made.hall.cream)
        made.bill(session)
        return made


def as_person(scope: Scope, person: Person, role: str = "clerk") -> Scope:
    return Scope(scope.tenant_id, person.id, role)


def test_a_completion_is_one_posting_whose_sum_is_zero_for_each_item(
    database: Database, scope: Scope, bench: Bench
) -> None:
    with database.unit_of_work(as_person(scope, bench.hall.clerk)) as session:
        number = bench.order(session)
        first = complete(session, bench.done(number, 4, waste={bench.hall.milk.id: 0}))
        complete(session, bench.done(number, 6))
        assert len(session.scalars(select(Entry).where(Entry.posting_id == first.posting_id)).all()) == 6
    with database.unit_of_work(scope) as session:
        hall = bench.hall
        assert [lying(session, hall, "WORK", item) for item in (hall.milk, hall.cream, bench.box)] == [10, 10, 10]
        assert [sum_of(session, hall, "transformation", item) for item in (hall.milk, hall.cream, bench.box)] == [
            20, 10, -10,
        ]  # fmt: skip
        assert session.scalars(select(ProcessingOrder.state)).one() == "done"
        assert [task.state for task in session.scalars(select(Task))] == ["done"]
    assert is_clean(database, scope)


def test_genealogy_is_kept_in_both_directions(database: Database, scope: Scope, bench: Bench) -> None:
    with database.unit_of_work(as_person(scope, bench.hall.clerk)) as session:
        complete(session, bench.done(bench.order(session), 3))
        made = session.scalars(select(Lot).where(Lot.lot_no == "BOX1")).one()
        [came_from] = [row for row in queries.made_of(session, made.id) if row.lot_no]
        assert (came_from.lot_no, came_from.qty) == ("L1", 6)
        [went_into] = queries.went_into(session, bench.hall.lot.id)
        assert (went_into.lot_no, went_into.qty) == ("BOX1", 3)


def test_waste_is_recorded_and_above_the_bill_a_supervisor_books_it(
    database: Database, scope: Scope, bench: Bench
) -> None:
    milk = bench.hall.milk.id
    with database.unit_of_work(as_person(scope, bench.hall.clerk)) as session:
        number = bench.order(session)
        complete(session, bench.done(number, 5, waste={milk: 1}))
        with pytest.raises(processing.TooMuchWaste) as refused:
            complete(session, bench.done(number, 1, waste={milk: 1}))
        assert refused.value.values["allowed"] == 0
    with database.unit_of_work(as_person(scope, bench.hall.boss, "supervisor")) as session:
        complete(session, bench.done(number, 1, waste={milk: 1}))
        waste = session.scalars(select(ProcessingUse.qty).where(ProcessingUse.kind == "waste")).all()
        assert waste == [1, 1]
        assert lying(session, bench.hall, "WORK") == 30 - 12 - 2
    assert is_clean(database, scope)


def test_a_kit_is_taken_apart_again(database: Database, scope: Scope, bench: Bench) -> None:
    hall = bench.hall
    parts = (Part(bench.box.id, "in", 1), Part(hall.milk.id, "out", 2), Part(hall.cream.id, "out", 1))
    with database.unit_of_work(as_person(scope, hall.clerk)) as session:
        complete(session, bench.done(bench.order(session, 2), 2))
        file_bill(session, NewBill("APART", 1, hall.owner.id, "dekit", parts, today()))
        new = NewOrder("APART", hall.owner.id, hall.site.id, hall.places["WORK"].id, 2, today())
        number = order(session, new).order_no
        complete(session, Complete("k", number, 2, build.now(), made={hall.milk.id: Made("L1")}))
        assert [lying(session, hall, "WORK", item) for item in (hall.milk, hall.cream, bench.box)] == [30, 20, 0]
    assert is_clean(database, scope)


def test_the_version_that_holds_on_the_day_is_used(database: Database, scope: Scope, bench: Bench) -> None:
    with database.unit_of_work(scope) as session:
        bench.bill(session, 2, valid_from_on=today() + timedelta(days=1))
        bench.bill(session, 3, valid_from_on=today() - timedelta(days=9), valid_until_on=today() - timedelta(days=1))
        number = bench.order(session)
        row = session.scalars(select(ProcessingOrder).where(ProcessingOrder.order_no == number)).one()
        assert queries.orders(session, number=number)[0].version == 1
        assert row.planned == 10
        with pytest.raises(processing.BillExists):
            bench.bill(session, 2)
        with pytest.raises(processing.UnknownBill):
            order(session, NewOrder("NONE", bench.hall.owner.id, bench.hall.site.id, row.location_id, 1, today()))


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        ({"parts": ()}, processing.BadBill),
        ({"kind": "dekit"}, processing.WrongKitShape),
        ({"valid_until_on": today() - timedelta(days=1)}, processing.BadBillDays),
    ],
)
def test_a_bill_that_cannot_be_is_refused(session: Session, given: dict[str, Any], mistake: type[Exception]) -> None:
    with pytest.raises(mistake):
        Bench(session).bill(session, **given)


@pytest.mark.parametrize(
    ("batches", "given", "mistake"),
    [
        (11, {}, processing.TooManyBatches),
        (0, {}, processing.TooManyBatches),
        (1, {"made": {}}, processing.ProducedLotMissing),
        (1, {"waste": {0: 1}}, processing.NotInBill),
    ],
)
def test_a_completion_that_cannot_be_is_refused(
    database: Database, scope: Scope, bench: Bench, batches: int, given: dict[str, Any], mistake: type[Exception]
) -> None:
    with database.unit_of_work(as_person(scope, bench.hall.clerk)) as session, pytest.raises(mistake):
        complete(session, bench.done(bench.order(session), batches, **given))


def test_too_few_components_are_named(database: Database, scope: Scope, bench: Bench) -> None:
    with database.unit_of_work(as_person(scope, bench.hall.clerk)) as session:
        number = bench.order(session, 16)
        with pytest.raises(processing.NotEnoughToProcess) as refused:
            complete(session, bench.done(number, 16))
        assert (refused.value.values["left"], refused.value.values["wanted"]) == (30, 32)


def bonded_bench(session: Session) -> Bench:
    """Bonded milk alone goes into the box."""
    made = Bench(session, bonded=True)
    made.hall.fill(session, "WORK", 30)
    parts = (Part(made.hall.milk.id, "in", 2), Part(made.box.id, "out", 1))
    made.bill(session, kind="process", parts=parts)
    return made


def test_bonded_goods_need_a_filing_and_pass_through_in_process(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        bench = bonded_bench(session)
    hall, made = bench.hall, {bench.box.id: Made("BOX1", None, (bench.line.book_no, bench.line.line_no))}
    with database.unit_of_work(as_person(scope, hall.clerk)) as session:
        without = bench.order(session)
        for deed in (
            lambda: complete(session, bench.done(without, 1, made=made)),
            lambda: issue(session, "i0", without, 1, build.now()),
        ):
            with pytest.raises(processing.FilingMissing, match="business filing"):
                deed()
        number = bench.order(session, filing_no=bench.filing(session))
        with pytest.raises(processing.NotIssued):
            complete(session, bench.done(number, 1, made=made))
        issue(session, "i1", number, 10, build.now())
        assert (lying(session, hall, "WORK"), sum_of(session, hall, "in_process")) == (10, 20)
        with pytest.raises(processing.BookLineForProduct):
            complete(session, bench.done(number, 1))
    assert is_clean(database, scope)
    with database.unit_of_work(as_person(scope, hall.clerk)) as session:
        complete(session, bench.done(number, 6, made=made))
        assert sum_of(session, hall, "book") == 30 - 12
        assert sum_of(session, hall, "not_yet_booked", bench.box) == 6
        assert lying(session, hall, "WORK", bench.box) == 6
    assert is_clean(database, scope)
    with database.unit_of_work(as_person(scope, hall.clerk)) as session:
        assert cancel(session, "c", number, build.now()).state == "cancelled"
        assert (lying(session, hall, "WORK"), sum_of(session, hall, "in_process")) == (18, 0)
        with pytest.raises(processing.ProcessingClosed):
            complete(session, bench.done(number, 1, made=made))
    assert is_clean(database, scope)


def test_free_and_bonded_goods_do_not_go_into_one_batch(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        bench = Bench(session, bonded=True)
        bench.hall.fill(session, "WORK", 30)
        bench.hall.fill(session, "WORK", 30, bench.hall.cream)
        bench.bill(session)
    with database.unit_of_work(as_person(scope, bench.hall.clerk)) as session:
        number = bench.order(session, filing_no=bench.filing(session))
        issue(session, "i", number, 1, build.now())
        with pytest.raises(processing.MixedStatus):
            complete(session, bench.done(number, 1))
