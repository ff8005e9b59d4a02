"""From a customs front end's question to its answer, in one transaction: stored bytes → readings → decision → result.

The decision is the gate's own (:func:`wms.gate.service.decide_passage`), once for each SEQ_NO. The front end is the
lane's barrier: a lift answer *is* the release's one command, marked as sent in the transaction that decided it, with
the same five seconds to live. The same question again gets the same answer while that command lives; later, or once
the barrier is told to have opened, it holds: one release, one opening. What the front end reports
(EC_FREE_PLATFORM) moves the command on; a report that stays away is a fault with an alarm, as with any barrier.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from iot import alarms, gather, outbox, topics
from iot.devices.base import Malformed
from iot.devices.gather import question_of
from iot.events import RETAINED, UNTRUSTED
from iot.lanes.readings import LaneReading
from iot.lanes.votes import length_ft, vote_plate
from iot.readings import OpenReading
from iot.register import KnownDevice, load
from wms.customs.tables import GatePass
from wms.gate.rules import Seen, SeenContainer
from wms.gate.rules.facts import EMPTY_VEHICLE
from wms.gate.rules.holds import LIFT_EMPTY_LED, LIFT_LED, TO_OFFICER, hold_of
from wms.gate.rules.lane import LaneParameters
from wms.gate.service import (
    CommandStep,
    DecidePassage,
    ReadingUse,
    close_passage,
    decide_passage,
    expire_or_send,
    parameters_of,
    record_result,
)
from wms.gate.service.barrier import current_passage
from wms.gate.tables import BarrierCommand, Decision, Lane, Passage, Release

SURE_PERMILLE = 1_000  # the front end names the plate; only its own blocks can contradict it
STALE_AFTER = timedelta(seconds=5)  # a question that waited longer describes a lane of the past
UNBOUND = "11000000001002000000"  # 未关联单据, as front ends in use show it
HINTS = {
    "control_inspect": "请到查验区",
    "no_pass": "未关联单据",
    "weight_high": "重量异常不抬杆",
    "weight_low": "重量异常不抬杆",
}
REPORTS = {"platform_release": ("accepted", "opened", "passed"), "platform_forbid": (), "manual_release": ()}

READINGS = text(
    "SELECT id, kind, event_at, recorded_at, flags, is_live, payload FROM reading WHERE inbox_id = :inbox_id"
    " ORDER BY id"
)
CAME = text("SELECT topic, payload FROM inbox WHERE id = :inbox_id")
TAKEN = text("UPDATE reading SET state = 'matched' WHERE inbox_id = :inbox_id AND state = 'open' RETURNING flags")
FLAGS = text("SELECT flags FROM reading WHERE inbox_id = :inbox_id")


@dataclass(frozen=True)
class Told:
    """The answer, and whether it lifts; ``until_at``: a lift must have left by then."""

    answer: gather.Answer
    lifts: bool
    until_at: datetime | None = None


def answer_question(
    session: Session,
    device: KnownDevice,
    question: gather.Question,
    inbox_id: int,
    now: datetime,
    *,
    is_same: bool,
    is_live: bool = True,
) -> Told:
    """Decide, or find what was decided. ``is_same`` False: this SEQ_NO came before with other bytes. ``is_live`` False:
    the question came late or again, so it tells nothing of who stands in the lane now.

    What fits no lane of the device, names a sequence number of another lane, or is new and not live, is held without a
    passage: who stands in the lane stays shown there.
    """
    lane = _lane(session, device, question)
    session.execute(TAKEN, {"inbox_id": inbox_id})
    if isinstance(lane, str):
        return _refused(session, device, question, lane)
    known = session.scalar(select(Passage).where(Passage.seq_no == question.seq_no))
    if not is_same or (known is not None and known.lane_id != lane.id):
        return _refused(session, device, question, "seq_no_used")
    if known is None and not is_live:
        return _refused(session, device, question, "not_live")
    if known is None:
        _clear_lane(session, lane, question.seq_no, now)
    readings = _readings(session, inbox_id, device)
    seen, uses = seen_in(readings, parameters_of(session, lane, now), now)
    decided = decide_passage(session, DecidePassage(question.seq_no, lane.id, now, now, seen, uses))
    return _told(session, decided.passage_id, now)


def doubts_of(session: Session, inbox_id: int) -> set[str]:
    """What of a message's readings lacks the signature that its device should give; empty where all is well."""
    return {one for row in session.execute(FLAGS, {"inbox_id": inbox_id}) for one in row.flags} & UNTRUSTED


def take_report_of(
    session: Session, device: KnownDevice, status: Mapping[str, Any], inbox_id: int, now: datetime
) -> str:
    """Take the report of a stored message, once, whoever finds it first: the door, when it comes or comes again, or the
    lane loop, when the door could not. Returns what came of it; ``taken`` where somebody took it before.
    """
    if not session.execute(TAKEN, {"inbox_id": inbox_id}).all():
        return "taken"
    doubts = doubts_of(session, inbox_id)
    if doubts:
        return _distrusted(session, device, status, doubts)
    return take_report(session, device, status, now)


