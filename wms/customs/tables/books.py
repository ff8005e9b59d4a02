"""Account books and verification lists (核注清单). Field names in comments are those of INV101."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.customs.tables.kinds import DIRECTIONS, LIST_STATES, AsWritten
from wms.db import Base, Id, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of


class AccountBook(Tenanted, Base):
    """An electronic account book (账册) of one zone enterprise; 12 characters, e.g. ``T4912W000001``."""

    __tablename__ = "account_book"
    __table_args__ = (
        UniqueConstraint("tenant_id", "book_no"),
        CheckConstraint("book_no ~ '^[A-Z][0-9]{4}[A-Z][0-9]{6}$'", name="book_no_shape"),
    )
    id: Mapped[Id]
    book_no: Mapped[str]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    valid_from_on: Mapped[date]
    valid_until_on: Mapped[date | None]


class VerificationList(Tenanted, Base):
    """A verification list: what is added to (I) or deducted from (E) an account book."""

    __tablename__ = "verification_list"
    __table_args__ = (
        UniqueConstraint("tenant_id", "internal_no"),
        UniqueConstraint("tenant_id", "list_no"),
        one_of("direction", DIRECTIONS),
        one_of("state", LIST_STATES),
        CheckConstraint("list_no ~ '^QD[0-9]{6}[IE][0-9]{9}$'", name="list_no_shape"),
    )
    id: Mapped[Id]
    internal_no: Mapped[str]  # etpsInnerInvtNo
    list_no: Mapped[str | None]  # bondInvtNo
    account_book_id: Mapped[int] = mapped_column(ForeignKey("account_book.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    direction: Mapped[str]  # impexpMarkcd
    trade_mode: Mapped[str]  # supvModecd
    list_type: Mapped[str] = mapped_column(server_default="0")  # invtType
    state: Mapped[str] = mapped_column(server_default="draft")
    change_count: Mapped[int] = mapped_column(server_default="0")  # chgTmsCnt
    entry_no: Mapped[str | None]  # 报关单号
    declared_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    pre_deducted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # prevdTime
    entry_released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    booked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # formalVrfdedTime
    recorded_at: Mapped[RecordedAt]


class VerificationLine(Tenanted, Base):
    """A line of a verification list. Invariant: ``passed_qty ≤ on_passes_qty ≤ declared_base_qty`` (customs, 1.3).

    Of what passed, ``freed_qty`` left customs' supervision on the shelf by a released declaration, not by a vehicle,
    and ``collected_qty`` went without a pass of this list: before, on movement slips that it declares together (集报),
    or handed over to another owner inside the zone (区内流转).
    ``promise_id`` is the reservation that its pre-deduction holds on the account book (prevdRedcQty).
    """

    __tablename__ = "verification_line"
    __table_args__ = (
        UniqueConstraint("verification_list_id", "line_no"),
        CheckConstraint("declared_qty > 0 AND declared_base_qty > 0", name="declared_positive"),
        CheckConstraint("0 <= passed_qty AND passed_qty <= on_passes_qty", name="passed_within_passes"),
        CheckConstraint("on_passes_qty <= declared_base_qty", name="passes_within_declared"),
        CheckConstraint("booked_qty BETWEEN 0 AND declared_base_qty", name="booked_within_declared"),
        CheckConstraint("freed_qty >= 0 AND collected_qty >= 0", name="parts_not_negative"),
        CheckConstraint("freed_qty + collected_qty <= passed_qty", name="parts_within_passed"),
    )
    id: Mapped[Id]
    verification_list_id: Mapped[int] = mapped_column(ForeignKey("verification_list.id"))
    line_no: Mapped[int]  # gdsSeqno
    book_line_id: Mapped[int] = mapped_column(ForeignKey("book_line.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    declared_qty: Mapped[Decimal] = mapped_column(AsWritten)  # dclQty, in customs_unit
    customs_unit: Mapped[str]
    declared_base_qty: Mapped[Qty]
    on_passes_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")  # passportUsedQty
    passed_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")  # actlPassQty
    booked_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    freed_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    collected_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    promise_id: Mapped[int | None] = mapped_column(ForeignKey("reservation.id"))
    unit_price_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    currency: Mapped[str] = mapped_column(server_default="CNY")
