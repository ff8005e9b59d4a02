"""Dated parameters of lanes: which hold at an instant, and how new ones are entered."""

from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import ScalarSelect, select
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


def newest_rule(at: datetime) -> ScalarSelect[int]:
    """For a statement about lanes: the id of the dated row that holds for each at an instant."""
    return (
        select(LaneRule.id)
        .where(LaneRule.lane_id == Lane.id, LaneRule.valid_from_at <= at)
        .order_by(LaneRule.valid_from_at.desc())
        .limit(1)
        .correlate(Lane)
        .scalar_subquery()
    )


def parameters_from(lane: Lane, row: LaneRule | None) -> LaneParameters:
    """The parameters of a lane by the dated row that holds, or as it was set up."""
    return of_row(row) if row is not None else as_set_up(lane)


def parameters_of(session: Session, lane: Lane, at: datetime) -> LaneParameters:
    """The parameters of one lane at an instant: the newest dated row, else how the lane was set up."""
    newest = select(LaneRule).join(Lane, Lane.id == LaneRule.lane_id).where(Lane.id == lane.id)
    return parameters_from(lane, session.scalar(newest.where(LaneRule.id == newest_rule(at))))


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
