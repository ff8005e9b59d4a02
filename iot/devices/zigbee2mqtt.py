"""Zigbee2MQTT: ``zigbee2mqtt/{name}`` with a state, ``zigbee2mqtt/{name}/availability`` with a presence.

**contact true means closed.** What comes is a state, sent again and again and often retained, not an event: the edges
are found by comparing with the state before (:func:`compare`); the raw bytes are kept as always. Identical bytes are
a new observation, because closed, open, closed looks like closed, closed where the time is left out.
"""

import json
from collections.abc import Mapping
from typing import Any

from iot.devices.base import (
    Malformed,
    Message,
    Parsed,
    climate,
    epoch,
    flag,
    instant,
    load_object,
    number,
    tidy,
    total,
    whole,
)
from iot.devices.manifest import Compared, Format, quality
from iot.events import DEVICE_UNKNOWN, TIME_UNKNOWN, DeviceStatus, FenceAlarm, Reading, TemperatureRead

PREFIX = "zigbee2mqtt"
# The state's name → whether true is the alarm (a contact that is true is closed).
EDGES = {
    "contact": False,
    "vibration": True,
    "tamper": True,
    "occupancy": True,
    "water_leak": True,
    "smoke": True,
    "battery_low": True,
}
KNOWN = EDGES.keys() | {"temperature", "humidity", "linkquality", "battery", "voltage", "action"}
PRESENCES = ("online", "offline")
MAX_NAMES = 500


@total
def parse(message: Message) -> Parsed:
    """Every state of the message, each as it stands; which of them are edges is a matter of comparison."""
    name, leaf = _name(message.topic)
    if leaf == "availability" or name == "bridge/state":
        return (_presence(name, message),)
    body = load_object(message.payload)
    if not body.keys() & KNOWN:
        raise Malformed("not_this_format", "no state that is known")
    common = _common(body, name)
    stamp = common["key"]
    found: list[Reading] = []
    for state, alarming in EDGES.items():
        value = flag(body, state)
        if value is not None:
            kept = {**common, "key": f"{stamp}|{state}" if stamp else "", "more": {"state": value}}
            found.append(FenceAlarm(**kept, rule=state, active=value is alarming, section=name))
    measured = climate(body)
    if measured is not None:
        kept = {**common, "key": f"{stamp}|climate" if stamp else ""}
        found.append(
            TemperatureRead(
                **kept, temperature_mdegc=measured[0], humidity_mpct=measured[1], battery_pct=_battery(body), place=name
            )
        )
    return tuple(found) or (_status(body, common),)


def _name(topic: str | None) -> tuple[str | None, str]:
    """The device's friendly name, which may hold slashes, and ``availability`` where the topic ends with it."""
    levels = (topic or "").split("/")
    if topic is None:
        return None, ""
    if len(levels) > 1 and levels[0] == PREFIX:
        levels = levels[1:]
    leaf = levels.pop() if len(levels) > 1 and levels[-1] == "availability" else ""
    return tidy("/".join(levels), "topic") or None, leaf


def _common(body: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """``last_seen`` is off, an ISO time or epoch milliseconds, as the bridge is set."""
    seen = body.get("last_seen")
    at, finer = instant(seen) if isinstance(seen, str) and seen else (None, None)
    if at is None and isinstance(seen, int | float) and not isinstance(seen, bool):
        at = epoch(number(body, "last_seen") or 0)
    flags = (*(() if at else (TIME_UNKNOWN,)), *(() if name else (DEVICE_UNKNOWN,)))
    key = f"{name}|{seen}" if at and name else ""
    return {"device": name, "event_at": at, "event_at_text": finer, "flags": flags, "key": key}


def _battery(body: Mapping[str, Any]) -> int | None:
    """Per cent; what a sensor sends of itself beside its state never spoils the state."""
    level = body.get("battery")
    if isinstance(level, bool) or not isinstance(level, int | float):
        return None
    return round(level) if 0 <= level <= 100 else None


def _status(body: Mapping[str, Any], common: dict[str, Any]) -> DeviceStatus:
    more = {"linkquality": whole(body, "linkquality")}
    kept = {**common, "key": f"{common['key']}|state" if common["key"] else ""}
    return DeviceStatus(**kept, state="state", battery_pct=_battery(body), more=more)


def _presence(name: str | None, message: Message) -> DeviceStatus:
    said = message.payload.decode("utf-8", "replace").strip()
    if said.startswith("{"):
        said = str(load_object(message.payload).get("state"))
    if said not in PRESENCES:
        raise Malformed("unknown_state", said[:40])
    flags = (TIME_UNKNOWN, *(() if name else (DEVICE_UNKNOWN,)))
    return DeviceStatus(device=name, flags=flags, state=said)


def compare(message: Message, results: Parsed, memory: Mapping[str, Any]) -> Compared:
    """Edges stay alarms, what did not change becomes one status; a first sight counts only when it is an alarm."""
    name, _ = _name(message.topic)
    if not any(isinstance(one, FenceAlarm) for one in results):
        return Compared(results=results, memory=memory)
    known: dict[str, bool] = dict(memory.get(name or "") or {})
    edges: list[Any] = []
    same: list[FenceAlarm] = []
    for one in results:
        if not isinstance(one, FenceAlarm):
            edges.append(one)
        elif one.active != known.get(one.rule, False):
            edges.append(one)
            known[one.rule] = one.active
        else:
            same.append(one)
            known[one.rule] = one.active
    if same and not edges:
        first = same[0]
        states = {one.rule: one.more["state"] for one in same}
        edges.append(
            DeviceStatus(
                device=first.device,
                event_at=first.event_at,
                event_at_text=first.event_at_text,
                flags=first.flags,
                key=first.key and f"{first.key.rsplit('|', 1)[0]}|unchanged",
                state="unchanged",
                battery_pct=_battery(json.loads(message.payload)),
                more={"states": states},
            )
        )
    others = {key: value for key, value in memory.items() if key != (name or "")}
    return Compared(results=tuple(edges), memory={**dict(list(others.items())[-MAX_NAMES:]), name or "": known})


FORMAT = Format(
    name="zigbee2mqtt",
    version=1,
    parse=parse,
    title="Zigbee2MQTT (contact, vibration, tamper, climate, availability)",
    makers="Zigbee sensors of many makers behind Zigbee2MQTT",
    transports=("mqtt",),
    topics=("zigbee2mqtt/{name}", "zigbee2mqtt/{name}/availability"),
    key="name, last_seen and the state's name; without last_seen each message is an observation of its own",
    time="last_seen where the bridge sends it, else ours at receipt",
    qos="QoS 0 by default, states often retained",
    repeats=True,
    is_best_effort=True,
    compare=compare,
    quality=quality(
        backfill="the bridge sends states, not what it held back; retained states are flagged",
        unread="no plates in this format",
        public_sample="none at hand; made from the maker's description",
    ),
)
