"""A stored plan with the problem that it answers and what the books say of its consignments. Row-level security decides
who finds it: the operator every plan, a firm its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.demand import Consignment
from routing.desk import UnknownPlan
from routing.plan import Plan, PlanBox, PlanLoad
from routing.problem import Problem
from routing.tables import StoredAssignment, StoredPlan
from wms.freight import queries


@dataclass(frozen=True)
class Whole:
    """A plan with everything that a report of it needs. ``ids``: consignment number → id in the books."""

    plan_id: int
    state: str
    plan: Plan
    problem: Problem
    ids: dict[str, int]
    books: dict[str, queries.ConsignmentRow]

    @property
    def goods(self) -> dict[str, Consignment]:
        """The consignments of the problem by number."""
        return {one.id: one for one in self.problem.consignments}

    @property
    def loads(self) -> dict[str, PlanLoad]:
        """How each box is loaded, by box."""
        return {one.box: one for one in self.plan.loads}

    def box(self, box_no: str) -> PlanBox | None:
        """A box by its number."""
        return next((one for one in self.plan.boxes if one.id == box_no), None)

    def inner_mm(self, box_no: str) -> tuple[int, int, int] | None:
        """Length, width and height of the inside of a box; None for loose bills."""
        box = self.box(box_no)
        sides = {one.code: one.inner_mm for one in self.problem.network.equipment}
        return sides.get(box.equipment) if box is not None else None

    def goods_names(self) -> dict[str, str]:
        """What the consignments are called, by number."""
        return {number: row.goods_name for number, row in self.books.items() if row.goods_name}


def whole(session: Session, plan_id: int) -> Whole:
    """The plan. Raises UnknownPlan where there is none, it is not the caller's, or it is not made yet."""
    row = session.get(StoredPlan, plan_id)
    if row is None or row.document is None or row.problem is None:
        raise UnknownPlan(plan_id=plan_id)
    versions: dict[str, Any] = row.versions or {}
    ids = {number: int(pair[0]) for number, pair in versions.items()}
    return Whole(
        plan_id, row.state, Plan.model_validate(row.document), Problem.model_validate(row.problem), ids,
        {one.consignment_no: one for one in queries.consignments_of(session, list(ids.values()))},
    )  # fmt: skip


@dataclass(frozen=True)
class OwnRow:
    """What a plan means for one consignment of the caller: money in fen."""

    consignment_no: str
    box_no: str
    equipment: str
    segment: str
    deliver_at: Any
    late_s: int
    share_minor: int
    total_minor: int
    alone_minor: int


def own_rows(session: Session, plan_id: int) -> list[OwnRow]:
    """The consignments of a plan that the caller owns or forwards, whoever made the plan."""
    columns = (getattr(StoredAssignment, name) for name in OwnRow.__dataclass_fields__)
    rows = session.execute(
        select(*columns).where(StoredAssignment.plan_id == plan_id).order_by(StoredAssignment.consignment_no)
    )
    return [OwnRow(*row) for row in rows]
