"""The live reconciliation of account books: what customs counts, where the goods are, and what they differ by (I4).

Everything is read from present balances; only the discrepancy account, which keeps none, is summed over its entries.
"""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class LineState:
    """One book line, in base units. Customs' side first, then the goods, then what differs.

    ``book`` = Σ actlInc − Σ actlRedc; ``available = book − pre_deducted``; ``pre_increased`` is not available.
    ``missing`` stands in the discrepancy account; ``unexplained`` is what the equation leaves over and must be zero.
    """

    book_line_id: int
    book_no: str
    line_no: int
    item_code: str
    name_zh: str
    name_en: str
    base_unit: str
    owner_id: int | None
    book: int
    pre_deducted: int
    pre_increased: int
    pending: int
    not_yet_booked: int
    shelf: int
    in_transit: int
    in_process: int
    at_gate: int
    missing: int

    @property
    def available(self) -> int:
        """What no document has pre-deducted."""
        return self.book - self.pre_deducted

    @property
    def goods(self) -> int:
        """What lies in the house or is on its way, wherever."""
        return self.shelf + self.in_transit + self.in_process + self.at_gate

    @property
    def unexplained(self) -> int:
        """I4: book (without what is gone already) + not yet booked − goods − missing."""
        return self.book - self.pending + self.not_yet_booked - self.goods - self.missing

    @property
    def differs(self) -> bool:
        """Whether book and goods are apart, explained or not."""
        return bool(self.missing or self.unexplained)


@dataclass(frozen=True)
class Place:
    """Goods of a book line in one place and lot."""

    kind: str
    site_code: str | None
    location_code: str | None
    lot_no: str | None
    quality_status: str
    qty: int
    qty_reserved: int


@dataclass(frozen=True)
class Document:
    """A document that moved or is going to move the book line: its state and what it still has to move."""

    kind: str
    number: str
    direction: str
    state: str
    declared: int
    on_passes: int
    passed: int
    booked: int


@dataclass(frozen=True)
class Cause:
    """A posting that put goods of the line into discrepancy, or took them out of it."""

    posting_id: int
    kind: str
    source_doc: str | None
    reason: str | None
    event_at: datetime
    qty: int


@dataclass(frozen=True)
class Explained:
    """A line with all that explains it."""

    state: LineState
    places: tuple[Place, ...]
    documents: tuple[Document, ...]
    causes: tuple[Cause, ...] = field(default_factory=tuple)


