"""The zone's gate: lanes and their devices, fence sections and cameras, thermometers, the tolerance that holds."""

import hashlib
import hmac
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from iot.register import NewDevice, register_device
from web.demo.bulk import insert_rows
from web.demo.read_data import document_of
from wms.gate.service import NewLane, add_lane, set_tolerance
from wms.watch.tables import Camera, CameraLink, FenceSection

CAMERA_SITE = "4902005"  # customs office and site, first seven digits of a camera's code (customs reference, 4)


def device_token(secret_key: str, code: str) -> str:
    """The token of a demo device: the same at every start, told to nobody but ``yard.json``."""
    return hmac.new(secret_key.encode(), f"dongting demo device\0{code}".encode(), hashlib.sha256).hexdigest()


def devices() -> list[dict[str, Any]]:
    """Every device of the demo: code, role, family, format, lane, names, topic."""
    gates = document_of("gates.json")
    made = [
        _device(role, f"{kind['prefix']}-{lane['code'].lower()}", kind, lane["code"], lane)
        for lane in gates["lanes"]
        for role, kind in gates["roles"].items()
    ]
    for section in gates["fence"]:
        kind = {"family": "fence", "format": "dongting", "name_zh": "围网振动光纤", "name_en": "fence sensor"}
        made.append(_device("fence", f"fence-{section['code'].lower()}", kind, None, section))
    for place in gates["temperature"]:
        kind = {"family": "temp", "format": "dongting", "name_zh": "温度探头", "name_en": "thermometer"}
        made.append(_device("temperature", f"temp-{place['place'].lower()}", kind, None, place))
    return made


def _device(role: str, code: str, kind: dict[str, Any], lane: str | None, where: dict[str, Any]) -> dict[str, Any]:
    site = document_of("gates.json")["site"]
    topic = f"wms/v1/{site}/{kind['family']}/{code}/event"
    if kind["format"] == "zhenshi":
        topic = f"device/{code}/message/up/ivs_result"
    return {
        "code": code, "role": role, "family": kind["family"], "format": kind["format"], "lane": lane, "topic": topic,
        "name_zh": f"{where['name_zh']} {kind['name_zh']}", "name_en": f"{where['name_en']}, {kind['name_en']}",
    }  # fmt: skip


def enter_gate(session: Session, site_id: int, secret_key: str, now: datetime) -> dict[str, int]:
    """Set up lanes, devices, fence and the tolerance of 5 % or 100 kg; return lane ids by code."""
    gates = document_of("gates.json")
    lanes: dict[str, int] = {}
    for lane in gates["lanes"]:
        barrier = f"{gates['roles']['barrier']['prefix']}-{lane['code'].lower()}"
        lanes[lane["code"]] = add_lane(session, NewLane(site_id=site_id, barrier_device=barrier, **lane)).id
    for device in devices():
        new = NewDevice(
            device["code"], site_id, device["family"], device["format"], device["lane"], device["name_zh"],
            device["name_en"], (f"device/{device['code']}/#",) if device["format"] == "zhenshi" else (),
        )  # fmt: skip
        register_device(session, new, secret_key, device_token(secret_key, device["code"]))
    set_tolerance(session, from_at=now, share_bp=500, absolute_g=100_000)
    sections = [
        {**section, "site_id": site_id, "sensor": f"fence-{section['code'].lower()}"} for section in gates["fence"]
    ]
    section_ids = insert_rows(session, FenceSection, sections)
    camera_ids = insert_rows(session, Camera, _cameras(site_id, gates, section_ids))
    links = [{"camera_id": number, "lane": lane} for number, lane in zip(camera_ids, lanes, strict=False)]
    insert_rows(session, CameraLink, links)  # the cameras of the lanes come first
    return lanes


def _cameras(site_id: int, gates: dict[str, Any], section_ids: list[int]) -> list[dict[str, Any]]:
    """Cameras with 20 digits: office and site, 1 for customs, 10, 131, 35 for a comprehensive zone, place, number."""
    cameras: list[dict[str, Any]] = [_camera("gate", lane, f"cam-{lane['code'].lower()}") for lane in gates["lanes"]]
    for section, section_id in zip(gates["fence"], section_ids, strict=True):
        cameras.append(_camera("fence", section, None) | {"fence_section_id": section_id})
    return [
        camera | {"site_id": site_id, "camera_code": f"{CAMERA_SITE}1101313508{number:03d}"}
        for number, camera in enumerate(cameras, 1)
    ]


def _camera(place: str, where: dict[str, Any], device: str | None) -> dict[str, Any]:
    names = {"name_zh": f"{where['name_zh']} 监控", "name_en": f"{where['name_en']}, view"}
    return {**names, "place": place, "device": device, "fence_section_id": None}
