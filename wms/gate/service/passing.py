"""The vehicle has passed: pass state, actual quantity and, on the way out, its goods, in one transaction."""

from datetime import datetime

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session

from wms.customs import slips
from wms.customs.corresponding import report_passage
from wms.customs.gate_passes import pass_lines
from wms.customs.tables import GatePass, GatePassLine, MovementSlipLine, VerificationLine
from wms.errors import WmsError
from wms.floor.service.departing import note_gate_out
from wms.gate.rules.refusals import UnknownPassage
from wms.gate.service.goods import gate_out_posting
from wms.gate.service.visiting import note_passage, note_turned_back
from wms.gate.tables import BarrierCommand, GatePassUse, Lane, LaneState, Passage, Release
from wms.record.service import append_leaf
from wms.stock.ledger import post
from wms.watch.service import NewAlarm, announce, raise_alarm
from wms.watch.service.clips import want_for_lane

LIVING = ("requested", "granted")


def locked_passage(session: Session, passage_id: int) -> Passage:
    """The passage, locked and fresh. Raises :class:`UnknownPassage`."""
    found = session.scalar(
        select(Passage)
        .where(Passage.id == passage_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise UnknownPassage(passage_id=passage_id)
    return found


def confirm_passage(session: Session, passage_id: int, *, passed_at: datetime) -> Passage:
    """Confirm that the vehicle passed; a second confirmation changes nothing.

    What the ledger refuses does not undo the passage (the vehicle is gone): the refusal stands on the passage, an
    alarm is raised, and :func:`post_goods` tries again once its cause is mended.
    """
    passage = locked_passage(session, passage_id)
    if passage.state == "passed":
        return passage
    passage.state, passage.passed_at = "passed", passed_at
    release = session.scalars(
        select(Release)
        .where(Release.passage_id == passage_id, Release.granted_at.is_not(None))
        .order_by(Release.id.desc())
    ).first()
    if release is not None and release.state == "granted":
        release.state = "used"
    session.flush()
    if release is not None and release.gate_pass_id is not None:
        _use_pass(session, passage, release, passed_at)
    note_passage(session, passage, passed_at)
    append_leaf(
        session, "passage", {"seq_no": passage.seq_no, "plate": passage.plate, "passed_at": passed_at}, passage_id
    )
    if release is not None and release.gate_pass_id is not None:
        report_passage(session, release.gate_pass_id, passed_at, passage.weight_g)
    announce(session, "passage", passage_id)
    return passage


def _use_pass(session: Session, passage: Passage, release: Release, at: datetime) -> None:
    gate_pass = session.get_one(GatePass, release.gate_pass_id)
    lane = session.get_one(Lane, passage.lane_id)
    before, after = _step(lane.stage)
    moved_on = session.execute(
        update(GatePass)
        .where(GatePass.id == gate_pass.id, GatePass.state == before)
        .values(state=after, passed_at=at)
        .returning(GatePass.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if moved_on is None:
        _refuse_goods(session, passage, "pass_not_open", at)
        return
    session.refresh(gate_pass)
    session.add(
        GatePassUse(
            gate_pass_id=gate_pass.id,
            passage_id=passage.id,
            vehicle_plate=gate_pass.vehicle_plate,
            stage=lane.stage,
            passed_at=at,
        )
    )
    session.flush()
    if after == "passed":
        _count_passed(session, gate_pass.id, at)
        post_goods(session, passage.id, at=at)


def _step(stage: int) -> tuple[str, str]:
    """Pass states 1 → 2 at a single gate; 1 → 3 → 4 at the two gates of a double one (stucd)."""
    if stage == 1:
        return "approved", "passed_first"
    return ("passed_first" if stage == 2 else "approved"), "passed"


def _count_passed(session: Session, pass_id: int, at: datetime) -> None:
    """Actual quantities (actlPassQty) of the pass's lines and of the document behind them, in ascending id."""
    lines = pass_lines(session, pass_id)
    for line in sorted(lines, key=lambda line: line.verification_line_id or 0):
        line.passed_qty = line.qty
        session.execute(
            update(VerificationLine)
            .where(VerificationLine.id == line.verification_line_id)
            .values(passed_qty=VerificationLine.passed_qty + line.qty)
            .execution_options(synchronize_session=False)
        )
        session.execute(
            update(MovementSlipLine)
            .where(MovementSlipLine.id == line.slip_line_id)
            .values(passed_qty=MovementSlipLine.passed_qty + line.qty)
            .execution_options(synchronize_session=False)
        )
    session.flush()
    of_slips = [line.slip_line_id for line in lines if line.slip_line_id is not None]
    if of_slips:
        slips.note_passed(session, of_slips, at)


def post_goods(session: Session, passage_id: int, *, at: datetime) -> int | None:
    """Let the goods of a passed vehicle leave the ledger, once; returns the posting's id, None when nothing leaves.

    A refusal is kept on the passage with an alarm; calling again after its cause is mended posts the goods.
    """
    used = session.scalars(
        select(GatePassUse).where(GatePassUse.passage_id == passage_id).with_for_update(key_share=True)
    ).one()
    gate_pass = session.get_one(GatePass, used.gate_pass_id)
    passage = session.get_one(Passage, passage_id)
    if used.posting_id is not None or gate_pass.direction != "E" or not _has_goods(session, gate_pass.id):
        return used.posting_id
    try:
        with session.begin_nested():
            posted = post(session, gate_out_posting(session, gate_pass, f"gate-out:{gate_pass.id}", at))
            used.posting_id, passage.goods_refusal = posted.posting_id, None
            session.flush()
            note_gate_out(session, gate_pass.id, at, posted.posting_id)
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))  # what would fail at commit fails in here
            session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    except OperationalError:
        raise
    except (WmsError, DatabaseError) as refusal:
        code = refusal.code if isinstance(refusal, WmsError) else "database_refused"
        _refuse_goods(session, passage, code, at)
        return None
    return posted.posting_id


def _has_goods(session: Session, pass_id: int) -> bool:
    return session.scalars(select(func.count()).where(GatePassLine.gate_pass_id == pass_id)).one() > 0


def _refuse_goods(session: Session, passage: Passage, code: str, at: datetime) -> None:
    passage.goods_refusal = code
    raise_alarm(
        session,
        NewAlarm(passage.site_id, "ledger", "goods_not_posted", passage.seq_no, at, detail=f"{passage.plate}: {code}"),
    )


def close_passage(session: Session, passage_id: int, *, at: datetime, went_through: bool) -> Passage:
    """The vehicle is no longer in the lane. One that went through while held is an alarm."""
    passage = locked_passage(session, passage_id)
    if passage.closed_at is not None:
        return passage
    passage.closed_at = at
    if passage.state == "released" and went_through and _was_opened(session, passage_id):
        confirm_passage(session, passage_id, passed_at=at)  # the exit loop saw it, though the controller said nothing
    elif passage.state in ("open", "held", "released") and went_through:
        _alarm_unreleased(session, passage, at)
    elif passage.state in ("open", "held", "released") and not went_through:
        passage.state = "turned_back"
        passage.decided_at = passage.decided_at or at
        note_turned_back(session, passage, at)
    for release in session.scalars(select(Release).where(Release.passage_id == passage_id, Release.state.in_(LIVING))):
        release.state, release.lapsed_because = "lapsed", "vehicle_gone"
    session.execute(
        update(LaneState)
        .where(LaneState.lane_id == passage.lane_id, LaneState.passage_id == passage_id)
        .values(passage_id=None)
        .execution_options(synchronize_session=False)
    )
    session.flush()
    lane = session.get_one(Lane, passage.lane_id)
    want_for_lane(session, passage_id, passage.site_id, lane.code, passage.opened_at, at)
    announce(session, "passage", passage_id)
    return passage


def _was_opened(session: Session, passage_id: int) -> bool:
    """Whether the barrier went up for the passage's release."""
    opened = (
        select(BarrierCommand.id)
        .join(Release, Release.id == BarrierCommand.release_id)
        .where(Release.passage_id == passage_id, BarrierCommand.opened_at.is_not(None))
    )
    return session.scalars(opened).first() is not None


def _alarm_unreleased(session: Session, passage: Passage, at: datetime) -> None:
    """A vehicle drove out without a release of its own: behind another one (tailgating), or under a closed barrier."""
    follows = _follows_another(session, passage)
    if passage.state == "open":
        passage.state, passage.hold_code, passage.decided_at = "held", "tailgated" if follows else "ran_through", at
    code = "tailgating" if follows else "passed_while_held"
    raise_alarm(
        session,
        NewAlarm(
            passage.site_id, "lane", code, session.get_one(Lane, passage.lane_id).code, at,
            detail=f"{passage.plate or '?'} {passage.seq_no}",
        ),
    )  # fmt: skip


def _follows_another(session: Session, passage: Passage) -> bool:
    """Whether it arrived while the barrier was up, or not yet down again, for another passage of its lane."""
    up_for_another = (
        select(BarrierCommand.id)
        .join(Release, Release.id == BarrierCommand.release_id)
        .where(
            BarrierCommand.lane_id == passage.lane_id,
            BarrierCommand.opened_at <= passage.opened_at,
            or_(BarrierCommand.closed_at.is_(None), BarrierCommand.closed_at >= passage.opened_at),
            Release.passage_id < passage.id,
        )
        .order_by(BarrierCommand.id.desc())
        .limit(1)
    )
    return session.scalars(up_for_another).first() is not None
