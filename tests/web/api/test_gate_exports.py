"""Files of any period: what is in them, that they are written while they are read, and each bad period by its name."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from iot import history
from iot.inbox import store
from iot.parsing import parse_waiting
from iot.register import arrival
from tests.iot.world import Sender, read_register, site_with
from tests.web.conftest import Doorman
from tests.wms.gate.world import crossing, make_pass, make_world, seen_of
from web.api.gate_exports import COLUMNS, NotAnInstant, PeriodAhead, PeriodBackwards, PeriodMissing, period_of
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.gate.service import decide_passage

CHINA = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (("2026-11-01", "2026-11-01"), ("2026-10-31T16:00+00:00", "2026-11-01T16:00+00:00")),
        (("2026-11-01T08:00", "2026-11-01T09:00+08:00"), ("2026-11-01T00:00+00:00", "2026-11-01T01:00+00:00")),
        (("2026-11-01T00:00:00Z", "2026-11-01T00:01 00:00"), ("2026-11-01T00:00+00:00", "2026-11-01T00:01+00:00")),
        (("2026-11-26", "9999-12-30"), ("2026-11-25T16:00+00:00", "2026-11-27T12:00+00:00")),
    ],
)
def test_a_period_is_of_days_or_instants_by_the_clock_of_the_house(
    given: tuple[str, str], wanted: tuple[str, str]
) -> None:
    assert period_of(*given, CHINA, NOW) == (instant(wanted[0]), instant(wanted[1]))


@pytest.mark.parametrize(
    ("given", "refusal", "field"),
    [
        (("", "2026-11-01"), PeriodMissing, "from"),
        (("2026-11-01", ""), PeriodMissing, "to"),
        (("2026-02-30", "2026-11-01"), NotAnInstant, "from"),
        (("2026-11-01", "tomorrow"), NotAnInstant, "to"),
        (("2026-11-01T25:00", "2026-11-02"), NotAnInstant, "from"),
        (("2026-11-01", "9999-12-31"), NotAnInstant, "to"),
        (("2026-11-02", "2026-11-01"), PeriodBackwards, "to"),
        (("2026-11-01T00:00Z", "2026-11-01T00:00Z"), PeriodBackwards, "to"),
        (("2027-01-01", "2027-01-02"), PeriodAhead, "from"),
    ],
)
def test_each_bad_period_is_refused_by_its_name(
    given: tuple[str, str], refusal: type[WmsError], field: str
) -> None:
    with pytest.raises(refusal) as said:
        period_of(*given, CHINA, NOW)
    assert said.value.field == field


@pytest.fixture
def sender(database: Database, scope: Scope) -> Sender:
    return site_with(database, scope, "gate")[0]


def heard(database: Database, scope: Scope, sender: Sender, n: int) -> None:
    register = read_register(database, scope)
    known = register.by_code[sender.code]
    with database.unit_of_work(scope) as session:
        messages = [sender.message(seq=seq) for seq in range(1, n + 1)]
        topic = sender.topic()
        store(
            session,
            [arrival(register, known, topic, one, qos=1, door="embedded", limit_bytes=10**6) for one in messages],
        )
        while parse_waiting(session, register).messages:
            pass


def around_now() -> dict[str, str]:
    now = datetime.now(UTC)
    return {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}


@pytest.fixture
def ask(client: FlaskClient, doorman: Doorman) -> Any:
    headers = doorman.token("auditor", doorman.cast.operator_id)
    return lambda **query: client.get(
        "/api/v1/gate-exports", query_string=around_now() | query, headers=headers, buffered=True
    )


def test_events_as_lines_and_as_a_table_are_the_same_and_in_order(
    ask: Any, database: Database, scope: Scope, sender: Sender
) -> None:
    heard(database, scope, sender, 450)
    lines = [json.loads(line) for line in ask(of="events", format="jsonl").text.splitlines()]
    table = list(csv.DictReader(io.StringIO(ask(of="events").text.removeprefix("\ufeff"))))
    assert [line["id"] for line in lines] == [int(row["id"]) for row in table] == sorted(line["id"] for line in lines)
    assert len(lines) == 450
    assert {line["device"] for line in lines} == {sender.code}
    assert json.loads(table[0]["payload"]) == lines[0]["payload"]
    assert list(table[0]) == list(COLUMNS["events"]) == list(lines[0])


def test_a_file_is_written_while_it_is_read(
    database: Database, scope: Scope, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard(database, scope, sender, 10)
    monkeypatch.setattr(history, "SLICE", timedelta(minutes=1))
    now = datetime.now(UTC)
    rows = history.of_period(database, scope, now - timedelta(minutes=30), now + timedelta(days=3650))
    first = next(rows)  # of ten years; those who wait for the last would wait long
    assert first["device"] == sender.code
    rows.close()  # type: ignore[attr-defined]


def test_passages_and_decisions_of_a_period(ask: Any, database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        world = make_world(session)
        held = decide_passage(session, crossing(world.lane, seen_of(make_pass(session, world), weight_g=1_000_000)))
        passage_id = held.passage_id
    [passage] = [json.loads(line) for line in ask(of="passages", format="jsonl").text.splitlines()]
    [decision] = [json.loads(line) for line in ask(of="decisions", format="jsonl").text.splitlines()]
    assert (passage["id"], decision["passage_id"]) == (passage_id, passage_id)
    assert decision["inputs"]
    assert decision["checks"]
    assert list(passage) == list(COLUMNS["passages"])
    assert list(decision) == list(COLUMNS["decisions"])


def test_a_refusal_names_its_code(ask: Any) -> None:
    said = ask(**{"from": "2026-11-02", "to": "2026-11-01"})
    assert said.status_code == 422
    assert said.json["type"].endswith("period_backwards")
    assert ask(of="everything").status_code == 422
    assert ask(format="exe").status_code == 422


def test_who_may_not_watch_gets_no_file(client: FlaskClient, doorman: Doorman) -> None:
    for role in ("clerk", "declarant", "device"):
        headers = doorman.token(role, doorman.cast.operator_id)
        assert client.get("/api/v1/gate-exports", query_string=around_now(), headers=headers).status_code == 403


def test_the_officers_page_gives_the_file_and_shows_the_refusal(doorman: Doorman) -> None:
    officer = doorman.browser("customs_officer")
    assert "Export a period" in officer.get("/gate/passages").text
    shown = officer.get("/gate/export")
    assert shown.status_code == 200
    refused = officer.get("/gate/export?of=passages&format=csv&from=2026-11-02&to=2026-11-01")
    assert refused.status_code == 422
    assert "ends before it has begun" in refused.text
    given = officer.get("/gate/export?of=passages&format=csv&from=2026-11-01&to=2026-11-02")
    assert given.headers["Content-Disposition"].startswith('attachment; filename="passages-2026')
    assert given.text.removeprefix("\ufeff").split(",")[0] == "id"
