"""What happened, appended: the leaf of each posting and decision, and the answer given under each key."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, RecordedAt, Tenanted


class Leaf(Tenanted, Base):
    """One appended fact: ``body`` is its canonical bytes, ``hash`` is SHA-256(0x00 ‖ body) (RFC 9162, section 2.1)."""

    __tablename__ = "leaf"
    __table_args__ = (
        CheckConstraint("hash = sha256('\\x00'::bytea || body)", name="hash_of_body"),
        Index("uq_leaf_posting", "tenant_id", "subject_id", unique=True, postgresql_where=text("kind = 'posting'")),
        Index(None, "tenant_id", "kind", "subject_id"),
        Index(None, "tenant_id", "id"),
    )
    id: Mapped[Id]
    kind: Mapped[str]
    subject_id: Mapped[int | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[RecordedAt]


class Idem(Tenanted, Base):
    """The first answer given under a client-made key; refusals are answers too (ledger reference, section 4)."""

    __tablename__ = "idem"
    __table_args__ = (
        CheckConstraint("length(key) BETWEEN 1 AND 255", name="key_length"),
        CheckConstraint("length(request_hash) = 32", name="hash_length"),
    )
    tenant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, server_default=text("app_tenant()"))
    key: Mapped[str] = mapped_column(primary_key=True)
    company_id: Mapped[int | None] = mapped_column(BigInteger, server_default=text("app_company()"))
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    recorded_at: Mapped[RecordedAt]
