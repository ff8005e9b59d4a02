"""Control orders act at once: on who stands in a lane, on a lift that has not opened yet, on who is in the zone.

An order and the decisions of lanes exclude each other by a lock of the tenant: whoever decides shares it, an order has
it alone. So an order sees every lift that it did not prevent, and every decision after it sees the order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, text
from sqlalchemy.orm import Session

from wms.customs.gate_pass_rules import split_containers
from wms.customs.tables import GatePass, GatePassDocument
from wms.floor.service.retail import has_held_parcels
from wms.gate.rules import ControlOrder, PassFacts, Seen, hold_of
from wms.gate.rules.controls import (
    MIN_REASON_CHARS,
    NewOrder,
    OrderNeedsReason,
    OrderWithdrawn,
    UnknownOrder,
    checked_target,
    strongest,
)
from wms.gate.service.orders import BY_CONTROL, forget_unlocking, order_down
from wms.gate.tables import BarrierCommand, ControlOrderRow, Decision, Lane, Passage, Release, Visit
from wms.record.service import append_leaf
from wms.watch.service import NewAlarm, announce, raise_alarm

SHARED = text("SELECT pg_advisory_xact_lock_shared(hashtextextended('dongting control ' || app_tenant(), 0))")
ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('dongting control ' || app_tenant(), 0))")
NOT_YET_OPEN = ("queued", "sent", "accepted")
LIVING = ("requested", "granted")
WITHDRAWN = "order_withdrawn"


@dataclass(frozen=True)
class Ordered:
    """An order and what it reached: passages held, barrier commands stopped, plates inside the zone."""

    order_id: int
    passage_ids: tuple[int, ...]
    stopped_commands: int
    plates_inside: tuple[str, ...]


def share_control(session: Session) -> None:
    """Whoever is about to let a vehicle go: no order is given until this transaction ends."""
    session.execute(SHARED)


def hold_decisions(session: Session) -> None:
    """Whoever shuts the way: no vehicle is let go until this transaction ends, and what was let go before is seen."""
    session.execute(ALONE)


def give_order(session: Session, new: NewOrder) -> Ordered:
    """Give an order; every passage it names that stands in a lane is held before this returns.

    Raises UnknownControl, UnknownTarget, BadTarget, OrderNeedsReason.
    """
    target = checked_target(new)
    hold_decisions(session)
    row = ControlOrderRow(
        control=new.control,
        target_kind=new.target_kind,
        target=target,
        reason=new.reason.strip(),
        document_no=new.document_no,
        ordered_by=new.person_id,
        ordered_at=new.at,
    )
    session.add(row)
    session.flush()
    passages = _standing(session, row)
    stopped = _stop_commands(session, passages, row, new.at)
    held = [passage.id for passage in passages if _hold(session, passage, row, new.at)]
    inside = _inside(session, row, new.at)
    append_leaf(
        session,
        "control_order",
        {"control": row.control, "target_kind": row.target_kind, "target": row.target, "reason": row.reason},
        row.id,
    )
    return Ordered(row.id, tuple(held), stopped, inside)


def withdraw_order(
    session: Session, order_id: int, *, reason: str, at: datetime, person_id: int | None = None
) -> ControlOrderRow:
    """End an order. A vehicle that it holds stays held until an officer lets it go: nothing opens by itself.

    Raises UnknownOrder, OrderWithdrawn, OrderNeedsReason.
    """
    if len(reason.strip()) < MIN_REASON_CHARS:
        raise OrderNeedsReason(field="reason")
    hold_decisions(session)
    row = session.scalar(
        select(ControlOrderRow)
        .where(ControlOrderRow.id == order_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise UnknownOrder(order_id=order_id)
    if row.withdrawn_at is not None:
        raise OrderWithdrawn(order_id=order_id)
    row.withdrawn_at, row.withdrawn_by, row.withdrawn_because = at, person_id, reason.strip()
    session.flush()
    for passage in _standing(session, row):
        _ease(session, passage)
    append_leaf(session, "control_withdrawn", {"order_id": row.id, "reason": row.withdrawn_because}, row.id)
    return row


def orders_on(session: Session, seen: Seen, passes: Sequence[PassFacts]) -> tuple[ControlOrder, ...]:
    """The standing orders that name what was seen, or a pass of the seen plate with its goods and documents."""
    own = [one for one in passes if one.plate == seen.plate]
    named: dict[str, set[str]] = {
        "plate": {plate for plate in (seen.plate, seen.trailer_plate) if plate},
        "container": {box.number for box in seen.containers} | {box for one in own for box in one.containers},
        "gate_pass": _numbers(session, own),
        "document": {document.number.upper() for one in own for document in one.documents},
    }
    conditions = [
        and_(ControlOrderRow.target_kind == kind, ControlOrderRow.target.in_(targets))
        for kind, targets in named.items()
        if targets
    ]
    if not conditions:
        return ()
    rows = session.scalars(
        select(ControlOrderRow)
        .where(ControlOrderRow.withdrawn_at.is_(None), or_(*conditions))
        .order_by(ControlOrderRow.id)
    )
    return tuple(ControlOrder(row.id, row.control, row.target_kind, row.target) for row in rows)


def _numbers(session: Session, passes: Sequence[PassFacts]) -> set[str]:
    """Both numbers of each pass, customs' and ours: an order may name either."""
    rows = [session.get_one(GatePass, one.pass_id) for one in passes]  # loaded and locked a moment ago
    return {number.upper() for row in rows for number in (row.pass_no, row.internal_no) if number}


