"""Goods that come back: what was announced, what arrived, and how each part of it was graded."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

import wms.floor.tables.scans  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of

RETURN_KINDS = ("domestic", "import", "export")
RETURN_STATES = ("open", "receiving", "closed")
RETURN_RESULTS = ("good", "repair", "quarantine", "destroy")


class ReturnNotice(Tenanted, Base):
    """Goods that a customer sends back. ``import``: bonded retail goods, back into the zone within a limit of days."""

    __tablename__ = "return_notice"
    __table_args__ = (
        UniqueConstraint("tenant_id", "return_no"),
        one_of("kind", RETURN_KINDS),
        one_of("state", RETURN_STATES),
        CheckConstraint("kind = 'domestic' OR released_on IS NOT NULL", name="crossing_has_release"),
        Index(None, "tenant_id", "site_id", "state"),
    )
    id: Mapped[Id]
    return_no: Mapped[str]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    kind: Mapped[str] = mapped_column(server_default="domestic")
    order_no: Mapped[str | None]
    customer: Mapped[str | None]
    released_on: Mapped[date | None]
    applied_on: Mapped[date]
    back_until_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(server_default="open")
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class ReturnLine(Tenanted, Base):
    """What should come back; ``lot_id`` is the lot that was shipped, where it is known."""

    __tablename__ = "return_line"
    __table_args__ = (UniqueConstraint("return_id", "line_no"), CheckConstraint("expected_qty > 0", name="positive"))
    id: Mapped[Id]
    return_id: Mapped[int] = mapped_column(ForeignKey("return_notice.id"))
    line_no: Mapped[int]
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    expected_qty: Mapped[Qty]
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))


class Returned(Tenanted, Base):
    """Goods that came back by one scan; they wait in quarantine status until every piece is graded."""

    __tablename__ = "returned"
    __table_args__ = (
        CheckConstraint("qty > 0 AND graded_qty BETWEEN 0 AND qty", name="graded_within_qty"),
        Index(None, "return_id"),
    )
    id: Mapped[Id]
    return_id: Mapped[int] = mapped_column(ForeignKey("return_notice.id"))
    return_line_id: Mapped[int] = mapped_column(ForeignKey("return_line.id"))
    scan_id: Mapped[int] = mapped_column(ForeignKey("scan.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    qty: Mapped[Qty]
    graded_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    received_at: Mapped[Instant]
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ReturnGrade(Tenanted, Base):
    """What an inspector found of returned goods, and the status that they got by it."""

    __tablename__ = "return_grade"
    __table_args__ = (
        one_of("result", RETURN_RESULTS),
        CheckConstraint("qty > 0", name="qty_positive"),
        Index(None, "returned_id"),
    )
    id: Mapped[Id]
    returned_id: Mapped[int] = mapped_column(ForeignKey("returned.id"))
    grade: Mapped[str]
    result: Mapped[str]
    qty: Mapped[Qty]
    note: Mapped[str | None]
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
