"""Messages at rest: sealed, sealed anew, erased when due; the digest proves what came and went all the while."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.conftest import KEYS
from tests.wms.customs.messages.test_post_office import declaration, receipt, stood
from wms.customs.messages import post_office, queries
from wms.customs.messages.keeping import MessageErased, clear, seal_older
from wms.customs.messages.verify import findings
from wms.customs.parcels import privacy
from wms.customs.tables.messages import CustomsMessage
from wms.parties.private import Vault, key_id_of

AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
MANY_YEARS = timedelta(days=40 * 365)


def kept_in_clear(session: Session, data: bytes) -> int:
    """A message as an older version kept it."""
    row = {"direction": "in", "kind": "CEB622", "raw": data, "digest": post_office._digest(data), "state": "taken",
           "received_at": AT}  # fmt: skip
    made: int = session.execute(insert(CustomsMessage).values(row).returning(CustomsMessage.id)).scalar_one()
    return made


def test_nobody_reads_in_the_table_what_stands_in_a_message(session: Session) -> None:
    data = declaration()
    made = post_office.send(session, "CEB621", "COP-1", data)
    row = stood(session, made)
    assert row.raw is None
    assert row.raw_sealed is not None
    assert b"ceb:" not in row.raw_sealed
    assert clear(session, row) == data
    assert queries.message(session, made).bytes == len(data)
    assert list(findings(session)) == []


def test_what_an_older_version_kept_in_clear_is_sealed_by_the_job(session: Session) -> None:
    data = receipt("COP-1", "800")
    made = [kept_in_clear(session, data), kept_in_clear(session, data)]
    assert clear(session, stood(session, made[0])) == data
    assert seal_older(session) == 2
    assert seal_older(session) == 0
    assert {stood(session, one).raw for one in made} == {None}
    assert clear(session, stood(session, made[1])) == data
    assert list(findings(session)) == []


def test_messages_are_sealed_anew_with_a_newer_key(session: Session) -> None:
    made = post_office.send(session, "CEB621", "COP-1", declaration())
    session.info["keys"] = lambda: newer
    newer = Vault({**KEYS.keys, 2: b"n" * 32}, KEYS.index_key)
    assert privacy.reseal(session, newer) == 1
    row = stood(session, made)
    assert key_id_of(row.raw_sealed or b"") == 2
    assert clear(session, row) == declaration()
    assert list(findings(session)) == []


def test_after_the_retention_the_bytes_are_gone_and_the_digest_stays(session: Session) -> None:
    waiting = post_office.send(session, "CEB621", "COP-1", declaration())
    gone = [post_office.take(session, receipt("COP-9", "120"), "test").id, kept_in_clear(session, receipt("C", "120"))]
    assert privacy.erase(session, datetime.now(UTC) + MANY_YEARS)["customs_message"] == 2
    assert clear(session, stood(session, waiting)) == declaration()  # it has not left yet
    for one in gone:
        row = stood(session, one)
        assert len(row.digest) == 32
        with pytest.raises(MessageErased):
            clear(session, row)
    assert queries.message(session, gone[0]).bytes == 0
    assert [one.rule for one in queries.findings(session, gone[0])] == ["customs_message_erased"]
    assert list(findings(session)) == []


def test_verify_finds_bytes_that_are_not_those_of_the_digest_and_a_record_of_other_bytes(session: Session) -> None:
    altered, sent = (post_office.send(session, "CEB621", f"COP-{n}", declaration(n)) for n in (1, 2))
    other = KEYS.seal_bytes(declaration(3), "customs_message.raw")
    session.execute(update(CustomsMessage).where(CustomsMessage.id == altered).values(raw_sealed=other))
    stranger = Vault({1: b"x" * 32}, b"i" * 32).seal_bytes(declaration(2), "customs_message.raw")
    session.execute(update(CustomsMessage).where(CustomsMessage.id == sent).values(raw_sealed=stranger))
    found = {(one.invariant, one.where) for one in findings(session)}
    assert found == {("M1", f"message {altered} CEB621"), ("M1", f"message {sent} CEB621")}


def test_bytes_kept_in_clear_may_go_but_are_never_exchanged(session: Session) -> None:
    made = kept_in_clear(session, receipt("COP-1", "800"))
    with pytest.raises(DBAPIError), session.begin_nested():
        session.execute(text("UPDATE customs_message SET raw = 'other' WHERE id = :id"), {"id": made})
    assert session.scalar(select(CustomsMessage.raw).where(CustomsMessage.id == made)) == receipt("COP-1", "800")
