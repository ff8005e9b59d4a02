"""Goods that reach their buyer: sold from a display (保税展示交易), or a parcel collected in person (线下自提)."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

import wms.customs.tables.filings
import wms.customs.tables.parcels  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Qty, RecordedAt, Tenanted


class DisplaySale(Tenanted, Base):
    """Goods of a display slip that were sold after the list that declares them was released."""

    __tablename__ = "display_sale"
    __table_args__ = (CheckConstraint("qty > 0", name="qty_positive"), Index(None, "movement_slip_line_id"))
    id: Mapped[Id]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    movement_slip_line_id: Mapped[int] = mapped_column(ForeignKey("movement_slip_line.id"))
    qty: Mapped[Qty]
    document: Mapped[str]
    sold_at: Mapped[Instant]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]


class PickUp(Tenanted, Base):
    """A retail parcel that its buyer collected at a site, once."""

    __tablename__ = "pick_up"
    __table_args__ = (UniqueConstraint("declaration_id"),)
    id: Mapped[Id]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    declaration_id: Mapped[int] = mapped_column(ForeignKey("parcel_declaration.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    picked_up_at: Mapped[Instant]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
