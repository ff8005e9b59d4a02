"""The cold chain against the ledger: each hold on record is a posting of just those goods; reviews have a person."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from wms.errors import N_
from wms.stock.verify import Check, Finding, found_by

CHECKS = (
    Check(
        "I11",
        N_("Posting %(posting_id)s held %(posted)s, the record of the breach says %(recorded)s."),
        "SELECT 'temperature breach ' || coalesce(split_part(p.source_doc, ':', 2), h.breach_id::text) AS place,"
        " coalesce(p.id, h.posting_id) AS posting_id, coalesce(p.qty, 0) AS posted, coalesce(h.qty, 0) AS recorded"
        " FROM (SELECT p.id, min(p.source_doc) AS source_doc, sum(e.qty) AS qty FROM posting p"
        "   JOIN entry e ON e.posting_id = p.id AND e.qty > 0 WHERE p.kind = 'cold_hold' GROUP BY p.id) p"
        " FULL JOIN (SELECT posting_id, min(breach_id) AS breach_id, sum(qty) AS qty FROM temperature_hold"
        "   WHERE posting_id IS NOT NULL GROUP BY posting_id) h ON h.posting_id = p.id"
        " WHERE coalesce(p.qty, 0) <> coalesce(h.qty, 0) ORDER BY 2",
    ),
    Check(
        "I13",
        N_("This breach was reviewed by nobody or without a reason."),
        "SELECT 'temperature breach ' || b.id AS place FROM temperature_breach b WHERE b.state = 'reviewed'"
        " AND (b.reviewed_by IS NULL OR length(btrim(b.review_reason)) < 4) ORDER BY b.id",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """What is wrong between breaches and ledger, in the snapshot that ``session`` holds."""
    for check in CHECKS:
        yield from found_by(session, check)
