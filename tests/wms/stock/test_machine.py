"""Any sequence of work leaves the ledger as a page of Python says, and the check of the database clean.

Hypothesis draws the sequences; DONGTING_SOAK multiplies their number. A failure prints the steps that lead to it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from tests.build import Shelf, make_shelf, moved, now, number
from tests.conftest import new_tenant
from tests.wms.stock.model import VIRTUAL, Model, Promise, month_before, month_of
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line, Posted, Posting, Reserve
from wms.stock.verify import run

SOAK = int(os.environ.get("DONGTING_SOAK", "1"))
QTY = st.integers(1, 30)
MINUTES_BACK = st.one_of(st.just(0), st.integers(0, 90), st.integers(0, 130 * 24 * 60))


def bonded(shelf: Shelf, kind: str) -> AccountKey:
    """A bonded account without a place of the shelf's book line."""
    return replace(shelf.bonded, kind=kind, location_id=None)


# What can happen to the goods: its name → its lines.
WORK: dict[str, Callable[[Shelf, int], tuple[Line, ...]]] = {
    "receive": lambda s, n: moved(s.supplier, s.free, n),
    "move": lambda s, n: moved(s.free, s.other, n),
    "move back": lambda s, n: moved(s.other, s.free, n),
    "issue": lambda s, n: moved(s.free, s.customer, n),
    "there and back": lambda s, n: (*moved(s.free, s.other, n), *moved(s.other, s.free, n)),
    "receive bonded": lambda s, n: (
        *moved(s.supplier, s.bonded, n),
        *moved(s.of_book("customs_source"), s.of_book("not_yet_booked"), n),
    ),
    "book": lambda s, n: moved(s.of_book("not_yet_booked"), s.of_book("book"), n),
    "lose bonded": lambda s, n: moved(s.bonded, bonded(s, "discrepancy"), n),
    "find bonded": lambda s, n: moved(bonded(s, "discrepancy"), s.bonded, n),
    "declare": lambda s, n: moved(s.bonded, bonded(s, "declared_not_left"), n),
    "leave": lambda s, n: (
        *moved(bonded(s, "declared_not_left"), s.customer, n),
        *moved(s.of_book("book"), s.of_book("deduction_pending"), n),
    ),
    "deduct": lambda s, n: moved(s.of_book("deduction_pending"), s.of_book("customs_source"), n),
    "leave, book forgotten": lambda s, n: moved(s.bonded, s.customer, n),
    "one-sided": lambda s, n: (Line(s.free, n),),
    "two items short": lambda s, n: (Line(s.free, -n), Line(s.customer, n + 1)),
}


@dataclass
class Done:
    """A command that was sent, and what it was answered: an id or the code of a refusal."""

    command: Posting | Reserve
    answer: int | str


