"""Reads of stored plans for pages and API. Row-level security decides which plans a caller finds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from routing.plan import Plan
from routing.tables import StoredPart, StoredPlan, StoredProgress
from routing.units import ceil_div


@dataclass(frozen=True)
class PlanRow:
    """A plan without its document; money in fen, gap in parts per million."""

    id: int
    state: str
    stage: str
    progress_permille: int
    requested_at: datetime
    finished_at: datetime | None
    accepted_at: datetime | None
    seconds_limit: int
    weeks: int
    seed: int
    snapshot_sha256: str | None
    cost_minor: int | None
    objective_minor: int | None
    bound_minor: int | None
    gap_ppm: int | None
    saving_minor: int | None
    saving_permille: int | None
    solver: str | None
    elapsed_ms: int | None
    fault: str | None
    replaces_id: int | None
    curve_id: int | None
    weighting: dict[str, Any] | None
    emergency: dict[str, Any] | None
    effort: int | None
    stop_asked_at: datetime | None


@dataclass(frozen=True)
class Step:
    """What was known of a plan at a moment of its making."""

    step_no: int
    told_at: datetime
    stage: str
    permille: int
    cost_minor: int | None
    bound_minor: int | None

    @property
    def gap_ppm(self) -> int | None:
        """How far the best plan may be from the best possible, as in a finished plan."""
        if self.cost_minor is None or self.bound_minor is None or not self.cost_minor:
            return None
        return ceil_div(max(0, self.cost_minor - self.bound_minor) * 1_000_000, self.cost_minor)


@dataclass(frozen=True)
class Parts:
    """Parts of one kind of a plan's work: how many there are, how many are done, and by how many processes."""

    kind: str
    count: int
    done: int
    workers: int


NAMES = tuple(PlanRow.__dataclass_fields__)


def _heads() -> Select[Any]:
    return select(*(getattr(StoredPlan, name) for name in NAMES))


def plans(session: Session, *, before_id: int | None = None, limit: int = 20) -> list[PlanRow]:
    """The latest plans, newest first."""
    statement = _heads().order_by(StoredPlan.id.desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(StoredPlan.id < before_id)
    return [PlanRow(**dict(zip(NAMES, row, strict=True))) for row in session.execute(statement)]


def plan_row(session: Session, plan_id: int) -> PlanRow | None:
    """One plan without its document; None where there is none or it is not the caller's."""
    row = session.execute(_heads().where(StoredPlan.id == plan_id)).one_or_none()
    return PlanRow(**dict(zip(NAMES, row, strict=True))) if row is not None else None


def comparison(session: Session, plan_id: int) -> dict[str, Any] | None:
    """What a repair changes: breaks, before and after; None where the plan repairs none or is not made yet."""
    return session.scalar(select(StoredPlan.comparison).where(StoredPlan.id == plan_id))


def repairs_of(session: Session, plan_id: int) -> list[PlanRow]:
    """The plans that repair this one, the newest first."""
    statement = _heads().where(StoredPlan.replaces_id == plan_id).order_by(StoredPlan.id.desc())
    return [PlanRow(**dict(zip(NAMES, row, strict=True))) for row in session.execute(statement)]


def plans_of_curve(session: Session, curve_id: int) -> list[PlanRow]:
    """The plans of a trade-off curve, in the order of their weightings."""
    statement = _heads().where(StoredPlan.curve_id == curve_id).order_by(StoredPlan.id)
    return [PlanRow(**dict(zip(NAMES, row, strict=True))) for row in session.execute(statement)]


def plan_document(session: Session, plan_id: int) -> Plan | None:
    """The whole plan; None while there is none."""
    document = session.scalar(select(StoredPlan.document).where(StoredPlan.id == plan_id))
    return Plan.model_validate(document) if document is not None else None


def steps(session: Session, plan_id: int) -> list[Step]:
    """What was told of a plan while it is or was made, in order."""
    names = tuple(Step.__dataclass_fields__)
    statement = select(*(getattr(StoredProgress, name) for name in names)).where(StoredProgress.plan_id == plan_id)
    return [
        Step(**dict(zip(names, row, strict=True)))
        for row in session.execute(statement.order_by(StoredProgress.step_no))
    ]


def parts(session: Session, plan_id: int) -> list[Parts]:
    """How far the parts of a plan's work are, by kind, in the order in which they were put in."""
    process = func.regexp_replace(StoredPart.worker, ":[0-9]+$", "")
    statement = (
        select(
            StoredPart.kind, func.count(), func.count().filter(StoredPart.state == "done"),
            func.count(process.distinct()).filter(StoredPart.state != "waiting"),
        )
        .where(StoredPart.plan_id == plan_id)
        .group_by(StoredPart.kind)
        .order_by(func.min(StoredPart.part_no))
    )  # fmt: skip
    return [Parts(*row) for row in session.execute(statement)]
