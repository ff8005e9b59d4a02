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
# What was freed on the shelf under each list's number, net of reversals.
FREED = (
    "(SELECT p.source_doc AS number, sum(e.qty) AS qty"
    " FROM posting p LEFT JOIN posting o ON o.id = p.reverses_id"
    " JOIN entry e ON e.posting_id = p.id JOIN account a ON a.id = e.account_id"
    " WHERE 'customs_change' IN (p.kind, o.kind) AND a.kind = 'deduction_pending' GROUP BY p.source_doc"
    " HAVING sum(e.qty) <> 0)"
)
LINE = "'list ' || coalesce(d.list_no, d.internal_no) || ' line ' || l.line_no"

CHECKS = (
    Check(
        "I4",
        N_("Book and goods are apart: %(book)s in the book and not yet booked, %(goods)s on the shelf and elsewhere."),
        "SELECT 'book ' || l.book_no || ' line ' || l.line_no AS place, s.book, s.goods FROM book_line l JOIN ("
        " SELECT a.book_line_id, coalesce(sum(e.qty) FILTER (WHERE k.side = 'book'), 0) AS book,"
        "  coalesce(sum(e.qty) FILTER (WHERE k.side = 'physical' AND a.customs_status = 'bonded'), 0) AS goods"
        "  FROM account a JOIN account_kind k ON k.kind = a.kind AND k.in_identity JOIN entry e ON e.account_id = a.id"
        "  WHERE a.book_line_id IS NOT NULL GROUP BY 1) s ON s.book_line_id = l.id"
        " WHERE s.book <> s.goods ORDER BY l.book_no, l.line_no",
    ),
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
        " coalesce(x.named, 0) + o.qty AS named, coalesce(x.gone, 0) + o.qty AS gone"
        " FROM verification_line l JOIN verification_list d ON d.id = l.verification_list_id"
        " LEFT JOIN (SELECT n.verification_line_id, sum(n.qty) AS named, sum(n.passed_qty) AS gone"
        "   FROM gate_pass_line n JOIN gate_pass g ON g.id = n.gate_pass_id"
        "   WHERE g.state NOT IN ('void', 'deleted') GROUP BY 1) x ON x.verification_line_id = l.id"
        " CROSS JOIN LATERAL (SELECT l.freed_qty + l.collected_qty AS qty) o"
        " WHERE (l.on_passes_qty, l.passed_qty)"
        " <> (coalesce(x.named, 0) + o.qty, coalesce(x.gone, 0) + o.qty) ORDER BY 1",
    ),
    Check(
        "I4",
        N_("The list freed %(freed)s on the shelf, the ledger freed %(posted)s under its number."),
        "SELECT 'list ' || coalesce(x.number, p.number) AS place, coalesce(x.qty, 0) AS freed,"
        " coalesce(p.qty, 0) AS posted FROM (SELECT coalesce(d.list_no, d.internal_no) AS number,"
        "   sum(l.freed_qty) AS qty"
        "   FROM verification_list d JOIN verification_line l ON l.verification_list_id = d.id GROUP BY 1"
        "   HAVING sum(l.freed_qty) > 0) x"
        f" FULL JOIN {FREED} p ON p.number = x.number WHERE coalesce(x.qty, 0) <> coalesce(p.qty, 0) ORDER BY 1",
    ),
    Check(
        "I4",
        N_("List line pre-deducts %(promised)s of the book, %(left)s of it are declared and not gone."),
        f"SELECT {LINE} AS place, r.qty_open AS promised, l.declared_base_qty - l.passed_qty AS left"
        " FROM verification_line l JOIN verification_list d ON d.id = l.verification_list_id"
        " JOIN reservation r ON r.id = l.promise_id"
        " WHERE r.qty_open > CASE d.state WHEN 'pre_deducted' THEN l.declared_base_qty ELSE 0 END ORDER BY 1",
    ),
    Check(
        "I10",
        N_("The import permit counts %(used)s g used, its batches weigh %(batches)s g."),
        "SELECT 'permit ' || p.permit_no AS place, p.used_g AS used, coalesce(x.g, 0)::bigint AS batches"
        " FROM import_permit p LEFT JOIN (SELECT permit_id, sum(weight_g) AS g FROM meat_batch WHERE state <> 'void'"
        "   GROUP BY 1) x ON x.permit_id = p.id WHERE p.used_g <> coalesce(x.g, 0) ORDER BY 1",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """What is wrong between documents and ledger, in the snapshot that ``session`` holds."""
    for check in CHECKS:
        yield from found_by(session, check)
