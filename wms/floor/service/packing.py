"""Packing: open a parcel, put goods into it, weigh and close it; take back, open again, split.

The parcel's row is locked first, then the unit that goods are taken from: two packers who reach for the last piece take
turns, and the second is told who has it. Every change of stock is a posting of its own; undoing posts its mirror image.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.codes.numbers import document_no
from wms.floor import leaving_queries as units
from wms.floor.leaving_queries import Content
from wms.floor.rules import packing as rules
from wms.floor.rules.mistakes import LotMissing, MovedSince, NothingToUndo
from wms.floor.rules.packing import Part, Weighing
from wms.floor.service import order_progress, tasks
from wms.floor.service.acting import By, Portion, carry, take_from
from wms.floor.service.cartons import carton_type
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.units import Deed, note
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import CartonType, Parcel, ParcelItem
from wms.floor.tables.scans import Scan
from wms.parties import dated
from wms.parties.tables import Location
from wms.stock import ledger
from wms.stock.rules import AlreadyReversed, ShortInPast, ShortStock
from wms.stock.tables import Balance, Entry, HandlingUnit
from wms.stock.units import make_unit

PACKING_KINDS = frozenset({"packing", "staging", "work"})
TOLERANCE = "packing.weight_tolerance"


@dataclass(frozen=True)
class OpenParcel:
    """A new parcel at a packing place. ``owner_id`` whose goods go into it; ``order_id`` for which order, if any."""

    location_id: int
    owner_id: int
    carton: str
    order_id: int | None = None


@dataclass(frozen=True)
class PutIn:
    """Goods from a unit into a parcel: ``qty`` base units of an item, of one lot where it is named.

    ``weight_g`` and ``serials`` are those of the pieces, where the item is kept by weight or by number.
    """

    parcel_id: int
    from_unit_id: int
    trade_item_id: int
    qty: int
    lot_no: str | None = None
    weight_g: int | None = None
    serials: tuple[str, ...] = ()


@dataclass(frozen=True)
class Closed:
    """A parcel that was weighed and closed."""

    parcel: Parcel
    weighing: Weighing


def open_parcel(session: Session, new: OpenParcel, by: By) -> Parcel:
    """Open a parcel with a label of its own. Raises UnknownCarton, NotAPackingPlace, OrderIsCancelled."""
    place = session.get_one(Location, new.location_id)
    if place.kind not in PACKING_KINDS:
        raise rules.NotAPackingPlace(place=place.code, place_kind=place.kind)
    kind = carton_type(session, new.carton, by.at.date())
    order = session.get(OutboundOrder, new.order_id) if new.order_id else None
    if order is not None:
        order_progress.refuse_cancelled(session, [order.id])
    unit = make_unit(session, "parcel", new.owner_id)
    parcel = Parcel(
        handling_unit_id=unit.id,
        site_id=place.site_id,
        owner_id=new.owner_id,
        order_id=new.order_id,
        carton_type_id=kind.id,
        location_id=place.id,
        opened_by=session.scalar(select(APP_PERSON)),
        carrier=order.carrier if order else None,
        route=order.route if order else None,
        region=order.consignee_region if order else None,
    )
    session.add(parcel)
    session.flush()
    session.refresh(parcel)
    return parcel


def locked(session: Session, parcel_id: int) -> Parcel:
    """Return the parcel, locked and fresh."""
    return session.get_one(Parcel, parcel_id, with_for_update={"key_share": True}, populate_existing=True)


def put_in(session: Session, wanted: PutIn, by: By) -> ParcelItem:
    """Post goods from a tote into a parcel.

    Raises ParcelClosed, NotInUnit, AlreadyPacked (by whom, when), BelongsToOther, UnitOnHold, LotMissing,
    WrongItemForOrder, TooManyForOrder, TooManyInHand, OrderFirst, OrderIsCancelled, NotBonded, or a ledger refusal.
    """
    parcel = locked(session, wanted.parcel_id)
    label = _sscc(session, parcel.handling_unit_id)
    if parcel.state != "open":
        raise rules.ParcelClosed(sscc=label, state=parcel.state)
    source = session.get_one(HandlingUnit, wanted.from_unit_id, with_for_update={"key_share": True})
    held = _held(session, source, wanted, parcel)
    _check_order(session, parcel, source, held[0], wanted.qty)
    portions = take_from(held, wanted.qty)
    if sum(portion.qty for portion in portions) < wanted.qty:
        left = sum(content.free_qty for content in held)
        raise rules.TooManyInHand(item=held[0].names, left=left, wanted=wanted.qty, sscc=source.sscc)
    if len(portions) == 1 and (wanted.weight_g is not None or wanted.serials):
        portions = [replace(portions[0], weight_g=wanted.weight_g, serials=wanted.serials)]
    place = session.get_one(Location, parcel.location_id)
    posting_id = carry(
        session, portions, place, by, "pack", unit_id=parcel.handling_unit_id, source_doc=f"parcel:{label}"
    )
    item = ParcelItem(
        parcel_id=parcel.id,
        scan_id=by.scan_id,
        from_unit_id=source.id,
        trade_item_id=wanted.trade_item_id,
        lot_id=portions[0].content.account.lot_id,
        qty=wanted.qty,
        posting_id=posting_id,
        person_id=session.scalar(select(APP_PERSON)),
        device=by.device,
        packed_at=by.at,
    )
    session.add(item)
    session.flush()
    if parcel.order_id is not None:
        order_progress.take_task(session, "pack", parcel.order_id)
    note(
        session, Deed(by.key, by.at, by.device, f"parcel:{label}"), "packed", parcel.owner_id, source.id,
        parcel.handling_unit_id, trade_item_id=item.trade_item_id, lot_id=item.lot_id, qty=item.qty,
        posting_id=posting_id,
    )  # fmt: skip
    return item


def _held(session: Session, source: HandlingUnit, wanted: PutIn, parcel: Parcel) -> list[Content]:
    """Return the accounts of the unit that hold what is wanted, or say why there is nothing to take."""
    inside = units.contents(session, [unit.id for unit in units.tree(session, source.id)])
    of_item = [one for one in inside if one.account.trade_item_id == wanted.trade_item_id]
    if not of_item:
        _refuse_packed(session, source, wanted.trade_item_id)
        raise rules.NotInUnit(item=_item_names(session, wanted.trade_item_id), sscc=source.sscc)
    of_lot = [one for one in of_item if wanted.lot_no is None or one.lot_no == wanted.lot_no]
    if not of_lot:
        raise rules.NotInUnit(item=of_item[0].names, sscc=source.sscc)
    own = [one for one in of_lot if one.account.owner_id == parcel.owner_id]
    if not own:
        owner, mine = (units.company_names(session, one) for one in (of_lot[0].account.owner_id, parcel.owner_id))
        raise rules.BelongsToOther(item=of_lot[0].names, owner=owner, wanted=mine)
    good = [one for one in own if one.account.quality_status == "good"]
    if not good:
        raise rules.UnitOnHold(item=own[0].names, sscc=source.sscc, status=own[0].account.quality_status)
    if len({one.account.lot_id for one in good}) > 1:
        raise LotMissing(item=good[0].names)
    return good


def _refuse_packed(session: Session, source: HandlingUnit, trade_item_id: int) -> None:
    found = session.execute(
        select(ParcelItem, HandlingUnit.sscc)
        .join(Parcel, Parcel.id == ParcelItem.parcel_id)
        .join(HandlingUnit, HandlingUnit.id == Parcel.handling_unit_id)
        .where(
            ParcelItem.from_unit_id == source.id,
            ParcelItem.trade_item_id == trade_item_id,
            ParcelItem.undone_at.is_(None),
        )
        .order_by(ParcelItem.id.desc())
        .limit(1)
    ).one_or_none()
    if found is not None:
        item, sscc = found
        raise rules.AlreadyPacked(
            item=_item_names(session, trade_item_id),
            sscc=sscc,
            person=units.person_names(session, item.person_id),
            at=item.packed_at.isoformat(timespec="minutes"),
        )


def _check_order(session: Session, parcel: Parcel, source: HandlingUnit, held: Content, qty: int) -> None:
    """Goods that were picked for orders go into a parcel of one of them, no more than were picked for it."""
    if parcel.order_id is None:
        wishes = order_progress.wishes_of(session, source.id)
        if not wishes:
            return
        if len(wishes) > 1:
            raise rules.OrderFirst(sscc=source.sscc)
        _adopt(session, parcel, wishes[0].order_id)
    assert parcel.order_id is not None
    order_progress.refuse_cancelled(session, [parcel.order_id])
    picked, left = order_progress.still_wanted(session, parcel.order_id, held.account.trade_item_id)
    order_no = session.get_one(OutboundOrder, parcel.order_id).order_no
    if picked == 0:
        raise rules.WrongItemForOrder(order=order_no, item=held.names)
    if qty > left:
        raise rules.TooManyForOrder(order=order_no, item=held.names, left=left, wanted=qty)


def _adopt(session: Session, parcel: Parcel, order_id: int) -> None:
    """A parcel without an order becomes that of the first goods' order, as long as nothing else is in it."""
    if _standing_items(session, parcel.id):
        raise rules.OrderFirst(sscc=_sscc(session, parcel.handling_unit_id))
    order = session.get_one(OutboundOrder, order_id)
    parcel.order_id, parcel.carrier = order.id, parcel.carrier or order.carrier
    parcel.route, parcel.region = order.route, order.consignee_region
    session.flush()


