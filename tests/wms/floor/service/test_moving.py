"""Moves by scan and by list, from the shelf to the ledger."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.inside import Hall, Handheld, build_hall, is_clean, lying, make_pallet
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.floor.service.moving import Moved, MoveLine, MoveList, move_many
from wms.parties.tables import Person
from wms.stock.ledger import Reserve, reserve
from wms.stock.tables import HandlingUnit

Opener = Callable[..., Handheld]


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        made.fill(session, "A-1", 100)
        return made


@pytest.fixture
def handheld(database: Database, scope: Scope, hall: Hall) -> Opener:
    def make(person: Person | None = None, job: str = "move") -> Handheld:
        return Handheld(database, scope.tenant_id, hall, person or hall.clerk, job)

    return make


def pallet(database: Database, scope: Scope, hall: Hall, place: str = "A-1", qty: int = 40) -> HandlingUnit:
    with database.unit_of_work(scope) as session:
        unit = make_pallet(session, hall)
        hall.fill(session, place, qty, handling_unit_id=unit.id)
    return unit


def at(database: Database, scope: Scope, hall: Hall, *places: str) -> list[int]:
    with database.unit_of_work(scope) as session:
        return [lying(session, hall, place) for place in places]


def move(database: Database, scope: Scope, hall: Hall, *lines: MoveLine) -> list[Moved | WmsError]:
    command = MoveList(f"k{build.number()}", hall.site.id, lines, build.now())
    with database.unit_of_work(Scope(scope.tenant_id, hall.clerk.id, "clerk")) as session:
        return move_many(session, command)


def test_moves_a_part_place_first(database: Database, scope: Scope, hall: Hall, handheld: Opener) -> None:
    gun = handheld()
    assert gun.scans("A-1", "QTY 30", hall.label(), "A-2") == ["place_chosen", "quantity_set", "taken_in_hand", "moved"]
    assert at(database, scope, hall, "A-1", "A-2") == [70, 30]
    assert is_clean(database, scope)


def test_moves_goods_first_and_names_the_places_when_there_are_several(
    database: Database, scope: Scope, hall: Hall, handheld: Opener
) -> None:
    gun = handheld()
    assert gun.scans(hall.label(), "A-2") == ["taken_in_hand", "moved"]
    said = gun.scan(hall.label())
    assert (said.code, said.values["places"]) == ("from_where", "A-1, A-2")
    assert gun.scans("A-2", hall.label(), "A-3") == ["place_chosen", "taken_in_hand", "moved"]
    assert at(database, scope, hall, "A-1", "A-2", "A-3") == [99, 0, 1]


def test_moves_a_pallet_with_everything_nested_in_it_and_undoes_it(
    database: Database, scope: Scope, hall: Hall, handheld: Opener
) -> None:
    with database.unit_of_work(scope) as session:
        below = make_pallet(session, hall)
        carton = make_pallet(session, hall, parent=below)
        hall.fill(session, "A-1", 5, handling_unit_id=below.id)
        hall.fill(session, "A-1", 7, hall.cream, handling_unit_id=carton.id)
    gun = handheld()
    assert gun.scans(f"]C100{below.sscc}", "A-2") == ["taken_in_hand", "moved"]
    with database.unit_of_work(scope) as session:
        assert lying(session, hall, "A-2") == 5
        assert lying(session, hall, "A-2", hall.cream) == 7
    assert gun.scans(f"]C100{carton.sscc}", "A-3") == ["taken_in_hand", "moved"]
    with database.unit_of_work(scope) as session:
        assert session.get_one(HandlingUnit, carton.id).parent_id is None
    assert gun.scans("UNDO", "UNDO", "UNDO") == ["move_undone", "move_undone", "nothing_to_undo"]
    with database.unit_of_work(scope) as session:
        assert session.get_one(HandlingUnit, carton.id).parent_id == below.id
        assert lying(session, hall, "A-1", hall.cream) == 7
    assert is_clean(database, scope)


def test_a_place_scanned_before_a_pallet_that_lies_elsewhere_is_where_it_goes(
    database: Database, scope: Scope, hall: Hall, handheld: Opener
) -> None:
    unit = pallet(database, scope, hall)
    assert handheld().scans("A-3", f"]C100{unit.sscc}") == ["place_chosen", "moved"]
    assert at(database, scope, hall, "A-3") == [40]


def test_takes_a_part_off_a_pallet(database: Database, scope: Scope, hall: Hall, handheld: Opener) -> None:
    unit = pallet(database, scope, hall, "A-2")
    assert handheld().scans("QTY 4", f"]C100{unit.sscc}", "A-3")[-1] == "moved"
    assert at(database, scope, hall, "A-2", "A-3") == [36, 4]


def test_two_movers_one_pallet_the_second_is_told_who_and_when(
    database: Database, scope: Scope, hall: Hall, handheld: Opener
) -> None:
    unit = pallet(database, scope, hall)
    one, two = handheld(), handheld(hall.other_clerk)
    assert [gun.scan(f"]C100{unit.sscc}").code for gun in (one, two)] == ["taken_in_hand"] * 2
    assert one.scan("A-2").code == "moved"
    said = two.scan("A-3")
    assert (said.code, said.values["place"]) == ("already_moved", "A-2")
    assert said.values["person"]["en"] == hall.clerk.name_en
    assert said.values["at"].startswith("20")


def test_of_movers_at_the_same_moment_one_wins(database: Database, scope: Scope, hall: Hall) -> None:
    unit = pallet(database, scope, hall)
    line = MoveLine("A-2", "A-1", unit.sscc)
    other = MoveLine("A-3", "A-1", unit.sscc)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: move(database, scope, hall, line if n % 2 else other)[0], range(8)))
    assert sum(isinstance(one, Moved) for one in found) == 1
    assert {one.code for one in found if isinstance(one, WmsError)} == {"already_moved"}
    assert sorted(at(database, scope, hall, "A-2", "A-3")) == [0, 40]
    assert is_clean(database, scope)


def test_reserved_goods_stay_and_the_document_is_named(
    database: Database, scope: Scope, hall: Hall, handheld: Opener
) -> None:
    with database.unit_of_work(scope) as session:
        wanted = Reserve("r1", hall.account("A-1"), 95, build.now() + timedelta(hours=1), "SO-7")
        reserve(session, wanted)
    said = [handheld().scans("A-1", "QTY 5", hall.label(), "A-2")[-1]]
    gun = handheld()
    gun.scans("A-1", "QTY 1")
    refused = gun.scan(hall.label())
    assert said == ["moved"]
    assert (refused.code, refused.values["document"], refused.values["reserved"]) == ("reserved_for", "SO-7", 95)


@pytest.mark.parametrize(
    ("codes", "mistake"),
    [
        (("A-1", "QTY 101", "MILK"), "not_enough_here"),
        (("A-1", "QTY 1.5"), "bad_quantity"),
        (("A-1", "QTY -1"), "bad_quantity"),
        (("A-1", "MILK", "MILK"), "place_first"),
        (("A-1", "MILK", "A-1"), "already_there"),
        (("A-1", "MILK", "COLD"), "wrong_temperature"),
        (("A-2", "MILK"), "not_here"),
        (("A-9",), "unknown_label"),
        (("CREAM",), "nothing_loose"),
        ((f"]C100{build.check_digit('06901239999999999')}",), "unknown_handling_unit"),
        (("CONFIRM",), "nothing_to_confirm"),
        (("UNDO",), "nothing_to_undo"),
    ],
)
def test_each_mistake_has_its_own_answer(hall: Hall, handheld: Opener, codes: tuple[str, ...], mistake: str) -> None:
    words = {"MILK": hall.label(), "CREAM": hall.label(hall.cream)}
    assert handheld().scans(*(words.get(code, code) for code in codes))[-1] == mistake


def test_bonded_goods_stay_in_bonded_places(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        hall = build_hall(session, bonded=True)
        hall.fill(session, "A-1", 10)
    gun = Handheld(database, scope.tenant_id, hall, hall.clerk, "move")
    assert gun.scans("A-1", hall.label(), "OUT", "A-2")[2:] == ["not_bonded", "moved"]
    assert is_clean(database, scope)


def test_blocked_goods_go_to_quarantine_only(database: Database, scope: Scope, hall: Hall, handheld: Opener) -> None:
    with database.unit_of_work(scope) as session:
        hall.fill(session, "A-3", 3, hall.cream, quality_status="damaged")
    gun = handheld()
    assert gun.scans("A-3", hall.label(hall.cream), "A-2", "Q-1")[2:] == ["not_for_blocked", "moved"]


def test_a_list_stands_line_by_line(database: Database, scope: Scope, hall: Hall) -> None:
    owner, milk, cream = hall.owner.code, hall.milk.code, hall.cream.code
    with database.unit_of_work(scope) as session:
        hall.fill(session, "A-1", 24, hall.cream)
        hall.places["A-3"].max_weight_g = 10_000
        session.merge(hall.places["A-3"])
    found = move(
        database, scope, hall,
        MoveLine("A-2", "A-1", owner=owner, item=milk, lot_no="L1", qty=60),
        MoveLine("A-2", "A-1", owner=owner, item=milk, qty=60),
        MoveLine("P-1", "A-2", owner=owner, item=milk, qty=10),
        MoveLine("A-2", "A-1", owner=owner, item=cream, qty=2, unit="carton"),
        MoveLine("A-2", "A-1", owner=owner, item=cream, qty=1, unit="box"),
        MoveLine("A-3", "A-1", owner=owner, item=milk, qty=15),
        MoveLine("A-3", "A-1", owner=owner, item=milk, qty=15),
        MoveLine("X-9", "A-1", owner=owner, item=milk, qty=1),
        MoveLine("A-2", "A-1", owner=owner, item="NONE", qty=1),
        MoveLine("A-2"),
    )  # fmt: skip
    said = [one.qty if isinstance(one, Moved) else one.code for one in found]
    assert said == [
        60, "not_enough_here", 10, 24, "unknown_unit", 15, "place_full", "unknown_place", "unknown_item",
        "move_names_nothing",
    ]  # fmt: skip
    assert at(database, scope, hall, "A-1", "A-2", "A-3", "P-1") == [25, 50, 15, 10]
    assert is_clean(database, scope)


def test_two_movers_cannot_overfill_a_place(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        hall.places["A-2"].max_volume_mm3 = 5_000_000
        session.merge(hall.places["A-2"])
    line = MoveLine("A-2", "A-1", owner=hall.owner.code, item=hall.milk.code, qty=1)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: move(database, scope, hall, line)[0], range(16)))
    assert sum(isinstance(one, Moved) for one in found) == 5
    assert at(database, scope, hall, "A-2") == [5]


def test_names_who_emptied_the_shelf_meanwhile(session: Session) -> None:
    hall = build_hall(session)
    hall.fill(session, "A-1", 5)
    line = MoveLine("A-2", "A-1", owner=hall.owner.code, item=hall.milk.code, qty=5)
    command = MoveList("once", hall.site.id, (line,), build.now())
    assert isinstance(move_many(session, command)[0], Moved)
    again = move_many(session, MoveList("twice", hall.site.id, (line,), build.now()))[0]
    assert isinstance(again, WmsError)
    assert again.code == "not_enough_here"
