"""Sparkplug B 3.0: ``spBv1.0/{group}/{type}/{node}[/{device}]``, payloads in protobuf; births, data, deaths.

``seq`` counts 0 to 255 and around for one edge node; a death names its birth by ``bdSeq``; data may name a metric only
by the alias that the birth gave it. What was born, and the last number, is remembered for each node (:func:`compare`);
a gap or data without a birth asks the node for rebirth. Which metric is a weight, a loop or an alarm is said by the
device's profile: ``{"metrics": {name: {"kind": "weight", "unit": "kg", "stable": name of its flag}}}``.
"""

import math
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from iot.devices.base import GRAMS, Malformed, Message, Parsed, epoch, tidy, total
from iot.devices.manifest import Ask, Compared, Format, quality
from iot.events import (
    REPLAYED,
    TIME_UNKNOWN,
    DeviceStatus,
    Fault,
    FenceAlarm,
    LoopRead,
    Reading,
    TemperatureRead,
    WeightRead,
)

NAMESPACE = "spBv1.0"
TYPES = ("NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH")
STATES = {"NBIRTH": "online", "DBIRTH": "online", "NDEATH": "offline", "DDEATH": "offline"}
REBIRTH = "Node Control/Rebirth"
BOOLEAN = 11
SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
MAX_METRICS, SHOWN_METRICS, MAX_ALIASES, MAX_NODES, ASK_AGAIN = 2000, 50, 2000, 64, 100
_T = descriptor_pb2.FieldDescriptorProto
_PAYLOAD = (("timestamp", 1, _T.TYPE_UINT64), ("seq", 3, _T.TYPE_UINT64), ("uuid", 4, _T.TYPE_STRING))
_METRIC = (
    ("name", 1, _T.TYPE_STRING),
    ("alias", 2, _T.TYPE_UINT64),
    ("timestamp", 3, _T.TYPE_UINT64),
    ("datatype", 4, _T.TYPE_UINT32),
    ("is_historical", 5, _T.TYPE_BOOL),
    ("is_null", 7, _T.TYPE_BOOL),
)
_VALUES = (
    ("int_value", 10, _T.TYPE_UINT32),
    ("long_value", 11, _T.TYPE_UINT64),
    ("float_value", 12, _T.TYPE_FLOAT),
    ("double_value", 13, _T.TYPE_DOUBLE),
    ("boolean_value", 14, _T.TYPE_BOOL),
    ("string_value", 15, _T.TYPE_STRING),
    ("bytes_value", 16, _T.TYPE_BYTES),
)


def _schema() -> Any:
    """The message class of the payload: the fields of sparkplug_b.proto that are read here, the rest is skipped."""
    file = descriptor_pb2.FileDescriptorProto(name="dongting_sparkplug.proto", package="dongting", syntax="proto2")
    payload, metric = file.message_type.add(name="Payload"), file.message_type.add(name="Metric")
    for name, number, kind in _PAYLOAD:
        payload.field.add(name=name, number=number, type=kind, label=_T.LABEL_OPTIONAL)
    payload.field.add(
        name="metrics", number=2, type=_T.TYPE_MESSAGE, label=_T.LABEL_REPEATED, type_name=".dongting.Metric"
    )
    metric.oneof_decl.add(name="value")
    for name, number, kind in _METRIC:
        metric.field.add(name=name, number=number, type=kind, label=_T.LABEL_OPTIONAL)
    for name, number, kind in _VALUES:
        metric.field.add(name=name, number=number, type=kind, label=_T.LABEL_OPTIONAL, oneof_index=0)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("dongting.Payload"))


Payload: Any = _schema()
Aliases = Mapping[str, str]


@total
def parse(message: Message) -> Parsed:
    """Readings of the metrics that the profile knows, and the status that the message is."""
    return _read(message, {})


