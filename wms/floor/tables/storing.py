"""Put-away strategies as data: for which goods, where to look for a place, in which order."""

from datetime import date

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, RecordedAt, Tenanted
from wms.floor.rules.putaway import STRATEGIES
from wms.parties.tables import TEMPERATURE_CLASSES, VELOCITY_CLASSES, one_of
from wms.stock.tables import CUSTOMS_STATUSES


class PutAwayRule(Tenanted, Base):
    """One strategy, tried before those of higher ``priority``, for the goods that its filled columns describe.

    It holds from ``valid_from_on`` to ``valid_until_on`` (both inclusive, empty: without end).
    """

    __tablename__ = "put_away_rule"
    __table_args__ = (
        one_of("strategy", STRATEGIES),
        one_of("temperature_class", TEMPERATURE_CLASSES),
        one_of("velocity_class", VELOCITY_CLASSES),
        one_of("customs_status", CUSTOMS_STATUSES),
        CheckConstraint("(strategy = 'fixed') = (location_id IS NOT NULL)", name="fixed_names_place"),
        CheckConstraint("(strategy = 'zone') = (zone IS NOT NULL)", name="zone_names_zone"),
        CheckConstraint("valid_until_on >= valid_from_on", name="period_forward"),
        Index(None, "tenant_id", "priority"),
    )
    id: Mapped[Id]
    priority: Mapped[int]
    strategy: Mapped[str]
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    trade_item_id: Mapped[int | None] = mapped_column(ForeignKey("trade_item.id"))
    temperature_class: Mapped[str | None]
    customs_status: Mapped[str | None]
    velocity_class: Mapped[str | None]
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    zone: Mapped[str | None]
    valid_from_on: Mapped[date]
    valid_until_on: Mapped[date | None] = mapped_column(Date)
    recorded_at: Mapped[RecordedAt]
