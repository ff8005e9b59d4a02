"""Loads to test with: a vehicle at the dock, packed parcels, gate passes, and the way out through the gate."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.leaving import (
    Yard,
    by,
    now,
)
from tests.wms.gate.world import command_of, crossing, make_lane, new_plate, seen_of
from wms.customs.gate_pass_rules import NewPass, PassDocument, PassLine
from wms.customs.gate_passes import apply_for_pass
from wms.customs.tables import AccountBook, GatePass, VerificationLine, VerificationList
from wms.errors import WmsError
from wms.floor import packing_queries
from wms.floor.service import closing_parcels, opening_loads, packing
from wms.floor.service.opening_loads import NewLoad
from wms.floor.service.packing import OpenParcel, PutIn
from wms.floor.tables.loading import VehicleLoad
from wms.floor.tables.packing import Parcel
from wms.gate.service import (
    CommandStep,
    confirm_passage,
    decide_passage,
    expire_or_send,
    record_result,
    register_vehicle,
)

TRUCK_G = 14_000_000


def truck(session: Session, yard: Yard, plate: str | None = None, **given: object) -> VehicleLoad:
    new = NewLoad(yard.site.id, plate or new_plate(), "DOCK-1", **given)  # type: ignore[arg-type]
    return opening_loads.open_load(session, new)


def sscc_of(session: Session, parcel: Parcel) -> str:
    return packing_queries.sscc_of(session, parcel)


def packed(session: Session, yard: Yard, qty: int = 1, **head: object) -> tuple[Parcel, int]:
    """A closed parcel of an order of its own."""
    order_id, _, tote = yard.picked_order(session, (yard.tea, qty), **head)
    parcel = packing.open_parcel(session, OpenParcel(yard.packing.id, yard.owner.id, "P5", order_id), by())
    packing.put_in(session, PutIn(parcel.id, tote.id, yard.tea.id, qty), by())
    closing_parcels.close_parcel(session, parcel.id, by(), weight_g=195 + 500 * qty)
    return parcel, order_id


def refused(session: Session, act: Callable[[], object]) -> WmsError:
    with pytest.raises(WmsError) as refusal, session.begin_nested():
        act()
    return refusal.value


def file_pass(
    session: Session, zone: Yard, goods: dict[int, int], plate: str, *, seal_no: str | None = None
) -> GatePass:
    """A pass that is applied for, one line for each item, under a released list."""
    n = build.number()
    book = AccountBook(
        book_no=f"T4912W{n:06d}", company_id=zone.owner.id, site_id=zone.site.id, valid_from_on=now().date()
    )
    session.add(book)
    session.flush()
    listed = VerificationList(
        internal_no=f"QD-{n}", list_no=f"QD491226E{n:09d}", account_book_id=book.id, owner_id=zone.owner.id,
        direction="E", trade_mode="5000", state="pre_deducted", entry_released_at=now(),
    )  # fmt: skip
    session.add(listed)
    session.flush()
    lines = []
    for line_no, (item_id, qty) in enumerate(goods.items(), 1):
        line = VerificationLine(
            verification_list_id=listed.id, line_no=line_no, book_line_id=zone.book_lines[item_id].id,
            trade_item_id=item_id, declared_qty=Decimal(qty), customs_unit="011", declared_base_qty=qty,
        )  # fmt: skip
        session.add(line)
        session.flush()
        lines.append(PassLine(item_id, qty, 500 * qty, line.id))
    register_vehicle(session, plate, tare_g=TRUCK_G)
    return apply_for_pass(
        session,
        NewPass(
            internal_no=f"HF-{n}", owner_id=zone.owner.id, site_id=zone.site.id, direction="E", pass_type="3",
            vehicle_plate=plate, vehicle_weight_g=TRUCK_G, valid_from_at=now() - timedelta(hours=1),
            valid_until_at=now() + timedelta(hours=8), seal_no=seal_no, lines=tuple(lines),
            documents=(PassDocument("1", listed.list_no or "", listed.id),),
        ),
    )  # fmt: skip


def drive_out(session: Session, zone: Yard, gate_pass: GatePass) -> None:
    lane = make_lane(session, zone.site.id)
    session.refresh(gate_pass)
    decided = decide_passage(session, crossing(lane, seen_of(gate_pass)))
    assert decided.verdict == "lift", decided.hold_code
    command = command_of(session, decided.passage_id)
    assert expire_or_send(session, command, now())
    for result in ("accepted", "opened", "passed", "closed"):
        record_result(session, CommandStep(command.cmd_id, command.device, result, now()))
    passage = confirm_passage(session, decided.passage_id, passed_at=now())
    assert passage.goods_refusal is None
