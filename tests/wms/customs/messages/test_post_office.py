"""Messages out and in: queued with the deed, kept always, receipts forward only, repeats change nothing."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.wms.customs.messages import made
from wms.customs.messages import Message, post_office, spec
from wms.customs.messages.keeping import clear
from wms.customs.messages.reading import parse
from wms.customs.messages.signing import SoftwareKey, enveloped, make_test_key
from wms.customs.messages.writing import compose
from wms.customs.tables.messages import CustomsMessage
from wms.db import Database, Scope
from wms.errors import N_, WmsError
from wms.parties import dated

AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def receipt(cop_no: str, status: str, kind: str = "CEB622") -> bytes:
    document = {
        "guid": made.GUID, "customsCode": "4902", "copNo": cop_no, "preNo": "B20261120000000001",
        "returnStatus": status, "returnTime": "20261120080000001", "returnInfo": "x",
    }  # fmt: skip
    return compose(Message(kind, made.GUID, (document,)))


def declaration(chance: int = 1) -> bytes:
    return compose(made.message(spec.kind("CEB621"), random.Random(chance)))


def stood(session: Session, message_id: int) -> CustomsMessage:
    return session.scalars(
        select(CustomsMessage).where(CustomsMessage.id == message_id).execution_options(populate_existing=True)
    ).one()


@pytest.fixture
def heard() -> Iterator[list[post_office.Received]]:
    """What the handler of CEB622 was given; the register is as before afterwards."""
    before, calls = dict(post_office.HANDLERS), list[post_office.Received]()
    post_office.HANDLERS["CEB622"] = lambda _session, received: calls.append(received)
    yield calls
    post_office.HANDLERS.clear()
    post_office.HANDLERS.update(before)


def test_is_queued_in_the_callers_transaction_and_sent_once(database: Database, scope: Scope) -> None:
    data = declaration()
    with database.unit_of_work(scope) as session:
        message_id = post_office.send(session, "CEB621", "COP-1", data)
        session.rollback()
    with database.unit_of_work(scope) as session:
        assert post_office.queued(session) == []
        message_id = post_office.send(session, "CEB621", "COP-1", data)
        assert [one.id for one in post_office.queued(session)] == [message_id]
        assert post_office.mark_sent(session, message_id, AT)
        assert not post_office.mark_sent(session, message_id, AT)
        row = stood(session, message_id)
        assert (row.state, clear(session, row), row.sent_at) == ("sent", data, AT)


def test_receipts_move_forward_only_and_are_all_kept(
    database: Database, scope: Scope, heard: list[post_office.Received]
) -> None:
    with database.unit_of_work(scope) as session:
        message_id = post_office.send(session, "CEB621", "COP-1", declaration())
        seen = []
        for status in ("2", "120", "3", "18", "500", "300", "800", "120", "-621018", "100"):
            post_office.take(session, receipt("COP-1", status), "test", AT)
            seen.append(stood(session, message_id).receipt_status)
        assert seen == ["2", "120", "120", "120", "500", "500", "800", "800", "800", "800"]
        assert len(heard) == 9
        kept = session.scalars(select(CustomsMessage.state).where(CustomsMessage.direction == "in")).all()
        assert sorted(kept) == ["repeated"] + ["taken"] * 9


def test_returned_reopens(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        message_id = post_office.send(session, "CEB621", "COP-1", declaration())
        for status in ("120", "100", "2"):
            post_office.take(session, receipt("COP-1", status), "test", AT)
        assert stood(session, message_id).receipt_status == "2"


def test_the_same_bytes_again_are_kept_and_change_nothing(
    database: Database, scope: Scope, heard: list[post_office.Received]
) -> None:
    with database.unit_of_work(scope) as session:
        first = post_office.take(session, receipt("COP-1", "800"), "folder", AT)
        again = post_office.take(session, receipt("COP-1", "800"), "http", AT)
        assert (first.state, first.kind, first.number) == ("taken", "CEB622", "COP-1")
        assert (again.state, again.same_as_id) == ("repeated", first.id)
        assert len(heard) == 1


def test_what_cannot_be_read_is_kept_with_its_reason(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        for data, state, said in (
            (b"<!DOCTYPE x []><x/>", "unreadable", "DOCTYPE"),
            (b"\xff\x00rubbish", "unreadable", "XML"),
            (receipt("COP-1", "8" * 11), "invalid", "returnStatus may have 10 signs at most"),
        ):
            taken = post_office.take(session, data, "test", AT)
            row = stood(session, taken.id)
            assert (taken.state, clear(session, row)) == (state, data)
            assert said in (row.reason or "")


class NotThis(WmsError):
    code = "not_this"
    text = N_("Nothing was found under %(what)s.")


def test_a_handlers_refusal_is_kept_as_the_reason_and_undoes_its_work(
    database: Database, scope: Scope, heard: list[post_office.Received]
) -> None:
    def refuse(session: Session, _received: post_office.Received) -> None:
        post_office.send(session, "CEB621", "half", b"x")
        raise NotThis(what="COP-9")

    post_office.HANDLERS["CEB622"] = refuse
    with database.unit_of_work(scope) as session:
        taken = post_office.take(session, receipt("COP-9", "800"), "test", AT)
        assert (taken.state, taken.reason) == ("refused", "Nothing was found under COP-9.")
        assert post_office.queued(session) == []


def test_bytes_and_direction_are_never_changed(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        message_id = post_office.send(session, "CEB621", "COP-1", declaration())
    with database.unit_of_work(scope) as session:
        stood(session, message_id).raw = b"other"
        with pytest.raises(DBAPIError):
            session.flush()
        session.rollback()


def signed(data: bytes, key: SoftwareKey) -> bytes:
    """A message of customs with customs' own signature."""
    return enveloped(parse(data, keeps_all=True), key)


