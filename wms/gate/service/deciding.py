"""Open a passage, keep its readings, decide it once."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from wms.gate.rules import (
    RULE_VERSION,
    Case,
    Seen,
    Verdict,
    asked_about,
    case_hash,
    case_payload,
    content_hash,
    decide,
)
from wms.gate.rules.lane import LaneParameters
from wms.gate.rules.refusals import UnknownLane, VehicleGone
from wms.gate.service.controls import share_control
from wms.gate.service.facts import load_case
from wms.gate.service.orders import order_open
from wms.gate.service.visiting import note_in_lane
from wms.gate.tables import Decision, Lane, LaneState, Passage, Release
from wms.record.service import append_leaf
from wms.watch.service import NewAlarm, announce, raise_alarm

# One statement for all of them: a vehicle that waits for its decision brings a dozen or more.
ATTACH = text(
    """
    INSERT INTO passage_reading
        (passage_id, reading_id, kind, device, was_used, why, content, event_at, received_at)
    SELECT :passage_id, one.* FROM jsonb_to_recordset(:readings) AS one (
        reading_id bigint, kind text, device text, was_used boolean, why text, content jsonb, event_at timestamptz,
        received_at timestamptz)
    ON CONFLICT (passage_id, reading_id) DO NOTHING
    """
).bindparams(bindparam("readings", type_=JSONB))


@dataclass(frozen=True)
class ReadingUse:
    """One reading of a passage and what became of it; ``content`` is the reading as JSON."""

    reading_id: int
    kind: str
    device: str
    was_used: bool
    why: str
    content: dict[str, Any]
    event_at: datetime | None
    received_at: datetime


@dataclass(frozen=True)
class DecidePassage:
    """Decide the passage ``seq_no`` (20 characters at most) of a lane with what was seen, at ``decided_at``.

    ``agreed_about``: what customs was asked about where ``seen`` holds its lift; it lifts nothing else. ``rules``: the
    lane's parameters of that instant, where the caller has them.
    """

    seq_no: str
    lane_id: int
    opened_at: datetime
    decided_at: datetime
    seen: Seen
    readings: tuple[ReadingUse, ...] = field(default_factory=tuple)
    agreed_about: Mapping[str, Any] | None = None
    rules: LaneParameters | None = None


@dataclass(frozen=True)
class Decided:
    """The stored answer. ``replayed``: it had been given before."""

    passage_id: int
    decision_id: int
    verdict: str
    hold_code: str | None
    gate_pass_id: int | None
    replayed: bool


def open_passage(session: Session, seq_no: str, lane_id: int, opened_at: datetime) -> Passage:
    """Return the passage with this sequence number, opened and shown in its lane where it is new."""
    lane = session.get(Lane, lane_id)
    if lane is None:
        raise UnknownLane(lane=lane_id)
    if (known := _passage_of(session, seq_no)) is not None:
        return known
    made = session.scalar(
        insert(Passage)
        .values(
            seq_no=seq_no,
            site_id=lane.site_id,
            lane_id=lane_id,
            direction=lane.direction,
            opened_at=opened_at,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "seq_no"])
        .returning(Passage.id)
    )
    passage = _passage_of(session, seq_no)
    assert passage is not None
    if made is not None:
        _show_in_lane(session, lane_id, passage.id)
    return passage


def _passage_of(session: Session, seq_no: str) -> Passage | None:
    return session.scalar(
        select(Passage)
        .where(Passage.seq_no == seq_no)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def _show_in_lane(session: Session, lane_id: int, passage_id: int) -> None:
    session.execute(
        insert(LaneState)
        .values(lane_id=lane_id, passage_id=passage_id)
        .on_conflict_do_update(index_elements=["lane_id"], set_={"passage_id": passage_id})
    )
    announce(session, "passage", passage_id)


def attach_readings(session: Session, passage_id: int, readings: Sequence[ReadingUse]) -> None:
    """Keep readings with a passage; one that is there already stays as it is."""
    if not readings:
        return
    session.execute(ATTACH, {"passage_id": passage_id, "readings": [_as_row(reading) for reading in readings]})


def _as_row(reading: ReadingUse) -> dict[str, Any]:
    event_at = None if reading.event_at is None else reading.event_at.isoformat()
    return {**vars(reading), "event_at": event_at, "received_at": reading.received_at.isoformat()}


def decide_passage(session: Session, command: DecidePassage) -> Decided:
    """Decide once: the same sequence number gets the same answer again, whatever is sent with it.

    A lift grants a release and queues the command to the lane's barrier in this transaction. Raises
    :class:`wms.gate.rules.refusals.UnknownLane`, :class:`wms.gate.rules.refusals.VehicleGone`.
    """
    return decide_opened(session, open_passage(session, command.seq_no, command.lane_id, command.opened_at), command)


def decide_opened(session: Session, passage: Passage, command: DecidePassage) -> Decided:
    """As :func:`decide_passage`, of a passage that :func:`open_passage` gave in this transaction.

    Raises VehicleGone when it was closed before it was decided: opening now would let another one through.
    """
    if passage.state != "open":  # it is locked: one that is open has no decision
        known = session.scalar(select(Decision).where(Decision.passage_id == passage.id))
        if known is not None:
            return _answer(known, replayed=True)
    if passage.closed_at is not None:
        raise VehicleGone
    share_control(session)
    lane = session.get_one(Lane, command.lane_id, populate_existing=True)  # it may have been locked a moment ago
    case = load_case(session, lane, passage.id, command.seq_no, command.seen, command.decided_at, command.rules)
    verdict = decide(case)
    if verdict.lift and command.agreed_about is not None:
        case, verdict = _only_what_was_asked(session, passage, case, verdict, command.agreed_about)
    _write_seen(passage, command, verdict)
    note_in_lane(session, passage, command.decided_at)
    attach_readings(session, passage.id, command.readings)
    decision = _write_decision(session, passage, case, verdict)
    if verdict.lift:
        _grant(session, passage, lane, decision, command.decided_at)
    append_leaf(session, "gate_decision", _leaf(decision) | {"readings": used_readings(command.readings)}, decision.id)
    announce(session, "passage", passage.id)
    return _answer(decision, replayed=False)


def used_readings(readings: Sequence[ReadingUse]) -> dict[str, str]:
    """What the decision's leaf says of the readings that it used: the hash of each content, by its id."""
    return {str(one.reading_id): content_hash(one.content) for one in readings if one.was_used}


