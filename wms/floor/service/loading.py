"""Loading by scan: open a load for a vehicle, bind its pass, put pallets, parcels and loose goods on it, take them off.

Lock order: the load's row, then its gate pass, then the unit, then the ledger. Two loaders who scan one parcel queue at
the unit's row; the second is told who has it on which vehicle.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes import containers, plates
from wms.codes.numbers import document_no
from wms.customs.tables import GatePass, GatePassLine
from wms.errors import NotFound
from wms.floor import leaving_queries as units
from wms.floor import loading_queries
from wms.floor.leaving_queries import Content, Unit
from wms.floor.rules import loading as rules
from wms.floor.rules.mistakes import MovedSince
from wms.floor.service import order_progress, retail, tasks
from wms.floor.service.acting import By, Portion, carry, take_from
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.units import Deed, note
from wms.floor.tables.loading import LoadStop, LoadUnit, VehicleLoad
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.packing import Parcel
from wms.floor.tables.scans import Scan
from wms.parties.tables import Location, Site
from wms.stock import ledger
from wms.stock.rules import AlreadyReversed, ShortInPast, ShortStock
from wms.stock.tables import Account, Balance, Entry, HandlingUnit


@dataclass(frozen=True)
class NewLoad:
    """A vehicle that is to be filled. ``stops`` are regions or routes in driving order."""

    site_id: int
    vehicle_plate: str
    dock: str | None = None
    carrier: str | None = None
    trailer_plate: str | None = None
    container_no: str | None = None
    gate_pass_no: str | None = None
    stops: tuple[str, ...] = ()


@dataclass(frozen=True)
class Loaded:
    """What one scan put on a vehicle. ``qty`` in base units; ``is_in_the_way`` of goods that get off earlier."""

    row: LoadUnit
    qty: int
    unit_count: int
    is_in_the_way: bool


def open_load(session: Session, new: NewLoad) -> VehicleLoad:
    """Open a load and give it its number.

    Raises BadVehicle, NotADock, SecondLoad (whose, since when), VehicleNotEmpty, and what :func:`bind_pass` refuses.
    """
    plate = _plate(new.vehicle_plate)
    trailer = _plate(new.trailer_plate) if new.trailer_plate else None
    box = containers.normalise(new.container_no) if new.container_no else None
    if box is not None and not containers.check(box):
        raise rules.BadVehicle(field="container_no", what=new.container_no)
    dock = _dock(session, new.site_id, new.dock) if new.dock else None
    place = _vehicle_place(session, new.site_id, plate)
    made = session.scalar(
        insert(VehicleLoad)
        .values(
            site_id=new.site_id,
            location_id=place.id,
            dock_id=dock.id if dock else None,
            vehicle_plate=plate,
            trailer_plate=trailer,
            container_no=box,
            carrier=new.carrier,
            opened_by=APP_PERSON,
        )
        .on_conflict_do_nothing()
        .returning(VehicleLoad.id)
    )
    if made is None:
        _refuse_second(session, plate)
    assert made is not None
    left = sum(content.qty for content in units.lying_at(session, place.id))
    if left:
        raise rules.VehicleNotEmpty(field="vehicle_plate", qty=left, plate=plate)
    load = session.get_one(VehicleLoad, made)
    load.load_no = document_no("LD", made)
    session.add_all(LoadStop(load_id=made, stop_no=n, code=code) for n, code in enumerate(new.stops, 1))
    session.flush()
    if new.gate_pass_no:
        bind_pass(session, made, new.gate_pass_no)
    offer = tasks.NewTask(new.site_id, "load", made, load.load_no, location_id=dock.id if dock else None)
    tasks.offer(session, offer)
    return load


def _plate(text: str) -> str:
    if not plates.is_plate(text):
        raise rules.BadVehicle(field="vehicle_plate", what=text[:40])
    return plates.normalise(text)


def _dock(session: Session, site_id: int, code: str) -> Location:
    found = units.location_of(session, site_id, code)
    if found is None or found.kind != "dock":
        raise rules.NotADock(field="dock", place=code[:40])
    return found


def _vehicle_place(session: Session, site_id: int, plate: str) -> Location:
    """Return the vehicle's own place at the site, made when it first comes; in a bonded site it is supervised."""
    site = session.get_one(Site, site_id)
    session.execute(
        insert(Location)
        .values(site_id=site_id, code=plate, kind="vehicle", is_bonded=site.kind == "bonded")
        .on_conflict_do_nothing()
    )
    query = select(Location).where(Location.site_id == site_id, Location.code == plate)
    found = session.scalars(query.with_for_update(key_share=True)).one()
    if found.kind != "vehicle":
        raise rules.BadVehicle(field="vehicle_plate", what=plate)
    return found


