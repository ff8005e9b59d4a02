"""The wire of customs front ends: frames out of a stream, readings out of a frame, and the answer back as it came."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot import devices, gather
from iot.devices.base import Malformed, Message
from iot.devices.gather import question_of
from iot.events import Fault, PlateRead, TagRead, WeightRead, as_json
from tests.iot.devices.samples import GATHER_JSON, dumped, gathered

ORDERS = pytest.mark.parametrize("order", ["little", "big"])


def read(payload: bytes) -> tuple[Any, ...]:
    return devices.parse("gather", Message(payload=payload))


@ORDERS
def test_a_frame_has_forty_bytes_around_its_xml(order: Any) -> None:
    raw = gathered(order=order)
    frame = gather.decode(raw)
    assert len(raw) == 40 + len(frame.xml)
    assert (frame.type, frame.area_id, frame.channel, frame.direction, frame.order) == (
        0x21,
        "4201000001",
        "LANE000001",
        "E",
        order,
    )
    assert gather.encode(frame) == raw


def test_one_message_gives_plate_container_weight_and_tag() -> None:
    kinds = [one.kind for one in read(gathered())]
    assert kinds == ["DeviceStatus", "PlateRead", "ContainerRead", "WeightRead", "TagRead"]
    _, plate, container, weight, tag = read(gathered())
    assert isinstance(plate, PlateRead)
    assert isinstance(weight, WeightRead)
    assert isinstance(tag, TagRead)
    assert (plate.plate, plate.position, plate.lane) == ("湘F12345", "front", "LANE000001")
    assert as_json(container)["check_digit_ok"] is True
    assert (weight.weight_g, weight.is_stable, tag.epc) == (18_240_500, True, "E2801160")
    assert len({one.key for one in read(gathered())}) == 5


def test_a_plate_that_was_not_read_and_a_zero_weight_are_kept_as_such() -> None:
    _, plate = read(gathered("<CAR><VE_NAME>_无_</VE_NAME></CAR>"))
    assert (plate.unread, plate.plate) == (True, None)
    *_, weight = read(dumped({"Cmd": 33, "Data": GATHER_JSON}))
    assert (weight.state, weight.weight_g) == ("zero", 0)


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        (gathered()[:-1], "wrong_length"),
        (gathered()[:-2] + b"\xff\xfe", "no_tail"),
        (gathered().replace(b"LANE000001", b"LANE00\xff\xff\xff\xff", 1), "bad_text"),
        (gathered().replace(b"LANE000001", b"LANE000002", 1), "frame_is_not_the_xml"),
        (gathered(seq_no=""), "field_missing"),
        (gathered(seq_no="1" * 21), "too_long"),
        (gathered(type_=0x55), "unknown_type"),
        (gathered("<WEIGHT><GROSS_WT>heavy</GROSS_WT></WEIGHT>"), "not_a_weight"),
        (gathered("<CAR><VE_NAME>"), "not_xml"),
        (dumped({"Cmd": 99, "Data": GATHER_JSON}), "unknown_type"),
        (dumped({"Cmd": 33, "Data": GATHER_JSON | {"I_E_TYPE": "X"}}), "bad_direction"),
    ],
)
def test_each_mistake_has_its_own_reason(payload: bytes, fault: str) -> None:
    found = read(payload)
    assert [one.fault for one in found if isinstance(one, Fault)] == [fault]
    assert len(found) == (2 if fault == "not_a_weight" else 1)  # of a broken part the rest is kept


def test_xml_that_is_not_gb2312_is_a_fault() -> None:
    frame = gather.decode(gathered())
    broken = gather.encode(gather.Frame(**{**vars(frame), "xml": frame.xml[:-14] + b"\xff" + frame.xml[-14:]}))
    assert [one.fault for one in read(broken)] == ["not_gb2312"]


@given(st.lists(st.integers(1, 200), max_size=12))
def test_a_stream_gives_the_same_frames_however_it_is_cut(cuts: list[int]) -> None:
    one, two = gathered(), gathered(seq_no="2", order="big")
    stream = b"junk" + one + two + b"\xe2\x5c" + one + one[:20]
    pieces: list[bytes] = []
    rest = b""
    for size in [*cuts, len(stream)]:
        found, rest = gather.split(rest + stream[:size])
        pieces += found
        stream = stream[size:]
    assert b"".join(pieces) + rest == b"junk" + one + two + b"\xe2\x5c" + one + one[:20]
    assert [piece for piece in pieces if piece.startswith(gather.HEAD)] == [one, two, one]
    assert rest == one[:20]


def test_a_frame_whose_lengths_disagree_does_not_swallow_the_next() -> None:
    bad = bytearray(gathered())
    bad[34] ^= 1
    pieces, rest = gather.split(bytes(bad) + gathered())
    assert (pieces, rest) == ([bytes(bad), gathered()], b"")


@ORDERS
def test_the_answer_goes_back_in_the_order_of_the_question(order: Any) -> None:
    question = question_of(gathered(order=order))
    raw = gather.answer_bytes(
        question, gather.Answer(check_result=gather.check_result(lift=False, reasons="000000001002"), hint="未关联单据")
    )
    frame = gather.decode(raw)
    assert (frame.type, frame.order, frame.area_id, frame.channel) == (0x22, order, "4201000001", "LANE000001")
    [answered] = read(raw)
    body = as_json(answered)
    assert (body["state"], body["lifts"], body["hint"]) == ("result", False, "未关联单据")
    assert body["check_result"] == "11000000001002000000"
    assert body["seq_no"] == "20260305080000000001"


def test_the_json_variant_is_answered_with_cmd_34() -> None:
    question = question_of(dumped({"Cmd": 33, "Data": GATHER_JSON}))
    body = json.loads(gather.answer_bytes(question, gather.Answer(check_result=gather.check_result(lift=True))))
    assert (body["Cmd"], body["Data"]["SEQ_NO"], body["Data"]["CHECK_RESULT"]) == (34, "77", "1" + "0" * 19)


def test_an_answer_is_no_question() -> None:
    with pytest.raises(Malformed, match="not_a_question"):
        question_of(gathered(type_=gather.RESULT))


@pytest.mark.parametrize(
    ("result", "lifts"),
    [("1" + "0" * 19, True), ("11" + "0" * 18, False), ("10", False), ("", False), ("1x" + "0" * 18, False)],
)
def test_only_twenty_digits_with_a_zero_in_the_second_place_lift(result: str, lifts: bool) -> None:
    assert gather.lifts(result) is lifts


def test_signs_that_break_xml_are_escaped_in_the_answer() -> None:
    question = question_of(gathered())
    [answered] = read(gather.answer_bytes(question, gather.Answer(check_result="10", hint='<a> & "b" 龘')))
    assert as_json(answered)["hint"] == '<a> & "b" 龘'
