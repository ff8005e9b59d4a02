"""A scan is applied once: replays, rivals, reused keys, clocks, and what an envelope must hold."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from tests.wms.floor.world import Scanner, World, stock
from wms.db import Database, Scope
from wms.floor.service.scanning import BadScan
from wms.floor.tables import Scan
from wms.record.rules import KeyReused
from wms.stock.tables import Posting


def postings(database: Database, scope: Scope) -> int:
    with database.unit_of_work(scope) as session:
        return session.scalar(select(func.count()).select_from(Posting)) or 0


def test_sixteen_repeats_of_one_scan_count_once(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    scanner.at_dock()
    scan = scanner.build(world.cream.gtin or "")
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(scanner.send, [scan] * 16))
    assert sorted(one.replayed for one in taken) == [False] + [True] * 15
    assert all(one.answer == taken[0].answer for one in taken)
    assert postings(database, scope) == 1
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Hand cream", "hold"): 1}


def test_a_repeat_changes_nothing_even_after_undo(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    scanner.at_dock()
    scan = scanner.build(world.cream.gtin or "")
    first = scanner.send(scan)
    scanner.scan("UNDO")
    assert scanner.send(scan).answer == first.answer
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {}


def test_a_mistake_is_an_answer_too(scanner: Scanner, world: World) -> None:
    scan = scanner.build("A-1")  # a bin, not a dock
    assert scanner.send(scan).answer.code == "wrong_place"
    again = scanner.send(scan)
    assert (again.replayed, again.answer.code) == (True, "wrong_place")


def test_the_same_key_with_another_label_is_refused(scanner: Scanner, world: World) -> None:
    scan = scanner.build("DOCK-1")
    scanner.send(scan)
    with pytest.raises(KeyReused):
        scanner.send(replace(scan, code="A-1"))


def test_the_same_sequence_number_with_another_key_is_refused(scanner: Scanner, world: World) -> None:
    scan = scanner.build("DOCK-1")
    scanner.send(scan)
    with pytest.raises(KeyReused):
        scanner.send(replace(scan, key=scan.key + "-other"))


def test_two_clerks_on_one_pallet_one_wins(database: Database, scope: Scope, scanner: Scanner, world: World) -> None:
    clerks = [Scanner(database, scanner.scope, world).at_dock() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda clerk: clerk.scan(world.pallet_label()), clerks))
    assert sorted(answer.code for answer in answers) == ["already_received"] * 7 + ["received"]
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Beef", "hold"): 100}


def test_two_clerks_putting_the_same_goods_away_never_move_more_than_there_are(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    scanner.at_dock()
    scanner.scan("QTY 10")
    scanner.scan(world.cream.gtin or "")
    clerks = [Scanner(database, scanner.scope, world, job="put_away") for _ in range(4)]
    for clerk in clerks:
        clerk.scan("A-1")
        clerk.scan("QTY 4")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda clerk: clerk.scan(world.cream.gtin or ""), clerks))
    assert sorted(answer.code for answer in answers) == ["put_away", "put_away", "too_many", "too_many"]
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Hand cream", "hold"): 10}


def test_keeps_the_scan_as_it_was_received(database: Database, scope: Scope, scanner: Scanner, world: World) -> None:
    scan = scanner.build(world.label(world.milk), symbology=None)
    scanner.send(scan)
    with database.unit_of_work(scope) as session:
        kept = session.scalars(select(Scan).where(Scan.key == scan.key)).one()
    assert (kept.code, kept.device, kept.boot, kept.seq) == (scan.code, scan.device, scan.boot, scan.seq)
    assert kept.person_id == world.person.id


def test_a_scan_counts_at_the_time_it_was_made(
    database: Database, scope: Scope, scanner: Scanner, world: World
) -> None:
    scanner.at_dock()
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    scanner.scan(world.pallet_label(), occurred_at=an_hour_ago)
    with database.unit_of_work(scope) as session:
        assert session.scalar(select(Posting.event_at)) == an_hour_ago


@pytest.mark.parametrize("skew", [timedelta(days=1), timedelta(days=-400)])
def test_a_clock_that_is_off_does_not_misdate_the_stock(
    database: Database, scope: Scope, scanner: Scanner, world: World, skew: timedelta
) -> None:
    scanner.at_dock()
    answer = scanner.scan(world.pallet_label(), occurred_at=datetime.now(UTC) + skew)
    assert answer.code == "received"
    with database.unit_of_work(scope) as session:
        event_at = session.scalar(select(Posting.event_at))
    assert event_at is not None
    assert abs(event_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_handhelds_whose_clocks_differ_by_minutes_work_together(scanner: Scanner, world: World) -> None:
    scanner.at_dock().scan(world.pallet_label())
    porter = Scanner(scanner.database, scanner.scope, world, job="put_away")
    behind = datetime.now(UTC) - timedelta(minutes=5)
    porter.scan("A-1", occurred_at=behind)
    assert porter.scan(world.pallet_label(), occurred_at=behind).code == "put_away"
    assert porter.scan("UNDO", occurred_at=behind).code == "undone"


@pytest.mark.parametrize(
    "fault",
    [
        {"key": "short"},
        {"key": "k" * 256},
        {"device": ""},
        {"boot": ""},
        {"seq": -1},
        {"code": "x" * 501},
        {"code": "a\x00b"},
        {"job": "dance"},
        {"occurred_at": datetime(2026, 1, 1)},  # noqa: DTZ001 - the missing zone is the fault
    ],
)
def test_refuses_an_envelope_that_cannot_be(scanner: Scanner, fault: dict[str, object]) -> None:
    with pytest.raises(BadScan):
        scanner.send(replace(scanner.build("DOCK-1"), **fault))  # type: ignore[arg-type]
