"""Our own envelope, version 1: plates, containers, weights, tags, seals, loops, barriers, alarms, temperatures, status.

``{"v":1,"id":…,"device":…,"kind":…,"type":…,"seq":…,"boot":…,"ts":…,"ts_q":…,"replay":…,"data":{…},"media":[…]}``;
a status message and a command's result may come bare (``{"online":true,"boot":…}``, ``{"cmd_id":…,"result":…}``).
Weights are sent as ``weight_g``, temperatures as ``temperature_mdegc``: integers of the smallest unit.
"""

from collections.abc import Callable, Mapping
from typing import Any

from iot import topics
from iot.devices.base import (
    Malformed,
    Message,
    Parsed,
    child,
    flag,
    instant,
    items,
    load_object,
    number,
    percent,
    plate_of,
    required,
    text,
    tidy,
    total,
    whole,
)
from iot.devices.manifest import Format, quality
from iot.events import (
    DIRECTIONS,
    REPLAYED,
    TIME_UNKNOWN,
    BarrierRead,
    CommandResult,
    ContainerRead,
    DeviceStatus,
    Envelope,
    FenceAlarm,
    LoopRead,
    PlateRead,
    Reading,
    SealRead,
    TagRead,
    TemperatureRead,
    VideoEvent,
    WeightRead,
)
from wms.codes import containers

RESULTS = ("accepted", "opened", "passed", "closed", "refused")
BARRIER_STATES = ("CLOSED", "OPENING", "OPEN", "CLOSING", "FAULT", "UNKNOWN")
WEIGHT_STATES = ("weight", "zero", "minus", "overload", "fault")
MAX_SEQ = 2**53
Common = Mapping[str, Any]


@total
def parse(message: Message) -> Parsed:
    """Readings of one envelope; a bare status or command result counts by the leaf of its topic."""
    body = load_object(message.payload)
    topic = topics.parse(message.topic) if message.topic else None
    if topic and topic.leaf == topics.STATUS:
        return (_status(body, _common(body, topic)),)
    if topic and topic.leaf == topics.CMD_RESULT:
        return (_result(body, _common(body, topic)),)
    if body.get("v") != 1:
        raise Malformed("wrong_version", str(body.get("v"))[:40])
    common = _common(body, topic)
    if not common["device"]:
        raise Malformed("field_missing", "device")
    envelope_of(body)
    kind, type_ = required(body, "kind"), required(body, "type")
    if topic and kind != topic.family:
        raise Malformed("kind_is_not_the_topics", f"{kind} on {topic.family}")
    reader = READERS.get((kind, type_))
    if reader is None:
        raise Malformed("unknown_type", f"{kind}/{type_}")
    return reader(child(body, "data"), common)


def envelope_of(body: Mapping[str, Any]) -> Envelope:
    """The message's own id, counter, start and replay mark. Raises :class:`Malformed` when one of them is broken."""
    seq = whole(body, "seq")
    if seq is not None and not 0 <= seq < MAX_SEQ:
        raise Malformed("bad_seq", str(seq))
    boot = text(body, "boot")
    if (seq is None) != (boot is None) and "online" not in body:
        raise Malformed("field_missing", "seq and boot go together")
    message_id = body.get("id")
    if message_id is not None and not isinstance(message_id, str):
        raise Malformed("bad_id", "id is not a text")
    if message_id:
        tidy(message_id, "id")
    return Envelope(message_id=message_id, boot=boot, seq=seq, is_replay=flag(body, "replay") or False)


def _common(body: Mapping[str, Any], topic: topics.Topic | None) -> Common:
    device = text(body, "device") or (topic.device if topic else None)
    if topic and device != topic.device:
        raise Malformed("device_is_not_the_topics", f"{device} on {topic.device}")
    at, finer, flags = None, None, []
    if text(body, "ts"):
        at, finer = instant(required(body, "ts"))
    if at is None or text(body, "ts_q") == "none":
        flags.append(TIME_UNKNOWN)
    if flag(body, "replay"):
        flags.append(REPLAYED)
    media = tuple(entry for entry in items(body, "media") if isinstance(entry, dict))
    more = {"media": list(media)} if media else {}
    key = "|".join(str(body.get(name, "")) for name in ("device", "boot", "seq", "id")) if body.get("id") else ""
    return {
        "device": device,
        "event_at": at,
        "event_at_text": finer,
        "flags": tuple(flags),
        "key": key,
        "more": more,
    }


