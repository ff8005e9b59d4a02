"""What the simulated counter knows from before the demo began: lists that it approved and passes that it let out.

They were approved while the data were filled in, by no message. The counter's journal is told of them, so that it books
a list once the gate has reported every vehicle of it, as it does with those that are declared to it.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from web.demo.counter.journal import Journal
from wms.catalog.tables import TradeItem
from wms.customs import reconciling
from wms.customs.corresponding import PASS
from wms.customs.tables import (
    AccountBook,
    CustomsNumber,
    GatePass,
    GatePassDocument,
    GatePassLine,
    VerificationLine,
    VerificationList,
)
from wms.parties.tables import Company
from wms.stock.tables import BookLine

JOURNAL = Path("customs") / "counter" / "journal.jsonl"
OURS = "DEMO-"
INWARD_MS = 1_800_000  # half an hour after the vehicle came: until then one sees goods wait for their list
SEQ = "{year}9{id:013d}"  # apart from the numbers that the counter gives out itself


def tell_counter(session: Session, data_dir: Path, now: datetime) -> int:
    """Tell the counter of lists and passes that it does not know; returns of how many. The counter must not run."""
    journal = Journal(data_dir / JOURNAL)
    try:
        told: dict[str, Any] = {}
        for facts in (*_lists(session, now), *_passes(session, now)):
            if not any(key in journal.facts for key in facts):
                told |= facts
        told = {key: value for key, value in told.items() if key not in journal.facts}
        if told:
            at = now.astimezone(UTC).isoformat(timespec="milliseconds")
            journal.append({"at": at, "rolls": journal.rolls, "sets": told, "plans": [], "fate": "known"})
    finally:
        journal.close()
    return len(told)


def _lists(session: Session, now: datetime) -> Iterator[Mapping[str, Any]]:
    found = session.execute(
        select(VerificationList, AccountBook, Company)
        .join(AccountBook, AccountBook.id == VerificationList.account_book_id)
        .join(Company, Company.id == AccountBook.company_id)
        .where(
            VerificationList.internal_no.startswith(OURS), VerificationList.state == "pre_deducted",
            VerificationList.entry_released_at.is_not(None),
        )
    )  # fmt: skip
    for row, book, keeper in found.all():
        key = f"INV101:{keeper.customs_code}:{row.internal_no}"
        lines = list(_lines_of(session, row.id))
        head = {
            "etpsinnerinvtno": row.internal_no, "putrecno": book.book_no, "dcltypecd": "1", "invttype": row.list_type,
            "bizopetpssccd": keeper.uscc or "", "bizopetpsno": keeper.customs_code or "", "bizopetpsnm": keeper.name_zh,
            "impexpmarkcd": row.direction, "mtpckendprdmarkcd": "I", "supvmodecd": row.trade_mode, "dclcusflag": "1",
        }  # fmt: skip
        state = {
            "head": head, "lines": lines, "status": "approved", "passed": {}, "changes": 0, "entry": "",
            "on_passes": {line["gdsseqno"]: line["dclqty"] for line in lines}, "entry_released": True,
            "book_ms": INWARD_MS if row.direction == "I" else 0, "list_no": row.list_no,
            "seq_no": SEQ.format(year=now.year, id=row.id),
        }  # fmt: skip
        facts = {key: state, f"bond:{row.list_no}": key}
        if row.direction == "I":
            facts |= _held(session, book.book_no, {line["putrecseqno"] for line in lines})
        yield facts


def _held(session: Session, book_no: str, line_nos: set[str]) -> dict[str, str]:
    """What the book holds of these lines before the list is booked."""
    return {
        f"book:{book_no}:{one.line_no}": str(one.book)
        for one in reconciling.reconcile(session, book_no)
        if str(one.line_no) in line_nos
    }


def _lines_of(session: Session, list_id: int) -> Iterator[dict[str, str]]:
    found = session.execute(
        select(VerificationLine, BookLine.line_no, TradeItem)
        .join(BookLine, BookLine.id == VerificationLine.book_line_id)
        .join(TradeItem, TradeItem.id == VerificationLine.trade_item_id)
        .where(VerificationLine.verification_list_id == list_id)
        .order_by(VerificationLine.line_no)
    )
    for line, book_line_no, item in found:
        yield {
            "gdsseqno": str(line.line_no), "putrecseqno": str(book_line_no), "gdecd": item.hs_code or "",
            "gdsmtno": item.code, "gdsnm": item.name_zh, "dclunitcd": line.customs_unit,
            "dclqty": f"{line.declared_qty:f}",
        }  # fmt: skip


def _passes(session: Session, now: datetime) -> Iterator[Mapping[str, Any]]:
    """Open passes with a list behind them; each gets the number by which its answers name it."""
    found = session.execute(
        select(GatePass, GatePassDocument.document_no, Company)
        .join(GatePassDocument, GatePassDocument.gate_pass_id == GatePass.id)
        .join(Company, Company.id == GatePass.owner_id)
        .where(GatePass.internal_no.startswith(OURS), GatePass.state == "approved",
               GatePassDocument.document_kind == "1")
    )  # fmt: skip
    for row, list_no, owner in found.all():
        seq_no = SEQ.format(year=now.year, id=row.id)
        note = insert(CustomsNumber).values(number=seq_no, subject=PASS, subject_id=row.id)
        session.execute(note.on_conflict_do_nothing())
        key = f"SAS121:{owner.customs_code}:{row.internal_no}"
        head = {
            "etpspreentno": row.internal_no, "dcltypecd": "1", "iotypecd": row.direction,
            "passporttypecd": row.pass_type, "bindtypecd": row.bind_type, "rlttbtypecd": "1", "rltno": list_no,
            "areainetpsno": owner.customs_code or "", "areainetpsnm": owner.name_zh, "vehicleno": row.vehicle_plate,
            "totalwt": f"{row.total_weight_g / 1000:.3f}",
        }  # fmt: skip
        state = {
            "head": head, "lines": list(_goods_of(session, row.id)), "status": "approved", "pass_no": row.pass_no,
            "seq_no": seq_no, "voided": False,
        }  # fmt: skip
        yield {key: state, f"pass:{row.pass_no}": key}


def _goods_of(session: Session, pass_id: int) -> Iterator[dict[str, str]]:
    found = session.execute(
        select(GatePassLine, VerificationLine, TradeItem)
        .join(VerificationLine, VerificationLine.id == GatePassLine.verification_line_id)
        .join(TradeItem, TradeItem.id == GatePassLine.trade_item_id)
        .where(GatePassLine.gate_pass_id == pass_id)
        .order_by(GatePassLine.line_no)
    )
    for line, of_list, item in found:
        declared = of_list.declared_qty * line.qty / of_list.declared_base_qty
        yield {
            "passportseqno": str(line.line_no), "rltgdsseqno": str(of_list.line_no), "gdsmtno": item.code,
            "gdecd": item.hs_code or "", "dclunitcd": of_list.customs_unit, "dclqty": f"{declared:f}",
        }  # fmt: skip