def _read(message: Message, aliases: Aliases) -> Parsed:
    kind, node, device = _address(message.topic)
    payload = Payload()
    try:
        payload.ParseFromString(message.payload)
    except DecodeError:
        raise Malformed("not_protobuf", f"{len(message.payload)} bytes") from None
    if kind != "NDEATH" and not (payload.HasField("seq") and payload.seq <= 255):
        raise Malformed("field_missing", "seq of 0 to 255")
    if kind in ("NBIRTH", "NDEATH") and _bd_seq(payload) is None:
        raise Malformed("field_missing", "bdSeq")
    if len(payload.metrics) > MAX_METRICS:
        raise Malformed("too_long", f"{len(payload.metrics)} metrics")
    name = f"{node}/{device}" if device else node
    readings = tuple(_metrics(message, payload, kind, name, aliases)) if kind not in ("NDEATH", "DDEATH") else ()
    if readings and kind not in STATES:
        return readings
    return (_status(payload, kind, name, aliases), *readings)


def _address(topic: str | None) -> tuple[str, str, str]:
    levels = (topic or "").split("/")
    if levels[0] != NAMESPACE or len(levels) not in (4, 5) or levels[2] not in TYPES:
        raise Malformed("not_this_format", "the topic is none of a Sparkplug node")
    if (len(levels) == 5) != (levels[2][0] == "D") or not all(levels):
        raise Malformed("bad_topic", (topic or "")[:80])
    return levels[2], tidy(f"{levels[1]}/{levels[3]}", "topic"), tidy(levels[4], "topic") if len(levels) == 5 else ""


def _bd_seq(payload: Any) -> int | None:
    for metric in payload.metrics:
        if metric.name == "bdSeq" and metric.WhichOneof("value") in ("long_value", "int_value"):
            return int(getattr(metric, metric.WhichOneof("value")))
    return None


def _value(metric: Any) -> Any:
    """A plain value; None for null, for bytes and for what is no number (NaN, infinity)."""
    which = metric.WhichOneof("value")
    if which is None or which == "bytes_value" or metric.is_null:
        return None
    value = getattr(metric, which)
    bits = SIGNED_BITS.get(metric.datatype) if which in ("int_value", "long_value") else None
    if bits is not None:
        value &= (1 << bits) - 1
        return value - (1 << bits) if value >> (bits - 1) else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _text(value, "value") if isinstance(value, str | bytes) else value


def _text(value: Any, name: str) -> str:
    """A string of a payload that is not UTF-8 comes out as bytes."""
    if not isinstance(value, str):
        raise Malformed("bad_text", f"{name} is not UTF-8")
    return tidy(value, name)


def _named(metric: Any, aliases: Aliases) -> str:
    if metric.name:
        return _text(metric.name, "metric name")
    return aliases.get(str(metric.alias)) or f"alias:{metric.alias}"


def _stamp(payload: Any, metric: Any = None) -> Any:
    millis = metric.timestamp if metric is not None and metric.HasField("timestamp") else payload.timestamp
    return epoch(float(millis)) if millis else None


def _key(payload: Any, kind: str, name: str, part: str) -> str:
    """seq alone comes round every 256 messages: the payload's time makes it one of its kind."""
    mark = _bd_seq(payload) if kind == "NDEATH" else payload.seq
    return f"{name}|{kind}|{mark}|{payload.timestamp}|{part}" if payload.timestamp or kind == "NDEATH" else ""


def _status(payload: Any, kind: str, name: str, aliases: Aliases) -> DeviceStatus:
    at, bd_seq = _stamp(payload), _bd_seq(payload)
    shown = {_named(one, aliases): _value(one) for one in list(payload.metrics)[:SHOWN_METRICS]}
    more: dict[str, Any] = {"type": kind, "metrics": shown}
    if payload.HasField("seq"):
        more["seq"] = payload.seq
    if bd_seq is not None:
        more["bd_seq"] = bd_seq
    return DeviceStatus(
        device=name,
        event_at=at,
        flags=() if at else (TIME_UNKNOWN,),
        key=_key(payload, kind, name, "status"),
        state=STATES.get(kind, "data"),
        boot=None if bd_seq is None else str(bd_seq),
        more=more,
    )