def _with(common: Common, suffix: str, **more: Any) -> dict[str, Any]:
    """``common`` for one of several readings of a message: a key of its own, and what the type adds."""
    key = f"{common['key']}|{suffix}" if common["key"] and suffix else common["key"]
    return {
        **common,
        "key": key,
        "more": {**common["more"], **{k: v for k, v in more.items() if v is not None}},
    }


def _confidence(data: Mapping[str, Any]) -> float | None:
    return percent(number(data, "confidence_pct"))


def _plate(data: Mapping[str, Any], common: Common) -> Parsed:
    raw = data.get("plate") or ""
    if not isinstance(raw, str):
        raise Malformed("wrong_type", "plate is not a text")
    plate = plate_of(tidy(raw, "plate"))
    direction = text(data, "direction") or "unknown"
    return (
        PlateRead(
            **_with(common, ""),
            plate=plate,
            plate_raw=raw,
            unread=plate is None,
            confidence_pct=_confidence(data),
            direction=direction if direction in DIRECTIONS else "unknown",
            lane=text(data, "lane"),
            position=text(data, "position"),
            colour=text(data, "colour"),
            vehicle_class=text(data, "vehicle_class"),
            candidates=tuple(tidy(str(one), "candidates") for one in items(data, "candidates")[:20]),
        ),
    )


def _container(data: Mapping[str, Any], common: Common) -> Parsed:
    found = items(data, "containers") or [data]
    if len(found) > 8 or not all(isinstance(one, dict) for one in found):
        raise Malformed("wrong_type", "containers")
    return tuple(_one_container(one, _with(common, str(place)), data) for place, one in enumerate(found))


def _one_container(one: Mapping[str, Any], common: Common, data: Mapping[str, Any]) -> Reading:
    raw = text(one, "number") or ""
    number_ = containers.normalise(raw) or None
    return ContainerRead(
        **common,
        number=number_,
        number_raw=raw,
        unread=number_ is None,
        check_digit_ok=number_ is not None and containers.check(number_),
        iso_type=text(one, "iso_type"),
        confidence_pct=_confidence(one),
        position=text(one, "position"),
        lane=text(data, "lane"),
    )


def _weight(data: Mapping[str, Any], common: Common) -> Parsed:
    state = text(data, "state") or "weight"
    weight_g = whole(data, "weight_g")
    if state not in WEIGHT_STATES or (state == "weight" and weight_g is None):
        raise Malformed("field_missing" if weight_g is None else "wrong_type", "weight_g and state")
    return (
        WeightRead(
            **_with(common, "", axles=whole(data, "axles")),
            weight_g=weight_g,
            is_stable=flag(data, "stable") or False,
            is_gross=flag(data, "gross"),
            state=state,
            division_g=whole(data, "division_g"),
            lane=text(data, "lane"),
        ),
    )


def _tag(data: Mapping[str, Any], common: Common) -> Parsed:
    epc, tid = text(data, "epc"), text(data, "tid")
    if not epc and not tid:
        raise Malformed("field_missing", "epc or tid")
    return (
        TagRead(
            **_with(common, ""),
            epc=epc and epc.upper(),
            tid=tid and tid.upper(),
            antenna=whole(data, "antenna"),
            rssi_cdbm=whole(data, "rssi_cdbm"),
            count=whole(data, "count"),
            lane=text(data, "lane"),
        ),
    )


def _seal(data: Mapping[str, Any], common: Common) -> Parsed:
    return (
        SealRead(
            **_with(common, "", seal_key=text(data, "key")),
            seal="".join(required(data, "seal").upper().split()),
            is_intact=flag(data, "intact"),
            rssi_cdbm=whole(data, "rssi_cdbm"),
            lane=text(data, "lane"),
        ),
    )


