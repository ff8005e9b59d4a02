"""A zone enterprise whose line to customs ends at a simulated counter: what the trade modes' stories are told with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.web.demo.counter_process import Counter, wait_until
from tests.wms.gate.test_service import drive_through
from tests.wms.gate.world import crossing, make_lane, new_plate, seen_of
from web.commands.verify import find
from web.out.customs.exchange import run_turn
from web.out.customs.lines import FolderLine, HttpLine, Line
from web.out.tables import CustomsDispatch
from wms.catalog.tables import TradeItem
from wms.customs import corresponding, gate_passes, list_queries, writing_off
from wms.customs import verification_lists as lists
from wms.customs.gate_pass_rules import NewPass, PassDocument, PassLine
from wms.customs.messages.keeping import clear
from wms.customs.messages.signing import SoftwareKey, make_test_key, verify
from wms.customs.modes import beijing_day
from wms.customs.outgoing import Desk
from wms.customs.tables import AccountBook, CustomsMessage, GatePass, GatePassDocument, VerificationList
from wms.db import Database, Scope
from wms.gate.service import decide_passage, register_vehicle
from wms.gate.tables import Lane
from wms.parties import dated

BOOK_NO = "T4912W000001"  # of make_book_line
QUIET: dict[str, Any] = {}
OVER_HTTP: dict[str, Any] = {"http": True}
ROUGH: dict[str, Any] = {"lose_permille": 100, "repeat_permille": 100, "reorder_permille": 100, "seed": 11}
QTY = 10
STORY_S = 240.0  # as long as a busy machine may take for one step of a story; an idle one takes a second
# Every story is told twice: over HTTP on a quiet day, and by folder with a tenth of all messages lost, repeated, late.
BOTH = pytest.mark.parametrize(
    "zone", [OVER_HTTP, ROUGH], ids=["quiet, over HTTP", "a tenth lost, by folder"], indirect=True
)


@cache
def key() -> SoftwareKey:
    """The key that signs in all stories."""
    return make_test_key("zone")


DESK = Desk(key)
SENDER = {"code": "4306960005", "name": "代理公司", "dxp_id": "DXPENT0000000001"}


@dataclass
class Zone:
    """A zone enterprise with one item in one book, and its line to customs."""

    database: Database
    scope: Scope
    desk: Counter
    line: Line
    shelf: build.Shelf

    def run(self, act: Callable[[Session], Any]) -> Any:
        with self.database.unit_of_work(self.scope) as session:
            return act(session)

    def until(self, happened: Callable[[Session], bool]) -> None:
        """Let the transport run until customs' answers brought this about."""

        def turned() -> bool:
            run_turn(self.database, self.scope, self.line)
            return bool(self.run(happened))

        wait_until(turned, lambda: str(self.run(mail)), patience_s=STORY_S)

    def declare(self, direction: str, mode: str, list_type: str = "0") -> int:
        """Draw a list up and declare it; returns once customs pre-deducted it."""
        goods = (lists.ListLine(self.shelf.book_line_id, Decimal(QTY), "011", QTY, 1_250),)
        internal_no = f"{direction}{mode}-{build.number()}"
        new = lists.DrawUpList(internal_no, BOOK_NO, self.shelf.owner_id, direction, mode, goods, list_type)

        def act(session: Session) -> int:
            list_id = lists.draw_up(session, new)
            corresponding.declare_list(session, list_id, build.now())
            return list_id

        list_id: int = self.run(act)
        self.until(lambda session: list_queries.list_row(session, list_id).state == "pre_deducted")
        return list_id

    def apply(self, direction: str, list_id: int) -> int:
        """Apply for a pass for everything on a list; returns once customs approved it."""
        plate = new_plate()

        def act(session: Session) -> int:
            register_vehicle(session, plate, tare_g=14_000_000)
            line, listed = list_queries.lines(session, list_id)[0], list_queries.list_row(session, list_id)
            new = NewPass(
                f"HF-{build.number()}", self.shelf.owner_id, self.shelf.site_id, direction,
                "2" if direction == "I" else "3", plate, 14_000_000, build.now() - timedelta(hours=1),
                build.now() + timedelta(hours=8), lines=(PassLine(self.shelf.trade_item_id, QTY, 5_000_500, line.id),),
                documents=(PassDocument("1", listed.list_no or "", list_id),),
            )  # fmt: skip
            made = gate_passes.apply_for_pass(session, new)
            if direction == "E":
                key = f"waiting-{made.id}"
                gate_passes.move_to_waiting(session, made.id, {1: self.shelf.bonded}, key=key, event_at=build.now())
            corresponding.declare_pass(session, made.id, build.now())
            return made.id

        pass_id: int = self.run(act)
        self.until(lambda session: session.get_one(GatePass, pass_id).state == "approved")
        return pass_id

    def drive(self, direction: str, pass_id: int) -> None:
        """The vehicle goes through our own gate, which tells customs; it waits until its declaration is released."""
        of_pass = select(GatePassDocument.verification_list_id).where(GatePassDocument.gate_pass_id == pass_id)
        released = select(VerificationList.entry_released_at).where(VerificationList.id.in_(of_pass))
        self.until(lambda session: session.scalar(released) is not None)

        def act(session: Session) -> None:
            lane = make_lane(session, self.shelf.site_id, direction=direction)
            row = session.get_one(GatePass, pass_id)
            decided = decide_passage(session, crossing(session.get_one(Lane, lane.id), seen_of(row)))
            assert decided.verdict == "lift", decided
            drive_through(session, decided.passage_id)

        self.run(act)

    def booked(self, list_id: int) -> None:
        self.until(lambda session: list_queries.list_row(session, list_id).state == "booked")

    def write_off(self, *list_ids: int) -> None:
        """The period is over and the book is settled: these lists, and no others, are written off."""

        def act(session: Session) -> None:
            today, at = beijing_day(build.now()), build.now() + timedelta(days=1)
            made = writing_off.draw_up(session, BOOK_NO, today - timedelta(days=30), today, at)
            assert all(line["unexplained"] == 0 for line in made.report["lines"])
            writing_off.declare(session, made.write_off_no)
            assert writing_off.decide(session, made.write_off_no, at, is_accepted=True) == len(list_ids)
            states = {list_queries.list_row(session, list_id).state for list_id in list_ids}
            assert states == {"written_off"}

        self.run(act)

    def end(self) -> None:
        """Every message was answered to the last, what we sent is signed, and book and shelf agree."""
        self.until(lambda session: session.scalar(open_dispatch) is None)
        assert set(self.run(signatures)) <= {"valid"}
        assert find(self.database, self.scope) == []


