"""Bonded goods on a transfer: within the zone on their book line, overseas through the gate."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests import build
from tests.wms.freight.sites import Ends, draw_up, make_ends, sent, stock, sum_of
from tests.wms.freight.test_transfers import arrive, now
from tests.wms.gate.test_service import drive_through
from tests.wms.gate.world import GOODS_G, VEHICLE_G, World, crossing, make_world, new_plate, seen_of
from web.commands.verify import find
from wms.catalog.tables import TradeItem
from wms.customs.gate_pass_rules import NewPass, PassDocument, PassLine
from wms.customs.gate_passes import apply_for_pass, approve_pass
from wms.customs.tables import GatePass
from wms.db import Database, Scope
from wms.freight import verify
from wms.freight.rules.transfers import (
    BondedLeavesZone,
    NotBondedPlace,
    PassNotOfTransfer,
    PassNotThrough,
    PassStands,
)
from wms.freight.service import transfers
from wms.freight.service.transfer_arrivals import Counted
from wms.freight.service.transfer_passes import follow_all, follow_pass, name_pass
from wms.gate.service import decide_passage, register_vehicle
from wms.parties.tables import Company, Location, Site


@pytest.fixture
def clean(database: Database, scope: Scope) -> Iterator[None]:
    """After the test, verify finds nothing."""
    yield  # the session, asked for later, is committed before this goes on
    assert [str(finding) for finding in find(database, scope)] == []


def test_bonded_goods_go_between_bonded_sites_of_one_zone_on_their_book_line(clean: None, session: Session) -> None:
    ends = make_ends(session, kinds=("bonded", "bonded"), areas=("4902", "4902"))
    stock(session, ends, 40, status="bonded")
    made = sent(session, ends, 40)
    assert ends.book_line is not None
    assert sum_of(session, ends, "in_transit", book_line_id=ends.book_line.id, customs_status="bonded") == 40
    open_place = build.make_location(session, ends.destination)
    open_place.is_bonded = False
    session.flush()
    with pytest.raises(NotBondedPlace), session.begin_nested():
        arrive(session, made.transfer_no, Counted(1, open_place.code, good_qty=40))
    arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=40))
    assert sum_of(session, ends, "location", site_id=ends.destination.id, customs_status="bonded") == 40


def test_bonded_goods_do_not_leave_the_zone_by_hand(clean: None, session: Session) -> None:
    ends = make_ends(session, kinds=("bonded", "overseas"), areas=("4902", None))
    stock(session, ends, 40, status="bonded")
    made = draw_up(session, ends, 40)
    transfers.load(session, made.transfer_no, {}, now())
    with pytest.raises(BondedLeavesZone, match="gate pass"):
        transfers.depart(session, transfers.Depart(made.transfer_no, now()))


def apply_for(session: Session, world: World, qty: int) -> GatePass:
    """A pass out that names ``qty`` units; their transfer moves them."""
    plate = new_plate()
    register_vehicle(session, plate, tare_g=VEHICLE_G)
    lines = (PassLine(world.shelf.trade_item_id, qty, GOODS_G, world.line.id),)
    documents = (PassDocument("1", world.listed.list_no or "", world.listed.id),)
    new = NewPass(
        f"HF-{build.number()}", world.shelf.owner_id, world.shelf.site_id, "E", "3", plate, VEHICLE_G,
        now() - timedelta(hours=1), now() + timedelta(hours=8), lines=lines, documents=documents,
    )  # fmt: skip
    return apply_for_pass(session, new)


def overseas_of(session: Session, world: World) -> Ends:
    """The gate's bonded shelf at one end, a warehouse abroad at the other."""
    abroad = build.make_site(session, "overseas")
    shelf = world.shelf
    return Ends(
        session.get_one(Company, shelf.owner_id), session.get_one(TradeItem, shelf.trade_item_id),
        session.get_one(Site, shelf.site_id), session.get_one(Location, shelf.location_id), abroad,
        build.make_location(session, abroad, kind="dock"), world.officer, world.second,
    )  # fmt: skip


def test_the_gate_posts_a_transfer_overseas_into_transit(session: Session, database: Database, scope: Scope) -> None:
    """Reserve → declare → load and seal → gate out posts origin → in transit → arrive → unload and count."""
    world = make_world(session)
    ends = overseas_of(session, world)
    made = draw_up(session, ends, 100)
    transfers.load(session, made.transfer_no, {}, now())
    with pytest.raises(PassNotOfTransfer, match="99"):
        name_pass(session, made.transfer_no, apply_for(session, world, 99).internal_no, now())
    out = apply_for(session, world, 100)
    name_pass(session, made.transfer_no, out.internal_no, now())
    with pytest.raises(PassStands):
        transfers.cancel(session, made.transfer_no, "changed our mind", now())
    with pytest.raises(PassNotThrough):
        follow_pass(session, made.transfer_no)
    approve_pass(session, out.id, at=now())
    decided = decide_passage(session, crossing(world.lane, seen_of(out)))
    assert decided.verdict == "lift"
    drive_through(session, decided.passage_id)
    assert transfer_findings(session) == []  # the gate is ahead of the document for a minute
    assert follow_all(session) == [made.transfer_no]
    assert transfer_findings(session) == []
    assert sum_of(session, ends, "in_transit", customs_status="export", site_id=ends.destination.id) == 100
    assert sum_of(session, ends, "deduction_pending") == 100
    arrive(session, made.transfer_no, Counted(1, ends.dock.code, good_qty=100))
    assert sum_of(session, ends, "location", site_id=ends.destination.id, customs_status="free") == 100
    assert sum_of(session, ends, "customer") == 0


def transfer_findings(session: Session) -> list[str]:
    """What verify says of transfers, in this very transaction."""
    return [str(finding) for finding in verify.findings(session)]
