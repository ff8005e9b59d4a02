"""Pick lists: the places to go to, in walking order, and every taking of goods with the posting that says so."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, Qty, RecordedAt, Tenanted
from wms.floor.tables.orders import METHODS
from wms.parties.tables import one_of

PICK_LIST_STATES = ("open", "picking", "done", "void")
PICK_LINE_STATES = ("open", "picked", "short", "void")
SUBSTITUTION_STATES = ("asked", "approved", "refused")


class PickList(Tenanted, Base):
    """One picker's round. Lengths are millimetres walked: as planned, in the order of the list, aisle by aisle."""

    __tablename__ = "pick_list"
    __table_args__ = (
        UniqueConstraint("tenant_id", "list_no"),
        one_of("state", PICK_LIST_STATES),
        one_of("method", METHODS),
        Index(None, "wave_id"),
        Index(None, "tenant_id", "site_id", "state"),
    )
    id: Mapped[Id]
    list_no: Mapped[str | None]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    wave_id: Mapped[int | None] = mapped_column(ForeignKey("wave.id"))
    method: Mapped[str]
    zone: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="open")
    to_location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    priority: Mapped[int] = mapped_column(server_default="5")
    route_mm: Mapped[int | None] = mapped_column(BigInteger)
    item_order_mm: Mapped[int | None] = mapped_column(BigInteger)
    s_shape_mm: Mapped[int | None] = mapped_column(BigInteger)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PickTote(Tenanted, Base):
    """A tote, carton or pallet on the picker's cart: what it is for (one order, or all of the list) and its slot."""

    __tablename__ = "pick_tote"
    __table_args__ = (
        UniqueConstraint("pick_list_id", "slot"),
        Index("ix_pick_tote_handling_unit_id", "handling_unit_id"),
        CheckConstraint("slot > 0", name="slot_positive"),
    )
    id: Mapped[Id]
    pick_list_id: Mapped[int] = mapped_column(ForeignKey("pick_list.id"))
    slot: Mapped[int]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("outbound_order.id"))
    handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))


class PickLine(Tenanted, Base):
    """Go to a place, take goods of one account for one order line. Picked goods lie in ``handling_unit_id``.

    ``qty`` is what was asked; picked and short parts add up to it at the end. A line whose goods went into two totes
    was split: one line, one tote.
    """

    __tablename__ = "pick_line"
    __table_args__ = (
        one_of("state", PICK_LINE_STATES),
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint(
            "picked_qty >= 0 AND short_qty >= 0 AND picked_qty + short_qty <= qty", name="parts_within_qty"
        ),
        CheckConstraint("state <> 'picked' OR picked_qty + short_qty = qty", name="picked_is_whole"),
        Index(None, "pick_list_id", "seq", "id"),
        Index(None, "order_line_id"),
        Index(None, "allocation_id"),
        Index(None, "handling_unit_id"),
    )
    id: Mapped[Id]
    pick_list_id: Mapped[int] = mapped_column(ForeignKey("pick_list.id"))
    allocation_id: Mapped[int] = mapped_column(ForeignKey("allocation.id"))
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"))
    seq: Mapped[int]
    slot: Mapped[int] = mapped_column(server_default="1")
    owner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    from_handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    is_whole_unit: Mapped[bool] = mapped_column(server_default=text("false"))
    qty: Mapped[Qty]
    picked_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    short_qty: Mapped[int] = mapped_column(BigInteger, server_default="0")
    weight_g: Mapped[int | None] = mapped_column(BigInteger)
    handling_unit_id: Mapped[int | None] = mapped_column(ForeignKey("handling_unit.id"))
    state: Mapped[str] = mapped_column(server_default="open")


class Pick(Tenanted, Base):
    """Goods taken by one scan or one line of a list, and the posting that says so. Undone ones stay, marked as such."""

    __tablename__ = "pick"
    __table_args__ = (
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint("weight_g > 0", name="weight_positive"),
        Index(None, "pick_line_id"),
        Index(None, "scan_id"),
    )
    id: Mapped[Id]
    pick_line_id: Mapped[int] = mapped_column(ForeignKey("pick_line.id"))
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("scan.id"))
    handling_unit_id: Mapped[int] = mapped_column(ForeignKey("handling_unit.id"))
    qty: Mapped[Qty]
    weight_g: Mapped[int | None] = mapped_column(BigInteger)
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    device: Mapped[str | None]
    picked_at: Mapped[Instant]
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Substitution(Tenanted, Base):
    """Other goods instead of those a line asked for: who asked, who approved, and the line that stands for it."""

    __tablename__ = "substitution"
    __table_args__ = (
        one_of("state", SUBSTITUTION_STATES),
        CheckConstraint("qty > 0 AND substitute_qty > 0", name="qty_positive"),
        CheckConstraint("decided_by IS NULL OR is_preapproved OR decided_by <> asked_by", name="two_people"),
        CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name="decided_has_time"),
        Index(None, "order_line_id"),
        Index("ix_substitution_asked", "tenant_id", "id", postgresql_where=text("state = 'asked'")),
    )
    id: Mapped[Id]
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"))
    substitute_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    qty: Mapped[Qty]
    substitute_qty: Mapped[Qty]
    new_order_line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"))
    pick_list_id: Mapped[int | None] = mapped_column(ForeignKey("pick_list.id"))
    is_preapproved: Mapped[bool] = mapped_column(server_default=text("false"))
    state: Mapped[str] = mapped_column(server_default="asked")
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[RecordedAt]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
