"""The cold chain on PostgreSQL: readings come in, a breach is found, exactly the goods that were there are held."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from iot import temperatures
from iot.events import TemperatureRead
from tests import build
from tests.wms.watch.cold import (
    Cold,
    at,
    bring,
    by_quality,
    carry,
    judge,
    make_cold,
    read,
    steady,
    warm_spell,
)
from web.commands.verify import find as verify
from wms.db import Database, Scope, set_scope
from wms.floor.tables.tasks import Task
from wms.parties import dated
from wms.stock.ledger import AccountKey, Line, Posting, Reserve, post, reserve
from wms.stock.tables import StockHold
from wms.watch.queries import histories
from wms.watch.queries import temperatures as queries
from wms.watch.rules.temperatures import (
    BreachNotOver,
    BreachReviewed,
    NamedPersonNeeded,
    NotOfThisBreach,
    OneMemberOnly,
    PlaceExists,
    ReadingInFuture,
    ReviewReasonMissing,
    SensorElsewhere,
    UnknownBreach,
    UnknownFinding,
    UnknownPlace,
    UntilBeforeFrom,
)
from wms.watch.service import cold_reviewing
from wms.watch.service import temperatures as service
from wms.watch.service.cold_reviewing import Review, review
from wms.watch.service.temperatures import NewMember, NewPlace, NewReading, NewSensor
from wms.watch.tables import Alarm
from wms.watch.tables.temperatures import TemperatureBreach, TemperatureHold, TemperatureReading


@pytest.fixture
def cold(session: Session) -> Cold:
    return make_cold(session)


@pytest.fixture
def clean(database: Database, scope: Scope) -> Iterator[None]:
    """After the test, verify finds nothing."""
    yield  # the session, asked for later, is committed before this goes on
    assert [str(finding) for finding in verify(database, scope)] == []


def breach(session: Session) -> TemperatureBreach:
    return session.scalars(select(TemperatureBreach).where(TemperatureBreach.state != "withdrawn")).one()


def inspector(session: Session, scope: Scope, cold: Cold) -> None:
    set_scope(session, Scope(scope.tenant_id, cold.inspector.id, "supervisor"))


def test_holds_exactly_what_was_there(clean: None, session: Session, cold: Cold) -> None:
    """A was there, B left before, C came after, D was parted, E changed the site: A, D and E are held."""
    a, b, c, d, e = (build.make_lot(session, cold.meat, name) for name in "ABCDE")
    room, other = cold.room
    lying = {lot: bring(session, cold.account(room, lot), 100, -300) for lot in (a, b, d, e)}
    carry(session, lying[b], cold.account(cold.outside, b), 100, 30)
    outside_c = bring(session, cold.account(cold.outside, c), 100, -300)
    warm_spell(session, cold, 60, 120)
    carry(session, outside_c, cold.account(room, c), 100, 150)
    carry(session, lying[d], cold.account(other, d), 40, 150)
    carry(session, lying[d], cold.account(cold.outside, d), 25, 160)
    elsewhere = build.make_site(session, "ordinary")
    transit = replace(lying[e], kind="in_transit", site_id=elsewhere.id, location_id=None)
    carry(session, lying[e], transit, 100, 170, "transfer_depart")
    shelf = build.make_location(session, elsewhere)
    carry(session, transit, replace(lying[e], site_id=elsewhere.id, location_id=shelf.id), 70, 200, "transfer_arrive")
    carry(session, transit, transit_hold_free(transit), 30, 210)  # the rest reached its dock
    judged = judge(session, cold)
    assert judged.held_qty == 300
    assert by_quality(session, cold) == {
        ("A", "hold"): 100, ("B", "good"): 100, ("C", "good"): 100, ("D", "hold"): 100, ("E", "hold"): 100,
    }  # fmt: skip
    held = session.scalars(select(TemperatureHold)).all()
    assert not any(one.is_mixed for one in held)
    assert {(one.lot_id, one.qty) for one in held if one.lot_id == d.id} == {(d.id, 35), (d.id, 40), (d.id, 25)}


def transit_hold_free(transit: AccountKey) -> AccountKey:
    """The same goods at the other site without a place yet."""
    return replace(transit, kind="in_process")


def test_temperature_history_of_a_batch_wherever_it_moved(session: Session, cold: Cold) -> None:
    """Named for mSupply mobile#3535 and open-msupply#5353: the history belongs to the batch, not to the place."""
    lot = build.make_lot(session, cold.meat, "BATCH")
    second = f"T{build.number()}"
    service.add_place(session, NewPlace(cold.site.code, second, "外库", "Outer store", "frozen"))
    service.add_member(session, second, NewMember(at(-600), location=cold.outside.code))
    logger = f"logger-{build.number()}"
    service.add_sensor(session, second, NewSensor(logger, at(0)))
    lying = bring(session, cold.account(cold.room[0], lot), 10, -10)
    carry(session, lying, cold.account(cold.outside, lot), 4, 60)
    read(session, cold, *steady(cold, 0, 120, -20_000))
    imported = [NewReading(logger, at(minute), -17_000) for minute in range(0, 120, 10)]
    assert service.store(session, imported, source="logger").new == 12
    assert service.store(session, imported, source="logger").new == 0  # the logger is read out again
    segments = histories.of_lot(session, lot.id, at(120))
    assert [(one.place, one.most_qty) for one in segments] == [(cold.place.code, 10), (second, 4)]
    first, then = segments
    assert (first.n_readings, first.min_mdegc, first.max_mdegc) == (24, -20_000, -19_800)
    assert (then.from_at, then.n_readings, then.kinetic_mdegc) == (at(60), 6, -17_000)


