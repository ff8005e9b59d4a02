"""The short way of a plain receipt ends where the long way does, and whatever is not plain takes the long way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from tests.wms.floor.world import Scanner, World, build_world
from wms.db import Database, Scope
from wms.floor.rules.answers import Answer
from wms.floor.service import inspecting, plain_receipt
from wms.floor.service.inspecting import NewPlan
from wms.stock import ledger

BOOKED = text(
    "SELECT r.qty, r.quality_status,"
    " r.notice_line_id - (SELECT min(l.id) FROM notice_line l WHERE l.notice_id = r.notice_id),"
    " r.posting_id = s.posting_id, s.outcome, p.kind, p.source_doc = n.notice_no, p.device = s.device,"
    " p.event_at = s.occurred_at, p.person_id = s.person_id, r.person_id = s.person_id, r.received_at = p.event_at,"
    " (SELECT array_agg(e.qty ORDER BY e.qty) FROM entry e WHERE e.posting_id = p.id), s.answer ->> 'code'"
    " FROM receipt_line r JOIN scan s ON s.id = r.scan_id JOIN posting p ON p.id = r.posting_id"
    " JOIN advance_notice n ON n.id = r.notice_id WHERE r.notice_id = :notice ORDER BY r.id"
)
WANTED = text(
    "SELECT t.qty, t.is_blocked, t.state, t.lot_id, i.name_en FROM put_away_task t"
    " JOIN trade_item i ON i.id = t.trade_item_id WHERE t.site_id = :site ORDER BY i.name_en, t.is_blocked"
)


class Ways:
    """Counts which way the scans took; ``long`` sends all of them the long way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.short, self.long, self._take = 0, False, plain_receipt.take
        monkeypatch.setattr(plain_receipt, "take", self.take)

    def take(self, *given: Any) -> Answer | None:
        answer = None if self.long else self._take(*given)
        self.short += answer is not None
        return answer


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Ways:
    return Ways(monkeypatch)


def opened(database: Database, scope: Scope) -> Scanner:
    """A handheld at the dock of an ordinary site, whose receipt has begun."""
    with database.unit_of_work(scope) as session:
        world = build_world(session, mode="0110")
        session.execute(text("UPDATE trade_item SET is_lot_controlled = false, is_expiry_controlled = false"))
    scanner = Scanner(database, Scope(scope.tenant_id, world.person.id, "clerk"), world)
    scanner.at_dock().scan(world.cream.gtin or "")
    return scanner


def day(scanner: Scanner) -> list[Answer]:
    """Pieces, a quantity, damaged goods, more than announced, goods that nobody announced, a stop in between."""
    world = scanner.world
    cream, milk = world.cream.gtin or "", world.milk.gtin or ""
    codes = (cream, "QTY 3", cream, "DAMAGED", cream, cream, milk, "NOWHERE", "QTY 20", cream, cream, "BACK", cream)
    return [scanner.scan(code) for code in codes]


def kept(database: Database, scope: Scope, world: World) -> list[list[tuple[Any, ...]]]:
    with database.unit_of_work(scope) as session:
        given = {"notice": world.notice_id, "site": world.site.id}
        return [[tuple(row) for row in session.execute(query, given)] for query in (BOOKED, WANTED)]


def told(answer: Answer, world: World) -> dict[str, Any]:
    return {
        name: str(value).replace(world.notice_no, "ASN").replace(world.site.code, "SITE").replace(world.cream.code, "C")
        .replace(world.milk.code, "M").replace(world.meat.code, "B")
        for name, value in answer.as_json().items()
    }  # fmt: skip


def test_both_ways_say_and_book_the_same(database: Database, scope: Scope, ways: Ways) -> None:
    short = opened(database, scope)
    said = day(short)
    assert ways.short >= 6
    ways.long, before = True, ways.short
    long = opened(database, scope)
    for one, other in zip(said, day(long), strict=True):
        assert told(one, short.world) == told(other, long.world)
    assert ways.short == before
    assert kept(database, scope, short.world) == kept(database, scope, long.world)
    with database.unit_of_work(scope) as session:
        lines = session.execute(BOOKED, {"notice": short.world.notice_id}).all()
    assert sum(row.qty for row in lines if row.quality_status == "good") > 24


def test_a_repeat_gets_the_answer_of_the_short_way(database: Database, scope: Scope, ways: Ways) -> None:
    scanner = opened(database, scope)
    scan = scanner.build(scanner.world.cream.gtin or "")
    first, again = scanner.send(scan), scanner.send(scan)
    assert ways.short == 1
    assert (again.replayed, again.scan_id) == (True, first.scan_id)
    assert Answer.from_json(first.answer.as_json()) == again.answer
    with database.unit_of_work(scope) as session:
        counted = "SELECT count(*) FROM receipt_line WHERE scan_id = :id"
        assert session.scalar(text(counted), {"id": first.scan_id}) == 1


def test_what_the_ledger_refuses_is_not_booked_by_half(
    database: Database, scope: Scope, ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refused call wrote nothing: the long way then asks the ledger itself, and its answer counts."""
    scanner = opened(database, scope)
    cream = scanner.world.cream.gtin or ""
    used = scanner.build(cream)
    scanner.send(used)
    made = ledger.plain_move
    monkeypatch.setattr(ledger, "plain_move", lambda *given: replace(made(*given), key=f"scan:{used.key}"))
    assert (scanner.scan(cream).code, ways.short) == ("received", 1)
    booked, wanted = kept(database, scope, scanner.world)
    assert [row[0] for row in booked] == [1, 1, 1]
    assert [row[0] for row in wanted] == [3]


def controlled(scanner: Scanner) -> str:
    return "UPDATE trade_item SET is_lot_controlled = true"


def pieces(scanner: Scanner) -> str:
    return "UPDATE trade_item SET is_serial_controlled = true"


def closed(scanner: Scanner) -> str:
    return "UPDATE advance_notice SET state = 'received', closed_at = now()"


@pytest.mark.parametrize("changed", [controlled, pieces, closed])
def test_what_is_not_plain_takes_the_long_way(
    database: Database, scope: Scope, ways: Ways, changed: Callable[[Scanner], str]
) -> None:
    scanner = opened(database, scope)
    with database.unit_of_work(scope) as session:
        session.execute(text(changed(scanner)))
    assert scanner.scan(scanner.world.cream.gtin or "").outcome == "stop"
    assert ways.short == 0


def test_goods_that_are_inspected_take_the_long_way(database: Database, scope: Scope, ways: Ways) -> None:
    scanner = opened(database, scope)
    with database.unit_of_work(scope) as session:
        owner_id = scanner.world.owner.id
        inspecting.enter_plan(session, NewPlan("share", "test", date(2020, 1, 1), owner_id, share_permille=500))
    scanner.scan(scanner.world.cream.gtin or "")
    assert ways.short == 0
    with database.unit_of_work(scope) as session:
        assert session.scalar(text("SELECT count(*) FROM inspection WHERE notice_id = :id"),
                              {"id": scanner.world.notice_id}) == 1  # fmt: skip


def test_another_notice_on_the_screen_takes_the_long_way(database: Database, scope: Scope, ways: Ways) -> None:
    scanner = opened(database, scope)
    answer = scanner.scan(scanner.world.cream.gtin or "", notice_no="ASN-NOWHERE")
    assert (answer.code, ways.short) == ("unknown_notice", 0)
