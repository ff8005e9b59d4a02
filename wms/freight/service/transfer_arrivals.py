"""Goods of a transfer arrive, in as many parts as they come; what does not come has an owner and a deadline."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wms.floor.service import tasks
from wms.floor.service.counting_in import want_place
from wms.freight.rules.transfers import (
    UNDER_WAY,
    MoreThanOnTheWay,
    NothingArrived,
    Piece,
    check_reason,
    spread,
)
from wms.freight.service.transfer_desk import (
    InPiece,
    acting_person,
    day_at,
    in_transit_of,
    key_of,
    line_of,
    lock,
    pieces_of,
    place_at,
    refuse_unbonded,
    step,
    task_of,
)
from wms.freight.service.transfers import milestone
from wms.freight.tables.transfers import Transfer, TransferArrival, TransferArrivalLine, TransferDiscrepancy
from wms.parties import dated
from wms.parties.tables import Location, Site
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.accounts import account_ids
from wms.stock.ledger import AccountKey, Line
from wms.stock.tables import HandlingUnit

DISCREPANCY_DAYS = "transfer.discrepancy_days"


@dataclass(frozen=True)
class Counted:
    """What was counted of one line at a place: good, damaged, and too many (``over_qty``), in base units.

    ``sscc`` names the pallet that was unloaded, where pallets are told apart.
    """

    line_no: int
    location: str
    good_qty: int = 0
    damaged_qty: int = 0
    over_qty: int = 0
    sscc: str | None = None


@dataclass(frozen=True)
class Receive:
    """Goods that arrived. ``is_last``: nothing more will come; what is still on the way is missing."""

    transfer_no: str
    counted: tuple[Counted, ...]
    event_at: datetime
    is_last: bool = False
    answerable_id: int | None = None


@dataclass
class _Arriving:
    """One arrival while it is put together."""

    transfer: Transfer
    site: Site
    pieces: list[InPiece]
    command: Receive
    entries: list[Line] = field(default_factory=list)
    counted: list[tuple[int, int, str, int]] = field(default_factory=list)  # line, place, kind, quantity
    placed: list[tuple[AccountKey, int, Location]] = field(default_factory=list)
    differences: list[tuple[InPiece, str, int, AccountKey, AccountKey | None]] = field(default_factory=list)


def receive(session: Session, command: Receive) -> TransferArrival:
    """Post what arrived from goods in transit to its places; damaged goods as damaged, surplus on hold.

    The last arrival posts what is missing to a discrepancy account and says who answers for it, until when.

    Raises:
        UnknownTransfer, TransferNotInState, NothingArrived, UnknownLine, MoreThanOnTheWay, PlaceOfAnotherSite,
        NotBondedPlace, and what the ledger refuses.
    """
    transfer = lock(session, command.transfer_no, UNDER_WAY)
    if not command.is_last and not any(one.good_qty + one.damaged_qty + one.over_qty for one in command.counted):
        raise NothingArrived(field="lines")
    site = session.get_one(Site, transfer.from_site_id if transfer.turned_back_at else transfer.to_site_id)
    at = _Arriving(transfer, site, pieces_of(session, transfer.id), command)
    for counted in command.counted:
        _count(session, at, counted)
    if command.is_last:
        _miss(session, at)
    arrival = _file(session, at)
    _finish(session, at)
    return arrival


def _count(session: Session, at: _Arriving, counted: Counted) -> None:
    line = line_of(at.transfer, at.pieces, counted.line_no)
    place = place_at(session, at.site, counted.location)
    unit_id = None
    if counted.sscc is not None:
        unit_id = session.scalar(select(HandlingUnit.id).where(HandlingUnit.sscc == counted.sscc)) or 0
    mine = [
        one for one in at.pieces
        if one.line.id == line.id and one.piece.departed_qty
        and (unit_id is None or _transit(session, one).handling_unit_id == unit_id)
    ]  # fmt: skip
    arrived = counted.good_qty + counted.damaged_qty
    still = sum(one.piece.departed_qty - one.piece.settled_qty for one in mine)
    if arrived > still:
        raise MoreThanOnTheWay(field="good_qty", line_no=line.line_no, counted=arrived, open=still)
    for qty, kind in ((counted.good_qty, "good"), (counted.damaged_qty, "damaged")):
        if qty:
            _place(session, at, mine, place, qty, kind)
    line.arrived_qty += arrived
    line.damaged_qty += counted.damaged_qty
    if counted.over_qty:
        _surplus(session, at, mine or [one for one in at.pieces if one.line.id == line.id], place, counted.over_qty)
        line.over_qty += counted.over_qty


def _transit(session: Session, one: InPiece) -> AccountKey:
    assert one.piece.transit_account_id is not None
    return key_of(session, one.piece.transit_account_id)


def _place(session: Session, at: _Arriving, mine: Sequence[InPiece], place: Location, qty: int, kind: str) -> None:
    by_id = {one.piece.id: one for one in mine}
    open_pieces = [Piece(one.piece.id, one.piece.departed_qty - one.piece.settled_qty) for one in mine]
    for piece_id, part in spread(open_pieces, qty):
        one = by_id[piece_id]
        one.piece.settled_qty += part
        for source, taken in in_transit_of(session, _transit(session, one), part):
            refuse_unbonded(place, one.item, source.customs_status)
            quality = "damaged" if kind == "damaged" else source.quality_status
            target = replace(
                source, kind="location", site_id=at.site.id, location_id=place.id, quality_status=quality,
                customs_status=_status_at(at.site, source.customs_status),
            )  # fmt: skip
            _carry(at, one, source, target, taken)
            at.placed.append((target, taken, place))
    at.counted.append((mine[0].line.id, place.id, kind, qty))


def _status_at(site: Site, customs_status: str) -> str:
    """What was declared for export is in free circulation where it arrives abroad."""
    return "free" if customs_status == "export" and site.kind == "overseas" else customs_status


def _carry(at: _Arriving, one: InPiece, source: AccountKey, target: AccountKey, qty: int) -> None:
    value = qty * one.line.unit_value_minor
    at.entries += [Line(source, -qty, value_minor=-value), Line(target, qty, value_minor=value)]


def _surplus(session: Session, at: _Arriving, mine: Sequence[InPiece], place: Location, qty: int) -> None:
    """More than was sent: on hold at its place, against a discrepancy account, until somebody says whose it is."""
    one = mine[-1]
    like = _transit(session, one) if one.piece.transit_account_id else key_of(session, one.piece.account_id)
    like = replace(like, site_id=at.site.id, location_id=None, customs_status=_status_at(at.site, like.customs_status))
    refuse_unbonded(place, one.item, like.customs_status)
    source = replace(like, kind="discrepancy", handling_unit_id=None, quality_status="good")
    target = replace(like, kind="location", location_id=place.id, handling_unit_id=None, quality_status="hold")
    _carry(at, one, source, target, qty)
    at.placed.append((target, qty, place))
    at.counted.append((one.line.id, place.id, "over", qty))
    at.differences.append((one, "over", qty, source, target))


def _miss(session: Session, at: _Arriving) -> None:
    """What is still on the way will not come: it lies in the discrepancy account of the site that waited for it."""
    for one in at.pieces:
        lacking = one.piece.departed_qty - one.piece.settled_qty
        if not lacking:
            continue
        one.piece.settled_qty += lacking
        one.line.short_qty += lacking
        for source, qty in in_transit_of(session, _transit(session, one), lacking):
            lost = replace(source, kind="discrepancy", site_id=at.site.id, handling_unit_id=None, quality_status="good")
            _carry(at, one, source, lost, qty)
            at.differences.append((one, "short", qty, lost, None))


def _file(session: Session, at: _Arriving) -> TransferArrival:
    transfer = at.transfer
    arrival_no = 1 + (
        session.scalar(select(func.max(TransferArrival.arrival_no)).where(TransferArrival.transfer_id == transfer.id))
        or 0
    )
    posting_id = None
    if at.entries:
        posting = ledger.Posting(
            f"transfer:{transfer.id}:arrive:{arrival_no}", "transfer_arrive", at.command.event_at, tuple(at.entries),
            transfer.transfer_no,
        )  # fmt: skip
        posting_id = ledger.post(session, posting).posting_id
    for account, qty, place in at.placed:
        if place.kind == "dock":  # from there it is put away like any receipt
            want_place(session, at.site.id, account, qty)
    arrival = TransferArrival(
        transfer_id=transfer.id, owner_id=transfer.owner_id, arrival_no=arrival_no, site_id=at.site.id,
        is_last=at.command.is_last, event_at=at.command.event_at, posting_id=posting_id,
        person_id=acting_person(session),
    )  # fmt: skip
    session.add(arrival)
    session.flush()
    session.add_all(
        TransferArrivalLine(
            arrival_id=arrival.id, seq=seq, owner_id=transfer.owner_id, line_id=line_id, location_id=location_id,
            kind=kind, qty=qty,
        )
        for seq, (line_id, location_id, kind, qty) in enumerate(at.counted, 1)
    )  # fmt: skip
    if at.differences:
        assert posting_id is not None
        _file_differences(session, at, posting_id)
    return arrival


def _file_differences(session: Session, at: _Arriving, posting_id: int) -> None:
    """One row for each line, kind and discrepancy account, with who answers for it and until which day."""
    sums: dict[tuple[int, str, AccountKey, AccountKey | None], int] = {}
    for one, kind, qty, account, other in at.differences:
        sums[one.line.id, kind, account, other] = sums.get((one.line.id, kind, account, other), 0) + qty
    keys = {key for _, _, account, other in sums for key in (account, other) if key is not None}
    ids = account_ids(session, keys)
    today = day_at(at.site, at.command.event_at)
    due_on = today + timedelta(days=int(dated.value(session, DISCREPANCY_DAYS, today)))
    answerable = at.command.answerable_id or at.transfer.carrier_id or at.transfer.owner_id
    for (line_id, kind, account, other), qty in sums.items():
        session.add(
            TransferDiscrepancy(
                transfer_id=at.transfer.id, line_id=line_id, owner_id=at.transfer.owner_id, answerable_id=answerable,
                kind=kind, qty=qty, account_id=ids[account], other_account_id=ids[other] if other else None,
                posting_id=posting_id, due_on=due_on, opened_by=acting_person(session), opened_at=at.command.event_at,
            )
        )  # fmt: skip
    session.flush()


def _finish(session: Session, at: _Arriving) -> None:
    transfer = at.transfer
    is_over = all(one.piece.settled_qty == one.piece.departed_qty for one in at.pieces)
    now = at.command.event_at
    transfer.arrived_at = transfer.arrived_at or now
    if is_over:
        transfer.closed_at = now
        step(session, transfer, "returned" if transfer.turned_back_at else "received", now)
        tasks.finish(session, "unload", task_of(transfer))
        milestone(session, transfer, "arrival", at.site.id, now, None if transfer.turned_back_at else "delivered")
        append_leaf(
            session,
            "transfer_closed",
            {
                "transfer_no": transfer.transfer_no,
                "lines": [
                    [line.line_no, line.departed_qty, line.arrived_qty, line.damaged_qty, line.short_qty, line.over_qty]
                    for line in {one.line.id: one.line for one in at.pieces}.values()
                ],
            },
            transfer.id,
        )
    elif transfer.state == "in_transit":
        step(session, transfer, "arriving", now)
    session.flush()


def turn_back(session: Session, transfer_no: str, reason: str, at: datetime) -> Transfer:
    """Send what is still on the way back to where it came from; it arrives there like any transfer.

    Raises ReasonMissing, UnknownTransfer, TransferNotInState.
    """
    said = check_reason(reason)
    transfer = lock(session, transfer_no, ("in_transit", "arriving"))
    lines: list[Line] = []
    back: dict[int, AccountKey] = {}
    pieces = [one for one in pieces_of(session, transfer.id) if one.piece.settled_qty < one.piece.departed_qty]
    for one in pieces:
        transit = _transit(session, one)
        back[one.piece.id] = replace(transit, site_id=transfer.from_site_id)
        for source, qty in in_transit_of(session, transit, one.piece.departed_qty - one.piece.settled_qty):
            value = qty * one.line.unit_value_minor
            lines.append(Line(source, -qty, value_minor=-value))
            lines.append(Line(replace(source, site_id=transfer.from_site_id), qty, value_minor=value))
    posting = ledger.Posting(
        f"transfer:{transfer.id}:turn_back", "transfer_turn_back", at, tuple(lines), transfer_no, said
    )
    ledger.post(session, posting)
    ids = account_ids(session, set(back.values()))
    for one in pieces:
        one.piece.transit_account_id = ids[back[one.piece.id]]
    transfer.turned_back_at, transfer.reason = at, said
    step(session, transfer, "returning", at)
    tasks.void_task(session, "unload", task_of(transfer))
    tasks.offer(
        session,
        tasks.NewTask(
            site_id=transfer.from_site_id, kind="unload", subject_id=task_of(transfer), subject_no=transfer_no,
            owner_id=transfer.owner_id,
        ),
    )  # fmt: skip
    append_leaf(session, "transfer_turned_back", {"transfer_no": transfer_no, "reason": said}, transfer.id)
    session.flush()
    return transfer
