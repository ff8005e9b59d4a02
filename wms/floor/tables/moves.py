"""What a move leaves behind beside its posting: units that were carried off the unit they stood on."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, RecordedAt, Tenanted


class UnitParted(Tenanted, Base):
    """A carton was moved away from the pallet it stood on; undoing the move puts it back on."""

    __tablename__ = "unit_parted"
    __table_args__ = (Index(None, "posting_id"),)
    id: Mapped[Id]
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    handling_unit_id: Mapped[int] = mapped_column(ForeignKey("handling_unit.id"))
    parent_id: Mapped[int] = mapped_column(ForeignKey("handling_unit.id"))
    recorded_at: Mapped[RecordedAt]
