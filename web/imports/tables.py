"""Files that a job reads: how each is to be taken, how far it is, and what came of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

import wms.parties.tables  # noqa: F401 - foreign keys name its tables
from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

RUN_STATES = ("waiting", "running", "entered", "clean", "bad", "refused", "failed")


class ImportRun(Tenanted, Base):
    """A large file on its way in.

    ``clean``: a dry run found nothing; ``bad``: rows were, none was entered; ``refused``: the file as a whole. ``said``
    is what came of it, in codes and values, so that each reader gets it in his language.
    """

    __tablename__ = "import_run"
    __table_args__ = (
        one_of("state", RUN_STATES),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_shape"),
        CheckConstraint("size_bytes > 0 AND rows_read >= 0", name="amounts"),
        CheckConstraint("(state IN ('waiting', 'running')) = (ended_at IS NULL)", name="ended_has_time"),
        # The same file sent twice at once is one run.
        Index(
            "uq_import_run_under_way", "tenant_id", "kind", "sha256", "is_dry_run", unique=True,
            postgresql_where=text("state IN ('waiting', 'running')"),
        ),
    )  # fmt: skip
    id: Mapped[Id]
    kind: Mapped[str]
    file_name: Mapped[str]
    sha256: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    is_dry_run: Mapped[bool]
    keep_existing: Mapped[bool]
    encoding: Mapped[str | None]
    event_at: Mapped[Instant]
    state: Mapped[str] = mapped_column(server_default="waiting")
    rows_read: Mapped[int] = mapped_column(BigInteger, server_default="0")
    said: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[RecordedAt]
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ImportPart(Tenanted, Base):
    """A piece of a file that waits to be read; gone when its run has ended."""

    __tablename__ = "import_part"
    import_run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id", ondelete="CASCADE"), primary_key=True)
    part_no: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
