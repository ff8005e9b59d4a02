"""Reads of counts, their differences, adjustments and cases for lists and screens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

Row = TypeVar("Row")


@dataclass(frozen=True)
class CountRow:
    """A count and how far it is."""

    id: int
    count_no: str
    site: str
    kind: str
    state: str
    is_blind: bool
    reason: str | None
    due_at: datetime | None
    recorded_at: datetime
    places: int
    places_done: int
    waiting: int


@dataclass(frozen=True)
class CountPlaceRow:
    """One round of a place."""

    place: str
    item: str | None
    round: int
    state: str
    counter_zh: str | None
    counter_en: str | None
    started_at: datetime | None
    counted_at: datetime | None


@dataclass(frozen=True)
class DifferenceRow:
    """A difference and who decides or decided on it; base units."""

    id: int
    count_no: str
    site: str
    place: str
    item: str
    name_zh: str
    name_en: str
    lot_no: str | None
    sscc: str | None
    book_qty: int
    counted_qty: int
    qty: int
    value_minor: int
    currency: str
    as_of: datetime
    state: str
    counted_by_zh: str | None
    counted_by_en: str | None
    decided_at: datetime | None
    note: str | None
    posting_id: int | None


@dataclass(frozen=True)
class AdjustmentRow:
    """An adjustment's head."""

    id: int
    adjustment_no: str
    document_no: str
    site: str
    state: str
    reason_code: str
    note: str | None
    qty: int
    value_minor: int
    event_at: datetime
    requested_by_zh: str | None
    requested_by_en: str | None
    decided_at: datetime | None
    posting_id: int | None


@dataclass(frozen=True)
class CaseRow:
    """Bonded goods missing or too many, who has to settle it and until when."""

    id: int
    case_no: str
    site: str
    item: str
    name_zh: str
    name_en: str
    book_no: str
    line_no: int
    qty: int
    settled_qty: int
    state: str
    source_doc: str
    responsible_zh: str | None
    responsible_en: str | None
    due_on: date


_COUNTS = """
    SELECT c.id, c.count_no, s.code AS site, c.kind, c.state, c.is_blind, c.reason, c.due_at, c.recorded_at,
           (SELECT count(*) FROM count_place p WHERE p.count_id = c.id) AS places,
           (SELECT count(*) FROM count_place p WHERE p.count_id = c.id AND p.state = 'counted') AS places_done,
           (SELECT count(*) FROM count_difference d WHERE d.count_id = c.id AND d.state = 'waiting') AS waiting
      FROM count_order c JOIN site s ON s.id = c.site_id
     WHERE c.id > :after AND (cast(:state AS text) IS NULL OR c.state = :state)
       AND (cast(:site AS text) IS NULL OR s.code = :site) AND (cast(:number AS text) IS NULL OR c.count_no = :number)
     ORDER BY c.id LIMIT :limit
"""
_PLACES = """
    SELECT l.code AS place, t.code AS item, p.round, p.state, m.name_zh AS counter_zh, m.name_en AS counter_en,
           p.started_at, p.counted_at
      FROM count_place p JOIN location l ON l.id = p.location_id LEFT JOIN trade_item t ON t.id = p.trade_item_id
      LEFT JOIN person m ON m.id = p.counter_id WHERE p.count_id = :count_id
     ORDER BY l.pick_sequence NULLS LAST, l.code, p.round, p.id
"""
_DIFFERENCES = """
    SELECT d.id, c.count_no, s.code AS site, l.code AS place, t.code AS item, t.name_zh, t.name_en, lot.lot_no, h.sscc,
           d.book_qty, d.counted_qty, d.qty, d.qty * t.unit_value_minor AS value_minor, t.currency, d.as_of, d.state,
           m.name_zh AS counted_by_zh, m.name_en AS counted_by_en, d.decided_at, d.note, d.posting_id
      FROM count_difference d JOIN count_order c ON c.id = d.count_id JOIN site s ON s.id = c.site_id
      JOIN location l ON l.id = d.location_id JOIN trade_item t ON t.id = d.trade_item_id
      LEFT JOIN lot ON lot.id = d.lot_id LEFT JOIN handling_unit h ON h.id = d.handling_unit_id
      LEFT JOIN person m ON m.id = d.counted_by
     WHERE d.id > :after AND (cast(:state AS text) IS NULL OR d.state = :state)
       AND (cast(:site AS text) IS NULL OR s.code = :site) AND (cast(:number AS text) IS NULL OR c.count_no = :number)
     ORDER BY d.id LIMIT :limit
"""
_ADJUSTMENTS = """
    SELECT a.id, a.adjustment_no, a.document_no, s.code AS site, a.state, a.reason_code, a.note, a.qty, a.value_minor,
           a.event_at, m.name_zh AS requested_by_zh, m.name_en AS requested_by_en, a.decided_at, a.posting_id
      FROM adjustment a JOIN site s ON s.id = a.site_id LEFT JOIN person m ON m.id = a.requested_by
     WHERE a.id > :after AND (cast(:state AS text) IS NULL OR a.state = :state)
       AND (cast(:site AS text) IS NULL OR s.code = :site)
       AND (cast(:number AS text) IS NULL OR a.adjustment_no = :number)
     ORDER BY a.id LIMIT :limit
"""
_CASES = """
    SELECT d.id, d.case_no, s.code AS site, t.code AS item, t.name_zh, t.name_en, b.book_no, b.line_no, d.qty,
           d.settled_qty, d.state, d.source_doc, m.name_zh AS responsible_zh, m.name_en AS responsible_en, d.due_on
      FROM discrepancy_case d JOIN site s ON s.id = d.site_id JOIN trade_item t ON t.id = d.trade_item_id
      JOIN book_line b ON b.id = d.book_line_id LEFT JOIN person m ON m.id = d.responsible_id
     WHERE d.id > :after AND (cast(:state AS text) IS NULL OR d.state = :state)
       AND (cast(:site AS text) IS NULL OR s.code = :site) AND (cast(:number AS text) IS NULL OR d.case_no = :number)
     ORDER BY d.id LIMIT :limit
"""


def _list(session: Session, row: type[Row], sql: str, given: dict[str, Any]) -> list[Row]:
    bound = {"after": 0, "state": None, "site": None, "number": None, "limit": 50} | given
    return [row(**one) for one in session.execute(text(sql), bound).mappings()]


def counts(session: Session, **given: Any) -> Sequence[CountRow]:
    """Return counts by id; ``given``: after, state, site (code), number, limit."""
    return _list(session, CountRow, _COUNTS, given)


def count_places(session: Session, count_id: int) -> Sequence[CountPlaceRow]:
    """Return the rounds of a count, by the way through the warehouse."""
    return [CountPlaceRow(**one) for one in session.execute(text(_PLACES), {"count_id": count_id}).mappings()]


def differences(session: Session, **given: Any) -> Sequence[DifferenceRow]:
    """Return differences of counts by id; ``given``: after, state, site, number (of the count), limit."""
    return _list(session, DifferenceRow, _DIFFERENCES, given)


def adjustments(session: Session, **given: Any) -> Sequence[AdjustmentRow]:
    """Return adjustments by id; ``given``: after, state, site, number, limit."""
    return _list(session, AdjustmentRow, _ADJUSTMENTS, given)


def cases(session: Session, **given: Any) -> Sequence[CaseRow]:
    """Return cases of missing or surplus bonded goods by id; ``given``: after, state, site, number, limit."""
    return _list(session, CaseRow, _CASES, given)
