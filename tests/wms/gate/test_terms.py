"""Terms by date: parameters of lanes, tolerances, goods of type 5; an officer's reasons, pictures and second person."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.build import now
from tests.wms.gate.world import World, balance, crossing, make_lane, make_list, make_pass, make_world, seen_of
from wms.customs.gate_pass_rules import PassDocument, PassLine, RegisteredGoods
from wms.customs.tables import GatePass
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.gate.rules.lane import LaneParameters
from wms.gate.rules.refusals import ToleranceExists, UnknownLane
from wms.gate.service import (
    ReleaseHold,
    add_picture,
    confirm_passage,
    decide_passage,
    parameters_of,
    register_vehicle,
    release_hold,
    set_parameters,
    set_tolerance,
)
from wms.gate.service.facts import tolerance_for
from wms.gate.service.setup import blacklist
from wms.gate.tables import BarrierCommand, Decision, Release
from wms.parties import dated
from wms.record.tables import Leaf

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
DAY = timedelta(days=1)


@pytest.fixture
def world(session: Session) -> World:
    return make_world(session)


def test_parameters_of_a_lane_hold_from_their_instant_on_and_the_past_keeps_its_own(
    session: Session, world: World
) -> None:
    at = now()
    assert parameters_of(session, world.lane, at).min_confidence_permille == 700
    set_parameters(session, world.lane.id, LaneParameters(gap_ms=30_000, source="measured"), from_at=at - DAY)
    strict = LaneParameters(min_confidence_permille=990, source="letter")
    set_parameters(session, world.lane.id, strict, from_at=at)
    held = [parameters_of(session, world.lane, at + ago).gap_ms for ago in (-2 * DAY, -DAY, timedelta(0))]
    assert held == [20_000, 30_000, 20_000]
    before = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world)), at=at - DAY / 2))
    after = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world)), at=at))
    assert (before.hold_code, after.hold_code) == ("too_early", "plate_unread")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"decide_within_ms": 499}, "decide_within_ms must be between 500 and 60000"),
        ({"sure_permille": 1_001}, "sure_permille must be between 1 and 1000"),
        ({"tag_margin_cdb": -1}, "tag_margin_cdb"),
        ({"source": " "}, "need the source"),
    ],
)
def test_each_wrong_parameter_has_its_own_answer(
    session: Session, world: World, change: dict[str, object], said: str
) -> None:
    given = LaneParameters(**{"source": "x", **change})  # type: ignore[arg-type]
    with pytest.raises(WmsError, match=said):
        set_parameters(session, world.lane.id, given, from_at=now())


def test_parameters_are_entered_once_for_an_instant_and_a_lane_that_exists(session: Session, world: World) -> None:
    at = now()
    set_parameters(session, world.lane.id, LaneParameters(source="measured"), from_at=at)
    with pytest.raises(WmsError, match="has parameters from"):
        set_parameters(session, world.lane.id, LaneParameters(source="measured"), from_at=at)
    with pytest.raises(WmsError, match="no lane"):
        set_parameters(session, 10**9, LaneParameters(source="measured"), from_at=at)


def test_tolerance_by_lane_and_goods_class_at_its_limit_and_one_gram_beyond(session: Session, world: World) -> None:
    old, new = now() - 2 * DAY, now() - DAY
    set_tolerance(session, from_at=old, share_bp=500, absolute_g=0, source="of all")
    set_tolerance(session, from_at=old, share_bp=100, absolute_g=0, lane_id=world.lane.id, source="of the lane")
    set_tolerance(session, from_at=new, share_bp=50, absolute_g=30_000, goods_class="meat", source="of the class")
    other = make_lane(session, world.shelf.site_id)
    cases = (
        (world.lane, "general", lambda total: total // 100),
        (other, "general", lambda total: total * 5 // 100),
        (world.lane, "meat", lambda total: max(total * 50 // 10_000, 30_000)),
    )
    for lane, goods_class, limit in cases:
        for beyond, verdict in ((0, "lift"), (1, "hold")):
            for sign in (1, -1):
                gate_pass = make_pass(session, world, qty=1, goods_class=goods_class)
                off = sign * (limit(gate_pass.total_weight_g) + beyond)
                weight_g = gate_pass.total_weight_g + off
                decided = decide_passage(session, crossing(lane, seen_of(gate_pass, weight_g=weight_g)))
                assert decided.verdict == verdict, (goods_class, off)


def test_a_tolerance_entered_for_before_a_planned_one_lasts_until_it_and_leaves_it_alone(
    session: Session, world: World
) -> None:
    """What is planned stays planned: an earlier entry ends what holds then, and itself at the planned one."""
    lane_id, start = world.lane.id, now()
    for days, share_bp in ((0, 500), (10, 300), (5, 400)):
        row = set_tolerance(
            session, from_at=start + days * DAY, share_bp=share_bp, absolute_g=0, lane_id=lane_id, source="a letter"
        )
        (leaf,) = session.scalars(select(Leaf).where(Leaf.kind == "weight_tolerance", Leaf.subject_id == row.id))
        assert json.loads(bytes(leaf.body).split(b"\n", 2)[2])["share_bp"] == share_bp
    found = {
        days: tolerance_for(session, lane_id, "general", start + days * DAY).share_bp for days in (0, 4, 5, 9, 10, 99)
    }
    assert found == {0: 500, 4: 500, 5: 400, 9: 400, 10: 300, 99: 300}
    with pytest.raises(ToleranceExists):
        set_tolerance(session, from_at=start + 5 * DAY, share_bp=1, absolute_g=0, lane_id=lane_id, source="again")
    with pytest.raises(UnknownLane):
        set_tolerance(session, from_at=start, share_bp=1, absolute_g=0, lane_id=10**9, source="nowhere")


def registered(session: Session, world: World, direction: str) -> GatePass:
    goods = RegisteredGoods("office", "desks", Decimal(4), "011", 200_000)
    return make_pass(
        session, world, direction=direction, pass_type="5", lines=(), documents=(), registered=(goods,)
    )  # fmt: skip


def test_weight_of_registered_goods_is_relaxed_on_the_way_in_only(session: Session, world: World) -> None:
    lane_in = make_lane(session, world.shelf.site_id, direction="I")
    for weight_g in (None, 40_000_000):
        came = decide_passage(session, crossing(lane_in, seen_of(registered(session, world, "I"), weight_g=weight_g)))
        assert came.verdict == "lift", came.hold_code
        stored = session.get_one(Decision, came.decision_id).inputs
        assert stored["tolerance"]["is_relaxed"] is True
    dated.set_value(session, "gate.weight_relaxed", {"I": [], "E": []}, valid_from_on=date(2026, 1, 1), source="a test")
    came = decide_passage(session, crossing(lane_in, seen_of(registered(session, world, "I"), weight_g=40_000_000)))
    assert came.hold_code == "weight_high"


def test_blacklisted_stranger_to_the_register_needs_two_officers(session: Session, world: World) -> None:
    plate = "湘F00T01"
    blacklist(session, plate, reason="smuggling case", from_at=now() - DAY)
    seen = seen_of(make_pass(session, world), plate=plate)
    held = decide_passage(session, crossing(world.lane, seen))
    assert held.hold_code == "vehicle_unknown"
    ask = ReleaseHold(held.passage_id, world.officer.id, "papers were shown", now(), "papers_checked")
    assert release_hold(session, ask).needs_second


def test_a_hold_behind_the_deciding_one_asks_for_a_second_officer_too(session: Session, world: World) -> None:
    """Too heavy alone is one officer's word; here a document behind the pass is not released either."""
    gate_pass = make_pass(session, world, container_nos=())
    world.listed.entry_released_at = None
    session.flush()
    register_vehicle(session, gate_pass.vehicle_plate, tare_g=14_000_000)
    seen = seen_of(gate_pass, trailer_plate=None, seals=("S9",), broken_seals=())
    world.lane.is_open = False
    session.flush()
    held = decide_passage(session, crossing(world.lane, seen))
    assert held.hold_code == "lane_closed"
    ask = ReleaseHold(held.passage_id, world.officer.id, "lane opens in a minute", now())
    assert release_hold(session, ask).state == "requested"


