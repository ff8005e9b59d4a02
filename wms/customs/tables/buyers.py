"""Buyers of retail imports and what they have used of their year. Personal fields are sealed (wms.parties.private)."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, RecordedAt, Tenanted


class Buyer(Tenanted, Base):
    """A person who buys; found by the blind index of the identity number. Erased: nothing personal is left."""

    __tablename__ = "buyer"
    __table_args__ = (
        Index("uq_buyer_id_index", "tenant_id", "id_index", unique=True),
        Index(None, "tenant_id", "last_used_on"),
        CheckConstraint("(erased_at IS NULL) = (id_sealed IS NOT NULL)", name="sealed_until_erased"),
    )
    id: Mapped[Id]
    id_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    name_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    last_used_on: Mapped[date]
    erased_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class BuyerYear(Tenanted, Base):
    """What a buyer has used of a year, in fen; totals stay when the person is erased."""

    __tablename__ = "buyer_year"
    __table_args__ = (CheckConstraint("used_minor >= 0", name="used_not_negative"),)
    buyer_id: Mapped[int] = mapped_column(ForeignKey("buyer.id"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    used_minor: Mapped[int] = mapped_column(BigInteger)