# One row of sums for each book line; sums over balances, not entries, so that it does not grow with history.
LINES = """
WITH line AS MATERIALIZED (
  SELECT l.id, l.book_no, l.line_no, l.trade_item_id FROM book_line l
   WHERE l.tenant_id = app_tenant() AND (:book_no = '' OR l.book_no = :book_no)
     AND (:line_no = 0 OR l.line_no = :line_no)
), lying AS (
  SELECT a.book_line_id,
         min(a.owner_id) AS owner_id,
         sum(b.qty) FILTER (WHERE a.kind IN ('book', 'deduction_pending')) AS book,
         sum(b.qty_reserved) FILTER (WHERE a.kind = 'book') AS reserved,
         sum(b.qty) FILTER (WHERE a.kind = 'deduction_pending') AS pending,
         sum(b.qty) FILTER (WHERE a.kind = 'not_yet_booked') AS not_yet_booked,
         sum(b.qty) FILTER (WHERE a.kind = 'location' AND a.customs_status = 'bonded') AS shelf,
         sum(b.qty) FILTER (WHERE a.kind = 'in_transit' AND a.customs_status = 'bonded') AS in_transit,
         sum(b.qty) FILTER (WHERE a.kind = 'in_process' AND a.customs_status = 'bonded') AS in_process,
         sum(b.qty) FILTER (WHERE a.kind = 'declared_not_left' AND a.customs_status = 'bonded') AS at_gate
    FROM account a JOIN balance b ON b.account_id = a.id
   WHERE a.book_line_id IN (SELECT id FROM line) GROUP BY a.book_line_id
), missing AS (
  SELECT a.book_line_id, sum(e.qty) AS qty FROM account a JOIN entry e ON e.account_id = a.id
   WHERE a.book_line_id IN (SELECT id FROM line) AND a.kind = 'discrepancy' AND a.customs_status = 'bonded'
   GROUP BY a.book_line_id
), coming AS (
  SELECT v.book_line_id, sum(v.declared_base_qty - v.booked_qty) AS qty
    FROM verification_line v JOIN verification_list d ON d.id = v.verification_list_id
   WHERE d.direction = 'I' AND d.state = 'pre_deducted' AND v.book_line_id IN (SELECT id FROM line)
   GROUP BY v.book_line_id
)
SELECT l.id, l.book_no, l.line_no, t.code, t.name_zh, t.name_en, t.base_unit, y.owner_id,
       coalesce(y.book, 0)::bigint, (coalesce(y.reserved, 0) + coalesce(y.pending, 0))::bigint,
       coalesce(c.qty, 0)::bigint, coalesce(y.pending, 0)::bigint, coalesce(y.not_yet_booked, 0)::bigint,
       coalesce(y.shelf, 0)::bigint, coalesce(y.in_transit, 0)::bigint, coalesce(y.in_process, 0)::bigint,
       coalesce(y.at_gate, 0)::bigint, coalesce(m.qty, 0)::bigint
  FROM line l JOIN trade_item t ON t.id = l.trade_item_id
  LEFT JOIN lying y ON y.book_line_id = l.id
  LEFT JOIN missing m ON m.book_line_id = l.id
  LEFT JOIN coming c ON c.book_line_id = l.id
 ORDER BY l.book_no, l.line_no
"""
PLACES = """
SELECT a.kind, s.code, p.code, lot.lot_no, a.quality_status, b.qty, b.qty_reserved
  FROM account a JOIN balance b ON b.account_id = a.id
  LEFT JOIN site s ON s.id = a.site_id LEFT JOIN location p ON p.id = a.location_id LEFT JOIN lot ON lot.id = a.lot_id
 WHERE a.book_line_id = :line_id AND a.customs_status = 'bonded' AND b.qty > 0
   AND a.kind IN ('location', 'in_transit', 'in_process', 'declared_not_left')
 ORDER BY a.kind, s.code, p.code, lot.lot_no, a.quality_status, a.id
"""
DOCUMENTS = """
SELECT 'list' AS kind, coalesce(d.list_no, d.internal_no), d.direction, d.state, v.declared_base_qty, v.on_passes_qty,
       v.passed_qty, v.booked_qty
  FROM verification_line v JOIN verification_list d ON d.id = v.verification_list_id WHERE v.book_line_id = :line_id
UNION ALL
SELECT 'slip', coalesce(m.slip_no, m.internal_no), m.direction, m.state, s.qty, s.on_passes_qty, s.passed_qty,
       s.returned_qty
  FROM movement_slip_line s JOIN movement_slip m ON m.id = s.movement_slip_id
  JOIN business_filing_line f ON f.id = s.filing_line_id WHERE f.book_line_id = :line_id
 ORDER BY 1, 2
"""
CAUSES = """
SELECT p.id, p.kind, p.source_doc, p.reason, p.event_at, e.qty
  FROM account a JOIN entry e ON e.account_id = a.id JOIN posting p ON p.id = e.posting_id
 WHERE a.book_line_id = :line_id AND a.kind = 'discrepancy' AND a.customs_status = 'bonded' ORDER BY p.id DESC LIMIT 200
"""


def reconcile(session: Session, book_no: str = "") -> tuple[LineState, ...]:
    """Return every line of a book (of all books without a number), by book and line."""
    rows = session.execute(text(LINES), {"book_no": book_no, "line_no": 0})
    return tuple(LineState(*row) for row in rows)


def explain(session: Session, book_no: str, line_no: int) -> Explained | None:
    """Return one line with its places, documents and the postings behind its difference; None where there is none."""
    row = session.execute(text(LINES), {"book_no": book_no, "line_no": line_no}).one_or_none()
    if row is None:
        return None
    state = LineState(*row)
    values = {"line_id": state.book_line_id}
    return Explained(
        state,
        tuple(Place(*one) for one in session.execute(text(PLACES), values)),
        tuple(Document(*one) for one in session.execute(text(DOCUMENTS), values)),
        tuple(Cause(*one) for one in session.execute(text(CAUSES), values)),
    )
