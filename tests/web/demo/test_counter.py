"""The simulated customs counter as a process of its own, met at its exchange by files and over HTTP."""

import http.client
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.web.demo import papers
from tests.web.demo.counter_process import Counter, wait_until
from web.demo.counter.forms import MARK
from web.demo.counter.journal import Journal
from web.demo.counter.reading import Unreadable, read

Opener = Callable[..., Counter]


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Opener]:
    """Counters of a test by their habits; all of them end with it."""
    opened: list[Counter] = []

    def start(*arguments: str, **habits: Any) -> Counter:
        opened.append(Counter(tmp_path / f"counter{len(opened)}", *arguments, **habits))
        return opened[-1]

    yield start
    for one in opened:
        one.end()


def test_releases_a_parcel_whose_documents_came_in_any_order_and_bills_its_tax(counter: Opener) -> None:
    desk, parcel = counter(), papers.parcel("A1")
    for kind in ("CEB621", "CEB511", "CEB411", "CEB311"):
        desk.send(kind, parcel[kind])
    desk.wait_for(
        "CEB312=120", "CEB412=120", "CEB512=120", "CEB622=2", "CEB622=120", "CEB622=800", "CEB816=1", "CEB818=2"
    )
    released = desk.text_of("CEB622", "800")
    assert len(papers.field(released, "invtNo")) == 18
    assert papers.field(desk.text_of("CEB816", "1"), "valueAddedTax") == "18.20000"
    assert all(MARK in text for _, text in desk.answers())


def test_returns_a_declaration_whose_payment_never_comes_and_names_what_is_missing(counter: Opener) -> None:
    desk, parcel = counter(patience_ms=200), papers.parcel("A2")
    for kind in ("CEB311", "CEB511", "CEB621"):
        desk.send(kind, parcel[kind])
    desk.wait_for("CEB622=100")
    assert "支付单" in papers.field(desk.text_of("CEB622", "100"), "returnInfo")


def test_returns_a_declaration_whose_amounts_differ(counter: Opener) -> None:
    desk = counter()
    for kind, raw in papers.parcel("A3", paid="200").items():
        desk.send(kind, raw)
    desk.wait_for("CEB622=100")
    assert "支付金额" in papers.field(desk.text_of("CEB622", "100"), "returnInfo")


def test_refuses_what_is_above_the_limit_of_the_year(counter: Opener) -> None:
    desk = counter(annual_limit="300")
    for kind, raw in papers.parcel("A4").items():
        desk.send(f"{kind}-4", raw)
    desk.wait_for("CEB622=800")
    for kind, raw in papers.parcel("A5").items():
        desk.send(f"{kind}-5", raw)
    desk.wait_for("CEB622=-621018")


def test_refuses_a_declaration_without_a_signature(counter: Opener) -> None:
    desk = counter()
    desk.send("CEB621", papers.parcel("A6")["CEB621"].replace(b"ds:Signature", b"ds:Nothing"))
    desk.wait_for("CEB622=-621026")


def test_an_export_parcel_is_released_on_arrival_cleared_on_departure_and_summed_up(counter: Opener) -> None:
    desk, parcel = counter(), papers.export_parcel("E1")
    for kind in ("CEB603", "CEB505", "CEB403", "CEB303"):
        desk.send(kind, parcel[kind])
    desk.wait_for("CEB604=120")
    assert "CEB604=800" not in desk.said()
    desk.send("CEB507", parcel["CEB507"])
    desk.wait_for("CEB508=399", "CEB604=800")
    desk.send("CEB509", parcel["CEB509"])
    desk.wait_for("CEB510=399", "CEB604=899")
    invt_no = papers.field(desk.text_of("CEB604", "899"), "invtNo")
    head = {"customsCode": "4902", "copNo": "S1", "agentCode": "a", "agentName": "a", "ebcCode": "b", "ebcName": "b",
            "declAgentCode": "c", "declAgentName": "c", "summaryFlag": "1", "itemNameFlag": "1", "msgCount": "1",
            "msgSeqNo": "1"}  # fmt: skip
    desk.send("CEB701", papers.message("CEB701", "SummaryApply", "SummaryApplyHead", head, [{"invtNo": invt_no}]))
    desk.wait_for("CEB702=120", "CEB792=1")
    assert papers.field(desk.text_of("CEB792", "1"), "invtNo") == invt_no


def test_books_a_list_only_when_released_and_through_the_gate(counter: Opener) -> None:
    desk = counter(gate="told")
    desk.send("INV101", papers.verification_list("L1"))
    desk.wait_for("Successed=0", "INV201=4", "INV202=1")
    list_no = papers.field(desk.text_of("INV201", "4"), "bondInvtNo")
    desk.send("SAS121", papers.gate_pass("G1", list_no))
    desk.wait_for("SAS221=1")
    assert "INV211=2" not in desk.said()
    desk.send("SAS223", papers.passage(papers.field(desk.text_of("SAS221", "1"), "passportNo")))
    desk.wait_for("SAS223=1", "INV211=2")
    assert papers.field(desk.text_of("SAS223", "1"), "wtError") == "10"


def test_returns_a_pass_that_asks_for_more_than_its_list_or_does_not_add_up(counter: Opener) -> None:
    desk = counter(gate="told")
    desk.send("INV101", papers.verification_list("L2"))
    desk.wait_for("INV201=4")
    list_no = papers.field(desk.text_of("INV201", "4"), "bondInvtNo")
    desk.send("SAS121-more", papers.gate_pass("G2", list_no, qty="11"))
    desk.wait_for("SAS221=3")
    desk.send("SAS121-sum", papers.gate_pass("G3", list_no, total="14009"))
    wait_until(lambda: sum("totalWt 14009" in text for _, text in desk.answers()) == 1)


