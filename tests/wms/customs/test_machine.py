"""Any sequence of documents, gate passages and stock moves leaves book and goods together, line by line.

Hypothesis draws the sequences; DONGTING_SOAK multiplies their number. What a rule refuses is undone whole, as in life.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy.orm import Session

from tests.build import now, number, receive_bonded
from tests.conftest import new_tenant
from tests.wms.customs.test_reconciling import book_of, lose, state_of
from tests.wms.gate.test_model import drive
from tests.wms.gate.world import GOODS_G, World, crossing, make_lane, make_pass, make_world, seen_of
from web.commands.verify import find
from wms.customs import (
    display,
    filing_rules,
    filings,
    list_changes,
    list_queries,
    modes,
    promises,
    slips,
    transits,
)
from wms.customs import verification_lists as lists
from wms.customs.gate_pass_rules import PassDocument, PassLine
from wms.customs.gate_passes import approve_pass, void_pass
from wms.customs.tables import GatePass
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.floor.rules.repacking import Wanted
from wms.floor.service import changing_status
from wms.floor.service.changing_status import Goods
from wms.floor.service.units import Deed
from wms.gate.service import decide_passage
from wms.gate.tables import Lane
from wms.parties.tables import Location

SOAK = int(os.environ.get("DONGTING_SOAK", "1"))
QTY = st.integers(1, 12)
PICK = st.integers(0, 30)


class BookMachine(RuleBasedStateMachine):
    """One book line of a zone enterprise and everything that may happen to it."""

    database: ClassVar[Database]
    owner: ClassVar[Database]

    @initialize()
    def begin(self) -> None:
        self.scope = Scope.system(new_tenant(self.owner))
        self.lists: list[int] = []
        self.passes: list[int] = []
        self.slips: list[str] = []
        self.steps = 0
        with self.database.unit_of_work(self.scope) as session:
            self.world: World = make_world(session, declared=20)
            self.book_no = book_of(session, self.world)
            self.lane_in = make_lane(session, self.world.shelf.site_id, direction="I")
            today = modes.beijing_day(now())
            new = filing_rules.NewFiling(
                f"F{number()}", self.book_no, self.world.shelf.owner_id, "C", "E", today - timedelta(days=1),
                today + timedelta(days=1), (filing_rules.FilingLine(self.world.shelf.book_line_id, 60, 10),), 500,
            )  # fmt: skip
            filed = filings.file_filing(session, new)
            self.filing_no = filings.approve(session, filed.internal_no, f"SB{number()}", now()).filing_no or ""
            session.expunge_all()

    def attempt(self, work: Callable[[Session], None]) -> None:
        """Do it in a transaction of its own; what a rule refuses leaves nothing behind."""
        self.steps += 1
        try:
            with self.database.unit_of_work(self.scope) as session:
                work(session)
        except WmsError:
            pass

    def some_list(self, pick: int) -> int | None:
        return self.lists[pick % len(self.lists)] if self.lists else None

    @rule(qty=QTY, direction=st.sampled_from("IE"), up_to=st.integers(0, 3))
    def draw_up(self, qty: int, direction: str, up_to: int) -> None:
        def work(session: Session) -> None:
            goods = (lists.ListLine(self.world.shelf.book_line_id, Decimal(qty), "011", qty),)
            command = lists.DrawUpList(
                f"L{number()}", self.book_no, self.world.shelf.owner_id, direction, "5000", goods
            )  # fmt: skip
            list_id = lists.draw_up(session, command)
            if up_to > 0:
                lists.declare(session, list_id, now())
            if up_to > 1:
                lists.pre_deduct(session, list_id, f"QD490226{direction}{number():09d}", now())
            if up_to > 2:
                lists.release_entry(session, list_id, "E", now())
            self.lists.append(list_id)

        self.attempt(work)

    @rule(pick=PICK, step=st.sampled_from(("declare", "pre_deduct", "send_back", "release", "book", "book twice")))
    def customs_answers(self, pick: int, step: str) -> None:
        list_id = self.some_list(pick)
        if list_id is None:
            return

        def work(session: Session) -> None:
            row = list_queries.list_row(session, list_id)
            match step:
                case "declare":
                    lists.declare(session, list_id, now())
                case "pre_deduct":
                    lists.pre_deduct(session, list_id, f"QD490226{row.direction}{number():09d}", now())
                case "send_back":
                    lists.send_back(session, list_id)
                case "release":
                    lists.release_entry(session, list_id, "E", now())
                case _:
                    count = list_queries.facts(session, list_id).change_count
                    for _ in range(1 + (step == "book twice")):
                        lists.book(session, list_id, f"k{number()}", now(), count)

        self.attempt(work)

    @rule(pick=PICK, qty=QTY, what=st.sampled_from(("change", "delete", "approve", "refuse", "unsent", "reopen")))
    def change(self, pick: int, qty: int, what: str) -> None:
        list_id = self.some_list(pick)
        if list_id is None:
            return

        def work(session: Session) -> None:
            count = list_queries.facts(session, list_id).change_count + 1
            match what:
                case "change":
                    wanted = {1: list_changes.Quantity(Decimal(qty), qty)}
                    list_changes.ask_change(session, list_id, wanted, "counted", now())
                case "delete":
                    list_changes.ask_deletion(session, list_id, "not wanted", now())
                case "approve":
                    list_changes.approve(session, list_id, count, now())
                case "refuse":
                    list_changes.refuse(session, list_id, count, now())
                case "unsent":
                    list_changes.delete_unsent(session, list_id)
                case _:
                    list_changes.reopen(session, list_id, f"r{number()}", "海关 1", now())

        self.attempt(work)

    @rule(qty=QTY, what=st.sampled_from(("receive", "lose", "find")))
    def stock_moves(self, qty: int, what: str) -> None:
        def work(session: Session) -> None:
            if what == "receive":
                receive_bonded(session, self.world.shelf, qty)
            else:
                lose(session, self.world, qty, find=what == "find")

        self.attempt(work)

    @rule(pick=PICK, qty=QTY)
    def apply_for_pass(self, pick: int, qty: int) -> None:
        list_id = self.some_list(pick)
        if list_id is None:
            return

        def work(session: Session) -> None:
            row = list_queries.list_row(session, list_id)
            (line,) = list_queries.lines(session, list_id)
            goods = PassLine(line.trade_item_id, qty, GOODS_G, line.id)
            document = PassDocument("1", row.list_no or row.internal_no, list_id)
            made = make_pass(
                session, self.world, qty=qty, direction=row.direction, lines=(goods,), documents=(document,)
            )  # fmt: skip
            self.passes.append(made.id)

        self.attempt(work)

    @rule(pick=PICK, ends=st.sampled_from(("drive", "drive", "void", "approve")))
    def use_pass(self, pick: int, ends: str) -> None:
        if not self.passes:
            return
        pass_id = self.passes[pick % len(self.passes)]

        def work(session: Session) -> None:
            if ends == "void":
                void_pass(session, pass_id, reason="cancelled", at=now())
                return
            if ends == "approve":
                approve_pass(session, pass_id, at=now())
                return
            gate_pass = session.get_one(GatePass, pass_id)
            lane = self.world.lane if gate_pass.direction == "E" else self.lane_in
            decided = decide_passage(session, crossing(session.get_one(Lane, lane.id), seen_of(gate_pass)))
            if decided.verdict == "lift":
                drive(session, decided.passage_id)

        self.attempt(work)

    @rule(pick=PICK, qty=QTY)
    def free(self, pick: int, qty: int) -> None:
        list_id = self.some_list(pick)
        if list_id is None:
            return

        def work(session: Session) -> None:
            document = list_queries.list_row(session, list_id).internal_no
            place = session.get_one(Location, self.world.shelf.location_id)
            goods = Goods(self.world.shelf.owner_id, place, Wanted(self.world.shelf.trade_item_id, qty))
            changing_status.change_customs(session, goods, "free", Deed(f"d{number()}", now(), None, document))

        self.attempt(work)

    @rule(pick=PICK, what=st.sampled_from(("apply", "approve", "arrive", "void")))
    def transit(self, pick: int, what: str) -> None:
        """A list that travels to another district is booked only when it arrived."""
        list_id = self.some_list(pick)
        if list_id is None:
            return

        def work(session: Session) -> None:
            row = list_queries.list_row(session, list_id)
            found = transits.of_list(session, list_id)
            if found is None or what == "apply":
                new = transits.NewTransit(f"Z{number()}", row.internal_no, "4902", "3105", "湘F12345", "S1")
                transits.apply_for(session, new, now())
            elif what == "approve":
                transits.approve(session, found.internal_no, f"ZG{number()}", now())
            elif what == "arrive":
                transits.arrive(session, found.internal_no, "3105-1", now())
            else:
                transits.void(session, found.internal_no, "cancelled")

        self.attempt(work)

    @rule(qty=QTY, status=st.sampled_from(("good", "hold", "quarantine")))
    def change_quality(self, qty: int, status: str) -> None:
        def work(session: Session) -> None:
            place = session.get_one(Location, self.world.shelf.location_id)
            goods = Goods(self.world.shelf.owner_id, place, Wanted(self.world.shelf.trade_item_id, qty))
            changing_status.change_quality(session, goods, status, Deed(f"q{number()}", now()))

        self.attempt(work)

    @rule(pick=PICK, qty=QTY)
    def sell_from_display(self, pick: int, qty: int) -> None:
        if not self.slips:
            return
        slip_no = self.slips[pick % len(self.slips)]

        def work(session: Session) -> None:
            display.sell(session, display.Sale(slip_no, 1, qty, "R"), None, now())

        self.attempt(work)

    @rule(qty=QTY, pick=PICK, back=st.booleans())
    def draw_slip(self, qty: int, pick: int, back: bool) -> None:
        def work(session: Session) -> None:
            returns = (self.slips[pick % len(self.slips)], 1) if back and self.slips else None
            line = filing_rules.SlipLine(1, qty, returns)
            new = filing_rules.NewSlip(f"S{number()}", self.filing_no, "I" if back else "E", (line,))
            slip = slips.draw(session, new, now())
            slips.approve(session, slip.internal_no, f"CK{number()}", now())
            ((slip_line, of),) = slips.parts(session, slip.id)
            goods = PassLine(of.trade_item_id, qty, GOODS_G, slip_line_id=slip_line.id)
            document = PassDocument("2", slip.slip_no or "", movement_slip_id=slip.id)
            made = make_pass(
                session, self.world, qty=qty, direction=slip.direction, pass_type="4", lines=(goods,),
                documents=(document,),
            )  # fmt: skip
            self.slips.append(slip.internal_no)
            self.passes.append(made.id)

        self.attempt(work)

    @rule(pick=PICK, qty=QTY, what=st.sampled_from(("void", "take back", "collect")))
    def settle_slip(self, pick: int, qty: int, what: str) -> None:
        if not self.slips:
            return
        slip_no = self.slips[pick % len(self.slips)]

        def work(session: Session) -> None:
            if what == "void":
                slips.void(session, slip_no, "cancelled")
            elif what == "take back":
                command = slips.TakeBack(f"t{number()}", slip_no, 1, self.world.shelf.bonded, qty, now())
                slips.take_back(session, command)
            else:
                self.lists.append(slips.collect(session, self.filing_no, f"J{number()}", "5000"))

        self.attempt(work)

    @invariant()
    def book_and_goods_are_together(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.database.unit_of_work(self.scope) as session:
            state = state_of(session, self.world)
            assert state.unexplained == 0
            assert 0 <= state.available <= state.book
            assert state.available == promises.unpromised(session, self.world.shelf.book_line_id)

    def teardown(self) -> None:
        if hasattr(self, "scope"):
            assert [str(one) for one in find(self.database, self.scope)] == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_sequence_of_documents_gates_and_stock_brings_book_and_goods_apart(
    database: Database, owner_database: Database
) -> None:
    BookMachine.database, BookMachine.owner = database, owner_database
    run_state_machine_as_test(
        BookMachine,
        settings=settings(
            max_examples=40 * SOAK,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.reuse, Phase.generate) + ((Phase.shrink,) if SOAK > 1 else ()),
        ),
    )
