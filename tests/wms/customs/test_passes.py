"""Gate passes: number, weights, types, bindings, registered goods (GAC 2023-200), and quantities under rivals."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from sqlalchemy.orm import Session

from tests.build import now, number
from tests.wms.gate.test_model import drive
from tests.wms.gate.world import GOODS_G, VEHICLE_G, crossing, make_lane, make_list, make_pass, make_world, seen_of
from wms.codes import customs_numbers
from wms.customs import list_queries, verification_lists
from wms.customs.gate_pass_rules import (
    BadPass,
    MoreThanDeclared,
    NewPass,
    PassDocument,
    PassLine,
    PassUsed,
    RegisteredGoods,
    missing_codes,
)
from wms.customs.gate_passes import void_pass
from wms.customs.rules import GoodsNotThroughGate
from wms.customs.tables import GatePass
from wms.db import Database, Scope
from wms.gate.service import decide_passage

BRICKS = RegisteredGoods("construction", "砖", Decimal(1000), "007", 2_000_000)


@pytest.mark.parametrize(
    ("pass_type", "goods_class", "material_no", "hs_code", "missing"),
    [
        ("5", "construction", None, None, ()),
        ("5", "office", None, None, ()),
        ("5", "labour_protection", None, None, ()),
        ("5", "living", None, None, ()),
        ("5", "other", None, "9403300000", ()),
        ("5", "other", "M1", None, ("gdecd",)),
        ("3", "construction", None, None, ("gdsMtno", "gdecd")),
        ("3", "other", "M1", None, ("gdecd",)),
        ("3", "other", "M1", "9403300000", ()),
    ],
)
def test_gac_2023_200_three_cases(
    pass_type: str, goods_class: str, material_no: str | None, hs_code: str | None, missing: tuple[str, ...]
) -> None:
    assert missing_codes(pass_type, goods_class, material_no, hs_code) == missing


def test_registered_goods_are_no_stock_and_weigh_on_the_pass(session: Session) -> None:
    world = make_world(session)
    made = make_pass(
        session, world, direction="I", pass_type="5", lines=(), documents=(), registered=(BRICKS,)
    )  # fmt: skip
    assert made.total_weight_g == VEHICLE_G + 2_000_000
    lane = make_lane(session, world.shelf.site_id, direction="I")
    assert decide_passage(session, crossing(lane, seen_of(made))).verdict in {"lift", "hold"}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"pass_type": "3", "registered": (BRICKS,)}, "only a pass for registered goods"),
        (
            {"pass_type": "5", "lines": (), "registered": (RegisteredGoods("other", "桌", Decimal(1), "007", 1),)},
            "need a commodity code",
        ),
        ({"pass_type": "6", "registered": (BRICKS,)}, "names no goods"),
        ({"bind_type": "2", "documents": (PassDocument("1", "A"), PassDocument("1", "B"))}, "binding type 1"),
        ({"bind_type": "3", "documents": (PassDocument("1", "A"), PassDocument("1", "B"))}, "binding type 1"),
        ({"documents": ()}, "name the document"),
        ({"documents": (PassDocument("1", "A"), PassDocument("2", "B")), "bind_type": "1"}, "of one kind"),
    ],
)
def test_each_bad_pass_is_refused_in_words(session: Session, changes: dict[str, object], rule: str) -> None:
    with pytest.raises(BadPass, match=rule):
        make_pass(session, make_world(session), **changes)  # type: ignore[arg-type]


def test_1_5_total_weight_anchors() -> None:
    for goods_g, total_g in ((292_800, 14_292_800), (2_245_335, 16_245_335), (2_674_080, 16_674_080)):
        assert weighed(goods_g) == total_g


def weighed(goods_g: int) -> int:
    new = NewPass(
        "x", 1, 1, "E", "3", "湘F12345", 13_000_000, now(), now() + timedelta(hours=1), frame_weight_g=1_000_000,
        lines=(PassLine(1, 1, goods_g),),
    )  # fmt: skip
    return new.total_weight_g


def test_1_5_an_approved_pass_has_a_number_of_customs_shape(session: Session) -> None:
    made = make_pass(session, make_world(session), qty=10)
    assert customs_numbers.parse_gate_pass(made.pass_no or "") is not None


def test_1_5_one_vehicle_many_documents_goes_when_all_are_released(session: Session) -> None:
    world = make_world(session, declared=100)
    other, line = make_list(session, world.shelf, 50)
    other.entry_released_at = None
    session.flush()
    goods = (PassLine(world.shelf.trade_item_id, 10, GOODS_G, world.line.id),)
    documents = (
        PassDocument("1", world.listed.list_no or "", world.listed.id),
        PassDocument("1", other.list_no or "", other.id),
    )
    made = make_pass(session, world, qty=10, lines=goods, documents=documents, bind_type="1")
    assert decide_passage(session, crossing(world.lane, seen_of(made))).hold_code == "not_released"
    assert line.on_passes_qty == 0


def test_1_5_one_document_many_vehicles_is_through_with_the_last(session: Session) -> None:
    world = make_world(session, declared=30)
    passes = [make_pass(session, world, qty=10, bind_type="3") for _ in range(3)]
    for one in passes[:2]:
        drive(session, decide_passage(session, crossing(world.lane, seen_of(one))).passage_id)
    with pytest.raises(GoodsNotThroughGate, match="has 10 that did not pass"):
        verification_lists.book(session, world.listed.id, f"k{number()}", one.passed_at or one.recorded_at)
    drive(session, decide_passage(session, crossing(world.lane, seen_of(passes[2]))).passage_id)
    verification_lists.book(session, world.listed.id, f"k{number()}", now())
    assert list_queries.list_row(session, world.listed.id).state == "booked"


def test_1_5_a_pass_is_void_before_passage_and_never_after(session: Session) -> None:
    world = make_world(session, declared=30)
    made = make_pass(session, world, qty=10)
    void_pass(session, made.id, reason="wrong truck", at=now())
    (row,) = list_queries.lines(session, world.listed.id)
    assert row.on_passes_qty == 0
    used = make_pass(session, world, qty=10)
    drive(session, decide_passage(session, crossing(world.lane, seen_of(used))).passage_id)
    with pytest.raises(PassUsed):
        void_pass(session, used.id, reason="too late", at=now())


def test_1_3_rivals_never_put_more_on_passes_than_is_declared(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        world = make_world(session, declared=10)
    start = Barrier(8)

    def apply(_: int) -> bool:
        start.wait(30)
        try:
            with database.unit_of_work(scope) as session:
                make_pass(session, world, qty=3, state="applied")
        except MoreThanDeclared:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        granted = list(pool.map(apply, range(8)))
    assert sum(granted) == 3  # 3 × 3 ≤ 10 < 4 × 3, whoever was first
    with database.unit_of_work(scope) as session:
        (row,) = list_queries.lines(session, world.listed.id)
        assert (row.passed_qty, row.on_passes_qty, row.declared_base_qty) == (0, 9, 10)
        assert session.query(GatePass).filter_by(owner_id=world.shelf.owner_id).count() == 3
