"""Meat from abroad: permit with quota, plant, health certificate, inspection; on hold until customs' certificate."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests import build
from tests.build import now, number
from tests.wms.floor.world import Scanner, World, build_world, let_through_gate, stock
from wms.catalog.tables import TradeItem
from wms.customs import list_queries, meat, meat_queries, modes
from wms.customs import meat_rules as rules
from wms.customs import verification_lists as lists
from wms.customs import verify as customs_verify
from wms.customs.tables import ImportPermit, MeatBatch
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.floor.rules.list_receipt import ListLine
from wms.floor.rules.repacking import Wanted
from wms.floor.service import changing_status, holding
from wms.floor.service import meat as floor_meat
from wms.floor.service.changing_status import Goods
from wms.floor.service.receiving_lists import ReceiveList, receive_list
from wms.floor.service.units import Deed
from wms.parties import dated
from wms.parties.tables import Location
from wms.stock.tables import Lot, StockHold
from wms.stock.verify import run as verify

TODAY = modes.beijing_day(now())
BEEF = "0202300090"
KG = 1_000


@pytest.fixture
def world(database: Database, scope: Scope) -> World:
    """The bonded notice with its pallet of frozen beef (100 cartons of lot L1), a plant and a permit of 3 t."""
    with database.unit_of_work(scope) as session:
        made = build_world(session)
        session.get_one(TradeItem, made.meat.id).hs_code = BEEF
        plant(session, "AU-0648")
        permit(session, made)
        return made


def plant(session: Session, number_of: str, country: str = "601", *, is_open: bool = True) -> None:
    dated.set_value(
        session, "meat.plant", {"country": country, "name": "Plant", "is_open": is_open},
        valid_from_on=TODAY - timedelta(days=300), source="register of customs", subject=number_of,
    )  # fmt: skip


def permit(session: Session, world: World, **changes: object) -> ImportPermit:
    given: dict[str, object] = {
        "permit_no": f"AQ{number()}", "owner_id": world.owner.id, "trade_item_id": world.meat.id, "country": "601",
        "quota_g": 3_000 * KG, "valid_from_on": TODAY - timedelta(days=30),
        "valid_until_on": TODAY + timedelta(days=150),
    }  # fmt: skip
    return meat.file_permit(session, rules.NewPermit(**(given | changes)))  # type: ignore[arg-type]


def permit_no(session: Session, world: World) -> str:
    found = select(ImportPermit.permit_no).where(ImportPermit.owner_id == world.owner.id).order_by(ImportPermit.id)
    return session.scalars(found).first() or ""


def announce(session: Session, world: World, **changes: object) -> MeatBatch:
    given: dict[str, object] = {
        "list_no": list_queries.state_of(session, world.list_id)[0], "trade_item_id": world.meat.id,
        "permit_no": permit_no(session, world), "plant_no": "AU-0648", "health_certificate_no": "HC-77",
        "health_certificate_on": TODAY - timedelta(days=20), "weight_g": 2_000 * KG, "lot_no": "L1",
    }  # fmt: skip
    return meat.announce(session, rules.NewBatch(**(given | changes)), now())  # type: ignore[arg-type]


def used_g(session: Session, world: World) -> int:
    return sum(session.scalars(select(ImportPermit.used_g).where(ImportPermit.owner_id == world.owner.id)))


def receive(session: Session, world: World) -> None:
    line = ListLine(world.meat.code, 100, "L1", world.expires_on, world.pallet)
    command = ReceiveList(f"r{number()}", world.notice_no, "DOCK-1", now(), (line,))
    assert receive_list(session, command).faults == ()


def deed(reason: str | None = None) -> Deed:
    return Deed(f"d{number()}", now(), None, None, reason)


def holds(session: Session, world: World) -> list[StockHold]:
    return list(session.scalars(select(StockHold).where(StockHold.owner_id == world.owner.id)))


def book(session: Session, world: World) -> None:
    """Customs books the list: everything came, everything is through the gate."""
    let_through_gate(session, world.list_id)
    rest = (ListLine(world.milk.code, 40, "L1", world.expires_on), ListLine(world.cream.code, 24))
    receive_list(session, ReceiveList(f"r{number()}", world.notice_no, "DOCK-1", now(), rest))
    lists.book(session, world.list_id, f"b{number()}", now())


def test_6_from_the_permit_to_good_stock_only_customs_certificate_ends_the_hold(
    database: Database, scope: Scope, world: World
) -> None:
    with database.unit_of_work(scope) as session:
        batch = announce(session, world)
        assert (batch.state, used_g(session, world)) == ("announced", 2_000 * KG)
        receive(session, world)
        book(session, world)
        # Booked: milk and cream are good, and only the meat stays on hold.
        assert stock(session, world) == {("Beef", "hold"): 100, ("Milk", "good"): 40, ("Hand cream", "good"): 24}
        number_of = batch.batch_no or ""
    by_hand(database, scope, world)
    with database.unit_of_work(scope) as session, pytest.raises(rules.BatchInState):
        floor_meat.certify(session, number_of, "4300260001", deed())
    with database.unit_of_work(scope) as session:
        floor_meat.inspect(session, number_of, "label and -18 °C as they should be", deed(), passed=True)
        assert stock(session, world)["Beef", "hold"] == 100
        floor_meat.certify(session, number_of, "4300260001", deed())
        assert stock(session, world)["Beef", "good"] == 100
        row = meat_queries.one(session, batch.id)
        assert (row.state, row.entry_certificate_no, row.held_qty) == ("certified", "4300260001", 0)
    assert verify(database, scope) == []


def by_hand(database: Database, scope: Scope, world: World) -> None:
    """Neither lifting the hold, nor a change of status makes the meat good."""

    def lift(session: Session) -> None:
        (held,) = holds(session, world)
        holding.release(session, held.id, "good", deed("looks fine"))

    def change(session: Session) -> None:
        lot_id = session.scalars(select(Lot.id).where(Lot.trade_item_id == world.meat.id)).one()
        goods = Goods(
            world.owner.id, session.get_one(Location, world.dock.id), Wanted(world.meat.id, 100, lot_id), world.pallet
        )
        changing_status.change_quality(session, goods, "good", deed("looks fine"))

    for act in (lift, change):
        with pytest.raises(rules.HeldForPapers, match="lot L1"), database.unit_of_work(scope) as session:
            act(session)


def test_6_the_certificate_before_the_booking_leaves_the_goods_to_the_booking(
    database: Database, scope: Scope, world: World
) -> None:
    with database.unit_of_work(scope) as session:
        batch = announce(session, world)
        receive(session, world)
        floor_meat.inspect(session, batch.batch_no or "", "", deed(), passed=True)
        floor_meat.certify(session, batch.batch_no or "", "4300260001", deed())
        assert stock(session, world)["Beef", "hold"] == 100
        book(session, world)
        assert stock(session, world)["Beef", "good"] == 100
    assert verify(database, scope) == []


def test_6_meat_that_fails_is_blocked(database: Database, scope: Scope, world: World) -> None:
    with database.unit_of_work(scope) as session:
        batch = announce(session, world)
        receive(session, world)
        book(session, world)
        with pytest.raises(rules.NoteMissing):
            floor_meat.inspect(session, batch.batch_no or "", " ", deed(), passed=False)
        floor_meat.inspect(session, batch.batch_no or "", "thawed", deed("thawed"), passed=False)
        assert stock(session, world)["Beef", "quarantine"] == 100
        with pytest.raises(rules.BatchInState):
            floor_meat.certify(session, batch.batch_no or "", "4300260001", deed())
    assert verify(database, scope) == []


def test_6_meat_without_any_papers_is_held_all_the_same(database: Database, scope: Scope, world: World) -> None:
    with database.unit_of_work(scope) as session:
        receive(session, world)
        book(session, world)
        assert stock(session, world)["Beef", "hold"] == 100
        announced_late = announce(session, world)
        floor_meat.inspect(session, announced_late.batch_no or "", "", deed(), passed=True)
        floor_meat.certify(session, announced_late.batch_no or "", "4300260001", deed())
        assert stock(session, world)["Beef", "good"] == 100


def test_6_catch_weight_settles_the_permit_with_the_grams_that_came(
    database: Database, scope: Scope, world: World
) -> None:
    with database.unit_of_work(scope) as session:
        session.get_one(TradeItem, world.meat.id).is_catch_weight = True
        session.flush()
        batch = announce(session, world)
        line = ListLine(world.meat.code, 100, "L1", world.expires_on, world.pallet, weight_g=2_013_500)
        assert receive_list(
            session, ReceiveList(f"r{number()}", world.notice_no, "DOCK-1", now(), (line,))
        ).faults == ()  # fmt: skip
        floor_meat.inspect(session, batch.batch_no or "", "", deed(), passed=True)
        floor_meat.certify(session, batch.batch_no or "", "4300260001", deed())
        assert used_g(session, world) == 2_013_500
        book(session, world)
        assert stock(session, world)["Beef", "good"] == 100
    assert verify(database, scope) == []


def test_6_more_grams_than_the_permit_has_are_refused_at_the_certificate(
    database: Database, scope: Scope, world: World
) -> None:
    with database.unit_of_work(scope) as session:
        session.get_one(TradeItem, world.meat.id).is_catch_weight = True
        session.flush()
        batch = announce(session, world)
        line = ListLine(world.meat.code, 100, "L1", world.expires_on, world.pallet, weight_g=3_000 * KG + 1)
        receive_list(session, ReceiveList(f"r{number()}", world.notice_no, "DOCK-1", now(), (line,)))
        floor_meat.inspect(session, batch.batch_no or "", "", deed(), passed=True)
        with pytest.raises(rules.OverPermit):
            floor_meat.certify(session, batch.batch_no or "", "4300260001", deed())


def test_6_a_receipt_by_scan_holds_the_meat_and_its_undo_ends_the_hold(
    database: Database, scope: Scope, world: World
) -> None:
    gun = Scanner(database, Scope(scope.tenant_id, world.person.id, "clerk"), world).at_dock()
    assert gun.scan(world.pallet_label()).is_undoable
    with database.unit_of_work(scope) as session:
        (held,) = holds(session, world)
        assert (held.state, held.qty, held.reason) == ("open", 100, "customs")
    assert gun.scan("UNDO").code == "undone"
    with database.unit_of_work(scope) as session:
        (held,) = holds(session, world)
        assert held.state == "released"
    assert verify(database, scope) == []


def test_6_goods_that_are_no_meat_need_no_papers(database: Database, scope: Scope, world: World) -> None:
    with database.unit_of_work(scope) as session:
        with pytest.raises(rules.NotControlled):
            announce(session, world, trade_item_id=world.milk.id)
        line = ListLine(world.milk.code, 40, "L1", world.expires_on)
        receive_list(session, ReceiveList(f"r{number()}", world.notice_no, "DOCK-1", now(), (line,)))
        assert holds(session, world) == []


def test_6_each_wrong_paper_is_refused_in_words(database: Database, scope: Scope, world: World) -> None:
    with database.unit_of_work(scope) as session:
        plant(session, "BR-1", "410")
        plant(session, "AU-9", is_open=False)
        stranger = build.make_company(session, "owner_of_goods")
        foreign = permit(session, world, owner_id=stranger.id).permit_no
        of_milk = permit(session, world, trade_item_id=world.milk.id).permit_no
        over = permit(session, world, valid_until_on=TODAY - timedelta(days=1)).permit_no
        early = permit(session, world, valid_from_on=TODAY + timedelta(days=3)).permit_no
        wrong: list[tuple[dict[str, object], type[WmsError], str]] = [
            ({"permit_no": "NOTHING"}, rules.UnknownPermit, "NOTHING"),
            ({"permit_no": foreign}, rules.PermitForOtherGoods, "another owner"),
            ({"permit_no": of_milk}, rules.PermitForOtherGoods, "other goods"),
            ({"permit_no": over}, rules.PermitNotValid, "not on"),
            ({"permit_no": early}, rules.PermitNotValid, "not on"),
            ({"plant_no": "NOBODY"}, rules.PlantNotRegistered, "NOBODY"),
            ({"plant_no": "BR-1"}, rules.PlantNotRegistered, "country 601"),
            ({"plant_no": "AU-9"}, rules.PlantNotRegistered, "AU-9"),
            ({"health_certificate_on": TODAY + timedelta(days=3)}, rules.CertificateTooLate, "to come"),
            ({"weight_g": 3_000 * KG + 1}, rules.OverPermit, "3000000 g of its quota left"),
            ({"list_no": "NOTHING"}, WmsError, "NOTHING"),
        ]
        for changes, refusal, words in wrong:
            with pytest.raises(refusal, match=words), session.begin_nested():
                announce(session, world, **changes)
        announce(session, world)
        with pytest.raises(rules.BatchExists, match="L1"), session.begin_nested():
            announce(session, world)
        assert used_g(session, world) == 2_000 * KG
        with pytest.raises(rules.BadPermit, match="above zero"):
            permit(session, world, quota_g=0)
        with pytest.raises(rules.BadPermit, match="end after"):
            permit(session, world, valid_from_on=TODAY + timedelta(days=200))
        with pytest.raises(rules.PermitExists):
            permit(session, world, permit_no=over)


def test_6_papers_that_are_withdrawn_give_the_permit_its_quota_back(
    database: Database, scope: Scope, world: World
) -> None:
    with database.unit_of_work(scope) as session:
        batch = announce(session, world)
        meat.void(session, batch.batch_no or "", "ship was diverted")
        assert used_g(session, world) == 0
        announce(session, world)
        with pytest.raises(rules.BatchInState):
            meat.void(session, batch.batch_no or "", "twice")
        with pytest.raises(rules.UnknownBatch):
            meat.void(session, "MB0", "nothing")


def test_6_batches_that_race_for_the_last_of_a_permit_never_get_more(
    database: Database, scope: Scope, world: World
) -> None:
    start = Barrier(8)

    def take(turn: int) -> bool:
        start.wait(30)
        try:
            with database.unit_of_work(scope) as session:
                announce(session, world, weight_g=900 * KG, lot_no=f"R{turn}")
        except rules.OverPermit:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        granted = list(pool.map(take, range(8)))
    assert sum(granted) == 3  # 3 × 900 ≤ 3,000 < 4 × 900, whoever was first
    with database.unit_of_work(scope) as session:
        assert used_g(session, world) == 2_700 * KG
        assert list(customs_verify.findings(session)) == []


def test_verify_names_a_permit_that_counts_other_grams_than_its_batches(
    database: Database, scope: Scope, world: World
) -> None:
    with database.unit_of_work(scope) as session:
        announce(session, world)
        assert list(customs_verify.findings(session)) == []
        session.execute(update(ImportPermit).values(used_g=7))
        (found,) = customs_verify.findings(session)
        assert "7 g used, its batches weigh 2000000 g" in str(found)


def test_an_inspection_of_the_house_that_passes_does_not_end_customs_hold(
    database: Database, scope: Scope, world: World
) -> None:
    with database.unit_of_work(scope) as session:
        batch = announce(session, world)
        receive(session, world)
        book(session, world)
        (papers,) = holds(session, world)
        of_house = holding.Hold(
            world.owner.id, world.site.id, world.meat.id, "inspection", papers.lot_id, papers.handling_unit_id, 3
        )
        hold_id = holding.register(session, of_house, deed(), None)
        holding.release(session, hold_id, "good", deed("passed"))
        assert stock(session, world)["Beef", "hold"] == 100
        floor_meat.inspect(session, batch.batch_no or "", "", deed(), passed=True)
        again = holding.register(session, of_house, deed(), None)
        floor_meat.certify(session, batch.batch_no or "", "4300260001", deed())
        assert (stock(session, world)["Beef", "hold"], stock(session, world)["Beef", "good"]) == (3, 97)
        holding.release(session, again, "good", deed("passed"))
        assert stock(session, world)["Beef", "good"] == 100
    assert verify(database, scope) == []


def test_which_goods_are_controlled_is_dated_data(database: Database, scope: Scope, world: World) -> None:
    with database.unit_of_work(scope) as session:
        assert meat.needs_papers(session, BEEF, TODAY)
        dated.set_value(session, "meat.headings", ["0203"], valid_from_on=TODAY, source="test")
        assert not meat.needs_papers(session, BEEF, TODAY)
        assert meat.needs_papers(session, BEEF, TODAY - timedelta(days=1))
        assert not meat.needs_papers(session, None, TODAY)


def test_a_lot_without_number_is_held_and_certified_too(database: Database, scope: Scope, world: World) -> None:
    facts = rules.PermitFacts("A", 1, 2, "601", TODAY, TODAY, is_void=False)
    rules.check_use(facts, 1, 2, TODAY)
    with pytest.raises(rules.PermitForOtherGoods, match="void"):
        rules.check_use(replace(facts, is_void=True), 1, 2, TODAY)
    with pytest.raises(rules.PermitForOtherGoods, match="other goods"):
        rules.check_use(facts, 1, 3, TODAY)
    assert rules.hold_document("QD1", None) == "meat QD1 -"
    assert build.number() > 0