def test_the_same_internal_number_again_fails_at_the_exchange(counter: Opener) -> None:
    desk = counter(gate="told")
    desk.send("INV101", papers.verification_list("L3"))
    desk.wait_for("INV201=4")
    desk.send("INV101-again", papers.verification_list("L3", qty="11"))
    desk.wait_for("Failed=-1")


def test_a_voided_pass_gives_its_goods_back_to_the_list(counter: Opener) -> None:
    desk = counter(gate="told")
    desk.send("INV101", papers.verification_list("L4"))
    desk.wait_for("INV201=4")
    list_no = papers.field(desk.text_of("INV201", "4"), "bondInvtNo")
    desk.send("SAS121", papers.gate_pass("G4", list_no))
    desk.wait_for("SAS221=1")
    desk.send("SAS121-void", papers.gate_pass("G4", list_no, change="3"))
    wait_until(lambda: any(papers.field(text, "stucd") == "6" for kind, text in desk.answers() if kind == "SAS221"))
    desk.send("SAS121-next", papers.gate_pass("G5", list_no))
    wait_until(
        lambda: sum(papers.field(text, "stucd") == "1" for kind, text in desk.answers() if kind == "SAS221") == 2
    )


def test_a_killed_counter_goes_on_where_it_was(counter: Opener) -> None:
    desk = counter(delay_low_ms=100, delay_high_ms=200)
    for n in range(5):
        for kind, raw in papers.parcel(f"K{n}").items():
            desk.send(f"{kind}-{n}", raw)
        wait_until(lambda n=n: len(list((desk.exchange / "done").glob("*.xml"))) > 4 * n)
        desk.kill()
        desk.start()
    wait_until(lambda: _released(desk) == {f"K{n}" for n in range(5)}, lambda: str(_released(desk)))
    numbers = {papers.field(text, "invtNo") for kind, text in desk.answers() if kind == "CEB622"} - {""}
    assert len(numbers) == 5


def test_what_was_lost_comes_when_it_is_asked_for_again(counter: Opener) -> None:
    desk = counter(lose_permille=300, repeat_permille=300, reorder_permille=300)
    waiting = {f"{kind}-{n}": raw for n in range(3) for kind, raw in papers.parcel(f"Q{n}").items()}
    tries = 0
    while _released(desk) != {"Q0", "Q1", "Q2"}:
        tries += 1
        assert tries < 40
        for name, raw in waiting.items():
            desk.send(f"{name}_t-{tries}", raw)
        wait_until(lambda: not list((desk.exchange / "out").glob("*.xml")))
    assert tries > 1


def _released(desk: Counter) -> set[str]:
    return {
        papers.field(text, "copNo")
        for kind, text in desk.answers()
        if kind == "CEB622" and papers.field(text, "returnStatus") == "800"
    }


def test_what_cannot_be_read_is_put_aside_and_said_so(counter: Opener) -> None:
    desk = counter()
    desk.send("rubbish", b"<ceb:CEB311Message>")
    desk.send("bomb", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    desk.send("bonded", b"<Package><EnvelopInfo/><DataInfo><BussinessData/></DataInfo></Package>")
    desk.wait_for("CEB900=0001", "Failed=-1")
    wait_until(lambda: len(list((desk.exchange / "failed").glob("*.xml"))) == 3)


def test_speaks_over_http(counter: Opener) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    desk, parcel = counter("--port", str(port)), papers.parcel("H1")
    wait_until(lambda: _call(port, "GET", "/answers")[0] == 204)
    for kind, raw in parcel.items():
        assert _call(port, "POST", "/messages", raw, f"{kind}.xml")[0] == 202
    assert _call(port, "POST", "/messages", b"<a/>", "../../up.xml")[0] == 400
    kinds: set[str] = set()

    def take() -> bool:
        status, name, _ = _call(port, "GET", "/answers")
        if status == 200:
            kinds.add(name.partition("_")[0])
            assert _call(port, "DELETE", f"/answers/{name}")[0] == 204
        return "CEB818" in kinds

    wait_until(take)
    assert {"CEB312", "CEB412", "CEB512", "CEB622", "CEB816"} <= kinds
    assert desk.process is not None
    assert desk.process.poll() is None


def _call(port: int, method: str, path: str, body: bytes | None = None, name: str = "") -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with suppress(ConnectionError):
        connection.request(method, path, body=body, headers={"X-File-Name": name} if name else {})
        answer = connection.getresponse()
        found = answer.status, answer.getheader("X-File-Name", ""), answer.read()
        connection.close()
        return found
    return 0, "", b""


def test_a_journal_line_that_was_cut_short_is_cut_away(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first = Journal(path)
    first.append({"sets": {"a": 1}, "rolls": 3})
    first.close()
    with path.open("ab") as file:
        file.write(b'{"sets": {"a": 2')
    again = Journal(path)
    again.append({"sets": {"b": 1}})
    again.close()
    third = Journal(path)
    assert third.facts == {"a": 1, "b": 1}
    assert third.rolls == 3
    third.close()


@pytest.mark.parametrize(
    "raw", [b"", b"<a>", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', b"<CEB311Message/>", b"\xff\xfe<"]
)
def test_bad_bytes_are_refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises(Unreadable, match=r".+"):
        read(raw)