def _distrusted(session: Session, device: KnownDevice, status: Mapping[str, Any], doubts: Collection[str]) -> str:
    detail = f"{status.get('state')} {status.get('seq_no')} {' '.join(sorted(doubts))}"
    alarms.raise_alarm(session, "untrusted_result", device.code, detail, device_id=device.id)
    return "untrusted"


def take_report(session: Session, device: KnownDevice, status: Mapping[str, Any], now: datetime) -> str:
    """What the front end says it did: platform_release, platform_forbid or manual_release. Returns what came of it.

    A manual release is an event with its named officer and memo; without them the alarm says so. It is no release of
    ours: the vehicle stays held in our books until an officer has settled it.
    """
    kind, seq_no = str(status.get("state")), str(status.get("seq_no"))
    passage = session.scalar(select(Passage).where(Passage.seq_no == seq_no))
    lane = session.get(Lane, passage.lane_id) if passage else None
    if passage is None or lane is None or lane.site_id != device.site_id or lane.barrier_device != device.code:
        alarms.raise_alarm(session, "report_unknown", device.code, f"{kind} {seq_no}", device_id=device.id)
        return "unknown"
    if kind == "manual_release":
        memo, officer = status.get("memo"), status.get("officer")
        code = "opened_by_hand" if memo and officer else "opened_by_hand_unnamed"
        detail = f"{seq_no} {passage.plate or '?'}: {officer or 'nobody named'}, {memo or 'no memo'}"
        alarms.raise_alarm(session, code, device.code, detail, device_id=device.id)
        if passage.state == "held":
            close_passage(session, passage.id, at=now, went_through=True)
        return code
    command = _command(session, passage.id)
    if kind == "platform_forbid":
        if command is not None:
            step = CommandStep(command.cmd_id, device.code, "refused", now, "EC_FORBID_PLATFORM")
            return record_result(session, step)
        return "held"
    if command is None:
        alarms.raise_alarm(session, "opened_without_release", device.code, seq_no, device_id=device.id)
        return "opened_without_release"
    for result in REPORTS["platform_release"]:
        record_result(session, CommandStep(command.cmd_id, device.code, result, now))
    return "passed"


def take_open(session: Session, row: OpenReading, now: datetime) -> bool:
    """A question or report that came over MQTT (JSON, Cmd 33): the answer goes to the device's own ``cmd`` topic.

    Called by the lane loop, under the site's lease. A question that came over a connection is answered there; a report
    is taken here too, where its door was cut off between storing it and taking it.
    """
    found = session.execute(CAME, {"inbox_id": row.inbox_id}).one()
    device, state = _device(session, row.device_id), row.payload.get("state")
    is_report = state in REPORTS
    if device is None or not (is_report or (state == "gather" and not found.topic.startswith("tcp/"))):
        return False
    if doubts := (UNTRUSTED | {RETAINED}) & set(row.flags):
        _distrusted(session, device, row.payload, doubts)
        return False
    if is_report:
        return take_report(session, device, row.payload, now) != "unknown"
    try:
        question = question_of(bytes(found.payload))
    except Malformed:
        return False
    told = answer_question(session, device, question, row.inbox_id, now, is_same=True, is_live=row.is_live)
    topic = str(device.profile.get("answer_topic") or device.topic(topics.CMD))
    until = told.until_at or now + STALE_AFTER
    outbox.publish(session, topic, gather.answer_bytes(question, told.answer), expires_at=until, site_id=device.site_id)
    return True


def _device(session: Session, device_id: int | None) -> KnownDevice | None:
    return load(session).by_id.get(device_id) if device_id is not None else None


def note_delivered(session: Session, seq_no: str, device: KnownDevice, now: datetime) -> None:
    """The result frame has left by a living connection: the front end has accepted the command."""
    passage_id = session.scalar(select(Passage.id).where(Passage.seq_no == seq_no))
    command = _command(session, passage_id) if passage_id else None
    if command is not None and command.state == "sent":
        record_result(session, CommandStep(command.cmd_id, device.code, "accepted", now))


