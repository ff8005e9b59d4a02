"""The ledger: accounts, postings, entries, balances, reservations, closed months; checkpoints of sums.

Shelf, goods in transit and the customs account book are accounts of this one ledger. Rows of ``posting`` and ``entry``
are written by the routine in ``posting.sql`` alone and are never edited (privileges and triggers hold that).
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.catalog.tables  # foreign keys name its tables
import wms.record.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of

PHYSICAL, BOOK = "physical", "book"
CUSTOMS_STATUSES = ("free", "bonded", "export")
QUALITY_STATUSES = ("good", "hold", "damaged", "quarantine", "expired")
HANDLING_UNIT_KINDS = ("pallet", "carton", "crate", "roll", "container", "parcel")
HOLD_REASONS = ("inspection", "damage", "recall", "complaint", "expiry", "customs", "other")
RESERVATION_STATES = ("held", "posted", "void", "expired")
# One text of all dimensions: IS NOT DISTINCT FROM cannot use an index, equality of this text can.
DIMENSIONS = (
    "kind || '|' || owner_id::text || '|' || trade_item_id::text || '|' || coalesce(site_id::text, '')"
    " || '|' || coalesce(location_id::text, '') || '|' || coalesce(lot_id::text, '')"
    " || '|' || coalesce(handling_unit_id::text, '') || '|' || customs_status || '|' || quality_status"
    " || '|' || coalesce(book_line_id::text, '')"
)


class AccountKind(Base):
    """What an account counts. Virtual kinds carry no balance row: they may go below zero, their sum is computed.

    ``in_identity`` kinds are the terms of invariant I4: per book line, physical terms and book terms change alike.
    """

    __tablename__ = "account_kind"
    __table_args__ = (one_of("side", (PHYSICAL, BOOK)),)
    kind: Mapped[str] = mapped_column(primary_key=True)
    side: Mapped[str]
    is_virtual: Mapped[bool]
    in_identity: Mapped[bool]


class Lot(Tenanted, Base):
    """A batch of one trade item with its dates."""

    __tablename__ = "lot"
    __table_args__ = (UniqueConstraint("trade_item_id", "lot_no"),)
    id: Mapped[Id]
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_no: Mapped[str]
    expires_on: Mapped[date | None]
    produced_on: Mapped[date | None]
    country_of_origin: Mapped[str | None]  # where it differs from lot to lot; else the item's own holds


class HandlingUnit(Tenanted, Base):
    """A pallet, carton … with its SSCC (GS1, 18 digits); it may stand in another one.

    ``nested_at``: since when it stands in ``parent_id``, or in none; who changes the one says the other.
    """

    __tablename__ = "handling_unit"
    __table_args__ = (
        UniqueConstraint("tenant_id", "sscc"),
        one_of("kind", HANDLING_UNIT_KINDS),
        CheckConstraint("sscc ~ '^[0-9]{18}$'", name="sscc_digits"),
        CheckConstraint("parent_id <> id", name="not_in_itself"),
        Index(None, "parent_id"),
    )
    id: Mapped[Id]
    sscc: Mapped[str]
    kind: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    nested_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class UnitStay(Tenanted, Base):
    """When a unit stood in which other one, written by a trigger whenever its parent changes; None: it still does."""

    __tablename__ = "unit_stay"
    __table_args__ = (
        CheckConstraint("handling_unit_id <> parent_id", name="not_in_itself"),
        CheckConstraint("until_at >= from_at", name="times_in_order"),
        Index("uq_unit_stay_now", "handling_unit_id", unique=True, postgresql_where=text("until_at IS NULL")),
        Index(None, "handling_unit_id"),
        Index(None, "parent_id"),
    )
    id: Mapped[Id]
    handling_unit_id: Mapped[int] = mapped_column(ForeignKey("handling_unit.id"))
    parent_id: Mapped[int] = mapped_column(ForeignKey("handling_unit.id"))
    from_at: Mapped[Instant]
    until_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class BookLine(Tenanted, Base):
    """A line (项号) of a customs account book (账册): the thing that bonded goods are counted against."""

    __tablename__ = "book_line"
    __table_args__ = (
        UniqueConstraint("tenant_id", "book_no", "line_no"),
        CheckConstraint("line_no > 0", name="line_no_positive"),
    )
    id: Mapped[Id]
    book_no: Mapped[str]
    line_no: Mapped[int]
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    customs_unit: Mapped[str]


class Account(Tenanted, Base):
    """Where and what: each combination of place, owner, item, lot, statuses, handling unit and book line."""

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "dimensions"),
        one_of("customs_status", CUSTOMS_STATUSES),
        one_of("quality_status", QUALITY_STATUSES),
        CheckConstraint(
            "customs_status <> 'bonded' OR book_line_id IS NOT NULL"
            " OR kind NOT IN ('location', 'in_transit', 'in_process', 'declared_not_left', 'discrepancy')",
            name="bonded_has_book_line",
        ),
        CheckConstraint("kind <> 'location' OR location_id IS NOT NULL", name="location_has_place"),
        CheckConstraint(
            "kind NOT IN ('book', 'not_yet_booked', 'deduction_pending') OR book_line_id IS NOT NULL",
            name="book_has_book_line",
        ),
        Index(None, "location_id"),
        Index(None, "handling_unit_id"),
        Index(None, "book_line_id"),
        # In the order of a page: an item may lie in hundreds of places, and the first hundred are asked for.
        Index(None, "tenant_id", "owner_id", "trade_item_id", "id"),
        Index(None, "trade_item_id"),
        Index(None, "lot_id"),
    )
    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(ForeignKey("account_kind.kind"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    customs_status: Mapped[str] = mapped_column(server_default="free")
    quality_status: Mapped[str] = mapped_column(server_default="good")
    book_line_id: Mapped[int | None] = mapped_column(ForeignKey("book_line.id"))
    dimensions: Mapped[str] = mapped_column(Computed(DIMENSIONS, persisted=True))


class Posting(Tenanted, Base):
    """One business fact. Its entries sum to zero; it is never edited, only reversed by a later one."""

    __tablename__ = "posting"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "idem_key"),
        ForeignKeyConstraint(["tenant_id", "idem_key"], ["idem.tenant_id", "idem.key"]),
        ForeignKeyConstraint(["tenant_id", "reverses_id"], ["posting.tenant_id", "posting.id"]),
        Index("uq_posting_reverses_id", "reverses_id", unique=True, postgresql_where=text("reverses_id IS NOT NULL")),
        Index(None, "tenant_id", "source_doc"),
        Index(None, "tenant_id", "event_at"),
        # Transactions run on with the table: who tails it in their order reads its last pages (web/out/webhooks.py).
        Index(None, "transaction_id", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    )
    id: Mapped[Id]
    idem_key: Mapped[str]
    kind: Mapped[str]
    source_doc: Mapped[str | None]
    reason: Mapped[str | None]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    device: Mapped[str | None]
    reverses_id: Mapped[int | None]
    event_at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]
    transaction_id: Mapped[int] = mapped_column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint"))


class Entry(Tenanted, Base):
    """One signed change of one account, in base units (weight in grams, value in minor units where known)."""

    __tablename__ = "entry"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "posting_id"], ["posting.tenant_id", "posting.id"]),
        ForeignKeyConstraint(["tenant_id", "account_id"], ["account.tenant_id", "account.id"]),
        CheckConstraint("qty <> 0", name="qty_not_zero"),
        Index("ix_entry_account_id_event_at", "account_id", "event_at", postgresql_include=["qty"]),
        # Rows lie in the order of their writing, which is nearly that of their events: this index of page ranges is a
        # thousandth of a B-tree, costs a posting nothing, and finds the backdated ones by both times at once.
        Index(
            "ix_entry_times",
            "event_at",
            "recorded_at",
            "posting_id",
            postgresql_using="brin",
            postgresql_ops={
                "event_at": "timestamptz_minmax_multi_ops",
                "recorded_at": "timestamptz_minmax_multi_ops",
            },
            postgresql_with={"pages_per_range": "16", "autosummarize": "on"},
        ),
    )
    posting_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    qty: Mapped[Qty]
    weight_g: Mapped[int | None] = mapped_column(BigInteger)
    value_minor: Mapped[int | None] = mapped_column(BigInteger)
    owner_id: Mapped[int] = mapped_column(BigInteger)
    event_at: Mapped[Instant]
    recorded_at: Mapped[Instant]


class Balance(Tenanted, Base):
    """The present stock of an account that is not virtual; changed by the posting routine alone.

    ``since_at``: when the oldest goods in it came to the house, wherever they stood meanwhile (docs/decisions/006).
    """

    __tablename__ = "balance"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "account_id"], ["account.tenant_id", "account.id"]),
        CheckConstraint("qty >= 0", name="qty_not_negative"),
        CheckConstraint("qty_reserved BETWEEN 0 AND qty", name="reserved_within_qty"),
        # Of catch-weight goods alone: no grams without pieces, no pieces without grams.
        CheckConstraint("weight_g >= 0 AND (weight_g = 0) = (qty = 0)", name="weight_with_qty"),
        # No index may name qty: an update of a balance then stays in its page and touches no index at all (HOT).
        Index(None, "owner_id", "account_id"),
        {"postgresql_with": {"fillfactor": "50"}},
    )
    account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    owner_id: Mapped[int] = mapped_column(BigInteger)
    qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    qty_reserved: Mapped[int] = mapped_column(BigInteger, server_default="0")
    last_event_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("'epoch'"))
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    weight_g: Mapped[int | None] = mapped_column(BigInteger)
    since_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Serial(Tenanted, Base):
    """One piece of a serial-controlled item and the account it lies in; changed by the posting routine alone.

    ``account_id`` is one account or none: a piece is at one place once. A virtual account says where it went.
    """

    __tablename__ = "serial"
    __table_args__ = (
        UniqueConstraint("trade_item_id", "serial_no"),
        CheckConstraint("length(serial_no) BETWEEN 1 AND 60", name="serial_no_length"),
        ForeignKeyConstraint(["tenant_id", "account_id"], ["account.tenant_id", "account.id"]),
        Index(None, "account_id"),
    )
    id: Mapped[Id]
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    owner_id: Mapped[int] = mapped_column(BigInteger)
    serial_no: Mapped[str]
    account_id: Mapped[int | None] = mapped_column(BigInteger)


class SerialMove(Tenanted, Base):
    """One piece moved by one posting, from account to account."""

    __tablename__ = "serial_move"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "posting_id"], ["posting.tenant_id", "posting.id"]),
        ForeignKeyConstraint(["tenant_id", "from_account_id"], ["account.tenant_id", "account.id"]),
        ForeignKeyConstraint(["tenant_id", "to_account_id"], ["account.tenant_id", "account.id"]),
        CheckConstraint("from_account_id <> to_account_id", name="moves"),
        Index(None, "serial_id"),
    )
    posting_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    serial_id: Mapped[int] = mapped_column(ForeignKey("serial.id"), primary_key=True)
    from_account_id: Mapped[int] = mapped_column(BigInteger)
    to_account_id: Mapped[int] = mapped_column(BigInteger)


class Reservation(Tenanted, Base):
    """Stock promised to a document: held, then posted (in parts), voided or expired."""

    __tablename__ = "reservation"
    __table_args__ = (
        UniqueConstraint("tenant_id", "idem_key"),
        ForeignKeyConstraint(["tenant_id", "idem_key"], ["idem.tenant_id", "idem.key"]),
        ForeignKeyConstraint(["tenant_id", "account_id"], ["account.tenant_id", "account.id"]),
        one_of("state", RESERVATION_STATES),
        CheckConstraint("qty > 0 AND qty_open BETWEEN 0 AND qty", name="open_within_qty"),
        CheckConstraint("(state = 'held') = (qty_open > 0)", name="held_while_open"),
        Index("ix_reservation_held", "account_id", postgresql_where=text("state = 'held'")),
        Index("ix_reservation_expires_at", "expires_at", postgresql_where=text("state = 'held'")),
    )
    id: Mapped[Id]
    idem_key: Mapped[str]
    account_id: Mapped[int] = mapped_column(BigInteger)
    owner_id: Mapped[int] = mapped_column(BigInteger)
    qty: Mapped[Qty]
    qty_open: Mapped[Qty]
    state: Mapped[str] = mapped_column(server_default="held")
    source_doc: Mapped[str | None]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    expires_at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class StockHold(Tenanted, Base):
    """Why stock is on hold: which item, lot and unit, how many, for what reason, and how it ended.

    Customs' booking lifts the hold of what it books, but never of what stands here open.
    """

    __tablename__ = "stock_hold"
    __table_args__ = (
        one_of("reason", HOLD_REASONS),
        one_of("state", ("open", "released")),
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint("(state = 'open') = (released_at IS NULL)", name="released_has_time"),
        Index("ix_stock_hold_open", "trade_item_id", "lot_id", postgresql_where=text("state = 'open'")),
    )
    id: Mapped[Id]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    qty: Mapped[Qty]
    reason: Mapped[str]
    note: Mapped[str | None]
    document: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="open")
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))
    placed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    placed_at: Mapped[Instant]
    to_status: Mapped[str | None]
    release_reason: Mapped[str | None]
    release_posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))
    released_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PeriodClose(Tenanted, Base):
    """A closed month (first day, Beijing time). Everything up to its end is closed; corrections are new postings."""

    __tablename__ = "period_close"
    __table_args__ = (CheckConstraint("month_on = date_trunc('month', month_on)", name="first_of_month"),)
    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, server_default=text("app_tenant()"))
    month_on: Mapped[date] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    totals: Mapped[dict[str, Any]] = mapped_column(JSONB)
    totals_hash: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[RecordedAt]


class Checkpoint(Tenanted, Base):
    """Up to where a set of account sums counts: events before, recorded until, postings through. See ``past.sql``.

    Derived, and no answer depends on it: without it the stock of the past is the same and takes longer.
    """

    __tablename__ = "stock_checkpoint"
    __table_args__ = (UniqueConstraint("tenant_id", "event_before"),)
    id: Mapped[Id]
    event_before: Mapped[Instant]
    recorded_until: Mapped[Instant]
    through_posting_id: Mapped[int] = mapped_column(BigInteger)
    first_event_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    accounts: Mapped[int] = mapped_column(BigInteger, server_default="0")
    recorded_at: Mapped[RecordedAt]


class CheckpointSum(Tenanted, Base):
    """The sum of one account's entries within a checkpoint; accounts at zero have none."""

    __tablename__ = "stock_checkpoint_sum"
    checkpoint_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("stock_checkpoint.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    )
    account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    owner_id: Mapped[int] = mapped_column(BigInteger)
    qty: Mapped[Qty]
