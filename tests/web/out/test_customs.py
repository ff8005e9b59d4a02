"""The transport to customs: real folders and sockets, a counter of its own process, and lines that fail."""

import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from tests.web.demo import papers
from tests.web.demo.counter_process import Counter, wait_until
from web.demo.counter import forms
from web.out.customs import rules
from web.out.customs.exchange import run_turn
from web.out.customs.lines import FolderLine, HttpLine, Incoming, LineDown, line_to
from web.out.tables import CustomsAwaited, CustomsDispatch
from wms.customs.messages import post_office
from wms.customs.messages.reading import parse
from wms.customs.messages.signing import SoftwareKey, enveloped, make_test_key
from wms.customs.outline import outline
from wms.customs.tables import CustomsMessage
from wms.db import Database, Scope
from wms.parties import dated

Turner = Callable[[], None]


@pytest.fixture
def scope(tenant: int) -> Scope:
    return Scope.system(tenant)


def send(database: Database, scope: Scope, **messages: bytes) -> None:
    with database.unit_of_work(scope) as session:
        for kind, raw in messages.items():
            post_office.send(session, kind, kind, raw)


def impatient(database: Database, scope: Scope) -> None:
    """Silence is asked after within a second."""
    with database.unit_of_work(scope) as session:
        value = {"first_s": 1, "last_s": 1, "longest_s": 2}
        dated.set_value(session, "customs.patience", value, valid_from_on=date(2021, 1, 1), source="test")


def states(database: Database, scope: Scope) -> dict[str, str]:
    with database.unit_of_work(scope) as session:
        found = select(CustomsMessage.kind, CustomsMessage.state).where(CustomsMessage.direction == "out")
        return dict(tuple(row) for row in session.execute(found))


def came(database: Database, scope: Scope) -> list[tuple[str, str]]:
    with database.unit_of_work(scope) as session:
        found = select(CustomsMessage.kind, CustomsMessage.state).where(CustomsMessage.direction == "in")
        return [(kind, state) for kind, state in session.execute(found.order_by(CustomsMessage.id)).all()]


def settled(database: Database, scope: Scope) -> bool:
    with database.unit_of_work(scope) as session:
        return not session.scalar(select(CustomsDispatch.id).where(CustomsDispatch.state != "settled").limit(1))


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Callable[..., Counter]]:
    opened: list[Counter] = []

    def start(*arguments: str, **habits: object) -> Counter:
        opened.append(Counter(tmp_path / f"counter{len(opened)}", *arguments, **habits))
        return opened[-1]

    yield start
    for one in opened:
        one.end()


def test_a_parcel_goes_and_its_answers_are_matched_and_proved(
    database: Database, scope: Scope, counter: Callable[..., Counter]
) -> None:
    desk, parcel = counter(), papers.parcel("T1")
    send(database, scope, **parcel)
    line = FolderLine(desk.exchange)

    def turn() -> bool:
        run_turn(database, scope, line)
        return settled(database, scope)

    wait_until(turn, lambda: str(states(database, scope)))
    assert set(states(database, scope).values()) == {"sent"}
    with database.unit_of_work(scope) as session:
        dispatch = session.scalars(select(CustomsDispatch).where(CustomsDispatch.name.startswith("CEB621"))).one()
        awaited = session.scalars(select(CustomsAwaited).where(CustomsAwaited.dispatch_id == dispatch.id)).one()
        assert dispatch.digest == hashlib.sha256(parcel["CEB621"]).hexdigest()
        assert dispatch.sent_at is not None
        assert {"CEB622=800", "CEB816=1"} <= set(awaited.heard)
        assert awaited.answer_id is not None
        leaf = session.execute(
            text("SELECT count(*) FROM leaf WHERE kind = 'customs_sent' AND subject_id = :id"),
            {"id": dispatch.message_id},
        ).scalar_one()
        assert leaf == dispatch.sendings


