"""Load what a decision looks at. The passes it may rest on are locked, so that two lanes decide one after the other."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, literal, or_, select, text
from sqlalchemy.orm import Session

from wms.customs.clock import BEIJING
from wms.customs.gate_pass_rules import split_containers
from wms.customs.tables import (
    GatePass,
    GatePassDocument,
    MovementSlip,
    VerificationList,
)
from wms.floor.service.retail import has_held_parcels
from wms.gate.rules import Case, Document, LaneFacts, PassFacts, Seen, Tolerance, VehicleFacts
from wms.gate.rules.lane import LaneParameters
from wms.gate.service.controls import orders_on
from wms.gate.service.lane_rules import parameters_of
from wms.gate.tables import Blacklist, Lane, Vehicle, WeightTolerance
from wms.parties import dated

RELEASED_LISTS = ("pre_deducted", "booked", "written_off")
ENTRY_NOT_NEEDED = ("1", "4")  # pass types 先入区后报关 and 非报关进出区: on the way in
RELEASED_SLIPS = ("approved", "passed")
# Lots and lines of one book line take from the same book: it must hold them all together.
STANDS = text(
    """
    WITH line AS (
        SELECT coalesce(goods.account_id, line.account_id) AS account_id, sum(coalesce(goods.qty, line.qty)) AS qty
        FROM gate_pass_line AS line LEFT JOIN gate_pass_goods AS goods ON goods.gate_pass_line_id = line.id
        WHERE line.gate_pass_id = :pass_id
        GROUP BY 1
    ), leaving AS (
        SELECT account.book_line_id, sum(line.qty) AS qty
        FROM line JOIN account ON account.id = line.account_id
        WHERE account.customs_status = 'bonded'
        GROUP BY 1
    )
    SELECT CAST(:is_outbound AS boolean) AND (EXISTS (
        SELECT FROM line
        LEFT JOIN account ON account.id = line.account_id AND account.kind = 'declared_not_left'
        LEFT JOIN balance ON balance.account_id = account.id
        WHERE account.id IS NULL OR coalesce(balance.qty, 0) < line.qty
    ) OR EXISTS (
        SELECT FROM leaving
        WHERE leaving.qty > (
            SELECT coalesce(sum(balance.qty), 0) FROM balance JOIN account ON account.id = balance.account_id
            WHERE account.kind = 'book' AND account.book_line_id = leaving.book_line_id)
    )) AS goods_missing,
    EXISTS (
        SELECT FROM release
        WHERE release.gate_pass_id = :pass_id AND release.stage = :stage AND release.state IN ('granted', 'used')
        AND release.passage_id <> :passage_id
    ) AS is_claimed,
    EXISTS (SELECT FROM vehicle_load WHERE vehicle_load.gate_pass_id = :pass_id AND vehicle_load.state <> 'void')
        AS is_loaded
    """
)
COLLECTED_LISTS = ("8",)  # 保税电商: its parcels were released one by one


def lane_facts(lane: Lane, rules: LaneParameters) -> LaneFacts:
    """The lane with the parameters of the instant, as a decision sees it."""
    return LaneFacts(
        code=lane.code,
        direction=lane.direction,
        kind=lane.kind,
        stage=lane.stage,
        is_open=lane.is_open,
        needs_weight=rules.needs_weight,
        needs_tag=rules.needs_tag,
        needs_customs_answer=rules.needs_customs_answer,
        needs_seal=rules.needs_seal,
        min_confidence_permille=rules.min_confidence_permille,
    )


def load_case(
    session: Session,
    lane: Lane,
    passage_id: int,
    seq_no: str,
    seen: Seen,
    at: datetime,
    rules: LaneParameters | None = None,
) -> Case:
    """All facts of one decision at the instant ``at``; ``rules`` are the lane's of then, read where not given."""
    seen = replace(seen, tag_plate=_plate_of_tag(session, seen.tag))
    rows = _candidates(session, lane, seen)  # they stay loaded until the orders on them are read
    passes = tuple(pass_facts(session, row, passage_id, lane.stage) for row in rows)
    facts = lane_facts(lane, rules or parameters_of(session, lane, at))
    sure = [p for p in passes if p.plate == seen.plate and p.is_open_for(facts)]
    goods_class = sure[0].goods_class if sure else "general"
    vehicle, tolerance = _vehicle_and_tolerance(session, lane.id, seen.plate, goods_class, at)
    return Case(
        seq_no=seq_no,
        decided_at=at,
        lane=facts,
        seen=seen,
        vehicle=vehicle,
        passes=passes,
        tolerance=replace(tolerance, is_relaxed=bool(sure) and _is_relaxed(session, sure[0], at)),
        orders=orders_on(session, seen, passes),
    )


