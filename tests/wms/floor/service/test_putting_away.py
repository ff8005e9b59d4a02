"""From the dock to a place: suggested, overridden with a reason, refused where law forbids it."""

import pytest
from sqlalchemy import select, update

from tests import build
from tests.wms.floor.world import Scanner, World, at, let_through_gate, stock
from wms.customs import verification_lists as lists
from wms.db import Database, Scope
from wms.floor import place_queries
from wms.floor.rules.answers import Outcome
from wms.floor.tables import PutAway
from wms.parties.tables import Location
from wms.stock.tables import Account, Balance


@pytest.fixture
def porter(scanner: Scanner, world: World) -> Scanner:
    """A handheld that puts away; the pallet of meat waits at the dock."""
    scanner.at_dock().scan(world.pallet_label())
    return Scanner(scanner.database, scanner.scope, world, job="put_away")


def test_suggests_the_nearest_place_and_posts_there(
    database: Database, scope: Scope, porter: Scanner, world: World
) -> None:
    answer = porter.scan(world.pallet_label())
    assert (answer.code, answer.values["place"], answer.expects) == ("place_suggested", "A-1", ("place",))
    answer = porter.scan("a-1")
    assert (answer.outcome, answer.code, answer.is_undoable) == (Outcome.OK, "put_away", True)
    with database.unit_of_work(scope) as session:
        assert at(session, world, world.bins[0]) == 100
        assert at(session, world, world.dock) == 0
        assert place_queries.waiting(session, world.site.id) == ()


def test_place_first_works_too(database: Database, scope: Scope, porter: Scanner, world: World) -> None:
    assert porter.scan("A-1").code == "place_chosen"
    assert porter.scan(world.pallet_label()).code == "put_away"
    with database.unit_of_work(scope) as session:
        assert at(session, world, world.bins[0]) == 100


def test_a_part_of_a_pallet_lies_loose_so_that_no_pallet_stands_in_two_places(
    database: Database, scope: Scope, porter: Scanner, world: World
) -> None:
    porter.scan("QTY 30")
    porter.scan(world.pallet_label())
    assert porter.scan("A-1").code == "put_away"
    assert porter.scan("UNDO").code == "undone"
    porter.scan("QTY 30")
    porter.scan(world.pallet_label())
    assert porter.scan("A-1").code == "put_away"
    porter.scan(world.pallet_label())
    porter.scan("A-2")
    assert porter.scan("REASON FULL").code == "put_away"
    with database.unit_of_work(scope) as session:
        rows = session.execute(
            select(Location.code, Account.handling_unit_id.is_not(None), Balance.qty)
            .join(Account, Account.location_id == Location.id)
            .join(Balance, Balance.account_id == Account.id)
            .where(Account.kind == "location", Balance.qty > 0)
            .order_by(Location.code)
        ).all()
        assert [tuple(row) for row in rows] == [("A-1", False, 30), ("A-2", True, 70)]


def test_another_place_needs_a_reason(database: Database, scope: Scope, porter: Scanner, world: World) -> None:
    porter.scan(world.pallet_label())
    answer = porter.scan("A-2")
    assert (answer.outcome, answer.code, answer.expects) == (Outcome.WARN, "other_place", ("place", "reason"))
    assert porter.scan("REASON FULL").code == "put_away"
    with database.unit_of_work(scope) as session:
        move = session.scalars(select(PutAway).join(Location, Location.id == PutAway.location_id)).one()
        assert (move.override_reason, move.suggested_location_id, move.location_id) == (
            "FULL",
            world.bins[0].id,
            world.bins[1].id,
        )


def test_going_to_the_suggested_place_after_all_needs_none(porter: Scanner, world: World) -> None:
    porter.scan(world.pallet_label())
    porter.scan("A-2")
    assert porter.scan("A-1").code == "put_away"


def test_splits_with_a_quantity_and_refuses_too_many(
    database: Database, scope: Scope, porter: Scanner, world: World
) -> None:
    porter.scan("QTY 101")
    answer = porter.scan(world.pallet_label())
    assert (answer.code, answer.values["left"]) == ("too_many", 100)
    porter.scan("QTY 30")
    porter.scan(world.pallet_label())
    porter.scan("A-1")
    with database.unit_of_work(scope) as session:
        assert at(session, world, world.bins[0]) == 30
        assert [task.left_qty for task in place_queries.waiting(session, world.site.id)] == [70]


def test_sends_the_rest_of_a_lot_to_the_same_place(porter: Scanner, world: World) -> None:
    porter.scan("QTY 30")
    porter.scan(world.pallet_label())
    porter.scan("A-3")
    porter.scan("REASON NEARER")
    assert porter.scan(world.pallet_label()).values["place"] == "A-3"


