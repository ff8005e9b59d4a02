"""``yard.json`` in the data folder: what the simulated yard must know, since it imports no room and reads no database.

.. code-block:: json

    {"format": "dongting.yard.v1", "site": "CLJ",
     "devices": [{"code": "cam-out1", "role": "plate", "family": "gate", "format": "zhenshi", "lane": "OUT1",
                  "token": "…", "topic": "device/cam-out1/message/up/ivs_result", "profile": {}}],
     "lanes": [{"code": "OUT1", "direction": "E",
                "devices": {"plate": "cam-out1", "scale": "scale-out1", "container": "ocr-out1", "loop": "loop-out1",
                            "barrier": "bar-out1"}}],
     "trucks": [{"story": "approved", "lane": "OUT1", "expect": "lift", "plate": "湘F10234", "weight_g": 23456000,
                 "containers": ["DTGU1234566"], "gate_pass": "Z4902E…", "tag": null}],
     "fence": [{"section": "N1", "sensor": "fence-n1"}],
     "temperature": [{"place": "F01", "sensor": "temp-f01", "setpoint_mdegc": -20000}]}

A device of role ``barrier`` also has ``"key"``: ``iot.barrier.device_key(settings.secret_key, code)``, with which its
commands are signed (without it the simulated controller refuses every command). Lanes are set up by
``wms.gate.service.add_lane`` with ``barrier_device`` and trucks by ``register_vehicle``; ``pause_s`` may be given.

``topic`` is where the device publishes its events; ``trucks`` stand in the order in which they come. A story is
``arrival`` (in, approved), ``approved``, ``wrong_plate``, ``heavy`` (9 % above its pass) or ``empty`` (no pass);
``expect`` is ``lift`` or the code of the hold. A barrier's device carries ``key``, which its commands are signed with.
The file is readable by its owner alone: it holds the devices' tokens.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from iot.barrier import device_key
from web.demo.gate import device_token, devices
from web.demo.notice import PASS_NO as NOTICE_PASS
from web.demo.passes import Truck, truck_of
from web.demo.read_data import document_of
from wms.customs.gate_pass_rules import split_containers
from wms.customs.tables import GatePass
from wms.gate.service import register_vehicle

DIVISION_G = 20_000
STRANGERS = {"wrong_plate": "DEMO-N-0101", "OUT1": "DEMO-N-0102", "OUT2": "DEMO-N-0103"}  # without a pass of their own
EXPECT = {"heavy": "weight_high", "wrong_plate": "plate_differs", "empty": "empty_needs_pass"}


def register_strangers(session: Session, seed: int) -> None:
    """Put the trucks that come without a pass of their own on the vehicle register."""
    for number in STRANGERS.values():
        truck = truck_of(seed, number)
        register_vehicle(session, truck.plate, tare_g=truck.tare_g)


def write_yard(session: Session, path: Path, *, secret_key: str, seed: int) -> None:
    """Write the file from the passes that stand open now."""
    gates = document_of("gates.json")
    content = {
        "format": "dongting.yard.v1",
        "site": gates["site"],
        "seed": seed,
        "pause_s": gates["pause_s"],
        "patience_s": gates["patience_s"],
        "devices": [_device(device, secret_key) for device in devices()],
        "lanes": [_lane(lane, gates["roles"]) for lane in gates["lanes"]],
        "trucks": list(trucks(session, seed)),
        "fence": [{"section": one["code"], "sensor": f"fence-{one['code'].lower()}"} for one in gates["fence"]],
        "temperature": [
            {"place": one["place"], "sensor": f"temp-{one['place'].lower()}", "setpoint_mdegc": one["setpoint_mdegc"]}
            for one in gates["temperature"]
        ],
    }
    draft = path.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
    draft.replace(path)


def _device(device: dict[str, Any], secret_key: str) -> dict[str, Any]:
    given = {name: device[name] for name in ("code", "role", "family", "format", "lane", "topic")}
    given["token"] = device_token(secret_key, device["code"])
    if device["role"] == "barrier":
        given["key"] = device_key(secret_key, device["code"])
    return given


def _lane(lane: dict[str, Any], roles: dict[str, Any]) -> dict[str, Any]:
    codes = {role: f"{kind['prefix']}-{lane['code'].lower()}" for role, kind in roles.items()}
    return {"code": lane["code"], "direction": lane["direction"], "devices": codes}


def trucks(session: Session, seed: int) -> Iterator[dict[str, Any]]:
    """All trucks in the order in which they come: each lane begins with another story."""
    found = session.scalars(
        select(GatePass)
        .where(GatePass.internal_no.startswith("DEMO-"), GatePass.state == "approved")
        .order_by(GatePass.internal_no)
    )
    by_story: dict[str, list[GatePass]] = {}
    for gate_pass in found:
        by_story.setdefault(gate_pass.internal_no[5], []).append(gate_pass)
    approved = by_story.get("A", [])
    heavy, wrong = by_story.get("H", []), by_story.get("W", [])
    yield from _lane_of("OUT1", approved[::2], "heavy", heavy, seed)
    yield from _lane_of("OUT2", approved[1::2], "wrong_plate", wrong, seed)
    for gate_pass in [*by_story.get("N", []), *by_story.get("E", [])]:
        story = "arrival" if gate_pass.internal_no == NOTICE_PASS else "empty_in"
        yield _truck(story, "IN1", gate_pass)


def _lane_of(
    lane: str, approved: list[GatePass], story: str, held: list[GatePass], seed: int
) -> Iterator[dict[str, Any]]:
    """An approved truck, the lane's own story, the empty one; then approved ones with a held one between."""
    stranger = truck_of(seed, STRANGERS["wrong_plate"])
    empty = truck_of(seed, STRANGERS[lane])
    for place, gate_pass in enumerate(approved):
        yield _truck("approved", lane, gate_pass)
        if held and place % 3 == 0:
            other = held[place // 3 % len(held)]
            yield _truck(story, lane, other, stranger if story == "wrong_plate" else None)
        if place % 4 == 0:
            yield _without_pass(lane, empty)


def _truck(story: str, lane: str, gate_pass: GatePass, stranger: Truck | None = None) -> dict[str, Any]:
    weight_g = gate_pass.total_weight_g * (109 if story == "heavy" else 100) // 100
    return {
        "story": story, "lane": lane, "expect": EXPECT.get(story, "lift"),
        "plate": stranger.plate if stranger else gate_pass.vehicle_plate,
        "weight_g": round(weight_g / DIVISION_G) * DIVISION_G,
        "containers": list(split_containers(gate_pass.container_no)), "gate_pass": gate_pass.pass_no, "tag": None,
    }  # fmt: skip


def _without_pass(lane: str, truck: Truck) -> dict[str, Any]:
    return {
        "story": "empty", "lane": lane, "expect": EXPECT["empty"], "plate": truck.plate, "weight_g": truck.tare_g,
        "containers": [], "gate_pass": None, "tag": None,
    }  # fmt: skip
