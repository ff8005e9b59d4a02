"""Types and bindings of gate passes, one test for each rule of the customs reference (1.4, 1.5), named after it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests import build
from tests.build import now, number
from tests.wms.customs.test_reconciling import book_of
from tests.wms.customs.test_slips import approved, filing, on_pass
from tests.wms.gate.test_model import drive
from tests.wms.gate.world import (
    GOODS_G,
    World,
    crossing,
    make_lane,
    make_list,
    make_pass,
    make_world,
    seen_of,
)
from wms.customs import list_changes, list_queries, modes, verification_lists, verify
from wms.customs.change_rules import BelowOnPasses
from wms.customs.gate_pass_rules import BadPass, MoreThanDeclared, NewPass, PassDocument, PassLine, RegisteredGoods
from wms.customs.gate_passes import apply_for_pass, move_to_waiting, void_pass
from wms.customs.pass_binding_rules import GoodsNotOfDocument, NotWholeDocument, PassTypeForbids
from wms.customs.tables import GatePass, VerificationLine, VerificationList
from wms.gate.service import decide_passage
from wms.parties import dated
from wms.parties.tables import Company

BRICKS = RegisteredGoods("construction", "砖", Decimal(1000), "007", 2_000_000)


def document(listed: VerificationList) -> PassDocument:
    return PassDocument("1", listed.list_no or "", listed.id)


def listed_in(session: Session, world: World, qty: int) -> tuple[VerificationList, VerificationLine]:
    """A pre-deducted list that lets goods in; its declaration is not released."""
    number_of = book_of(session, world)
    goods = (verification_lists.ListLine(world.shelf.book_line_id, Decimal(qty), "011", qty),)
    command = verification_lists.DrawUpList(
        f"I{number()}", number_of, world.shelf.owner_id, "I", "5034", goods
    )  # fmt: skip
    list_id = verification_lists.draw_up(session, command)
    verification_lists.declare(session, list_id, now())
    verification_lists.pre_deduct(session, list_id, f"QD490226I{number():09d}", now())
    found = session.get_one(VerificationList, list_id)
    return found, session.query(VerificationLine).filter_by(verification_list_id=list_id).one()


def decided(session: Session, world: World, gate_pass: GatePass) -> str | None:
    lane = world.lane if gate_pass.direction == "E" else make_lane(session, world.shelf.site_id, direction="I")
    return decide_passage(session, crossing(lane, seen_of(gate_pass))).hold_code


# --- bindings (bindTypecd) --------------------------------------------------------------------------------------------


def test_1_5_bind_1_one_vehicle_takes_several_documents(session: Session) -> None:
    world = make_world(session, declared=30)
    other, line = make_list(session, world.shelf, 20)
    goods = (
        PassLine(world.shelf.trade_item_id, 10, GOODS_G, world.line.id),
        PassLine(world.shelf.trade_item_id, 20, GOODS_G, line.id),
    )
    new = application(world, lines=goods, documents=(document(world.listed), document(other)))
    assert apply_for_pass(session, new).bind_type == "1"


def test_1_5_bind_2_one_vehicle_takes_the_whole_document(session: Session) -> None:
    world = make_world(session, declared=30)
    with pytest.raises(NotWholeDocument, match="declares 30, the pass names 29"):
        make_pass(session, world, qty=29, bind_type="2")
    made = make_pass(session, world, qty=30)
    assert made.bind_type == "2"  # nobody said so: it fits
    drive(session, decide_passage(session, crossing(world.lane, seen_of(made))).passage_id)
    verification_lists.book(session, world.listed.id, f"k{number()}", now())
    assert list(verify.findings(session)) == []


def test_1_5_bind_2_holds_for_every_line_of_the_document(session: Session) -> None:
    world = make_world(session, declared=30)
    item = build.make_item(session, session.get_one(Company, world.shelf.owner_id))
    second = build.make_book_line(session, item, "T4912W000001")
    more = VerificationLine(
        verification_list_id=world.listed.id, line_no=2, book_line_id=second.id, trade_item_id=item.id,
        declared_qty=Decimal(4), customs_unit="011", declared_base_qty=4,
    )  # fmt: skip
    session.add(more)
    session.flush()
    with pytest.raises(NotWholeDocument, match="line 2 declares 4, the pass names 0"):
        make_pass(session, world, qty=30, bind_type="2")


def test_1_5_bind_2_whole_slip_and_part_of_a_slip(session: Session) -> None:
    world = make_world(session, declared=100)
    slip = approved(session, filing(session, world), 30)
    assert on_pass(session, world, slip, 20).bind_type == "3"
    other = approved(session, filing(session, world), 30)
    assert on_pass(session, world, other, 30).bind_type == "2"


def test_1_5_which_bindings_take_the_whole_document_is_dated_data(session: Session) -> None:
    world = make_world(session, declared=30)
    today = modes.beijing_day(now())
    known = dated.value(session, "customs.gate_pass", today)
    dated.set_value(
        session, "customs.gate_pass", known | {"whole_bindings": []}, valid_from_on=today, source="customs says so"
    )
    assert make_pass(session, world, qty=29, bind_type="2").bind_type == "2"


def test_1_5_bind_3_several_vehicles_share_one_document(session: Session) -> None:
    world = make_world(session, declared=30)
    passes = [make_pass(session, world, qty=10) for _ in range(3)]
    assert {one.bind_type for one in passes} == {"3"}
    for one in passes:
        drive(session, decide_passage(session, crossing(world.lane, seen_of(one))).passage_id)
    verification_lists.book(session, world.listed.id, f"k{number()}", now())
    assert list_queries.list_row(session, world.listed.id).state == "booked"
    assert list(verify.findings(session)) == []


# --- types (passportTypecd) -------------------------------------------------------------------------------------------


def test_1_5_type_1_goods_enter_before_their_declaration_and_never_leave_so(session: Session) -> None:
    world = make_world(session, declared=30)
    listed, line = listed_in(session, world, 5)
    goods = (PassLine(line.trade_item_id, 5, GOODS_G, line.id),)
    entering = make_pass(
        session, world, direction="I", pass_type="1", qty=5, lines=goods, documents=(document(listed),)
    )
    assert decided(session, world, entering) is None
    with pytest.raises(PassTypeForbids, match="other direction"):
        make_pass(session, world, pass_type="1", qty=30)


@pytest.mark.parametrize("pass_type", ["2", "3"])
def test_1_5_types_2_and_3_wait_for_the_released_declaration(session: Session, pass_type: str) -> None:
    world = make_world(session, declared=30)
    world.listed.entry_released_at = None
    session.flush()
    assert decided(session, world, make_pass(session, world, qty=30, pass_type=pass_type)) == "not_released"
    world.listed.entry_released_at = now()
    session.flush()
    other = make_world(session, declared=30)
    assert decided(session, other, make_pass(session, other, qty=30, pass_type=pass_type)) is None


def test_1_5_type_4_lets_nothing_out_on_a_list_that_is_not_released(session: Session) -> None:
    world = make_world(session, declared=30)
    world.listed.entry_released_at = None
    session.flush()
    assert decided(session, world, make_pass(session, world, qty=30, pass_type="4")) == "not_released"


def test_1_5_type_4_goes_on_a_movement_slip(session: Session) -> None:
    world = make_world(session, declared=100)
    slip = approved(session, filing(session, world), 30)
    assert decided(session, world, on_pass(session, world, slip, 30)) is None


def test_1_5_types_2_and_3_take_no_movement_slip(session: Session) -> None:
    world = make_world(session, declared=100)
    slip = approved(session, filing(session, world), 30)
    papers = (PassDocument("2", slip.slip_no or "", movement_slip_id=slip.id),)
    with pytest.raises(PassTypeForbids, match="no document of this kind"):
        apply_for_pass(session, application(world, documents=papers))


def test_1_5_type_5_registers_goods_and_takes_none_of_the_stock(session: Session) -> None:
    world = make_world(session, declared=30)
    with pytest.raises(PassTypeForbids, match="no goods of the stock"):
        apply_for_pass(session, application(world, pass_type="5", documents=()))
    made = make_pass(session, world, direction="I", pass_type="5", lines=(), documents=(), registered=(BRICKS,))
    assert made.goods_gross_weight_g == 2_000_000


def test_1_5_type_6_an_empty_vehicle_names_nothing(session: Session) -> None:
    world = make_world(session, declared=30)
    with pytest.raises(BadPass, match="empty vehicle names no goods"):
        make_pass(session, world, pass_type="6", qty=30)


def test_1_5_goods_are_lines_of_the_documents_of_the_pass(session: Session) -> None:
    world = make_world(session, declared=30)
    _, foreign = make_list(session, world.shelf, 20)
    goods = PassLine(world.shelf.trade_item_id, 5, GOODS_G, foreign.id)
    for lines in ((goods,), (PassLine(world.shelf.trade_item_id, 5, GOODS_G),)):
        with pytest.raises(GoodsNotOfDocument):
            apply_for_pass(session, application(world, lines=lines))
    item = build.make_item(session, session.get_one(Company, world.shelf.owner_id))
    with pytest.raises(GoodsNotOfDocument):
        apply_for_pass(session, application(world, lines=(PassLine(item.id, 5, GOODS_G, world.line.id),)))


def test_1_5_bonded_goods_of_another_book_line_do_not_leave_on_the_document(session: Session) -> None:
    world, other = make_world(session, declared=30), make_world(session, declared=30)
    made = apply_for_pass(session, application(world))
    with pytest.raises(GoodsNotOfDocument):
        move_to_waiting(session, made.id, {1: other.shelf.bonded}, key=f"w{number()}", event_at=now())


def test_1_5_a_document_serves_the_direction_it_is_for(session: Session) -> None:
    world = make_world(session, declared=30)
    with pytest.raises(PassTypeForbids, match="document is for the other direction"):
        apply_for_pass(session, application(world, direction="I"))


# --- use: passed ≤ on passes ≤ declared -------------------------------------------------------------------------------


def test_1_3_use_up_rule_passed_within_passes_within_declared(session: Session) -> None:
    world = make_world(session, declared=30)
    made = make_pass(session, world, qty=20)
    with pytest.raises(MoreThanDeclared):
        make_pass(session, world, qty=11)
    drive(session, decide_passage(session, crossing(world.lane, seen_of(made))).passage_id)
    (row,) = list_queries.lines(session, world.listed.id)
    assert (row.passed_qty, row.on_passes_qty, row.declared_base_qty) == (20, 20, 30)
    for values in ({"passed_qty": 21}, {"on_passes_qty": 31}, {"declared_base_qty": 19}):
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(update(VerificationLine).where(VerificationLine.id == world.line.id).values(**values))


def test_1_3_a_void_gives_back_and_a_change_never_goes_below_what_is_on_passes(session: Session) -> None:
    world = make_world(session, declared=30)
    made = make_pass(session, world, qty=20)
    with pytest.raises(BelowOnPasses):
        list_changes.ask_change(session, world.listed.id, {1: list_changes.Quantity(Decimal(19), 19)}, "less", now())
    void_pass(session, made.id, reason="wrong truck", at=now())
    (row,) = list_queries.lines(session, world.listed.id)
    assert row.on_passes_qty == 0
    assert make_pass(session, world, qty=30).bind_type == "2"


def application(world: World, **changes: object) -> NewPass:
    """An application for a pass out, its goods not moved yet."""
    given: dict[str, object] = {
        "internal_no": f"HF-{number()}", "owner_id": world.shelf.owner_id, "site_id": world.shelf.site_id,
        "direction": "E", "pass_type": "3", "vehicle_plate": "湘F12345", "vehicle_weight_g": 14_000_000,
        "valid_from_at": now() - timedelta(hours=1), "valid_until_at": now() + timedelta(hours=8),
        "lines": (PassLine(world.shelf.trade_item_id, 5, GOODS_G, world.line.id),),
        "documents": (document(world.listed),),
    }  # fmt: skip
    return NewPass(**(given | changes))  # type: ignore[arg-type]