def controls_on(session: Session, passage: Passage) -> str | None:
    """The strongest order that names a passage now, however it was decided."""
    plates = [plate for plate in (passage.plate, passage.trailer_plate) if plate]
    gate_pass = _pass_of(session, passage)
    boxes = [*passage.containers, *split_containers(gate_pass.container_no if gate_pass else None)]
    papers = _papers(session, gate_pass)
    named = or_(
        and_(ControlOrderRow.target_kind == "plate", ControlOrderRow.target.in_(plates)),
        and_(ControlOrderRow.target_kind == "container", ControlOrderRow.target.in_(boxes)),
        and_(ControlOrderRow.target_kind.in_(("gate_pass", "document")), ControlOrderRow.target.in_(papers)),
    )
    found = session.scalars(select(ControlOrderRow.control).where(ControlOrderRow.withdrawn_at.is_(None), named))
    own = {gate_pass.control_order} if gate_pass is not None and gate_pass.control_order else set()
    held = {"detain"} if gate_pass is not None and has_held_parcels(session, gate_pass.id) else set()
    return strongest(set(found) | own | held)


def _pass_of(session: Session, passage: Passage) -> GatePass | None:
    wanted = select(GatePass).join(Decision, Decision.gate_pass_id == GatePass.id)
    return session.scalar(wanted.where(Decision.passage_id == passage.id))


def _papers(session: Session, gate_pass: GatePass | None) -> list[str]:
    if gate_pass is None:
        return []
    documents = select(GatePassDocument.document_no).where(GatePassDocument.gate_pass_id == gate_pass.id)
    numbers = (gate_pass.pass_no, gate_pass.internal_no, *session.scalars(documents))
    return [number.upper() for number in numbers if number]


def _passes_named(row: ControlOrderRow) -> ColumnElement[bool]:
    """The gate passes that an order names, as a condition."""
    match row.target_kind:
        case "plate":
            return or_(GatePass.vehicle_plate == row.target, GatePass.trailer_plate == row.target)
        case "container":
            return GatePass.container_no.contains(row.target, autoescape=True)
        case "gate_pass":
            return or_(func.upper(GatePass.pass_no) == row.target, func.upper(GatePass.internal_no) == row.target)
        case _:
            named = select(GatePassDocument.gate_pass_id).where(func.upper(GatePassDocument.document_no) == row.target)
            return GatePass.id.in_(named)


def _standing(session: Session, row: ControlOrderRow) -> list[Passage]:
    """Decided passages that the order names and that have neither passed nor left their lane."""
    by_pass = select(Decision.passage_id).join(GatePass, GatePass.id == Decision.gate_pass_id).where(_passes_named(row))
    seen = {
        "plate": or_(Passage.plate == row.target, Passage.trailer_plate == row.target),
        "container": Passage.containers.contains([row.target]),
    }
    named: ColumnElement[bool] = Passage.id.in_(by_pass)
    if row.target_kind in seen:
        named = or_(named, seen[row.target_kind])
    return list(
        session.scalars(
            select(Passage)
            .where(Passage.state.in_(("held", "released")), Passage.closed_at.is_(None), named)
            .order_by(Passage.id)
        )
    )