def seen_in(
    readings: Sequence[LaneReading], rules: LaneParameters, now: datetime
) -> tuple[Seen, tuple[ReadingUse, ...]]:
    """What one message says of its vehicle, held to what the lane needs at that instant, and the use of each reading.

    Customs has not answered: where the lane needs its word, the vehicle is held for the officer, because the front end
    waits for the answer on its connection.
    """
    vote = vote_plate([one for one in readings if one.kind == "PlateRead"])
    why = dict(vote.why)
    containers, seals, tag, weight_g = [], [], None, None
    for one in readings:
        body = one.body
        if one.kind == "ContainerRead" and body.get("number"):
            is_recognised = str(body.get("recognised") or "1") != "0"
            is_right, length = bool(body.get("check_digit_ok")), length_ft(body.get("iso_type"))
            containers.append(SeenContainer(str(body["number"]), is_right, is_recognised, length))
            why[one.id] = (True, "told")
        elif one.kind == "TagRead" and body.get("tag") == "eseal_id":
            seals.append(str(body["epc"]))
            why[one.id] = (True, "told")
        elif one.kind == "TagRead" and body.get("tag") == "car_ec_no":
            tag = str(body["epc"])
            why[one.id] = (True, "told")
        elif one.kind == "WeightRead" and body.get("state") == "weight":
            weight_g = int(body["weight_g"])
            why[one.id] = (True, "told")
    wanted = (
        ("plate", vote.plate is None),
        ("container", rules.needs_container and not containers),
        ("weight", rules.needs_weight and weight_g is None),
        ("tag", rules.needs_tag and tag is None),
        ("seal", rules.needs_seal and not seals),
    )
    seen = Seen(
        plate=vote.plate,
        plate_confidence_permille=SURE_PERMILLE if vote.plate else 0,
        trailer_plate=vote.trailer_plate,
        containers=tuple(sorted(containers, key=lambda box: box.number)),
        weight_g=weight_g,
        tag=tag,
        seals=tuple(seals),
        missing=tuple(name for name, lacks in wanted if lacks),
        is_fresh=all(one.is_live and now - one.at <= STALE_AFTER for one in readings),
    )
    uses = tuple(
        ReadingUse(
            one.id, one.kind, one.device, *why.get(one.id, (False, "not_used")), dict(one.body), one.event_at, one.at
        )
        for one in readings
    )
    return seen, uses


def _lane(session: Session, device: KnownDevice, question: gather.Question) -> Lane | str:
    area = device.profile.get("area_id")
    if area is not None and area != question.area_id:
        return "wrong_area"
    if device.lane is not None and device.lane != question.channel:
        return "wrong_lane"
    lane = session.scalar(select(Lane).where(Lane.site_id == device.site_id, Lane.code == question.channel))
    if lane is None or lane.barrier_device != device.code:
        return "unknown_lane"
    return lane if lane.direction == question.direction else "wrong_direction"


def _clear_lane(session: Session, lane: Lane, seq_no: str, now: datetime) -> None:
    """A new question means that whoever was held there has backed out; what was let go is followed by its command."""
    standing = current_passage(session, lane.id)
    if standing is not None and standing.seq_no != seq_no and standing.state == "held":
        close_passage(session, standing.id, at=now, went_through=False)


def _readings(session: Session, inbox_id: int, device: KnownDevice) -> list[LaneReading]:
    rows = session.execute(READINGS, {"inbox_id": inbox_id})
    return [
        LaneReading(
            row.id, row.kind, device.code, row.recorded_at, row.event_at, row.is_live, tuple(row.flags), row.payload
        )
        for row in rows
    ]


def _command(session: Session, passage_id: int) -> BarrierCommand | None:
    return session.scalars(
        select(BarrierCommand)
        .join(Release, Release.id == BarrierCommand.release_id)
        .where(Release.passage_id == passage_id)
        .order_by(BarrierCommand.id.desc())
        .limit(1)
        .with_for_update(of=BarrierCommand)
        .execution_options(populate_existing=True)
    ).first()


def _told(session: Session, passage_id: int, now: datetime) -> Told:
    decision = session.scalars(select(Decision).where(Decision.passage_id == passage_id)).one()
    if decision.verdict == "hold":
        return _held(decision.hold_code or "")
    command = _command(session, passage_id)
    if command is not None and command.state == "queued":
        expire_or_send(session, command, now)
    if command is None or command.state not in ("sent", "accepted") or now >= command.expires_at:
        return _held("command_expired")
    gate_pass = session.get(GatePass, decision.gate_pass_id) if decision.gate_pass_id else None
    words = LIFT_EMPTY_LED if gate_pass is not None and gate_pass.pass_type == EMPTY_VEHICLE else LIFT_LED
    hint = "空车出区" if words is LIFT_EMPTY_LED and gate_pass and gate_pass.direction == "E" else words.zh
    answer = gather.Answer(
        check_result=gather.check_result(lift=True), hint=hint, led=f"{words.zh} {words.en}", voice=words.zh
    )
    return Told(answer, True, command.expires_at)


def _held(code: str) -> Told:
    hold = hold_of(code)
    result = UNBOUND if code == "no_pass" else gather.check_result(lift=False)
    hint = HINTS.get(code, hold.led.zh)
    return Told(
        gather.Answer(check_result=result, hint=hint, led=f"{hold.led.zh} {hold.led.en}", voice=hold.driver.zh), False
    )


def _refused(session: Session, device: KnownDevice, question: gather.Question, why: str) -> Told:
    detail = f"{why}: {question.area_id} {question.channel} {question.direction} {question.seq_no}"
    alarms.raise_alarm(session, "question_refused", device.code, detail, device_id=device.id)
    words = TO_OFFICER.split("|")[0].strip()
    answer = gather.Answer(check_result=gather.check_result(lift=False), hint=words, led=words, voice=words)
    return Told(answer, False)