def test_judged_twice_holds_once(clean: None, session: Session, cold: Cold) -> None:
    lot = build.make_lot(session, cold.meat, "L")
    bring(session, cold.account(cold.room[0], lot), 10, 0)
    warm_spell(session, cold)
    assert judge(session, cold).held_qty == 10
    again = judge(session, cold, 241)
    assert (again.opened, again.held_qty) == ((), 0)
    assert session.scalars(select(TemperatureHold.qty)).all() == [10]
    alarm = session.scalars(select(Alarm)).one()
    assert (alarm.source, alarm.code, alarm.trigger_count) == ("temperature", "cold_chain_breach", 1)
    assert session.scalars(select(Task.kind).where(Task.state == "open")).all() == ["inspect"]


def test_a_breach_is_held_while_it_runs_and_grows(clean: None, session: Session, cold: Cold) -> None:
    lot = build.make_lot(session, cold.meat, "L")
    bring(session, cold.account(cold.room[0], lot), 10, 0)
    read(session, cold, *steady(cold, 0, 60, -20_000), *steady(cold, 60, 85, -10_000))
    assert judge(session, cold, 86).held_qty == 0  # 26 minutes
    read(session, cold, *steady(cold, 85, 100, -9_000))
    assert judge(session, cold, 96).held_qty == 10
    assert breach(session).state == "running"
    late = bring(session, cold.account(cold.room[1], lot), 7, 97)
    assert judge(session, cold, 100).held_qty == 7
    read(session, cold, (100, -20_000))
    judge(session, cold, 101)
    found = breach(session)
    assert (found.state, found.start_at, found.end_at) == ("ended", at(60), at(100))
    assert late.lot_id == lot.id


def test_late_readings_in_any_order_give_the_same(clean: None, session: Session, cold: Cold) -> None:
    lot = build.make_lot(session, cold.meat, "L")
    bring(session, cold.account(cold.room[0], lot), 10, 0)
    read(session, cold, *steady(cold, 0, 60, -20_000), *steady(cold, 150, 240, -20_000))
    judge(session, cold)
    gap = queries.findings(session, only_open=True)
    assert [(one.kind, one.start_at, one.end_at) for one in gap] == [("gap", at(55), at(150))]
    spell = [*steady(cold, 60, 120, -10_000), *steady(cold, 120, 150, -20_000)]
    for value in reversed(spell):
        read(session, cold, value)
    assert judge(session, cold).held_qty == 10
    found = breach(session)
    assert (found.start_at, found.end_at, found.n_readings, found.has_gap) == (at(60), at(120), 12, False)
    assert queries.findings(session, only_open=True) == []
    assert queries.findings(session)[0].cause == "late readings filled it"


