"""Inspection on receipt, holds by reason, changes of status and owner: from the receipt to the ledger."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.world import Scanner, World, build_world, let_through_gate, stock
from wms.customs import status_rules
from wms.customs import verification_lists as lists
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.floor import quality_queries, unit_queries
from wms.floor.rules import ownership
from wms.floor.rules import quality as rules
from wms.floor.rules.quality import Sample, by_share, by_table, verdict
from wms.floor.rules.repacking import Wanted
from wms.floor.service import changing_status, holding, inspecting
from wms.floor.service.changing_status import Agreement, Goods
from wms.floor.service.holding import Hold
from wms.floor.service.inspecting import Decide, NewPlan
from wms.floor.service.units import Deed
from wms.floor.tables import Inspection, Task
from wms.parties.tables import Company, Location
from wms.stock import ledger
from wms.stock.tables import HandlingUnit, StockHold
from wms.stock.verify import run as verify

TABLE = "quality.sample_table.level_ii_aql_2_5"


@pytest.fixture
def plain(database: Database, scope: Scope) -> World:
    with database.unit_of_work(scope) as session:
        return build_world(session, mode="0110")


@pytest.fixture
def gun(database: Database, scope: Scope, plain: World) -> Scanner:
    return Scanner(database, Scope(scope.tenant_id, plain.person.id, "clerk"), plain).at_dock()


def deed(reason: str | None = None, document: str | None = None) -> Deed:
    return Deed(f"d-{build.number()}", datetime.now(UTC), None, document, reason)


def plan(database: Database, scope: Scope, world: World, **given: Any) -> None:
    values: dict[str, Any] = {"sampling": "table", "sample_table": TABLE} if "share_permille" not in given else {}
    values |= {"sampling": "share"} if "share_permille" in given else {}
    new = NewPlan(
        source="test", valid_from_on=date(2026, 1, 1), owner_id=world.owner.id, **(values | given)
    )
    with database.unit_of_work(scope) as session:
        inspecting.enter_plan(session, new)


def inspections(database: Database, scope: Scope) -> list[Inspection]:
    with database.unit_of_work(scope) as session:
        return list(session.scalars(select(Inspection).order_by(Inspection.id)))


def decide(database: Database, scope: Scope, inspection: Inspection, defects: int, **given: Any) -> Inspection:
    note = given.pop("note", None)
    with database.unit_of_work(scope) as session:
        return inspecting.decide(session, Decide(inspection.id, defects, **given), deed(note))


def shelf(database: Database, scope: Scope, world: World) -> dict[tuple[str, str], int]:
    with database.unit_of_work(scope) as session:
        return stock(session, world)


@pytest.mark.parametrize(
    ("lot", "sample"),
    [(1, Sample(1)), (5, Sample(5)), (90, Sample(5)), (91, Sample(20, 1)), (500, Sample(32, 2)), (3200, Sample(80, 5))],
)
def test_a_table_says_how_many_of_how_large_a_lot(lot: int, sample: Sample) -> None:
    table = [[90, 5, 0], [280, 20, 1], [500, 32, 2], [1200, 50, 3], [3200, 80, 5]]
    assert by_table(lot, table, "t") == sample


def test_a_share_is_rounded_up_and_a_table_without_a_row_refuses() -> None:
    assert (by_share(100, 25), by_share(3, 1)) == (Sample(3), Sample(1))
    with pytest.raises(rules.BadSampleTable):
        by_table(99, [[90, 5, 0]], "t")


def test_a_verdict_other_than_the_count_needs_a_note() -> None:
    assert (verdict(1, Sample(20, 1), None, None), verdict(2, Sample(20, 1), None, None)) == ("passed", "failed")
    with pytest.raises(rules.VerdictNeedsReason):
        verdict(0, Sample(20, 1), "failed", None)
    assert verdict(0, Sample(20, 1), "failed", "wrong colour") == "failed"
    with pytest.raises(rules.MoreDefectsThanUnits):
        verdict(21, Sample(20, 1), None, None)


def test_units_are_set_aside_on_receipt_and_released_when_the_lot_passes(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    plan(database, scope, plain, trade_item_id=plain.meat.id)
    gun.scan(plain.pallet_label())
    assert shelf(database, scope, plain) == {("Beef", "good"): 80, ("Beef", "hold"): 20}
    [inspection] = inspections(database, scope)
    assert (inspection.lot_qty, inspection.sample_qty, inspection.accept_max) == (100, 20, 1)
    with database.unit_of_work(scope) as session:
        task = session.scalars(select(Task).where(Task.kind == "inspect")).one()
        assert (task.subject_no, task.qty, task.state) == (inspection.inspection_no, 20, "open")
    picture = "ab" * 32
    decided = decide(database, scope, inspection, 1, grade="A", pictures=(picture,))
    assert (decided.state, decided.grade, decided.pictures) == ("passed", "A", [picture])
    assert shelf(database, scope, plain) == {("Beef", "good"): 100}
    with database.unit_of_work(scope) as session:
        assert session.scalars(select(Task.state).where(Task.kind == "inspect")).one() == "done"
    assert verify(database, scope) == []


def test_a_lot_that_fails_is_blocked_and_no_other(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    plan(database, scope, plain, trade_item_id=plain.milk.id, share_permille=100)
    for lot in ("L1", "L2"):
        gun.scan("QTY 10")
        gun.scan(plain.label(plain.milk, lot))
    first, _ = inspections(database, scope)
    decide(database, scope, first, 1, note="sour")
    assert shelf(database, scope, plain) == {("Milk", "quarantine"): 10, ("Milk", "good"): 9, ("Milk", "hold"): 1}
    assert verify(database, scope) == []


def test_the_more_is_counted_in_the_more_is_set_aside(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    plan(database, scope, plain, trade_item_id=plain.cream.id, share_permille=100)
    for _ in range(3):
        gun.scan("QTY 10")
        gun.scan(plain.cream.gtin or "")
    assert shelf(database, scope, plain) == {("Hand cream", "good"): 27, ("Hand cream", "hold"): 3}
    [inspection] = inspections(database, scope)
    assert (inspection.lot_qty, inspection.sample_qty) == (30, 3)


def test_the_whole_lot_waits_where_the_plan_says_so(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    plan(database, scope, plain, trade_item_id=plain.meat.id, holds_lot=True)
    gun.scan(plain.pallet_label())
    assert shelf(database, scope, plain) == {("Beef", "hold"): 100}
    [inspection] = inspections(database, scope)
    decide(database, scope, inspection, 0)
    assert shelf(database, scope, plain) == {("Beef", "good"): 100}


def test_the_narrowest_plan_of_the_day_counts(database: Database, scope: Scope, gun: Scanner, plain: World) -> None:
    plan(database, scope, plain, share_permille=1000)
    plan(database, scope, plain, trade_item_id=plain.cream.id, share_permille=100)
    plan(database, scope, plain, trade_item_id=plain.cream.id, share_permille=500, valid_until_on=date(2026, 1, 2))
    gun.scan("QTY 10")
    gun.scan(plain.cream.gtin or "")
    assert shelf(database, scope, plain) == {("Hand cream", "good"): 9, ("Hand cream", "hold"): 1}


def test_two_who_decide_at_once_one_wins_and_the_other_is_told_who_and_when(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    plan(database, scope, plain, trade_item_id=plain.meat.id)
    gun.scan(plain.pallet_label())
    [inspection] = inspections(database, scope)
    clerk = Scope(scope.tenant_id, plain.person.id, "supervisor")

    def one() -> object:
        try:
            return decide(database, clerk, inspection, 0)
        except WmsError as refusal:
            return refusal

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda _: one(), range(2)))
    lost = [answer for answer in said if isinstance(answer, rules.InspectionDecided)]
    assert len(lost) == 1, said
    assert lost[0].values["person"]["en"] == plain.person.name_en


def test_bonded_goods_under_inspection_stay_on_hold_when_customs_books(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    plan(database, scope, world, trade_item_id=world.meat.id)
    scanner.at_dock().scan(world.pallet_label())
    for item, qty in ((world.milk, 40), (world.cream, 24)):
        scanner.scan(f"QTY {qty}")
        scanner.scan(world.label(item) if item is world.milk else item.gtin or "")
    with database.unit_of_work(scope) as session:
        let_through_gate(session, world.list_id)
        lists.book(session, world.list_id, "book-1", datetime.now(UTC))
    held = shelf(database, scope, world)
    assert (held["Beef", "good"], held["Beef", "hold"]) == (80, 20)
    [inspection] = inspections(database, scope)
    decide(database, scope, inspection, 0)
    assert shelf(database, scope, world)["Beef", "good"] == 100
    assert verify(database, scope) == []


def test_bonded_goods_that_pass_before_booking_are_lifted_by_it(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    plan(database, scope, world, trade_item_id=world.meat.id)
    scanner.at_dock().scan(world.pallet_label())
    [inspection] = inspections(database, scope)
    decide(database, scope, inspection, 0)
    assert shelf(database, scope, world) == {("Beef", "hold"): 100}


def hold_of(world: World, **given: Any) -> Hold:
    return Hold(world.owner.id, world.site.id, world.meat.id, "recall", **given)


def test_a_lot_is_held_by_reason_and_released_exactly(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    gun.scan(plain.pallet_label())
    gun.scan("QTY 7")
    gun.scan(plain.label(plain.meat, "L2"))
    with database.unit_of_work(scope) as session:
        unit = session.scalars(select(HandlingUnit.id).where(HandlingUnit.sscc == plain.pallet)).one()
        [hold_id] = holding.place_hold(session, hold_of(plain, handling_unit_id=unit), deed("supplier called"))
    assert shelf(database, scope, plain) == {("Beef", "hold"): 100, ("Beef", "good"): 7}
    with database.unit_of_work(scope) as session:
        [row] = quality_queries.holds(session)
        assert (row.reason, row.note, row.qty, row.sscc) == ("recall", "supplier called", 100, plain.pallet)
        holding.release(session, hold_id, "good", deed("false alarm"))
    assert shelf(database, scope, plain) == {("Beef", "good"): 107}
    with pytest.raises(rules.HoldReleased), database.unit_of_work(scope) as session:
        holding.release(session, hold_id, "good", deed("again"))
    assert verify(database, scope) == []


def test_goods_that_are_promised_are_not_held_behind_the_orders_back(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    gun.scan(plain.pallet_label())
    with database.unit_of_work(scope) as session:
        [lying] = holding.stock_of(session, hold_of(plain), ("good",))
        until = datetime(2099, 1, 1, tzinfo=UTC)
        ledger.reserve(session, ledger.Reserve(f"r-{build.number()}", lying.account, 30, until, "SO-7"))
    with pytest.raises(rules.HeldPromised) as refused, database.unit_of_work(scope) as session:
        holding.place_hold(session, hold_of(plain), deed())
    assert (refused.value.values["qty"], refused.value.values["documents"]) == (30, "SO-7")


def test_a_release_refuses_when_the_goods_are_no_longer_there(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    gun.scan(plain.pallet_label())
    with database.unit_of_work(scope) as session:
        [hold_id] = holding.place_hold(session, hold_of(plain, qty=40), deed())
        [lying] = holding.stock_of(session, hold_of(plain), ("hold",))
        holding.post_status(session, deed(), [(lying, 40, "damaged")], "fell")
    with pytest.raises(rules.HeldGoodsElsewhere), database.unit_of_work(scope) as session:
        holding.release(session, hold_id, "good", deed())
    with database.unit_of_work(scope) as session:
        assert session.get_one(StockHold, hold_id).state == "open"


def lying(session: Session, world: World, qty: int) -> Goods:
    place = session.get_one(Location, world.dock.id)
    return Goods(world.owner.id, place, Wanted(world.meat.id, qty, item=world.meat.code), world.pallet)


def act(database: Database, scope: Scope, work: Callable[[Session], Any]) -> Any:
    with database.unit_of_work(scope) as session:
        return work(session)


def test_goods_become_damaged_where_they_lie(database: Database, scope: Scope, gun: Scanner, plain: World) -> None:
    gun.scan(plain.pallet_label())
    act(database, scope, lambda s: changing_status.change_quality(s, lying(s, plain, 3), "damaged", deed("fork")))
    assert shelf(database, scope, plain) == {("Beef", "good"): 97, ("Beef", "damaged"): 3}
    assert verify(database, scope) == []


@pytest.mark.parametrize(
    ("to", "document", "refusal"),
    [
        ("free", None, status_rules.StatusNeedsDocument),
        ("free", "QD-NOTHING", status_rules.StatusDocumentUnknown),
        ("bonded", None, status_rules.StatusStays),
        ("export", None, status_rules.StatusNeedsDocument),
    ],
)
def test_bonded_goods_change_status_only_with_a_released_document(
    database: Database, scope: Scope, scanner: Scanner, world: World, to: str, document: str | None,
    refusal: type[WmsError],
) -> None:  # fmt: skip
    scanner.at_dock().scan(world.pallet_label())
    with pytest.raises(refusal):
        act(
            database, scope,
            lambda s: changing_status.change_customs(s, lying(s, world, 3), to, deed(document=document)),
        )  # fmt: skip


def test_free_goods_are_set_aside_for_export_by_their_declaration(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    gun.scan(plain.pallet_label())
    change = changing_status.change_customs
    act(database, scope, lambda s: change(s, lying(s, plain, 3), "export", deed(document="491520260000000001")))
    with pytest.raises(status_rules.EntersByList):
        act(database, scope, lambda s: change(s, lying(s, plain, 3), "bonded", deed(document="X")))
    assert verify(database, scope) == []


def taker(database: Database, scope: Scope, world: World, **columns: Any) -> int:
    with database.unit_of_work(scope) as session:
        owner = build.make_company(session, "owner_of_goods")
        controls = {"is_lot_controlled": True, "is_expiry_controlled": True, "gtin": world.meat.gtin}
        build.make_item(session, owner, **(controls | columns))
        return owner.id


BOTH = Agreement("sale 17", "order 4711")


def test_a_pallet_goes_to_another_owner_with_both_agreements(
    database: Database, scope: Scope, gun: Scanner, plain: World
) -> None:
    gun.scan(plain.pallet_label())
    to = taker(database, scope, plain)
    change = act(database, scope, lambda s: changing_status.give(s, lying(s, plain, 100), to, BOTH, deed()))
    assert (change.giver_agreement, change.taker_agreement, change.qty) == ("sale 17", "order 4711", 100)
    assert shelf(database, scope, plain) == {}
    with database.unit_of_work(scope) as session:
        theirs = replace_owner(plain, session.get_one(Company, to))
        assert list(stock(session, theirs).values()) == [100]
        unit = session.scalars(select(HandlingUnit).where(HandlingUnit.owner_id == to)).one()
        [came] = unit_queries.came_from(session, unit.id)
        assert (came.kind, came.from_sscc, came.qty) == ("given", plain.pallet, 100)
    assert verify(database, scope) == []


def replace_owner(world: World, owner: Company) -> World:
    return replace(world, owner=owner)


@pytest.mark.parametrize(
    ("agreement", "refusal"),
    [
        (Agreement(None, "order"), ownership.AgreementMissing),
        (Agreement("sale", " "), ownership.AgreementMissing),
        (Agreement("sale", "order", "NOTHING"), ownership.TakerHasNoItem),
    ],
)
def test_refuses_to_give_goods_without_both_sides(
    database: Database, scope: Scope, gun: Scanner, plain: World, agreement: Agreement, refusal: type[WmsError]
) -> None:
    gun.scan(plain.pallet_label())
    to = taker(database, scope, plain)
    with pytest.raises(refusal):
        act(database, scope, lambda s: changing_status.give(s, lying(s, plain, 5), to, agreement, deed()))


def test_bonded_goods_keep_their_owner(database: Database, scope: Scope, scanner: Scanner, world: World) -> None:
    scanner.at_dock().scan(world.pallet_label())
    to = taker(database, scope, world)
    with pytest.raises(ownership.BondedKeepsOwner):
        act(database, scope, lambda s: changing_status.give(s, lying(s, world, 5), to, BOTH, deed()))
