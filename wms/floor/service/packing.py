"""Packing: open a parcel, put goods into it, take them back.

The parcel's row is locked first, then the unit that goods are taken from: two packers who reach for the last piece take
turns, and the second is told who has it. Every change of stock is a posting of its own; undoing posts its mirror image.
"""

from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.floor import leaving_queries as units
from wms.floor.leaving_queries import Content
from wms.floor.rules import packing as rules
from wms.floor.rules.mistakes import LotMissing, MovedSince, NothingToUndo
from wms.floor.service import order_progress, pack_plans
from wms.floor.service.acting import By, carry, take_from
from wms.floor.service.cartons import carton_type
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.units import Deed, note
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import Parcel, ParcelItem
from wms.floor.tables.scans import Scan
from wms.parties.tables import Location
from wms.stock import ledger
from wms.stock.rules import AlreadyReversed, ShortInPast, ShortStock
from wms.stock.tables import Balance, Entry, HandlingUnit
from wms.stock.units import make_unit

PACKING_KINDS = frozenset({"packing", "staging", "work"})
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


def open_parcel(session: Session, new: OpenParcel, by: By) -> Parcel:
    """Open a parcel with a label of its own. Raises UnknownCarton, NotAPackingPlace, OrderIsCancelled."""
    place = session.get_one(Location, new.location_id)
    if place.kind not in PACKING_KINDS:
        raise rules.NotAPackingPlace(place=place.code, place_kind=place.kind)
    kind = carton_type(session, new.carton, by.at.date())
    order = session.get(OutboundOrder, new.order_id) if new.order_id else None
    if order is not None:
        order_progress.refuse_cancelled(session, [order.id])
    step = pack_plans.next_step(session, new.order_id) if new.order_id else None
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
        plan_step=step.number if step else None,
        planned_carton=step.carton if step else None,
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
    label = sscc_of(session, parcel.handling_unit_id)
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
        raise rules.NotInUnit(item=item_names(session, wanted.trade_item_id), sscc=source.sscc)
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
            item=item_names(session, trade_item_id),
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
    if standing_items(session, parcel.id):
        raise rules.OrderFirst(sscc=sscc_of(session, parcel.handling_unit_id))
    order = session.get_one(OutboundOrder, order_id)
    parcel.order_id, parcel.carrier = order.id, parcel.carrier or order.carrier
    parcel.route, parcel.region = order.route, order.consignee_region
    step = pack_plans.next_step(session, order_id)
    parcel.plan_step, parcel.planned_carton = (step.number, step.carton) if step else (None, None)
    session.flush()


def standing_items(session: Session, parcel_id: int) -> list[ParcelItem]:
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
        raise rules.ParcelClosed(sscc=sscc_of(session, parcel.handling_unit_id), state=parcel.state)
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
        raise rules.ParcelClosed(sscc=sscc_of(session, old.handling_unit_id), state=old.state)
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


def sscc_of(session: Session, unit_id: int) -> str:
    return session.get_one(HandlingUnit, unit_id).sscc


def item_names(session: Session, trade_item_id: int) -> dict[str, str]:
    item = session.get_one(TradeItem, trade_item_id)
    return {"zh": item.name_zh, "en": item.name_en}