def test_a_late_cold_reading_withdraws_a_breach_but_frees_nothing_by_itself(
    clean: None, session: Session, cold: Cold, scope: Scope
) -> None:
    lot = build.make_lot(session, cold.meat, "L")
    bring(session, cold.account(cold.room[0], lot), 10, 0)
    read(session, cold, (0, -20_000), (60, -10_000), (100, -10_000), (105, -20_000))
    assert judge(session, cold).held_qty == 10
    read(session, cold, (80, -20_000))  # it had been cold in between: twice less than half an hour
    judge(session, cold)
    withdrawn = session.scalars(select(TemperatureBreach)).one()
    assert (withdrawn.state, by_quality(session, cold)) == ("withdrawn", {("L", "hold"): 10})
    inspector(session, scope, cold)
    review(session, Review(withdrawn.id, "good", "the logger shows it was cold", at(300), {}))
    assert by_quality(session, cold) == {("L", "good"): 10}


def test_released_after_review_wherever_it_lies_now(clean: None, session: Session, cold: Cold, scope: Scope) -> None:
    a, b = (build.make_lot(session, cold.meat, name) for name in "AB")
    bring(session, cold.account(cold.room[0], a), 10, 0)
    bring(session, cold.account(cold.room[0], b), 5, 0)
    warm_spell(session, cold)
    judge(session, cold)
    held = cold.account(cold.room[0], a, quality_status="hold")
    carry(session, held, cold.account(cold.outside, a, quality_status="hold"), 4, 250)
    inspector(session, scope, cold)
    assert session.scalars(select(StockHold.state)).all() == ["open", "open"]  # customs' booking lifts none of these
    spoilt = session.scalars(select(TemperatureHold.id).where(TemperatureHold.lot_id == b.id)).one()
    found = breach(session)
    review(session, Review(found.id, "good", "core temperature never above -16", at(300), {spoilt: "damaged"}))
    assert by_quality(session, cold) == {("A", "good"): 10, ("B", "damaged"): 5}
    assert session.scalars(select(Task.state)).all() == ["done"]
    assert set(session.scalars(select(StockHold.to_status))) == {"good", "damaged"}
    with pytest.raises(BreachReviewed, match=cold.inspector.name_en):
        review(session, Review(found.id, "good", "once more", at(301), {}))


def test_what_two_breaches_hold_is_free_after_both_reviews(
    clean: None, session: Session, cold: Cold, scope: Scope
) -> None:
    lot = build.make_lot(session, cold.meat, "L")
    bring(session, cold.account(cold.room[0], lot), 10, 0)
    warm_spell(session, cold, 60, 120, 150)
    judge(session, cold, 150)
    read(session, cold, *steady(cold, 155, 200, -9_000), *steady(cold, 200, 245, -20_000))
    judge(session, cold)
    first, second = session.scalars(select(TemperatureBreach).order_by(TemperatureBreach.id)).all()
    inspector(session, scope, cold)
    review(session, Review(first.id, "good", "it was short", at(300), {}))
    assert by_quality(session, cold) == {("L", "hold"): 10}
    review(session, Review(second.id, "good", "that one too", at(301), {}))
    assert by_quality(session, cold) == {("L", "good"): 10}


def test_readings_that_make_a_reviewed_breach_worse_open_it_again(
    clean: None, session: Session, cold: Cold, scope: Scope
) -> None:
    lot = build.make_lot(session, cold.meat, "L")
    bring(session, cold.account(cold.room[0], lot), 10, 0)
    warm_spell(session, cold)
    judge(session, cold)
    inspector(session, scope, cold)
    review(session, Review(breach(session).id, "good", "it was short", at(300), {}))
    read(session, cold, (92, 3_000))
    judge(session, cold, 301)
    assert (breach(session).state, breach(session).max_mdegc) == ("ended", 3_000)
    assert by_quality(session, cold) == {("L", "hold"): 10}


