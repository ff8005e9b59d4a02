"""Control orders of customs, questions to its platform about a passage, and pictures that an officer adds to one."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

CONTROLS = ("stop", "detain", "inspect")
TARGET_KINDS = ("plate", "container", "gate_pass", "document")
ANSWERS = ("lift", "hold")


class ControlOrderRow(Tenanted, Base):
    """An order of customs (布控) on a vehicle, a container, a gate pass or a document; only its end is written."""

    __tablename__ = "control_order"
    __table_args__ = (
        one_of("control", CONTROLS),
        one_of("target_kind", TARGET_KINDS),
        CheckConstraint("length(target) BETWEEN 1 AND 64", name="target_length"),
        CheckConstraint("length(btrim(reason)) >= 4", name="has_reason"),
        CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_because IS NULL)"
            " AND (withdrawn_by IS NULL OR withdrawn_at IS NOT NULL)",
            name="withdrawn_has_reason",
        ),
        CheckConstraint(
            "withdrawn_because IS NULL OR length(btrim(withdrawn_because)) >= 4", name="withdrawn_in_words"
        ),
        Index("ix_control_order_standing", "tenant_id", "target", postgresql_where=text("withdrawn_at IS NULL")),
    )
    id: Mapped[Id]
    control: Mapped[str]
    target_kind: Mapped[str]
    target: Mapped[str]
    reason: Mapped[str]
    document_no: Mapped[str | None]  # customs' own number of the order
    ordered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # None: by a message of customs
    ordered_at: Mapped[Instant]
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    withdrawn_because: Mapped[str | None]
    recorded_at: Mapped[RecordedAt]


class CustomsQuestion(Tenanted, Base):
    """What the customs platform was asked about a passage that our own checks would lift, and its answer.

    An answer after ``answer_by`` is kept as late and decides nothing; one in time lets go only what ``asked_about``
    says (plate, containers, weight, pass), as :func:`wms.gate.rules.asked_about` tells it.
    """

    __tablename__ = "customs_question"
    __table_args__ = (
        UniqueConstraint("passage_id"),
        one_of("answer", ANSWERS),
        one_of("late_answer", ANSWERS),
        CheckConstraint("answer_by > asked_at", name="time_to_answer"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answer_has_time"),
        CheckConstraint("answered_at IS NULL OR answered_at < answer_by", name="answered_in_time"),
    )
    id: Mapped[Id]
    passage_id: Mapped[int] = mapped_column(ForeignKey("passage.id"))
    asked_at: Mapped[Instant]
    asked_about: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    answer_by: Mapped[Instant]
    answer: Mapped[str | None]
    hint: Mapped[str | None]
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    late_answer: Mapped[str | None]
    late_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class PassagePhoto(Tenanted, Base):
    """A picture that an officer added to a passage, named by its content."""

    __tablename__ = "passage_photo"
    __table_args__ = (
        UniqueConstraint("passage_id", "sha256"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_shape"),
        one_of("media_type", ("image/jpeg", "image/png", "image/webp")),
    )
    id: Mapped[Id]
    passage_id: Mapped[int] = mapped_column(ForeignKey("passage.id"))
    sha256: Mapped[str]
    media_type: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