def test_a_tenth_of_all_messages_lost_repeated_and_reordered_still_ends_settled(
    database: Database, scope: Scope, counter: Callable[..., Counter]
) -> None:
    desk = counter(lose_permille=100, repeat_permille=100, reorder_permille=100, seed=7)
    impatient(database, scope)
    for n in range(4):
        send(database, scope, **{f"{kind}": raw for kind, raw in papers.parcel(f"L{n}").items()})
    line = FolderLine(desk.exchange)

    def turn() -> bool:
        run_turn(database, scope, line)
        return settled(database, scope)

    wait_until(turn, lambda: str(states(database, scope)))


def test_over_http_as_over_the_folder(database: Database, scope: Scope, counter: Callable[..., Counter]) -> None:
    port = _free_port()
    counter("--port", str(port))
    send(database, scope, **papers.parcel("T2"))
    line = HttpLine(f"http://127.0.0.1:{port}")

    def turn() -> bool:
        run_turn(database, scope, line)
        with database.unit_of_work(scope) as session:  # a counter that is not up yet is asked again at once
            session.execute(
                update(CustomsDispatch).where(CustomsDispatch.state == "waiting").values(next_at=text("now()"))
            )
        return settled(database, scope)

    wait_until(turn, lambda: str(states(database, scope)))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


class Broken:
    """A line that takes nothing, as a full disk or a dead peer."""

    def put(self, name: str, raw: bytes) -> None:  # noqa: ARG002 - the line's own names
        raise LineDown(reason="No space left on device")

    def waiting(self, most: int) -> Iterator[Incoming]:  # noqa: ARG002
        return iter(())

    def kept(self, name: str) -> None:  # noqa: ARG002
        raise LineDown(reason="gone")


def test_nothing_is_lost_while_the_other_side_is_down(database: Database, scope: Scope, tmp_path: Path) -> None:
    raw = papers.parcel("D1")["CEB311"]
    send(database, scope, CEB311=raw)
    assert run_turn(database, scope, Broken()).down is not None
    with database.unit_of_work(scope) as session:
        dispatch = session.scalars(select(CustomsDispatch)).one()
        assert (dispatch.state, dispatch.tries, dispatch.sendings) == ("waiting", 1, 0)
        assert "No space left" in (dispatch.error or "")
        dispatch.next_at = dispatch.recorded_at
    assert run_turn(database, scope, FolderLine(tmp_path)).sent == 1
    (file,) = (tmp_path / "out").iterdir()
    assert file.read_bytes() == raw
    assert states(database, scope) == {"CEB311": "sent"}


def test_a_folder_that_cannot_be_written_is_a_line_that_is_down(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    with pytest.raises(LineDown):
        FolderLine(tmp_path).put("a.xml", b"<a/>")
    with pytest.raises(LineDown):
        HttpLine(f"http://127.0.0.1:{_free_port()}").put("a.xml", b"<a/>")


def put_in(folder: Path, name: str, raw: bytes) -> None:
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / name).write_bytes(raw)


def receipt(guid: str, status: str) -> bytes:
    head = {"guid": guid, "ebpCode": "a", "ebcCode": "b", "orderNo": "1", "returnStatus": status, "returnInfo": "x"}
    return forms.receipt("CEB312", {**head, "returnTime": "20261126080000000"}).encode()


