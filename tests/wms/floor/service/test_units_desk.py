"""Handling units changed by scan: nest, take out, split, merge, each step undone, genealogy kept."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.inside import Hall, Handheld, build_hall, is_clean, lying, make_pallet
from tests.wms.stock.test_races import all_at_once
from wms.catalog.tables import TradeItem
from wms.codes import gs1_keys
from wms.db import Database, Scope
from wms.floor import unit_queries
from wms.floor.rules.answers import Answer
from wms.floor.tables import UnitEvent
from wms.stock.ledger import AccountKey, Posting, Reserve, moved, post, reserve
from wms.stock.tables import HandlingUnit

Gun = Callable[..., Handheld]


def label(unit: HandlingUnit) -> str:
    return f"]C100{unit.sscc}"


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        return build_hall(session)


@pytest.fixture
def pallets(database: Database, scope: Scope, hall: Hall) -> list[HandlingUnit]:
    """Two pallets of milk at A-1 (40 and 10), one of cream at A-2 (24)."""
    with database.unit_of_work(scope) as session:
        made = [make_pallet(session, hall) for _ in range(3)]
        hall.fill(session, "A-1", 40, handling_unit_id=made[0].id)
        hall.fill(session, "A-1", 10, handling_unit_id=made[1].id)
        hall.fill(session, "A-2", 24, hall.cream, handling_unit_id=made[2].id)
    return made


@pytest.fixture
def gun(database: Database, scope: Scope, hall: Hall) -> Gun:
    def make(person: object = None) -> Handheld:
        return Handheld(database, scope.tenant_id, hall, person or hall.clerk, "units")  # type: ignore[arg-type]

    return make


def in_unit(session: Session, sscc: str) -> dict[str, int]:
    unit = unit_queries.unit_by_sscc(session, sscc)
    assert unit is not None
    return {one.item_code: one.qty for one in unit_queries.contents(session, [unit.id])}


def steps(session: Session, sscc: str) -> list[str]:
    unit = unit_queries.unit_by_sscc(session, sscc)
    assert unit is not None
    found = (UnitEvent.from_unit_id == unit.id) | (UnitEvent.to_unit_id == unit.id)
    return list(session.scalars(select(UnitEvent.kind).where(found).order_by(UnitEvent.id)))


def test_nests_takes_out_and_undoes_both(
    database: Database, scope: Scope, gun: Gun, pallets: list[HandlingUnit]
) -> None:
    carton, pallet, _ = pallets
    handheld = gun()
    assert handheld.scans(label(carton), "NEST", label(pallet)) == ["unit_chosen", "other_unit_asked", "unit_nested"]

    def parent() -> int | None:
        with database.unit_of_work(scope) as session:
            return session.get_one(HandlingUnit, carton.id).parent_id

    assert parent() == pallet.id
    chosen = handheld.scan(label(carton))
    assert chosen.values["parent"] == pallet.sscc
    assert handheld.scan("takeout").code == "unit_taken_out"
    assert parent() is None
    assert handheld.scan("UNDO").code == "unit_undone"
    assert parent() == pallet.id
    assert handheld.scans("UNDO", "UNDO") == ["unit_undone", "nothing_to_undo"]
    assert parent() is None
    with database.unit_of_work(scope) as session:
        assert steps(session, carton.sscc) == ["nested", "taken_out", "nested", "taken_out"]


def test_splits_off_a_new_unit_with_a_label_and_undoes_it(
    database: Database, scope: Scope, hall: Hall, gun: Gun, pallets: list[HandlingUnit]
) -> None:
    handheld = gun()
    said = handheld.scans(label(pallets[0]), "SPLIT", "QTY 15", hall.label())
    assert said == ["unit_chosen", "split_begun", "quantity_set", "split_goods"]
    split = handheld.scan("DONE")
    new = split.values["into"]
    assert (split.code, split.understood["sscc"], split.understood["print_label"]) == ("unit_split", new, True)
    assert gs1_keys.is_sscc(new)
    with database.unit_of_work(scope) as session:
        assert in_unit(session, pallets[0].sscc) == {hall.milk.code: 25}
        assert in_unit(session, new) == {hall.milk.code: 15}
        assert lying(session, hall, "A-1") == 50
        assert "split" in steps(session, new)
    assert handheld.scan("UNDO").code == "unit_undone"
    with database.unit_of_work(scope) as session:
        assert in_unit(session, pallets[0].sscc) == {hall.milk.code: 40}
        assert in_unit(session, new) == {}
        assert steps(session, new)[-1] == "repacked"
    assert is_clean(database, scope)


def test_merges_two_units_and_undoes_it(
    database: Database, scope: Scope, hall: Hall, gun: Gun, pallets: list[HandlingUnit]
) -> None:
    handheld = gun()
    assert handheld.scans(label(pallets[1]), "MERGE", label(pallets[0]))[-1] == "units_merged"
    with database.unit_of_work(scope) as session:
        assert in_unit(session, pallets[0].sscc) == {hall.milk.code: 50}
        assert steps(session, pallets[1].sscc)[-1] == "merged"
    assert handheld.scan("UNDO").code == "unit_undone"
    with database.unit_of_work(scope) as session:
        assert in_unit(session, pallets[0].sscc) == {hall.milk.code: 40}
        assert in_unit(session, pallets[1].sscc) == {hall.milk.code: 10}
    assert is_clean(database, scope)


def test_goods_go_over_into_another_unit(
    database: Database, scope: Scope, hall: Hall, gun: Gun, pallets: list[HandlingUnit]
) -> None:
    said = gun().scans(label(pallets[0]), "SPLIT", "QTY 5", hall.label(), label(pallets[1]))
    assert said[-1] == "goods_repacked"
    with database.unit_of_work(scope) as session:
        assert in_unit(session, pallets[1].sscc) == {hall.milk.code: 15}
    assert is_clean(database, scope)


def test_numbered_pieces_are_split_off(
    database: Database, scope: Scope, hall: Hall, gun: Gun, pallets: list[HandlingUnit]
) -> None:
    with database.unit_of_work(scope) as session:
        camera = build.make_item(session, hall.owner, name_en="Camera", is_serial_controlled=True)
        account = hall.account("A-1", camera, handling_unit_id=pallets[0].id)
        supplier = AccountKey("supplier", hall.owner.id, camera.id)
        post(session, Posting("cameras", "receipt", build.now(), moved(supplier, account, 2, serials=("K1", "K2"))))

    def code(serial: str, item: TradeItem = camera) -> str:
        return f"]d201{gs1_keys.gtin14(item.gtin or '')}21{serial}"

    handheld = gun()
    said = handheld.scans(label(pallets[0]), "SPLIT", code("K2"), code("K2"), code("K9"), "DONE")
    assert said[2:] == ["split_goods", "serial_in_hand", "unknown_serial", "unit_split"]
    with database.unit_of_work(scope) as session:
        assert in_unit(session, pallets[0].sscc)[camera.code] == 1
    assert is_clean(database, scope)


@pytest.mark.parametrize(
    ("codes", "mistake"),
    [
        (("NEST",), "unit_first"),
        (("A", "B"), "word_first"),
        (("A", "MILK"), "word_first"),
        (("MILK",), "unit_first"),
        (("A", "NEST", "MILK"), "other_unit_wanted"),
        (("A", "NEST", "A-2"), "other_unit_wanted"),
        (("A", "NEST", "A"), "unit_in_itself"),
        (("A", "NEST", "C"), "units_apart"),
        (("A", "TAKEOUT"), "unit_not_nested"),
        (("A", "MERGE", "A"), "same_unit"),
        (("A", "MERGE", "C"), "units_apart"),
        (("A", "SPLIT", "DONE"), "nothing_split_yet"),
        (("A", "SPLIT", "CREAM"), "not_in_this_unit"),
        (("A", "SPLIT", "QTY 41", "MILK"), "not_so_many_in_this_unit"),
        (("A", "SPLIT", "QTY 40", "MILK", "DONE"), "nothing_left_in_unit"),
        (("A", "SPLIT", "QTY 40", "MILK", "MILK"), "not_so_many_in_this_unit"),
        (("X",), "unknown_handling_unit"),
        (("CONFIRM",), "nothing_to_confirm"),
        (("UNDO",), "nothing_to_undo"),
        (("NOTHING",), "unknown_label"),
    ],
)
def test_each_mistake_has_its_own_answer_and_way_out(
    hall: Hall, gun: Gun, pallets: list[HandlingUnit], codes: tuple[str, ...], mistake: str
) -> None:
    words = {
        "A": label(pallets[0]), "B": label(pallets[1]), "C": label(pallets[2]), "MILK": hall.label(),
        "CREAM": hall.label(hall.cream), "X": f"]C100{build.check_digit('06901239999999999')}",
    }  # fmt: skip
    handheld = gun()
    answers = [handheld.scan(words.get(code, code)) for code in codes]
    assert answers[-1].code == mistake
    assert answers[-1].way_out


def test_promised_goods_are_not_merged_away(
    database: Database, scope: Scope, hall: Hall, gun: Gun, pallets: list[HandlingUnit]
) -> None:
    with database.unit_of_work(scope) as session:
        account = hall.account("A-1", handling_unit_id=pallets[0].id)
        reserve(session, Reserve("r1", account, 5, build.now() + timedelta(hours=1), "SO-3"))
    handheld = gun()
    handheld.scans(label(pallets[0]), "MERGE")
    refused = handheld.scan(label(pallets[1]))
    assert (refused.code, refused.values["document"]) == ("goods_promised", "SO-3")


def test_a_split_that_was_moved_since_is_not_undone(
    database: Database, scope: Scope, hall: Hall, gun: Gun, pallets: list[HandlingUnit]
) -> None:
    handheld = gun()
    handheld.scans(label(pallets[0]), "SPLIT", "QTY 5", hall.label())
    new = handheld.scan("DONE").values["into"]
    mover = Handheld(database, scope.tenant_id, hall, hall.clerk, "move")
    assert mover.scans(f"]C100{new}", "A-3")[-1] == "moved"
    assert handheld.scan("UNDO").code == "moved_since"
    assert is_clean(database, scope)


def test_two_who_merge_one_unit_at_once_one_wins(
    database: Database, scope: Scope, hall: Hall, gun: Gun, pallets: list[HandlingUnit]
) -> None:
    with database.unit_of_work(scope) as session:
        third = make_pallet(session, hall)
        hall.fill(session, "A-1", 7, handling_unit_id=third.id)
    one, two = gun(), gun(hall.other_clerk)
    for handheld in (one, two):
        handheld.scans(label(pallets[1]), "MERGE")

    def merge(handheld: Handheld, into: HandlingUnit) -> Callable[[], Answer]:
        return lambda: handheld.scan(label(into))

    answers = all_at_once([merge(one, pallets[0]), merge(two, third)])
    assert sorted(one.code for one in answers) == ["unit_empty", "units_merged"]
    with database.unit_of_work(scope) as session:
        total = sum(sum(in_unit(session, unit.sscc).values()) for unit in (pallets[0], third))
        assert total == 57
    assert is_clean(database, scope)