open_dispatch = select(CustomsDispatch.id).where(CustomsDispatch.state != "settled").limit(1)


def signatures(session: Session) -> list[str]:
    """What stands of the signatures of all that we sent of the CEB set."""
    ours = select(CustomsMessage).where(CustomsMessage.direction == "out", CustomsMessage.kind.startswith("CEB"))
    return [verify(clear(session, row), [key().certificate]).state for row in session.scalars(ours)]


def mail(session: Session) -> list[tuple[object, ...]]:
    columns = (CustomsMessage.direction, CustomsMessage.kind, CustomsMessage.state, CustomsMessage.reason)
    return [tuple(row) for row in session.execute(select(*columns).order_by(CustomsMessage.id))]


@contextmanager
def opened_zone(
    database: Database, scope: Scope, folder: Path, habits: dict[str, Any],
    shelf_of: Callable[[Session], build.Shelf] = build.make_shelf,
) -> Iterator[Zone]:  # fmt: skip
    with database.unit_of_work(scope) as session:
        shelf = shelf_of(session)
        session.get_one(TradeItem, shelf.trade_item_id).hs_code = "1901101090"
        since = date(2026, 1, 1)
        session.add(AccountBook(book_no=BOOK_NO, company_id=shelf.owner_id, site_id=shelf.site_id, valid_from_on=since))
        patience = {"first_s": 1, "last_s": 2, "longest_s": 4}
        dated.set_value(session, "customs.patience", patience, valid_from_on=since, source="test")
        dated.set_value(session, "customs.sender", SENDER, valid_from_on=since, source="test")
    kept = {name: value for name, value in habits.items() if name != "http"}
    arguments = ("--port", "0") if habits.get("http") else ()
    # A parcel waits for its documents as long as it takes: how fast this machine is must not decide a story.
    desk = Counter(folder / "counter", *arguments, gate="told", asks_signature=True, patience_ms=3_600_000, **kept)
    try:
        line: Line = HttpLine(desk.address()) if arguments else FolderLine(desk.exchange)
        yield Zone(database, scope, desk, line, shelf)
    finally:
        desk.end()


def stock_in(zone: Zone, mode: str) -> int:
    """First line: list, pass, gate, count, booking."""
    list_id = zone.declare("I", mode)
    pass_id = zone.apply("I", list_id)
    zone.drive("I", pass_id)
    zone.run(lambda session: build.receive_bonded(session, zone.shelf, QTY))
    zone.booked(list_id)
    return list_id


def stock_out(zone: Zone, mode: str, list_type: str = "0") -> int:
    """Second line: list, pass, gate, deduction."""
    list_id = zone.declare("E", mode, list_type)
    pass_id = zone.apply("E", list_id)
    zone.drive("E", pass_id)
    zone.booked(list_id)
    return list_id