def test_goods_that_had_gone_are_told_and_promises_are_given_back(clean: None, session: Session, cold: Cold) -> None:
    lot = build.make_lot(session, cold.meat, "L")
    lying = bring(session, cold.account(cold.room[0], lot), 10, 0)
    reserve(session, Reserve(f"r-{build.number()}", lying, 6, datetime.now(UTC) + timedelta(days=1), "SO-1"))
    warm_spell(session, cold)
    carry(session, lying, AccountKey("customer", cold.owner.id, cold.meat.id), 3, 130, "ship")
    judge(session, cold)
    states = {(one.state, one.qty, one.freed_docs) for one in session.scalars(select(TemperatureHold))}
    assert states == {("held", 7, "SO-1"), ("gone", 3, "")}


def test_what_was_made_of_them_is_held(clean: None, session: Session, cold: Cold) -> None:
    lot = build.make_lot(session, cold.meat, "L")
    lying = bring(session, cold.account(cold.room[0], lot), 10, 0)
    warm_spell(session, cold)
    kit = build.make_item(session, cold.owner, temperature_class="frozen")
    through = AccountKey("transformation", cold.owner.id, cold.meat.id)
    made = AccountKey("transformation", cold.owner.id, kit.id)
    boxes = AccountKey("location", cold.owner.id, kit.id, cold.site.id, cold.outside.id)
    lines = (Line(lying, -10), Line(through, 10), Line(made, -5), Line(boxes, 5))
    post(session, Posting(f"kit-{build.number()}", "process", at(150), lines))
    judge(session, cold)
    assert by_quality(session, cold) == {(None, "hold"): 5}


def test_ambient_goods_in_a_warm_freezer_are_not_held(clean: None, session: Session, cold: Cold) -> None:
    soap = build.make_item(session, cold.owner)
    bring(session, AccountKey("location", cold.owner.id, soap.id, cold.site.id, cold.room[0].id), 10, 0)
    warm_spell(session, cold)
    assert judge(session, cold).held_qty == 0
    assert breach(session).subject == "class:frozen"  # the room itself was too warm all the same


def test_limits_are_dated_data_for_class_owner_or_item(clean: None, session: Session, cold: Cold) -> None:
    lot = build.make_lot(session, cold.meat, "L")
    bring(session, cold.account(cold.room[0], lot), 10, 0)
    subject = f"item:{cold.owner.code}/{cold.meat.code}"
    limit = {"low_mdegc": None, "high_mdegc": -8_000, "for_s": 600}
    dated.set_value(
        session, "temperature.limit", limit, valid_from_on=at(-2_000).date(), source="contract 7", subject=subject
    )
    warm_spell(session, cold)  # -10 °C: too warm for frozen goods, not for these
    assert judge(session, cold).held_qty == 0
    read(session, cold, *steady(cold, 241, 260, -7_000), (260, -20_000))
    assert judge(session, cold, 270).held_qty == 10
    mine = session.scalars(select(TemperatureBreach).where(TemperatureBreach.subject == subject)).one()
    assert (mine.limit_mdegc, mine.for_s, mine.limit_source) == (-8_000, 600, "contract 7")


def test_silence_and_faults_are_findings(session: Session, cold: Cold) -> None:
    read(session, cold, *steady(cold, 0, 30, -20_000))
    service.store(
        session,
        [
            NewReading(cold.sensor, at(31), None),
            NewReading(cold.sensor, at(32), 85_000, battery_pct=5),
            NewReading(cold.sensor, at(25), -3_000),
        ],
    )
    judge(session, cold, 90)
    found = {(one.kind, one.start_at, one.end_at) for one in queries.findings(session, only_open=True)}
    day = at(32).replace(hour=0, minute=0)
    assert found == {
        ("implausible", at(31), at(31)), ("implausible", at(32), at(32)), ("conflict", at(25), at(25)),
        ("gap", at(25), None), ("battery", max(day, at(0)), None),
    }  # fmt: skip
    assert session.scalars(select(TemperatureBreach)).all() == []  # 85 °C is a broken probe, not a warm room