def _only_what_was_asked(
    session: Session, passage: Passage, case: Case, verdict: Verdict, agreed: Mapping[str, Any]
) -> tuple[Case, Verdict]:
    """The lift of customs is no answer to another vehicle, weight or pass than it was asked about."""
    now = asked_about(case, verdict.pass_id)
    others = [name for name in now if now[name] != agreed.get(name)]
    if not others:
        return case, verdict
    detail = f"{passage.plate or '?'} {', '.join(others)}"
    new = NewAlarm(
        passage.site_id, "lane", "customs_answer_differs", passage.seq_no, case.decided_at, detail=detail
    )  # fmt: skip
    raise_alarm(session, new)
    case = replace(case, seen=replace(case.seen, customs_answer=None))
    return case, decide(case)


def _write_seen(passage: Passage, command: DecidePassage, verdict: Verdict) -> None:
    seen = command.seen
    passage.plate = seen.plate
    passage.plate_confidence_permille = seen.plate_confidence_permille
    passage.trailer_plate = seen.trailer_plate
    passage.containers = [container.number for container in seen.containers]
    passage.weight_g = seen.weight_g if seen.weight_g and seen.weight_g > 0 else None
    passage.decided_at = command.decided_at
    passage.hold_code = verdict.hold.code if verdict.hold else None
    passage.state = "released" if verdict.lift else "held"


def _write_decision(session: Session, passage: Passage, case: Case, verdict: Verdict) -> Decision:
    payload = case_payload(case)
    decision = Decision(
        passage_id=passage.id,
        seq_no=passage.seq_no,
        verdict="lift" if verdict.lift else "hold",
        hold_code=passage.hold_code,
        rule_version=RULE_VERSION,
        inputs=payload,
        inputs_hash=case_hash(payload),
        checks=[asdict(check) for check in verdict.checks],
        gate_pass_id=verdict.pass_id,
        decided_at=case.decided_at,
    )
    session.add(decision)
    session.flush()
    return decision


def _grant(session: Session, passage: Passage, lane: Lane, decision: Decision, at: datetime) -> None:
    release = Release(
        passage_id=passage.id,
        made_by="rules",
        state="granted",
        gate_pass_id=decision.gate_pass_id,
        vehicle_plate=passage.plate if decision.gate_pass_id else None,
        stage=lane.stage,
        requested_at=at,
        granted_at=at,
    )
    session.add(release)
    session.flush()
    order_open(session, release, lane, decided_by=f"rules:{decision.rule_version}", at=at)


def _leaf(decision: Decision) -> dict[str, Any]:
    return {
        "seq_no": decision.seq_no,
        "verdict": decision.verdict,
        "hold_code": decision.hold_code,
        "rule_version": decision.rule_version,
        "inputs_sha256": decision.inputs_hash.hex(),
        "decided_at": decision.decided_at,
    }


def _answer(decision: Decision, *, replayed: bool) -> Decided:
    return Decided(
        decision.passage_id,
        decision.id,
        decision.verdict,
        decision.hold_code,
        decision.gate_pass_id,
        replayed,
    )