def _metrics(message: Message, payload: Any, kind: str, name: str, aliases: Aliases) -> Iterator[Reading | Fault]:
    """A reading for each value: a node that was cut off sends many of one metric, each with its own time."""
    wanted = message.profile.get("metrics")
    wanted = wanted if isinstance(wanted, dict) else {}
    values: dict[str, list[Any]] = {}
    for one in payload.metrics:
        values.setdefault(_named(one, aliases), []).append(one)
    for metric_name, metric, nth in ((name, one, n) for name, many in values.items() for n, one in enumerate(many, 1)):
        told = wanted.get(metric_name)
        if told is None and metric_name.rsplit("/", 1)[-1].lower() == "temperature":
            told = {"kind": "temperature"}
        value = _value(metric)
        if not isinstance(told, dict) or value is None:
            continue
        at = _stamp(payload, metric)
        common = {
            "device": name,
            "event_at": at,
            "flags": (*(() if at else (TIME_UNKNOWN,)), *((REPLAYED,) if metric.is_historical else ())),
            "key": _key(payload, kind, name, metric_name if nth == 1 else f"{metric_name}|{nth}"),
            "more": {"metric": metric_name},
        }
        flags = values.get(str(told.get("stable")), [])
        try:
            yield _reading(metric_name, value, told, common, is_stable=_is_stable(metric, flags))
        except Malformed as why:
            yield Fault(fault=why.code, detail=why.detail, device=name)


def _is_stable(metric: Any, flags: list[Any]) -> bool:
    """What the flag of the same instant says; without one, whether every flag of the message says so."""
    own = [one for one in flags if one.HasField("timestamp") and one.timestamp == metric.timestamp] or flags
    return bool(own) and all(_value(one) is True for one in own)


def _reading(name: str, value: Any, told: Mapping[str, Any], common: Any, *, is_stable: bool) -> Reading:
    kind = told.get("kind")
    if kind in ("loop", "alarm"):
        is_on = bool(value) is not bool(told.get("inverted"))
        if kind == "loop":
            return LoopRead(**common, loop=str(told.get("loop", name))[:64], is_occupied=is_on)
        return FenceAlarm(**common, rule=str(told.get("rule", name))[:64], active=is_on)
    if isinstance(value, str | bool):
        raise Malformed("wrong_type", f"{name} is not a number")
    if kind == "temperature":
        return TemperatureRead(**common, temperature_mdegc=_exact(value, Decimal(1000)))
    if kind == "weight":
        unit = str(told.get("unit", "kg"))
        if unit not in GRAMS:
            raise Malformed("bad_profile", f"metric {name}: unit {unit[:40]}")
        grams = _exact(value, GRAMS[unit])
        state = "zero" if grams == 0 else "minus" if grams < 0 else "weight"
        return WeightRead(**common, weight_g=grams, is_stable=is_stable, is_gross=told.get("gross"), state=state)
    raise Malformed("bad_profile", f"metric {name}: kind {str(kind)[:40]}")


def _exact(value: Any, factor: Decimal) -> int:
    scaled = Decimal(str(value)) * factor
    if abs(scaled) > 2**53:
        raise Malformed("wrong_type", "the number is beyond any device")
    return int(scaled.to_integral_value(ROUND_HALF_EVEN))


def rebirth(topic_node: str) -> Ask:
    """The command that asks an edge node (``group/node``) to tell its births again."""
    payload = Payload()
    metric = payload.metrics.add(name=REBIRTH, datatype=BOOLEAN)
    metric.boolean_value = True
    group, node = topic_node.split("/", 1)
    raw: bytes = payload.SerializeToString()
    return Ask(topic=f"{NAMESPACE}/{group}/NCMD/{node}", payload=raw, reason="rebirth_asked")


