"""Loads: a vehicle is opened, filled, proved against its gate pass, closed and shipped."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web.api.changing import by, change
from web.api.idempotency import write
from web.api.lookups import id_of, place_of
from web.api.paging import page_of
from web.api.parcels import NothingIn, Sscc
from web.api.schemas import Body, Code, Count, Page
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.catalog.tables import TradeItem
from wms.errors import NotFound
from wms.floor import loading_queries
from wms.floor.service import departing, loading, opening_loads, unloading
from wms.floor.service.acting import By
from wms.floor.service.loading import LooseGoods
from wms.floor.service.opening_loads import NewLoad
from wms.floor.tables.loading import LoadProof, VehicleLoad
from wms.parties.tables import Company, Site

bp = APIBlueprint("api_loads", __name__, url_prefix="/api/v1", tag="Floor")

WRITERS = ("clerk", "supervisor")


class VehicleIn(Body):
    """The vehicle that takes a load."""

    site: Code
    vehicle_plate: Code
    dock: Code | None = None
    carrier: Code | None = None
    trailer_plate: Code | None = None
    container_no: Code | None = None
    gate_pass: Code | None = None


class LoadIn(VehicleIn):
    """A vehicle to be filled at a dock; ``stops`` are regions or routes in driving order."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "site": "CLJ-1", "vehicle_plate": "湘F12345", "dock": "DOCK-1", "carrier": "SF",
                "gate_pass": "HF-2026-0001", "stops": ["430600", "430100"],
            }
        }
    )  # fmt: skip
    stops: Annotated[tuple[Code, ...], Field(max_length=50)] = ()


class LoadPassIn(Body):
    """The gate pass that the load leaves on, by our number or customs'."""

    model_config = ConfigDict(json_schema_extra={"example": {"gate_pass": "HF-2026-0001"}})
    gate_pass: Code


class LoadUnitIn(Body):
    """A pallet or parcel by its label."""

    model_config = ConfigDict(json_schema_extra={"example": {"sscc": "169012340000000018"}})
    sscc: Sscc


class LoadUnloadIn(LoadUnitIn):
    """A unit that is taken off; ``place`` where it goes, else back to where it came from."""

    model_config = ConfigDict(json_schema_extra={"example": {"sscc": "169012340000000018", "place": "DOCK-1"}})
    place: Code | None = None


