"""A short cut of the fault run of ``make soak``: the whole program, killed part by part, with devices at its gate."""

import pytest

from benchmarks.fault_run.program import Mosquitto
from benchmarks.faults import run
from tests.conftest import lacking

MINUTES, RATE, SEED = 2.0, 200.0, 51


@pytest.mark.slow
@pytest.mark.timeout(1800)  # it waits for what it wants to see, however slow the machine is
def test_what_is_killed_in_turn_loses_nothing_doubles_nothing_and_opens_nothing_wrongly() -> None:
    if Mosquitto.program() is None:
        lacking("mosquitto", "Mosquitto is not installed (apt install mosquitto)")
    told: list[str] = []
    found = run(MINUTES, RATE, SEED, told.append)
    print("seed", SEED, found.counts, told)
    assert not found.wrong, (found.wrong, found.counts, told)
    assert set(found.counts["kills"]) == {"door", "reader", "postgres", "whole", "mosquitto"}
    assert found.counts["gate"]["openings"] > 0
    for phase in ("embedded broker", "mosquitto"):
        assert found.counts[phase]["acknowledged"] > 0
