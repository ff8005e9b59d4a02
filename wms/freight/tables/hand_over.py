"""What an accepted plan becomes: the goods of a consignment in our warehouses, its order on the floor, its papers.

``plan_id`` names the plan that the planner keeps in a table of its own.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.floor.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Qty, RecordedAt, Tenanted
from wms.freight.rules.papers import PAPER_STATES
from wms.parties.tables import one_of

WORK_STATES = ("elsewhere", "reserved", "short", "refused")


class ConsignmentGoods(Tenanted, Base):
    """What of a consignment lies in a warehouse of ours: ``qty`` base units of an item at a site."""

    __tablename__ = "consignment_goods"
    __table_args__ = (CheckConstraint("qty > 0", name="qty_positive"), Index(None, "trade_item_id"))
    consignment_id: Mapped[int] = mapped_column(ForeignKey("consignment.id"), primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    trade_item_id: Mapped[int] = mapped_column(ForeignKey("trade_item.id"))
    qty: Mapped[Qty]


class ConsignmentWork(Tenanted, Base):
    """The floor's work for a booked consignment: its order, when it is loaded into its box, or why there is none.

    ``stop_code`` is its order's route and its stop on the load; ``loading_no`` 1 is loaded first, at the far end.
    """

    __tablename__ = "consignment_work"
    __table_args__ = (
        one_of("state", WORK_STATES),
        CheckConstraint("state <> 'reserved' OR order_id IS NOT NULL", name="has_order"),
        Index(None, "consignment_id"),
    )
    plan_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    consignment_id: Mapped[int] = mapped_column(ForeignKey("consignment.id"), primary_key=True)
    box_no: Mapped[str]
    stop_code: Mapped[str]
    loading_no: Mapped[int]
    state: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("outbound_order.id"))
    code: Mapped[str | None]
    values: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    tried: Mapped[int] = mapped_column(server_default="1")
    recorded_at: Mapped[RecordedAt]


class ConsignmentPaper(Tenanted, Base):
    """A document that customs wants for a booked consignment: drafted, or still to be made and why it could not be."""

    __tablename__ = "consignment_paper"
    __table_args__ = (
        one_of("state", PAPER_STATES),
        CheckConstraint("state <> 'todo' OR reason IS NOT NULL", name="todo_has_reason"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_has_time"),
        Index(None, "consignment_id"),
    )
    plan_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    consignment_id: Mapped[int] = mapped_column(ForeignKey("consignment.id"), primary_key=True)
    document: Mapped[str] = mapped_column(primary_key=True)
    step_no: Mapped[int]
    state: Mapped[str]
    document_no: Mapped[str | None]
    reason: Mapped[str | None]
    values: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    recorded_at: Mapped[RecordedAt]
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    done_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
