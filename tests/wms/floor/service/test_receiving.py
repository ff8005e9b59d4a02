"""From the first label of a notice to its closed receipt, on the real ledger."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.wms.floor.world import Scanner, World, at, let_through_gate, stock, today
from wms.customs import list_queries
from wms.customs import verification_lists as lists
from wms.customs.rules import EntryNotReleased, GoodsNotCounted, GoodsNotThroughGate
from wms.db import Database, Scope
from wms.floor import queries
from wms.floor.rules.answers import Outcome
from wms.floor.tables import AdvanceNotice, ReceiptLine


def found(database: Database, scope: Scope, world: World) -> dict[str, tuple[str, int]]:
    with database.unit_of_work(scope) as session:
        return {row.item_code: (row.kind, row.qty) for row in queries.differences(session, world.notice_id)}


def test_counts_a_pallet_by_one_scan(database: Database, scope: Scope, scanner: Scanner, world: World) -> None:
    answer = scanner.at_dock().scan(world.pallet_label())
    assert (answer.outcome, answer.code) == (Outcome.OK, "received")
    assert (answer.values["received"], answer.values["expected"]) == (100, 100)
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Beef", "hold"): 100}
        assert stock(session, world, "not_yet_booked") == {("Beef", "good"): 100}


def test_goods_first_asks_for_the_dock_and_then_counts(scanner: Scanner, world: World) -> None:
    answer = scanner.scan(world.label(world.milk))
    assert (answer.code, answer.expects) == ("dock_wanted", ("dock",))
    answer = scanner.scan("DOCK-1")
    assert (answer.code, answer.values["received"]) == ("received", 1)


def test_does_not_drop_goods_in_hand_silently(scanner: Scanner, world: World) -> None:
    scanner.scan(world.label(world.milk))
    assert scanner.scan(world.label(world.meat)).code == "dock_first"
    assert scanner.scan("DOCK-1").understood["item"]["en"] == "Milk"


def test_a_pallet_label_finds_its_notice_by_itself(scanner: Scanner, world: World) -> None:
    answer = scanner.scan(world.pallet_label(), notice_no=None)
    assert answer.code == "dock_wanted"
    assert answer.context["notice"] == world.notice_no


def test_counts_pieces_cartons_and_quantities(scanner: Scanner, world: World) -> None:
    scanner.at_dock()
    assert scanner.scan(world.cream.gtin or "").values["received"] == 1
    scanner.scan("QTY 3")
    assert scanner.scan(world.cream.gtin or "").values["received"] == 4
    assert scanner.scan(world.cream.gtin or "").values["received"] == 5


def test_counts_a_carton_by_its_own_number(database: Database, scope: Scope, scanner: Scanner, world: World) -> None:
    from wms.catalog.queries import packagings

    with database.unit_of_work(scope) as session:
        carton = packagings(session, world.cream.id)[1]
    scanner.at_dock()
    assert scanner.scan(carton.gtin or "").values["received"] == 12


@pytest.mark.parametrize(
    ("code", "mistake"),
    [
        ("", "empty_scan"),
        ("6901234567893", "broken_check_digit"),
        ("]C10106901234567893", "broken_check_digit"),
        ("]C1010690123", "broken_label"),
        ("]d2010690123456789217271331", "bad_label_date"),
        ("SOMETHING", "unknown_label"),
        ("6901234567892", "unknown_label"),
        ("A-1", "wrong_place"),
        ("]C100069012340000000016", "unknown_pallet"),
        ("QTY 0", "bad_quantity"),
        ("UNDO", "nothing_to_undo"),
        ("REASON FULL", "nothing_to_confirm"),
        ("REASON LAZY", "unknown_reason"),
    ],
)
def test_each_mistake_has_its_own_message_and_way_out(scanner: Scanner, code: str, mistake: str) -> None:
    answer = scanner.scan(code)
    assert (answer.outcome, answer.code) == (Outcome.STOP, mistake)
    assert answer.text
    assert answer.way_out


def test_names_the_owner_of_foreign_goods(database: Database, scope: Scope, scanner: Scanner) -> None:
    from tests import build

    with database.unit_of_work(scope) as session:
        other = build.make_item(session, build.make_company(session))
    answer = scanner.scan(other.gtin or "")
    assert answer.code == "other_owner"
    assert str(answer.values["owner"]["en"]).startswith("Company")


def test_asks_for_lot_and_expiry(scanner: Scanner, world: World) -> None:
    assert scanner.scan(world.milk.gtin or "").code == "lot_missing"
    assert scanner.scan(f"01{'0' + (world.milk.gtin or '')}10L9").code == "expiry_missing"


def test_stops_a_lot_whose_expiry_contradicts_the_one_on_file(scanner: Scanner, world: World) -> None:
    scanner.at_dock().scan(world.label(world.milk, "L1"))
    answer = scanner.scan(world.label(world.milk, "L1", today() + timedelta(days=10)))
    assert answer.code == "expiry_differs"


def test_receives_expired_goods_only_when_confirmed(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    scanner.at_dock()
    answer = scanner.scan(world.label(world.milk, "OLD", today() - timedelta(days=3)))
    assert (answer.outcome, answer.code, answer.expects) == (Outcome.STOP, "expired_lot", ("confirm",))
    answer = scanner.scan("CONFIRM")
    assert (answer.outcome, answer.code) == (Outcome.WARN, "received_expired")
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Milk", "expired"): 1}


def test_leaves_expired_goods_on_back(database: Database, scope: Scope, scanner: Scanner, world: World) -> None:
    scanner.at_dock().scan(world.label(world.milk, "OLD", today() - timedelta(days=3)))
    assert scanner.scan("BACK").code == "put_down"
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {}


def test_records_differences_instead_of_refusing(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    scanner.at_dock()
    scanner.scan("QTY 90")
    assert scanner.scan(world.pallet_label()).code == "received"  # ten short
    scanner.scan("QTY 41")
    assert scanner.scan(world.label(world.milk)).code == "received_over"
    scanner.scan("QTY 22")
    scanner.scan(world.cream.gtin or "")
    scanner.scan("DAMAGED")
    scanner.scan("QTY 2")
    assert scanner.scan(world.cream.gtin or "").code == "received_damaged"
    first = scanner.scan("CONFIRM")
    assert (first.code, first.values["count"], first.values["missing"]) == ("close_with_differences", 3, 10)
    assert scanner.scan("CONFIRM").code == "receipt_closed"
    assert found(database, scope, world) == {
        world.meat.code: ("short", -10),
        world.milk.code: ("over", 1),
        world.cream.code: ("damaged", 2),
    }
    with database.unit_of_work(scope) as session:
        # The ten that are missing came in on paper, so the book side counts them and a discrepancy account holds them.
        assert stock(session, world, "not_yet_booked") == {
            ("Beef", "good"): 100, ("Milk", "good"): 41, ("Hand cream", "good"): 24,
        }  # fmt: skip
        assert stock(session, world)["Hand cream", "damaged"] == 2


def test_records_another_lot(database: Database, scope: Scope, scanner: Scanner, world: World) -> None:
    scanner.at_dock().scan("QTY 40")
    assert scanner.scan(world.label(world.milk, "L2")).code == "received_other_lot"
    scanner.scan("CONFIRM")
    scanner.scan("CONFIRM")
    assert found(database, scope, world)[world.milk.code] == ("wrong_lot", 40)


def test_puts_unannounced_goods_of_the_book_into_quarantine(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    from tests import build
    from tests.wms.floor.world import BOOK_NO

    with database.unit_of_work(scope) as session:
        soap = build.make_item(session, world.owner, name_en="Soap")
        build.make_book_line(session, soap, BOOK_NO)
    assert scanner.at_dock().scan(soap.gtin or "").code == "received_unannounced"
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Soap", "quarantine"): 1}


def test_sets_goods_aside_that_no_book_line_counts(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    from tests import build

    with database.unit_of_work(scope) as session:
        soap = build.make_item(session, world.owner, name_en="Soap")
    assert scanner.at_dock().scan(soap.gtin or "").code == "set_aside"
    scanner.scan("CONFIRM")
    scanner.scan("CONFIRM")
    assert found(database, scope, world)[soap.code] == ("wrong_item", 1)
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {}


def test_undo_is_a_posting_and_gives_everything_back(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    scanner.at_dock().scan(world.pallet_label())
    answer = scanner.scan("UNDO")
    assert (answer.code, answer.values["qty"]) == ("undone", 100)
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {}
        assert stock(session, world, "not_yet_booked") == {}
        assert session.scalar(select(ReceiptLine.undone_at)) is not None
    assert scanner.scan("UNDO").code == "nothing_to_undo"
    assert scanner.scan(world.pallet_label()).code == "received"


def test_undoes_one_certain_scan(database: Database, scope: Scope, scanner: Scanner, world: World) -> None:
    scanner.at_dock()
    first = scanner.build(world.cream.gtin or "")
    scanner.send(first)
    scanner.scan("QTY 5")
    scanner.scan(world.cream.gtin or "")
    assert scanner.scan(f"UNDO {first.key}").values["qty"] == 1
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Hand cream", "hold"): 5}


def test_another_device_cannot_undo(scanner: Scanner, world: World) -> None:
    scanner.at_dock().scan(world.pallet_label())
    other = Scanner(scanner.database, scanner.scope, world)
    assert other.scan("UNDO").code == "nothing_to_undo"


def test_the_second_clerk_is_told_who_counted_the_pallet(scanner: Scanner, world: World) -> None:
    scanner.at_dock().scan(world.pallet_label())
    other = Scanner(scanner.database, scanner.scope, world).at_dock()
    answer = other.scan(world.pallet_label())
    assert (answer.outcome, answer.code) == (Outcome.STOP, "already_received")
    assert answer.values["person"]["en"] == world.person.name_en
    assert answer.values["at"]


def test_a_closed_receipt_takes_no_more(scanner: Scanner, world: World) -> None:
    scanner.at_dock().scan(world.pallet_label())
    scanner.scan("CONFIRM")
    assert scanner.scan("CONFIRM").code == "receipt_closed"
    assert scanner.scan(world.label(world.milk)).code == "notice_closed"
    assert scanner.scan("UNDO").code == "notice_closed"


def test_bonded_goods_wait_for_an_approved_list(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    from sqlalchemy import update

    from wms.customs.tables import VerificationList

    with database.unit_of_work(scope) as session:
        session.execute(update(VerificationList).where(VerificationList.id == world.list_id).values(state="declared"))
    assert scanner.scan(world.pallet_label()).code == "wrong_list_state"


def test_nothing_is_sellable_before_its_list_is_booked(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    scanner.at_dock().scan(world.pallet_label())
    now = datetime.now(UTC)
    with database.unit_of_work(scope) as session:
        assert {quality for _, quality in stock(session, world)} == {"hold"}
    with database.unit_of_work(scope) as session, pytest.raises(EntryNotReleased):
        lists.book(session, world.list_id, "INV211-1", now)
    with database.unit_of_work(scope) as session:
        lists.release_entry(session, world.list_id, "E1", now)
        with pytest.raises(GoodsNotThroughGate):
            lists.book(session, world.list_id, "INV211-1", now)
    with database.unit_of_work(scope) as session:
        let_through_gate(session, world.list_id)
        with pytest.raises(GoodsNotCounted):
            lists.book(session, world.list_id, "INV211-1", now)


def test_booking_lifts_the_hold_and_raises_the_book(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    scanner.at_dock().scan(world.pallet_label())
    scanner.scan("QTY 42")
    scanner.scan(world.label(world.milk))
    scanner.scan("CONFIRM")
    scanner.scan("CONFIRM")
    with database.unit_of_work(scope) as session:
        let_through_gate(session, world.list_id)
        assert lists.book(session, world.list_id, "INV211-1", datetime.now(UTC)) is not None
    with database.unit_of_work(scope) as session:
        assert lists.book(session, world.list_id, "INV211-1", datetime.now(UTC)) is None
        # Two more of the milk came than the list names: they stay on hold until another list brings them in.
        assert stock(session, world) == {("Beef", "good"): 100, ("Milk", "good"): 40, ("Milk", "hold"): 2}
        assert stock(session, world, "book") == {
            ("Beef", "good"): 100, ("Milk", "good"): 40, ("Hand cream", "good"): 24,
        }  # fmt: skip
        assert list_queries.booked_qty(session, world.book_lines[world.meat.id].id) == 100


def test_puts_ordinary_goods_on_the_shelf_free_and_good(database: Database, scope: Scope) -> None:
    from tests.wms.floor.world import build_world

    with database.unit_of_work(scope) as session:
        ordinary = build_world(session, mode="0110")
    scanner = Scanner(database, scope, ordinary).at_dock()
    scanner.scan(ordinary.pallet_label())
    with database.unit_of_work(scope) as session:
        assert stock(session, ordinary) == {("Beef", "good"): 100}
        assert at(session, ordinary, ordinary.dock) == 100
        assert session.scalar(select(AdvanceNotice.state)) == "receiving"