def _standing_items(session: Session, parcel_id: int) -> list[ParcelItem]:
    standing = select(ParcelItem).where(ParcelItem.parcel_id == parcel_id, ParcelItem.undone_at.is_(None))
    return list(session.scalars(standing.order_by(ParcelItem.id)))


def take_back(session: Session, item_id: int, by: By) -> ParcelItem:
    """Take goods out of an open parcel again: the posting's mirror image.

    Raises NothingToUndo, ParcelClosed, MovedSince.
    """
    item = session.get(ParcelItem, item_id)
    if item is None:
        raise NothingToUndo
    parcel = locked(session, item.parcel_id)
    session.refresh(item)
    if item.undone_at is not None:
        raise NothingToUndo
    if parcel.state != "open":
        raise rules.ParcelClosed(sscc=_sscc(session, parcel.handling_unit_id), state=parcel.state)
    came_from = session.scalar(select(Parcel).where(Parcel.handling_unit_id == item.from_unit_id))
    if came_from is not None:
        _rejoin(session, locked(session, came_from.id), item, by)
    elif _was_split(session, item):
        raise MovedSince
    _reverse(session, item, by)
    item.undone_at = by.at
    if item.scan_id is not None:
        session.get_one(Scan, item.scan_id).undone_at = by.at
    session.flush()
    return item


