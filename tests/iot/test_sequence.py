"""What is missing of a device's numbers: found, asked for, closed, whatever the order of arrival."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from iot import sequence
from iot.parsing import parse_waiting
from iot.sequence import Line
from tests.iot.test_inbox import come, keep
from tests.iot.world import Sender, count, read_register, rows, site_with
from wms.db import Database, Scope


@given(st.lists(st.integers(1, 40), max_size=60))
def test_what_is_missing_is_exactly_what_never_came(numbers: list[int]) -> None:
    line = Line()
    for seq in numbers:
        line.advance(seq)
    missing = {seq for first, last in line.missing for seq in range(first, last + 1)}
    assert line.high == max(numbers, default=0)
    assert missing == set(range(1, line.high + 1)) - set(numbers)
    assert line.upto == next((seq - 1 for seq in sorted(missing)), line.high)


def hear(database: Database, scope: Scope, device: Sender, *numbers: tuple[str, int]) -> None:
    register = read_register(database, scope)
    arrivals = [come(register, device, device.message(seq=seq, boot=boot)) for boot, seq in numbers]
    keep(database, scope, *arrivals)
    with database.unit_of_work(scope) as session:
        assert parse_waiting(session, register).messages == len(numbers)


def receipts(database: Database, scope: Scope, device: Sender) -> list[dict[str, object]]:
    with database.unit_of_work(scope) as session:
        due = sequence.receipts(session, [device.id], datetime.now(UTC))
    return [{**json.loads(body), "server_time": None} for _, body in due]


def test_finds_asks_for_and_closes_a_gap_across_a_restart_of_the_device(database: Database, scope: Scope) -> None:
    [gate] = site_with(database, scope, "gate")
    hear(database, scope, gate, ("b1", 1), ("b1", 2), ("b1", 5))
    assert receipts(database, scope, gate) == [{"boot": "b1", "upto": 2, "missing": [[3, 4]], "server_time": None}]
    hear(database, scope, gate, ("b2", 1))
    assert {(one["boot"], one["upto"]) for one in receipts(database, scope, gate)} == {("b1", 2), ("b2", 1)}
    hear(database, scope, gate, ("b1", 3))
    open_gaps = "SELECT seq_from, seq_to FROM device_gap WHERE closed_at IS NULL"
    assert rows(database, scope, open_gaps) == [(4, 4)]
    hear(database, scope, gate, ("b1", 4))
    assert rows(database, scope, open_gaps) == []
    assert rows(database, scope, "SELECT boot, upto, high FROM device_seq ORDER BY boot") == [
        ("b1", 5, 5),
        ("b2", 1, 1),
    ]
    assert count(database, scope, "device_gap", "asked > 0") == 1
    assert count(database, scope, "device_alarm", "code = 'gap' AND closed_at IS NULL") == 0


def test_a_number_seen_twice_changes_nothing(database: Database, scope: Scope) -> None:
    [gate] = site_with(database, scope, "gate")
    hear(database, scope, gate, ("b1", 1), ("b1", 2), ("b1", 2), ("b1", 1))
    assert receipts(database, scope, gate) == [{"boot": "b1", "upto": 2, "missing": [], "server_time": None}]
