"""Dated parameters of lanes: which hold at an instant, and how new ones are entered."""

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.gate.rules.lane import LaneParameters, LaneRulesExist, check_parameters
from wms.gate.rules.refusals import UnknownLane
from wms.gate.tables import Lane, LaneRule
from wms.record.service import append_leaf

DATED = tuple(one.name for one in fields(LaneParameters))
OF_THE_LANE = (
    "needs_container", "needs_weight", "needs_tag", "needs_customs_answer", "decide_within_ms", "gap_ms",
    "scale_division_g",
)  # fmt: skip


def parameters_at(session: Session, lanes: Iterable[Lane], at: datetime) -> dict[int, LaneParameters]:
    """The parameters of each lane at an instant, by its id: the newest dated row, else how the lane was set up."""
    by_id = {lane.id: lane for lane in lanes}
    rows = session.scalars(
        select(LaneRule)
        .where(LaneRule.lane_id.in_(by_id), LaneRule.valid_from_at <= at)
        .order_by(LaneRule.lane_id, LaneRule.valid_from_at)
    )  # the newest of each lane comes last and stays
    dated = {row.lane_id: of_row(row) for row in rows}
    return {lane_id: dated.get(lane_id) or as_set_up(lane) for lane_id, lane in by_id.items()}


def parameters_of(session: Session, lane: Lane, at: datetime) -> LaneParameters:
    """The parameters of one lane at an instant."""
    return parameters_at(session, [lane], at)[lane.id]


def as_set_up(lane: Lane) -> LaneParameters:
    """What holds before the first dated row."""
    return LaneParameters(**{name: getattr(lane, name) for name in OF_THE_LANE})


def of_row(row: LaneRule) -> LaneParameters:
    """A dated row as the rules see it."""
    given = {name: getattr(row, name) for name in DATED}
    return LaneParameters(**given | {"tag_antennas": tuple(row.tag_antennas)})


def set_parameters(
    session: Session, lane_id: int, new: LaneParameters, *, from_at: datetime, person_id: int | None = None
) -> LaneRule:
    """Enter parameters that hold from ``from_at`` on; earlier rows stay, so that a passage can be judged as it was.

    Raises UnknownLane, BadLaneRules, LaneRulesNeedSource, LaneRulesExist.
    """
    lane = session.get(Lane, lane_id)
    if lane is None:
        raise UnknownLane(lane=lane_id)
    check_parameters(new)
    same = select(LaneRule.id).where(LaneRule.lane_id == lane_id, LaneRule.valid_from_at == from_at)
    if session.scalar(same) is not None:
        raise LaneRulesExist(field="valid_from_at", lane=lane.code, at=from_at.isoformat())
    given = asdict(new) | {
        "valid_from_at": from_at,
        "tag_antennas": list(new.tag_antennas),
        "source": new.source.strip(),
    }
    row = LaneRule(lane_id=lane_id, entered_by=person_id, **given)
    session.add(row)
    session.flush()
    append_leaf(session, "lane_rule", {"lane": lane.code, "valid_from_at": from_at, "source": new.source}, row.id)
    return row