def _was_split(session: Session, item: ParcelItem) -> bool:
    """Whether part of what was packed by the same posting lies in another parcel now."""
    others = select(func.count()).where(
        ParcelItem.posting_id == item.posting_id, ParcelItem.parcel_id != item.parcel_id, ParcelItem.undone_at.is_(None)
    )
    return session.scalars(others).one() > 0


def _rejoin(session: Session, old: Parcel, item: ParcelItem, by: By) -> None:
    """A split is taken back whole: what was written anew by it ends, what it ended counts again."""
    if old.state != "open":
        raise rules.ParcelClosed(sscc=_sscc(session, old.handling_unit_id), state=old.state)
    for one in session.scalars(
        select(ParcelItem).where(ParcelItem.posting_id == item.posting_id, ParcelItem.undone_at.is_(None))
    ):
        one.undone_at = by.at
    ended = select(ParcelItem).where(ParcelItem.parcel_id == old.id, ParcelItem.undone_at == item.packed_at)
    for one in session.scalars(ended):
        one.undone_at = None


def _reverse(session: Session, item: ParcelItem, by: By) -> None:
    last = session.scalar(
        select(func.max(Balance.last_event_at))
        .join(Entry, Entry.account_id == Balance.account_id)
        .where(Entry.posting_id == item.posting_id, Entry.qty > 0)
    )
    try:
        ledger.reverse(
            session, by.key, item.posting_id, reason="taken out of the parcel", event_at=max(by.at, last or by.at)
        )
    except (ShortStock, ShortInPast, AlreadyReversed) as refusal:
        raise MovedSince from refusal