def compare(message: Message, results: Parsed, memory: Mapping[str, Any]) -> Compared:
    """Names for aliases, gaps in ``seq``, deaths of an earlier session; and rebirth where one is needed."""
    try:
        kind, node, _ = _address(message.topic)
        payload = Payload()
        payload.ParseFromString(message.payload)
    except (Malformed, DecodeError):
        return Compared(results=results, memory=memory)
    known = dict(memory.get(node) or {})
    if kind == "NDEATH":
        return _death(node, known, _bd_seq(payload), results, memory)
    if not payload.HasField("seq") or payload.seq > 255:
        return Compared(results=results, memory=memory)
    seq = int(payload.seq)
    if kind == "NBIRTH":
        known = {"bd_seq": _bd_seq(payload), "seq": seq, "aliases": {}, "online": True}
    aliases = {**known.get("aliases", {}), **_aliases(payload, kind)}
    read = total(lambda one: _read(one, aliases))(message)
    told: list[Any] = list(read)
    asks: tuple[Ask, ...] = ()
    if kind != "NBIRTH":
        expected = None if known.get("seq") is None else (known["seq"] + 1) % 256
        if seq == known.get("seq"):
            return Compared(results=tuple(told), memory=memory)  # the same message again
        if not known.get("online") or seq != expected:
            waited = known.get("waited", 0)
            if expected is not None and seq != expected:
                told.append(_gap(node, expected, seq))
            asks = (rebirth(node),) if waited % ASK_AGAIN == 0 else ()
            known["waited"] = waited + 1
    kept = dict(list(aliases.items())[:MAX_ALIASES])
    return Compared(results=tuple(told), memory=_with(memory, node, {**known, "seq": seq, "aliases": kept}), asks=asks)


def _aliases(payload: Any, kind: str) -> dict[str, str]:
    if kind not in ("NBIRTH", "DBIRTH"):
        return {}
    return {
        str(one.alias): _text(one.name, "metric name")
        for one in list(payload.metrics)[:MAX_METRICS]
        if one.name and one.HasField("alias")
    }


def _gap(node: str, expected: int, seq: int) -> DeviceStatus:
    more = {"expected_seq": expected, "seq": seq}
    return DeviceStatus(device=node, flags=(TIME_UNKNOWN,), state="gap", more=more)


def _death(
    node: str, known: dict[str, Any], bd_seq: int | None, results: Parsed, memory: Mapping[str, Any]
) -> Compared:
    """A death that names another birth than the last is the will of a session that is over already."""
    if known.get("bd_seq") not in (None, bd_seq):
        stale = tuple(
            DeviceStatus(**{**vars(one), "state": "stale_death"}) if isinstance(one, DeviceStatus) else one
            for one in results
        )
        return Compared(results=stale, memory=memory)
    return Compared(results=results, memory=_with(memory, node, {**known, "online": False}))


def _with(memory: Mapping[str, Any], node: str, known: Mapping[str, Any]) -> dict[str, Any]:
    others = {name: value for name, value in memory.items() if name != node}
    return {**dict(list(others.items())[-MAX_NODES:]), node: dict(known)}


FORMAT = Format(
    name="sparkplug",
    version=2,
    parse=parse,
    title="Sparkplug B 3.0 (births, data, deaths)",
    makers="PLC gateways and edge nodes of many makers",
    transports=("mqtt",),
    topics=("spBv1.0/{group}/{type}/{node}", "spBv1.0/{group}/{type}/{node}/{device}"),
    key="node, message type, seq, timestamp and metric; a death by its bdSeq",
    time="the metric's timestamp in epoch milliseconds, else the payload's",
    qos="data QoS 0, deaths as last wills QoS 1; a gap in seq asks for rebirth",
    is_best_effort=True,
    compare=compare,
    quality=quality(
        unread="no plates in this format", public_sample="none at hand; made from the specification's protobuf"
    ),
)