@pytest.mark.parametrize(
    ("columns", "mistake"),
    [
        ({"temperature_class": "frozen"}, "wrong_temperature"),
        ({"is_bonded": False}, "not_bonded"),
        ({"max_weight_g": 1000}, "place_full"),
        ({"kind": "packing"}, "not_a_storage_place"),
    ],
)
def test_no_reason_overrides_law(
    database: Database, scope: Scope, porter: Scanner, world: World, columns: dict[str, object], mistake: str
) -> None:
    with database.unit_of_work(scope) as session:
        session.execute(update(Location).where(Location.id == world.bins[1].id).values(**columns))
    porter.scan(world.pallet_label())
    answer = porter.scan("A-2")
    assert (answer.outcome, answer.code) == (Outcome.STOP, mistake)
    assert porter.scan("A-1").code == "put_away"


def test_blocked_goods_are_sent_to_quarantine(database: Database, scope: Scope, scanner: Scanner, world: World) -> None:
    scanner.at_dock().scan("DAMAGED")
    scanner.scan(world.cream.gtin or "")
    porter = Scanner(database, scanner.scope, world, job="put_away")
    assert porter.scan(world.cream.gtin or "").values["place"] == "Q-1"
    assert porter.scan("A-1").code == "not_for_blocked"
    assert porter.scan("Q-1").code == "put_away"


def test_names_goods_that_do_not_wait_here(porter: Scanner, world: World) -> None:
    assert porter.scan(world.label(world.milk)).code == "wrong_item"


def test_says_when_no_place_fits(database: Database, scope: Scope, porter: Scanner, world: World) -> None:
    with database.unit_of_work(scope) as session:
        session.execute(update(Location).where(Location.kind == "bin").values(max_weight_g=1))
    answer = porter.scan(world.pallet_label())
    assert (answer.outcome, answer.code) == (Outcome.WARN, "place_wanted")


def test_undo_brings_the_goods_back_to_the_dock(
    database: Database, scope: Scope, porter: Scanner, world: World
) -> None:
    porter.scan("A-1")
    porter.scan(world.pallet_label())
    assert porter.scan("UNDO").code == "undone"
    with database.unit_of_work(scope) as session:
        assert at(session, world, world.dock) == 100
        assert [task.left_qty for task in place_queries.waiting(session, world.site.id)] == [100]


def test_a_receipt_cannot_be_undone_once_its_goods_were_put_away(
    scanner: Scanner, porter: Scanner, world: World
) -> None:
    porter.scan("A-1")
    porter.scan(world.pallet_label())
    assert scanner.scan("UNDO").code == "moved_since"
    porter.scan("UNDO")
    assert scanner.scan("UNDO").code == "undone"


def test_the_second_clerk_is_told_where_the_pallet_is(porter: Scanner, world: World) -> None:
    porter.scan("A-1")
    porter.scan(world.pallet_label())
    other = Scanner(porter.database, porter.scope, world, job="put_away")
    answer = other.scan(world.pallet_label())
    assert (answer.code, answer.values["place"]) == ("already_put_away", "A-1")
    assert answer.values["person"]["en"] == world.person.name_en


def test_goods_released_by_booking_are_put_away_all_the_same(
    database: Database, scope: Scope, scanner: Scanner, porter: Scanner, world: World
) -> None:
    scanner.scan("CONFIRM")
    scanner.scan("CONFIRM")
    from datetime import UTC, datetime

    with database.unit_of_work(scope) as session:
        let_through_gate(session, world.list_id)
        lists.book(session, world.list_id, "INV211", datetime.now(UTC))
    porter.scan(world.pallet_label())
    assert porter.scan("A-1").code == "put_away"
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Beef", "good"): 100}
        assert at(session, world, world.bins[0]) == 100


def test_back_puts_goods_down_and_leaves_the_place(porter: Scanner, world: World) -> None:
    porter.scan(world.pallet_label())
    assert porter.scan("BACK").code == "put_down"
    porter.scan("A-1")
    assert porter.scan("BACK").code == "place_left"


def test_goods_in_hand_are_not_dropped_for_others(scanner: Scanner, porter: Scanner, world: World) -> None:
    scanner.scan(world.label(world.milk))
    porter.scan(world.pallet_label())
    assert porter.scan(world.label(world.milk)).code == "place_first"


def test_a_site_must_be_chosen(porter: Scanner) -> None:
    porter.device = f"new-{build.number()}"
    assert porter.scan("A-1", site_code=None).code == "no_site"
