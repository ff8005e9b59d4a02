"""A site with one lane out, its registered devices, and the whole ingest process in a thread of the test."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from iot.barrier import device_key
from iot.ingest import Ingest
from iot.link import pair
from iot.parser import Parser, ParserEnd, parser_pair
from iot.reader import Reader
from iot.register import NewDevice, register_device
from tests.iot.doors import until
from tests.wms.gate.world import World
from web.demo.yard.config import DeviceFile, LaneFile, Truck, YardFile
from wms.db import Database, Scope
from wms.parties.tables import Site
from wms.settings import Settings, load_settings

SECRET = "a secret of at least thirty-two characters"
ROLES = {
    "plate": ("gate", "zhenshi"),
    "scale": ("scale", "scale"),
    "container": ("gate", "dongting"),
    "loop": ("gate", "dongting"),
    "barrier": ("gate", "dongting"),
}


@dataclass(frozen=True)
class Yard:
    """The devices of one lane as yard.json would name them."""

    site: str
    lane: LaneFile
    devices: dict[str, DeviceFile]

    def file(self, trucks: list[Truck], **changes: Any) -> YardFile:
        given: dict[str, Any] = {"fence": (), "temperature": (), "pause_s": 0.3, "seed": 1, "patience_s": 4.0}
        return YardFile(self.site, self.devices, (self.lane,), tuple(trucks), **(given | changes))


def register_lane(session: Session, world: World) -> Yard:
    """Register a device of each role for the world's lane; the barrier under the name that the lane commands."""
    site = session.get_one(Site, world.shelf.site_id)
    world.lane.needs_container = True
    devices: dict[str, DeviceFile] = {}
    for role, (family, fmt) in ROLES.items():
        code = world.lane.barrier_device if role == "barrier" else f"{role}-{world.lane.code}-{site.code}"
        assert code is not None
        filters = (f"device/{code}/#",) if fmt == "zhenshi" else ()
        new = NewDevice(code, site.id, family, fmt, lane=world.lane.code, topic_filters=filters)
        _, token = register_device(session, new, SECRET)
        topic = (
            f"device/{code}/message/up/ivs_result" if fmt == "zhenshi" else f"wms/v1/{site.code}/{family}/{code}/event"
        )
        key = device_key(SECRET, code) if role == "barrier" else None
        devices[role] = DeviceFile(code, role, family, fmt, world.lane.code, token, topic, key)
    lane = LaneFile(world.lane.code, "E", {role: device.code for role, device in devices.items()})
    return Yard(site.code, lane, {device.code: device for device in devices.values()})


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ingest_settings(tenant: int, url: str, folder: Path) -> Settings:
    """Settings of an ingest process for this test's tenant."""
    return load_settings(
        {
            "DONGTING_DATA": str(folder),
            "DONGTING_DATABASE_URL": url,
            "DONGTING_SECRET_KEY": SECRET,
            "DONGTING_TENANT": str(tenant),
            "DONGTING_MQTT_PORT": str(free_port()),
        }
    )


@contextmanager
def running_ingest(settings: Settings, database: Database) -> Iterator[None]:
    """The three parts of ingest, each in a thread, ended when the block ends."""
    from iot import barrier

    os.environ["DONGTING_SECRET_KEY"] = SECRET
    barrier._installation_secret.cache_clear()
    scope, (doors, readers) = Scope.system(settings.tenant_id), pair()
    ours, parsers = parser_pair()
    ingest = Ingest(settings, database, scope, doors)
    reader = Reader(settings, database, scope, readers, ParserEnd(ours))
    parser = Parser(settings, database, scope, readers.wake, parsers)
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(ingest.serve(stop)), daemon=True)
    reading = threading.Thread(target=reader.serve, daemon=True)
    parsing = threading.Thread(target=parser.serve, daemon=True)
    thread.start()
    reading.start()
    parsing.start()
    try:
        until(lambda: _listens(settings.mqtt_port), 60)
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        doors.stop()
        reading.join(20)
        parsing.join(20)
        readers.close()
        ours.close()
        loop.close()
        del os.environ["DONGTING_SECRET_KEY"]
        barrier._installation_secret.cache_clear()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