def _refuse_second(session: Session, plate: str) -> None:
    rival = session.scalars(
        select(VehicleLoad).where(VehicleLoad.vehicle_plate == plate, VehicleLoad.state.in_(("open", "closed")))
    ).one()
    person = units.person_names(session, rival.opened_by)
    at = rival.opened_at.isoformat(timespec="minutes")
    raise rules.SecondLoad(field="vehicle_plate", plate=plate, load=rival.load_no, person=person, at=at)


def locked(session: Session, load_id: int) -> VehicleLoad:
    """Return the load, locked and fresh."""
    return session.get_one(VehicleLoad, load_id, with_for_update={"key_share": True}, populate_existing=True)


def bind_pass(session: Session, load_id: int, number: str) -> VehicleLoad:
    """Bind a load to a gate pass, by its own or customs' number.

    Raises NotFound, LoadInState, LoadHasPass, PassNotForLoading, PassOfOtherVehicle, PassTaken.
    """
    load = locked(session, load_id)
    if load.state != "open":
        raise rules.LoadInState(load=load.load_no, state=load.state, wanted="open")
    gate_pass = session.scalars(
        select(GatePass)
        .where((GatePass.internal_no == number) | (GatePass.pass_no == number))
        .order_by(GatePass.id)
        .limit(1)
        .with_for_update(key_share=True)
    ).one_or_none()
    if gate_pass is None:
        raise NotFound(field="gate_pass", what=number[:80])
    name = pass_name(gate_pass)
    if load.gate_pass_id is not None:
        bound = pass_name(session.get_one(GatePass, load.gate_pass_id))
        raise rules.LoadHasPass(field="gate_pass", load=load.load_no, gate_pass=bound)
    if gate_pass.direction != "E" or gate_pass.site_id != load.site_id or gate_pass.state != "applied":
        raise rules.PassNotForLoading(field="gate_pass", gate_pass=name, state=gate_pass.state)
    _check_vehicle(load, gate_pass)
    other = session.scalars(
        select(VehicleLoad).where(VehicleLoad.gate_pass_id == gate_pass.id, VehicleLoad.state != "void")
    ).one_or_none()
    if other is not None:
        raise rules.PassTaken(field="gate_pass", gate_pass=name, load=other.load_no, plate=other.vehicle_plate)
    load.gate_pass_id = gate_pass.id
    session.flush()
    return load


def _check_vehicle(load: VehicleLoad, gate_pass: GatePass) -> None:
    pairs = (
        (gate_pass.vehicle_plate, load.vehicle_plate),
        (gate_pass.trailer_plate, load.trailer_plate),
        (gate_pass.container_no, load.container_no),
    )
    for n, (wanted, found) in enumerate(pairs):
        differs = wanted != found if n == 0 else wanted is not None and found is not None and wanted != found
        if differs:
            raise rules.PassOfOtherVehicle(
                field="gate_pass", gate_pass=pass_name(gate_pass), wanted=wanted, found=found or "-"
            )


def pass_name(gate_pass: GatePass) -> str:
    """Customs' number of a pass, else our own."""
    return gate_pass.pass_no or gate_pass.internal_no


