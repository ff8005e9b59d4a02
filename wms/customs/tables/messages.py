"""Messages to and from customs as bytes: kept always, also those that could not be read, with the reason."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, RecordedAt, Tenanted
from wms.parties.tables import one_of

MESSAGE_DIRECTIONS = ("in", "out")
OUT_STATES = ("queued", "sent")
SIGNATURES = ("valid", "invalid", "untrusted", "unsigned", "not_judged")
IN_STATES = ("taken", "repeated", "unreadable", "invalid", "refused", "waiting")  # waiting: for what it builds on
NUMBERED = ("list", "pass")


class CustomsMessage(Tenanted, Base):
    """One message. ``digest`` is SHA-256 of its bytes; ``receipt_status`` the last receipt code that moved a sent one.

    The bytes stand sealed in ``raw_sealed``; in ``raw`` where an older version kept them in clear and they are not
    sealed yet; nowhere when they were erased. ``signature``: what was found of an incoming message where customs'
    certificates are known.

    ``same_as_id``: this one came before, byte for byte, and changed nothing.
    """

    __tablename__ = "customs_message"
    __table_args__ = (
        one_of("direction", MESSAGE_DIRECTIONS),
        one_of("signature", SIGNATURES),
        CheckConstraint("num_nonnulls(raw, raw_sealed) <= 1", name="kept_once"),
        one_of("state", OUT_STATES + IN_STATES),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        CheckConstraint("(direction = 'out') = (state IN ('queued', 'sent'))", name="state_of_direction"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
        CheckConstraint("(direction = 'in') = (received_at IS NOT NULL)", name="received_has_time"),
        CheckConstraint(
            "state NOT IN ('unreadable', 'invalid', 'refused', 'waiting') OR reason IS NOT NULL", name="has_reason"
        ),
        Index(None, "tenant_id", "digest"),
        Index(None, "tenant_id", "kind", "number"),
        Index("ix_customs_message_queued", "tenant_id", "id", postgresql_where=text("state = 'queued'")),
        Index("ix_customs_message_clear", "tenant_id", "id", postgresql_where=text("raw IS NOT NULL")),
        Index("ix_customs_message_waiting", "tenant_id", "id", postgresql_where=text("state = 'waiting'")),
    )
    id: Mapped[Id]
    direction: Mapped[str]
    kind: Mapped[str]
    number: Mapped[str | None]
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    raw_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str]
    reason: Mapped[str | None]
    source: Mapped[str | None]
    receipt_status: Mapped[str | None]
    signature: Mapped[str | None]
    same_as_id: Mapped[int | None] = mapped_column(ForeignKey("customs_message.id"))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    received_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[RecordedAt]


class CustomsNumber(Tenanted, Base):
    """A pre-entry number that customs' client gave to a list or a pass; answers name the document by it."""

    __tablename__ = "customs_number"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        Index("ix_customs_number_subject", "subject", "subject_id"),
        one_of("subject", NUMBERED),
    )
    id: Mapped[Id]
    number: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[RecordedAt]
