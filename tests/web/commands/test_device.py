"""``dongting device``: a JSON line for each reading or fault, a status for scripts, and reading stored bytes again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from iot.parsing import parse_waiting
from tests.conftest import Urls
from tests.iot.test_inbox import keep
from tests.iot.test_parsing import come
from tests.iot.world import SECRET, Sender, count, read_register, rows, site_with
from web.commands.device import command
from wms.db import Database, Scope


def parsed(tmp_path: Path, payload: bytes, *arguments: str) -> tuple[int, list[dict[str, object]]]:
    file = tmp_path / "payload"
    file.write_bytes(payload)
    result = CliRunner().invoke(command, ["parse", arguments[0], str(file), *arguments[1:]])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_prints_a_line_for_each_reading(tmp_path: Path) -> None:
    status, lines = parsed(tmp_path, b"ST,GS,+ 18240kg\r\nnonsense\r\n", "scale")
    assert status == 0
    assert [line["kind"] for line in lines] == ["WeightRead", "Fault"]
    assert lines[0]["weight_g"] == 18_240_000


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{}"])
def test_ends_with_status_1_when_there_are_only_faults(tmp_path: Path, payload: bytes) -> None:
    status, lines = parsed(tmp_path, payload, "frigate", "--topic", "frigate/events")
    assert status == 1
    assert {line["kind"] for line in lines} == {"Fault"}


def test_takes_topic_and_profile(tmp_path: Path) -> None:
    topic = "wms/v1/CLJ/gate/d1/status"
    assert parsed(tmp_path, b'{"online": true}', "dongting", "--topic", topic)[1][0]["state"] == "online"
    status, lines = parsed(tmp_path, b"\x02+0018240A\x03", "scale", "--profile", '{"stable_status": "A"}')
    assert (status, lines[0]["is_stable"]) == (0, True)


def test_lists_the_formats() -> None:
    result = CliRunner().invoke(command, ["formats"])
    names = {json.loads(line)["format"] for line in result.stdout.splitlines()}
    assert {"dongting", "zhenshi", "hikvision", "dahua", "scale", "frigate"} <= names


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch, urls: Urls, tenant: int, tmp_path: Path) -> Callable[..., Result]:
    """``dongting device replay`` over this test's database."""
    monkeypatch.setenv("DONGTING_DATABASE_URL", urls.app.replace("+psycopg", ""))
    monkeypatch.setenv("DONGTING_TENANT", str(tenant))
    monkeypatch.setenv("DONGTING_DATA", str(tmp_path))
    monkeypatch.setenv("DONGTING_SECRET_KEY", SECRET)
    return lambda *words: CliRunner().invoke(command, ["replay", *words])


@pytest.fixture
def letters(database: Database, scope: Scope) -> tuple[Sender, Sender]:
    """Two scales with two strings each that nobody could read, for they were registered with another format."""
    first, second = site_with(database, scope, "scale", "scale", lane="L1")
    for one in (first, second):
        arrivals = (come(database, scope, one, f"ST,GS,+ 1824{n}kg\r\n".encode()) for n in range(2))
        keep(database, scope, *arrivals, come(database, scope, one, one.message("weight", data={"weight_g": 9_000})))
    with database.unit_of_work(scope) as session:
        parse_waiting(session, read_register(database, scope))
    rows(database, scope, "UPDATE device SET format = 'scale' RETURNING id")
    return first, second


def unread(database: Database, scope: Scope, device: Sender) -> int:
    query = "closed_at IS NULL AND inbox_id IN (SELECT id FROM inbox WHERE device_id = :id)"
    return count(database, scope, "dead_letter", query, id=device.id)


def test_reads_again_what_was_not_understood_of_one_device_and_of_all(
    replay: Callable[..., Result], letters: tuple[Sender, Sender], database: Database, scope: Scope
) -> None:
    first, second = letters
    assert replay("--device", first.code).output == "2 messages read again.\n"
    assert (unread(database, scope, first), unread(database, scope, second)) == (0, 2)
    assert replay().output == "2 messages read again.\n"
    assert replay().output == "0 messages read again.\n"
    weighed = "kind = 'WeightRead' AND NOT is_live AND inbox_id IN (SELECT inbox_id FROM dead_letter)"
    assert count(database, scope, "reading", weighed) == 4
    assert count(database, scope, "leaf", "kind = 'device_messages_read_again'") == 2


def test_reads_more_than_one_transaction_holds(
    replay: Callable[..., Result], letters: tuple[Sender, Sender], database: Database, scope: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("iot.messages.MOST_AT_ONCE", 3)
    assert replay().output == "4 messages read again.\n"
    assert [unread(database, scope, one) for one in letters] == [0, 0]


def test_reads_again_the_messages_that_are_named(
    replay: Callable[..., Result], letters: tuple[Sender, Sender], database: Database, scope: Scope
) -> None:
    query = "SELECT id FROM inbox WHERE device_id = :id ORDER BY id"
    [bad, *_rest] = [str(row.id) for row in rows(database, scope, query, id=letters[0].id)]
    assert replay(bad, bad).output == "1 messages read again.\n"
    assert unread(database, scope, letters[0]) == 1
    assert replay("999999999999").output == "0 messages read again.\n"


def test_names_a_device_that_is_not_there(replay: Callable[..., Result], letters: tuple[Sender, Sender]) -> None:
    said = replay("--device", "nobody")
    assert said.exit_code == 2
    assert "no device is called nobody" in said.output