def close_parcel(
    session: Session,
    parcel_id: int,
    by: By,
    *,
    weight_g: int,
    carrier: str | None = None,
    waybill_no: str | None = None,
    weight_reason: str | None = None,
) -> Closed:
    """Weigh and close a parcel; ``weight_reason`` lets one pass whose weight is off (a supervisor's word, recorded).

    Raises ParcelClosed, EmptyParcel, CartonOverloaded, BadWeight, TooLight or TooHeavy with what may be the cause,
    WaybillTaken.
    """
    parcel = locked(session, parcel_id)
    label = _sscc(session, parcel.handling_unit_id)
    if parcel.state != "open":
        raise rules.ParcelClosed(sscc=label, state=parcel.state)
    if weight_g <= 0:
        raise rules.BadWeight(weight=weight_g)
    inside = units.contents(session, [parcel.handling_unit_id])
    if not inside:
        raise rules.EmptyParcel(sscc=label)
    weighing = _weigh(session, parcel, inside, weight_g, by)
    if weight_reason is None:
        rules.refuse_weight(weighing)
    parcel.carrier = carrier or parcel.carrier
    _set_waybill(session, parcel, waybill_no)
    parcel.expected_weight_g, parcel.weight_g, parcel.tolerance_g = weighing.expected_g, weight_g, weighing.tolerance_g
    parcel.weight_reason = None if weighing.is_right else weight_reason
    parcel.state, parcel.closed_at = "closed", by.at
    parcel.closed_by = session.scalar(select(APP_PERSON))
    parcel.label = _label(session, parcel, label, inside)
    session.flush()
    after_close(session, parcel)
    return Closed(parcel, weighing)


