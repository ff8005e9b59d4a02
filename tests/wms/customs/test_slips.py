"""Business filings and movement slips: ceiling, days, guarantee, what can go back, yield, voids, declared together."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests.build import make_book_line, make_item, now, number
from tests.wms.customs.test_reconciling import book_of, state_of
from tests.wms.gate.test_model import drive
from tests.wms.gate.world import (
    GOODS_G,
    World,
    balance,
    crossing,
    make_lane,
    make_pass,
    make_world,
    seen_of,
)
from wms.customs import filing_rules as rules
from wms.customs import filings, list_queries, modes, promises, slips, verification_lists, verify
from wms.customs.gate_pass_rules import MoreThanDeclared, PassDocument, PassLine
from wms.customs.gate_passes import void_pass
from wms.customs.tables import BusinessFiling, GatePass, MovementSlip
from wms.gate.service import decide_passage
from wms.parties.tables import Company

TODAY = modes.beijing_day(now())


def filing(session: Session, world: World, **changes: object) -> BusinessFiling:
    """An approved filing for display outside the zone: 50 pieces at most, a guarantee for 40 of them."""
    given: dict[str, object] = {
        "internal_no": f"F{number()}", "book_no": book_of(session, world), "owner_id": world.shelf.owner_id,
        "kind": "C", "direction": "E", "valid_from_on": TODAY, "valid_until_on": TODAY + timedelta(days=30),
        "lines": (rules.FilingLine(world.shelf.book_line_id, 50, 100),), "guarantee_minor": 4_000,
    }  # fmt: skip
    filed = filings.file_filing(session, rules.NewFiling(**(given | changes)))  # type: ignore[arg-type]
    return filings.approve(session, filed.internal_no, f"SB{number()}", now())


def draw(
    session: Session, filed: BusinessFiling, qty: int, direction: str = "E",
    returns: tuple[str, int] | None = None, line_no: int = 1,
) -> MovementSlip:  # fmt: skip
    assert filed.filing_no is not None
    lines = (rules.SlipLine(line_no, qty, returns),)
    return slips.draw(session, rules.NewSlip(f"S{number()}", filed.filing_no, direction, lines), now())


def approved(session: Session, filed: BusinessFiling, qty: int, **more: object) -> MovementSlip:
    slip = draw(session, filed, qty, **more)  # type: ignore[arg-type]
    return slips.approve(session, slip.internal_no, f"CK{number()}", now())


def on_pass(session: Session, world: World, slip: MovementSlip, qty: int, direction: str = "E") -> GatePass:
    ((line, _),) = slips.parts(session, slip.id)
    goods = PassLine(world.shelf.trade_item_id, qty, GOODS_G, slip_line_id=line.id)
    document = PassDocument("2", slip.slip_no or "", movement_slip_id=slip.id)
    return make_pass(
        session, world, qty=qty, direction=direction, pass_type="4", lines=(goods,), documents=(document,)
    )  # fmt: skip


def through(session: Session, world: World, gate_pass: GatePass) -> str | None:
    lane = world.lane if gate_pass.direction == "E" else make_lane(session, world.shelf.site_id, direction="I")
    decided = decide_passage(session, crossing(lane, seen_of(gate_pass)))
    if decided.verdict == "lift":
        drive(session, decided.passage_id)
    return decided.hold_code


def left_on_slip(session: Session, world: World, filed: BusinessFiling, qty: int) -> MovementSlip:
    slip = approved(session, filed, qty)
    assert through(session, world, on_pass(session, world, slip, qty)) is None
    return slips.by_no(session, slip.internal_no)


def test_1_6_display_goods_leave_on_a_slip_come_back_and_the_rest_is_declared_together(session: Session) -> None:
    world = make_world(session, declared=100)
    filed = filing(session, world)
    slip = left_on_slip(session, world, filed, 30)
    assert (slip.state, slip.collect_by_on) == ("passed", TODAY + timedelta(days=30))
    assert (balance(session, "book", world.shelf), balance(session, "deduction_pending", world.shelf)) == (70, 30)
    back = approved(session, filed, 10, direction="I", returns=(slip.slip_no or "", 1))
    assert through(session, world, on_pass(session, world, back, 10, "I")) is None
    placed = world.shelf.bonded
    command = slips.TakeBack(f"tb{number()}", back.slip_no or "", 1, placed, 10, now())
    with pytest.raises(rules.MoreThanPassed):
        slips.take_back(session, replace(command, qty=11))
    slips.take_back(session, command)
    with pytest.raises(rules.MoreThanPassed):
        slips.take_back(session, replace(command, key="again", qty=1))
    assert (balance(session, "book", world.shelf), balance(session, "deduction_pending", world.shelf)) == (80, 20)
    assert filed.guarantee_used_minor == 2_000
    list_id = slips.collect(session, filed.filing_no or "", f"JB{number()}", "5000")
    (row,) = list_queries.lines(session, list_id)
    assert (row.declared_base_qty, row.passed_qty) == (20, 20)
    verification_lists.declare(session, list_id, now())
    verification_lists.pre_deduct(session, list_id, f"QD490226E{number():09d}", now())
    verification_lists.release_entry(session, list_id, "E", now())
    verification_lists.book(session, list_id, f"k{number()}", now())
    state = state_of(session, world)
    assert (state.book, state.pending, state.available, state.unexplained) == (80, 0, 80, 0)
    assert filed.guarantee_used_minor == 0
    with pytest.raises(rules.NothingToCollect):
        slips.collect(session, filed.filing_no or "", "again", "5000")
    assert filings.end(session, filed.internal_no).state == "ended"
    assert list(verify.findings(session)) == []


def test_1_6_cumulative_quantities_stay_within_the_ceiling(session: Session) -> None:
    filed = filing(session, make_world(session, declared=100), guarantee_minor=10**9)
    draw(session, filed, 30)
    with pytest.raises(rules.OverCeiling, match="has 20 left"):
        draw(session, filed, 21)
    draw(session, filed, 20)


def test_1_6_the_guarantee_covers_what_is_out(session: Session) -> None:
    filed = filing(session, make_world(session, declared=100))
    draw(session, filed, 40)
    with pytest.raises(rules.OverGuarantee):
        draw(session, filed, 1)


@pytest.mark.parametrize(("first", "last"), [(1, 5), (-5, -1)])
def test_1_6_nothing_moves_outside_the_filings_days(session: Session, first: int, last: int) -> None:
    days = {"valid_from_on": TODAY + timedelta(days=first), "valid_until_on": TODAY + timedelta(days=last)}
    filed = filing(session, make_world(session, declared=100), **days)
    with pytest.raises(rules.FilingNotValid):
        draw(session, filed, 1)


def test_1_6_goods_that_are_not_on_the_filing_do_not_move(session: Session) -> None:
    filed = filing(session, make_world(session, declared=100))
    with pytest.raises(rules.NotOnFiling):
        draw(session, filed, 1, line_no=2)
    with pytest.raises(rules.SlipWithoutLines):
        slips.draw(session, rules.NewSlip("S-empty", filed.filing_no or "", "E", ()), now())


def test_1_6_no_more_goes_back_than_came_and_a_void_restores_it(session: Session) -> None:
    world = make_world(session, declared=100)
    filed = filing(session, world)
    slip = left_on_slip(session, world, filed, 30)
    with pytest.raises(rules.ReturnsNothing):
        draw(session, filed, 5, "I")
    back = draw(session, filed, 30, "I", (slip.slip_no or "", 1))
    with pytest.raises(rules.OverReturnable):
        draw(session, filed, 1, "I", (slip.slip_no or "", 1))
    slips.void(session, back.internal_no, "truck broke down")
    draw(session, filed, 30, "I", (slip.slip_no or "", 1))


def test_voiding_a_slip_gives_ceiling_guarantee_and_book_back(session: Session) -> None:
    world = make_world(session, declared=100)
    filed = filing(session, world)
    slip = approved(session, filed, 40)
    assert promises.unpromised(session, world.shelf.book_line_id) == 60
    gate_pass = on_pass(session, world, slip, 40)
    with pytest.raises(rules.SlipInUse):
        slips.void(session, slip.internal_no, "cancelled")
    void_pass(session, gate_pass.id, reason="cancelled", at=now())
    slips.void(session, slip.internal_no, "cancelled")
    assert promises.unpromised(session, world.shelf.book_line_id) == 100
    session.refresh(filed)
    assert filed.guarantee_used_minor == 0
    with pytest.raises(rules.SlipNotInState):
        slips.approve(session, slip.internal_no, "CK-late", now())
    draw(session, filed, 40)


def test_1_5_passes_of_a_slip_never_exceed_it(session: Session) -> None:
    world = make_world(session, declared=100)
    slip = approved(session, filing(session, world), 30)
    on_pass(session, world, slip, 20)
    with pytest.raises(MoreThanDeclared):
        on_pass(session, world, slip, 11)
    on_pass(session, world, slip, 10)


def test_a_slip_that_is_not_approved_does_not_open_the_gate(session: Session) -> None:
    world = make_world(session, declared=100)
    slip = draw(session, filing(session, world), 30)
    assert through(session, world, on_pass(session, world, slip, 30)) == "not_released"


def test_more_than_the_book_has_is_refused_when_the_slip_is_approved(session: Session) -> None:
    world = make_world(session, declared=20)
    slip = draw(session, filing(session, world), 30)
    with pytest.raises(promises.BookShort):
        slips.approve(session, slip.internal_no, "CK-1", now())


def processing(session: Session, world: World) -> BusinessFiling:
    """Simple processing: a thousand products need 2,100 of the material, loss included."""
    item = make_item(session, session.get_one(Company, world.shelf.owner_id))
    product = make_book_line(session, item, book_of(session, world))
    lines = (
        rules.FilingLine(world.shelf.book_line_id, 50, 0, "material"),
        rules.FilingLine(product.id, 100, 0, "product", 1, 2_100),
    )
    return filing(session, world, kind="G", lines=lines, guarantee_minor=0)


def test_1_6_simple_processing_yields_no_more_than_its_material(session: Session) -> None:
    world = make_world(session, declared=100)
    filed = processing(session, world)
    with pytest.raises(rules.OverYield, match="enough for 0"):
        draw(session, filed, 1, "I", line_no=2)
    draw(session, filed, 42)
    with pytest.raises(rules.OverYield, match="enough for 20"):
        draw(session, filed, 21, "I", line_no=2)
    draw(session, filed, 20, "I", line_no=2)
    with pytest.raises(rules.OverYield):
        draw(session, filed, 1, "I", line_no=2)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"kind": "Z"}, "kind is not known"),
        ({"direction": "X"}, "direction is not known"),
        ({"lines": ()}, "must name goods"),
        ({"valid_until_on": TODAY - timedelta(days=1)}, "end after it begins"),
        ({"guarantee_minor": -1}, "guarantee must not be below zero"),
        ({"lines": (rules.FilingLine(1, 0),)}, "ceilings must be above zero"),
        ({"kind": "G"}, "names a product"),
        ({"lines": (rules.FilingLine(1, 1, 0, "product", 1, 5),)}, "only simple processing"),
        ({"kind": "G", "lines": (rules.FilingLine(1, 1, 0, "product", 9, 5),)}, "names its material"),
    ],
)
def test_each_bad_filing_is_refused_in_words(changes: dict[str, object], rule: str) -> None:
    given: dict[str, object] = {
        "internal_no": "F", "book_no": "T4902W000001", "owner_id": 1, "kind": "C", "direction": "E",
        "valid_from_on": TODAY, "valid_until_on": TODAY, "lines": (rules.FilingLine(1, 1),),
    }  # fmt: skip
    with pytest.raises(rules.BadFiling, match=rule):
        rules.check_filing(rules.NewFiling(**(given | changes)))  # type: ignore[arg-type]


def test_states_of_a_filing(session: Session) -> None:
    world = make_world(session, declared=100)
    filed = filing(session, world)
    assert filings.approve(session, filed.internal_no, filed.filing_no or "", now()).state == "approved"
    with pytest.raises(rules.FilingNotInState):
        filings.refuse(session, filed.internal_no)
    slip = draw(session, filed, 1)
    with pytest.raises(rules.SlipNotInState):
        filings.end(session, filed.internal_no)
    slips.void(session, slip.internal_no, "not needed")
    filings.end(session, filed.internal_no)
    with pytest.raises(rules.FilingNotInState):
        draw(session, filed, 1)
    with pytest.raises(rules.UnknownFiling):
        filings.by_no(session, "nothing")


def test_what_left_and_was_not_declared_in_time_is_named(session: Session) -> None:
    world = make_world(session, declared=100)
    slip = left_on_slip(session, world, filing(session, world), 5)
    assert slip.collect_by_on is not None
    assert slip.id not in {one.id for one in slips.overdue(session, slip.collect_by_on)}
    assert slip.id in {one.id for one in slips.overdue(session, slip.collect_by_on + timedelta(days=1))}
