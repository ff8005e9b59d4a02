"""Rounds accepted and cancelled: trucks and orders are booked once, owners are told when they are expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from routing.rounds.answer import PlanRound, RoundsPlan
from routing.rounds.desk.fleet import given_reason
from routing.rounds.desk.gathering import BY_KIND, COLLECT
from routing.rounds.desk.refusals import (
    NotBookedRound,
    OrderOnARound,
    RoundsNotSolved,
    RoundsPassed,
    RoundsStale,
    TruckGone,
    TruckOnARound,
    UnknownRound,
    UnknownRounds,
)
from routing.rounds.tables import FleetTruck, RoundOrder, RoundPlan, RoundTruck
from routing.units import iso
from wms.db import tenant_of
from wms.floor.tables import OutboundOrder
from wms.freight import service
from wms.freight.service.milestones import Report, report_consignment
from wms.freight.tables import Consignment, Milestone, TransportBooking
from wms.record.service import append_leaf

ACCEPTING = 0x726F756E  # the advisory lock under which rounds of a tenant are accepted one after the other
STATES = {"collect": ("booked",), "deliver": ("booked", "under_way")}
Driver = tuple[int | None, str]


def accept_rounds(session: Session, plan_id: int, *, person_id: int | None, now: datetime) -> int:
    """Book trucks and orders of solved rounds and tell when each is expected; returns how many rounds. Accepting again
    changes nothing and gives the same number.

    Raises UnknownRounds, RoundsNotSolved, RoundsPassed, RoundsStale, OrderOnARound, TruckGone, TruckOnARound.
    """
    row = session.get(RoundPlan, plan_id, with_for_update=True)
    if row is None:
        raise UnknownRounds(plan_id=plan_id)
    if row.state == "accepted":
        return row.rounds or 0
    if row.state != "solved" or row.document is None:
        raise RoundsNotSolved(plan_id=plan_id, state=row.state)
    plan = RoundsPlan.model_validate(row.document)
    session.execute(
        text("SELECT pg_advisory_xact_lock(:key, :tenant)"), {"key": ACCEPTING, "tenant": tenant_of(session)}
    )
    _refuse_passed(plan_id, plan, now)
    orders = session.scalars(
        select(RoundOrder).where(RoundOrder.plan_id == plan_id, RoundOrder.round_no.is_not(None))
    ).all()
    entries = {one["id"]: one for one in row.orders}
    _refuse_stale(session, row, [entries[one.order_no] for one in orders])
    _refuse_taken(session, plan_id, orders)
    drivers = _drivers(session, row, plan)
    for one in plan.rounds:
        truck_id, plate = drivers[one.id]
        session.add(
            RoundTruck(
                plan_id=plan_id, round_no=one.id, truck_id=truck_id, plate=plate, day_on=row.day_on,
                leave_at=_at(one.calls[0].begin_at), back_at=_at(one.calls[-1].arrive_at), booked_at=now,
                booked_by=person_id,
            )
        )  # fmt: skip
    for order in orders:
        order.booked_at, order.plate = now, drivers[str(order.round_no)][1]
    session.flush()
    for order in sorted(orders, key=lambda one: one.consignment_id or 0):
        if order.consignment_id is not None and order.arrive_at is not None:
            expect(session, order, order.arrive_at, f"round {plan_id}/{order.round_no}, {order.plate}", now)
    row.state, row.accepted_at, row.accepted_by = "accepted", now, person_id
    append_leaf(
        session,
        "rounds_accepted",
        {
            "plan_id": plan_id, "snapshot_sha256": plan.snapshot_sha256, "cost_minor": plan.cost_minor,
            "rounds": len(plan.rounds), "orders": len(orders), "person_id": person_id,
        },
        plan_id,
    )  # fmt: skip
    return len(plan.rounds)


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _refuse_passed(plan_id: int, plan: RoundsPlan, now: datetime) -> None:
    for one in plan.rounds:
        if one.calls[0].begin_at < now.timestamp():
            raise RoundsPassed(plan_id=plan_id, round_no=one.id, leave_at=iso(one.calls[0].begin_at))


def _refuse_stale(session: Session, row: RoundPlan, entries: Sequence[Mapping[str, Any]]) -> None:
    """Under the locks of consignments, then of orders: each must be what it was when the rounds were asked for."""
    found = service.lock_all(session, [one["consignment_id"] for one in entries if one.get("consignment_id")])
    live = select(TransportBooking.consignment_id, TransportBooking.plan_id).where(
        TransportBooking.consignment_id.in_(found), TransportBooking.ended_at.is_(None)
    )
    booked = {row[0]: row[1] for row in session.execute(live)}
    ids = sorted(one["order_id"] for one in entries if one.get("order_id"))
    packed = session.scalars(
        select(OutboundOrder).where(OutboundOrder.id.in_(ids)).order_by(OutboundOrder.id).with_for_update()
    )
    still = {one.id for one in packed.all() if one.state == "packed"}
    changed = []
    for one in entries:
        key, order = one.get("consignment_id"), one.get("order_id")
        if (key and not _as_it_was(one, found.get(key), booked.get(key))) or (order and order not in still):
            changed.append(one["id"])
    if changed:
        raise RoundsStale(plan_id=row.id, count=len(changed), orders=", ".join(changed[:5]))


def _as_it_was(entry: Mapping[str, Any], one: Consignment | None, booked_by: int | None) -> bool:
    return (
        one is not None
        and one.state in STATES[entry["kind"]]
        and one.version == entry["version"]
        and booked_by == entry["booked_by"]
    )


def _refuse_taken(session: Session, plan_id: int, orders: Sequence[RoundOrder]) -> None:
    mine = {(one.kind, one.consignment_id, one.order_id) for one in orders if one.consignment_id or one.order_id}
    rows = session.scalars(
        select(RoundOrder).where(
            RoundOrder.plan_id != plan_id, RoundOrder.booked_at.is_not(None), RoundOrder.ended_at.is_(None),
            RoundOrder.consignment_id.in_([one[1] for one in mine]) | RoundOrder.order_id.in_([one[2] for one in mine]),
        )
    )  # fmt: skip
    for one in rows:
        if (one.kind, one.consignment_id, one.order_id) in mine:
            raise OrderOnARound(order_no=one.order_no, other_id=one.plan_id)


def _drivers(session: Session, row: RoundPlan, plan: RoundsPlan) -> dict[str, Driver]:
    """Round → its truck: those of a kind in the order of their rounds; kinds of a file have names of their own."""
    chosen = dict(_named(row, plan.rounds))
    ids = sorted(one for one, _ in chosen.values() if one is not None)
    trucks = session.scalars(
        select(FleetTruck).where(FleetTruck.id.in_(ids)).order_by(FleetTruck.id).with_for_update()
    ).all()
    versions = {one.id: one.version for one in trucks if one.withdrawn_at is None}
    for rows in row.fleet.values():
        for truck_id, plate, version in rows:
            if truck_id in ids and versions.get(truck_id) != version:
                raise TruckGone(plate=plate)
    busy = session.scalar(
        select(RoundTruck)
        .where(RoundTruck.truck_id.in_(ids), RoundTruck.day_on == row.day_on, RoundTruck.ended_at.is_(None))
        .limit(1)
    )
    if busy is not None:
        raise TruckOnARound(plate=busy.plate, other_id=busy.plan_id)
    return chosen


def _named(row: RoundPlan, rounds: Sequence[PlanRound]) -> Iterator[tuple[str, Driver]]:
    used: dict[str, int] = {}
    for one in rounds:
        number = used[one.truck] = used.get(one.truck, 0) + 1
        known = row.fleet.get(one.truck)
        yield one.id, (known[number - 1][0], known[number - 1][1]) if known else (None, f"{one.truck}-{number}")


def drivers(row: RoundPlan, plan: RoundsPlan) -> dict[str, str]:
    """Round → plate (or the name of a file's truck) that drives it."""
    return {name: plate for name, (_, plate) in _named(row, plan.rounds)}


def expect(session: Session, order: RoundOrder, at: datetime, note: str, now: datetime) -> None:
    """Tell when the truck is expected at a consignment (EST): collected, or delivered."""
    one = session.get_one(Consignment, order.consignment_id)
    report = Report(BY_KIND[order.kind], "EST", at, "plan", note=note)
    report_consignment(session, one.consignment_no, report, now)


def cancel_rounds(
    session: Session, plan_id: int, reason: str, *, round_no: str | None = None, person_id: int | None, now: datetime
) -> int:  # fmt: skip
    """Cancel one booked round of accepted ones, or all; what has been driven stays. Returns how many. Goods are
    expected as the plan of their consignment has it again, and may be asked for again.

    Raises ReasonMissing, UnknownRounds, UnknownRound, NotBookedRound.
    """
    said = given_reason(reason)
    row = session.get(RoundPlan, plan_id, with_for_update=True)
    if row is None:
        raise UnknownRounds(plan_id=plan_id)
    known = session.scalars(select(RoundTruck).where(RoundTruck.plan_id == plan_id).with_for_update()).all()
    if round_no is not None and row.state != "solved" and round_no not in {one.round_no for one in known}:
        raise UnknownRound(field="round_no", plan_id=plan_id, round_no=round_no[:20])
    live = [one for one in known if one.ended_at is None and one.back_at > now and round_no in (None, one.round_no)]
    if not live:
        raise NotBookedRound(state=row.state)
    for one in live:
        one.ended_at, one.ended_by, one.end_reason = now, person_id, said
    names = {one.round_no for one in live}
    orders = session.scalars(
        select(RoundOrder).where(RoundOrder.plan_id == plan_id, RoundOrder.round_no.in_(names))
    ).all()
    service.lock_all(session, [one.consignment_id for one in orders if one.consignment_id is not None])
    for order in orders:
        order.ended_at = now
        _expect_as_planned(session, order, f"round {plan_id}/{order.round_no} is cancelled: {said}", now)
    if all(one.ended_at is not None for one in known):
        row.state, row.cancelled_at, row.cancelled_by, row.cancel_reason = "cancelled", now, person_id, said
    session.flush()
    what = {"plan_id": plan_id, "rounds": sorted(names), "reason": said, "person_id": person_id}
    append_leaf(session, "rounds_cancelled", what, plan_id)
    return len(live)


def _expect_as_planned(session: Session, order: RoundOrder, note: str, now: datetime) -> None:
    """Without the round the goods are to be at the hub by their cut-off, or with their consignee as planned."""
    if order.consignment_id is None:
        return
    one = session.get_one(Consignment, order.consignment_id)
    planned = session.scalar(
        select(Milestone.event_at)
        .where(
            Milestone.consignment_id == one.id, Milestone.kind == "PLN",
            Milestone.event == ("cut_off" if order.kind == COLLECT else "delivery"),
        )
        .order_by(Milestone.id.desc())
        .limit(1)
    )  # fmt: skip
    if planned is not None and one.state in STATES[order.kind]:
        expect(session, order, planned, note[:200], now)
