"""Counts from the order to the ledger: blind, by several people, while the stock moves."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from tests import build
from tests.wms.floor.inside import Hall, Handheld, build_hall, is_clean, lying, make_pallet, sum_of
from wms.db import Database, Scope
from wms.floor.rules import adjusting, counting, moving
from wms.floor.service import count_deciding, differences
from wms.floor.service import counting as orders
from wms.floor.service.count_deciding import Decide
from wms.floor.service.counting import NewCount, plan, trigger
from wms.floor.service.differences import Settle
from wms.floor.tables import Task
from wms.floor.tables.counts import Count, CountDifference, CountPlace, DiscrepancyCase
from wms.parties.tables import Person
from wms.stock.ledger import Reserve, reserve

Gun = Callable[..., Handheld]


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        made.fill(session, "A-1", 100)
        return made


@pytest.fixture
def bonded(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session, bonded=True)
        made.fill(session, "A-1", 100)
        return made


@pytest.fixture
def gun(database: Database, scope: Scope, hall: Hall) -> Gun:
    def make(person: Person | None = None, job: str = "count", where: Hall | None = None) -> Handheld:
        there = where or hall
        return Handheld(database, scope.tenant_id, there, person or there.clerk, job)

    return make


def waiting(database: Database, scope: Scope) -> list[CountDifference]:
    with database.unit_of_work(scope) as session:
        return list(session.scalars(select(CountDifference).where(CountDifference.state == "waiting")))


def as_person(scope: Scope, person: Person) -> Scope:
    return Scope(scope.tenant_id, person.id, "supervisor")


def decide(database: Database, scope: Scope, person: Person, row: CountDifference, qty: int | None = None) -> None:
    command = Decide("k", row.id, row.qty if qty is None else qty, build.now())
    with database.unit_of_work(as_person(scope, person)) as session:
        count_deciding.approve(session, command)


def milk(database: Database, scope: Scope, hall: Hall, place: str = "A-1") -> int:
    with database.unit_of_work(scope) as session:
        return lying(session, hall, place)


def count_twice(gun: Gun, hall: Hall, qty: int) -> list[str]:
    first = gun(where=hall).scans("A-1", f"QTY {qty}", hall.label(), "CONFIRM")[-1]
    return [first, gun(hall.other_clerk, where=hall).scans("A-1", f"QTY {qty}", hall.label(), "CONFIRM")[-1]]


def test_a_count_that_agrees_changes_nothing(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    with database.unit_of_work(scope) as session:
        count_no = plan(session, NewCount(hall.site.id, "location", (hall.places["A-1"].id,)), build.now()).count_no
    said = gun().scans("NEXT", "A-1", "QTY 60", hall.label(), "QTY 40", hall.label(), "CONFIRM", document_no=count_no)
    assert said[0] == "next_place"
    assert said[-1] == "place_counted"
    with database.unit_of_work(scope) as session:
        assert session.scalars(select(Count)).one().state == "done"
        assert [task.state for task in session.scalars(select(Task))] == ["done"]
    assert is_clean(database, scope)


def test_counts_are_blind_unless_the_order_says_otherwise(
    database: Database, scope: Scope, hall: Hall, gun: Gun
) -> None:
    assert "book" not in gun().scan("A-1").values
    open_count = NewCount(hall.site.id, "location", (hall.places["A-2"].id,), is_blind=False)
    with database.unit_of_work(scope) as session:
        hall.fill(session, "A-2", 7)
        plan(session, open_count, build.now())
    assert gun().scan("A-2").values["book"] == 7


def test_a_difference_is_counted_again_by_another_and_approved_by_a_third(
    database: Database, scope: Scope, hall: Hall, gun: Gun
) -> None:
    assert gun().scans("A-1", "QTY 90", hall.label(), "CONFIRM")[-1] == "recount_wanted"
    assert gun().scans("A-1")[-1] == "another_must_count"
    assert gun(hall.boss).scans("A-1", "QTY 90", hall.label(), "CONFIRM")[-1] == "difference_waits"
    [row] = waiting(database, scope)
    assert (row.qty, milk(database, scope, hall)) == (-10, 100)
    with pytest.raises(counting.CounterMayNotApprove):
        decide(database, scope, hall.boss, row)
    with pytest.raises(counting.SupervisorOnly):
        decide(database, scope, hall.clerk, row)
    decide(database, scope, hall.other_boss, row)
    with pytest.raises(counting.DifferenceDecided):
        decide(database, scope, hall.other_boss, row)
    assert milk(database, scope, hall) == 90
    with database.unit_of_work(scope) as session:
        assert sum_of(session, hall, "adjustment") == 10
    assert is_clean(database, scope)


def test_the_database_itself_forbids_to_approve_ones_own_count(
    database: Database, scope: Scope, hall: Hall, gun: Gun
) -> None:
    count_twice(gun, hall, 90)
    [row] = waiting(database, scope)
    for person in (hall.other_clerk, hall.clerk):
        with pytest.raises(IntegrityError, match="approver_not"), database.unit_of_work(scope) as session:
            session.execute(update(CountDifference).where(CountDifference.id == row.id).values(decided_by=person.id))
    with pytest.raises(IntegrityError, match="recounted_by_another"), database.unit_of_work(scope) as session:
        session.execute(update(CountPlace).where(CountPlace.round == 2).values(counter_id=hall.clerk.id))


def test_a_third_round_follows_when_two_do_not_agree(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    assert gun().scans("A-1", "QTY 90", hall.label(), "DONE")[-1] == "recount_wanted"
    assert gun(hall.other_clerk).scans("A-1", "QTY 95", hall.label(), "DONE")[-1] == "recount_wanted"
    assert gun(hall.boss).scans("A-1", "QTY 100", hall.label(), "DONE")[-1] == "place_counted"
    assert waiting(database, scope) == []


def test_an_empty_place_is_confirmed(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    assert gun().scans("A-2", "CONFIRM")[-1] == "place_counted"
    assert gun().scans("A-1", "CONFIRM")[-1] == "recount_wanted"


def test_leaving_a_place_without_counting_does_not_declare_it_empty(
    database: Database, scope: Scope, hall: Hall, gun: Gun
) -> None:
    gun().scans("A-1", "A-2", "CONFIRM")
    with database.unit_of_work(scope) as session:
        state = select(CountPlace.state).where(CountPlace.location_id == hall.places["A-1"].id)
        assert session.scalars(state).one() == "counting"


def test_a_small_difference_is_adjusted_at_once(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    with database.unit_of_work(scope) as session:
        hall.fill(session, "A-1", 900)
    assert gun().scans("A-1", "QTY 998", hall.label(), "CONFIRM")[-1] == "place_counted"
    assert milk(database, scope, hall) == 998
    assert is_clean(database, scope)


def test_stock_that_moves_before_and_after_the_scan_is_no_difference(
    database: Database, scope: Scope, hall: Hall, gun: Gun
) -> None:
    counter, mover = gun(), gun(hall.other_clerk, "move")
    counter.scan("A-1")
    mover.scans("A-1", "QTY 30", hall.label(), "A-2")
    counter.scans("QTY 70", hall.label())
    mover.scans("A-1", "QTY 20", hall.label(), "A-2")
    assert counter.scan("CONFIRM").code == "place_counted"
    assert milk(database, scope, hall) == 50
    assert is_clean(database, scope)


def test_stock_that_moves_between_two_scans_of_it_is_counted_again(hall: Hall, gun: Gun) -> None:
    counter, mover = gun(), gun(hall.other_clerk, "move")
    counter.scans("A-1", "QTY 50", hall.label())
    mover.scans("A-1", "QTY 30", hall.label(), "A-2")
    counter.scans("QTY 50", hall.label())
    assert counter.scan("CONFIRM").code == "recount_wanted"


def test_an_approval_is_told_of_moves_that_were_booked_late(
    database: Database, scope: Scope, hall: Hall, gun: Gun
) -> None:
    before = build.now()
    count_twice(gun, hall, 90)
    [row] = waiting(database, scope)
    offline = gun(hall.other_clerk, "move")
    assert offline.scans("A-1", "QTY 10", hall.label(), "A-2", occurred_at=before)[-1] == "moved"
    with pytest.raises(counting.DifferenceChanged):
        decide(database, scope, hall.boss, row)
    assert milk(database, scope, hall) == 90


def test_of_two_counters_of_one_place_one_wins(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    guns = [gun(hall.clerk), gun(hall.other_clerk), gun(hall.boss), gun(hall.other_boss)]
    with database.unit_of_work(scope) as session:
        plan(session, NewCount(hall.site.id, "location", (hall.places["A-1"].id,)), build.now())
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda one: one.scan("A-1"), guns))
    codes = sorted(one.code for one in said)
    assert codes == ["count_started", "counted_by_other", "counted_by_other", "counted_by_other"]
    assert next(one for one in said if one.code == "counted_by_other").values["person"]["en"].startswith("Person")


def test_a_short_pick_orders_one_count_of_that_item(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    place, item = hall.places["A-1"].id, hall.milk.id
    with database.unit_of_work(scope) as session:
        hall.fill(session, "A-1", 5, hall.cream)
        first = trigger(session, place, item, "short pick PK1")
        assert trigger(session, place, item, "short pick PK2") == first
        assert trigger(session, place, hall.cream.id, "short pick PK3") != first
    one = gun()
    assert one.scans("A-1", hall.label(hall.cream))[-1] == "count_item_only"
    assert one.scans("QTY 100", hall.label(), "CONFIRM", document_no=None)[-1] == "place_counted"
    with database.unit_of_work(scope) as session:
        assert lying(session, hall, "A-1", hall.cream) == 5


def test_counts_by_item_and_by_class_that_is_due(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    with database.unit_of_work(scope) as session:
        hall.fill(session, "A-2", 5)
        by_item = plan(session, NewCount(hall.site.id, "item", item_ids=(hall.milk.id,)), build.now())
        assert len(list(session.scalars(select(CountPlace).where(CountPlace.count_id == by_item.id)))) == 2
        with pytest.raises(counting.NothingToCount):
            plan(session, NewCount(hall.site.id, "abc", velocity_class="A"), build.now())
    for place, qty in (("A-1", 100), ("A-2", 5)):
        assert gun().scans(place, f"QTY {qty}", hall.label(), "CONFIRM")[-1] == "place_counted"
    by_class = NewCount(hall.site.id, "abc", velocity_class="C")
    with database.unit_of_work(scope) as session:
        with pytest.raises(counting.NothingToCount):
            plan(session, by_class, build.now())
        later = plan(session, by_class, build.now() + timedelta(days=181))
        assert later.kind == "abc"


def test_bonded_goods_go_to_the_discrepancy_account_and_are_found_again(
    database: Database, scope: Scope, bonded: Hall, gun: Gun
) -> None:
    count_twice(gun, bonded, 97)
    [row] = waiting(database, scope)
    decide(database, scope, bonded.boss, row)
    with database.unit_of_work(scope) as session:
        case = session.scalars(select(DiscrepancyCase)).one()
        assert (case.qty, case.state, case.responsible_id) == (-3, "open", bonded.boss.id)
        assert sum_of(session, bonded, "discrepancy") == 3
    assert is_clean(database, scope)
    command = Settle("s1", case.case_no, "found", 1, build.now(), bonded.places["Q-1"].id)
    with database.unit_of_work(as_person(scope, bonded.boss)) as session:
        differences.settle(session, command)
        with pytest.raises(adjusting.CustomsDocumentMissing):
            differences.settle(session, Settle("s2", case.case_no, "written_off", 2, build.now()))
        with pytest.raises(adjusting.CaseSettled):
            differences.settle(session, Settle("s3", case.case_no, "written_off", 3, build.now(), None, "D1"))
        differences.settle(session, Settle("s4", case.case_no, "written_off", 2, build.now(), None, "D1"))
    with database.unit_of_work(scope) as session:
        assert session.scalars(select(DiscrepancyCase.state)).one() == "settled"
        assert sum_of(session, bonded, "discrepancy") == 0
        assert sum_of(session, bonded, "book") == 98
    assert is_clean(database, scope)


def test_surplus_bonded_goods_settle_what_was_missing_before(
    database: Database, scope: Scope, bonded: Hall, gun: Gun
) -> None:
    count_twice(gun, bonded, 97)
    decide(database, scope, bonded.boss, waiting(database, scope)[0])
    with database.unit_of_work(scope) as session:
        bonded.fill(session, "A-2", 10)
    for person in (bonded.clerk, bonded.other_clerk):
        gun(person, where=bonded).scans("A-2", "QTY 14", bonded.label(), "CONFIRM")
    decide(database, scope, bonded.boss, waiting(database, scope)[0])
    with database.unit_of_work(scope) as session:
        found = {(case.qty, case.state) for case in session.scalars(select(DiscrepancyCase))}
        assert found == {(-3, "settled"), (1, "open")}
    assert is_clean(database, scope)


def test_a_pallet_that_stands_elsewhere_is_booked_where_it_is_found(
    database: Database, scope: Scope, hall: Hall, gun: Gun
) -> None:
    with database.unit_of_work(scope) as session:
        unit = make_pallet(session, hall)
        hall.fill(session, "A-2", 8, handling_unit_id=unit.id)
    one = gun()
    label = f"]C100{unit.sscc}"
    assert one.scans("A-3", label, "CONFIRM") == ["count_started", "unit_elsewhere", "counted"]
    assert one.scan(label).code == "unit_counted_twice"
    assert one.scan("CONFIRM").code == "place_counted"
    assert milk(database, scope, hall, "A-3") == 8
    assert is_clean(database, scope)


def test_a_reserved_shortage_waits_until_the_document_lets_go(
    database: Database, scope: Scope, hall: Hall, gun: Gun
) -> None:
    with database.unit_of_work(scope) as session:
        reserve(session, Reserve("r", hall.account("A-1"), 95, build.now() + timedelta(hours=1), "SO-9"))
    count_twice(gun, hall, 90)
    with pytest.raises(moving.ReservedFor, match="SO-9"):
        decide(database, scope, hall.boss, waiting(database, scope)[0])


@pytest.mark.parametrize(
    ("codes", "mistake"),
    [
        (("MILK",), "no_place_to_count"),
        (("CONFIRM",), "no_place_to_count"),
        (("A-1", "QTY 0"), "bad_quantity"),
        (("A-1", "QTY 2,5"), "bad_quantity"),
        (("A-1", "NOLOT"), "lot_missing"),
        (("A-1", "WHAT"), "unknown_label"),
        (("UNDO",), "nothing_to_undo"),
    ],
)
def test_each_mistake_has_its_own_answer(hall: Hall, gun: Gun, codes: tuple[str, ...], mistake: str) -> None:
    words = {"MILK": hall.label(), "NOLOT": hall.label(lot_no=None)}
    assert gun().scans(*(words.get(code, code) for code in codes))[-1] == mistake


def test_undo_takes_the_last_scan_back(hall: Hall, gun: Gun) -> None:
    said = gun().scans("A-1", "QTY 100", hall.label(), "QTY 5", hall.label(), "UNDO", "CONFIRM")
    assert said[-2:] == ["count_undone", "place_counted"]


def test_a_cancelled_count_ends_its_tasks(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    with database.unit_of_work(as_person(scope, hall.boss)) as session:
        made = plan(session, NewCount(hall.site.id, "location", (hall.places["A-1"].id,)), build.now())
        orders.cancel(session, made.count_no, build.now())
        assert [task.state for task in session.scalars(select(Task))] == ["void"]
        with pytest.raises(counting.CountClosed):
            orders.cancel(session, made.count_no, build.now())
    assert gun().scan("A-1", document_no=made.count_no).code == "count_closed"
