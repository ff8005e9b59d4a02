"""Pallets in the cold chain: goods come onto them and leave them, and a logger that travels with one."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import build
from tests.wms.watch.cold import Cold, at, bring, carry, judge, make_cold, read, steady, warm_spell
from web.commands.verify import find as verify
from wms.db import Database, Scope
from wms.floor.service import units
from wms.floor.service.units import Deed
from wms.stock.ledger import AccountKey
from wms.stock.tables import HandlingUnit, UnitStay
from wms.watch.queries import histories
from wms.watch.service import temperatures as service
from wms.watch.service.cold_evaluating import evaluate
from wms.watch.service.temperatures import NewMember, NewPlace, NewReading, NewSensor
from wms.watch.tables.temperatures import TemperatureHold


@pytest.fixture
def cold(session: Session) -> Cold:
    return make_cold(session)


@pytest.fixture
def clean(database: Database, scope: Scope) -> Iterator[None]:
    """After the test, verify finds nothing."""
    yield  # the session, asked for later, is committed before this goes on
    assert [str(finding) for finding in verify(database, scope)] == []


def test_history_of_a_pallet_begins_before_its_goods_came_onto_it(session: Session, cold: Cold) -> None:
    lot = build.make_lot(session, cold.meat, "L")
    whole, part = (build.make_handling_unit(session, cold.owner) for _ in range(2))
    lying = bring(session, cold.account(cold.room[0], lot, handling_unit_id=whole.id), 10, 0)
    carry(session, lying, cold.account(cold.outside, lot, handling_unit_id=part.id), 4, 60)
    carry(session, lying, cold.account(cold.room[1], lot, handling_unit_id=whole.id), 6, 90)
    read(session, cold, *steady(cold, 0, 120, -20_000))
    segments = histories.of_unit(session, part.id, at(120))
    assert [(one.sscc, one.from_at, one.until_at) for one in segments] == [
        (whole.sscc, at(0), at(60)), (part.sscc, at(60), None),
    ]  # fmt: skip
    assert segments[0].n_readings == 12
    assert segments[1].place is None  # nobody measures there, and it says so


def test_a_breach_follows_goods_onto_a_pallet_and_through_a_pallet_split(
    clean: None, session: Session, cold: Cold
) -> None:
    pallets = [build.make_handling_unit(session, cold.owner) for _ in range(3)]
    lot = build.make_lot(session, cold.meat, "L")
    first = bring(session, cold.account(cold.room[0], lot, handling_unit_id=pallets[0].id), 60, 0)
    warm_spell(session, cold)
    carry(session, first, cold.account(cold.outside, lot, handling_unit_id=pallets[1].id), 20, 130, "split")
    clean_one = bring(session, cold.account(cold.outside, lot, handling_unit_id=pallets[2].id), 10, 140)
    judge(session, cold)
    held = {one.handling_unit_id: one.qty for one in session.scalars(select(TemperatureHold))}
    assert held == {pallets[0].id: 40, pallets[1].id: 20}
    assert clean_one.handling_unit_id not in held


def test_a_logger_on_a_pallet_knows_where_no_room_is_measured(clean: None, session: Session, cold: Cold) -> None:
    pallet, lot = build.make_handling_unit(session, cold.owner), build.make_lot(session, cold.meat, "L")
    code, logger = f"P{build.number()}", f"logger-{build.number()}"
    service.add_place(session, NewPlace(cold.site.code, code, "托盘", "Pallet", "frozen"))
    service.add_member(session, code, NewMember(at(0), sscc=pallet.sscc))
    service.add_sensor(session, code, NewSensor(logger, at(0)))
    lying = bring(session, cold.account(cold.outside, lot, handling_unit_id=pallet.id), 10, 0)
    transit = replace(lying, kind="in_transit", location_id=None)
    carry(session, lying, transit, 10, 30, "transfer_depart")
    service.store(session, [NewReading(logger, at(minute), -5_000) for minute in range(40, 100, 5)], source="logger")
    place = service.place(session, code)
    assert evaluate(session, place.id, at(100)).held_qty == 10
    (segment,) = [one for one in histories.of_unit(session, pallet.id, at(100)) if one.kind == "in_transit"]
    assert (segment.place, segment.n_readings, len(segment.breaches)) == (code, 12, 1)
    carry(session, replace(transit, quality_status="hold"), lying_again(lying), 10, 101)


def lying_again(lying: AccountKey) -> AccountKey:
    """Back in its place, on hold (so that nothing is in transit without a transfer)."""
    return replace(lying, quality_status="hold")


def with_logger(session: Session, cold: Cold, pallet: HandlingUnit) -> tuple[str, str]:
    """A logger that travels with a pallet: its place and its name."""
    code, logger = f"P{build.number()}", f"logger-{build.number()}"
    service.add_place(session, NewPlace(cold.site.code, code, "托盘", "Pallet", "frozen"))
    service.add_member(session, code, NewMember(at(0), sscc=pallet.sscc))
    service.add_sensor(session, code, NewSensor(logger, at(0)))
    return code, logger


def deed(minute: int) -> Deed:
    return Deed(f"nest-{build.number()}", at(minute))


def test_only_what_stood_on_the_pallet_when_it_was_warm_was_exposed(clean: None, session: Session, cold: Cold) -> None:
    """Three cartons: one stood on it all the time, one left before it was warm, one came afterwards."""
    pallet = build.make_handling_unit(session, cold.owner)
    code, logger = with_logger(session, cold, pallet)
    cartons = [build.make_handling_unit(session, cold.owner, "carton") for _ in range(3)]
    stayed, left, came = cartons
    lots = [build.make_lot(session, cold.meat, f"L{n}") for n in range(3)]
    loose = build.make_lot(session, cold.meat, "P")
    bring(session, cold.account(cold.outside, loose, handling_unit_id=pallet.id), 1, 1)
    for carton, lot in zip(cartons, lots, strict=True):
        bring(session, cold.account(cold.outside, lot, handling_unit_id=carton.id), 10, 1)
    for carton, minute in ((stayed, 5), (left, 6)):
        units.nest(session, carton.sscc, pallet.sscc, deed(minute))
    units.take_out(session, left.sscc, deed(30))
    units.nest(session, came.sscc, pallet.sscc, deed(150))
    warm = [NewReading(logger, at(minute), -5_000 if 40 <= minute < 100 else -20_000) for minute in range(10, 200, 5)]
    service.store(session, warm, source="logger")
    assert evaluate(session, service.place(session, code).id, at(200)).held_qty == 11
    held = {(one.handling_unit_id, one.qty) for one in session.scalars(select(TemperatureHold))}
    assert held == {(pallet.id, 1), (stayed.id, 10)}
    for carton, breaches in ((stayed, 1), (left, 0), (came, 0)):
        found = [one for one in histories.of_unit(session, carton.id, at(200)) if one.place == code]
        assert [len(one.breaches) for one in found if one.breaches] == [1] * breaches


def test_where_a_unit_stood_is_on_record_whoever_moved_it(session: Session, cold: Cold) -> None:
    outer, inner = (build.make_handling_unit(session, cold.owner) for _ in range(2))
    inner.parent_id = outer.id
    session.flush()
    inner.parent_id, inner.nested_at = None, at(-900)  # a handheld tells late, and of a time before
    session.flush()
    (stay,) = session.scalars(select(UnitStay).where(UnitStay.handling_unit_id == inner.id))
    assert (stay.parent_id, stay.until_at) == (outer.id, stay.from_at)
