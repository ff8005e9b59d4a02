"""What is wrong with one part of a message costs the others nothing: each part is read, each fault has its reason."""

from typing import Any

import pytest

from iot import devices
from iot.devices.base import Malformed, Message
from iot.devices.gather import question_of
from iot.devices.sparkplug import Payload
from iot.events import Fault, TagRead, TemperatureRead, WeightRead
from tests.iot.devices.more_samples import MS, NODE, TAGS, TTN, UPLINK, WEIGHT_PROFILE, ZEBRA, llrp, llrp_tag
from tests.iot.devices.samples import DEVINFO, GATHER_BODY, GATHER_JSON, LORA, dumped, gathered


def read(name: str, payload: bytes, topic: str | None = None, **profile: Any) -> tuple[Any, ...]:
    return devices.parse(name, Message(payload=payload, topic=topic, profile=profile))


def kinds(found: tuple[Any, ...]) -> list[str]:
    return [one.fault if isinstance(one, Fault) else one.kind for one in found]


@pytest.mark.parametrize(
    ("bad", "fault"), [("no object", "not_an_object"), ({"data": {}}, "not_this_format"), ({**TAGS, "data": 7}, None)]
)
def test_a_bad_event_of_a_zebra_list_leaves_the_others(bad: Any, fault: str | None) -> None:
    found = read("zebra", dumped([TAGS, bad, TAGS]), ZEBRA)
    assert kinds(found) == ["TagRead", "TagRead", fault or "not_this_format", "TagRead", "TagRead"]


def broken_tag() -> bytes:
    """A tag report without an EPC."""
    inner = b"\x81\x00\x02"
    return (240).to_bytes(2, "big") + (len(inner) + 4).to_bytes(2, "big") + inner


def test_a_bad_tag_of_an_llrp_report_leaves_the_others() -> None:
    found = read("llrp", llrp(61, llrp_tag() + broken_tag() + llrp_tag(antenna=3)))
    assert kinds(found) == ["TagRead", "field_missing", "TagRead"]
    assert [one.antenna for one in found if isinstance(one, TagRead)] == [2, 3]


def test_an_llrp_message_of_another_kind_and_a_cut_one_leave_the_others() -> None:
    assert kinds(read("llrp", llrp(61, llrp_tag()) + llrp(1, b"xx") + llrp(62, b""))) == [
        "TagRead", "unknown_type", "DeviceStatus",
    ]  # fmt: skip
    assert kinds(read("llrp", llrp(61, llrp_tag()) + llrp(62, b"")[:7])) == ["TagRead", "broken_message"]
    cut_inside = llrp(61, llrp_tag() + b"\x00\xf0\xff\xff")
    assert kinds(read("llrp", cut_inside + llrp(62, b""))) == ["TagRead", "wrong_length", "DeviceStatus"]


def test_a_front_ends_bad_weight_leaves_plate_and_container_and_asks_nothing() -> None:
    """The readings are kept, but a message with a broken part is no question: nobody is let go by the rest of it."""
    payload = gathered(GATHER_BODY.replace("18240.5", "18,240"))
    assert kinds(read("gather", payload)) == ["DeviceStatus", "PlateRead", "ContainerRead", "TagRead", "not_a_weight"]
    with pytest.raises(Malformed, match="not_a_weight"):
        question_of(payload)
    payload = dumped({"Cmd": 33, "Data": GATHER_JSON | {"CONTA": [1]}})
    assert kinds(read("gather", payload)) == ["DeviceStatus", "PlateRead", "WeightRead", "wrong_type"]
    with pytest.raises(Malformed, match="wrong_type"):
        question_of(payload)


def many(*values: tuple[str, Any, int]) -> bytes:
    payload = Payload()
    payload.timestamp, payload.seq = MS, 1
    for name, value, at in values:
        metric = payload.metrics.add(name=name, timestamp=at)
        if isinstance(value, bool):
            metric.boolean_value = value
        elif isinstance(value, str):
            metric.string_value = value
        else:
            metric.double_value = value
    raw: bytes = payload.SerializeToString()
    return raw


def test_each_of_several_values_of_one_sparkplug_metric_is_a_reading_with_its_own_time_and_key() -> None:
    payload = many(
        ("gross", 10.0, MS), ("still", False, MS), ("gross", 20.0, MS + 1000), ("still", True, MS + 1000),
        ("gross", 30.0, MS + 2000),
    )  # fmt: skip
    found = list(read("sparkplug", payload, NODE.format("NDATA"), **WEIGHT_PROFILE))
    assert [(one.weight_g, one.is_stable) for one in found if isinstance(one, WeightRead)] == [
        (10_000, False), (20_000, True), (30_000, False),
    ]  # fmt: skip
    assert len({one.key for one in found}) == len({one.event_at for one in found}) == 3


def test_a_bad_sparkplug_metric_leaves_the_others() -> None:
    payload = many(("gross", "heavy", MS), ("Temperature", 4.5, MS))
    found = read("sparkplug", payload, NODE.format("NDATA"), **WEIGHT_PROFILE)
    assert kinds(found) == ["wrong_type", "TemperatureRead"]


@pytest.mark.parametrize(("told", "level"), [(98.5, 98), (99, 99), ("71.6", 72), (255, None)])
def test_a_battery_that_is_told_in_fractions_costs_no_temperature(told: Any, level: int | None) -> None:
    values = {"temperature": 4.5, "battery_pct": told}
    (ttn,) = read("ttn", dumped(TTN | {"uplink_message": UPLINK | {"decoded_payload": values}}))
    (chirpstack,) = read("chirpstack", dumped(DEVINFO | {"fCnt": 1, "fPort": 2, "object": values}), LORA + "up")
    for found in (ttn, chirpstack):
        assert isinstance(found, TemperatureRead)
        assert (found.temperature_mdegc, found.battery_pct) == (4_500, level)
