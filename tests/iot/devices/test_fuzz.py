"""A short, always equal run of the fuzzer; the long one is a step of ``make soak``."""

import pytest

from benchmarks.fuzz import HOSTILE, check, run
from iot.devices import FORMATS
from iot.devices.base import Message


def test_hostile_payloads_are_faults_and_nothing_unforeseen() -> None:
    tried, findings, _ = run(seed=20261126, rounds=3000)
    assert tried == 3000
    assert not [(one.format, one.what, one.payload[:300], one.topic) for one in findings]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_profiles_that_say_nonsense_are_faults_too(name: str) -> None:
    keys = ("time_zone", "lanes", "inputs", "gate_status", "decoder", "metrics", "reader", "indicator", "unit")
    keys += ("stable_status", "division_g", "parity")
    for value in HOSTILE:
        message = Message(payload=b'{"a": 1}', profile=dict.fromkeys(keys, value))
        assert check(name, message) == ""
