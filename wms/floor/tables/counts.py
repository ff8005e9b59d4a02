"""Counts: which places are counted, by whom, what was found there, and how each difference was settled.

Quantities are base units. Rows explain the ledger; the stock itself is counted in the ledger alone.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.floor.tables.scans  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of

COUNT_KINDS = ("location", "item", "abc", "short_pick")
COUNT_STATES = ("open", "done", "cancelled")
COUNT_PLACE_STATES = ("open", "counting", "counted", "void")
COUNT_DIFFERENCE_STATES = ("waiting", "adjusted", "rejected")
CASE_STATES = ("open", "settled")
SETTLEMENTS = ("found", "written_off", "declared", "lost_again")


class Count(Tenanted, Base):
    """An order to count. ``is_blind``: counters are not told what the books say."""

    __tablename__ = "count_order"
    __table_args__ = (
        UniqueConstraint("tenant_id", "count_no"),
        one_of("kind", COUNT_KINDS),
        one_of("state", COUNT_STATES),
        Index(None, "tenant_id", "site_id", "state"),
    )
    id: Mapped[Id]
    count_no: Mapped[str]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="open")
    is_blind: Mapped[bool] = mapped_column(server_default=text("true"))
    reason: Mapped[str | None]
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class CountPlace(Tenanted, Base):
    """One round of counting one place, or one item in it. ``barred_ids`` counted it in an earlier round."""

    __tablename__ = "count_place"
    __table_args__ = (
        one_of("state", COUNT_PLACE_STATES),
        CheckConstraint("round > 0", name="round_positive"),
        CheckConstraint("counter_id IS NULL OR NOT counter_id = ANY (barred_ids)", name="recounted_by_another"),
        CheckConstraint("state NOT IN ('counting', 'counted') OR counter_id IS NOT NULL", name="counted_by_whom"),
        Index(
            "uq_count_place_standing",
            "location_id",
            "trade_item_id",
            unique=True,
            postgresql_where=text("state IN ('open', 'counting')"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(None, "count_id"),
        Index(None, "location_id", "counted_at"),
    )
    id: Mapped[Id]
    count_id: Mapped[int] = mapped_column(ForeignKey("count_order.id"))
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    trade_item_id: Mapped[int | None] = mapped_column(ForeignKey("trade_item.id"))
    round: Mapped[int] = mapped_column(server_default="1")
    state: Mapped[str] = mapped_column(server_default="open")
    counter_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    barred_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    counted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    was_empty: Mapped[bool] = mapped_column(server_default=text("false"))
    findings: Mapped[list[Any] | None] = mapped_column(JSONB)


class CountLine(Tenanted, Base):
    """What was counted of one owner's item, lot and unit in one round, scan by scan added up."""

    __tablename__ = "count_line"
    __table_args__ = (
        CheckConstraint("counted_qty >= 0", name="counted_not_negative"),
        UniqueConstraint(
            "count_place_id",
            "owner_id",
            "trade_item_id",
            "lot_id",
            "handling_unit_id",
            postgresql_nulls_not_distinct=True,
        ),
    )
    id: Mapped[Id]
    count_place_id: Mapped[int] = mapped_column(ForeignKey("count_place.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    counted_qty: Mapped[Qty]
    first_at: Mapped[Instant]
    last_at: Mapped[Instant]


class CountDifference(Tenanted, Base):
    """A difference that stands after the last round: adjusted within the tolerance, or by whom it was decided.

    ``as_of`` is the instant whose stock it was compared with, ``known_posting_id`` the last posting known then.
    """

    __tablename__ = "count_difference"
    __table_args__ = (
        one_of("state", COUNT_DIFFERENCE_STATES),
        CheckConstraint("qty <> 0 AND qty = counted_qty - book_qty", name="qty_is_difference"),
        CheckConstraint("decided_by IS NULL OR decided_by <> counted_by", name="approver_not_counter"),
        CheckConstraint("decided_by IS NULL OR NOT decided_by = ANY (earlier_counters)", name="approver_not_earlier"),
        CheckConstraint("(state = 'adjusted') = (posting_id IS NOT NULL)", name="adjusted_has_posting"),
        Index(None, "tenant_id", "state"),
        Index(None, "count_id"),
    )
    id: Mapped[Id]
    count_id: Mapped[int] = mapped_column(ForeignKey("count_order.id"))
    count_place_id: Mapped[int] = mapped_column(ForeignKey("count_place.id"))
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    book_qty: Mapped[Qty]
    counted_qty: Mapped[Qty]
    qty: Mapped[Qty]
    as_of: Mapped[Instant]
    known_posting_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(server_default="waiting")
    counted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    earlier_counters: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reason_code: Mapped[str] = mapped_column(server_default="COUNT")
    note: Mapped[str | None]
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))
    recorded_at: Mapped[RecordedAt]


class DiscrepancyCase(Tenanted, Base):
    """Bonded goods that are in the book but not on the shelf (``qty`` < 0), or on the shelf but not in the book.

    They lie in the discrepancy account until the case is settled by ``responsible_id``, at the latest on ``due_on``.
    """

    __tablename__ = "discrepancy_case"
    __table_args__ = (
        UniqueConstraint("tenant_id", "case_no"),
        one_of("state", CASE_STATES),
        CheckConstraint("qty <> 0 AND settled_qty BETWEEN 0 AND abs(qty)", name="settled_within_qty"),
        CheckConstraint("(state = 'settled') = (settled_qty = abs(qty))", name="settled_when_nothing_left"),
        Index(None, "tenant_id", "state", "due_on"),
    )
    id: Mapped[Id]
    case_no: Mapped[str]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    book_line_id: Mapped[int] = mapped_column(ForeignKey("book_line.id"))
    qty: Mapped[Qty]
    settled_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    state: Mapped[str] = mapped_column(server_default="open")
    source_doc: Mapped[str]
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    due_on: Mapped[date]
    recorded_at: Mapped[RecordedAt]


class DiscrepancySettlement(Tenanted, Base):
    """How a part of a case was settled: found again, written off or declared under a customs document."""

    __tablename__ = "discrepancy_settlement"
    __table_args__ = (
        one_of("kind", SETTLEMENTS),
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint(
            "kind NOT IN ('written_off', 'declared') OR customs_doc_no IS NOT NULL", name="customs_document"
        ),
        Index(None, "case_id"),
    )
    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("discrepancy_case.id"))
    kind: Mapped[str]
    qty: Mapped[Qty]
    customs_doc_no: Mapped[str | None]
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
