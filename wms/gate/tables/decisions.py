"""Decisions with their inputs, releases with their person, barrier commands, and the one use of a gate pass."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wms.db import Base, Id, Instant, RecordedAt, Tenanted
from wms.parties.tables import one_of

VERDICTS = ("lift", "hold")
RELEASE_STATES = ("requested", "granted", "used", "lapsed", "refused")
COMMAND_STATES = ("queued", "sent", "accepted", "opened", "passed", "closed", "expired", "refused", "fault")
COMMAND_ACTIONS = ("open", "close", "lock")


class Decision(Tenanted, Base):
    """What the rules said, once for each passage, with everything they looked at. Never edited."""

    __tablename__ = "decision"
    __table_args__ = (
        UniqueConstraint("passage_id"),
        UniqueConstraint("tenant_id", "seq_no"),
        one_of("verdict", VERDICTS),
        CheckConstraint("(verdict = 'lift') = (hold_code IS NULL)", name="hold_has_code"),
        CheckConstraint("length(inputs_hash) = 32", name="hash_length"),
    )
    id: Mapped[Id]
    passage_id: Mapped[int] = mapped_column(ForeignKey("passage.id"))
    seq_no: Mapped[str]
    verdict: Mapped[str]
    hold_code: Mapped[str | None]
    rule_version: Mapped[str]
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB)
    inputs_hash: Mapped[bytes] = mapped_column(LargeBinary)
    checks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    gate_pass_id: Mapped[int | None] = mapped_column(ForeignKey("gate_pass.id"))
    decided_at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]


class Release(Tenanted, Base):
    """The right to open once: given by the rules, or by a named customs officer with a reason.

    Of one pass and gate stage only one release lives (a partial unique index), so two lanes can never both open.
    """

    __tablename__ = "release"
    __table_args__ = (
        one_of("state", RELEASE_STATES),
        one_of("made_by", ("rules", "officer")),
        CheckConstraint("(made_by = 'officer') = (requested_by IS NOT NULL)", name="officer_has_name"),
        CheckConstraint("made_by = 'rules' OR length(btrim(reason)) >= 4", name="officer_has_reason"),
        CheckConstraint(
            "NOT needs_second OR state NOT IN ('granted', 'used')"
            " OR (approved_by IS NOT NULL AND approved_by IS DISTINCT FROM requested_by)",
            name="second_person",
        ),
        CheckConstraint("approved_by IS NULL OR approved_by <> requested_by", name="approver_not_requester"),
        CheckConstraint("(gate_pass_id IS NULL) = (vehicle_plate IS NULL)", name="pass_has_vehicle"),
        Index(
            "uq_release_of_passage",
            "passage_id",
            unique=True,
            postgresql_where=text("state IN ('requested', 'granted', 'used')"),
        ),
        Index(
            "uq_release_of_pass",
            "gate_pass_id",
            "vehicle_plate",
            "stage",
            unique=True,
            postgresql_where=text("state IN ('granted', 'used') AND gate_pass_id IS NOT NULL"),
        ),
    )
    id: Mapped[Id]
    passage_id: Mapped[int] = mapped_column(ForeignKey("passage.id"))
    made_by: Mapped[str]
    state: Mapped[str]
    gate_pass_id: Mapped[int | None] = mapped_column(ForeignKey("gate_pass.id"))
    vehicle_plate: Mapped[str | None]
    stage: Mapped[int] = mapped_column(server_default="0")
    hold_code: Mapped[str | None]
    needs_second: Mapped[bool] = mapped_column(server_default=text("false"))
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason_code: Mapped[str | None]
    reason: Mapped[str | None]
    requested_at: Mapped[Instant]
    granted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lapsed_because: Mapped[str | None]
    recorded_at: Mapped[RecordedAt]


class BarrierCommand(Tenanted, Base):
    """A command to a barrier: an outbox row that lives five seconds. One release opens once, whatever restarts."""

    __tablename__ = "barrier_command"
    __table_args__ = (
        UniqueConstraint("cmd_id"),
        UniqueConstraint("nonce"),
        one_of("state", COMMAND_STATES),
        one_of("action", COMMAND_ACTIONS),
        CheckConstraint("(action = 'open') <= (release_id IS NOT NULL)", name="open_has_release"),
        CheckConstraint(
            "expires_at > issued_at AND expires_at <= issued_at + interval '5 seconds'", name="five_seconds"
        ),
        Index("uq_barrier_command_release", "release_id", unique=True, postgresql_where=text("action = 'open'")),
        Index(None, "lane_id", "issued_at"),
        Index("ix_barrier_command_down", "lane_id", "id", postgresql_where=text("action <> 'open'")),
        Index(
            "ix_barrier_command_live",
            "id",
            postgresql_where=text("state IN ('queued','sent','accepted','opened','passed')"),
        ),
    )
    id: Mapped[Id]
    cmd_id: Mapped[UUID] = mapped_column(Uuid)
    release_id: Mapped[int | None] = mapped_column(ForeignKey("release.id"))
    lane_id: Mapped[int] = mapped_column(ForeignKey("lane.id"))
    device: Mapped[str]
    action: Mapped[str]
    nonce: Mapped[str]
    decided_by: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="queued")
    issued_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    accepted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    opened_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    passed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    fault: Mapped[str | None]
    recorded_at: Mapped[RecordedAt]


class GatePassUse(Tenanted, Base):
    """The one use of a pass by a vehicle at a gate stage, and the posting by which its goods left the ledger."""

    __tablename__ = "gate_pass_use"
    __table_args__ = (
        UniqueConstraint("gate_pass_id", "vehicle_plate", "stage"),
        UniqueConstraint("tenant_id", "posting_id"),
        UniqueConstraint("passage_id"),
        ForeignKeyConstraint(["tenant_id", "posting_id"], ["posting.tenant_id", "posting.id"]),
        ForeignKeyConstraint(["tenant_id", "gate_pass_id"], ["gate_pass.tenant_id", "gate_pass.id"]),
    )
    id: Mapped[Id]
    gate_pass_id: Mapped[int] = mapped_column(BigInteger)
    passage_id: Mapped[int] = mapped_column(ForeignKey("passage.id"))
    vehicle_plate: Mapped[str]
    stage: Mapped[int]
    posting_id: Mapped[int | None] = mapped_column(BigInteger)
    passed_at: Mapped[Instant]
    recorded_at: Mapped[RecordedAt]