def _loop(data: Mapping[str, Any], common: Common) -> Parsed:
    occupied = flag(data, "occupied")
    if occupied is None:
        raise Malformed("field_missing", "occupied")
    return (LoopRead(**_with(common, ""), loop=required(data, "loop"), is_occupied=occupied, lane=text(data, "lane")),)


def _barrier(data: Mapping[str, Any], common: Common) -> Parsed:
    state = required(data, "state").upper()
    if state not in BARRIER_STATES:
        raise Malformed("unknown_state", state)
    return (
        BarrierRead(
            **_with(common, "", cause=text(data, "cause")),
            state=state,
            cmd_id=text(data, "cmd_id"),
            lane=text(data, "lane"),
        ),
    )


def _alarm(data: Mapping[str, Any], common: Common) -> Parsed:
    active = flag(data, "active")
    return (
        FenceAlarm(
            **_with(common, ""),
            rule=text(data, "rule") or "",
            active=True if active is None else active,
            section=text(data, "section"),
            object_id=text(data, "object_id"),
            object_class=text(data, "object_class"),
        ),
    )


def _video(data: Mapping[str, Any], common: Common) -> Parsed:
    return (
        VideoEvent(
            **_with(common, "", clip=text(data, "clip")),
            phase=required(data, "phase"),
            object_id=text(data, "object_id"),
            object_class=text(data, "object_class"),
            zones=tuple(tidy(str(zone), "zones") for zone in items(data, "zones")[:50]),
            score=number(data, "score"),
        ),
    )


def _temperature(data: Mapping[str, Any], common: Common) -> Parsed:
    temperature = whole(data, "temperature_mdegc")
    if temperature is None:
        raise Malformed("field_missing", "temperature_mdegc")
    return (
        TemperatureRead(
            **_with(common, ""),
            temperature_mdegc=temperature,
            humidity_mpct=whole(data, "humidity_mpct"),
            battery_pct=whole(data, "battery_pct"),
            place=text(data, "place"),
        ),
    )


def _status(body: Mapping[str, Any], common: Common) -> Reading:
    envelope_of(body)
    online = flag(body, "online")
    if online is None:
        raise Malformed("field_missing", "online")
    return DeviceStatus(
        **_with(common, "", reason=text(body, "reason")),
        state="online" if online else "offline",
        boot=text(body, "boot"),
        battery_pct=whole(body, "battery_pct"),
    )


def _result(body: Mapping[str, Any], common: Common) -> Reading:
    envelope_of(body)
    data = child(body, "data") or body
    result = required(data, "result")
    if result not in RESULTS:
        raise Malformed("unknown_result", result)
    return CommandResult(
        **_with(common, ""),
        cmd_id=required(data, "cmd_id"),
        result=result,
        reason=text(data, "reason"),
        lane=text(data, "lane"),
    )


READERS: Mapping[tuple[str, str], Callable[[Mapping[str, Any], Common], Parsed]] = {
    ("gate", "plate"): _plate,
    ("gate", "container"): _container,
    ("gate", "loop"): _loop,
    ("gate", "barrier"): _barrier,
    ("gate", "tag"): _tag,
    ("scale", "weight"): _weight,
    ("scale", "loop"): _loop,
    ("rfid", "tag"): _tag,
    ("gate", "seal"): _seal,
    ("rfid", "seal"): _seal,
    ("fence", "alarm"): _alarm,
    ("video", "event"): _video,
    ("video", "plate"): _plate,
    ("temp", "temperature"): _temperature,
}

FORMAT = Format(
    name="dongting",
    version=1,
    parse=parse,
    title="Dongting envelope, version 1",
    transports=("mqtt", "http"),
    topics=("wms/v1/{site}/{family}/{device}/event", "…/status", "…/cmd/result"),
    makers="Dongting and controllers that speak its envelope",
    key="device, boot, seq and id",
    time="ts with its offset; ts_q none: ours at receipt",
    qos="QoS 1, event not retained, status retained with a last will",
    heartbeat_s=60,
    quality=quality(public_sample="our own format; made here"),
)
