"""What the run starts from: a site with lanes and registered devices, goods on approved passes, trucks that come."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from benchmarks.fault_run.sources import Named
from iot.barrier import device_key
from iot.register import NewDevice, register_device
from tests.wms.gate.world import VEHICLE_G, World, make_lane, make_pass, make_world, new_plate
from web.demo.yard.config import DeviceFile, LaneFile, Truck
from wms.db import Database, Scope
from wms.gate.service import register_vehicle
from wms.gate.tables import Lane
from wms.parties.private import give_keys, open_vault
from wms.parties.tables import Site
from wms.postgres import EmbeddedPostgres

ROLES = {
    "plate": ("gate", "zhenshi"),
    "scale": ("scale", "scale"),
    "loop": ("gate", "dongting"),
    "barrier": ("gate", "dongting"),
}
QTY = 10
STRANGERS = 4  # every so many trucks one comes without a pass


@dataclass(frozen=True)
class Ground:
    """The site, its lanes, their devices, the trucks of each phase and lane, and the sources of the background."""

    site: str
    item_id: int
    lanes: Sequence[LaneFile]
    devices: Mapping[str, DeviceFile]
    trucks: Sequence[Mapping[str, Sequence[Truck]]]
    sources: Sequence[Named]


def database_of(data: Path) -> Database:
    """The product's own view of the program's database."""
    database = Database(EmbeddedPostgres(data).urls.app, pool_size=4)
    give_keys(database, partial(open_vault, data))
    return database


def lay(
    database: Database, scope: Scope, secret_key: str, *, phases: int, trucks: int, sources: int, lanes: int = 2
) -> Ground:
    """Make everything; ``trucks`` for each phase and lane."""
    with database.unit_of_work(scope) as session:
        world = make_world(session, declared=2 * QTY * phases * trucks * lanes + 1000)
        more = [make_lane(session, world.shelf.site_id) for _ in range(lanes - 1)]
        site = session.get_one(Site, world.shelf.site_id)
        devices: dict[str, DeviceFile] = {}
        files = []
        for lane in (world.lane, *more):
            own = _devices_of(session, site, lane, secret_key)
            devices |= {one.code: one for one in own}
            files.append(LaneFile(lane.code, "E", {one.role: one.code for one in own}))
        coming = [
            {file.code: tuple(_truck(session, world, file.code, n) for n in range(trucks)) for file in files}
            for _ in range(phases)
        ]
        named = [_source(session, site, f"source-{n}", secret_key) for n in range(sources)]
        return Ground(site.code, world.shelf.trade_item_id, files, devices, coming, named)


def _devices_of(session: Session, site: Site, lane: Lane, secret_key: str) -> list[DeviceFile]:
    made = []
    for role, (family, fmt) in ROLES.items():
        code = lane.barrier_device if role == "barrier" else f"{role}-{lane.code}"
        assert code is not None
        filters = (f"device/{code}/#",) if fmt == "zhenshi" else ()
        _, token = register_device(
            session, NewDevice(code, site.id, family, fmt, lane=lane.code, topic_filters=filters), secret_key
        )
        own = f"wms/v1/{site.code}/{family}/{code}/event"
        topic = f"device/{code}/message/up/ivs_result" if fmt == "zhenshi" else own
        key = device_key(secret_key, code) if role == "barrier" else None
        made.append(DeviceFile(code, role, family, fmt, lane.code, token, topic, key))
    return made


def _source(session: Session, site: Site, code: str, secret_key: str) -> Named:
    _, token = register_device(session, NewDevice(code, site.id, "gate"), secret_key)
    return Named(code, token, "gate", site.code)


def _truck(session: Session, world: World, lane: str, n: int) -> Truck:
    if n % STRANGERS == STRANGERS - 1:
        plate = new_plate()
        register_vehicle(session, plate, tare_g=VEHICLE_G)
        return Truck("stranger", lane, "hold", plate, VEHICLE_G + 5_000_000)
    given = make_pass(session, world, qty=QTY)
    return Truck("approved", lane, "lift", given.vehicle_plate, given.total_weight_g)


def draw_of(seed: int) -> random.Random:
    """Chance that can be repeated."""
    return random.Random(seed)
