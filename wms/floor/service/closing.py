"""Closing a receipt: what is missing or otherwise is written down, and bonded shortages get an account."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.customs import accounts
from wms.errors import N_
from wms.floor import queries
from wms.floor.queries import NoticeLineRow, NoticeRow
from wms.floor.rules import receiving
from wms.floor.rules.answers import Answer, Expect, Outcome
from wms.floor.rules.receiving import Difference as Finding
from wms.floor.rules.receiving import DifferenceKind
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.desk import Desk
from wms.floor.tables import AdvanceNotice, Difference
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line


def ask_or_close(desk: Desk, notice: NoticeRow) -> Answer:
    """Close the receipt; where it differs from the notice, say so first and close on the second CONFIRM."""
    lines = queries.notice_lines(desk.session, notice.id)
    findings = found(desk.session, notice, lines)
    is_asked = (desk.context.pending or {}).get("needs") == "close"
    if notice.is_blind and not is_asked:
        desk.context.pending = {"needs": "close"}
        return _ask_blind(desk, notice)
    if findings and not is_asked:
        desk.context.pending = {"needs": "close"}
        return Answer(
            Outcome.WARN,
            "close_with_differences",
            N_("%(count)s differences, %(missing)s missing. Scan CONFIRM again to close the receipt."),
            {"count": len(findings), "missing": _missing(findings)},
            N_("Scan more goods, or BACK to look for what is missing."),
            (Expect.CONFIRM, Expect.GOODS),
        )
    by = Closing(f"scan:{desk.key}", desk.event_at, desk.device)
    desk.posting_id = close(desk.session, notice, lines, findings, by)
    desk.context.pending = None
    desk.context.notice_id = desk.context.location_id = None
    return Answer(
        Outcome.WARN if findings else Outcome.OK,
        "receipt_closed",
        N_("Receipt of %(notice)s closed with %(count)s differences."),
        {"notice": notice.notice_no, "count": len(findings)},
        expects=(Expect.NOTICE,),
    )


def found(session: Session, notice: NoticeRow, lines: tuple[NoticeLineRow, ...]) -> tuple[Finding, ...]:
    """Return what was counted otherwise than announced; where nothing was announced, only what is spoilt."""
    counted = queries.counted(session, notice.id)
    findings = receiving.differences(queries.announced(lines), counted)
    if notice.kind != "blind":
        return findings
    spoilt = [one for one in counted if one.quality_status in {"damaged", "expired"}]
    return tuple(
        Finding(DifferenceKind(one.quality_status), None, one.trade_item_id, one.lot_no, 0, one.qty, one.qty)
        for one in spoilt
    )


def _ask_blind(desk: Desk, notice: NoticeRow) -> Answer:
    """Ask once more without saying what is missing: who counts blind does not learn it by closing early."""
    counted = queries.counted(desk.session, notice.id)
    return Answer(
        Outcome.WARN,
        "close_blind",
        N_("%(qty)s counted for %(notice)s. Scan CONFIRM again to close the receipt."),
        {"qty": sum(one.qty for one in counted), "notice": notice.notice_no},
        N_("Scan more goods, or BACK to go on counting."),
        (Expect.CONFIRM, Expect.GOODS),
    )


def _missing(findings: tuple[Finding, ...]) -> int:
    return -sum(one.qty for one in findings if one.kind is DifferenceKind.SHORT)


@dataclass(frozen=True)
class Closing:
    """By which deed a receipt is closed: the key of what it posts, when, and on which device."""

    key: str
    event_at: datetime
    device: str | None = None


def close(
    session: Session,
    notice: NoticeRow,
    lines: tuple[NoticeLineRow, ...],
    findings: tuple[Finding, ...],
    by: Closing,
) -> int | None:
    """Write the differences and the end of the receipt; the caller holds the notice's lock. Returns what it posted."""
    posting_id = _post_missing(session, notice, lines, by)
    for one in findings:
        session.execute(
            insert(Difference).values(
                notice_id=notice.id,
                notice_line_id=one.notice_line_id,
                kind=one.kind.value,
                trade_item_id=one.trade_item_id,
                lot_no=one.lot_no,
                expected_qty=one.expected_qty,
                found_qty=one.found_qty,
                qty=one.qty,
                posting_id=posting_id if one.kind is DifferenceKind.SHORT else None,
            )
        )
    session.execute(
        update(AdvanceNotice)
        .where(AdvanceNotice.id == notice.id)
        .values(state="received", closed_at=by.event_at, closed_by=APP_PERSON)
    )
    summary = [[one.kind.value, one.trade_item_id, one.lot_no, one.qty] for one in findings]
    append_leaf(session, "receipt_closed", {"notice": notice.notice_no, "differences": summary}, notice.id)
    return posting_id


def _post_missing(
    session: Session, notice: NoticeRow, lines: tuple[NoticeLineRow, ...], by: Closing
) -> int | None:
    """Post what customs was told of and nobody found: it came in on paper, so it lies in the discrepancy account.

    Counted over each line of the account book: another lot of the same goods is not missing.
    """
    expected: dict[tuple[int, int], int] = defaultdict(int)
    for line in lines:
        if line.book_line_id is not None:
            expected[line.trade_item_id, line.book_line_id] += line.expected_qty - line.received_qty
    posted: list[Line] = []
    for (item_id, book_line_id), missing in sorted(expected.items()):
        if missing > 0:
            lost = accounts.missing_goods(notice.owner_id, item_id, book_line_id, notice.site_id)
            posted += ledger.moved(AccountKey("supplier", notice.owner_id, item_id), lost, missing)
            posted += accounts.enter_books(notice.owner_id, item_id, book_line_id, missing)
    if not posted:
        return None
    posting = ledger.Posting(
        by.key,
        "receipt_shortage",
        by.event_at,
        tuple(posted),
        notice.notice_no,
        "counted fewer than declared",
        by.device,
    )
    return ledger.post(session, posting).posting_id