def test_reason_is_one_of_the_list_and_the_list_is_dated(session: Session, world: World) -> None:
    held = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world), weight_g=1)))
    ask = ReleaseHold(held.passage_id, world.officer.id, "as the chief said", now(), "because")
    with pytest.raises(WmsError, match="because is no reason for a release; known are weighed_again"):
        release_hold(session, ask)
    own = {"reasons": [{"code": "because", "zh": "因为", "en": "Because"}], "picture_for": [], "also_second_for": []}
    dated.set_value(session, "gate.manual_release", own, valid_from_on=date(2026, 1, 1), source="a test")
    assert release_hold(session, ask).reason_code == "because"


def test_kinds_marked_so_need_a_picture_and_further_kinds_a_second_officer(session: Session, world: World) -> None:
    own = {
        "reasons": [{"code": "other", "zh": "其他", "en": "Other"}],
        "picture_for": ["weight_low"],
        "also_second_for": ["weight_low"],
    }
    dated.set_value(session, "gate.manual_release", own, valid_from_on=date(2026, 1, 1), source="a test")
    held = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world), weight_g=1)))
    ask = ReleaseHold(held.passage_id, world.officer.id, "scale is broken", now())
    with pytest.raises(WmsError, match="needs a picture"):
        release_hold(session, ask)
    with pytest.raises(WmsError):
        add_picture(session, held.passage_id, b"no picture at all")
    assert add_picture(session, held.passage_id, PNG) == add_picture(session, held.passage_id, PNG)
    assert release_hold(session, ask).state == "requested"