def _stop_commands(session: Session, passages: Iterable[Passage], row: ControlOrderRow, at: datetime) -> int:
    """A queued command is never sent; one that is under way is followed by a lock, which ends with the next lift."""
    commands = session.scalars(
        select(BarrierCommand)
        .join(Release, Release.id == BarrierCommand.release_id)
        .where(
            Release.passage_id.in_([passage.id for passage in passages]),
            BarrierCommand.action == "open",
            BarrierCommand.state.in_(NOT_YET_OPEN),
        )
        .order_by(BarrierCommand.id)
        .with_for_update(of=BarrierCommand)
        .execution_options(populate_existing=True)
    ).all()
    stopped = 0
    for command in commands:
        if command.state == "queued":
            command.state, command.fault = "expired", f"control_{row.control}"
            forget_unlocking(session, command)
        elif command.state in NOT_YET_OPEN:
            lane = session.get_one(Lane, command.lane_id)
            order_down(session, lane, locked=True, decided_by=f"{BY_CONTROL}{row.id}", at=at)
        else:
            continue  # it opened while we waited for its row
        stopped += 1
    session.flush()
    return stopped


def _hold(session: Session, passage: Passage, row: ControlOrderRow, at: datetime) -> bool:
    """Hold a passage for an order; True when it was standing. Its release lapses, also one that waits for a second."""
    session.refresh(passage, with_for_update={"key_share": True})
    if passage.state not in ("held", "released") or passage.closed_at is not None:
        return False
    code = f"control_{row.control}"
    for release in session.scalars(select(Release).where(Release.passage_id == passage.id, Release.state.in_(LIVING))):
        release.state, release.lapsed_because = "lapsed", code
    was_released = passage.state == "released"
    if was_released or not _is_stronger(passage.hold_code, row.control):
        passage.state, passage.hold_code = "held", code
    session.flush()
    lane = session.get_one(Lane, passage.lane_id)
    alarm = "control_after_lift" if was_released else "control_in_lane"
    raise_alarm(session, NewAlarm(passage.site_id, "lane", alarm, lane.code, at, detail=passage.plate or row.target))
    announce(session, "passage", passage.id)
    return True


def _is_stronger(held: str | None, control: str) -> bool:
    """Whether the vehicle is held by a stronger order already."""
    known = (held or "").removeprefix("control_")
    return held != known and strongest({known, control}) == known and known != control


def _ease(session: Session, passage: Passage) -> None:
    """After a withdrawal: another order that still stands, else what the decision held for, else the officer's word."""
    session.refresh(passage, with_for_update={"key_share": True})
    if passage.state != "held" or not (passage.hold_code or "").startswith("control_"):
        return
    left = controls_on(session, passage)
    stored = session.scalar(select(Decision.checks).where(Decision.passage_id == passage.id)) or []
    others = [check["hold_code"] for check in stored if check.get("hold_code")]
    others = [code for code in others if not code.startswith("control_")]
    passage.hold_code = f"control_{left}" if left else hold_of(others[0] if others else WITHDRAWN).code
    session.flush()
    announce(session, "passage", passage.id)


def _inside(session: Session, row: ControlOrderRow, at: datetime) -> tuple[str, ...]:
    """Vehicles in the zone that the order names, each alarmed; their next exit is held."""
    came_in = and_(GatePass.state == "passed", GatePass.direction == "I", GatePass.passed_at >= Visit.arrived_at)
    of_passes = select(GatePass.id).where(
        GatePass.vehicle_plate == Visit.plate,
        or_(GatePass.state.in_(("approved", "passed_first")), came_in),
        _passes_named(row),
    )
    named: ColumnElement[bool] = of_passes.exists()
    if row.target_kind == "plate":
        named = or_(named, Visit.plate == row.target)
    inside = session.scalars(select(Visit).where(Visit.state == "inside", named).order_by(Visit.plate)).all()
    for visit in inside:
        raise_alarm(
            session, NewAlarm(visit.site_id, "lane", "control_inside", visit.plate, at, detail=f"control_{row.control}")
        )
    return tuple(visit.plate for visit in inside)
