"""Control orders, parameters of lanes and weight tolerances, as they stand on record."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session, aliased

from wms.gate.rules.lane import LaneParameters
from wms.gate.rules.refusals import UnknownLane
from wms.gate.service.lane_rules import as_set_up, of_row
from wms.gate.tables import ControlOrderRow, Lane, LaneRule, WeightTolerance
from wms.parties.tables import Person


@dataclass(frozen=True)
class ControlRow:
    """A control order with the names that stand on it; ``withdrawn_at`` None: it stands."""

    id: int
    control: str
    target_kind: str
    target: str
    reason: str
    document_no: str | None
    ordered_by_zh: str | None
    ordered_by_en: str | None
    ordered_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by_zh: str | None
    withdrawn_by_en: str | None
    withdrawn_because: str | None


@dataclass(frozen=True)
class ToleranceRow:
    """A tolerance: the wider of ``share_bp`` (1/10,000) and ``absolute_g``; lane or class None: of all."""

    id: int
    lane_id: int | None
    lane_code: str | None
    goods_class: str | None
    share_bp: int
    absolute_g: int
    unweighed_may_pass: bool
    source: str
    valid_from_at: datetime
    valid_until_at: datetime | None


def control_orders(session: Session, *, after: int = 0, limit: int = 50) -> list[ControlRow]:
    """Control orders, the newest first; ``after`` continues below the order with that id."""
    return control_rows(session, ControlOrderRow.id < after if after else true(), limit)


def control_rows(session: Session, condition: ColumnElement[bool], limit: int | None = None) -> list[ControlRow]:
    """Control orders that fulfil a condition, the newest first."""
    gave, ended = aliased(Person), aliased(Person)
    row = ControlOrderRow
    wanted = (
        select(
            row.id, row.control, row.target_kind, row.target, row.reason, row.document_no, gave.name_zh, gave.name_en,
            row.ordered_at, row.withdrawn_at, ended.name_zh, ended.name_en, row.withdrawn_because,
        )
        .outerjoin(gave, gave.id == row.ordered_by)
        .outerjoin(ended, ended.id == row.withdrawn_by)
        .where(condition)
        .order_by(row.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [ControlRow(*cast("Any", found)) for found in session.execute(wanted)]


def lane_rules(session: Session, lane_id: int) -> list[LaneParameters]:
    """The parameters of a lane, the newest first, last those that it was set up with. Raises UnknownLane."""
    lane = session.get(Lane, lane_id)
    if lane is None:
        raise UnknownLane(lane=lane_id)
    rows = session.scalars(select(LaneRule).where(LaneRule.lane_id == lane_id).order_by(LaneRule.valid_from_at.desc()))
    return [*(of_row(row) for row in rows), as_set_up(lane)]


def tolerances(session: Session) -> list[ToleranceRow]:
    """Every weight tolerance, the newest first."""
    row = WeightTolerance
    found = session.execute(
        select(
            row.id, row.lane_id, Lane.code, row.goods_class, row.share_bp, row.absolute_g, row.unweighed_may_pass,
            row.source, row.valid_from_at, row.valid_until_at,
        )
        .outerjoin(Lane, Lane.id == row.lane_id)
        .order_by(row.valid_from_at.desc(), row.id.desc())
    )  # fmt: skip
    return [ToleranceRow(*cast("Any", one)) for one in found]
