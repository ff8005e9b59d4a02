"""How a person or a machine proves who it is. Who it is stands in wms/parties."""

from datetime import UTC, datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import PERSON_ROLES, one_of


class Credential(Tenanted, Base):
    """A person's login name and argon2id hash. A person without one cannot log in."""

    __tablename__ = "credential"
    __table_args__ = (
        UniqueConstraint("tenant_id", "login_name"),
        UniqueConstraint("person_id"),
        CheckConstraint("login_name = lower(login_name)", name="login_name_lower"),
    )
    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    login_name: Mapped[str]
    password_hash: Mapped[str]
    password_set_at: Mapped[Instant] = mapped_column(DateTime(timezone=True), server_default=func.now())


class LoginSession(Tenanted, Base):
    """One login on one browser. The cookie holds a random key, this row its SHA-256: ending the row ends the login."""

    __tablename__ = "login_session"
    __table_args__ = (
        UniqueConstraint("key_hash"),
        CheckConstraint("length(key_hash) = 32", name="hash_length"),
        Index(None, "credential_id"),
    )
    id: Mapped[Id]
    credential_id: Mapped[int] = mapped_column(ForeignKey("credential.id"))
    key_hash: Mapped[bytes] = mapped_column(LargeBinary)
    started_at: Mapped[RecordedAt]
    seen_at: Mapped[Instant] = mapped_column(DateTime(timezone=True), server_default=func.now())
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    address: Mapped[str | None] = mapped_column(INET)
    browser: Mapped[str | None]


class ApiToken(Tenanted, Base):
    """A token of a machine or a script: one role, perhaps one company, an end. Only its SHA-256 is kept."""

    __tablename__ = "api_token"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        one_of("role", PERSON_ROLES),
        CheckConstraint("length(token_hash) = 32", name="hash_length"),
        CheckConstraint("expires_at > created_at", name="expires_after_creation"),
    )
    id: Mapped[Id]
    label: Mapped[str]
    prefix: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    role: Mapped[str]
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[RecordedAt]
    expires_at: Mapped[Instant]
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def is_over(self) -> bool:
        """Whether its time has passed."""
        return self.expires_at <= datetime.now(UTC)


class Attempts(Tenanted, Base):
    """How often something happened in a window of time, counted by all processes together."""

    __tablename__ = "attempts"
    __table_args__ = (CheckConstraint("n > 0", name="n_positive"),)
    tenant_id: Mapped[int] = mapped_column(
        ForeignKey("tenant.id"), primary_key=True, server_default=text("app_tenant()")
    )
    bucket: Mapped[str] = mapped_column(primary_key=True)
    window_at: Mapped[Instant] = mapped_column(DateTime(timezone=True), primary_key=True)
    n: Mapped[int]
