"""What was done to handling units, step by step: the genealogy of goods that were split, merged and packed over."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

UNIT_EVENT_KINDS = (
    "made", "nested", "taken_out", "moved", "split", "merged", "repacked", "unpacked", "packed", "given",
)  # fmt: skip


class UnitEvent(Tenanted, Base):
    """One step in the life of units. A step of goods names what went over, from which unit to which (none: loose)."""

    __tablename__ = "unit_event"
    __table_args__ = (
        one_of("kind", UNIT_EVENT_KINDS),
        CheckConstraint("from_unit_id IS NOT NULL OR to_unit_id IS NOT NULL", name="names_a_unit"),
        CheckConstraint("qty > 0 AND (qty IS NULL) = (trade_item_id IS NULL)", name="goods_have_qty"),
        Index(None, "from_unit_id"),
        Index(None, "to_unit_id"),
        Index(None, "lot_id"),
    )
    id: Mapped[Id]
    kind: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    from_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    to_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    trade_item_id: Mapped[int | None] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    qty: Mapped[int | None] = mapped_column(BigInteger)
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))
    document: Mapped[str | None]
    reason: Mapped[str | None]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    event_at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]
