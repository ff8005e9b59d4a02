"""What is asked and settled about an account book: changes of lists, differences, periodic write-off (核销)."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.customs.tables.books
import wms.stock.tables  # noqa: F401 - foreign keys name its tables
from wms.customs.tables.kinds import CHANGE_KINDS, CHANGE_STATES, DIFFERENCE_STATES, WRITE_OFF_STATES
from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of


class VerificationChange(Tenanted, Base):
    """A change (dclTypecd 2) or deletion (3) of a declared list that was asked of customs; at most one at a time."""

    __tablename__ = "verification_change"
    __table_args__ = (
        one_of("kind", CHANGE_KINDS),
        one_of("state", CHANGE_STATES),
        CheckConstraint("(state = 'requested') = (decided_at IS NULL)", name="decided_has_time"),
        Index(
            "uq_verification_change_requested", "verification_list_id", unique=True,
            postgresql_where=text("state = 'requested'"),
        ),
    )  # fmt: skip
    id: Mapped[Id]
    verification_list_id: Mapped[int] = mapped_column(ForeignKey("verification_list.id"))
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="requested")
    wanted: Mapped[dict[str, Any]] = mapped_column(JSONB)  # line number -> declared_qty, declared_base_qty
    reason: Mapped[str]
    change_count: Mapped[int]  # chgTmsCnt once approved
    requested_at: Mapped[Instant]
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class BookDifference(Tenanted, Base):
    """Book and goods of one line that differ: since when, who answers for it, until when, and what explained it.

    ``qty`` is what is missing on the shelf, in base units (below zero: too many).
    """

    __tablename__ = "book_difference"
    __table_args__ = (
        one_of("state", DIFFERENCE_STATES),
        CheckConstraint("qty <> 0", name="differs"),
        CheckConstraint("state <> 'explained' OR document IS NOT NULL", name="explained_by_document"),
        Index("uq_book_difference_open", "book_line_id", unique=True, postgresql_where=text("state <> 'closed'")),
    )
    id: Mapped[Id]
    book_line_id: Mapped[int] = mapped_column(ForeignKey("book_line.id"))
    qty: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(server_default="open")
    role: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    due_on: Mapped[date]
    reason: Mapped[str | None]
    document: Mapped[str | None]
    found_at: Mapped[Instant]
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class WriteOff(Tenanted, Base):
    """The periodic settlement of one account book with customs: what it reports, and the lists that it closes."""

    __tablename__ = "write_off"
    __table_args__ = (
        UniqueConstraint("tenant_id", "write_off_no"),
        one_of("state", WRITE_OFF_STATES),
        CheckConstraint("until_on >= from_on", name="ends_after_begin"),
        Index(
            "uq_write_off_open", "account_book_id", unique=True,
            postgresql_where=text("state IN ('drawn_up', 'declared')"),
        ),
    )  # fmt: skip
    id: Mapped[Id]
    write_off_no: Mapped[str]
    account_book_id: Mapped[int] = mapped_column(ForeignKey("account_book.id"))
    from_on: Mapped[date]
    until_on: Mapped[date]
    state: Mapped[str] = mapped_column(server_default="drawn_up")
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    report_hash: Mapped[bytes] = mapped_column(LargeBinary)
    drawn_up_at: Mapped[Instant]
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]