class LoadLooseIn(Body):
    """Goods in no unit that lie at a place: base units of an owner's item."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"place": "DOCK-1", "owner": "YC", "item": "TEA-250", "qty": 3}}
    )
    place: Code
    owner: Code
    item: Code
    qty: Count
    lot_no: Annotated[str, Field(min_length=1, max_length=20)] | None = None


class LoadSealIn(Body):
    """The seal that closes the vehicle."""

    model_config = ConfigDict(json_schema_extra={"example": {"seal_no": "CN123456"}})
    seal_no: Code | None = None


class LoadQuery(Page):
    """Which loads: of a site, in a state."""

    site: str | None = None
    state: str | None = None


@bp.get("/loads")
@policy(*READERS)
@bp.input(LoadQuery, location="query", arg_name="query")
def loads(query: LoadQuery) -> Response:
    """List loads in the order they were opened."""
    with unit_of_work() as session:
        rows = loading_queries.loads(
            session, state=query.state, site_code=query.site, after_id=query.after, limit=query.limit + 1
        )
    return page_of([vars(row) for row in rows], after=query.after, limit=query.limit)


@bp.get("/loads/<load_no>")
@policy(*READERS)
def load(load_no: str) -> Response:
    """Show a load with what stands on it."""
    with unit_of_work() as session:
        return jsonify(_whole(session, load_no))


def _whole(session: Session, load_no: str) -> dict[str, Any]:
    row = loading_queries.load(session, load_no)
    if row is None:
        raise NotFound(what=load_no)
    stops = [{"stop_no": number, "code": code} for number, code in loading_queries.stops_of(session, row.id).items()]
    return {**vars(row), "stops": stops, "units": [vars(one) for one in loading_queries.units_on(session, row.id)]}


@bp.get("/loads/<load_no>/proof")
@policy(*READERS)
def proof(load_no: str) -> Response:
    """Show the newest proof: pass lines beside what was loaded, differences, scanned units, verdict, leaf and hash."""
    with unit_of_work() as session:
        found = loading_queries.newest_proof(session, _known(session, load_no).id)
        if found is None:
            raise NotFound(what=load_no)
        return jsonify(_proof(found))


def _proof(found: LoadProof) -> dict[str, Any]:
    return {
        **found.body,
        "leaf_id": found.leaf_id,
        "leaf_hash": bytes(found.leaf_hash).hex(),
        "recorded_at": found.recorded_at.isoformat(),
    }


def _known(session: Session, load_no: str) -> VehicleLoad:
    found = loading_queries.load_by_no(session, load_no)
    if found is None:
        raise NotFound(what=load_no)
    return found


def _by() -> By:
    return by("load")


def _change(load_no: str, body: Body, act: Callable[[Session, VehicleLoad], object]) -> Response:
    return change(lambda session: _known(session, load_no), body, act, lambda session: _whole(session, load_no))


@bp.post("/loads")
@policy(*WRITERS)
@bp.input(LoadIn, arg_name="body")
def new_load(body: LoadIn) -> Response:
    """Open a load for a vehicle."""

    def act(session: Session) -> Mapping[str, Any]:
        new = NewLoad(
            id_of(session, Site, body.site), body.vehicle_plate, body.dock, body.carrier, body.trailer_plate,
            body.container_no, body.gate_pass, body.stops,
        )  # fmt: skip
        made = opening_loads.open_load(session, new)
        return _whole(session, made.load_no or "")

    return write(act, body.model_dump(mode="json"), status=201)


@bp.post("/loads/<load_no>/pass")
@policy("clerk", "supervisor", "declarant")
@bp.input(LoadPassIn, arg_name="body")
def bind(load_no: str, body: LoadPassIn) -> Response:
    """Bind the load to the gate pass it leaves on; a pass serves one load of its own vehicle."""
    return _change(load_no, body, lambda session, one: opening_loads.bind_pass(session, one.id, body.gate_pass))


@bp.post("/loads/<load_no>/units")
@policy(*WRITERS)
@bp.input(LoadUnitIn, arg_name="body")
def put_on(load_no: str, body: LoadUnitIn) -> Response:
    """Load a pallet or parcel with all that stands in it."""
    return _change(load_no, body, lambda session, one: loading.put_on(session, one.id, body.sscc, _by()))


@bp.post("/loads/<load_no>/loose")
@policy(*WRITERS)
@bp.input(LoadLooseIn, arg_name="body")
def put_on_loose(load_no: str, body: LoadLooseIn) -> Response:
    """Load goods that stand in no unit."""

    def act(session: Session, one: VehicleLoad) -> None:
        place = place_of(session, one.site_id, body.place)
        item_id = session.scalar(
            select(TradeItem.id)
            .join(Company, Company.id == TradeItem.owner_id)
            .where(func.upper(Company.code) == body.owner.upper(), TradeItem.code == body.item)
        )
        if item_id is None:
            raise NotFound(field="item", what=body.item)
        loading.put_on_loose(session, one.id, LooseGoods(place.id, (item_id,), body.qty, body.lot_no), _by())

    return _change(load_no, body, act)


@bp.post("/loads/<load_no>/unload")
@policy(*WRITERS)
@bp.input(LoadUnloadIn, arg_name="body")
def take_off(load_no: str, body: LoadUnloadIn) -> Response:
    """Take a unit off the vehicle, back to where it came from or to a place."""

    def act(session: Session, one: VehicleLoad) -> None:
        place_id = place_of(session, one.site_id, body.place).id if body.place else None
        unloading.take_off(session, one.id, body.sscc, _by(), place_id)

    return _change(load_no, body, act)


@bp.post("/loads/<load_no>/prove")
@policy("clerk", "supervisor", "declarant")
@bp.input(NothingIn, arg_name="body")
def prove(load_no: str, body: NothingIn) -> Response:
    """Compare what the vehicle holds with its pass now, and keep the proof."""
    return write(
        lambda session: _proof(_fresh(session, departing.prove(session, _known(session, load_no).id, _by()))),
        body.model_dump(mode="json"),
    )


def _fresh(session: Session, found: LoadProof) -> LoadProof:
    session.refresh(found)
    return found


@bp.post("/loads/<load_no>/close")
@policy(*WRITERS)
@bp.input(LoadSealIn, arg_name="body")
def close(load_no: str, body: LoadSealIn) -> Response:
    """Close the load with its seal. With a gate pass: only when it holds exactly what the pass says.

    A load that differs is answered with ``closed`` false, status 200 and the proof that names each difference; it
    stays open.
    """

    def act(session: Session) -> Mapping[str, Any]:
        closing = departing.close_load(session, _known(session, load_no).id, _by(), seal_no=body.seal_no)
        session.flush()
        found = _proof(_fresh(session, closing.proof)) if closing.proof is not None else None
        return {**_whole(session, load_no), "closed": closing.is_closed, "proof": found}

    return write(act, body.model_dump(mode="json"))


@bp.post("/loads/<load_no>/reopen")
@policy("supervisor")
@bp.input(NothingIn, arg_name="body")
def reopen(load_no: str, body: NothingIn) -> Response:
    """Open a closed load again, while its pass is not approved or after it was voided."""
    return _change(load_no, body, lambda session, one: departing.reopen_load(session, one.id, _by()))


@bp.post("/loads/<load_no>/void")
@policy("supervisor")
@bp.input(NothingIn, arg_name="body")
def void(load_no: str, body: NothingIn) -> Response:
    """Give up an empty load."""
    return _change(load_no, body, lambda session, one: departing.void_load(session, one.id))


@bp.post("/loads/<load_no>/depart")
@policy(*WRITERS)
@bp.input(NothingIn, arg_name="body")
def depart(load_no: str, body: NothingIn) -> Response:
    """Ship an ordinary load: its goods go to their customers. Goods on a pass leave by the gate alone."""
    return _change(load_no, body, lambda session, one: departing.depart(session, one.id, _by()))