def _is_relaxed(session: Session, gate_pass: PassFacts, at: datetime) -> bool:
    """Whether the weight of this pass type holds nobody in this direction (GAC notice 2023-200: type 5 on entry)."""
    relaxed = dated.value(session, "gate.weight_relaxed", at.astimezone(BEIJING).date())
    return gate_pass.pass_type in relaxed[gate_pass.direction]


def _plate_of_tag(session: Session, tag: str | None) -> str | None:
    return session.scalar(select(Vehicle.plate).where(Vehicle.tag == tag)) if tag else None


def _candidates(session: Session, lane: Lane, seen: Seen) -> list[GatePass]:
    """Passes of the site and direction, still in play, that name the plate, the e-plate or a container."""
    boxes = [container.number for container in seen.containers]
    named = [
        GatePass.vehicle_plate == seen.plate,
        *(GatePass.container_no.contains(box, autoescape=True) for box in boxes),
    ]
    if seen.tag:
        named.append(GatePass.e_plate == seen.tag)
    wanted = (
        select(GatePass)
        .where(
            GatePass.site_id == lane.site_id,
            GatePass.direction == lane.direction,
            GatePass.state.in_(("approved", "passed_first")),
            or_(*named),
        )
        .order_by(GatePass.id)
        .limit(20)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(wanted))


def pass_facts(session: Session, row: GatePass, passage_id: int, stage: int) -> PassFacts:
    """A pass as a decision sees it."""
    stands = _stands(session, row, passage_id, stage)
    is_held = bool(stands.is_loaded) and has_held_parcels(session, row.id)
    return PassFacts(
        pass_id=row.id,
        number=row.pass_no or row.internal_no,
        state=row.state,
        direction=row.direction,
        pass_type=row.pass_type,
        bind_type=row.bind_type,
        plate=row.vehicle_plate,
        trailer_plate=row.trailer_plate,
        containers=split_containers(row.container_no),
        seal=row.seal_no,
        total_weight_g=row.total_weight_g,
        goods_class=row.goods_class,
        is_double_gate=row.is_double_gate,
        valid_from_at=row.valid_from_at,
        valid_until_at=row.valid_until_at,
        control_order=row.control_order or ("detain" if is_held else None),
        documents=_documents(session, row),
        goods_missing=bool(stands.goods_missing),
        is_claimed=bool(stands.is_claimed),
    )


def _stands(session: Session, row: GatePass, passage_id: int, stage: int, *, with_goods: bool = True) -> Any:
    """How a pass stands: whether the ledger lacks goods that are to leave by it, whether another rests on it."""
    session.flush()
    given = {
        "pass_id": row.id, "is_outbound": with_goods and row.direction == "E", "passage_id": passage_id, "stage": stage,
    }  # fmt: skip
    return session.execute(STANDS, given).one()


def _documents(session: Session, row: GatePass) -> tuple[Document, ...]:
    found = session.execute(
        select(GatePassDocument, VerificationList, MovementSlip)
        .outerjoin(VerificationList, VerificationList.id == GatePassDocument.verification_list_id)
        .outerjoin(MovementSlip, MovementSlip.id == GatePassDocument.movement_slip_id)
        .where(GatePassDocument.gate_pass_id == row.id)
        .order_by(GatePassDocument.id)
    )
    return tuple(
        Document(
            document.document_no,
            slip.state in RELEASED_SLIPS if slip is not None else _list_released(listed, row),
        )
        for document, listed, slip in found
    )


