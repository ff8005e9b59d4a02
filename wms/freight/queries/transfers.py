"""Reads of transfers: lists and one whole, days as their sites see them, values by currency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from wms.catalog.tables import TradeItem
from wms.customs.tables import GatePass
from wms.freight.rules.transfers import UNDER_WAY
from wms.freight.tables import Consignment
from wms.freight.tables.transfers import (
    Transfer,
    TransferArrival,
    TransferArrivalLine,
    TransferDiscrepancy,
    TransferLine,
    TransferPiece,
)
from wms.parties.tables import Company, Location, Site
from wms.stock.tables import Account, HandlingUnit, Lot

ORIGIN, DESTINATION, CARRIER = aliased(Site), aliased(Site), aliased(Company)


@dataclass(frozen=True)
class TransferRow:
    """A transfer in a list. ``departed_on`` is a day at the origin, ``arrived_on`` one where the goods arrived."""

    id: int
    transfer_no: str
    state: str
    owner_code: str
    owner_zh: str
    owner_en: str
    from_site: str
    from_zh: str
    from_en: str
    to_site: str
    to_zh: str
    to_en: str
    mode: str
    depart_on: date
    due_on: date
    departed_at: datetime | None
    departed_on: date | None
    turned_back_at: datetime | None
    arrived_at: datetime | None
    arrived_on: date | None
    closed_at: datetime | None
    carrier_code: str | None
    vehicle_plate: str | None
    container_no: str | None
    seal_no: str | None
    consignment_no: str | None
    gate_pass: str | None
    reason: str
    is_late: bool


@dataclass(frozen=True)
class TransferLineRow:
    """A line with what became of it. ``on_the_way_qty`` is what neither arrived nor is missing."""

    id: int
    line_no: int
    item_code: str
    item_name_zh: str
    item_name_en: str
    base_unit: str
    lot_no: str | None
    sscc: str | None
    customs_status: str | None
    qty: int
    loaded_qty: int
    departed_qty: int
    arrived_qty: int
    damaged_qty: int
    short_qty: int
    over_qty: int
    on_the_way_qty: int
    unit_value_minor: int
    currency: str


@dataclass(frozen=True)
class DiscrepancyRow:
    """What differs, who answers for it until when, and how it ended."""

    id: int
    transfer_no: str
    line_no: int
    item_code: str
    item_name_zh: str
    item_name_en: str
    kind: str
    qty: int
    answerable_code: str
    answerable_zh: str
    answerable_en: str
    due_on: date
    is_overdue: bool
    opened_at: datetime
    posting_id: int
    settlement: str | None
    settle_reason: str | None
    settled_at: datetime | None
    settle_posting_id: int | None


@dataclass(frozen=True)
class ArrivalRow:
    """One count at one arrival."""

    arrival_no: int
    event_at: datetime
    is_last: bool
    posting_id: int | None
    line_no: int | None
    location: str | None
    kind: str | None
    qty: int | None


def _base() -> Any:
    return (
        select(
            Transfer.id, Transfer.transfer_no, Transfer.state, Company.code.label("owner_code"),
            Company.name_zh.label("owner_zh"), Company.name_en.label("owner_en"), ORIGIN.code.label("from_site"),
            ORIGIN.name_zh.label("from_zh"), ORIGIN.name_en.label("from_en"), DESTINATION.code.label("to_site"),
            DESTINATION.name_zh.label("to_zh"), DESTINATION.name_en.label("to_en"), Transfer.mode,
            Transfer.depart_on, Transfer.due_on, Transfer.departed_at, Transfer.turned_back_at, Transfer.arrived_at,
            Transfer.closed_at, CARRIER.code.label("carrier_code"), Transfer.vehicle_plate, Transfer.container_no,
            Transfer.seal_no, Consignment.consignment_no,
            func.coalesce(GatePass.pass_no, GatePass.internal_no).label("gate_pass"), Transfer.reason,
            ORIGIN.time_zone.label("from_zone"), DESTINATION.time_zone.label("to_zone"),
        )
        .join(Company, Company.id == Transfer.owner_id)
        .join(ORIGIN, ORIGIN.id == Transfer.from_site_id)
        .join(DESTINATION, DESTINATION.id == Transfer.to_site_id)
        .outerjoin(CARRIER, CARRIER.id == Transfer.carrier_id)
        .outerjoin(Consignment, Consignment.id == Transfer.consignment_id)
        .outerjoin(GatePass, GatePass.id == Transfer.gate_pass_id)
    )  # fmt: skip


def transfers(
    session: Session, now: datetime, *, state: str | None = None, site: str | None = None, owner_id: int | None = None,
    only_open: bool = False, after: int = 0, limit: int = 50,
) -> list[TransferRow]:  # fmt: skip
    """Transfers in the order in which they were drawn up, from behind ``after``; ``site`` is either end of them."""
    wanted = _base().where(Transfer.id > after).order_by(Transfer.id).limit(limit)
    if state:
        wanted = wanted.where(Transfer.state == state)
    if only_open:
        wanted = wanted.where(Transfer.state.not_in(("received", "returned", "cancelled")))
    if site:
        wanted = wanted.where((ORIGIN.code == site) | (DESTINATION.code == site))
    if owner_id:
        wanted = wanted.where(Transfer.owner_id == owner_id)
    return [_row(row, now) for row in session.execute(wanted).mappings()]


def transfer(session: Session, transfer_no: str, now: datetime) -> TransferRow | None:
    """One transfer by its number; None where there is none or it is not the caller's."""
    found = session.execute(_base().where(Transfer.transfer_no == transfer_no)).mappings().one_or_none()
    return _row(found, now) if found is not None else None


