"""Bad event files: each mistake has its own field, rule and words."""

import json
from pathlib import Path
from typing import Any

import pytest

from routing.problem import BadProblem
from routing.replan.events import apply, events_of, read_events
from tests.routing.tiny import goods, problem

WED = "SHIP@20260304T1200"
GOOD: dict[str, Any] = {"kind": "cancelled", "departure": WED}


def refused(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(BadProblem) as bad:
        apply(problem([goods("K1", 2)]), events_of(document).events)
    return [(fault.field, fault.rule) for fault in bad.value.faults]


@pytest.mark.parametrize(
    ("event", "field", "rule"),
    [
        ({"kind": "flood"}, "events.0", "union_tag_invalid"),
        ({"departure": WED}, "events.0", "union_tag_not_found"),
        ({"kind": "cancelled"}, "events.0.cancelled.departure", "missing"),
        ({**GOOD, "why": "wind"}, "events.0.cancelled.why", "extra_forbidden"),
        ({"kind": "delay", "departure": WED, "hours": -1}, "events.0.delay.hours", "greater_than_equal"),
        ({"kind": "delay", "departure": WED, "hours": 1.5}, "events.0.delay.hours", "int_from_float"),
        ({"kind": "delay", "departure": WED, "hours": 0}, "events.0.delay.hours", "no_delay"),
        ({"kind": "delay", "departure": "SHIP", "hours": 4}, "events.0.delay.departure", "unknown_departure"),
        ({**GOOD, "departure": "SHIP@20260305T1200"}, "events.0.cancelled.departure", "unknown_departure"),
        ({**GOOD, "departure": "BOAT@20260304T1200"}, "events.0.cancelled.departure", "unknown_service"),
        ({"kind": "full", "departure": WED, "capacity": -2}, "events.0.full.capacity", "greater_than_equal"),
        (
            {"kind": "closed", "place": "ZZZ", "from_at": "2026-03-04T00:00:00Z", "until_at": "2026-03-05T00:00:00Z"},
            "events.0.closed.place", "unknown_place",
        ),
        (
            {"kind": "closed", "place": "CCC", "from_at": "2026-03-04T00:00:00Z", "until_at": "2026-03-05T00:00:00Z"},
            "events.0.closed.place", "no_service",
        ),
        (
            {"kind": "closed", "place": "AAA", "from_at": "2026-03-05T00:00:00Z", "until_at": "2026-03-05T00:00:00Z"},
            "events.0.closed.until_at", "ends_before_it_begins",
        ),
        (
            {"kind": "closed", "place": "AAA", "from_at": "2026-03-05", "until_at": "2026-03-06T00:00:00Z"},
            "events.0.closed.from_at", "value_error",
        ),
        (
            {"kind": "late", "consignment": "K9", "ready_at": "2026-03-05T00:00:00Z"},
            "events.0.late.consignment", "unknown_consignment",
        ),
        (
            {"kind": "late", "consignment": "K1", "ready_at": "2026-03-02T00:00:00Z"},
            "events.0.late.ready_at", "not_late",
        ),
        (
            {"kind": "late", "consignment": "K1", "ready_at": "2026-09-02T00:00:00Z"},
            "events.0.late.ready_at", "ready_after_due",
        ),
        (
            {"kind": "new", "consignment": goods("K1", 2).model_dump(mode="json")},
            "events.0.new.consignment.id", "duplicate",
        ),
        ({"kind": "new", "consignment": {"id": "K2"}}, "events.0.new.consignment.owner", "missing"),
    ],
)  # fmt: skip
def test_a_bad_event_is_refused_by_field_and_rule(event: dict[str, Any], field: str, rule: str) -> None:
    assert (field, rule) in refused({"events": [event]})


def test_a_file_without_events_or_with_unknown_fields_is_refused() -> None:
    assert refused({"events": []}) == [("events", "too_short")]
    assert refused({"events": [GOOD], "until": 1}) == [("until", "extra_forbidden")]
    assert refused({"events": [GOOD], "format": "other/1"}) == [("format", "literal_error")]
    assert refused([GOOD])[0][0] == "(file)"


def test_all_bad_events_of_a_file_are_named_at_once() -> None:
    late = {"kind": "late", "consignment": "K9", "ready_at": "2026-03-05T00:00:00Z"}
    bad = [{**GOOD, "departure": "BOAT@1"}, GOOD, late]
    assert [field for field, _ in refused({"events": bad})] == [
        "events.0.cancelled.departure", "events.2.late.consignment",
    ]  # fmt: skip


def test_files_that_are_no_json_no_utf8_or_not_there_are_refused(tmp_path: Path) -> None:
    found = []
    for name, content in (("a", b"{"), ("b", b"\xff\xfe"), ("c", b"[" * 100_000), ("d", None)):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BadProblem) as bad:
            read_events(path)
        found.append(bad.value.faults[0].rule)
    assert found == ["not_json", "not_utf8", "not_json", "unreadable"]


def test_a_file_is_read_and_later_events_on_a_departure_add_to_earlier_ones(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    both = [{"kind": "full", "departure": WED, "capacity": 1}, {"kind": "delay", "departure": WED, "hours": 6}]
    path.write_text(json.dumps({"events": both, "frozen": ["K1"]}))
    found = read_events(path)
    change = apply(problem([goods("K1", 2)]), found.events).changes.departures[WED]
    assert (change.capacity, change.depart_late_s, change.arrive_late_s, change.cutoff_late_s) == (1, 21_600, 21_600, 0)
    assert found.frozen == ("K1",)
