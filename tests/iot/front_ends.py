"""A lane whose barrier is a customs front end, and what a test says for it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iot import gather
from iot.devices import parse
from iot.devices.base import Message
from iot.doors.setup import DoorSettings, set_door
from iot.events import as_json
from tests.iot.world import Sender, make_device
from tests.wms.gate.world import World, make_pass, make_world
from wms.customs.tables import GatePass
from wms.db import Database, Scope
from wms.parties.tables import Site

AREA = "4912000001"
LONG = timedelta(minutes=10)


@dataclass
class Gate:
    """A lane whose barrier is a customs front end."""

    database: Database
    scope: Scope
    world: World
    front_end: Sender
    site_id: int
    numbers: int = 0

    def seq(self) -> str:
        self.numbers += 1
        return f"20261126{self.front_end.id:06d}{self.numbers:06d}"

    def question(
        self, gate_pass: GatePass | None = None, seq: str | None = None, *, weight_g: int | None = None,
        plate: str | None = None, **attributes: str,
    ) -> bytes:  # fmt: skip
        """A GATHER_INFO frame; what it says agrees with the pass."""
        plate = plate or (gate_pass.vehicle_plate if gate_pass else "湘F12345")
        grams = weight_g if weight_g is not None else gate_pass.total_weight_g if gate_pass else 20_000_000
        given = {
            "AREA_ID": AREA, "CHNL_NO": self.world.lane.code, "I_E_TYPE": "E", "SEQ_NO": seq or self.seq(),
        } | attributes  # fmt: skip
        head = " ".join(f'{name}="{value}"' for name, value in given.items())
        xml = (
            f'<?xml version="1.0" encoding="GB2312"?><GATHER_INFO {head}><WEIGHT><GROSS_WT>{grams / 1000:.3f}'
            f"</GROSS_WT></WEIGHT><CAR><VE_NAME>{plate}</VE_NAME></CAR></GATHER_INFO>"
        )
        return self.frame(gather.GATHER, xml, given)

    def report(self, event: str, seq: str, type_: int = gather.GATHER, **leaves: str) -> bytes:
        head = {"AREA_ID": AREA, "CHNL_NO": self.world.lane.code, "I_E_TYPE": "E", "SEQ_NO": seq}
        attributes = " ".join(f'{name}="{value}"' for name, value in head.items())
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in leaves.items())
        return self.frame(
            type_, f'<?xml version="1.0" encoding="GB2312"?><{event} {attributes}>{inner}</{event}>', head
        )

    def frame(self, type_: int, xml: str, head: dict[str, str]) -> bytes:
        return gather.encode(
            gather.Frame(
                type=type_,
                area_id=head["AREA_ID"],
                channel=head["CHNL_NO"],
                direction=head["I_E_TYPE"],
                xml=xml.encode("gb18030"),
            )
        )

    def ready_pass(self, **changes: Any) -> GatePass:
        with self.database.unit_of_work(self.scope) as session:
            made = make_pass(session, self.world, **changes)
            session.refresh(made)
            session.expunge(made)
        return made

    def one(self, query: Any) -> Any:
        with self.database.unit_of_work(self.scope) as session:
            found = session.scalars(query).one()
            session.expunge(found)
        return found


def make_gate(database: Database, scope: Scope, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Such a lane; for its door the clock stands still."""
    decided_at = datetime.now(UTC)  # a busy machine may take its time: for the door it stands still
    monkeypatch.setattr("iot.doors.frames._now", lambda: decided_at)
    monkeypatch.setattr("iot.doors.gathering.STALE_AFTER", LONG)
    with database.unit_of_work(scope) as session:
        world = make_world(session)
        site = session.get_one(Site, world.shelf.site_id)
        front_end = make_device(
            session, site, "gate", code=world.lane.barrier_device, format="gather", lane=world.lane.code
        )
        set_door(session, front_end.code, DoorSettings(source_address="127.0.0.1", area_id=AREA))
        for one in (world.lane, world.shelf, world.listed, world.line):
            session.refresh(one) if hasattr(one, "_sa_instance_state") else None
        session.expunge_all()
    return Gate(database, scope, world, front_end, site.id)


def said(frame: gather.Frame | None) -> dict[str, Any]:
    """What a result frame says."""
    assert frame is not None
    assert frame.type == gather.RESULT
    raw = gather.encode(frame)
    return as_json(parse("gather", Message(payload=raw))[0]) | {"xml": frame.xml.decode("gb18030")}
