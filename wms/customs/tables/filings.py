"""Business filings (业务申报表) and movement slips (出入库单): goods that move first and are declared later."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

import wms.customs.tables.books
import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.customs.tables.kinds import DIRECTIONS, FILING_KINDS, FILING_ROLES, FILING_STATES, SLIP_STATES
from wms.db import Base, Id, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of


class BusinessFiling(Tenanted, Base):
    """What an enterprise may do with goods outside a single declaration: kind, days, goods with ceilings, guarantee.

    ``direction`` is the way the goods go first: E out of the zone (display), I into it.
    """

    __tablename__ = "business_filing"
    __table_args__ = (
        UniqueConstraint("tenant_id", "internal_no"),
        UniqueConstraint("tenant_id", "filing_no"),
        one_of("kind", FILING_KINDS),
        one_of("direction", DIRECTIONS),
        one_of("state", FILING_STATES),
        CheckConstraint("valid_until_on >= valid_from_on", name="ends_after_begin"),
        CheckConstraint("guarantee_used_minor BETWEEN 0 AND guarantee_minor", name="within_guarantee"),
        CheckConstraint("state <> 'approved' OR filing_no IS NOT NULL", name="numbered"),
    )
    id: Mapped[Id]
    internal_no: Mapped[str]
    filing_no: Mapped[str | None]  # sas_dcl_no
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    account_book_id: Mapped[int] = mapped_column(ForeignKey("account_book.id"))
    kind: Mapped[str]
    direction: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="declared")
    valid_from_on: Mapped[date]
    valid_until_on: Mapped[date]
    guarantee_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    guarantee_used_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    approved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class BusinessFilingLine(Tenanted, Base):
    """Goods of a filing and how many may move at all. A product of simple processing needs material for each piece.

    ``material_per_mille``: base units of the material line for a thousand base units of the product, loss included.
    """

    __tablename__ = "business_filing_line"
    __table_args__ = (
        UniqueConstraint("business_filing_id", "line_no"),
        one_of("role", FILING_ROLES),
        CheckConstraint("ceiling_qty > 0 AND unit_value_minor >= 0", name="amounts_positive"),
        CheckConstraint("moved_qty BETWEEN 0 AND ceiling_qty", name="within_ceiling"),
        CheckConstraint("(role = 'product') = (material_line_id IS NOT NULL)", name="product_has_material"),
        CheckConstraint("(role = 'product') = (material_per_mille IS NOT NULL)", name="product_has_yield"),
    )
    id: Mapped[Id]
    business_filing_id: Mapped[int] = mapped_column(ForeignKey("business_filing.id"))
    line_no: Mapped[int]
    role: Mapped[str] = mapped_column(server_default="goods")
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    book_line_id: Mapped[int] = mapped_column(ForeignKey("book_line.id"))
    ceiling_qty: Mapped[Qty]
    moved_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    unit_value_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    material_line_id: Mapped[int | None] = mapped_column(ForeignKey("business_filing_line.id"))
    material_per_mille: Mapped[int | None] = mapped_column(BigInteger)


class MovementSlip(Tenanted, Base):
    """Goods of a filing that move once. ``collect_by_on``: until when a list has to declare what left (集报)."""

    __tablename__ = "movement_slip"
    __table_args__ = (
        UniqueConstraint("tenant_id", "internal_no"),
        UniqueConstraint("tenant_id", "slip_no"),
        one_of("direction", DIRECTIONS),
        one_of("state", SLIP_STATES),
        CheckConstraint("state NOT IN ('approved', 'passed', 'collected') OR slip_no IS NOT NULL", name="numbered"),
        Index(None, "business_filing_id"),
    )
    id: Mapped[Id]
    internal_no: Mapped[str]
    slip_no: Mapped[str | None]  # sas_stock_no
    business_filing_id: Mapped[int] = mapped_column(ForeignKey("business_filing.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    direction: Mapped[str]  # stock_typecd
    state: Mapped[str] = mapped_column(server_default="applied")
    approved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    passed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    collect_by_on: Mapped[date | None]
    collected_by_id: Mapped[int | None] = mapped_column(ForeignKey("verification_list.id"))
    recorded_at: Mapped[RecordedAt]


class MovementSlipLine(Tenanted, Base):
    """Goods on a slip. ``returns_line_id``: the line of an earlier slip whose goods come back on this one."""

    __tablename__ = "movement_slip_line"
    __table_args__ = (
        UniqueConstraint("movement_slip_id", "line_no"),
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint("0 <= passed_qty AND passed_qty <= on_passes_qty", name="passed_within_passes"),
        CheckConstraint("on_passes_qty <= qty", name="passes_within_qty"),
        CheckConstraint("returned_qty BETWEEN 0 AND qty", name="returned_within_qty"),
        Index(None, "returns_line_id"),
    )
    id: Mapped[Id]
    movement_slip_id: Mapped[int] = mapped_column(ForeignKey("movement_slip.id"))
    line_no: Mapped[int]
    filing_line_id: Mapped[int] = mapped_column(ForeignKey("business_filing_line.id"))
    qty: Mapped[Qty]
    on_passes_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    passed_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    returned_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    returns_line_id: Mapped[int | None] = mapped_column(ForeignKey("movement_slip_line.id"))
    promise_id: Mapped[int | None] = mapped_column(ForeignKey("reservation.id"))
