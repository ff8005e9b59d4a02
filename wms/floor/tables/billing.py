"""What owners pay for storage and handling: rate cards, extra services, invoices and their lines."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Minor, RecordedAt, Tenanted
from wms.parties.tables import TEMPERATURE_CLASSES, one_of

SERVICES = ("storage", "handling", "extra", "minimum")
INVOICE_KINDS = ("invoice", "credit_note")
INVOICE_STATES = ("draft", "issued", "credited")


class RateCard(Tenanted, Base):
    """What an owner pays from a day on until the next card; ``source`` is the contract."""

    __tablename__ = "rate_card"
    __table_args__ = (
        UniqueConstraint("tenant_id", "owner_id", "valid_from_on"),
        CheckConstraint("minimum_minor >= 0", name="minimum_not_negative"),
        CheckConstraint("length(btrim(source)) > 0", name="has_source"),
    )
    id: Mapped[Id]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    valid_from_on: Mapped[date]
    currency: Mapped[str] = mapped_column(server_default="CNY")
    minimum_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    source: Mapped[str]
    recorded_at: Mapped[RecordedAt]
    transaction_id: Mapped[int] = mapped_column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint"))


class RateRow(Tenanted, Base):
    """One rate of a card, in thousandths of the currency's smallest unit."""

    __tablename__ = "rate"
    __table_args__ = (
        one_of("service", SERVICES[:3]),
        one_of("temperature_class", TEMPERATURE_CLASSES),
        CheckConstraint("price_milli >= 0 AND free_days >= 0", name="not_negative"),
        Index(None, "rate_card_id"),
    )
    id: Mapped[Id]
    rate_card_id: Mapped[int] = mapped_column(ForeignKey("rate_card.id"))
    service: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    unit: Mapped[str]
    price_milli: Mapped[int] = mapped_column(BigInteger)
    temperature_class: Mapped[str | None]
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    free_days: Mapped[int] = mapped_column(server_default="0")


class ServiceDone(Tenanted, Base):
    """An extra service for an owner: labelling, shrink-wrapping, photographs … so many times on a day."""

    __tablename__ = "service_done"
    __table_args__ = (
        CheckConstraint("times > 0", name="times_positive"),
        Index(None, "tenant_id", "owner_id", "done_on"),
    )
    id: Mapped[Id]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    service: Mapped[str]
    times: Mapped[int] = mapped_column(BigInteger)
    done_on: Mapped[date]
    note: Mapped[str] = mapped_column(server_default="")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    transaction_id: Mapped[int] = mapped_column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint"))


class Invoice(Tenanted, Base):
    """What an owner owes for a period, as the ledger was known at ``known_at``. Issued, it is never edited.

    ``known_snapshot``: the transactions that it was computed from (PostgreSQL's pg_snapshot, ``xmin:xmax:running``);
    ``issued_xid`` issued it.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("tenant_id", "invoice_no"),
        one_of("kind", INVOICE_KINDS),
        one_of("state", INVOICE_STATES),
        CheckConstraint("since_on <= until_on", name="period_order"),
        CheckConstraint("(state = 'draft') = (invoice_no IS NULL)", name="issued_has_number"),
        CheckConstraint("(kind = 'credit_note') = (credits_id IS NOT NULL)", name="credit_names_invoice"),
        Index("uq_invoice_credits_id", "credits_id", unique=True, postgresql_where=text("credits_id IS NOT NULL")),
        Index(None, "tenant_id", "owner_id", "since_on"),
    )
    id: Mapped[Id]
    invoice_no: Mapped[str | None]
    kind: Mapped[str] = mapped_column(server_default="invoice")
    state: Mapped[str] = mapped_column(server_default="draft")
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    since_on: Mapped[date]
    until_on: Mapped[date]
    currency: Mapped[str]
    total_minor: Mapped[Minor]
    known_at: Mapped[Instant]
    known_snapshot: Mapped[str | None]
    issued_xid: Mapped[int | None] = mapped_column(BigInteger)
    credits_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"))
    issued_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    issued_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class InvoiceLine(Tenanted, Base):
    """A line of an invoice; ``corrects_id`` is the invoice that it brings right after a late posting."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        UniqueConstraint("invoice_id", "line_no"),
        one_of("service", SERVICES),
        Index("ix_invoice_line_corrects_id", "corrects_id", postgresql_where=text("corrects_id IS NOT NULL")),
    )
    id: Mapped[Id]
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    line_no: Mapped[int]
    rate_id: Mapped[int | None] = mapped_column(ForeignKey("rate.id"))
    service: Mapped[str]
    name: Mapped[str]
    unit: Mapped[str]
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    qty_milli: Mapped[int] = mapped_column(BigInteger)
    price_milli: Mapped[int] = mapped_column(BigInteger)
    amount_minor: Mapped[Minor]
    note: Mapped[str] = mapped_column(server_default="")
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"))
