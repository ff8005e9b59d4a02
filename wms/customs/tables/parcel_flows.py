"""After release: customs' tax bills, summaries of exports, and the statements that exporters file. Amounts in yuan."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.customs.tables.parcels  # noqa: F401 - foreign keys name its tables
from wms.customs.tables.kinds import AsWritten
from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

SUMMARY_STATES = ("applied", "accepted", "declared", "refused")
BOOKING_STATES = ("departed", "pre_refunded", "settled")


class TaxBill(Tenanted, Base):
    """An electronic tax bill of customs (CEB816, CEB818): 1 generated, 2 summarised, 3 void.

    ``differences`` name the lines in which it is not what we worked out.
    """

    __tablename__ = "tax_bill"
    __table_args__ = (
        UniqueConstraint("tenant_id", "tax_no"),
        one_of("status", ("1", "2", "3")),
        Index(None, "declaration_id"),
        Index(None, "tenant_id", "assure_code", "returned_at"),
    )
    id: Mapped[Id]
    declaration_id: Mapped[int] = mapped_column(ForeignKey("parcel_declaration.id"))
    tax_no: Mapped[str]
    duty: Mapped[Decimal] = mapped_column(AsWritten)
    consumption_tax: Mapped[Decimal] = mapped_column(AsWritten)
    vat: Mapped[Decimal] = mapped_column(AsWritten)
    status: Mapped[str]
    duty_no: Mapped[str | None]  # entDutyNo: the consolidated bill it went into
    assure_code: Mapped[str | None]
    differences: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    returned_at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]


class ExportSummary(Tenanted, Base):
    """A summary application (汇总申请, CEB701) of released exports, and its declaration (CEB792)."""

    __tablename__ = "export_summary"
    __table_args__ = (UniqueConstraint("tenant_id", "cop_no"), one_of("state", SUMMARY_STATES))
    id: Mapped[Id]
    cop_no: Mapped[str | None]
    sum_no: Mapped[str | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    ebc_code: Mapped[str]
    summary_flag: Mapped[str]
    item_name_flag: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="applied")
    status: Mapped[str | None]  # returnStatus of the receipt that moved it last
    reason: Mapped[str | None]  # why customs refused it
    entry_no: Mapped[str | None]  # entryId
    applied_at: Mapped[Instant]
    declared_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ExportSummaryParcel(Tenanted, Base):
    """A parcel in a summary; it is in one at a time."""

    __tablename__ = "export_summary_parcel"
    __table_args__ = (UniqueConstraint("declaration_id"), Index(None, "summary_id"))
    summary_id: Mapped[int] = mapped_column(ForeignKey("export_summary.id"), primary_key=True)
    declaration_id: Mapped[int] = mapped_column(ForeignKey("parcel_declaration.id"), primary_key=True)


class ExportExemption(Tenanted, Base):
    """Whether a retail export without an invoice is free of tax (无票免税), with the conditions as they were found."""

    __tablename__ = "export_exemption"
    __table_args__ = (UniqueConstraint("declaration_id"),)
    id: Mapped[Id]
    declaration_id: Mapped[int] = mapped_column(ForeignKey("parcel_declaration.id"))
    is_exempt: Mapped[bool]
    conditions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    registered: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)  # the six fields of each line
    decided_at: Mapped[Instant]


class OverseasBooking(Tenanted, Base):
    """A booking for an overseas warehouse (9810) and its refund on departure (离境即退税); amounts in yuan."""

    __tablename__ = "overseas_booking"
    __table_args__ = (
        UniqueConstraint("declaration_id"),
        one_of("state", BOOKING_STATES),
        CheckConstraint("sold_value BETWEEN 0 AND value", name="sold_within_value"),
        CheckConstraint("refunded >= 0", name="refunded_not_negative"),
        CheckConstraint("(state = 'settled') = (settled_at IS NOT NULL)", name="settled_has_time"),
    )
    id: Mapped[Id]
    declaration_id: Mapped[int] = mapped_column(ForeignKey("parcel_declaration.id"))
    business_code: Mapped[str | None]
    state: Mapped[str]
    departed_at: Mapped[Instant]
    value: Mapped[Decimal] = mapped_column(AsWritten)
    sold_value: Mapped[Decimal] = mapped_column(AsWritten)
    rate: Mapped[Decimal] = mapped_column(AsWritten)
    refunded: Mapped[Decimal] = mapped_column(AsWritten)
    due: Mapped[Decimal | None] = mapped_column(AsWritten)
    settle_by_on: Mapped[date]
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
