"""A load is opened for a vehicle at a dock, and bound to the gate pass that its goods leave on."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes import containers, plates
from wms.codes.numbers import document_no
from wms.customs.tables import GatePass
from wms.errors import NotFound
from wms.floor import leaving_queries as units
from wms.floor.rules import loading as rules
from wms.floor.service import tasks
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.tables.loading import LoadStop, VehicleLoad
from wms.parties.tables import Location, Site


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
