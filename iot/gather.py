"""The wire of customs front ends (卡口前端): the binary frame with XML in GB2312, and its JSON variant; both ways.

Frame: head E2 5C 4B 89, total length int32, type, AREA_ID 10, CHNL_NO 10, I/E 1, four zero bytes, XML length int32,
XML, tail FF FF; total = 34 + 4 + n + 2 (customs reference 5.1). No source says in which order the int32 stand: the
total and the XML length must agree, which tells it, and an answer goes back as the question came. What stands here is
the spelling alone; what it means is read by ``iot.devices.gather``, and the socket is a door's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

HEAD, TAIL = bytes.fromhex("e25c4b89"), b"\xff\xff"
OVERHEAD = 40
MAX_FRAME = 1_048_576
GATHER, RESULT, COMMAND, COMMAND_2, MANUAL = 0x21, 0x22, 0x31, 0x32, 0x39
JSON_GATHER, JSON_RESULT = 33, 34
# Signs outside GB2312 go out as its superset writes them: the first 6,763 characters are the same bytes.
CHARSET = "gb18030"
LIFT, HOLD = "0", "1"
Order = Literal["little", "big"]


class BadFrame(ValueError):
    """These bytes are no frame; ``code`` is stable."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code, self.detail = code, detail
        super().__init__(code, detail)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One frame, taken apart. ``xml`` are its bytes in GB2312; ``order`` is how its lengths were written."""

    type: int
    area_id: str
    channel: str
    direction: str
    xml: bytes
    order: Order = "little"


def _ascii(raw: bytes, name: str) -> str:
    value = raw.rstrip(b" \0")
    if not value.isascii() or not value.decode("ascii").isprintable():
        raise BadFrame("bad_text", f"{name} is not printable ASCII")
    return value.decode("ascii")


def order_of(head: bytes) -> tuple[Order, int] | None:
    """The byte order and total length that the first 38 bytes of a frame tell, None when the lengths disagree."""
    orders: tuple[Order, ...] = ("little", "big")
    for order in orders:
        total, inner = int.from_bytes(head[4:8], order), int.from_bytes(head[34:38], order)
        if OVERHEAD <= total <= MAX_FRAME and total == OVERHEAD + inner:
            return order, total
    return None


def decode(raw: bytes) -> Frame:
    """Take one whole frame apart. Raises :class:`BadFrame`."""
    if not raw.startswith(HEAD):
        raise BadFrame("not_this_format", "no frame head")
    if len(raw) < OVERHEAD:
        raise BadFrame("too_short", f"{len(raw)} bytes")
    told = order_of(raw)
    if told is None or told[1] != len(raw):
        raise BadFrame("wrong_length", f"{len(raw)} bytes, the lengths inside say otherwise")
    if raw[-2:] != TAIL:
        raise BadFrame("no_tail", raw[-2:].hex())
    return Frame(
        type=raw[8],
        area_id=_ascii(raw[9:19], "AREA_ID"),
        channel=_ascii(raw[19:29], "CHNL_NO"),
        direction=_ascii(raw[29:30], "I/E"),
        xml=raw[38:-2],
        order=told[0],
    )


def encode(frame: Frame) -> bytes:
    """The bytes of ``frame``. Raises :class:`BadFrame` when a field does not fit its place."""
    fields = b""
    for value, size in ((frame.area_id, 10), (frame.channel, 10), (frame.direction, 1)):
        raw = value.encode("ascii", "replace")
        if len(raw) > size:
            raise BadFrame("too_long", value)
        fields += raw.ljust(size)
    total = OVERHEAD + len(frame.xml)
    lengths = total.to_bytes(4, frame.order), len(frame.xml).to_bytes(4, frame.order)
    return HEAD + lengths[0] + bytes([frame.type]) + fields + bytes(4) + lengths[1] + frame.xml + TAIL


def split(buffer: bytes) -> tuple[list[bytes], bytes]:
    """Cut a stream into whole frames and the rest that must wait for more.

    What stands before a head, and a frame whose lengths disagree or whose tail is missing, comes out as a piece of its
    own, so that it is stored with its reason; the stream goes on at the next head. The rest is never longer than
    :data:`MAX_FRAME`.
    """
    pieces: list[bytes] = []
    while buffer:
        start = buffer.find(HEAD)
        if start < 0:
            keep = next((n for n in (3, 2, 1) if buffer.endswith(HEAD[:n])), 0)
            junk, buffer = buffer[: len(buffer) - keep], buffer[len(buffer) - keep :]
            if junk:
                pieces.append(junk)
            break
        if start:
            pieces.append(buffer[:start])
            buffer = buffer[start:]
        if len(buffer) < 38:
            break
        told = order_of(buffer)
        if told and len(buffer) < told[1]:
            break
        if told and buffer[told[1] - 2 : told[1]] == TAIL:
            pieces.append(buffer[: told[1]])
            buffer = buffer[told[1] :]
            continue
        following = buffer.find(HEAD, len(HEAD))
        pieces.append(buffer if following < 0 else buffer[:following])
        buffer = b"" if following < 0 else buffer[following:]
    return pieces, buffer


@dataclass(frozen=True, kw_only=True)
class Question:
    """Who asked, and how: all that an answer must repeat."""

    area_id: str
    channel: str
    direction: str
    seq_no: str
    order: Order | None = "little"  # None: it came as JSON


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer to one GATHER_INFO. ``check_result`` has 20 digits, the second 0 to lift and 1 to hold."""

    check_result: str
    hint: str = ""
    led: str = ""
    voice: str = ""
    print_text: str = ""
    seal: str = ""


def check_result(*, lift: bool, first: str = "1", reasons: str = "") -> str:
    """Twenty digits: ``first``, then 0 = lift or 1 = hold, then ``reasons``, filled up with zeros."""
    digits = first + (LIFT if lift else HOLD) + reasons
    if len(digits) > 20 or not digits.isdigit():
        raise BadFrame("bad_check_result", digits)
    return digits.ljust(20, "0")


def lifts(result: str) -> bool:
    """Whether a check result lets the vehicle go: anything but twenty digits with a 0 in the second place holds."""
    return len(result) == 20 and result.isascii() and result.isdigit() and result[1] == LIFT


def answer_bytes(question: Question, answer: Answer) -> bytes:
    """The answer as the one who asked reads it: a 0x22 frame in its own byte order, or the JSON variant."""
    head = {
        "AREA_ID": question.area_id,
        "CHNL_NO": question.channel,
        "I_E_TYPE": question.direction,
        "SEQ_NO": question.seq_no,
    }
    body = {
        "CHECK_RESULT": answer.check_result,
        "OP_HINT": answer.hint,
        "LED": answer.led,
        "VOICE": answer.voice,
        "PRINT": answer.print_text,
        "SEAL": answer.seal,
    }
    if question.order is None:
        return json.dumps({"Cmd": JSON_RESULT, "Data": {**head, **body}}, ensure_ascii=False).encode()
    return encode(
        Frame(
            type=RESULT,
            area_id=question.area_id,
            channel=question.channel,
            direction=question.direction,
            xml=_xml("GATHER_FEEDBACK", head, body),
            order=question.order,
        )
    )


def _xml(root: str, head: Mapping[str, str], body: Mapping[str, str]) -> bytes:
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in head.items())
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in body.items())
    document = f'<?xml version="1.0" encoding="GB2312"?><{root}{attributes}>{inner}</{root}>'
    return document.encode(CHARSET, "replace")
