"""Loads: which vehicle takes what, by whose scan, and the proof that it holds what its gate pass says."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.customs.tables
import wms.floor.tables.scans  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

LOAD_STATES = ("open", "closed", "departed", "void")
VERDICTS = ("agrees", "differs")


class VehicleLoad(Tenanted, Base):
    """A vehicle at a dock that takes goods away. A pass is bound to one load; a vehicle has one load at a time."""

    __tablename__ = "vehicle_load"
    __table_args__ = (
        UniqueConstraint("tenant_id", "load_no"),
        one_of("state", LOAD_STATES),
        CheckConstraint("state <> 'departed' OR departed_at IS NOT NULL", name="departed_has_time"),
        Index(
            "uq_vehicle_load_plate", "tenant_id", "vehicle_plate", unique=True,
            postgresql_where=text("state IN ('open', 'closed')"),
        ),
        Index(
            "uq_vehicle_load_pass", "gate_pass_id", unique=True,
            postgresql_where=text("gate_pass_id IS NOT NULL AND state <> 'void'"),
        ),
        Index(None, "tenant_id", "site_id", "state"),
    )  # fmt: skip
    id: Mapped[Id]
    load_no: Mapped[str | None]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    dock_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    vehicle_plate: Mapped[str]
    trailer_plate: Mapped[str | None]
    container_no: Mapped[str | None]
    seal_no: Mapped[str | None]
    carrier: Mapped[str | None]
    gate_pass_id: Mapped[int | None] = mapped_column(ForeignKey("gate_pass.id"))
    state: Mapped[str] = mapped_column(server_default="open")
    opened_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    opened_at: Mapped[RecordedAt]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    departed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))


class LoadStop(Tenanted, Base):
    """A planned stop of a load, in driving order; ``code`` is the region or route whose goods get off there."""

    __tablename__ = "load_stop"
    __table_args__ = (CheckConstraint("stop_no > 0", name="stop_no_positive"),)
    load_id: Mapped[int] = mapped_column(ForeignKey("vehicle_load.id"), primary_key=True)
    stop_no: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]


class LoadUnit(Tenanted, Base):
    """A pallet, parcel or loose quantity on a load. Nested units have rows of their own (``with_unit_id``).

    It stands on the vehicle until it is unloaded or has left; a unit stands on one vehicle only.
    """

    __tablename__ = "load_unit"
    __table_args__ = (
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint(
            "(handling_unit_id IS NULL) = (trade_item_id IS NOT NULL AND qty IS NOT NULL)", name="unit_or_goods"
        ),
        Index(None, "load_id"),
        Index(None, "scan_id"),
        Index(None, "handling_unit_id"),
        Index(
            "uq_load_unit_standing", "handling_unit_id", unique=True,
            postgresql_where=text("handling_unit_id IS NOT NULL AND unloaded_at IS NULL AND left_at IS NULL"),
        ),
    )  # fmt: skip
    id: Mapped[Id]
    load_id: Mapped[int] = mapped_column(ForeignKey("vehicle_load.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    with_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    from_parent_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    trade_item_id: Mapped[int | None] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    qty: Mapped[int | None] = mapped_column(BigInteger)
    stop_no: Mapped[int | None]
    is_in_the_way: Mapped[bool] = mapped_column(server_default=text("false"))
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("scan.id"))
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    loaded_at: Mapped[Instant]
    unloaded_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    unloaded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    left_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class LoadProof(Tenanted, Base):
    """What a load held beside what its pass says, line by line, at one moment; its leaf stands in the record."""

    __tablename__ = "load_proof"
    __table_args__ = (one_of("verdict", VERDICTS), Index(None, "load_id"))
    id: Mapped[Id]
    load_id: Mapped[int] = mapped_column(ForeignKey("vehicle_load.id"))
    gate_pass_id: Mapped[int] = mapped_column(ForeignKey("gate_pass.id"))
    verdict: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    leaf_id: Mapped[int] = mapped_column(ForeignKey("leaf.id"))
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