@pytest.fixture(scope="module")
def customs() -> SoftwareKey:
    return make_test_key("customs")


def trust(session: Session, *keys: SoftwareKey, must_be_signed: bool = False) -> None:
    pem = [key.certificate.public_bytes(Encoding.PEM).decode() for key in keys]
    said = {"certificates": pem, "must_be_signed": must_be_signed}
    dated.set_value(session, "customs.trust", said, valid_from_on=date(2026, 1, 1), source="test")


def test_a_receipt_whose_signature_does_not_hold_is_kept_and_not_acted_upon(
    session: Session, heard: list[post_office.Received], customs: SoftwareKey
) -> None:
    trust(session, customs)
    message_id = post_office.send(session, "CEB621", "COP-1", declaration())
    whole = signed(receipt("COP-1", "800"), customs)
    broken = post_office.take(session, whole.replace(b">x<", b">y<"), "test", AT)
    stranger = post_office.take(session, signed(receipt("COP-1", "700"), make_test_key("other")), "test", AT)
    for taken, state, said in ((broken, "invalid", "is broken"), (stranger, "untrusted", "certificate is unknown")):
        assert (taken.state, stood(session, taken.id).signature) == ("refused", state)
        assert said in (taken.reason or "")
    assert (heard, stood(session, message_id).receipt_status) == ([], None)
    good = post_office.take(session, whole, "test", AT)
    assert (good.state, stood(session, good.id).signature) == ("taken", "valid")
    assert stood(session, message_id).receipt_status == "800"


def test_an_unsigned_receipt_counts_until_customs_is_known_to_sign_everything(
    session: Session, heard: list[post_office.Received], customs: SoftwareKey
) -> None:
    before = post_office.take(session, receipt("COP-1", "120"), "test", AT)
    assert (before.state, stood(session, before.id).signature) == ("taken", None)  # nobody is trusted yet
    trust(session, customs, must_be_signed=True)
    after = post_office.take(session, receipt("COP-1", "800"), "test", AT)
    assert (after.state, stood(session, after.id).signature) == ("refused", "unsigned")
    assert "is not signed" in (after.reason or "")
    assert len(heard) == 1


def test_a_certificate_that_cannot_be_read_is_said_and_lets_nothing_through(
    session: Session, heard: list[post_office.Received]
) -> None:
    said = {"certificates": ["no certificate"], "must_be_signed": False}
    dated.set_value(session, "customs.trust", said, valid_from_on=date(2026, 1, 1), source="test")
    taken = post_office.take(session, receipt("COP-1", "800"), "test", AT)
    assert (taken.state, heard) == ("refused", [])
    assert "customs.trust" in (taken.reason or "")