def _row(found: Any, now: datetime) -> TransferRow:
    values = dict(found)
    origin, destination = ZoneInfo(values.pop("from_zone")), ZoneInfo(values.pop("to_zone"))
    waits_at = origin if values["turned_back_at"] else destination
    return TransferRow(
        **values,
        departed_on=_day(values["departed_at"], origin),
        arrived_on=_day(values["arrived_at"], waits_at),
        is_late=values["state"] in (*UNDER_WAY, "open", "loaded")
        and now.astimezone(destination).date() > values["due_on"],
    )


def _day(at: datetime | None, zone: ZoneInfo) -> date | None:
    return at.astimezone(zone).date() if at else None


def lines(session: Session, transfer_id: int) -> list[TransferLineRow]:
    """The lines of a transfer in their order."""
    rows = session.execute(
        select(
            TransferLine.id, TransferLine.line_no, TradeItem.code.label("item_code"),
            TradeItem.name_zh.label("item_name_zh"), TradeItem.name_en.label("item_name_en"), TradeItem.base_unit,
            Lot.lot_no, HandlingUnit.sscc, TransferLine.customs_status, TransferLine.qty, TransferLine.loaded_qty,
            TransferLine.departed_qty, TransferLine.arrived_qty, TransferLine.damaged_qty, TransferLine.short_qty,
            TransferLine.over_qty,
            (TransferLine.departed_qty - TransferLine.arrived_qty - TransferLine.short_qty).label("on_the_way_qty"),
            TransferLine.unit_value_minor, TransferLine.currency,
        )
        .join(TradeItem, TradeItem.id == TransferLine.trade_item_id)
        .outerjoin(Lot, Lot.id == TransferLine.lot_id)
        .outerjoin(HandlingUnit, HandlingUnit.id == TransferLine.handling_unit_id)
        .where(TransferLine.transfer_id == transfer_id)
        .order_by(TransferLine.line_no)
    )  # fmt: skip
    return [TransferLineRow(**row) for row in rows.mappings()]


@dataclass(frozen=True)
class PieceRow:
    """Stock that a line takes: from where, which lot, which pallet, in which customs status."""

    line_no: int
    location: str | None
    lot_no: str | None
    expires_on: date | None
    sscc: str | None
    customs_status: str
    qty: int
    loaded_qty: int
    departed_qty: int
    settled_qty: int


