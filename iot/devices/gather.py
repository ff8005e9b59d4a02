"""Customs front ends (卡口前端): GATHER_INFO and its relatives, as binary frames with XML in GB2312 or as JSON.

One message tells all that the lane's equipment knows of one vehicle: each block gives its reading, and one status
carries what is no reading (IC card, seal, bar code, pictures). SEQ_NO tells messages apart and is echoed in the answer
(:func:`question_of`); the time is ours at receipt, because the message has none.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial
from typing import Any
from xml.etree.ElementTree import Element

from iot import gather
from iot.devices.base import (
    Malformed,
    Message,
    Parsed,
    child,
    load_object,
    load_xml,
    plate_of,
    required,
    text,
    tidy,
    total,
    whole,
)
from iot.devices.manifest import Format, quality
from iot.events import TIME_UNKNOWN, ContainerRead, DeviceStatus, Fault, PlateRead, Reading, TagRead, WeightRead
from wms.codes import containers

Node = Mapping[str, Any]
PLATES = (("CAR", "VE_NAME", "front"), ("TRAILER", "TR_NAME", "trailer"), ("VENOIDENTIFY", "VIVE_NAME", None))
ENDS = (("F", "front"), ("B", "back"))
TAGS = (("CAR", "CAR_EC_NO"), ("CAR", "CAR_EC_NO2"), ("TRAILER", "TR_EC_NO"), ("SEAL", "ESEAL_ID"))
BLOCKS = ("IC", "WEIGHT", "CAR", "TRAILER", "CONTA", "SEAL", "PIC", "VENOIDENTIFY", "BAR_CODE")
TYPES = {
    gather.GATHER: "gather",
    gather.RESULT: "result",
    gather.COMMAND: "device_command",
    gather.COMMAND_2: "device_command",
    gather.MANUAL: "manual_release",
}
EVENTS = {
    "EC_FREE_PLATFORM": "platform_release",
    "EC_FORBID_PLATFORM": "platform_forbid",
    "EC_FREE_MAN": "manual_release",
}
JSON_TYPES = {33: "gather", 34: "result", 57: "manual_release"}
LONGEST_SEQ = 20
_KG = re.compile(r"[+-]?[0-9]{1,9}(?:\.[0-9]{1,6})?")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


@total
def parse(message: Message) -> Parsed:
    """Plates, containers, weight and tags of one vehicle; a manual release and an answer are statuses.

    A part that cannot be read is a fault beside the others, which are kept; such a message is no question
    (:func:`question_of`): nobody is let go by the rest of it.
    """
    kind, body, _ = _opened(message)
    head = _head(body)
    if kind != "gather":
        return (_status(head, body, kind),)
    return tuple(_readings(head, body))


def question_of(payload: bytes) -> gather.Question:
    """Who asks and what the answer must repeat, of a message that can be read in every part.

    Raises :class:`iot.devices.base.Malformed`.
    """
    kind, body, order = _opened(Message(payload=payload))
    if kind != "gather":
        raise Malformed("not_a_question", kind)
    head = _head(body)
    broken = next((one for one in _readings(head, body) if isinstance(one, Fault)), None)
    if broken is not None:
        raise Malformed(broken.fault, broken.detail)
    return gather.Question(
        area_id=head["area_id"],
        channel=head["channel"],
        direction=head["direction"],
        seq_no=head["seq_no"],
        order=order,
    )


def _opened(message: Message) -> tuple[str, Node, gather.Order | None]:
    if message.payload.startswith(gather.HEAD):
        return _framed(message.payload)
    if message.payload.lstrip()[:1] != b"{":
        raise Malformed("not_this_format", "neither a frame head nor a JSON object")
    body = load_object(message.payload)
    if "Cmd" not in body:
        raise Malformed("not_this_format", "Cmd is missing")
    kind = JSON_TYPES.get(whole(body, "Cmd") or 0)
    if kind is None:
        raise Malformed("unknown_type", f"Cmd {str(body.get('Cmd'))[:20]}")
    inner = next((body[name] for name in ("Data", "GATHER_INFO", "data") if isinstance(body.get(name), dict)), body)
    return kind, inner, None


def _framed(payload: bytes) -> tuple[str, Node, gather.Order]:
    try:
        frame = gather.decode(payload)
    except gather.BadFrame as why:
        raise Malformed(why.code, why.detail) from None
    kind = TYPES.get(frame.type)
    if kind is None:
        raise Malformed("unknown_type", f"0x{frame.type:02x}")
    try:
        document = frame.xml.decode(gather.CHARSET)  # also where the declaration is missing
    except UnicodeDecodeError as why:
        raise Malformed("not_gb2312", f"byte {why.start}") from None
    root = load_xml(_DECLARATION.sub("", document).encode())
    body = _fields(root)
    for name, value in (("AREA_ID", frame.area_id), ("CHNL_NO", frame.channel), ("I_E_TYPE", frame.direction)):
        if value and body.setdefault(name, value) != value:
            raise Malformed("frame_is_not_the_xml", f"{name}: {value} and {str(body[name])[:40]}")
    return EVENTS.get(root.tag, kind), body, frame.order


def _fields(node: Element) -> dict[str, Any]:
    """Attributes and leaves by name; an element with children is a block of its own. The first of a name counts."""
    found: dict[str, Any] = {name: tidy(value.strip(), name) for name, value in node.attrib.items()}
    for one in node:
        if len(one) or (one.attrib and one.tag in BLOCKS):
            found.setdefault(one.tag, _leaves(one))
        elif one.text and one.text.strip():
            found.setdefault(one.tag, tidy(one.text.strip(), one.tag))
    return found


def _leaves(node: Element) -> dict[str, str]:
    found = {name: tidy(value.strip(), name) for name, value in node.attrib.items()}
    for one in node:
        if one.text and one.text.strip():
            found.setdefault(one.tag, tidy(one.text.strip(), one.tag))
    return found


def _head(body: Node) -> dict[str, str]:
    seq_no = required(body, "SEQ_NO").strip()
    if len(seq_no) > LONGEST_SEQ:
        raise Malformed("too_long", "SEQ_NO")
    direction = (text(body, "I_E_TYPE") or "").upper()
    if direction not in ("I", "E"):
        raise Malformed("bad_direction", direction or "I_E_TYPE is missing")
    return {
        "area_id": required(body, "AREA_ID"),
        "channel": required(body, "CHNL_NO"),
        "direction": direction,
        "seq_no": seq_no,
    }


def _common(head: Mapping[str, str], part: str) -> dict[str, Any]:
    return {
        "device": f"{head['area_id']}/{head['channel']}",
        "flags": (TIME_UNKNOWN,),
        "key": f"{head['area_id']}|{head['channel']}|{head['direction']}|{head['seq_no']}|{part}",
        "more": {"seq_no": head["seq_no"], "i_e": head["direction"]},
    }


def _status(head: Mapping[str, str], body: Node, kind: str) -> DeviceStatus:
    common = _common(head, kind)
    result = text(body, "CHECK_RESULT")
    known = {
        "check_result": result,
        "lifts": None if result is None else gather.lifts(result),
        "hint": text(body, "OP_HINT"),
        "memo": text(body, "MEMO"),
        "officer": text(body, "OP_NAME") or text(body, "OP_ID"),
    }
    common["more"] |= {name: value for name, value in known.items() if value is not None}
    return DeviceStatus(**common, state=kind)


def _readings(head: Mapping[str, str], body: Node) -> Iterator[Reading | Fault]:
    blocks, faults = _blocks(body)
    conta = blocks["CONTA"]
    parts: list[Callable[[], Reading | None]] = [
        partial(_whole_message, head, blocks),
        *(partial(_plate, head, blocks[block], name, position) for block, name, position in PLATES),
        *(partial(_container, head, conta, end, position) for end, position in ENDS),
        partial(_weight, head, blocks["WEIGHT"]),
        *(partial(_tag, head, blocks[block], name) for block, name in TAGS),
    ]
    for part in parts:
        try:
            found = part()
        except Malformed as why:
            faults.append(_fault(head, why))
        else:
            if found is not None:
                yield found
    yield from faults


def _blocks(body: Node) -> tuple[dict[str, Node], list[Fault]]:
    """Each block by its name; one of another shape is empty, and a fault."""
    found, faults = dict[str, Node](), list[Fault]()
    for name in BLOCKS:
        value = body.get(name)
        try:
            found[name] = {name: value} if isinstance(value, str) else child(body, name)
        except Malformed as why:
            found[name] = {}
            faults.append(_fault(_head(body), why))
    return found, faults


def _fault(head: Mapping[str, str], why: Malformed) -> Fault:
    return Fault(fault=why.code, detail=why.detail, device=f"{head['area_id']}/{head['channel']}")


def _plate(head: Mapping[str, str], block: Node, name: str, position: str | None) -> PlateRead | None:
    raw = text(block, name)
    if raw is None:
        return None
    plate, common = plate_of(raw), _common(head, f"plate|{position or 'seen'}")
    return PlateRead(
        **common, plate=plate, plate_raw=raw, unread=plate is None, position=position, lane=head["channel"]
    )


def _tag(head: Mapping[str, str], block: Node, name: str) -> TagRead | None:
    tag = text(block, name)
    if tag is None:
        return None
    common = _common(head, f"tag|{name}")
    common["more"] = {**common["more"], "tag": name.lower()}
    return TagRead(**common, epc=tag.upper(), count=1, lane=head["channel"])


def _whole_message(head: Mapping[str, str], blocks: Mapping[str, Node]) -> DeviceStatus:
    """What is no reading of its own, with the names the front end gives it."""
    common = _common(head, "gather")
    kept = {
        name.lower(): value
        for block in ("IC", "SEAL", "PIC", "VENOIDENTIFY", "BAR_CODE", "CAR", "TRAILER", "CONTA")
        for name in blocks[block]
        if (value := text(blocks[block], name)) is not None
    }
    common["more"] = {**common["more"], **kept}
    return DeviceStatus(**common, state="gather")


def _container(head: Mapping[str, str], conta: Node, end: str, position: str) -> ContainerRead | None:
    is_recognised, raw = text(conta, "CONTA_RECO"), text(conta, f"CONTA_ID_{end}")
    if raw is None:
        return None
    number = containers.normalise(raw)
    common = _common(head, f"container|{position}")
    common["more"] = {**common["more"], "recognised": is_recognised}
    return ContainerRead(
        **common,
        number=number or None,
        number_raw=raw,
        unread=not number or is_recognised == "0",
        check_digit_ok=containers.check(number),
        iso_type=text(conta, f"CONTA_MODEL_{end}"),
        position=position,
        lane=head["channel"],
    )


def _weight(head: Mapping[str, str], block: Node) -> WeightRead | None:
    """Kilograms with up to six decimals; the front end sends what its indicator held, so it counts as stable."""
    raw = text(block, "GROSS_WT")
    if raw is None:
        return None
    if _KG.fullmatch(raw) is None:
        raise Malformed("not_a_weight", raw[:40])
    grams = int((Decimal(raw) * 1000).to_integral_value(ROUND_HALF_EVEN))
    state = "zero" if grams == 0 else "minus" if grams < 0 else "weight"
    return WeightRead(
        **_common(head, "weight"), weight_g=grams, is_stable=True, is_gross=True, state=state, lane=head["channel"]
    )


FORMAT = Format(
    name="gather",
    version=2,
    parse=parse,
    title="Customs front end 卡口前端 (GATHER_INFO frames, JSON Cmd 33)",
    makers="makers of customs gate front ends; layout of gates in use",
    transports=("tcp", "mqtt"),
    key="AREA_ID, CHNL_NO, direction and SEQ_NO",
    time="none in the message: ours at receipt",
    qos="TCP with a synchronous answer; the answer leaves after the commit",
    quality=quality(
        backfill="the message has no mark for it: a front end asks and waits",
        retained="no retained messages over TCP",
        public_sample="none known; made from the layout",
        out_of_order="no time in the message; SEQ_NO keeps two apart",
    ),
)
