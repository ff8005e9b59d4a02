"""Closing a receipt: what is missing or otherwise is written down, and bonded shortages get an account."""

from collections import defaultdict

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

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
    findings = receiving.differences(queries.announced(lines), queries.counted(desk.session, notice.id))
    is_asked = (desk.context.pending or {}).get("needs") == "close"
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
    close(desk, notice, lines, findings)
    desk.context.pending = None
    desk.context.notice_id = desk.context.location_id = None
    return Answer(
        Outcome.WARN if findings else Outcome.OK,
        "receipt_closed",
        N_("Receipt of %(notice)s closed with %(count)s differences."),
        {"notice": notice.notice_no, "count": len(findings)},
        expects=(Expect.NOTICE,),
    )


def _missing(findings: tuple[Finding, ...]) -> int:
    return -sum(one.qty for one in findings if one.kind is DifferenceKind.SHORT)


def close(desk: Desk, notice: NoticeRow, lines: tuple[NoticeLineRow, ...], findings: tuple[Finding, ...]) -> None:
    """Write the differences and the end of the receipt; the caller holds the notice's lock."""
    desk.posting_id = _post_missing(desk, notice, lines)
    for one in findings:
        desk.session.execute(
            insert(Difference).values(
                notice_id=notice.id,
                notice_line_id=one.notice_line_id,
                kind=one.kind.value,
                trade_item_id=one.trade_item_id,
                lot_no=one.lot_no,
                expected_qty=one.expected_qty,
                found_qty=one.found_qty,
                qty=one.qty,
                posting_id=desk.posting_id if one.kind is DifferenceKind.SHORT else None,
            )
        )
    desk.session.execute(
        update(AdvanceNotice)
        .where(AdvanceNotice.id == notice.id)
        .values(state="received", closed_at=desk.event_at, closed_by=APP_PERSON)
    )
    summary = [[one.kind.value, one.trade_item_id, one.lot_no, one.qty] for one in findings]
    append_leaf(desk.session, "receipt_closed", {"notice": notice.notice_no, "differences": summary}, notice.id)


def _post_missing(desk: Desk, notice: NoticeRow, lines: tuple[NoticeLineRow, ...]) -> int | None:
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
        f"scan:{desk.key}",
        "receipt_shortage",
        desk.event_at,
        tuple(posted),
        notice.notice_no,
        "counted fewer than declared",
        desk.device,
    )
    return ledger.post(desk.session, posting).posting_id
