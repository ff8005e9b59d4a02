"""A transfer up to its departure: drawn up with its stock reserved, loaded, on its way, or cancelled."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.codes.numbers import document_no
from wms.customs.tables import GatePass
from wms.errors import NotFound, WmsError
from wms.floor.service import tasks
from wms.freight.rules.transfers import (
    BEFORE_DEPARTURE,
    BondedLeavesZone,
    CurrencyMixed,
    LotNotOfItem,
    Lying,
    NotEnoughForTransfer,
    NothingLoaded,
    PassStands,
    TransferExists,
    WantedLine,
    Way,
    check_reason,
    check_route,
    choose,
    way_of,
)
from wms.freight.service.consignments import write_milestone
from wms.freight.service.transfer_desk import (
    InPiece,
    acting_person,
    day_at,
    key_of,
    line_of,
    load_pieces,
    lock,
    pieces_of,
    site_facts,
    step,
    task_of,
)
from wms.freight.tables import Consignment
from wms.freight.tables.transfers import Transfer, TransferLine, TransferPiece
from wms.parties import dated
from wms.parties.tables import Site
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.accounts import account_ids
from wms.stock.ledger import AccountKey, Line
from wms.stock.tables import HandlingUnit, Lot

RESERVE_DAYS = "transfer.reserve_days"
# Good stock of one item that lies in its place and that nobody reserved; out of date or in quarantine is not for sale.
FREE_STOCK = text(
    """
    SELECT a.id, b.qty - b.qty_reserved AS free, lot.expires_on, a.customs_status
      FROM account a JOIN balance b ON b.account_id = a.id JOIN location p ON p.id = a.location_id
      LEFT JOIN lot ON lot.id = a.lot_id
     WHERE a.kind = 'location' AND a.owner_id = :owner_id AND a.trade_item_id = :item_id AND a.site_id = :site_id
       AND a.quality_status = 'good' AND b.qty > b.qty_reserved AND p.kind <> 'quarantine'
       AND (lot.expires_on IS NULL OR lot.expires_on >= :today)
       AND (cast(:lot_id AS bigint) IS NULL OR a.lot_id = :lot_id)
       AND (cast(:unit_id AS bigint) IS NULL OR a.handling_unit_id = :unit_id)
       AND (cast(:status AS text) IS NULL OR a.customs_status = :status)
    """
)


@dataclass(frozen=True)
class DrawUp:
    """A transfer as it is asked for; days are those of origin and destination."""

    owner_id: int
    from_site_id: int
    to_site_id: int
    mode: str
    depart_on: date
    due_on: date
    lines: tuple[WantedLine, ...]
    transfer_no: str | None = None
    carrier_id: int | None = None
    consignment_no: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Depart:
    """The vehicle leaves. Numbers that are left out stay as they were."""

    transfer_no: str
    event_at: datetime
    vehicle_plate: str | None = None
    container_no: str | None = None
    seal_no: str | None = None


def draw_up(session: Session, new: DrawUp, now: datetime) -> Transfer:
    """File a transfer and reserve every unit of it; all or nothing.

    Raises:
        SameSite, ArrivesBeforeDeparture, TransferExists, LotNotOfItem, NotEnoughForTransfer, CurrencyMixed, NotFound.
    """
    origin, destination = session.get_one(Site, new.from_site_id), session.get_one(Site, new.to_site_id)
    check_route(site_facts(origin), site_facts(destination), new.depart_on, new.due_on)
    transfer = _file(session, new, now)
    until = _reserved_until(session, origin, new.depart_on)
    for line_no, wanted in enumerate(new.lines, 1):
        line = _file_line(session, transfer, line_no, wanted)
        _reserve(session, transfer, line, origin, until, now)
    tasks.offer(
        session,
        tasks.NewTask(
            site_id=origin.id, kind="load", subject_id=task_of(transfer), subject_no=transfer.transfer_no,
            owner_id=new.owner_id, due_at=_end_of_day(origin, new.depart_on),
        ),
    )  # fmt: skip
    append_leaf(
        session,
        "transfer_drawn_up",
        {"transfer_no": transfer.transfer_no, "from": origin.code, "to": destination.code},
        transfer.id,
    )
    return transfer


def _file(session: Session, new: DrawUp, now: datetime) -> Transfer:
    transfer_id: int = session.execute(select(func.nextval("transfer_id_seq"))).scalar_one()
    number = new.transfer_no or document_no("TR", transfer_id)
    if session.scalar(select(Transfer.id).where(Transfer.transfer_no == number)) is not None:
        raise TransferExists(field="transfer_no", transfer_no=number)
    consignment_id = None
    if new.consignment_no:
        consignment_id = session.scalar(
            select(Consignment.id).where(
                Consignment.consignment_no == new.consignment_no, Consignment.owner_id == new.owner_id
            )
        )
        if consignment_id is None:
            raise NotFound(field="consignment_no", what=new.consignment_no)
    person_id = acting_person(session)
    transfer = Transfer(
        id=transfer_id, transfer_no=number, owner_id=new.owner_id, from_site_id=new.from_site_id,
        to_site_id=new.to_site_id, mode=new.mode, state="open", depart_on=new.depart_on, due_on=new.due_on,
        carrier_id=new.carrier_id, consignment_id=consignment_id, reason=new.reason, created_by=person_id,
        state_by=person_id, state_at=now,
    )  # fmt: skip
    session.add(transfer)
    session.flush()
    return transfer


def _file_line(session: Session, transfer: Transfer, line_no: int, wanted: WantedLine) -> TransferLine:
    item = session.scalar(
        select(TradeItem).where(TradeItem.owner_id == transfer.owner_id, TradeItem.code == wanted.item_code)
    )
    if item is None:
        raise NotFound(field="item", what=wanted.item_code)
    if wanted.currency is not None and wanted.currency != item.currency:
        raise CurrencyMixed(field="currency", line_no=line_no, wanted=item.currency, given=wanted.currency)
    lot_id = unit_id = None
    if wanted.lot_no is not None:
        lot_id = session.scalar(select(Lot.id).where(Lot.trade_item_id == item.id, Lot.lot_no == wanted.lot_no))
        if lot_id is None:
            raise LotNotOfItem(field="lot_no", line_no=line_no, lot_no=wanted.lot_no, item=item.code)
    if wanted.sscc is not None:
        unit_id = session.scalar(
            select(HandlingUnit.id).where(HandlingUnit.sscc == wanted.sscc, HandlingUnit.owner_id == transfer.owner_id)
        )
        if unit_id is None:
            raise NotFound(field="sscc", what=wanted.sscc)
    line = TransferLine(
        transfer_id=transfer.id, owner_id=transfer.owner_id, line_no=line_no, trade_item_id=item.id, lot_id=lot_id,
        handling_unit_id=unit_id, customs_status=wanted.customs_status, qty=wanted.qty,
        unit_value_minor=item.unit_value_minor, currency=item.currency,
    )  # fmt: skip
    session.add(line)
    session.flush()
    return line


def _reserve(
    session: Session, transfer: Transfer, line: TransferLine, origin: Site, until: datetime, now: datetime
) -> None:
    bound = {
        "owner_id": line.owner_id, "item_id": line.trade_item_id, "site_id": origin.id, "lot_id": line.lot_id,
        "unit_id": line.handling_unit_id, "status": line.customs_status, "today": day_at(origin, now),
    }  # fmt: skip
    lying = [Lying(*row) for row in session.execute(FREE_STOCK, bound)]
    chosen = choose(lying, line.qty)
    if sum(qty for _, qty in chosen) < line.qty:
        raise _not_enough(session, line, origin, sum(one.free for one in lying))
    wanted = [
        ledger.Reserve(
            f"transfer:{transfer.id}:{line.line_no}:{account_id}",
            key_of(session, account_id), qty, until, transfer.transfer_no,
        )
        for account_id, qty in chosen
    ]  # fmt: skip
    for (account_id, qty), held in zip(chosen, ledger.reserve_many(session, wanted), strict=True):
        if isinstance(held, WmsError):  # somebody else was faster
            raise _not_enough(session, line, origin, sum(one.free for one in lying) - qty)
        session.add(
            TransferPiece(
                line_id=line.id, owner_id=line.owner_id, account_id=account_id, reservation_id=held.reservation_id,
                qty=qty,
            )
        )  # fmt: skip
    session.flush()


def _not_enough(session: Session, line: TransferLine, origin: Site, available: int) -> NotEnoughForTransfer:
    item = session.get_one(TradeItem, line.trade_item_id)
    return NotEnoughForTransfer(
        field="lines", line_no=line.line_no, wanted=line.qty, item=item.code, available=max(available, 0),
        site=origin.code,
    )  # fmt: skip


def _reserved_until(session: Session, origin: Site, depart_on: date) -> datetime:
    days = int(dated.value(session, RESERVE_DAYS, depart_on))
    return _end_of_day(origin, depart_on) + timedelta(days=days)


def _end_of_day(site: Site, day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(site.time_zone))


def load(session: Session, transfer_no: str, loaded: dict[int, int], now: datetime) -> Transfer:
    """Note what was loaded, by line number; a line that is not named is loaded whole. Fewer is a short pick.

    Raises UnknownTransfer, TransferNotInState, UnknownLine, LoadedMoreThanReserved, NothingLoaded.
    """
    transfer = lock(session, transfer_no, BEFORE_DEPARTURE)
    refuse_standing_pass(session, transfer)
    pieces = pieces_of(session, transfer.id)
    for line_no in loaded:
        line_of(transfer, pieces, line_no)
    for line in {one.line.id: one.line for one in pieces}.values():
        load_pieces(pieces, line, loaded.get(line.line_no, line.qty))
    if not any(one.piece.loaded_qty for one in pieces):
        raise NothingLoaded(transfer_no=transfer_no)
    step(session, transfer, "loaded", now)
    tasks.finish(session, "load", task_of(transfer))
    session.flush()
    return transfer


def depart(session: Session, command: Depart) -> Transfer:
    """Post what is loaded from its places to goods in transit; what was not loaded is free again.

    Raises:
        UnknownTransfer, TransferNotInState, BondedLeavesZone (goods that may leave by the gate alone), and what the
        ledger refuses.
    """
    transfer = lock(session, command.transfer_no, ("loaded",))
    refuse_standing_pass(session, transfer)
    origin, destination = session.get_one(Site, transfer.from_site_id), session.get_one(Site, transfer.to_site_id)
    pieces = [one for one in pieces_of(session, transfer.id) if one.piece.loaded_qty]
    keys = {one.piece.id: key_of(session, one.piece.account_id) for one in pieces}
    for one in pieces:
        if way_of(keys[one.piece.id].customs_status, site_facts(origin), site_facts(destination)) is Way.BY_GATE:
            raise BondedLeavesZone(item=one.item.code, site=destination.code)
    _post_departure(session, transfer, pieces, keys, command.event_at)
    free_unloaded(session, transfer)
    for name in ("vehicle_plate", "container_no", "seal_no"):
        setattr(transfer, name, getattr(command, name) or getattr(transfer, name))
    depart_done(session, transfer, command.event_at)
    return transfer


def _post_departure(
    session: Session, transfer: Transfer, pieces: list[InPiece], keys: dict[int, AccountKey], at: datetime
) -> None:
    transits = {
        one.piece.id: replace(keys[one.piece.id], kind="in_transit", site_id=transfer.to_site_id, location_id=None)
        for one in pieces
    }
    lines: list[Line] = []
    for one in pieces:
        qty, value = one.piece.loaded_qty, one.piece.loaded_qty * one.line.unit_value_minor
        lines.append(Line(keys[one.piece.id], -qty, value_minor=-value, reservation_id=one.piece.reservation_id))
        lines.append(Line(transits[one.piece.id], qty, value_minor=value))
    ledger.post(
        session,
        ledger.Posting(f"transfer:{transfer.id}:depart", "transfer_depart", at, tuple(lines), transfer.transfer_no),
    )
    ids = account_ids(session, set(transits.values()))
    for one in pieces:
        one.piece.transit_account_id = ids[transits[one.piece.id]]
        one.piece.departed_qty = one.piece.loaded_qty
        one.line.departed_qty += one.piece.loaded_qty


def free_unloaded(session: Session, transfer: Transfer) -> None:
    """Give back what was reserved for a transfer and not used."""
    held = session.scalars(
        select(TransferPiece.reservation_id)
        .join(TransferLine, TransferLine.id == TransferPiece.line_id)
        .where(TransferLine.transfer_id == transfer.id, TransferPiece.reservation_id.is_not(None))
    )
    ledger.void(session, [one for one in held if one is not None])


def depart_done(session: Session, transfer: Transfer, at: datetime) -> None:
    """The goods are on their way: state, task at the other site, milestone of the consignment, leaf."""
    destination = session.get_one(Site, transfer.to_site_id)
    step(session, transfer, "in_transit", at, departed_at=at)
    tasks.offer(
        session,
        tasks.NewTask(
            site_id=destination.id, kind="unload", subject_id=task_of(transfer), subject_no=transfer.transfer_no,
            owner_id=transfer.owner_id, due_at=_end_of_day(destination, transfer.due_on),
        ),
    )  # fmt: skip
    milestone(session, transfer, "departure", transfer.from_site_id, at, "under_way")
    append_leaf(session, "transfer_departed", {"transfer_no": transfer.transfer_no}, transfer.id)
    session.flush()


def milestone(
    session: Session, transfer: Transfer, event: str, site_id: int, at: datetime, state: str | None = None
) -> None:
    """Write what really happened to the transfer's consignment, where it has one."""
    if transfer.consignment_id is None:
        return
    consignment = session.get_one(Consignment, transfer.consignment_id)
    place = session.get_one(Site, site_id)
    write_milestone(
        session, consignment.consignment_no, event=event, kind="ACT", place=place.unlocode or place.code, event_at=at,
        source="floor",
    )  # fmt: skip
    if state and consignment.state not in ("cancelled", "delivered"):
        consignment.state = state


def cancel(session: Session, transfer_no: str, reason: str, now: datetime) -> Transfer:
    """Give up a transfer that has not departed; its stock is free again. Raises ReasonMissing, TransferNotInState."""
    said = check_reason(reason)
    transfer = lock(session, transfer_no, BEFORE_DEPARTURE)
    refuse_standing_pass(session, transfer)
    free_unloaded(session, transfer)
    transfer.reason, transfer.closed_at = said, now
    step(session, transfer, "cancelled", now)
    tasks.void_task(session, "load", task_of(transfer))
    append_leaf(session, "transfer_cancelled", {"transfer_no": transfer_no, "reason": said}, transfer.id)
    session.flush()
    return transfer


def refuse_standing_pass(session: Session, transfer: Transfer) -> None:
    """Its goods wait at the gate as long as the pass stands: customs voids the pass first."""
    found = session.get(GatePass, transfer.gate_pass_id) if transfer.gate_pass_id else None
    if found is not None and found.state not in ("void", "deleted"):
        raise PassStands(transfer_no=transfer.transfer_no, pass_no=found.pass_no or found.internal_no)