class LedgerMachine(RuleBasedStateMachine):
    """Sends each command to the ledger and to the model and compares answer and state."""

    database: ClassVar[Database]
    owner: ClassVar[Database]

    @initialize()
    def begin(self) -> None:
        self.scope = Scope.system(new_tenant(self.owner))
        self.base = now()
        self.model = Model(month_of(self.base))
        self.done: dict[str, Done] = {}
        self.lines: dict[int, tuple[Line, ...]] = {}
        with self.database.unit_of_work(self.scope) as session:
            self.shelf = make_shelf(session)

    def event_at(self, minutes_back: int) -> datetime:
        return self.base - timedelta(minutes=minutes_back)

    def make(self, work: str, qty: int, minutes_back: int) -> Posting:
        lines = WORK[work](self.shelf, qty)
        return Posting(f"p{number()}", work, self.event_at(minutes_back), lines)

    def expect(self, postings: list[Posting]) -> list[str | None]:
        """What the model says of each, in order, each after the ones before it."""
        expected = []
        for posting in postings:
            refusal = self.model.refusal(posting)
            if refusal is None:
                self.model.apply(posting)
            expected.append(refusal)
        return expected

    def compare(self, postings: list[Posting], answers: list[Posted | WmsError]) -> None:
        for posting, answer, expected in zip(postings, answers, self.expect(postings), strict=True):
            given = answer.code if isinstance(answer, WmsError) else None
            assert given == expected, (posting, answer)
            if isinstance(answer, Posted):
                assert not answer.replayed
                self.lines[answer.posting_id] = posting.lines
            told = answer.code if isinstance(answer, WmsError) else answer.posting_id
            self.done[posting.key] = Done(posting, told)

    @rule(
        wanted=st.lists(st.tuples(st.sampled_from(sorted(WORK)), QTY, MINUTES_BACK), min_size=1, max_size=6),
    )
    def post(self, wanted: list[tuple[str, int, int]]) -> None:
        postings = [self.make(*one) for one in wanted]
        with self.database.unit_of_work(self.scope) as session:
            answers = ledger.post_many(session, postings)
        self.compare(postings, answers)

    @rule(qty=st.integers(-1, 30), hours=st.sampled_from((-1, 1)), other=st.booleans())
    def reserve(self, qty: int, hours: int, other: bool) -> None:
        account = self.shelf.other if other else self.shelf.free
        wanted = Reserve(f"r{number()}", account, qty, self.base + timedelta(hours=hours))
        with self.database.unit_of_work(self.scope) as session:
            (answer,) = ledger.reserve_many(session, [wanted])
        expected = self.model.reserve_refusal(wanted)
        if isinstance(answer, WmsError):
            assert answer.code == expected
            self.done[wanted.key] = Done(wanted, answer.code)
        else:
            assert expected is None
            self.model.promises[answer.reservation_id] = Promise(wanted.account, wanted.qty, wanted.expires_at)
            self.done[wanted.key] = Done(wanted, answer.reservation_id)

    @rule(data=st.data(), qty=QTY, extra=st.integers(0, 3), elsewhere=st.booleans())
    def use_reservation(self, data: st.DataObject, qty: int, extra: int, elsewhere: bool) -> None:
        if not self.model.promises:
            return
        reservation_id = data.draw(st.sampled_from(sorted(self.model.promises)))
        account = self.model.promises[reservation_id].account
        if elsewhere:
            account = self.shelf.other if account == self.shelf.free else self.shelf.free
        lines = moved(account, self.shelf.customer, qty, reservation_id)
        if extra:
            lines += moved(account, self.shelf.customer, extra)
        posting = Posting(f"u{number()}", "issue", self.base, lines)
        with self.database.unit_of_work(self.scope) as session:
            answers = ledger.post_many(session, [posting])
        self.compare([posting], answers)

    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        if not self.model.promises:
            return
        wanted = data.draw(st.lists(st.sampled_from(sorted(self.model.promises)), min_size=1, unique=True))
        with self.database.unit_of_work(self.scope) as session:
            released = ledger.void(session, wanted)
        assert released == sorted(one for one in wanted if self.model.promises[one].open_qty)
        self._release(released)

    @rule()
    def expire(self) -> None:
        with self.database.unit_of_work(self.scope) as session:
            released = ledger.expire_due(session, self.base)
        promises = self.model.promises.items()
        assert released == sorted(
            one for one, promise in promises if promise.open_qty and promise.expires_at <= self.base
        )
        self._release(released)

    def _release(self, reservation_ids: list[int]) -> None:
        for reservation_id in reservation_ids:
            self.model.promises[reservation_id].open_qty = 0

    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        if not self.lines:
            return
        original = data.draw(st.sampled_from(sorted(self.lines)))
        mirror = tuple(Line(line.account, -line.qty) for line in self.lines[original])
        posting = Posting(f"b{number()}", "reversal", self.base, mirror, None, "wrong", None, original)
        answer: Posted | WmsError
        with self.database.unit_of_work(self.scope) as session:
            try:
                answer = ledger.reverse(session, posting.key, original, reason="wrong", event_at=self.base)
            except WmsError as refusal:
                answer = refusal
        self.compare([posting], [answer])
        del self.done[posting.key]  # its lines are netted by the ledger: not to be sent again as written here

    @rule(months=st.integers(0, 5))
    def close_month(self, months: int) -> None:
        month = month_before(self.model.this_month, months)
        expected, given = self.model.close_refusal(month), None
        with self.database.unit_of_work(self.scope) as session:
            try:
                ledger.close_month(session, month)
            except WmsError as refusal:
                given = refusal.code
        assert given == expected
        if given is None:
            self.model.closed = month

    @rule(data=st.data(), altered=st.booleans())
    def repeat(self, data: st.DataObject, altered: bool) -> None:
        """The first answer again, whatever has happened since; with other content, a refusal that changes nothing."""
        if not self.done:
            return
        done = self.done[data.draw(st.sampled_from(sorted(self.done)))]
        command = replace(done.command, source_doc="altered") if altered else done.command
        answer = self._send(command)
        if altered:
            assert answer == "key_reused"
        else:
            assert answer == done.answer

    def _send(self, command: Posting | Reserve) -> int | str:
        answer: Any
        with self.database.unit_of_work(self.scope) as session:
            if isinstance(command, Posting):
                (answer,) = ledger.post_many(session, [command])
            else:
                (answer,) = ledger.reserve_many(session, [command])
        if isinstance(answer, WmsError):
            return answer.code
        assert answer.replayed
        told: int = answer.posting_id if isinstance(answer, Posted) else answer.reservation_id
        return told

    @invariant()
    def balances_are_the_models(self) -> None:
        if not hasattr(self, "model"):
            return
        with self.database.unit_of_work(self.scope) as session:
            rows = session.execute(
                text("SELECT a.dimensions, b.qty, b.qty_reserved FROM balance b JOIN account a ON a.id = b.account_id"
                     " WHERE b.qty <> 0 OR b.qty_reserved <> 0")
            ).all()  # fmt: skip
        accounts = {account for account in self.model.entries if account.kind not in VIRTUAL}
        expected = {(account.dimensions, self.model.qty(account), self.model.reserved(account)) for account in accounts}
        assert {tuple(row) for row in rows} == {one for one in expected if one[1:] != (0, 0)}

    def teardown(self) -> None:
        if hasattr(self, "scope"):
            assert run(self.database, self.scope) == []


@pytest.mark.slow
def test_any_sequence_of_work_matches_the_model(database: Database, owner_database: Database) -> None:
    LedgerMachine.database, LedgerMachine.owner = database, owner_database
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=25 * SOAK,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.reuse, Phase.generate) + ((Phase.shrink,) if SOAK > 1 else ()),
        ),
    )
