"""Loading by scan: pallets, parcels and loose goods are put on a vehicle.

Lock order: the load's row, then its gate pass, then the unit, then the ledger. Two loaders who scan one parcel queue at
the unit's row; the second is told who has it on which vehicle.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from wms.customs.tables import GatePass, GatePassLine
from wms.floor import leaving_queries as units
from wms.floor import loading_queries
from wms.floor.leaving_queries import Content, Unit
from wms.floor.rules import loading as rules
from wms.floor.service import order_progress, retail, tasks
from wms.floor.service.acting import By, Portion, carry, take_from
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.opening_loads import changeable, pass_name
from wms.floor.service.units import Deed, note
from wms.floor.tables.loading import LoadUnit, VehicleLoad
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import Parcel
from wms.parties.tables import Location
from wms.stock.tables import HandlingUnit


@dataclass(frozen=True)
class Loaded:
    """What one scan put on a vehicle. ``qty`` in base units; ``is_in_the_way`` of goods that get off earlier."""

    row: LoadUnit
    qty: int
    unit_count: int
    is_in_the_way: bool


def put_on(session: Session, load_id: int, sscc: str, by: By) -> Loaded:
    """Load a pallet or parcel with all that stands in it.

    Raises LoadNotOpen, LoadingAfterApproval, UnknownUnit, AlreadyLoaded (by whom, when, on which vehicle), EmptyUnit,
    LoadedUnitOnHold, NotPackedYet, WrongVehicle, WrongStop, OrderIsCancelled, NeedsPass, NotOnPass, NotBonded, and for
    retail parcels ParcelNotDeclared, ParcelNotReleased, ParcelHeld.
    """
    load, gate_pass = changeable(session, load_id)
    unit = units.unit_by_sscc(session, sscc, lock=True)
    if unit is None:
        raise rules.UnknownUnit(sscc=sscc)
    tree = units.tree(session, unit.id)
    _refuse_loaded(session, tree)
    inside = units.contents(session, [one.id for one in tree])
    if not inside or any(one.account.site_id != load.site_id for one in inside):
        raise rules.EmptyUnit(sscc=sscc)
    _check_goods(session, load, gate_pass, inside, sscc)
    stop_no = _check_way(session, load, tree, sscc)
    order_ids = order_progress.orders_of_units(session, [one.id for one in tree])
    order_progress.refuse_cancelled(session, order_ids)
    retail.refuse_held_parcels(session, [one.id for one in tree], order_ids)
    place = session.get_one(Location, load.location_id)
    portions = [Portion(content, content.qty) for content in inside]
    posting_id = carry(session, portions, place, by, "load", source_doc=f"load:{load.load_no}")
    _leave_parent(session, unit, by, load)
    in_the_way = rules.is_in_the_way(stop_no, _loaded_stops(session, load.id))
    rows = [
        _new_row(load, by, posting_id, owner_id=one.owner_id, handling_unit_id=one.id, stop_no=stop_no,
                 is_in_the_way=in_the_way, with_unit_id=unit.id if one.id != unit.id else None,
                 from_parent_id=unit.parent_id if one.id == unit.id else None)
        for one in tree
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    parcels_are(session, tree, "loaded", load.location_id)
    order_progress.take_task(session, "load", load.id)
    return Loaded(rows[0], sum(one.qty for one in inside), len(tree), in_the_way)


def _new_row(load: VehicleLoad, by: By, posting_id: int, **columns: object) -> LoadUnit:
    return LoadUnit(
        load_id=load.id, scan_id=by.scan_id, posting_id=posting_id, person_id=APP_PERSON, loaded_at=by.at, **columns
    )


def _refuse_loaded(session: Session, tree: Sequence[Unit]) -> None:
    found = session.execute(
        select(LoadUnit, VehicleLoad, HandlingUnit.sscc)
        .join(VehicleLoad, VehicleLoad.id == LoadUnit.load_id)
        .join(HandlingUnit, HandlingUnit.id == LoadUnit.handling_unit_id)
        .where(
            LoadUnit.handling_unit_id.in_([unit.id for unit in tree]),
            LoadUnit.unloaded_at.is_(None),
            LoadUnit.left_at.is_(None),
        )
        .limit(1)
    ).one_or_none()
    if found is not None:
        row, load, sscc = found
        person = units.person_names(session, row.person_id)
        at = row.loaded_at.isoformat(timespec="minutes")
        raise rules.AlreadyLoaded(sscc=sscc, plate=load.vehicle_plate, load=load.load_no, person=person, at=at)


def _check_goods(
    session: Session, load: VehicleLoad, gate_pass: GatePass | None, inside: Sequence[Content], sscc: str
) -> None:
    """Blocked goods stay; bonded ones leave on a pass that names them."""
    for one in inside:
        if one.account.quality_status != "good":
            raise rules.LoadedUnitOnHold(sscc=sscc, item=one.names, status=one.account.quality_status)
        if one.account.customs_status == "bonded" and gate_pass is None:
            raise rules.NeedsPass(item=one.names, load=load.load_no)
    if gate_pass is not None:
        named = set(
            session.scalars(select(GatePassLine.trade_item_id).where(GatePassLine.gate_pass_id == gate_pass.id))
        )
        for one in inside:
            if one.account.trade_item_id not in named:
                raise rules.NotOnPass(item=one.names, gate_pass=pass_name(gate_pass))


def _check_way(session: Session, load: VehicleLoad, tree: Sequence[Unit], sscc: str) -> int | None:
    """Each parcel goes with this carrier to one of the vehicle's stops; returns the stop of the first one."""
    stops = loading_queries.stops_of(session, load.id)
    numbers = {code.upper(): number for number, code in reversed(stops.items())}
    found: list[int] = []
    for state, carrier, route, region in _ways(session, tree):
        if state == "open":
            raise rules.NotPackedYet(sscc=sscc)
        if carrier and load.carrier and carrier.upper() != load.carrier.upper():
            raise rules.WrongVehicle(sscc=sscc, wanted=carrier, carrier=load.carrier)
        wanted = [code.upper() for code in (route, region) if code]
        if stops and wanted:
            stop = next((numbers[code] for code in wanted if code in numbers), None)
            if stop is None:
                raise rules.WrongStop(sscc=sscc, region=region or route)
            found.append(stop)
    return min(found, default=None)