def _list_released(listed: VerificationList | None, row: GatePass) -> bool:
    """A list stands when it is pre-deducted and its declaration is released, where it needs one (customs, 1.3).

    Goods may come in before their declaration; whatever the pass's type, none leave on a list before it (I5).
    """
    if listed is None or listed.state not in RELEASED_LISTS:
        return False
    enters_first = row.direction == "I" and row.pass_type in ENTRY_NOT_NEEDED
    without_entry = enters_first or listed.list_type in COLLECTED_LISTS
    return without_entry or listed.entry_released_at is not None


def is_claimed(session: Session, row: GatePass, passage_id: int, stage: int) -> bool:
    """Whether a living release of another passage rests on the pass at this stage."""
    return bool(_stands(session, row, passage_id, stage, with_goods=False).is_claimed)


def _vehicle_and_tolerance(
    session: Session, lane_id: int, plate: str | None, goods_class: str, at: datetime
) -> tuple[VehicleFacts | None, Tolerance]:
    """The register's row of a plate with its blacklisting at ``at``, and the tolerance of then, in one statement."""
    reason = (
        select(Blacklist.reason)
        .where(
            Blacklist.plate == plate,
            Blacklist.from_at <= at,
            or_(Blacklist.until_at.is_(None), Blacklist.until_at > at),
        )
        .order_by(Blacklist.id)
        .limit(1)
        .scalar_subquery()
    )
    asked = select(literal(plate, String).label("plate")).subquery()
    known = (
        select(Vehicle, reason, WeightTolerance)
        .select_from(asked)
        .outerjoin(Vehicle, Vehicle.plate == asked.c.plate)
        .outerjoin(WeightTolerance, WeightTolerance.id == _best_tolerance(lane_id, goods_class, at).scalar_subquery())
    )
    vehicle, why, row = session.execute(known).one()
    return _vehicle_facts(plate, vehicle, why), _tolerance(row)


def _vehicle_facts(plate: str | None, vehicle: Vehicle | None, why: str | None) -> VehicleFacts | None:
    if plate is None:
        return None
    if vehicle is None:
        listed = VehicleFacts(plate=plate, kind="unknown", is_registered=False, blacklisted_for=why)
        return listed if why is not None else None
    return VehicleFacts(
        plate=plate,
        kind=vehicle.kind,
        tare_g=vehicle.tare_g,
        is_registered=vehicle.is_registered,
        registered_until_at=vehicle.registered_until_at,
        blacklisted_for=why,
    )


def tolerance_for(session: Session, lane_id: int, goods_class: str, at: datetime) -> Tolerance:
    """The dated tolerance: a row for lane and class, else for one of them, else for all, else 5 % or 100 kg."""
    best = _best_tolerance(lane_id, goods_class, at).scalar_subquery()
    return _tolerance(session.scalar(select(WeightTolerance).where(WeightTolerance.id == best)))


def _best_tolerance(lane_id: int, goods_class: str, at: datetime) -> Select[int]:
    return (
        select(WeightTolerance.id)
        .where(
            or_(WeightTolerance.lane_id == lane_id, WeightTolerance.lane_id.is_(None)),
            or_(WeightTolerance.goods_class == goods_class, WeightTolerance.goods_class.is_(None)),
            WeightTolerance.valid_from_at <= at,
            or_(WeightTolerance.valid_until_at.is_(None), WeightTolerance.valid_until_at > at),
        )
        .order_by(
            WeightTolerance.goods_class.is_(None),
            WeightTolerance.lane_id.is_(None),
            WeightTolerance.valid_from_at.desc(),
        )
        .limit(1)
    )


def _tolerance(row: WeightTolerance | None) -> Tolerance:
    if row is None:
        return Tolerance()
    return Tolerance(row.share_bp, row.absolute_g, row.unweighed_may_pass, row.id)
