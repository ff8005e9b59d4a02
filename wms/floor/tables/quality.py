"""Inspection on receipt: plans that say how many are looked at, inspections and what they found; changes of owner."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.floor.tables.receiving  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of

SAMPLINGS = ("share", "table")
INSPECTION_STATES = ("open", "passed", "failed", "void")


class InspectionPlan(Tenanted, Base):
    """How many units of which goods are inspected on receipt, from and until when (both inclusive), by which source.

    ``sampling`` "share": ``share_permille`` of the units, at least one; "table": the dated value ``sample_table`` says
    how many of how large a lot, and how many defects pass. ``holds_lot``: the whole lot waits for the verdict.
    """

    __tablename__ = "inspection_plan"
    __table_args__ = (
        one_of("sampling", SAMPLINGS),
        CheckConstraint("(sampling = 'share') = (share_permille IS NOT NULL)", name="share_has_permille"),
        CheckConstraint("(sampling = 'table') = (sample_table IS NOT NULL)", name="table_has_name"),
        CheckConstraint("share_permille BETWEEN 1 AND 1000", name="share_range"),
        CheckConstraint("valid_until_on >= valid_from_on", name="period_forward"),
        CheckConstraint("length(btrim(source)) > 0", name="has_source"),
    )
    id: Mapped[Id]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    trade_item_id: Mapped[int | None] = mapped_column(ForeignKey("trade_item.id"))
    supplier: Mapped[str | None]
    sampling: Mapped[str]
    share_permille: Mapped[int | None]
    sample_table: Mapped[str | None]
    holds_lot: Mapped[bool] = mapped_column(server_default=text("false"))
    valid_from_on: Mapped[date]
    valid_until_on: Mapped[date | None]
    source: Mapped[str]
    recorded_at: Mapped[RecordedAt]


class Inspection(Tenanted, Base):
    """Units of one lot of one receipt that are looked at, and the verdict on it. ``pictures`` are content hashes.

    Void: the receipt was undone whole.
    """

    __tablename__ = "inspection"
    __table_args__ = (
        UniqueConstraint("notice_id", "trade_item_id", "lot_id", postgresql_nulls_not_distinct=True),
        one_of("state", INSPECTION_STATES),
        CheckConstraint("sample_qty > 0 AND sample_qty <= lot_qty AND accept_max >= 0", name="sample_within_lot"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_has_time"),
        Index(None, "tenant_id", "state"),
    )
    id: Mapped[Id]
    inspection_no: Mapped[str | None]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    notice_id: Mapped[int] = mapped_column(ForeignKey("advance_notice.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("inspection_plan.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    lot_qty: Mapped[Qty]
    sample_qty: Mapped[Qty]
    accept_max: Mapped[int] = mapped_column(BigInteger, server_default="0")
    state: Mapped[str] = mapped_column(server_default="open")
    defects: Mapped[int | None] = mapped_column(BigInteger)
    grade: Mapped[str | None]
    note: Mapped[str | None]
    pictures: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))
    opened_at: Mapped[Instant]


class OwnerChange(Tenanted, Base):
    """Goods that went from one owner to another, with the document by which each of them agreed."""

    __tablename__ = "owner_change"
    __table_args__ = (CheckConstraint("owner_id <> to_owner_id AND qty > 0", name="changes_owner"),)
    id: Mapped[Id]
    change_no: Mapped[str | None]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    to_owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    to_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    qty: Mapped[Qty]
    giver_agreement: Mapped[str]
    taker_agreement: Mapped[str]
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    event_at: Mapped[Instant]
