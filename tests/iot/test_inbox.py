"""Store first: what became of each arrival, and that one bad neighbour harms nobody."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from iot.inbox import Arrival, Outcome, checked, store, store_one_by_one
from iot.register import Register, arrival
from tests.iot.world import Sender, count, read_register, rows, site_with
from wms.db import Database, Scope


@pytest.fixture
def gate(database: Database, scope: Scope) -> Sender:
    return site_with(database, scope, "gate")[0]


@pytest.fixture
def register(database: Database, scope: Scope, gate: Sender) -> Register:
    return read_register(database, scope)


def come(register: Register, sender: Sender, payload: bytes, topic: str | None = None) -> Arrival:
    known = register.by_code[sender.code]
    return arrival(register, known, topic or sender.topic(), payload, qos=1, door="embedded", limit_bytes=1_000_000)


def keep(database: Database, scope: Scope, *arrivals: Arrival) -> list[Outcome]:
    with database.unit_of_work(scope) as session:
        return store(session, arrivals)


def test_keeps_the_bytes_as_they_came(database: Database, scope: Scope, gate: Sender, register: Register) -> None:
    payload = gate.message()
    assert keep(database, scope, come(register, gate, payload)) == [Outcome.STORED]
    [row] = rows(database, scope, "SELECT payload, payload_sha256 = sha256(payload), state, source FROM inbox")
    assert (bytes(row[0]), row[1], row[2], row[3]) == (payload, True, "received", gate.code)


def test_holds_the_same_message_once_and_counts_its_copies(
    database: Database, scope: Scope, gate: Sender, register: Register
) -> None:
    payload = gate.message()
    one = come(register, gate, payload)
    assert keep(database, scope, one, one) == [Outcome.STORED, Outcome.COPY]
    assert keep(database, scope, one) == [Outcome.COPY]
    assert rows(database, scope, "SELECT copies FROM inbox") == [(2,)]


def test_keeps_both_when_the_same_id_comes_with_other_bytes(
    database: Database, scope: Scope, gate: Sender, register: Register
) -> None:
    first, second = gate.message(seq=1, id="one"), gate.message(seq=2, id="one")
    assert keep(database, scope, come(register, gate, first)) == [Outcome.STORED]
    assert keep(database, scope, come(register, gate, second)) == [Outcome.CONFLICT]
    assert keep(database, scope, come(register, gate, second)) == [Outcome.CONFLICT]
    assert [bytes(row[0]) for row in rows(database, scope, "SELECT payload FROM inbox")] == [first]
    [row] = rows(database, scope, "SELECT payload, copies FROM inbox_conflict")
    assert (bytes(row[0]), row[1]) == (second, 2)
    assert count(database, scope, "device_alarm", "code = 'conflict'") == 1


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b'{"id": "a\\u0000b"}', "NUL in an id"),
        (b'{"id": "\\ud800"}', "lone surrogate in an id"),
        (b'{"id": 7}', "number as id"),
        (b"", "empty"),
        (b"[]", "not an object"),
        (b"\xff\xfe", "not UTF-8"),
        (b"{" * 100_000, "deeply nested"),
        (b'{"id": "' + b"x" * 5000 + b'"}', "an id of 5,000 characters"),
    ],
)
def test_keeps_a_poisoned_message_and_its_good_neighbours(
    payload: bytes, why: str, database: Database, scope: Scope, gate: Sender, register: Register
) -> None:
    batch = [come(register, gate, one) for one in (gate.message(seq=1), payload, gate.message(seq=2))]
    outcomes = keep(database, scope, *batch)
    assert (outcomes[0], outcomes[2]) == (Outcome.STORED, Outcome.STORED), why
    kept = [bytes(row[0]) for row in rows(database, scope, "SELECT payload FROM inbox ORDER BY id")]
    assert kept[1] == payload


def test_a_row_that_the_database_refuses_is_buried_alone(
    database: Database, scope: Scope, gate: Sender, register: Register
) -> None:
    good = [come(register, gate, gate.message(seq=seq)) for seq in (1, 2)]
    refused = replace(good[0], message_key="a\0b", payload=b"the bytes stay")
    with pytest.raises(DBAPIError), database.unit_of_work(scope) as session:
        store(session, [good[0], refused, good[1]])
    with database.unit_of_work(scope) as session:
        outcomes = store_one_by_one(session, [good[0], refused, good[1]])
    assert outcomes == [Outcome.STORED, Outcome.DEAD, Outcome.STORED]
    [row] = rows(database, scope, "SELECT payload FROM inbox WHERE state = 'dead'")
    assert bytes(row[0]) == b"the bytes stay"
    assert rows(database, scope, "SELECT reason FROM dead_letter") == [("refused_by_database",)]


def test_a_foreign_topic_goes_to_quarantine(database: Database, scope: Scope) -> None:
    mine, other = site_with(database, scope, "gate", "gate")
    register = read_register(database, scope)
    outcome = keep(database, scope, come(register, mine, mine.message(), topic=other.topic()))
    assert outcome == [Outcome.DEAD]
    assert rows(database, scope, "SELECT source, state FROM inbox") == [(mine.code, "dead")]
    assert rows(database, scope, "SELECT reason FROM dead_letter") == [("foreign_topic",)]
    assert count(database, scope, "device_alarm", "code = 'foreign_topic'") == 1


def test_a_message_of_two_megabytes_is_kept_with_its_reason(
    database: Database, scope: Scope, gate: Sender, register: Register
) -> None:
    large = b"x" * 2_000_000
    outcomes = keep(database, scope, come(register, gate, large), come(register, gate, gate.message()))
    assert outcomes == [Outcome.DEAD, Outcome.STORED]
    assert rows(database, scope, "SELECT reason FROM dead_letter") == [("oversized",)]
    assert rows(database, scope, "SELECT octet_length(payload) FROM inbox WHERE state = 'dead'") == [(2_000_000,)]


def test_a_topic_that_text_cannot_hold_is_kept_escaped() -> None:
    kept = checked(Arrival(source="s", message_key="k", topic="a\0b", payload=b"", qos=0, door="client"))
    assert (kept.topic, kept.reason) == ("a\\x00b", "bad_topic")


def test_two_identical_weights_are_two_observations(database: Database, scope: Scope) -> None:
    [scale] = site_with(database, scope, "scale", format="scale")
    register = read_register(database, scope)
    line = b"ST,GS,+ 18240kg\r\n"
    assert keep(database, scope, *(come(register, scale, line) for _ in range(2))) == [Outcome.STORED] * 2


def test_what_came_is_never_edited_or_removed(
    database: Database, scope: Scope, gate: Sender, register: Register
) -> None:
    keep(database, scope, come(register, gate, gate.message()))
    for edit in ("UPDATE inbox SET payload = ''", "DELETE FROM inbox"):
        with pytest.raises(DBAPIError, match="permission denied"), database.unit_of_work(scope) as session:
            session.execute(text(edit))
