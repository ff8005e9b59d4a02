"""The gate on a real database: decided once, opened once, goods leave once; holds, releases and their persons."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from tests.build import make_company, make_person, now
from tests.wms.gate.world import (
    World,
    balance,
    command_of,
    crossing,
    make_lane,
    make_pass,
    make_world,
    new_box,
    new_plate,
    seen_of,
)
from wms.customs.gate_pass_rules import MoreThanDeclared, PassUsed
from wms.customs.gate_passes import void_pass
from wms.customs.tables import GatePass, VerificationLine
from wms.db import Database, Scope
from wms.gate.queries import explain
from wms.gate.rules import SeenContainer, case_from_payload, case_hash, decide
from wms.gate.rules.refusals import NotAnOfficer, NotHeld, PassInUse, ReasonTooShort, SamePerson, VehicleGone
from wms.gate.service import (
    CommandStep,
    ReleaseHold,
    approve_release,
    close_passage,
    confirm_passage,
    decide_passage,
    expire_or_send,
    post_goods,
    record_result,
    register_vehicle,
    release_hold,
)
from wms.gate.service.setup import blacklist
from wms.gate.tables import BarrierCommand, Decision, GatePassUse, Passage, Release, Visit
from wms.stock.ledger import Posting, moved, post
from wms.stock.tables import Posting as PostingRow
from wms.watch.tables import Alarm


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


def drive_through(session: Session, passage_id: int) -> None:
    """The barrier does what it was told, answer by answer."""
    command = command_of(session, passage_id)
    assert expire_or_send(session, command, now())
    for result in ("accepted", "opened", "passed", "closed"):
        step = CommandStep(command.cmd_id, command.device, result, now())
        assert record_result(session, step) == "applied"
        assert record_result(session, step) == "repeated"


def hold_code(session: Session, passage_id: int) -> str | None:
    return session.scalar(select(Passage.hold_code).where(Passage.id == passage_id))


def state_of(session: Session, row: GatePass) -> str:
    session.refresh(row)
    return row.state


def test_approved_truck_is_let_out_and_its_goods_leave_the_ledger_once(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world, qty=100)
    before = balance(session, "book", world.shelf)
    decided = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    assert (decided.verdict, decided.gate_pass_id) == ("lift", gate_pass.id)
    drive_through(session, decided.passage_id)
    confirm_passage(session, decided.passage_id, passed_at=now())
    post_goods(session, decided.passage_id, at=now())

    assert state_of(session, gate_pass) == "passed"
    assert balance(session, "declared_not_left", world.shelf) == 0
    assert balance(session, "customer", world.shelf) == 100
    assert before - balance(session, "book", world.shelf) == balance(session, "deduction_pending", world.shelf) == 100
    session.refresh(world.line)
    assert (world.line.on_passes_qty, world.line.passed_qty) == (100, 100)
    postings = select(func.count()).select_from(PostingRow).where(PostingRow.kind == "gate_out")
    assert session.scalar(postings) == 1
    assert session.scalar(select(Visit.state).where(Visit.plate == gate_pass.vehicle_plate)) == "left"
    session.commit()  # the constraint triggers agree


def test_same_sequence_number_gets_the_same_answer_and_one_command(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    first = decide_passage(session, crossing(world.lane, seen_of(gate_pass), seq_no="SAME"))
    again = decide_passage(session, crossing(world.lane, seen_of(gate_pass, weight_g=1), seq_no="SAME"))
    assert again.replayed
    assert again.decision_id == first.decision_id
    assert again.verdict == "lift"
    assert session.scalar(select(func.count()).select_from(BarrierCommand)) == 1


def test_story_wrong_plate_too_heavy_and_empty_are_held_each_with_its_code(session: Session, world: World) -> None:
    box = new_box()
    gate_pass = make_pass(session, world, container_nos=(box,), container_weight_g=2_200_000)
    other = new_plate()
    register_vehicle(session, other, tare_g=14_000_000)
    boxes = (SeenContainer(box, True),)
    seen = {
        "plate_differs": seen_of(gate_pass, plate=other, containers=boxes),
        "weight_high": seen_of(gate_pass, weight_g=gate_pass.total_weight_g * 109 // 100),
        "empty_needs_pass": seen_of(gate_pass, plate=other, containers=(), weight_g=14_000_000),
        "no_pass": seen_of(gate_pass, plate=other, containers=(), weight_g=20_000_000),
    }
    for code, what in seen.items():
        decided = decide_passage(session, crossing(world.lane, what))
        assert (decided.verdict, decided.hold_code) == ("hold", code)
    assert session.scalar(select(func.count()).select_from(BarrierCommand)) == 0
    assert state_of(session, gate_pass) == "approved"


def test_stored_inputs_replay_to_the_same_answer(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    for what in (seen_of(gate_pass), seen_of(gate_pass, weight_g=1), seen_of(gate_pass, plate=None)):
        decide_passage(session, crossing(world.lane, what))
    for stored in session.scalars(select(Decision)):
        verdict = decide(case_from_payload(stored.inputs))
        assert case_hash(stored.inputs) == stored.inputs_hash
        assert (verdict.hold.code if verdict.hold else None) == stored.hold_code


def test_pass_serves_once_and_a_second_truck_run_is_held(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    first = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    waiting = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    assert waiting.hold_code == "pass_in_use"
    drive_through(session, first.passage_id)
    assert decide_passage(session, crossing(world.lane, seen_of(gate_pass))).hold_code == "no_pass"


def test_look_alike_of_an_awaited_plate_is_a_hint_and_never_opens(session: Session, world: World) -> None:
    plate = "湘F8B020"
    gate_pass = make_pass(session, world, plate=plate)
    misread = "湘F88020"
    held = decide_passage(session, crossing(world.lane, seen_of(gate_pass, plate=misread)))
    assert held.hold_code == "vehicle_unknown"
    assert explain(session, held.passage_id).look_alikes == ((plate, gate_pass.pass_no),)
    sure = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    assert explain(session, sure.passage_id).look_alikes == ()


def test_double_gate_passes_twice_and_goods_leave_at_the_second(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world, is_double_gate=True)
    lanes = [make_lane(session, world.shelf.site_id, stage=stage) for stage in (1, 2)]
    assert decide_passage(session, crossing(lanes[1], seen_of(gate_pass))).verdict == "hold"
    for lane, state, left in ((lanes[0], "passed_first", 0), (lanes[1], "passed", 100)):
        drive_through(session, decide_passage(session, crossing(lane, seen_of(gate_pass))).passage_id)
        assert (state_of(session, gate_pass), balance(session, "customer", world.shelf)) == (state, left)
    assert session.scalar(select(func.count()).select_from(GatePassUse)) == 2


def test_officer_releases_a_heavy_truck_with_a_reason_and_its_goods_leave(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    held = decide_passage(session, crossing(world.lane, seen_of(gate_pass, weight_g=22_000_000)))
    ask = ReleaseHold(held.passage_id, world.officer.id, "second weighing agreed", now())
    release = release_hold(session, ask)
    assert release.state == "granted"
    assert release.requested_by == world.officer.id
    drive_through(session, held.passage_id)
    assert balance(session, "customer", world.shelf) == 100
    with pytest.raises(NotHeld):
        release_hold(session, ask)


def test_only_a_customs_officer_releases(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    held = decide_passage(session, crossing(world.lane, seen_of(gate_pass, weight_g=1)))
    operator = make_company(session, "operator")
    for role in ("administrator", "supervisor", "auditor", "clerk"):
        person = make_person(session, operator, role)
        with pytest.raises(NotAnOfficer):
            release_hold(session, ReleaseHold(held.passage_id, person.id, "let it through", now()))
        by_hand = insert(Release).values(
            passage_id=held.passage_id,
            made_by="officer",
            state="granted",
            requested_by=person.id,
            reason="by hand",
            requested_at=now(),
            granted_at=now(),
        )
        with pytest.raises(DBAPIError, match="only a customs officer"), session.begin_nested():
            session.execute(by_hand)


def test_release_needs_a_reason_in_words(session: Session, world: World) -> None:
    held = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world), weight_g=1)))
    with pytest.raises(ReasonTooShort):
        release_hold(session, ReleaseHold(held.passage_id, world.officer.id, "  ok ", now()))


def test_blacklisted_vehicle_needs_a_second_officer(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    blacklist(session, gate_pass.vehicle_plate, reason="smuggling case", from_at=now() - timedelta(days=1))
    held = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    assert held.hold_code == "blacklisted"
    release = release_hold(session, ReleaseHold(held.passage_id, world.officer.id, "case was closed", now()))
    assert release.state == "requested"
    with pytest.raises(SamePerson):
        approve_release(session, release.id, officer_id=world.officer.id, at=now())
    with pytest.raises(IntegrityError, match=r"second_person|approver_not_requester"), session.begin_nested():
        session.execute(
            text("UPDATE release SET state = 'granted', approved_by = requested_by WHERE id = :id"), {"id": release.id}
        )
    assert approve_release(session, release.id, officer_id=world.second.id, at=now()).state == "granted"
    drive_through(session, held.passage_id)


def test_officer_cannot_release_onto_a_pass_that_another_lane_uses(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    held = decide_passage(session, crossing(world.lane, seen_of(gate_pass, weight_g=1)))
    decide_passage(session, crossing(make_lane(session, world.shelf.site_id), seen_of(gate_pass)))
    with pytest.raises(PassInUse):
        release_hold(session, ReleaseHold(held.passage_id, world.officer.id, "weighed again", now()))


def test_release_without_a_pass_moves_no_goods(session: Session, world: World) -> None:
    plate = new_plate()
    register_vehicle(session, plate, tare_g=14_000_000)
    gate_pass = make_pass(session, world)
    held = decide_passage(session, crossing(world.lane, seen_of(gate_pass, plate=plate)))
    release_hold(session, ReleaseHold(held.passage_id, world.officer.id, "empty fire engine", now()))
    drive_through(session, held.passage_id)
    assert balance(session, "customer", world.shelf) == 0
    assert session.scalar(select(func.count()).select_from(GatePassUse)) == 0


def test_vehicle_that_backed_out_cannot_be_released(session: Session, world: World) -> None:
    held = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world), weight_g=1)))
    closed = close_passage(session, held.passage_id, at=now(), went_through=False)
    assert closed.state == "turned_back"
    with pytest.raises(NotHeld):
        release_hold(session, ReleaseHold(held.passage_id, world.officer.id, "too late for this", now()))


def test_vehicle_that_went_through_while_held_is_an_alarm(session: Session, world: World) -> None:
    held = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world), weight_g=1)))
    close_passage(session, held.passage_id, at=now(), went_through=True)
    assert session.scalar(select(Alarm.code)) == "passed_while_held"
    with pytest.raises(VehicleGone):
        release_hold(session, ReleaseHold(held.passage_id, world.officer.id, "it has gone", now()))


def test_goods_that_the_ledger_refuses_do_not_undo_the_passage_and_leave_once_mended(
    session: Session, world: World
) -> None:
    gate_pass = make_pass(session, world, qty=100)
    lifted = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    book, pending = (world.shelf.of_book(kind) for kind in ("book", "deduction_pending"))
    rest = balance(session, "book", world.shelf)
    mirror = moved(world.shelf.bonded, world.shelf.supplier, rest - 100)
    post(session, Posting("drain", "scrap", now(), (*moved(book, pending, rest - 100), *mirror)))
    process = world.shelf.bonded.__class__(
        "in_process", world.shelf.owner_id, world.shelf.trade_item_id, world.shelf.site_id,
        customs_status="bonded", book_line_id=world.shelf.book_line_id,
    )  # fmt: skip
    waiting = process.__class__(**{**process.__dict__, "kind": "declared_not_left"})
    post(session, Posting("astray", "move", now(), moved(waiting, process, 40)))
    drive_through(session, lifted.passage_id)
    passage = session.get_one(Passage, lifted.passage_id)
    assert (passage.state, passage.goods_refusal) == ("passed", "short_stock")
    assert session.scalar(select(Alarm.code)) == "goods_not_posted"
    post(session, Posting("found", "move", now(), moved(process, waiting, 40)))
    assert post_goods(session, passage.id, at=now()) is not None
    assert balance(session, "declared_not_left", world.shelf) == 0
    assert passage.goods_refusal is None


def test_goods_cannot_leave_by_hand_written_posting(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        world = make_world(session)
        make_pass(session, world, qty=100)
    waiting = world.shelf.bonded.__class__(
        "declared_not_left", world.shelf.owner_id, world.shelf.trade_item_id, world.shelf.site_id,
        customs_status="bonded", book_line_id=world.shelf.book_line_id,
    )  # fmt: skip
    lines = (
        *moved(waiting, world.shelf.customer, 100),
        *moved(world.shelf.of_book("book"), world.shelf.of_book("deduction_pending"), 100),
    )
    with pytest.raises(DBAPIError, match="without a gate pass"), database.unit_of_work(scope) as session:
        post(session, Posting("smuggle", "gate_out", now(), lines))


def test_pass_cannot_be_voided_after_passage_nor_while_its_vehicle_is_let_out(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world)
    lifted = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    with pytest.raises(DBAPIError, match="is letting its vehicle out"), session.begin_nested():
        void_pass(session, gate_pass.id, reason="order cancelled", at=now())
    drive_through(session, lifted.passage_id)
    with pytest.raises(PassUsed):
        void_pass(session, gate_pass.id, reason="order cancelled", at=now())
    with pytest.raises(DBAPIError, match="cannot become"), session.begin_nested():
        session.execute(text("UPDATE gate_pass SET state = 'void' WHERE id = :id"), {"id": gate_pass.id})


def test_voiding_gives_quantities_back_to_the_list_and_goods_to_their_place(session: Session, world: World) -> None:
    shelf_before = balance(session, "location", world.shelf)
    gate_pass = make_pass(session, world, qty=100)
    assert shelf_before - balance(session, "location", world.shelf) == 100
    void_pass(session, gate_pass.id, reason="order cancelled", at=now())
    session.refresh(world.line)
    assert (balance(session, "location", world.shelf), world.line.on_passes_qty) == (shelf_before, 0)
    assert decide_passage(session, crossing(world.lane, seen_of(gate_pass))).hold_code == "no_pass"


def test_passes_never_carry_more_than_the_list_declares(session: Session, world: World) -> None:
    make_pass(session, world, qty=600)
    with pytest.raises(MoreThanDeclared), session.begin_nested():
        make_pass(session, world, qty=401)
    make_pass(session, world, qty=400)
    line = session.get_one(VerificationLine, world.line.id, populate_existing=True)
    assert line.on_passes_qty == line.declared_base_qty


def test_decision_and_readings_are_never_edited(session: Session, world: World) -> None:
    decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world))))
    for statement in ("UPDATE decision SET verdict = 'lift'", "DELETE FROM passage_reading"):
        with pytest.raises(DBAPIError), session.begin_nested():
            session.execute(text(statement))