def test_what_came_counts_once_however_often_and_by_whatever_name_it_comes(
    database: Database, scope: Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, handled = receipt(papers.guid(), "120"), list[bytes]()
    monkeypatch.setitem(post_office.HANDLERS, "CEB312", lambda _session, received: handled.append(received.raw))
    for name in ("one.xml", "one.xml", "two.xml"):  # the first name again: whoever kept it died before taking it off
        put_in(tmp_path, name, raw)
        run_turn(database, scope, FolderLine(tmp_path))
    assert came(database, scope) == [("CEB312", "taken"), ("CEB312", "repeated"), ("CEB312", "repeated")]
    assert handled == [raw]
    assert not list((tmp_path / "in").iterdir())


def test_a_receipt_that_nobody_believes_answers_nothing(database: Database, scope: Scope, tmp_path: Path) -> None:
    customs, stranger = make_test_key("customs"), make_test_key("stranger")
    with database.unit_of_work(scope) as session:
        trusted = {"certificates": [pem(customs)], "must_be_signed": False}
        dated.set_value(session, "customs.trust", trusted, valid_from_on=date(2021, 1, 1), source="test")
    order = papers.parcel("O-1")["CEB311"]
    send(database, scope, CEB311=order)
    run_turn(database, scope, FolderLine(tmp_path))
    guid = next(iter(outline(order).parts[0].numbers))
    put_in(tmp_path, "forged.xml", enveloped(parse(receipt(guid, "100"), keeps_all=True), stranger))
    run_turn(database, scope, FolderLine(tmp_path))
    assert came(database, scope) == [("CEB312", "refused")]
    assert not settled(database, scope)
    put_in(tmp_path, "true.xml", enveloped(parse(receipt(guid, "100"), keeps_all=True), customs))
    run_turn(database, scope, FolderLine(tmp_path))
    assert came(database, scope)[1] == ("CEB312", "taken")
    assert settled(database, scope)


def pem(key: SoftwareKey) -> str:
    return key.certificate.public_bytes(Encoding.PEM).decode()


def test_a_file_stays_on_the_line_until_it_is_kept(database: Database, scope: Scope, tmp_path: Path) -> None:
    put_in(tmp_path, "one.xml", receipt(papers.guid(), "120"))

    class Forgetful(FolderLine):
        def kept(self, name: str) -> None:  # noqa: ARG002
            raise LineDown(reason="killed before it was taken off")

    assert run_turn(database, scope, Forgetful(tmp_path)).down is not None
    assert run_turn(database, scope, FolderLine(tmp_path)).taken == 1
    assert [state for _, state in came(database, scope)] == ["taken", "repeated"]


def test_what_nobody_can_read_is_kept(database: Database, scope: Scope, tmp_path: Path) -> None:
    put_in(tmp_path, "bad.xml", b"\x00\xff<not xml")
    put_in(tmp_path, "bomb.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    run_turn(database, scope, FolderLine(tmp_path))
    assert [state for _, state in came(database, scope)] == ["unreadable"] * 2


def test_half_a_file_is_not_there_yet(database: Database, scope: Scope, tmp_path: Path) -> None:
    put_in(tmp_path, ".part-one.xml", b"<half")
    assert run_turn(database, scope, FolderLine(tmp_path)).taken == 0


def test_an_answer_that_does_not_come_is_asked_for_with_the_same_bytes(
    database: Database, scope: Scope, tmp_path: Path
) -> None:
    raw = papers.parcel("R1")["CEB311"]
    send(database, scope, CEB311=raw)
    line = FolderLine(tmp_path)
    run_turn(database, scope, line)
    assert run_turn(database, scope, line).sent == 0
    with database.unit_of_work(scope) as session:
        session.execute(update(CustomsDispatch).values(next_at=text("now() - interval '1 second'")))
    assert run_turn(database, scope, line).sent == 1
    files = sorted((tmp_path / "out").iterdir())
    assert [file.name[-7:] for file in files] == ["t-1.xml", "t-2.xml"]
    assert {file.read_bytes() for file in files} == {raw}


def test_a_message_of_two_documents_waits_for_both(database: Database, scope: Scope, tmp_path: Path) -> None:
    one, two = papers.guid(), papers.guid()
    orders = "".join(f"<Order><OrderHead><guid>{guid}</guid></OrderHead></Order>" for guid in (one, two))
    send(database, scope, CEB311=f"<CEB311Message>{orders}</CEB311Message>".encode())
    line = FolderLine(tmp_path)
    run_turn(database, scope, line)
    put_in(tmp_path, "1.xml", receipt(one, "120"))
    run_turn(database, scope, line)
    assert not settled(database, scope)
    put_in(tmp_path, "2.xml", receipt(two, "-301010"))
    run_turn(database, scope, line)
    assert settled(database, scope)


def test_early_messages_wait_and_refusing_handlers_leave_their_reason(
    database: Database, scope: Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready: list[str] = []

    def handler(session: Session, received: post_office.Received) -> None:
        if not ready:
            raise post_office.NotYet(what="its order")
        if received.message.documents[0]["returnStatus"] == "100":
            raise ValueError("not what was agreed")

    monkeypatch.setitem(post_office.HANDLERS, "CEB312", handler)
    put_in(tmp_path, "1.xml", receipt(papers.guid(), "120"))
    put_in(tmp_path, "2.xml", receipt(papers.guid(), "100"))
    line = FolderLine(tmp_path)
    run_turn(database, scope, line)
    assert [state for _, state in came(database, scope)] == ["waiting", "waiting"]
    ready.append("now")
    run_turn(database, scope, line)
    assert [state for _, state in came(database, scope)] == ["taken", "refused"]


@pytest.mark.parametrize(
    ("kind", "heard", "is_last"),
    [
        ("CEB311", {"CEB312=2"}, False),
        ("CEB311", {"CEB312=120"}, True),
        ("CEB311", {"CEB312=-301010"}, True),
        ("CEB621", {"CEB622=120"}, False),
        ("CEB621", {"CEB622=800"}, False),
        ("CEB621", {"CEB622=800", "CEB816=1"}, True),
        ("CEB621", {"CEB622=100"}, True),
        ("CEB621", {"CEB622=2", "CEB624=120"}, False),
        ("CEB621", {"CEB622=2", "CEB624=399"}, True),
        ("CEB621", {"CEB622=120", "CEB624=-623005"}, False),
        ("CEB603", {"CEB604=800"}, False),
        ("CEB603", {"CEB604=899"}, True),
        ("CEB603", {"CEB604=120", "CEB606=399"}, True),
        ("CEB623", {"CEB624=120"}, False),
        ("CEB623", {"CEB624=399"}, True),
        ("CEB623", {"CEB624=-623005"}, True),
        ("CEB311", {"CEB900=0001"}, True),
        ("CEB701", {"CEB702=120"}, False),
        ("CEB701", {"CEB792=1"}, False),
        ("CEB701", {"CEB702=120", "CEB792=1"}, True),
        ("CEB701", {"CEB702=100"}, True),
        ("INV101", {"CommonResponeMessage=0", "INV201=4"}, False),
        ("INV101", {"INV211=2"}, True),
        ("INV101", {"CommonResponeMessage=-1"}, True),
        ("SAS121", {"SAS221=1"}, False),
        ("SAS121", {"SAS221=1/void"}, True),
        ("SAS121", {"SAS223=1"}, True),
    ],
)
def test_knows_the_last_answer_of_each_kind(kind: str, heard: set[str], is_last: bool) -> None:
    assert rules.settles(kind, heard) == is_last


def test_silence_is_asked_after_ever_more_rarely() -> None:
    patience = {"first_s": 300, "last_s": 3600, "longest_s": 86400}
    assert [rules.remind_s(n, False, patience) for n in (1, 2, 3, 12)] == [300, 600, 1200, 86400]
    assert rules.remind_s(1, True, patience) == 3600
    assert [rules.wait_s(n) for n in (1, 2, 7, 99)] == [1, 2, 300, 300]


def test_a_setting_is_a_folder_or_an_address(tmp_path: Path) -> None:
    assert isinstance(line_to(str(tmp_path)), FolderLine)
    assert isinstance(line_to("http://127.0.0.1:1/x"), HttpLine)


def test_outlines_are_found_below_any_wrapper() -> None:
    assert outline(papers.verification_list("N1")).kind == "INV101"
    assert outline(papers.gate_pass("N2", "QD490226I000000001")).parts[0].numbers == {"N2"}
    assert outline(json.dumps({}).encode()).kind == "unreadable"
