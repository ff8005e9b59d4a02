"""Reads of stored plans for pages and API. Row-level security decides which plans a caller finds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from routing.plan import Plan
from routing.tables import StoredPlan


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
