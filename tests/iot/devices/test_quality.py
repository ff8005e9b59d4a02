"""The manifest: every format answers every quality rule, and what is claimed as done is so."""

import importlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from iot import devices
from iot.devices import FORMATS
from iot.devices.base import Message
from iot.devices.manifest import DONE, EXEMPT, RULES
from iot.events import Fault, PlateRead, Reading
from tests.iot.devices.samples import SAMPLES
from tests.iot.devices.shape import Sample

EVERY = pytest.mark.parametrize("name", sorted(FORMATS))
SHORTEST_REASON = 8


def of(name: str) -> list[Sample]:
    return [one for one in SAMPLES if one.format == name]


def readings(sample: Sample, payload: bytes | None = None) -> list[Reading]:
    message = Message(
        payload=sample.payload if payload is None else payload, topic=sample.topic, profile=sample.profile
    )
    return [one for one in devices.parse(sample.format, message) if isinstance(one, Reading)]


def claims(rule: str) -> list[str]:
    return [name for name, one in sorted(FORMATS.items()) if one.quality[rule] == DONE]


@EVERY
def test_every_rule_is_done_or_exempt_with_a_reason(name: str) -> None:
    told = FORMATS[name].quality
    assert list(told) == list(RULES)
    for rule, answer in told.items():
        assert answer == DONE or len(answer.removeprefix(EXEMPT)) >= SHORTEST_REASON, rule
        assert answer == DONE or answer.startswith(EXEMPT), rule


@EVERY
def test_makers_key_time_and_qos_are_written_down(name: str) -> None:
    row = FORMATS[name]
    assert all((row.makers, row.key, row.time, row.qos, row.transports)), name
    assert row.version >= 1
    assert row.heartbeat_s is None or row.heartbeat_s > 0


@pytest.mark.parametrize("name", claims("normal"))
def test_there_is_a_sample(name: str) -> None:
    assert of(name)
    assert all(readings(one) for one in of(name))


@pytest.mark.parametrize("name", claims("duplicate"))
def test_a_resend_has_the_same_keys_and_another_message_has_others(name: str) -> None:
    keys: dict[str, bytes] = {}
    keyed = 0
    for sample in of(name):
        first, again = readings(sample), readings(sample)
        assert [one.key for one in first] == [one.key for one in again]
        told = [f"{one.kind}:{one.key}" for one in first if one.key]
        assert len(set(told)) == len(told), sample.name
        keyed += len(told)
        for key in told:
            keys.setdefault(key, sample.payload)
    assert keyed or name == "onvif", "a format without any key of its own must say so"


def varint(value: int) -> bytes:
    """A number as protobuf writes it: seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def moved(sample: Sample) -> Iterator[bytes]:
    """The same message a second later, wherever the sample's instant stands in it."""
    for was, later in (
        (b"2026-03-05T00:00:00", b"2026-03-05T00:00:01"),
        (b"2026-03-05T08:00:00", b"2026-03-05T08:00:01"),
        (b"1772668800", b"1772668801"),
        (b"1772668801", b"1772668802"),
        ((1772668800250000).to_bytes(8, "big"), (1772668801250000).to_bytes(8, "big")),
        (varint(1772668800250), varint(1772668801250)),
    ):
        if was in sample.payload:
            yield sample.payload.replace(was, later)


@pytest.mark.parametrize("name", claims("out_of_order"))
def test_an_older_message_that_comes_later_keeps_its_own_time_and_key(name: str) -> None:
    compared = 0
    for sample in of(name):
        for payload in moved(sample):
            newer, older = readings(sample, payload), readings(sample)
            for late, early in zip(newer, older, strict=True):
                if late.event_at is None or early.event_at is None or late.event_at == early.event_at:
                    continue
                compared += 1
                assert late.event_at - early.event_at == timedelta(seconds=1), sample.name
                assert not late.key or late.key != early.key or name in KEYS_WITHOUT_TIME, sample.name
            assert readings(sample) == older
    assert compared, name


# Their makers give an id of their own, which the same id at another time would be a conflict of.
KEYS_WITHOUT_TIME = frozenset({"chirpstack", "dongting", "hikvision", "openalpr", "ttn", "zhenshi", "dahua"})


@pytest.mark.parametrize("name", claims("backfill"))
def test_what_is_sent_late_by_the_device_is_marked(name: str) -> None:
    marked = [one for sample in of(name) for one in readings(sample) if "replayed" in one.flags]
    assert marked, name


@pytest.mark.parametrize("name", claims("unread"))
def test_a_vehicle_without_a_plate_is_kept(name: str) -> None:
    found = [one for sample in of(name) for one in readings(sample) if isinstance(one, PlateRead)]
    assert [one for one in found if one.unread], name


def test_public_samples_are_there_where_they_are_claimed(shared: Path) -> None:
    lines = (shared / "data" / "iot" / "expected.jsonl").read_text().splitlines()
    assert {json.loads(line)["format"] for line in lines} == set(claims("public_sample"))


def test_a_new_format_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "turnstile.py").write_text(
        '"""Turnstiles."""\n'
        "from iot.devices.base import Message, Parsed, load_object, required, total\n"
        "from iot.devices.manifest import Format, quality\n"
        "from iot.events import DeviceStatus\n"
        "@total\n"
        "def parse(message: Message) -> Parsed:\n"
        "    return (DeviceStatus(state=required(load_object(message.payload), 'turn')),)\n"
        "FORMAT = Format(name='turnstile', version=1, parse=parse, title='t', makers='m', transports=('mqtt',),\n"
        "                key='k', time='t', qos='q', quality=quality())\n"
    )
    monkeypatch.setattr(devices, "__path__", [*devices.__path__, str(tmp_path)])
    found = devices.discover()
    assert found.keys() - FORMATS.keys() == {"turnstile"}
    [reading] = found["turnstile"].parse(Message(payload=b'{"turn": "in"}'))
    assert (reading.kind, reading.state) == ("DeviceStatus", "in")  # type: ignore[union-attr]
    assert list(found["turnstile"].quality) == list(RULES)


def test_two_modules_may_not_claim_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(importlib.import_module("iot.devices.impinj").__file__ or "").read_text()
    (tmp_path / "impinj_again.py").write_text(source)
    monkeypatch.setattr(devices, "__path__", [*devices.__path__, str(tmp_path)])
    with pytest.raises(ValueError, match="two modules read the format impinj"):
        devices.discover()


def test_a_broken_part_harms_no_other_part() -> None:
    good = next(one for one in SAMPLES if one.name == "hikvision multipart").payload
    part = b"--boundary\r\n"
    broken = good.replace(part, part + b"\r\n<EventNotificationAlert><a></EventNotificationAlert>\r\n" + part, 1)
    found = devices.parse("hikvision", Message(payload=broken))
    assert [type(one).__name__ for one in found] == ["Fault", "PlateRead"]
    attach = next(one for one in SAMPLES if one.name.startswith("dahua attach")).payload
    spoilt = attach.replace(b"Code=Heartbeat;action=Pulse;index=0", b"Code=VideoLoss;action=Pulse;index=0;data={,}")
    found = devices.parse("dahua", Message(payload=spoilt))
    assert [type(one).__name__ for one in found] == ["Fault", "PlateRead"]
    assert isinstance(found[0], Fault)


def test_the_table_of_the_documentation_says_what_the_manifest_says() -> None:
    """Printed by ``dongting device formats --table``."""
    written = (Path(devices.__file__).parents[2] / "docs" / "devices.md").read_text()
    missing = [name for name, row in FORMATS.items() if row.table_row() not in written]
    assert not missing