def test_a_finding_is_closed_by_a_named_person(session: Session, cold: Cold, scope: Scope) -> None:
    read(session, cold, (0, -20_000))
    judge(session, cold, 60)
    (gap,) = queries.findings(session, only_open=True)
    with pytest.raises(NamedPersonNeeded):
        cold_reviewing.close_finding(session, gap.id, "the battery was changed", at(61))
    inspector(session, scope, cold)
    with pytest.raises(ReviewReasonMissing):
        cold_reviewing.close_finding(session, gap.id, "ok", at(61))
    cold_reviewing.close_finding(session, gap.id, "the battery was changed", at(61))
    with pytest.raises(UnknownFinding):
        cold_reviewing.close_finding(session, gap.id, "the battery was changed", at(61))


def test_refuses_reviews_that_cannot_be(session: Session, cold: Cold, scope: Scope) -> None:
    lot = build.make_lot(session, cold.meat, "L")
    bring(session, cold.account(cold.room[0], lot), 10, 0)
    read(session, cold, *steady(cold, 0, 60, -20_000), *steady(cold, 60, 100, -10_000))
    judge(session, cold, 101)
    found = breach(session)
    command = Review(found.id, "good", "all is well", at(102), {})
    with pytest.raises(NamedPersonNeeded):
        review(session, command)
    inspector(session, scope, cold)
    with pytest.raises(BreachNotOver):
        review(session, command)
    with pytest.raises(ReviewReasonMissing):
        review(session, replace(command, reason="  ok "))
    with pytest.raises(UnknownBreach):
        review(session, replace(command, breach_id=0))
    read(session, cold, (101, -20_000))
    judge(session, cold, 103)
    with pytest.raises(NotOfThisBreach):
        review(session, replace(command, apart={0: "damaged"}))


def test_refuses_places_and_sensors_that_cannot_be(session: Session, cold: Cold) -> None:
    code = cold.place.code
    with pytest.raises(PlaceExists):
        service.add_place(session, NewPlace(cold.site.code, code, "又一间", "Another", "frozen"))
    with pytest.raises(UnknownPlace):
        service.add_member(session, "NONE", NewMember(at(0), zone="F"))
    with pytest.raises(OneMemberOnly):
        service.add_member(session, code, NewMember(at(0), zone="F", location=cold.outside.code))
    with pytest.raises(UntilBeforeFrom):
        service.add_sensor(session, code, NewSensor("x", at(10), at(5)))
    with pytest.raises(SensorElsewhere, match=code):
        service.add_sensor(session, code, NewSensor(cold.sensor, at(10)))
    service.end_sensor(session, code, cold.sensor, at(20))
    service.add_sensor(session, code, NewSensor(cold.sensor, at(20)))
    with pytest.raises(ReadingInFuture, match="Row 2"):
        service.check_import(
            [NewReading("x", at(0), 1), NewReading("x", datetime.now(UTC) + timedelta(hours=1), 1)], datetime.now(UTC)
        )


def test_readings_of_mqtt_reach_the_cold_chain(database: Database, scope: Scope, session: Session, cold: Cold) -> None:
    """Message → inbox → reading → temperature store, once, also when it is replayed."""
    seen = [(cold.sensor, at(3), TemperatureRead(event_at=at(2), temperature_mdegc=-18_250, place="F01"))]
    assert temperatures.keep(session, seen) == 1
    assert temperatures.keep(session, seen) == 0
    kept = session.scalars(select(TemperatureReading)).one()
    assert (kept.probe, kept.temperature_mdegc, kept.event_at, kept.source) == ("F01", -18_250, at(2), "device")
    assert cold.place.id in {one.id for one in queries.places(session)}
