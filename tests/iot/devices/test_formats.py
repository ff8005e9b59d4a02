"""Every format: what a correct payload gives, and that no payload whatever raises or is lost without a reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot import devices
from iot.devices import FORMATS
from iot.devices.base import Message, epoch, instant
from iot.events import Fault, WeightRead, as_json
from tests.iot.devices.more_samples import NODE, SCALE, sparkplug, toledo
from tests.iot.devices.samples import SAMPLES, Sample

BY_NAME = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)


def read(sample: Sample, payload: bytes | None = None) -> tuple[Any, ...]:
    given_ = sample.payload if payload is None else payload
    return devices.parse(sample.format, Message(payload=given_, topic=sample.topic, profile=sample.profile))


def of_shared(shared: Path) -> list[tuple[dict[str, Any], bytes]]:
    folder = shared / "data" / "iot"
    lines = [json.loads(line) for line in (folder / "expected.jsonl").read_text().splitlines()]
    return [(line, (folder / line["file"]).read_bytes()) for line in lines]


@BY_NAME
def test_reads_what_the_payload_says(sample: Sample) -> None:
    found = read(sample)
    assert len(found) == sample.results
    body = as_json(found[0])
    assert {name: body.get(name, "missing") for name in sample.expect} == sample.expect


@BY_NAME
def test_the_same_bytes_give_the_same_keys(sample: Sample) -> None:
    assert [one.key for one in read(sample)] == [one.key for one in read(sample)]


# The first part of these is whole before the stream ends.
STREAMS = ("dahua attach", "hikvision multipart", "frigate available")


@pytest.mark.parametrize(
    "sample", [one for one in SAMPLES if not one.name.startswith(STREAMS)], ids=lambda sample: sample.name
)
def test_every_cut_gives_a_fault_and_never_an_exception(sample: Sample) -> None:
    whole = sample.payload.rstrip(b"\r\n")
    for place in range(len(whole)):
        found = read(sample, sample.payload[:place])
        assert found, place
        assert all(isinstance(one, Fault) for one in found), (place, found)


@BY_NAME
def test_another_format_gives_a_fault(sample: Sample) -> None:
    for name in FORMATS.keys() - {sample.format}:
        found = devices.parse(name, Message(payload=sample.payload, topic=sample.topic))
        assert all(isinstance(one, Fault) for one in found), (name, found)


@pytest.mark.parametrize("name", sorted(FORMATS))
@given(payload=st.binary(max_size=300), topic=st.none() | st.text(max_size=40))
def test_any_bytes_give_a_result_and_no_exception(name: str, payload: bytes, topic: str | None) -> None:
    assert devices.parse(name, Message(payload=payload, topic=topic))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.data())
def test_any_value_in_any_field_gives_a_result_and_no_exception(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from([one for one in SAMPLES if one.payload.startswith(b"{")]))
    body = json.loads(sample.payload)
    node = body
    while True:
        name = data.draw(st.sampled_from(sorted(node)))
        if isinstance(node[name], dict) and node[name] and data.draw(st.booleans()):
            node = node[name]
            continue
        node[name] = data.draw(JSON)
        break
    for one in read(sample, json.dumps(body).encode()):
        json.dumps(as_json(one))


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{" * 100_000, "too_deep"),
        (b'{"a":' * 50_000, "too_deep"),
        (b"x" * 2_000_000, "oversized"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "forbidden_xml"),
        (b'{"a": NaN}', "not_json"),
        (b"", ""),
        (b"\xff\xfe\x00", ""),
    ],
    ids=["braces", "nested", "two megabytes", "entities", "NaN", "empty", "not UTF-8"],
)
def test_hostile_payloads_are_faults(name: str, payload: bytes, reason: str) -> None:
    [found] = devices.parse(name, Message(payload=payload))
    assert isinstance(found, Fault)
    assert found.fault != "unreadable", found.detail
    if reason == "oversized" or (reason == "forbidden_xml" and name == "hikvision"):
        assert found.fault == reason


def test_an_unknown_format_is_a_fault() -> None:
    [found] = devices.parse("nobody", Message(payload=b"{}"))
    assert isinstance(found, Fault)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-05T08:00:00+08:00", "2026-03-05T00:00:00+00:00"),
        ("2026-03-05T10:28:04.528+0200", "2026-03-05T08:28:04.528000+00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
        ("2026-03-05 00:00:00Z", "2026-03-05T00:00:00+00:00"),
    ],
)
def test_reads_times_as_they_are_written(text: str, at: str) -> None:
    assert instant(text)[0].isoformat() == at


@pytest.mark.parametrize("value", [1772668800, 1772668800_000, 1772668800_000_000])
def test_tells_epochs_apart_by_their_magnitude(value: int) -> None:
    assert epoch(value).isoformat() == "2026-03-05T00:00:00+00:00"


def test_frigate_gives_a_plate_for_vehicles_only() -> None:
    sample = next(one for one in SAMPLES if one.name == "frigate truck with a plate")
    seen, plate = read(sample)
    assert (seen.kind, plate.kind, plate.plate, plate.confidence_pct) == ("VideoEvent", "PlateRead", "湘F12345", 90.0)
    assert len(read(sample, sample.payload.replace(b'"truck"', b'"person"'))) == 1


def test_public_samples_give_their_expected_readings(shared: Path) -> None:
    for expected, payload in of_shared(shared):
        found = devices.parse(expected["format"], Message(payload=payload, topic=expected["topic"]))
        assert len(found) == 1, expected["file"]
        body = as_json(found[0])
        wanted = {k: v for k, v in expected.items() if k not in ("file", "format", "topic", "note", "dedup_key")}
        assert {name: body.get(name, "missing") for name in wanted} == wanted, expected["file"]


def test_public_samples_cut_anywhere_are_faults(shared: Path) -> None:
    for expected, payload in of_shared(shared):
        for place in range(len(payload.rstrip())):
            message = Message(payload=payload[:place], topic=expected["topic"])
            found = devices.parse(expected["format"], message)
            assert all(isinstance(one, Fault) for one in found), (expected["file"], place, found)


def test_public_samples_are_faults_in_every_other_format(shared: Path) -> None:
    for expected, payload in of_shared(shared):
        for name in FORMATS.keys() - {expected["format"]}:
            found = devices.parse(name, Message(payload=payload, topic=expected["topic"]))
            assert all(isinstance(one, Fault) for one in found), (expected["file"], name, found)


def test_a_blank_inside_a_weight_is_no_figure() -> None:
    message = Message(payload=toledo(0x2A, 0x30, "12 345"), topic=SCALE, profile={"indicator": "toledo"})
    assert [one.fault for one in devices.parse("scale", message) if isinstance(one, Fault)] == ["not_a_weight"]


@pytest.mark.parametrize(("unit", "grams"), [("lb", 4_536), ("kg", 10_000), ("stone", None)])
def test_a_metric_weighs_in_the_unit_that_its_profile_names_or_in_none(unit: str, grams: int | None) -> None:
    profile = {"metrics": {"gross": {"kind": "weight", "unit": unit}}}
    message = Message(payload=sparkplug(1, gross=10.0), topic=NODE.format("NDATA"), profile=profile)
    found = devices.parse("sparkplug", message)
    if grams is None:
        assert [one.fault for one in found if isinstance(one, Fault)] == ["bad_profile"]
    else:
        assert [one.weight_g for one in found if isinstance(one, WeightRead)] == [grams]
