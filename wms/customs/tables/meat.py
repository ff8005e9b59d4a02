"""Frozen and chilled meat from abroad (进境肉类): quarantine permits with their quota, and the papers of each batch."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

import wms.customs.tables.books
import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Qty, RecordedAt, Tenanted
from wms.parties.tables import one_of

PERMIT_STATES = ("valid", "void")
BATCH_STATES = ("announced", "inspected", "certified", "rejected", "void")


class ImportPermit(Tenanted, Base):
    """A permit of entry and quarantine (进境动植物检疫许可证): goods of one country, by weight, for some days."""

    __tablename__ = "import_permit"
    __table_args__ = (
        UniqueConstraint("tenant_id", "permit_no"),
        one_of("state", PERMIT_STATES),
        CheckConstraint("valid_until_on >= valid_from_on", name="ends_after_begin"),
        CheckConstraint("quota_g > 0 AND used_g BETWEEN 0 AND quota_g", name="within_quota"),
    )
    id: Mapped[Id]
    permit_no: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    country: Mapped[str]
    quota_g: Mapped[Qty]
    used_g: Mapped[int] = mapped_column(BigInteger, server_default="0")
    valid_from_on: Mapped[date]
    valid_until_on: Mapped[date]
    state: Mapped[str] = mapped_column(server_default="valid")
    recorded_at: Mapped[RecordedAt]


class MeatBatch(Tenanted, Base):
    """One lot of meat on one verification list with its papers; what it weighs is taken from its permit's quota.

    ``health_certificate_no`` is the official certificate of the country of origin; ``entry_certificate_no`` is what
    customs issues after its inspection (入境货物检验检疫证明): until then the goods stay on hold.
    """

    __tablename__ = "meat_batch"
    __table_args__ = (
        UniqueConstraint("tenant_id", "batch_no"),
        one_of("state", BATCH_STATES),
        CheckConstraint("weight_g > 0", name="weight_positive"),
        CheckConstraint("(state = 'certified') = (entry_certificate_no IS NOT NULL)", name="certified_by_number"),
        CheckConstraint("state NOT IN ('inspected', 'certified') OR inspected_at IS NOT NULL", name="inspected_first"),
        Index(
            "uq_meat_batch_living", "verification_list_id", "trade_item_id", "lot_no", unique=True,
            postgresql_where=text("state <> 'void'"), postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip
    id: Mapped[Id]
    batch_no: Mapped[str | None]
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    verification_list_id: Mapped[int] = mapped_column(ForeignKey("verification_list.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_no: Mapped[str | None]
    permit_id: Mapped[int] = mapped_column(ForeignKey("import_permit.id"))
    plant_no: Mapped[str]
    health_certificate_no: Mapped[str]
    health_certificate_on: Mapped[date]
    weight_g: Mapped[Qty]
    state: Mapped[str] = mapped_column(server_default="announced")
    inspected_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    inspected_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    inspection_note: Mapped[str | None]
    entry_certificate_no: Mapped[str | None]
    certified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]