def _weigh(session: Session, parcel: Parcel, inside: Sequence[Content], weight_g: int, by: By) -> Weighing:
    kind = session.get_one(CartonType, parcel.carton_type_id)
    parts = [Part(one.item_code, one.qty, one.weight_g // one.qty) for one in inside]
    content_g = sum(one.weight_g for one in inside)
    if content_g > kind.max_weight_g:
        raise rules.CartonOverloaded(carton=kind.code, most_g=kind.max_weight_g, content_g=content_g)
    allowed: dict[str, int] = dated.value(session, TOLERANCE, by.at.date(), kind.code)
    return rules.weigh(kind.tare_g, parts, weight_g, permille=int(allowed["permille"]), least_g=int(allowed["least_g"]))


def _set_waybill(session: Session, parcel: Parcel, waybill_no: str | None) -> None:
    if waybill_no is None:
        return
    rival = session.execute(
        select(HandlingUnit.sscc)
        .join(Parcel, Parcel.handling_unit_id == HandlingUnit.id)
        .where(
            Parcel.waybill_no == waybill_no,
            Parcel.carrier.is_not_distinct_from(parcel.carrier),
            Parcel.state != "void",
            Parcel.id != parcel.id,
        )
        .limit(1)
    ).scalar_one_or_none()
    if rival is not None:
        raise rules.WaybillTaken(field="waybill_no", waybill=waybill_no, carrier=parcel.carrier or "-", sscc=rival)
    parcel.waybill_no = waybill_no


def _label(session: Session, parcel: Parcel, sscc: str, inside: Sequence[Content]) -> dict[str, Any]:
    """What a label printer needs: element strings for the barcodes, and the words beside them."""
    order = session.get(OutboundOrder, parcel.order_id) if parcel.order_id else None
    kind = session.get_one(CartonType, parcel.carton_type_id)
    return {
        "sscc": sscc,
        "elements": [["00", sscc], ["330", f"{parcel.weight_g // 1000 if parcel.weight_g else 0:06d}"]],
        "carrier": parcel.carrier,
        "waybill_no": parcel.waybill_no,
        "route": parcel.route,
        "region": parcel.region,
        "order_no": order.order_no if order else None,
        "consignee": order.consignee_name if order else None,
        "carton": kind.code,
        "weight_g": parcel.weight_g,
        "items": [{"code": one.item_code, "qty": one.qty, "lot_no": one.lot_no} for one in inside],
    }


def after_close(session: Session, parcel: Parcel) -> None:
    """Offer the sorting of a closed parcel, and let its order follow."""
    number = document_no("PC", parcel.id)
    tasks.offer(
        session,
        tasks.NewTask(
            parcel.site_id, "sort", parcel.id, number, owner_id=parcel.owner_id, location_id=parcel.location_id
        ),
    )
    if parcel.order_id is not None:
        order_progress.advance(session, [parcel.order_id])
        if session.scalar(select(OutboundOrder.state).where(OutboundOrder.id == parcel.order_id)) != "picked":
            tasks.finish(session, "pack", parcel.order_id)


def reopen_parcel(session: Session, parcel_id: int) -> Parcel:
    """Open a closed parcel again: its weight and label no longer hold. Raises ParcelNotClosed, ParcelElsewhere."""
    parcel = locked(session, parcel_id)
    if parcel.state != "closed":
        raise rules.ParcelNotClosed(sscc=_sscc(session, parcel.handling_unit_id), state=parcel.state)
    parcel.state, parcel.closed_at, parcel.closed_by = "open", None, None
    parcel.weight_g = parcel.expected_weight_g = parcel.tolerance_g = parcel.label = parcel.weight_reason = None
    parcel.sorted_at = parcel.sorted_by = None
    session.flush()
    tasks.void_task(session, "sort", parcel.id)
    if parcel.order_id is not None:
        order_progress.advance(session, [parcel.order_id])
    return parcel


def split_parcel(
    session: Session, parcel_id: int, carton: str, goods: Sequence[tuple[int, str | None, int]], by: By
) -> Parcel:
    """Put part of an open parcel's goods, (item, lot number, base units), into a new one of the same order.

    Raises ParcelClosed, NotInUnit, TooManyInHand, UnknownCarton, EmptyParcel (where nothing would stay).
    """
    parcel = locked(session, parcel_id)
    label = _sscc(session, parcel.handling_unit_id)
    if parcel.state != "open":
        raise rules.ParcelClosed(sscc=label, state=parcel.state)
    new = open_parcel(session, OpenParcel(parcel.location_id, parcel.owner_id, carton, parcel.order_id), by)
    inside = units.contents(session, [parcel.handling_unit_id])
    portions = [portion for wish in goods for portion in _part(session, inside, wish, label)]
    if sum(portion.qty for portion in portions) == sum(one.qty for one in inside):
        raise rules.EmptyParcel(sscc=label)
    place = session.get_one(Location, parcel.location_id)
    posting_id = carry(session, portions, place, by, "pack", unit_id=new.handling_unit_id, source_doc=f"parcel:{label}")
    _hand_over(session, parcel, new, portions, posting_id, by)
    return new


def _part(session: Session, inside: Sequence[Content], wish: tuple[int, str | None, int], label: str) -> list[Portion]:
    item, lot_no, qty = wish
    held = [one for one in inside if one.account.trade_item_id == item and lot_no in (None, one.lot_no)]
    if not held:
        raise rules.NotInUnit(item=_item_names(session, item), sscc=label)
    portions = take_from(held, qty)
    if sum(portion.qty for portion in portions) < qty:
        left = sum(one.free_qty for one in held)
        raise rules.TooManyInHand(item=held[0].names, left=left, wanted=qty, sscc=label)
    return portions


def _hand_over(
    session: Session, parcel: Parcel, new: Parcel, portions: Sequence[Portion], posting_id: int, by: By
) -> None:
    """What was packed into the old parcel now counts for the new one; the parts of one packing are written anew."""
    person_id = session.scalar(select(APP_PERSON))
    for portion in portions:
        left = portion.qty
        key = portion.content.account
        for item in reversed(_standing_items(session, parcel.id)):
            if left == 0 or (item.trade_item_id, item.lot_id) != (key.trade_item_id, key.lot_id):
                continue
            moved = min(left, item.qty)
            left -= moved
            item.undone_at = by.at
            same = {"trade_item_id": key.trade_item_id, "lot_id": key.lot_id, "posting_id": posting_id}
            rows = [{"parcel_id": new.id, "from_unit_id": parcel.handling_unit_id, "qty": moved, **same}]
            if moved < item.qty:
                rows.append(
                    {"parcel_id": parcel.id, "from_unit_id": item.from_unit_id, "qty": item.qty - moved, **same}
                )
            for row in rows:
                session.execute(
                    insert(ParcelItem).values(
                        **row, scan_id=by.scan_id, person_id=person_id, device=by.device, packed_at=by.at
                    )
                )
    session.flush()


def void_parcel(session: Session, parcel_id: int) -> Parcel:
    """Give up a parcel that holds nothing. Raises ParcelClosed, ParcelElsewhere."""
    parcel = locked(session, parcel_id)
    label = _sscc(session, parcel.handling_unit_id)
    if parcel.state != "open" or units.contents(session, [parcel.handling_unit_id]):
        raise rules.ParcelClosed(sscc=label, state=parcel.state)
    parcel.state = "void"
    session.flush()
    return parcel


def _sscc(session: Session, unit_id: int) -> str:
    return session.get_one(HandlingUnit, unit_id).sscc


def _item_names(session: Session, trade_item_id: int) -> dict[str, str]:
    item = session.get_one(TradeItem, trade_item_id)
    return {"zh": item.name_zh, "en": item.name_en}
