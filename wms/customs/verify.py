"""Customs' documents against the ledger on a living database: what was booked is what was posted (I4, I6)."""

# ruff: noqa: S608 - the statements are put together from constants of this file alone

from collections.abc import Iterator

from sqlalchemy.orm import Session

from wms.errors import N_
from wms.stock.verify import Check, Finding, found_by

# What the bookings of each list, net of reversals, moved on each book line.
POSTED = (
    "(SELECT p.source_doc AS number, a.book_line_id, coalesce(sum(e.qty) FILTER (WHERE a.kind = 'book'), 0)"
    " + coalesce(-sum(e.qty) FILTER (WHERE a.kind = 'deduction_pending'), 0) AS qty"
    " FROM posting p LEFT JOIN posting o ON o.id = p.reverses_id"
    " JOIN entry e ON e.posting_id = p.id JOIN account a ON a.id = e.account_id"
    " WHERE 'list_booked' IN (p.kind, o.kind) AND a.kind IN ('book', 'deduction_pending')"
    " GROUP BY p.source_doc, a.book_line_id)"
)
LISTED = (
    "(SELECT coalesce(d.list_no, d.internal_no) AS number, l.book_line_id, sum(l.booked_qty) AS qty"
    " FROM verification_list d JOIN verification_line l ON l.verification_list_id = d.id GROUP BY 1, 2)"
)
LINE = "'list ' || coalesce(d.list_no, d.internal_no) || ' line ' || l.line_no"

CHECKS = (
    Check(
        "I4",
        N_("Book line %(book_line_id)s: the list says %(listed)s booked, the ledger posted %(posted)s."),
        "SELECT 'list ' || number AS place, book_line_id, coalesce(x.qty, 0) AS listed, coalesce(p.qty, 0) AS posted"
        f" FROM {LISTED} x FULL JOIN {POSTED} p USING (number, book_line_id)"
        " WHERE coalesce(x.qty, 0) <> coalesce(p.qty, 0) ORDER BY 1, 2",
    ),
    Check(
        "I6",
        N_("Of %(declared)s declared, %(on_passes)s are on passes, %(passed)s passed and %(booked)s booked."),
        f"SELECT {LINE} AS place, l.declared_base_qty AS declared, l.on_passes_qty AS on_passes,"
        " l.passed_qty AS passed, l.booked_qty AS booked"
        " FROM verification_line l JOIN verification_list d ON d.id = l.verification_list_id"
        " WHERE NOT (0 <= l.passed_qty AND l.passed_qty <= l.on_passes_qty AND l.on_passes_qty <= l.declared_base_qty"
        " AND l.booked_qty BETWEEN 0 AND l.declared_base_qty) ORDER BY 1",
    ),
    Check(
        "I6",
        N_("The line counts %(on_passes)s on passes and %(passed)s passed, the passes say %(named)s and %(gone)s."),
        f"SELECT {LINE} AS place, l.on_passes_qty AS on_passes, l.passed_qty AS passed,"
        " coalesce(x.named, 0) AS named, coalesce(x.gone, 0) AS gone"
        " FROM verification_line l JOIN verification_list d ON d.id = l.verification_list_id"
        " LEFT JOIN (SELECT n.verification_line_id, sum(n.qty) AS named, sum(n.passed_qty) AS gone"
        "   FROM gate_pass_line n JOIN gate_pass g ON g.id = n.gate_pass_id"
        "   WHERE g.state NOT IN ('void', 'deleted') GROUP BY 1) x ON x.verification_line_id = l.id"
        " WHERE (l.on_passes_qty, l.passed_qty) <> (coalesce(x.named, 0), coalesce(x.gone, 0)) ORDER BY 1",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """What is wrong between documents and ledger, in the snapshot that ``session`` holds."""
    for check in CHECKS:
        yield from found_by(session, check)
