"""Leaves are appended and never edited; a request under one key is done once."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.build import make_company, make_shelf, receive_bonded
from wms.db import Database, Scope
from wms.record.rules import KeyReused, PostingBody, canonical, digest, leaf_hash, posting_body
from wms.record.service import append_leaf, once
from wms.stock.rules import NotAvailable

HASH = digest({"a": 1})


def test_act_runs_once_and_its_answer_is_given_again(database: Database, scope: Scope) -> None:
    calls = []

    def act() -> Mapping[str, Any]:
        calls.append(1)
        return {"n": len(calls)}

    answers = []
    for _ in range(3):
        with database.unit_of_work(scope) as session:
            answers.append(once(session, "key", HASH, act))
    assert [(answer.body, answer.replayed) for answer in answers] == [
        ({"n": 1}, False), ({"n": 1}, True), ({"n": 1}, True),
    ]  # fmt: skip


def test_a_refusal_is_an_answer_and_leaves_nothing_else_behind(database: Database, scope: Scope) -> None:
    for replayed in (False, True):
        with database.unit_of_work(scope) as session:

            def act() -> Mapping[str, Any]:
                make_company(session, code="GONE")
                raise NotAvailable(field="qty", wanted=3, available=1)

            answer = once(session, "key", HASH, act)
        assert (answer.is_refusal, answer.replayed) == (True, replayed)
        assert answer.body == {"code": "not_available", "field": "qty", "values": {"wanted": "3", "available": "1"}}
    with database.unit_of_work(scope) as session:
        assert session.execute(text("SELECT count(*) FROM company WHERE code = 'GONE'")).scalar_one() == 0


def test_same_key_for_something_else_is_refused(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        once(session, "key", HASH, dict)
    with database.unit_of_work(scope) as session, pytest.raises(KeyReused):
        once(session, "key", digest({"a": 2}), dict)


def test_an_accident_leaves_the_key_free(database: Database, scope: Scope) -> None:
    def fail() -> Mapping[str, Any]:
        raise ConnectionError

    with pytest.raises(ConnectionError), database.unit_of_work(scope) as session:
        once(session, "key", HASH, fail)
    with database.unit_of_work(scope) as session:
        assert once(session, "key", HASH, lambda: {"ok": True}).replayed is False


def test_leaf_is_the_rfc_9162_hash_of_its_bytes(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        leaf_id = append_leaf(session, "decision", {"b": 1, "a": datetime(2026, 5, 1, tzinfo=UTC)})
        body, hashed = session.execute(text("SELECT body, hash FROM leaf WHERE id = :id"), {"id": leaf_id}).one()
    assert bytes(body).endswith(b'{"a":"2026-05-01T00:00:00+00:00","b":1}')
    assert bytes(hashed) == leaf_hash(bytes(body)) == hashlib.sha256(b"\x00" + bytes(body)).digest()


def test_the_leaf_of_a_posting_cannot_be_forged(database: Database, scope: Scope) -> None:
    with pytest.raises(DBAPIError, match="written with the posting"), database.unit_of_work(scope) as session:
        append_leaf(session, "posting", {})


def test_python_builds_the_same_bytes_of_a_posting_as_the_database(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        posted = receive_bonded(session, make_shelf(session), 7)
        row = session.execute(text("SELECT * FROM posting WHERE id = :id"), {"id": posted.posting_id}).one()
        entries = session.execute(
            text("SELECT a.dimensions, e.qty, e.weight_g, e.value_minor FROM entry e JOIN account a"
                 " ON a.id = e.account_id WHERE e.posting_id = :id ORDER BY e.account_id"),
            {"id": posted.posting_id},
        )  # fmt: skip
        built = posting_body(
            PostingBody(
                row.tenant_id, row.id, row.idem_key, row.kind, row.source_doc, row.reason, row.person_id, row.device,
                row.reverses_id, row.event_at, row.recorded_at, [tuple(entry) for entry in entries],
            )
        )  # fmt: skip
        stored = session.execute(
            text("SELECT body FROM leaf WHERE kind = 'posting' AND subject_id = :id"), {"id": posted.posting_id}
        ).scalar_one()
    assert built == bytes(stored)


def test_a_float_has_no_canonical_form() -> None:
    with pytest.raises(TypeError):
        canonical({"lines": [{"qty": 1.5}]})
