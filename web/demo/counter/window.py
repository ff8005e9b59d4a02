"""The counter at work: takes what lies in the exchange, does what is due, and writes each decision down first."""

import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from web.demo.counter import exports, forms, lists, parcels, passes, register
from web.demo.counter.case import Case
from web.demo.counter.folders import Exchange
from web.demo.counter.habits import Dice, Habits
from web.demo.counter.journal import Journal
from web.demo.counter.reading import Document, Paper, Unreadable, read

log = logging.getLogger("counter")

STEPS: dict[str, Callable[[Case, str], None]] = {
    "parcel.patience": parcels.patience,
    "parcel.decide": parcels.decide,
    "parcel.tax": parcels.sum_up_tax,
    "export.patience": exports.patience,
    "export.decide": exports.decide,
    "export.summary": exports.summary,
    "list.audit": lists.audit,
    "list.entry": lists.make_entry,
    "list.entry_released": lists.release_entry,
    "list.book": lists.book_when_ready,
    "pass.audit": passes.audit,
    "pass.inspect": passes.inspect,
    "pass.gate": passes.go_through,
}
SIGNED: dict[str, Callable[..., None]] = {
    "CEB621": parcels.declare,
    "CEB623": parcels.cancel,
    "CEB625": parcels.bring_back,
    "CEB603": exports.declare,
}
PLAIN: dict[str, Callable[[Case, Document], None]] = {
    "CEB605": exports.cancel,
    "CEB213": exports.bring_back,
    "CEB701": exports.sum_up,
    "INV101": lists.declare,
    "SAS121": passes.declare,
    "SAS223": passes.report,
}
AFTERWARDS: dict[str, Callable[[Case, str, Document], None]] = {
    **dict.fromkeys(("CEB311", "CEB411", "CEB511"), parcels.document_filed),
    **dict.fromkeys(("CEB303", "CEB403", "CEB505", "CEB507", "CEB509"), exports.document_filed),
}


class Window:
    """One counter: ``own`` is its own folder, ``exchange`` the place where it meets the firms."""

    def __init__(self, exchange: Exchange, own: Path, habits: Habits) -> None:
        exchange.make()
        self._exchange, self._habits = exchange, habits
        self._journal = Journal(own / "journal.jsonl")
        self._dice = Dice(habits.seed, self._journal.rolls)

    def close(self) -> None:
        self._journal.close()

    def turn(self) -> int:
        """Take everything that waits and do everything that is due; returns how much that was."""
        done = 0
        for path in self._exchange.waiting():
            self._take(path)
            done += 1
        while (plan := self._due()) is not None:
            self._carry_out(plan)
            done += 1
        return done

    def _due(self) -> dict[str, Any] | None:
        first = min(self._journal.plans.values(), key=lambda plan: (plan["due"], int(plan["id"])), default=None)
        return first if first is not None and first["due"] <= datetime.now(UTC).timestamp() else None

    def _case(self) -> Case:
        return Case(self._journal, self._habits, self._dice, datetime.now(UTC))

    def _take(self, path: Path) -> None:
        raw, case = path.read_bytes(), self._case()
        digest = hashlib.sha256(raw).hexdigest()
        case.source = path.stem
        mark = {"name": path.name, "digest": digest}
        if self._dice.happens(self._habits.lose_permille):
            self._journal.append(case.record(**mark, fate="lost"))
            path.unlink()
            log.info("simulated counter: lost %s", path.name)
            return
        about = self._journal.taken.get(digest, {"about": []})["about"]
        folder = "done"
        if about:
            self._say_again(case, about)
        else:
            folder = self._decide(case, raw, path.name)
        self._journal.append(case.record(**mark, fate="again" if about else "taken", about=about or case.about))
        self._exchange.move(path, folder)
        log.info("simulated counter: %s %s", "asked again by" if about else "took", path.name)

    def _say_again(self, case: Case, about: list[str]) -> None:
        """The same bytes again: the sender misses an answer, so all that was said is said again."""
        for key in about:
            for said in self._journal.said.get(key, ()):
                case.say(said["kind"], key, said["text"], again=True)

    def _decide(self, case: Case, raw: bytes, name: str) -> str:
        try:
            paper = read(raw)
        except Unreadable as fault:
            _unreadable(case, raw, name, str(fault))
            return "failed"
        for document in paper.documents:
            _one(case, paper, document)
        return "done"

    def _carry_out(self, plan: dict[str, Any]) -> None:
        case = self._case()
        if "step" in plan:
            STEPS[plan["step"]](case, plan["key"])
            self._journal.append(case.record(done=plan["id"]))
            return
        if self._dice.happens(self._habits.lose_permille):
            self._journal.append(case.record(done=plan["id"], fate="lost"))
            log.info("simulated counter: lost its answer %s", plan["name"])
            return
        # Written before it is noted: a counter killed in between writes the very same file once more.
        self._exchange.put(self._exchange.inbox, plan["name"], plan["text"].encode())
        self._journal.append(case.record(done=plan["id"], fate="sent"))
        log.info("simulated counter: answered %s", plan["name"])


def _one(case: Case, paper: Paper, document: Document) -> None:
    kind = paper.kind
    if kind in register.KINDS:
        if register.file(case, kind, document) and kind in AFTERWARDS:
            AFTERWARDS[kind](case, kind, document)
    elif kind in SIGNED:
        SIGNED[kind](case, document, signed=paper.signed)
    elif kind in PLAIN:
        PLAIN[kind](case, document)
    else:
        _unknown(case, kind, document)


def _unknown(case: Case, kind: str, document: Document) -> None:
    _format_error(case, f"{kind} 不由本窗口受理 is not taken here", kind, document.of("guid"))


def _unreadable(case: Case, raw: bytes, name: str, reason: str) -> None:
    if b"BussinessData" in raw or b"EnvelopInfo" in raw:
        case.say("Failed", f"unreadable:{name}", forms.status_file("", "", reason, good=False))
    else:
        _format_error(case, reason, name[:15], "")


def _format_error(case: Case, reason: str, kind: str, guid: str) -> None:
    fields = {
        "guid": guid or forms.new_guid(), "returnStatus": "0001", "returnInfo": reason,
        "returnTime": forms.stamp(case.local), "oriMessageType": kind[:15], "oriCopMsgId": case.source[:255],
        "oriBizMessage": "-",
    }  # fmt: skip
    case.say("CEB900", f"unreadable:{case.source}", forms.receipt("CEB900", fields))