def pieces(session: Session, transfer_id: int) -> list[PieceRow]:
    """What is taken from where: the loading list of a transfer."""
    rows = session.execute(
        select(
            TransferLine.line_no, Location.code.label("location"), Lot.lot_no, Lot.expires_on, HandlingUnit.sscc,
            Account.customs_status, TransferPiece.qty, TransferPiece.loaded_qty, TransferPiece.departed_qty,
            TransferPiece.settled_qty,
        )
        .join(TransferLine, TransferLine.id == TransferPiece.line_id)
        .join(Account, Account.id == TransferPiece.account_id)
        .outerjoin(Location, Location.id == Account.location_id)
        .outerjoin(Lot, Lot.id == Account.lot_id)
        .outerjoin(HandlingUnit, HandlingUnit.id == Account.handling_unit_id)
        .where(TransferLine.transfer_id == transfer_id)
        .order_by(Location.pick_sequence.nulls_last(), Location.code, TransferPiece.id)
    )  # fmt: skip
    return [PieceRow(**row) for row in rows.mappings()]


def arrivals(session: Session, transfer_id: int) -> list[ArrivalRow]:
    """What was counted, arrival by arrival."""
    rows = session.execute(
        select(
            TransferArrival.arrival_no, TransferArrival.event_at, TransferArrival.is_last, TransferArrival.posting_id,
            TransferLine.line_no, Location.code.label("location"), TransferArrivalLine.kind, TransferArrivalLine.qty,
        )
        .outerjoin(TransferArrivalLine, TransferArrivalLine.arrival_id == TransferArrival.id)
        .outerjoin(TransferLine, TransferLine.id == TransferArrivalLine.line_id)
        .outerjoin(Location, Location.id == TransferArrivalLine.location_id)
        .where(TransferArrival.transfer_id == transfer_id)
        .order_by(TransferArrival.arrival_no, TransferArrivalLine.seq)
    )  # fmt: skip
    return [ArrivalRow(**row) for row in rows.mappings()]


def discrepancies(
    session: Session, now: datetime, *, transfer_id: int | None = None, only_open: bool = False, after: int = 0,
    limit: int = 500,
) -> list[DiscrepancyRow]:  # fmt: skip
    """Discrepancies by id; overdue where the day at the site that waits is past the deadline."""
    conditions: list[ColumnElement[bool]] = [TransferDiscrepancy.id > after]
    if transfer_id is not None:
        conditions.append(TransferDiscrepancy.transfer_id == transfer_id)
    if only_open:
        conditions.append(TransferDiscrepancy.settlement.is_(None))
    rows = session.execute(
        select(
            TransferDiscrepancy.id, Transfer.transfer_no, TransferLine.line_no, TradeItem.code.label("item_code"),
            TradeItem.name_zh.label("item_name_zh"), TradeItem.name_en.label("item_name_en"), TransferDiscrepancy.kind,
            TransferDiscrepancy.qty, Company.code.label("answerable_code"), Company.name_zh.label("answerable_zh"),
            Company.name_en.label("answerable_en"), TransferDiscrepancy.due_on, TransferDiscrepancy.opened_at,
            TransferDiscrepancy.posting_id, TransferDiscrepancy.settlement, TransferDiscrepancy.settle_reason,
            TransferDiscrepancy.settled_at, TransferDiscrepancy.settle_posting_id, DESTINATION.time_zone,
        )
        .join(Transfer, Transfer.id == TransferDiscrepancy.transfer_id)
        .join(TransferLine, TransferLine.id == TransferDiscrepancy.line_id)
        .join(TradeItem, TradeItem.id == TransferLine.trade_item_id)
        .join(Company, Company.id == TransferDiscrepancy.answerable_id)
        .join(DESTINATION, DESTINATION.id == Transfer.to_site_id)
        .where(*conditions)
        .order_by(TransferDiscrepancy.id)
        .limit(limit)
    )  # fmt: skip
    found = []
    for row in rows.mappings():
        values = dict(row)
        today = now.astimezone(ZoneInfo(values.pop("time_zone"))).date()
        overdue = values["settlement"] is None and today > values["due_on"]
        found.append(DiscrepancyRow(**values, is_overdue=overdue))
    return found


def values_by_currency(rows: Sequence[TransferLineRow], quantity: str) -> dict[str, int]:
    """The value of a quantity (``qty``, ``on_the_way_qty`` …) of all lines, by currency: they are never added up."""
    sums: dict[str, int] = {}
    for row in rows:
        value = getattr(row, quantity) * row.unit_value_minor
        sums[row.currency] = sums.get(row.currency, 0) + value
    return sums