def test_two_officers_at_once_release_one_vehicle_once(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        world = make_world(session, declared=10)
        people = (world.officer.id, world.second.id)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(8):
            with database.unit_of_work(scope) as session:
                seen = seen_of(make_pass(session, world, qty=1), weight_g=1)
                passage_id = decide_passage(session, crossing(world.lane, seen)).passage_id
            start = Barrier(2)

            def ask(officer_id: int) -> str:
                try:
                    with database.unit_of_work(scope) as session:
                        start.wait(60)  # noqa: B023
                        return release_hold(
                            session,
                            ReleaseHold(passage_id, officer_id, "weighed again", now()),  # noqa: B023
                        ).state
                except WmsError as refused:
                    return refused.code

            assert sorted(pool.map(ask, people)) == ["granted", "passage_not_held"]
            with database.unit_of_work(scope) as session:
                of_it = select(Release.id).where(Release.passage_id == passage_id)
                assert session.scalar(select(func.count()).select_from(of_it.subquery())) == 1
                opened = select(func.count()).select_from(BarrierCommand).where(BarrierCommand.release_id.in_(of_it))
                assert session.scalar(opened) == 1


def test_one_vehicle_with_many_documents_goes_only_when_all_are_released(session: Session, world: World) -> None:
    other, line = make_list(session, world.shelf, 50)
    item = world.shelf.trade_item_id
    lines = (PassLine(item, 10, 3_000_000, world.line.id), PassLine(item, 10, 3_000_000, line.id))
    papers = tuple(PassDocument("1", str(one.list_no), one.id) for one in (world.listed, other))
    gate_pass = make_pass(session, world, bind_type="1", lines=lines, documents=papers)
    other.entry_released_at = None
    session.flush()
    held = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    assert held.hold_code == "not_released"
    other.entry_released_at = now()
    session.flush()
    assert decide_passage(session, crossing(world.lane, seen_of(gate_pass))).verdict == "lift"


def test_one_document_with_many_vehicles_is_through_with_the_last_each_by_its_own_weight(
    session: Session, world: World
) -> None:
    heavy, light = (
        make_pass(
            session, world, bind_type="3", qty=qty,
            lines=(PassLine(world.shelf.trade_item_id, qty, gross_g, world.line.id),),
        )
        for qty, gross_g in ((600, 9_000_000), (400, 3_000_000))
    )  # fmt: skip
    assert heavy.total_weight_g - light.total_weight_g == 6_000_000
    swapped = decide_passage(session, crossing(world.lane, seen_of(light, weight_g=heavy.total_weight_g)))
    assert swapped.hold_code == "weight_high"
    for gate_pass, passed in ((heavy, 600), (light, 1_000)):
        lifted = decide_passage(session, crossing(make_lane(session, world.shelf.site_id), seen_of(gate_pass)))
        assert lifted.gate_pass_id == gate_pass.id
        confirm_passage(session, lifted.passage_id, passed_at=now())
        session.refresh(world.line)
        assert world.line.passed_qty == passed
    assert balance(session, "customer", world.shelf) == 1_000
