"""Pieces told apart in replenishment and in cross-docking: exactly these numbers and grams reach the ledger."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from tests import build
from tests.wms.floor.inside import Handheld, is_clean, lying, make_pallet
from tests.wms.floor.service.test_piece_scans import Goods, grams, where
from wms.db import Database, Scope
from wms.floor.rules.orders import OrderLineIn
from wms.floor.service.counting_in import want_place
from wms.floor.service.orders import PlaceOrder, place_order
from wms.floor.service.replenishing import Limits, propose, set_limits
from wms.floor.tables import OrderLine, OutboundOrder
from wms.floor.tables.counts import Count
from wms.floor.tables.replenishing import ReplenishmentLine
from wms.stock.tables import Reservation

GUN = Callable[..., Handheld]


@pytest.fixture
def goods(database: Database, scope: Scope) -> Goods:
    """Four cameras and three hams lie in A-1; P-1 is the pick face of both, and empty."""
    with database.unit_of_work(scope) as session:
        made = Goods(session)
        made.bring(session, "A-1", made.camera, 4, serials=("S1", "S2", "S3", "S4"))
        made.bring(session, "A-1", made.ham, 3, weight_g=6_600)
        made.hall.places["XD"] = build.make_location(session, made.hall.site, code="XD-1")
        made.hall.places["XD"].zone = "XD"
        made.hall.places["XD"].pick_sequence = 1_000_000
        return made


@pytest.fixture
def gun(database: Database, scope: Scope, goods: Goods) -> GUN:
    def make(job: str = "move") -> Handheld:
        return Handheld(database, scope.tenant_id, goods.hall, goods.hall.clerk, job)

    return make


def fill(database: Database, scope: Scope, goods: Goods, item: object, most: int) -> str:
    """Ask for a replenishment of P-1 and return its number."""
    with database.unit_of_work(scope) as session:
        set_limits(session, [Limits(goods.hall.places["P-1"].id, item.id, 1, most)])  # type: ignore[attr-defined]
        [made] = propose(session, f"k{build.number()}", goods.hall.site.id, build.now(), {})
        return made.replenishment_no


def line(database: Database, scope: Scope) -> tuple[int, str]:
    with database.unit_of_work(scope) as session:
        found = session.execute(select(ReplenishmentLine.done_qty, ReplenishmentLine.state)).one()
        return found[0], found[1]


def test_numbered_pieces_fill_a_pick_face(database: Database, scope: Scope, goods: Goods, gun: GUN) -> None:
    number = fill(database, scope, goods, goods.camera, 3)
    handheld = gun()
    first = handheld.scan(goods.serial("S2"), document_no=number)
    assert (first.code, first.values["qty"], first.values["wanted"]) == ("piece_in_hand", 1, 3)
    assert handheld.scan("P-1").code == "replenished"
    assert line(database, scope) == (1, "open")
    said = handheld.scans(goods.serial("S4"), goods.serial("S1"), goods.serial("S3"), "A-2", "P-1")
    assert said == ["piece_in_hand", "piece_in_hand", "too_many_to_replenish", "other_place_wanted", "replenished"]
    with database.unit_of_work(scope) as session:
        assert where(session, goods.camera) == {"S1": "P-1", "S2": "P-1", "S3": "A-1", "S4": "P-1"}
        assert session.scalars(select(Reservation.qty_open)).all() == [0]
    assert line(database, scope) == (3, "done")
    assert is_clean(database, scope)


def test_numbered_pieces_are_taken_back_and_filled_again(
    database: Database, scope: Scope, goods: Goods, gun: GUN
) -> None:
    number = fill(database, scope, goods, goods.camera, 2)
    handheld = gun()
    handheld.scan(goods.serial("S2"), document_no=number)
    assert handheld.scans("DONE", "P-1", "UNDO") == ["taken_in_hand", "replenished", "move_undone"]
    with database.unit_of_work(scope) as session:
        assert set(where(session, goods.camera).values()) == {"A-1"}
    assert handheld.scans(goods.serial("S3"), goods.serial("S4"), "P-1")[-1] == "replenished"
    with database.unit_of_work(scope) as session:
        assert where(session, goods.camera) == {"S1": "A-1", "S2": "A-1", "S3": "P-1", "S4": "P-1"}
    assert is_clean(database, scope)


def test_weighed_pieces_fill_a_pick_face(database: Database, scope: Scope, goods: Goods, gun: GUN) -> None:
    number = fill(database, scope, goods, goods.ham, 2)
    handheld = gun()
    assert handheld.scan("NEXT", document_no=number).code == "replenish_from"
    assert handheld.scan(f"]E0{goods.ham.gtin}").code == "weight_not_scanned"
    assert handheld.scans(goods.weighed(2_150), goods.weighed(2_250), "P-1")[-1] == "replenished"
    with database.unit_of_work(scope) as session:
        assert grams(session, goods, "P-1") == (2, 4_400)
        assert grams(session, goods, "A-1") == (1, 2_200)
    assert is_clean(database, scope)


def test_weights_that_the_books_cannot_bear_are_told(
    database: Database, scope: Scope, goods: Goods, gun: GUN
) -> None:
    number = fill(database, scope, goods, goods.ham, 2)
    handheld = gun()
    handheld.scan(goods.weighed(6_000), document_no=number)
    handheld.scan(goods.weighed(600))
    differ = handheld.scan("P-1")
    assert (differ.code, differ.values["held"], differ.values["held_g"]) == ("weights_differ", 3, 6_600)
    assert handheld.scans("BACK", "BACK", goods.weighed(2_200), "P-1")[-1] == "replenished"


def test_all_of_a_pile_is_filled_without_naming_pieces(
    database: Database, scope: Scope, goods: Goods, gun: GUN
) -> None:
    number = fill(database, scope, goods, goods.camera, 9)
    handheld = gun()
    assert handheld.scan(f"]E0{goods.camera.gtin}", document_no=number).code == "taken_in_hand"
    assert handheld.scan("P-1").code == "replenished"
    assert handheld.scan("UNDO").code == "move_undone"
    assert handheld.scans(f"]E0{goods.camera.gtin}", "QTY 2", "P-1")[-1] == "serial_missing"
    with database.unit_of_work(scope) as session:
        assert set(where(session, goods.camera).values()) == {"A-1"}


def test_pieces_are_taken_off_a_pallet_for_a_pick_face(
    database: Database, scope: Scope, goods: Goods, gun: GUN
) -> None:
    with database.unit_of_work(scope) as session:
        cold = build.make_item(session, goods.hall.owner, name_en="Lens", is_serial_controlled=True)
        goods.camera, other = cold, goods.camera
        pallet = make_pallet(session, goods.hall)
        goods.bring(session, "A-3", cold, 3, serials=("T1", "T2", "T3"), unit_id=pallet.id)
    number = fill(database, scope, goods, cold, 2)
    handheld = gun()
    asked = handheld.scan(f"]C100{pallet.sscc}", document_no=number)
    assert (asked.code, asked.values["qty"]) == ("pieces_wanted", 2)
    assert handheld.scan("DONE").code == "no_piece_yet"
    assert handheld.scans(goods.serial("T3"), goods.serial("T1"), "P-1")[-1] == "replenished"
    with database.unit_of_work(scope) as session:
        assert where(session, cold) == {"T1": "P-1", "T2": "A-3", "T3": "P-1"}
        assert lying(session, goods.hall, "A-1", other) == 4
    assert is_clean(database, scope)


def test_each_mistake_of_a_piece_says_its_own(database: Database, scope: Scope, goods: Goods, gun: GUN) -> None:
    number = fill(database, scope, goods, goods.camera, 3)
    with database.unit_of_work(scope) as session:
        goods.bring(session, "A-3", goods.camera, 1, serials=("E1",))
        pallet = make_pallet(session, goods.hall)
        goods.bring(session, "A-1", goods.camera, 1, serials=("U1",), unit_id=pallet.id)
    handheld = gun()
    assert handheld.scan("NEXT", document_no=number).code == "replenish_from"
    assert handheld.scan(goods.serial("E1")).code == "serial_not_wanted"
    said = handheld.scans(
        goods.serial("U1"), goods.serial("NOBODY"), goods.weighed(500), goods.serial("S1"), goods.serial("S1"),
        f"]E0{goods.camera.gtin}", goods.weighed(500), "NEXT",
    )  # fmt: skip
    assert said[:7] == [
        "other_goods_wanted", "unknown_serial", "other_goods_wanted", "piece_in_hand", "serial_in_hand",
        "serial_missing", "other_goods_wanted",
    ]  # fmt: skip
    assert handheld.scan("SHORT").code == "replenish_short"
    with database.unit_of_work(scope) as session:
        assert len(session.scalars(select(Count.id)).all()) == 1


def order(database: Database, scope: Scope, goods: Goods, item: object, qty: int) -> str:
    number = f"SO-{build.number()}"
    command = PlaceOrder(
        number, goods.hall.site.id, goods.hall.owner.id, "0110", (OrderLineIn(item.code, qty),)  # type: ignore[attr-defined]
    )
    with database.unit_of_work(scope) as session:
        place_order(session, command, build.now())
    return number


def promised(database: Database, scope: Scope, number: str) -> int:
    with database.unit_of_work(scope) as session:
        query = select(OrderLine.allocated_qty).join(OutboundOrder, OutboundOrder.id == OrderLine.order_id)
        return session.scalars(query.where(OutboundOrder.order_no == number)).one()


@pytest.fixture
def docked(database: Database, scope: Scope, goods: Goods) -> Goods:
    """Three lenses and three sausages wait at the dock; none lies on a shelf."""
    with database.unit_of_work(scope) as session:
        goods.camera = build.make_item(session, goods.hall.owner, name_en="Lens", is_serial_controlled=True)
        goods.ham = build.make_item(session, goods.hall.owner, name_en="Sausage", is_catch_weight=True)
        lenses = goods.bring(session, "DOCK", goods.camera, 3, serials=("D1", "D2", "D3"))
        sausages = goods.bring(session, "DOCK", goods.ham, 3, weight_g=3_000)
        for account in (lenses, sausages):
            want_place(session, goods.hall.site.id, account, 3)
    return goods


def test_numbered_pieces_go_across_to_the_order_that_waits(
    database: Database, scope: Scope, docked: Goods, gun: GUN
) -> None:
    number = order(database, scope, docked, docked.camera, 2)
    handheld = gun("put_away")
    told = [handheld.scan(one) for one in (docked.serial("D3"), docked.serial("D1"), "DONE")][-1]
    assert (told.code, told.values["place"], told.values["qty"]) == ("cross_dock", "XD-1", 2)
    assert told.values["orders"] == number
    assert handheld.scan("XD-1").code == "cross_docked"
    assert promised(database, scope, number) == 2
    with database.unit_of_work(scope) as session:
        assert where(session, docked.camera) == {"D1": "XD-1", "D2": "DOCK", "D3": "XD-1"}
    assert is_clean(database, scope)
    assert handheld.scan("UNDO").code == "undone"
    assert promised(database, scope, number) == 0
    with database.unit_of_work(scope) as session:
        assert set(where(session, docked.camera).values()) == {"DOCK"}
    assert is_clean(database, scope)


def test_more_pieces_in_hand_than_orders_want_are_put_down_or_stored(
    database: Database, scope: Scope, docked: Goods, gun: GUN
) -> None:
    number = order(database, scope, docked, docked.camera, 1)
    handheld = gun("put_away")
    handheld.scans(docked.serial("D1"), docked.serial("D2"))
    fewer = handheld.scan("DONE")
    assert (fewer.code, fewer.values["qty"], fewer.values["in_hand"]) == ("cross_dock_fewer", 1, 2)
    assert handheld.scans("BACK", "DONE", "XD-1") == ["piece_put_down", "cross_dock", "cross_docked"]
    assert promised(database, scope, number) == 1
    said = handheld.scans(docked.serial("D2"), docked.serial("D3"), "DONE", "A-3", "REASON NEARER")
    assert said[-1] == "put_away"
    with database.unit_of_work(scope) as session:
        assert where(session, docked.camera) == {"D1": "XD-1", "D2": "A-3", "D3": "A-3"}
    assert is_clean(database, scope)


def test_weighed_pieces_go_across_with_their_grams(
    database: Database, scope: Scope, docked: Goods, gun: GUN
) -> None:
    number = order(database, scope, docked, docked.ham, 2)
    handheld = gun("put_away")
    asked = handheld.scan(f"]E0{docked.ham.gtin}")
    assert (asked.code, asked.values["qty"]) == ("pieces_wanted", 2)
    assert handheld.scans(docked.weighed(900), docked.weighed(1_050), "XD-1")[-1] == "cross_docked"
    assert promised(database, scope, number) == 2
    with database.unit_of_work(scope) as session:
        assert grams(session, docked, "XD") == (2, 1_950)
        assert grams(session, docked, "DOCK") == (1, 1_050)
    assert is_clean(database, scope)


def test_a_piece_put_to_another_place_is_stored_though_an_order_waits(
    database: Database, scope: Scope, docked: Goods, gun: GUN
) -> None:
    number = order(database, scope, docked, docked.camera, 1)
    handheld = gun("put_away")
    assert handheld.scans(docked.serial("D1"), "DONE", "A-3", "REASON NEARER")[-1] == "put_away"
    assert promised(database, scope, number) == 0


def test_first_come_goes_first_to_a_pick_face(database: Database, scope: Scope, goods: Goods, gun: GUN) -> None:
    """Goods that only moved are as old as before, whenever the account in which they lie now was opened."""
    with database.unit_of_work(scope) as session:
        goods.hall.fill(session, "A-2", 5, goods.hall.cream)
        goods.hall.fill(session, "A-3", 5, goods.hall.cream)
    assert gun().scans("A-2", "QTY 5", goods.hall.label(goods.hall.cream), "A-1")[-1] == "moved"
    number = fill(database, scope, goods, goods.hall.cream, 5)
    told = gun().scan("NEXT", document_no=number)
    assert (told.code, told.values["place"]) == ("replenish_from", "A-1")


def test_the_rest_of_a_mixed_pallet_follows_its_pallet(
    database: Database, scope: Scope, goods: Goods, gun: GUN
) -> None:
    hall = goods.hall
    with database.unit_of_work(scope) as session:
        pallet = make_pallet(session, hall)
        for item in (hall.milk, hall.cream):
            account = hall.fill(session, "DOCK", 10, item, handling_unit_id=pallet.id)
            want_place(session, hall.site.id, account, 10)
    handheld, label = gun("put_away"), f"]C100{pallet.sscc}"
    assert handheld.scans(label, "A-3", "REASON NEARER")[-1] == "put_away"
    rest = handheld.scan(label)
    assert (rest.code, rest.values["place"]) == ("place_suggested", "A-3")
    assert handheld.scan("A-3").code == "put_away"
    with database.unit_of_work(scope) as session:
        assert [lying(session, hall, "A-3", item) for item in (hall.milk, hall.cream)] == [10, 10]
    assert is_clean(database, scope)