def _ways(session: Session, tree: Sequence[Unit]) -> list[tuple[str, str | None, str | None, str | None]]:
    """(state, carrier, route, region) of the parcels in a unit; of the orders behind it where nothing was packed."""
    ids = [unit.id for unit in tree]
    parcels = session.execute(
        select(Parcel.state, Parcel.carrier, Parcel.route, Parcel.region)
        .where(Parcel.handling_unit_id.in_(ids))
        .order_by(Parcel.id)
    ).all()
    if parcels:
        return [(row[0], row[1], row[2], row[3]) for row in parcels]
    orders = session.execute(
        select(OutboundOrder.carrier, OutboundOrder.route, OutboundOrder.consignee_region)
        .where(OutboundOrder.id.in_(order_progress.orders_of_units(session, ids)))
        .order_by(OutboundOrder.id)
    )
    return [("picked", row[0], row[1], row[2]) for row in orders]


def _loaded_stops(session: Session, load_id: int) -> list[int]:
    stops = select(LoadUnit.stop_no).where(
        LoadUnit.load_id == load_id, LoadUnit.unloaded_at.is_(None), LoadUnit.stop_no.is_not(None)
    )
    return [stop for stop in session.scalars(stops) if stop is not None]


def _leave_parent(session: Session, unit: Unit, by: By, load: VehicleLoad) -> None:
    """A parcel that is loaded without its pallet is taken off it."""
    if unit.parent_id is None:
        return
    session.execute(update(HandlingUnit).where(HandlingUnit.id == unit.id).values(parent_id=None, nested_at=by.at))
    deed = Deed(by.key, by.at, by.device, f"load:{load.load_no}")
    note(session, deed, "taken_out", unit.owner_id, unit.parent_id, unit.id)


def parcels_are(session: Session, tree: Sequence[Unit], state: str, location_id: int) -> None:
    """Parcels follow the unit they stand in, and their orders follow them."""
    ids = [unit.id for unit in tree]
    for parcel in session.scalars(select(Parcel).where(Parcel.handling_unit_id.in_(ids)).order_by(Parcel.id)):
        parcel.state, parcel.location_id = state, location_id
        session.flush()
        if state == "loaded":
            tasks.void_task(session, "sort", parcel.id)
    order_progress.advance(session, order_progress.orders_of_units(session, ids))


@dataclass(frozen=True)
class LooseGoods:
    """Goods in no unit that lie at a place: ``qty`` base units of one of the items that a label means."""

    place_id: int
    item_ids: tuple[int, ...]
    qty: int
    lot_no: str | None = None


def put_on_loose(session: Session, load_id: int, goods: LooseGoods, by: By) -> Loaded:
    """Load goods that stand in no unit.

    Raises LoadNotOpen, LoadingAfterApproval, NotEnoughLoose, LotWanted, NeedsPass, NotOnPass.
    """
    load, gate_pass = changeable(session, load_id)
    lying = [one for one in units.loose(session, goods.place_id, goods.item_ids) if goods.lot_no in (None, one.lot_no)]
    if len({(one.account.trade_item_id, one.account.lot_id) for one in lying}) > 1:
        raise rules.LotWanted(item=lying[0].names)
    portions = take_from(lying, goods.qty)
    if sum(portion.qty for portion in portions) < goods.qty:
        place = session.get_one(Location, goods.place_id)
        left = sum(one.free_qty for one in lying)
        names = lying[0].names if lying else "-"
        raise rules.NotEnoughLoose(left=left, item=names, place=place.code, wanted=goods.qty)
    _check_goods(session, load, gate_pass, [portion.content for portion in portions], portions[0].content.item_code)
    place = session.get_one(Location, load.location_id)
    posting_id = carry(session, portions, place, by, "load", source_doc=f"load:{load.load_no}")
    key = portions[0].content.account
    row = _new_row(
        load, by, posting_id, owner_id=key.owner_id, trade_item_id=key.trade_item_id, lot_id=key.lot_id, qty=goods.qty
    )
    session.add(row)
    session.flush()
    return Loaded(row, goods.qty, 0, is_in_the_way=False)
