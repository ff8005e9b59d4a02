"""The cold chain: places with their sensors, what was read, where it was silent, breaches, and whom they hold."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Qty, RecordedAt, Tenanted
from wms.parties.tables import TEMPERATURE_CLASSES, one_of
from wms.watch.rules.temperatures import (
    BREACH_STATES,
    FINDING_KINDS,
    HOLD_STATES,
    READING_SOURCES,
    REVIEW_DECISIONS,
    SIDES,
)


class TemperaturePlace(Tenanted, Base):
    """A room, a zone of locations, a reefer or a pallet with a logger: where one temperature holds.

    ``dirty_from_at``: something that happened from then on is not evaluated yet.
    """

    __tablename__ = "temperature_place"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        one_of("temperature_class", TEMPERATURE_CLASSES),
        Index("ix_temperature_place_dirty", "id", postgresql_where=text("dirty_from_at IS NOT NULL")),
    )
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    temperature_class: Mapped[str]
    dirty_from_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    evaluated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class TemperatureMember(Tenanted, Base):
    """What belongs to a place from when until when: a location with all inside it, a zone of the site, or a pallet."""

    __tablename__ = "temperature_member"
    __table_args__ = (
        CheckConstraint("num_nonnulls(location_id, zone, handling_unit_id) = 1", name="one_member"),
        CheckConstraint("until_at > from_at", name="until_after_from"),
        Index(None, "place_id"),
        Index(None, "location_id"),
        Index(None, "handling_unit_id"),
    )
    id: Mapped[Id]
    place_id: Mapped[int] = mapped_column(ForeignKey("temperature_place.id"))
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    zone: Mapped[str | None]
    handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    from_at: Mapped[Instant]
    until_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class TemperatureSensor(Tenanted, Base):
    """A sensor that stood in a place from when until when. ``sensor`` is a device's code or a logger's number.

    ``probe`` tells probes of one device apart (empty: all of it); ``interval_s`` is how often it reads.
    """

    __tablename__ = "temperature_sensor"
    __table_args__ = (
        CheckConstraint("until_at > from_at", name="until_after_from"),
        CheckConstraint("interval_s > 0", name="interval_positive"),
        Index(None, "place_id"),
        Index(None, "tenant_id", "sensor"),
    )
    id: Mapped[Id]
    place_id: Mapped[int] = mapped_column(ForeignKey("temperature_place.id"))
    sensor: Mapped[str]
    probe: Mapped[str] = mapped_column(server_default="")
    interval_s: Mapped[int]
    from_at: Mapped[Instant]
    until_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class TemperatureReading(Tenanted, Base):
    """One temperature in thousandths of a degree Celsius. Evidence: appended, never edited, counted once.

    ``is_plausible`` False: no room is like that; it is kept and shown as a fault, and decides nothing.
    """

    __tablename__ = "temperature_reading"
    __table_args__ = (
        UniqueConstraint("tenant_id", "sensor", "probe", "event_at"),
        one_of("source", READING_SOURCES),
    )
    id: Mapped[Id]
    sensor: Mapped[str]
    probe: Mapped[str] = mapped_column(server_default="")
    event_at: Mapped[Instant]
    temperature_mdegc: Mapped[int]
    humidity_mpct: Mapped[int | None]
    battery_pct: Mapped[int | None]
    is_plausible: Mapped[bool]
    source: Mapped[str]
    recorded_at: Mapped[RecordedAt]


class TemperatureFinding(Tenanted, Base):
    """Where the history of a sensor is not to be trusted: silent, implausible, stuck, contradictory, battery low.

    What late readings fill is closed by them (``cause`` says so); all else is closed by a person.
    """

    __tablename__ = "temperature_finding"
    __table_args__ = (
        UniqueConstraint("tenant_id", "sensor", "probe", "kind", "start_at"),
        one_of("kind", FINDING_KINDS),
        CheckConstraint("(closed_at IS NULL) = (cause IS NULL)", name="closed_has_cause"),
        Index("ix_temperature_finding_open", "place_id", postgresql_where=text("closed_at IS NULL")),
    )
    id: Mapped[Id]
    place_id: Mapped[int] = mapped_column(ForeignKey("temperature_place.id"))
    sensor: Mapped[str]
    probe: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str]
    start_at: Mapped[Instant]
    end_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    detail: Mapped[str] = mapped_column(server_default="")
    recorded_at: Mapped[RecordedAt]
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    cause: Mapped[str | None]


class TemperatureBreach(Tenanted, Base):
    """A place was too warm or too cold for too long, for goods under one limit (``subject``).

    ``start_at``: the first reading beyond the limit; ``end_at``: the first one within it again, None while it runs.
    ``for_s``, ``limit_mdegc`` and ``limit_source`` are the dated limit as it was then. ``has_gap``: for a part of the
    time nothing was read, and it counts as beyond the limit because nobody can say otherwise.
    """

    __tablename__ = "temperature_breach"
    __table_args__ = (
        one_of("side", SIDES),
        one_of("state", BREACH_STATES),
        CheckConstraint("min_mdegc <= max_mdegc", name="min_below_max"),
        CheckConstraint("(state = 'reviewed') = (reviewed_at IS NOT NULL)", name="reviewed_has_time"),
        CheckConstraint("(reviewed_at IS NULL) = (review_reason IS NULL)", name="reviewed_has_reason"),
        Index(None, "place_id", "start_at"),
        Index("ix_temperature_breach_open", "id", postgresql_where=text("state <> 'reviewed'")),
    )
    id: Mapped[Id]
    place_id: Mapped[int] = mapped_column(ForeignKey("temperature_place.id"))
    subject: Mapped[str]
    side: Mapped[str]
    state: Mapped[str]
    start_at: Mapped[Instant]
    end_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    limit_mdegc: Mapped[int]
    for_s: Mapped[int]
    limit_source: Mapped[str]
    min_mdegc: Mapped[int]
    max_mdegc: Mapped[int]
    kinetic_mdegc: Mapped[int]
    n_readings: Mapped[int]
    has_gap: Mapped[bool]
    hold_no: Mapped[int] = mapped_column(server_default="0")
    evaluated_at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]
    reviewed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reviewed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    review_reason: Mapped[str | None]


class TemperatureHold(Tenanted, Base):
    """Goods that were there: held by a posting, found on hold already, or gone before anybody knew.

    ``account_id`` is where they lie since: the held account, or the virtual one (customer …) that they went to.
    ``is_mixed``: they stood together with goods that were not there and cannot be told apart.
    """

    __tablename__ = "temperature_hold"
    __table_args__ = (
        one_of("state", HOLD_STATES),
        one_of("decision", REVIEW_DECISIONS),
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint("(state = 'held') = (posting_id IS NOT NULL AND decision IS NULL)", name="held_by_posting"),
        Index(None, "breach_id"),
        Index(None, "owner_id"),
        Index(None, "lot_id"),
        Index(None, "handling_unit_id"),
    )
    id: Mapped[Id]
    breach_id: Mapped[int] = mapped_column(ForeignKey("temperature_breach.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    qty: Mapped[Qty]
    is_mixed: Mapped[bool]
    state: Mapped[str]
    posting_id: Mapped[int | None] = mapped_column(BigInteger)
    freed_docs: Mapped[str] = mapped_column(server_default="")
    decision: Mapped[str | None]
    decision_posting_id: Mapped[int | None] = mapped_column(BigInteger)
    recorded_at: Mapped[RecordedAt]
