"""Picking by scan: place first or goods first, each mistake its own sentence, short, next, undo, done."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text, update

from tests import build
from tests.wms.floor.outbound import Hall, build_hall, clean, days, now, state_of
from tests.wms.floor.service.test_picking import in_unit
from tests.wms.floor.world import Scanner
from tests.wms.stock.test_races import all_at_once
from web import waving
from wms.codes import gs1_keys
from wms.db import Database, Scope
from wms.floor import pick_queries
from wms.floor.rules.answers import Answer, Outcome
from wms.floor.rules.orders import OrderLineIn
from wms.floor.rules.waves import WaveRule
from wms.floor.service import waves
from wms.floor.tables import Task
from wms.stock.ledger import AccountKey, Posting, moved, post
from wms.stock.tables import HandlingUnit, Lot


class Handheld(Scanner):
    """A handheld in the hall: it picks."""

    def build(self, code: str, **given: object) -> Any:
        return super().build(code, **({"notice_no": None} | given))


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        return build_hall(session)


@pytest.fixture
def picker(database: Database, scope: Scope, hall: Hall) -> Handheld:
    return Handheld(database, Scope(scope.tenant_id, hall.person.id, "clerk"), hall, job="pick")  # type: ignore[arg-type]


def new_sscc() -> str:
    return gs1_keys.make_sscc(3, "6901234", 7_000_000 + build.number())


def label(item: Any, lot: str | None = None, expires_in: int | None = None) -> str:
    parts = f"]d201{gs1_keys.gtin14(item.gtin)}"
    if expires_in is not None:
        parts += f"17{days(expires_in):%y%m%d}"
    return parts + (f"10{lot}" if lot else "")


def release(database: Database, scope: Scope, hall: Hall, method: str = "discrete") -> str:
    with database.unit_of_work(scope) as session:
        made = waves.gather(session, hall.site.id, method, WaveRule())
        waving.release(session, made.wave_no, f"k-{made.wave_no}", now(), to_place=None)
        return pick_queries.pick_lists(session, wave=made.wave_no)[0].list_no


def stocked(database: Database, scope: Scope, hall: Hall, *orders: int) -> list[int]:
    """Tea in two aisles, and orders for it."""
    with database.unit_of_work(scope) as session:
        hall.put(session, hall.tea, hall.bins[0], 12)
        hall.put(session, hall.tea, hall.bins[3], 30)
        return [hall.order(session, OrderLineIn(hall.tea.code, qty))[0] for qty in orders]


def test_place_first_from_the_list_to_the_ledger(
    database: Database, scope: Scope, hall: Hall, picker: Handheld
) -> None:
    (order_id,) = stocked(database, scope, hall, 3)
    list_no = release(database, scope, hall)
    told = picker.scan(list_no.lower())
    assert (told.code, told.values["place"], told.values["next_qty"]) == ("go_to", "B-1-1", 3)
    tote = new_sscc()
    assert picker.scan(f"]C100{tote}").code == "tote_bound"
    told = picker.scan("b-1-1")
    assert (told.code, told.expects) == ("place_chosen", ("goods", "place", "qty"))
    told = picker.scan(label(hall.tea))
    assert (told.code, told.values["qty"], told.values["next_qty"], told.is_undoable) == ("picked", 1, 2, True)
    picker.scan("QTY 2")
    told = picker.scan(label(hall.tea))
    assert (told.outcome, told.code, told.values["place"], told.expects) == (Outcome.OK, "picked", "PACK-1", ("task",))
    with database.unit_of_work(scope) as session:
        assert state_of(session, order_id) == "picked"
        unit = session.scalars(select(HandlingUnit).where(HandlingUnit.sscc == tote)).one()
        assert in_unit(session, unit) == [("PACK-1", 3)]
        assert unit.kind == "crate"
    assert clean(database, scope)


def test_goods_first_works_too_and_asks_for_a_tote_when_there_is_none(
    database: Database, scope: Scope, hall: Hall, picker: Handheld
) -> None:
    stocked(database, scope, hall, 2)
    release(database, scope, hall)
    assert picker.scan("NEXT").code == "go_to"
    picker.scan("QTY 2")
    told = picker.scan(label(hall.tea))
    assert (told.code, told.expects, told.values["place"]) == ("place_wanted_first", ("place",), "B-1-1")
    assert picker.scan("B-1-2").code == "nothing_here"
    told = picker.scan("B-1-1")
    assert (told.code, told.values["qty"], told.expects) == ("tote_wanted", 2, ("tote",))
    assert picker.scan(label(hall.tea)).code == "tote_first"
    assert picker.scan(f"]C100{new_sscc()}").code == "picked"


def test_a_repeat_of_a_scan_picks_once(database: Database, scope: Scope, hall: Hall, picker: Handheld) -> None:
    stocked(database, scope, hall, 3)
    picker.scan(release(database, scope, hall))
    picker.scan(f"]C100{new_sscc()}")
    picker.scan("B-1-1")
    scan = picker.build(label(hall.tea))
    first, again = picker.send(scan), picker.send(scan)
    assert (again.replayed, again.answer.code, first.answer.code) == (True, "picked", "picked")
    with database.unit_of_work(scope) as session:
        assert session.execute(text("SELECT sum(qty) FROM pick")).scalar_one() == 1


def test_a_cart_of_several_totes_wants_each_goods_in_its_own(
    database: Database, scope: Scope, hall: Hall, picker: Handheld
) -> None:
    first, second = stocked(database, scope, hall, 2, 3)
    picker.scan(release(database, scope, hall, "cluster"))
    totes = [new_sscc(), new_sscc()]
    assert [picker.scan(f"]C100{tote}").values["slot"] for tote in totes] == [1, 2]
    picker.scan("B-1-1")
    picker.scan("QTY 2")
    told = picker.scan(label(hall.tea))
    assert (told.code, told.values["slot"], told.values["tote"]) == ("put_into_tote", 1, totes[0])
    assert picker.scan(f"]C100{totes[1]}").code == "other_tote"
    assert picker.scan(f"]C100{totes[0]}").code == "picked"
    picker.scan("QTY 3")
    assert picker.scan(label(hall.tea)).values["slot"] == 2
    assert picker.scan(f"]C100{totes[1]}").code == "picked"
    with database.unit_of_work(scope) as session:
        assert {state_of(session, first), state_of(session, second)} == {"picked"}


def test_one_taking_serves_several_orders_of_a_batch(
    database: Database, scope: Scope, hall: Hall, picker: Handheld
) -> None:
    ids = stocked(database, scope, hall, 2, 3, 4)
    told = picker.scan(release(database, scope, hall, "batch"))
    assert told.values["next_qty"] == 9
    picker.scan(f"]C100{new_sscc()}")
    picker.scan("B-1-1")
    picker.scan("QTY 9")
    assert picker.scan(label(hall.tea)).code == "picked"
    with database.unit_of_work(scope) as session:
        assert {state_of(session, one) for one in ids} == {"picked"}
        assert session.execute(text("SELECT count(DISTINCT posting_id) FROM pick")).scalar_one() == 1


def test_a_whole_pallet_is_taken_by_its_label(database: Database, scope: Scope, hall: Hall, picker: Handheld) -> None:
    with database.unit_of_work(scope) as session:
        pallet, other = (build.make_handling_unit(session, hall.owner) for _ in range(2))
        hall.put(session, hall.tea, hall.bins[0], 40, handling_unit_id=pallet.id)
        hall.order(session, OrderLineIn(hall.tea.code, 40))
    picker.scan(release(database, scope, hall))
    picker.scan("B-1-1")
    assert picker.scan(f"]C100{other.sscc}").code == "other_pallet"
    assert picker.scan(f"]C100{pallet.sscc}").code == "picked"
    with database.unit_of_work(scope) as session:
        assert in_unit(session, pallet) == [("PACK-1", 40)]


def test_a_part_of_a_pallet_needs_its_number(database: Database, scope: Scope, hall: Hall, picker: Handheld) -> None:
    with database.unit_of_work(scope) as session:
        pallet = build.make_handling_unit(session, hall.owner)
        hall.put(session, hall.tea, hall.bins[0], 40, handling_unit_id=pallet.id)
        hall.order(session, OrderLineIn(hall.tea.code, 5))
    picker.scan(release(database, scope, hall))
    picker.scan(f"]C100{new_sscc()}")
    picker.scan("B-1-1")
    assert picker.scan(f"]C100{pallet.sscc}").code == "quantity_needed"
    picker.scan("QTY 5")
    assert picker.scan(f"]C100{pallet.sscc}").code == "picked"


def beef(database: Database, scope: Scope, hall: Hall) -> None:
    """Two lots of beef; the sooner one is promised."""
    with database.unit_of_work(scope) as session:
        hall.lot(session, hall.beef, "L1", 30)
        hall.lot(session, hall.beef, "L2", 90)
        hall.put(session, hall.beef, hall.bins[0], 10, "L1")
        hall.put(session, hall.beef, hall.bins[0], 10, "L2")
        hall.put(session, hall.tea, hall.bins[1], 10)
        hall.order(session, OrderLineIn(hall.beef.code, 5), OrderLineIn(hall.tea.code, 2))


@pytest.mark.parametrize(
    ("first", "code", "mistake"),
    [
        ("B-1-1", "tea", "other_item"),
        ("B-1-1", "lot L2", "other_lot"),
        ("B-1-1", "no lot", "lot_not_on_label"),
        ("B-1-1", "nobody", "unknown_label"),
        ("B-1-1", "other owner", "owner_of_list"),
        ("B-1-1", "not ordered", "other_item"),
        (None, "not ordered", "not_on_list"),
        ("B-1-1", "B-2-1", "nothing_here"),
        ("B-1-1", "NOWHERE", "unknown_label"),
        ("B-1-1", "]C100369012340000000421", "broken_check_digit"),
        ("B-1-1", "QTY 0", "bad_quantity"),
        ("B-1-1", "PL99999999", "unknown_list"),
        (None, "SHORT", "go_there_first"),
        ("B-1-1", "CONFIRM", "nothing_to_confirm"),
        (None, "UNDO", "nothing_to_undo"),
    ],
)
def test_each_mistake_has_its_own_sentence_and_way_out(
    database: Database, scope: Scope, hall: Hall, picker: Handheld, first: str | None, code: str, mistake: str
) -> None:
    beef(database, scope, hall)
    with database.unit_of_work(scope) as session:
        stranger = build.make_item(session, build.make_company(session, "owner_of_goods"))
        unordered = build.make_item(session, hall.owner)
    codes = {
        "tea": label(hall.tea),
        "lot L2": label(hall.beef, "L2"),
        "no lot": hall.beef.gtin or "",
        "nobody": build.check_digit("690999999999"),
        "other owner": stranger.gtin or "",
        "not ordered": unordered.gtin or "",
    }
    picker.scan(release(database, scope, hall))
    picker.scan(f"]C100{new_sscc()}")
    if first:
        picker.scan(first)
    answer = picker.scan(codes.get(code, code))
    assert (answer.outcome, answer.code) == (Outcome.STOP, mistake)
    assert answer.way_out


def test_too_many_is_said(database: Database, scope: Scope, hall: Hall, picker: Handheld) -> None:
    stocked(database, scope, hall, 3)
    picker.scan(release(database, scope, hall))
    picker.scan(f"]C100{new_sscc()}")
    picker.scan("B-1-1")
    picker.scan("QTY 4")
    answer = picker.scan(label(hall.tea))
    assert (answer.code, answer.values["left"]) == ("too_many_picked", 3)


def test_goods_that_expired_since_may_not_be_sent(
    database: Database, scope: Scope, hall: Hall, picker: Handheld
) -> None:
    beef(database, scope, hall)
    list_no = release(database, scope, hall)
    with database.unit_of_work(scope) as session:
        session.execute(update(Lot).where(Lot.id == hall.lots["L1"].id).values(expires_on=days(-1)))
    picker.scan(list_no)
    picker.scan("B-1-1")
    assert picker.scan(label(hall.beef, "L1")).code == "expired_goods"


def test_goods_held_since_may_not_be_sent(database: Database, scope: Scope, hall: Hall, picker: Handheld) -> None:
    stocked(database, scope, hall, 3)
    list_no = release(database, scope, hall)
    with database.unit_of_work(scope) as session:
        ids = session.execute(text("SELECT array_agg(reservation_id) FROM allocation")).scalar_one()
        session.execute(text("SELECT stock_release(:ids, 'void')"), {"ids": ids})
        good = hall.account(hall.tea, hall.bins[0])
        held = AccountKey(**(vars(good) | {"quality_status": "hold"}))
        post(session, Posting(f"hold-{build.number()}", "hold", datetime.now(UTC), moved(good, held, 12)))
    picker.scan(list_no)
    picker.scan(f"]C100{new_sscc()}")
    picker.scan("B-1-1")
    assert picker.scan(label(hall.tea)).code == "goods_on_hold"


def test_short_sends_the_picker_elsewhere(database: Database, scope: Scope, hall: Hall, picker: Handheld) -> None:
    (order_id,) = stocked(database, scope, hall, 12)
    picker.scan(release(database, scope, hall))
    picker.scan(f"]C100{new_sscc()}")
    picker.scan("B-1-1")
    picker.scan("QTY 5")
    picker.scan(label(hall.tea))
    told = picker.scan("SHORT")
    assert (told.outcome, told.code, told.values["missing"], told.values["found"]) == (Outcome.WARN, "short", 7, 7)
    assert told.values["place"] == "B-2-1"
    picker.scan("B-2-1")
    picker.scan("QTY 7")
    assert picker.scan(label(hall.tea)).code == "picked"
    with database.unit_of_work(scope) as session:
        assert state_of(session, order_id) == "picked"
        assert sorted(session.scalars(select(Task.kind).where(Task.state == "open"))) == ["count", "pack"]
    assert clean(database, scope)


def test_undo_takes_the_last_pick_back_even_after_the_list_was_done(
    database: Database, scope: Scope, hall: Hall, picker: Handheld
) -> None:
    (order_id,) = stocked(database, scope, hall, 3)
    picker.scan(release(database, scope, hall))
    picker.scan(f"]C100{new_sscc()}")
    picker.scan("B-1-1")
    picker.scan("QTY 3")
    assert picker.scan(label(hall.tea)).code == "picked"
    told = picker.scan("UNDO")
    assert (told.code, told.values["qty"], told.values["next_qty"]) == ("undone", 3, 3)
    assert picker.scan("UNDO").code == "nothing_to_undo"
    with database.unit_of_work(scope) as session:
        assert state_of(session, order_id) == "released"
    picker.scan("B-1-1")
    picker.scan("QTY 3")
    assert picker.scan(label(hall.tea)).code == "picked"
    assert clean(database, scope)


def test_next_leaves_a_stop_for_later_and_done_leaves_the_list_to_others(
    database: Database, scope: Scope, hall: Hall, picker: Handheld
) -> None:
    beef(database, scope, hall)
    list_no = release(database, scope, hall)
    assert picker.scan(list_no).values["place"] == "B-1-1"
    assert picker.scan("NEXT").values["place"] == "B-1-2"
    told = picker.scan("DONE")
    assert (told.code, told.values["count"]) == ("list_left", 2)
    assert picker.scan("B-1-1").code == "no_list"
    other = Handheld(database, Scope(scope.tenant_id, hall.supervisor.id, "clerk"), hall, job="pick")  # type: ignore[arg-type]
    assert other.scan("NEXT").values["place"] == "B-1-2"
    told = picker.scan(list_no)
    assert (told.code, told.values["person"]["en"]) == ("list_taken", hall.supervisor.name_en)
    assert picker.scan("NEXT").code == "no_work"


def test_two_pickers_who_ask_for_work_get_different_lists(
    database: Database, scope: Scope, hall: Hall, picker: Handheld
) -> None:
    stocked(database, scope, hall, 1, 1)
    release(database, scope, hall)
    other = Handheld(database, Scope(scope.tenant_id, hall.supervisor.id, "clerk"), hall, job="pick")  # type: ignore[arg-type]

    def ask(handheld: Handheld) -> Callable[[], Answer]:
        return lambda: handheld.scan("NEXT")

    first, second = all_at_once([ask(picker), ask(other)])
    assert {first.code, second.code} == {"go_to"}, (first, second)
    assert first.context["document"] != second.context["document"]


def test_the_list_chosen_on_the_screen_is_taken(database: Database, scope: Scope, hall: Hall, picker: Handheld) -> None:
    stocked(database, scope, hall, 1)
    list_no = release(database, scope, hall)
    assert picker.scan("B-1-1", document_no=list_no).code == "place_chosen"
    assert picker.scan("BACK", document_no=list_no).code == "place_left"
