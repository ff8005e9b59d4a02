"""Set a gate up: lanes, the vehicle register, dated tolerances, the blacklist."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes import plates
from wms.gate.rules.refusals import ToleranceExists, UnknownLane
from wms.gate.tables import Blacklist, Lane, LaneState, Vehicle, WeightTolerance
from wms.record.service import append_leaf

ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('dongting tolerance ' || app_tenant(), 0))")


@dataclass(frozen=True)
class NewLane:
    """A lane to be set up; its devices name ``code`` as their lane in the device register."""

    site_id: int
    code: str
    direction: str
    name_zh: str
    name_en: str
    barrier_device: str | None
    kind: str = "goods"
    stage: int = 0
    needs_container: bool = False
    needs_weight: bool = True
    needs_tag: bool = False
    decide_within_ms: int = 8_000
    scale_division_g: int = 20_000


def add_lane(session: Session, new: NewLane) -> Lane:
    """Set a lane up with its state row."""
    lane = Lane(
        site_id=new.site_id,
        code=new.code,
        direction=new.direction,
        name_zh=new.name_zh,
        name_en=new.name_en,
        barrier_device=new.barrier_device,
        kind=new.kind,
        stage=new.stage,
        needs_container=new.needs_container,
        needs_weight=new.needs_weight,
        needs_tag=new.needs_tag,
        decide_within_ms=new.decide_within_ms,
        scale_division_g=new.scale_division_g,
    )
    session.add(lane)
    session.flush()
    session.add(LaneState(lane_id=lane.id))
    session.flush()
    return lane


def register_vehicle(
    session: Session,
    plate: str,
    *,
    tare_g: int,
    kind: str = "goods",
    tag: str | None = None,
    company_id: int | None = None,
) -> int:
    """Put a vehicle on the register (or its new tare and tag); returns its id. ``tare_g`` in grams, 0 unknown."""
    values = {"tare_g": tare_g, "kind": kind, "tag": tag, "company_id": company_id}
    made: int = session.execute(
        insert(Vehicle)
        .values(plate=plates.normalise(plate), **values)
        .on_conflict_do_update(index_elements=["tenant_id", "plate"], set_=values)
        .returning(Vehicle.id)
    ).scalar_one()
    return made


def set_tolerance(
    session: Session,
    *,
    from_at: datetime,
    share_bp: int,
    absolute_g: int,
    lane_id: int | None = None,
    goods_class: str | None = None,
    unweighed_may_pass: bool = False,
    source: str = "",
    person_id: int | None = None,
) -> WeightTolerance:
    """Add a dated tolerance with its source, for a lane and a goods class or for all.

    It ends the one that holds at ``from_at``, and holds until the next that is planned for the same lane and class,
    which stays as it is. Raises UnknownLane, ToleranceExists.
    """
    lane = session.get(Lane, lane_id) if lane_id is not None else None
    if lane_id is not None and lane is None:
        raise UnknownLane(field="lane_id", lane=lane_id)
    session.execute(ONE_AT_A_TIME)
    same = (
        WeightTolerance.lane_id.is_not_distinct_from(lane_id),
        WeightTolerance.goods_class.is_not_distinct_from(goods_class),
    )
    starts = select(WeightTolerance.valid_from_at).where(*same, WeightTolerance.valid_from_at >= from_at)
    planned = session.scalar(starts.order_by(WeightTolerance.valid_from_at).limit(1))
    if planned == from_at:
        raise ToleranceExists(field="valid_from_at", at=from_at.isoformat())
    holds = or_(WeightTolerance.valid_until_at.is_(None), WeightTolerance.valid_until_at > from_at)
    wanted = select(WeightTolerance).where(*same, WeightTolerance.valid_from_at < from_at, holds)
    for before in session.scalars(wanted.execution_options(populate_existing=True)):
        before.valid_until_at = from_at
    row = WeightTolerance(
        lane_id=lane_id,
        goods_class=goods_class,
        share_bp=share_bp,
        absolute_g=absolute_g,
        unweighed_may_pass=unweighed_may_pass,
        source=source,
        entered_by=person_id,
        valid_from_at=from_at,
        valid_until_at=planned,
    )
    session.add(row)
    session.flush()
    told = {
        "lane": lane.code if lane else None, "goods_class": goods_class, "share_bp": share_bp,
        "absolute_g": absolute_g, "unweighed_may_pass": unweighed_may_pass, "source": source,
        "valid_from_at": from_at, "valid_until_at": planned, "person_id": person_id,
    }  # fmt: skip
    append_leaf(session, "weight_tolerance", told, row.id)
    return row


def blacklist(
    session: Session,
    plate: str,
    *,
    reason: str,
    from_at: datetime,
    until_at: datetime | None = None,
    person_id: int | None = None,
) -> Blacklist:
    """Put a plate on the blacklist."""
    row = Blacklist(
        plate=plates.normalise(plate), reason=reason, from_at=from_at, until_at=until_at, entered_by=person_id
    )
    session.add(row)
    session.flush()
    return row


def lane_by_code(session: Session, site_id: int, code: str) -> Lane:
    """The lane of a site with this code. Raises :class:`UnknownLane`."""
    lane = session.scalar(select(Lane).where(Lane.site_id == site_id, Lane.code == code))
    if lane is None:
        raise UnknownLane(lane=code)
    return lane
