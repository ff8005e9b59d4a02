"""The lanes as they are now, and passages in a list."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.customs.tables import GatePass
from wms.gate.tables import Decision, Lane, LaneState, Passage, Release
from wms.parties.tables import Site


@dataclass(frozen=True)
class PassageRow:
    """A passage in a list. Weights in grams; ``expected_g`` is what the gate pass says."""

    id: int
    seq_no: str
    lane_code: str
    lane_zh: str
    lane_en: str
    direction: str
    state: str
    hold_code: str | None
    plate: str | None
    plate_confidence_permille: int
    trailer_plate: str | None
    containers: tuple[str, ...]
    weight_g: int | None
    expected_g: int | None
    pass_no: str | None
    opened_at: datetime
    decided_at: datetime | None
    passed_at: datetime | None
    closed_at: datetime | None
    goods_refusal: str | None
    waits_for_second: bool
    released_by_officer: bool


@dataclass(frozen=True)
class LaneRow:
    """A lane, its barrier as its sensors say, and the passage that stands in it."""

    id: int
    code: str
    name_zh: str
    name_en: str
    site_zh: str
    site_en: str
    direction: str
    kind: str
    is_open: bool
    barrier: str
    barrier_at: datetime | None
    is_linked: bool
    passage: PassageRow | None


def _wanted() -> Any:
    waiting = (
        select(Release.id)
        .where(Release.passage_id == Passage.id, Release.state == "requested")
        .correlate(Passage)
        .exists()
    )
    by_officer = (
        select(Release.id)
        .where(Release.passage_id == Passage.id, Release.made_by == "officer", Release.granted_at.is_not(None))
        .correlate(Passage)
        .exists()
    )
    return (
        select(
            Passage.id, Passage.seq_no, Lane.code, Lane.name_zh, Lane.name_en, Passage.direction, Passage.state,
            Passage.hold_code, Passage.plate, Passage.plate_confidence_permille, Passage.trailer_plate,
            Passage.containers, Passage.weight_g, GatePass.total_weight_g, GatePass.pass_no, Passage.opened_at,
            Passage.decided_at, Passage.passed_at, Passage.closed_at, Passage.goods_refusal, waiting, by_officer,
        )
        .join(Lane, Lane.id == Passage.lane_id)
        .outerjoin(Decision, Decision.passage_id == Passage.id)
        .outerjoin(GatePass, GatePass.id == Decision.gate_pass_id)
    )  # fmt: skip


def _row(row: Any) -> PassageRow:
    columns: list[Any] = list(row)
    columns[11] = tuple(columns[11])
    return PassageRow(*columns)


def passages(
    session: Session, *, after: int = 0, limit: int = 20, state: str | None = None, plate: str | None = None
) -> list[PassageRow]:
    """Passages, the newest first; ``after`` continues below the passage with that id."""
    wanted = _wanted().order_by(Passage.id.desc()).limit(limit)
    if after:
        wanted = wanted.where(Passage.id < after)
    if state:
        wanted = wanted.where(Passage.state == state)
    if plate:
        wanted = wanted.where(Passage.plate == plate)
    return [_row(row) for row in session.execute(wanted)]


def passage_row(session: Session, passage_id: int) -> PassageRow | None:
    """One passage as in a list."""
    found = session.execute(_wanted().where(Passage.id == passage_id)).one_or_none()
    return None if found is None else _row(found)


def lanes_now(session: Session) -> list[LaneRow]:
    """Every lane in the order of its code, with what stands in it."""
    found = session.execute(
        select(Lane, LaneState, Site.name_zh, Site.name_en)
        .join(Site, Site.id == Lane.site_id)
        .outerjoin(LaneState, LaneState.lane_id == Lane.id)
        .order_by(Site.code, Lane.code)
    ).all()
    standing = [state.passage_id for _, state, _, _ in found if state and state.passage_id]
    now = {row[0]: _row(row) for row in session.execute(_wanted().where(Passage.id.in_(standing)))}
    return [
        LaneRow(
            lane.id, lane.code, lane.name_zh, lane.name_en, site_zh, site_en, lane.direction, lane.kind, lane.is_open,
            state.barrier if state else "unknown", state.barrier_at if state else None,
            state.is_linked if state else False, now.get(state.passage_id) if state and state.passage_id else None,
        )
        for lane, state, site_zh, site_en in found
    ]  # fmt: skip
