"""The one queue of work on the floor: whatever a person must do stands here, with who took it and when."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, RecordedAt, Tenanted
from wms.parties.tables import one_of

TASK_KINDS = (
    "put_away", "pick", "pack", "sort", "load", "unload", "replenish", "move", "count", "inspect", "return", "process",
    "destroy",
)  # fmt: skip
TASK_STATES = ("open", "taken", "done", "void")


class Task(Tenanted, Base):
    """A piece of work: its kind and the document (``subject``) it belongs to, where it starts, how urgent it is.

    ``priority`` runs from 0 (now) to 9; ``qty`` is in base units where the work has one.
    """

    __tablename__ = "task"
    __table_args__ = (
        one_of("kind", TASK_KINDS),
        one_of("state", TASK_STATES),
        CheckConstraint("priority BETWEEN 0 AND 9", name="priority_range"),
        CheckConstraint("qty > 0", name="qty_positive"),
        CheckConstraint("state <> 'taken' OR (taken_at IS NOT NULL AND person_id IS NOT NULL)", name="taken_by_whom"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_has_time"),
        Index(
            "uq_task_standing", "tenant_id", "kind", "subject_id", unique=True,
            postgresql_where=text("state IN ('open', 'taken')"),
        ),
        Index(
            "ix_task_open", "tenant_id", "site_id", "priority", "due_at", "id", postgresql_where=text("state = 'open'")
        ),
        Index("ix_task_taken", "tenant_id", "person_id", postgresql_where=text("state = 'taken'")),
    )  # fmt: skip
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str]
    subject_id: Mapped[int] = mapped_column(BigInteger)
    subject_no: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="open")
    priority: Mapped[int] = mapped_column(server_default="5")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    to_location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    qty: Mapped[int | None] = mapped_column(BigInteger)
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    offered_at: Mapped[RecordedAt]
    taken_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