def changeable(session: Session, load_id: int) -> tuple[VehicleLoad, GatePass | None]:
    """Return a load that goods may be put on or taken off, locked, with its pass.

    Raises LoadNotOpen, LoadingAfterApproval.
    """
    load = locked(session, load_id)
    gate_pass = None
    if load.gate_pass_id is not None:
        gate_pass = session.get_one(GatePass, load.gate_pass_id, with_for_update={"read": True}, populate_existing=True)
        if gate_pass.state != "applied":
            raise rules.LoadingAfterApproval(gate_pass=pass_name(gate_pass), state=gate_pass.state)
    if load.state != "open":
        raise rules.LoadNotOpen(load=load.load_no, state=load.state)
    return load, gate_pass


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
    _parcels_are(session, tree, "loaded", load.location_id)
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


def _parcels_are(session: Session, tree: Sequence[Unit], state: str, location_id: int) -> None:
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


def take_off(session: Session, load_id: int, sscc: str, by: By, place_id: int | None = None) -> LoadUnit:
    """Take a unit off the vehicle: back to where it was loaded from, or to ``place_id``.

    Raises LoadNotOpen, LoadingAfterApproval, UnknownUnit, NotOnLoad, GoesWithParent, MovedSince.
    """
    load, _ = changeable(session, load_id)
    unit = units.unit_by_sscc(session, sscc, lock=True)
    if unit is None:
        raise rules.UnknownUnit(sscc=sscc)
    row = session.scalars(
        select(LoadUnit).where(
            LoadUnit.load_id == load.id, LoadUnit.handling_unit_id == unit.id, LoadUnit.unloaded_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        raise rules.NotOnLoad(sscc=sscc, plate=load.vehicle_plate)
    if row.with_unit_id is not None:
        raise rules.GoesWithParent(sscc=sscc, parent=session.get_one(HandlingUnit, row.with_unit_id).sscc)
    return take_off_row(session, load, row, by, place_id)


def take_off_row(session: Session, load: VehicleLoad, row: LoadUnit, by: By, place_id: int | None = None) -> LoadUnit:
    """As :func:`take_off`, for a row of the load: a unit with all that came in it, or loose goods."""
    tree = units.tree(session, row.handling_unit_id) if row.handling_unit_id is not None else ()
    back_to = place_id or _came_from(session, row)
    if place_id is None or row.handling_unit_id is None:
        _reverse(session, row, by)
    else:
        inside = units.contents(session, [one.id for one in tree])
        portions = [Portion(content, content.qty) for content in inside]
        place = session.get_one(Location, place_id)
        carry(session, portions, place, by, "unload", source_doc=f"load:{load.load_no}")
    same = LoadUnit.id == row.id
    if row.handling_unit_id is not None:
        same = same | ((LoadUnit.load_id == load.id) & (LoadUnit.with_unit_id == row.handling_unit_id))
    session.execute(
        update(LoadUnit)
        .where(same, LoadUnit.unloaded_at.is_(None))
        .values(unloaded_at=by.at, unloaded_by=APP_PERSON)
        .execution_options(synchronize_session="fetch")
    )
    if row.scan_id is not None:
        session.get_one(Scan, row.scan_id).undone_at = by.at
    if place_id is None and row.from_parent_id is not None and row.handling_unit_id is not None:
        unit = session.get_one(HandlingUnit, row.handling_unit_id)
        unit.parent_id, unit.nested_at = row.from_parent_id, by.at
    session.flush()
    _parcels_are(session, tree, "closed", back_to)
    return row


def _came_from(session: Session, row: LoadUnit) -> int:
    """The place that the goods of a row were loaded from."""
    found = session.scalar(
        select(func.min(Account.location_id))
        .join(Entry, Entry.account_id == Account.id)
        .where(Entry.posting_id == row.posting_id, Entry.qty < 0)
    )
    assert found is not None
    return int(found)


def _reverse(session: Session, row: LoadUnit, by: By) -> None:
    last = session.scalar(
        select(func.max(Balance.last_event_at))
        .join(Entry, Entry.account_id == Balance.account_id)
        .where(Entry.posting_id == row.posting_id, Entry.qty > 0)
    )
    try:
        ledger.reverse(session, by.key, row.posting_id, reason="unloaded", event_at=max(by.at, last or by.at))
    except (ShortStock, ShortInPast, AlreadyReversed) as refusal:
        raise MovedSince from refusal
