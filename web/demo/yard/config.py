"""``yard.json`` as the yard reads it; the layout is told in ``web/demo/yard_file.py``.

Beyond that layout: a barrier's entry in ``devices`` carries ``key``, the key that its commands are signed with, and a
device may have ``clock_s``, by how many seconds its own clock is ahead of the true time (negative: behind);
``pause_s`` is the least time between two trucks of a lane in seconds, ``patience_s`` how long a driver waits at a
closed barrier before backing out, and ``seed`` makes the noise repeatable.

A run whose truth is compared with the books afterwards sets ``journal`` (a file name beside ``yard.json``: the truth,
one JSON object a line), ``once`` (each truck comes once, then the yard ends) and ``paced`` (a device waits for the
broker's acknowledgement before the truck moves on, so that a slow machine changes no order). What a truck may play
beyond driving through stands in :data:`PLAYS`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PLAYS = (
    "no_plate",  # the camera reads nothing
    "old_plate",  # the camera sends the plate only as backfill
    "no_weight",  # the scale never comes to rest
    "no_container",  # the container reader stays silent
    "doubled",  # every message comes twice, and an old one of the vehicle before
    "mute_barrier",  # the controller takes the command and does nothing
    "stuck_barrier",  # the controller accepts the command and its arm does not rise
    "tailgated",  # another vehicle follows through the same opening
    "runs_through",  # drives on while the barrier is down
    "by_hand",  # somebody opens the barrier by hand, without a command
)


@dataclass(frozen=True)
class DeviceFile:
    """One device: who it is to the broker, where it publishes, and for a barrier the key of its commands."""

    code: str
    role: str
    family: str
    format: str
    lane: str | None
    token: str
    topic: str
    key: str | None = None
    clock_s: float = 0.0


@dataclass(frozen=True)
class Truck:
    """A vehicle that comes, and what should become of it: ``lift`` or the code of the hold. Weight in grams.

    ``plays`` are of :data:`PLAYS`; ``follower`` is the plate of the vehicle that tailgates it.
    """

    story: str
    lane: str
    expect: str
    plate: str
    weight_g: int
    containers: tuple[str, ...] = ()
    tag: str | None = None
    plays: tuple[str, ...] = ()
    follower: str | None = None


@dataclass(frozen=True)
class LaneFile:
    """A lane and its devices by role."""

    code: str
    direction: str
    devices: Mapping[str, str]


@dataclass(frozen=True)
class YardFile:
    """All of ``yard.json``."""

    site: str
    devices: Mapping[str, DeviceFile]
    lanes: tuple[LaneFile, ...]
    trucks: tuple[Truck, ...]
    fence: tuple[Mapping[str, Any], ...]
    temperature: tuple[Mapping[str, Any], ...]
    pause_s: float
    seed: int
    patience_s: float = 20.0
    journal: Path | None = None
    once: bool = False
    paced: bool = False


def read_yard(path: Path) -> YardFile:
    """Read the file; raises OSError, ValueError, KeyError with the fault."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    return YardFile(
        site=raw["site"],
        devices={one["code"]: _device(raw["site"], one) for one in raw["devices"]},
        lanes=tuple(LaneFile(one["code"], one["direction"], one["devices"]) for one in raw["lanes"]),
        trucks=tuple(_truck(one) for one in raw["trucks"]),
        fence=tuple(raw.get("fence", ())),
        temperature=tuple(raw.get("temperature", ())),
        pause_s=float(raw.get("pause_s", 6.0)),
        seed=int(raw.get("seed", 2020)),
        patience_s=float(raw.get("patience_s", 20.0)),
        journal=path.parent / raw["journal"] if raw.get("journal") else None,
        once=bool(raw.get("once", False)),
        paced=bool(raw.get("paced", False)),
    )


def _device(site: str, one: Mapping[str, Any]) -> DeviceFile:
    own = f"wms/v1/{site}/{one['family']}/{one['code']}/event"
    return DeviceFile(
        one["code"], one["role"], one["family"], one["format"], one.get("lane"), one["token"],
        one.get("topic") or own, one.get("key"), float(one.get("clock_s", 0.0)),
    )  # fmt: skip


def _truck(one: Mapping[str, Any]) -> Truck:
    return Truck(
        one["story"], one["lane"], one["expect"], one["plate"], int(one["weight_g"]),
        tuple(one.get("containers") or ()), one.get("tag"), _plays(one), one.get("follower"),
    )  # fmt: skip


def _plays(one: Mapping[str, Any]) -> tuple[str, ...]:
    plays = tuple(one.get("plays") or ())
    if unknown := set(plays) - set(PLAYS):
        raise ValueError(f"unknown play {', '.join(sorted(unknown))}")
    return plays


def broker_address(url: str) -> tuple[str, int]:
    """Host and port of an MQTT URL."""
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 1883
