"""The lane loop: take open readings of a site, put passages together, have them decided, in one transaction each site.

A lane that fails does not stop its neighbours: its part is undone by a savepoint, alarmed and tried again; after five
times its waiting readings are set aside (they stay stored) so that one poisoned reading cannot close a lane for good.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from iot.barrier import take_reading
from iot.lanes.assemble import Attach, Close, Decide, Ignore, NoteZero, Open, Step, Warn, WrongWay, assemble
from iot.lanes.readings import LaneMemory, LaneReading, LaneRules, LoopEdge, Standing
from iot.readings import OpenReading, mark, open_readings
from iot.tables import IGNORED, MATCHED
from wms.db import Database, Scope
from wms.gate.rules.lane import LaneParameters
from wms.gate.service import (
    DecidePassage,
    ReadingUse,
    attach_readings,
    close_passage,
    decide_or_ask,
    open_passage,
    parameters_at,
)
from wms.gate.service.barrier import forget_zero
from wms.gate.service.releasing import ANOTHER_PLATE
from wms.gate.tables import Lane, LaneState, Passage, PassageReading
from wms.watch.service import NewAlarm, raise_alarm

log = structlog.get_logger(__name__)
MOST_READINGS = 2_000
GIVE_UP_AFTER = 5
LANE_KINDS = frozenset({"PlateRead", "ContainerRead", "WeightRead", "TagRead", "SealRead", "LoopRead"})
WRONG_WAY = "wrong_way"
LOOPS = ("arrive", "exit", "scale_front", "scale_rear")
_failures: dict[tuple[int, str], int] = defaultdict(int)


class Looked:
    """When each lane was last looked at, and up to which reading: one without news need not be looked at each time.

    Only a saving: whoever starts anew looks at every lane.
    """

    def __init__(self, every: timedelta = timedelta(milliseconds=200)) -> None:
        self._every = every
        self._last: dict[int, tuple[int, datetime]] = {}

    def is_due(self, lane_id: int, newest_id: int, now: datetime) -> bool:
        """Whether the lane has a reading that was not looked at, or its time has come."""
        newest, at = self._last.get(lane_id, (-1, now))
        return newest != newest_id or not timedelta(0) <= now - at < self._every

    def note(self, lane_id: int, newest_id: int, now: datetime) -> None:
        """The lane was looked at."""
        self._last[lane_id] = (newest_id, now)


def tick(database: Database, scope: Scope, sites: Collection[int], now: datetime, looked: Looked | None = None) -> int:
    """One round for all leased sites; returns how many readings were settled and passages moved on."""
    done = 0
    for site_id in sorted(sites):
        with database.unit_of_work(scope) as session:
            done += _round(session, site_id, now, looked or Looked())
    return done


def _round(session: Session, site_id: int, now: datetime, looked: Looked) -> int:
    rows = open_readings(session, site_id, MOST_READINGS)
    lanes = {lane.code: lane for lane in session.scalars(select(Lane).where(Lane.site_id == site_id))}
    by_lane: dict[str, list[OpenReading]] = defaultdict(list)
    strangers: list[int] = []
    done = 0
    for row in rows:
        if row.kind in LANE_KINDS and row.lane in lanes:
            by_lane[row.lane].append(row)
        elif row.kind in LANE_KINDS:
            strangers.append(row.id)
        else:
            done += _aside(session, row, lanes, now)
    if strangers:  # of no lane that is set up: one statement for all, there may be a thousand a second
        mark(session, strangers, IGNORED)
        done += len(strangers)
    standing = set(session.scalars(select(LaneState.lane_id).where(LaneState.passage_id.is_not(None))))
    newest = {lane.id: max((row.id for row in by_lane[code]), default=0) for code, lane in lanes.items()}
    busy = [lane for code, lane in lanes.items() if by_lane[code] or lane.id in standing]
    busy = [lane for lane in busy if looked.is_due(lane.id, newest[lane.id], now)]
    parameters = parameters_at(session, busy, now) if busy else {}
    for lane in busy:
        moved = _one_lane(session, lane, parameters[lane.id], by_lane[lane.code], now)
        if moved is not None:
            looked.note(lane.id, newest[lane.id], now)
            done += moved
    return done


def _aside(session: Session, row: OpenReading, lanes: dict[str, Lane], now: datetime) -> int:
    """What is no lane's: barrier states, command results and fence alarms have their own takers."""
    key = (row.site_id, f"reading {row.id}")
    try:
        with session.begin_nested():
            is_question = row.kind == "DeviceStatus"
            taken = _take_question(session, row, now) if is_question else take_reading(session, row, lanes)
    except OperationalError:
        raise
    except Exception:
        _failures[key] += 1
        log.exception("reading_failed", reading=row.id, kind=row.kind, times=_failures[key])
        if _failures[key] < GIVE_UP_AFTER:
            return 0  # it stays open and is tried again
        taken = False
        detail = f"{row.kind} {row.id}"
        new = NewAlarm(row.site_id, "device", "reading_failed", row.device_code or "?", row.recorded_at, detail, row.id)
        raise_alarm(session, new)
    _failures.pop(key, None)
    mark(session, [row.id], MATCHED if taken else IGNORED)
    return 1


def _take_question(session: Session, row: OpenReading, now: datetime) -> bool:
    """A customs front end that asks over MQTT is answered as it would be over its own connection."""
    from iot.doors.gathering import take_open  # noqa: PLC0415 - the doors stand on the lanes

    return take_open(session, row, now)


def _one_lane(
    session: Session, lane: Lane, parameters: LaneParameters, rows: Sequence[OpenReading], now: datetime
) -> int | None:
    """Returns what was done; None where the lane failed and is tried again."""
    key = (lane.site_id, lane.code)
    try:
        with session.begin_nested():
            done = _advance(session, lane, rules_of(lane, parameters), rows, now)
        _failures.pop(key, None)
        return done
    except OperationalError:
        raise
    except Exception:
        _failures[key] += 1
        log.exception("lane_failed", lane=lane.code, times=_failures[key], readings=[row.id for row in rows])
        raise_alarm(session, NewAlarm(lane.site_id, "lane", "lane_failed", lane.code, now))
        if rows and _failures[key] >= GIVE_UP_AFTER:
            _failures.pop(key)
            mark(session, [row.id for row in rows], IGNORED)
    return None


def _advance(session: Session, lane: Lane, rules: LaneRules, rows: Sequence[OpenReading], now: datetime) -> int:
    """Steps until the lane is quiet; each step sees what the one before it settled."""
    done, rest = 0, [_lane_reading(row) for row in rows]
    for _ in range(2 * len(rows) + 4):
        standing = load_standing(session, lane)
        steps = assemble(rules, standing, rest, now, _memory(session, lane, standing))
        settled: set[int] = set()
        waits = not steps
        for step in steps:
            applied = _apply(session, lane, step, now)
            waits = waits or applied is None
            settled |= set(applied or ())
        if waits:
            return done + len(settled)
        rest = [reading for reading in rest if reading.id not in settled]
        done += len(settled) + 1
    return done


def rules_of(lane: Lane, parameters: LaneParameters) -> LaneRules:
    """The lane's parameters of the instant as the assembling wants them."""
    return LaneRules(
        lane_id=lane.id,
        code=lane.code,
        has_loops=lane.has_loops,
        needs_container=parameters.needs_container,
        needs_weight=parameters.needs_weight,
        needs_tag=parameters.needs_tag,
        needs_seal=parameters.needs_seal,
        decide_within=timedelta(milliseconds=parameters.decide_within_ms),
        gap=timedelta(milliseconds=parameters.gap_ms),
        settle=timedelta(milliseconds=parameters.settle_ms),
        stable_for=timedelta(milliseconds=parameters.stable_ms),
        division_g=parameters.scale_division_g,
        antennas=parameters.tag_antennas,
        tag_margin_cdb=parameters.tag_margin_cdb,
        sure_permille=parameters.sure_permille,
    )


def sequence_no(lane_id: int, first_reading_id: int) -> str:
    """The passage's SEQ_NO: the same after every restart, because it names the reading that opened it."""
    return f"{lane_id}-{first_reading_id}"


def first_reading_of(lane_id: int, seq_no: str) -> int:
    """The reading that a sequence number of ours names; 0 for one that another front end gave."""
    head, _, tail = seq_no.rpartition("-")
    return int(tail) if head == str(lane_id) and tail.isdecimal() else 0


def _lane_reading(row: OpenReading) -> LaneReading:
    return LaneReading(
        row.id,
        row.kind,
        row.device_code or "",
        row.recorded_at,
        row.event_at,
        row.is_live,
        tuple(row.flags),
        row.payload,
    )


def load_standing(session: Session, lane: Lane) -> Standing | None:
    """The passage that stands in the lane, with the loop edges already kept with it."""
    passage = session.scalar(
        select(Passage)
        .join(LaneState, LaneState.passage_id == Passage.id)
        .where(LaneState.lane_id == lane.id)
        .execution_options(populate_existing=True)
    )
    if passage is None:
        return None
    kept = _kept(session, passage.id)
    edges = [one for one in kept if one.kind == "LoopRead" and (one.was_used or one.why in LOOPS)]
    own = [one for one in kept if one.kind == "PlateRead" and one.content.get("plate") == passage.plate is not None]
    return Standing(
        passage_id=passage.id,
        first_reading_id=first_reading_of(lane.id, passage.seq_no),
        opened_at=passage.opened_at,
        is_decided=passage.state != "open",
        has_passed=passage.state == "passed",
        plate=passage.plate,
        loops=tuple(LoopEdge(one.content["loop"], one.content["is_occupied"], one.received_at) for one in edges),
        warned_of=frozenset(one.reading_id for one in kept if one.why == ANOTHER_PLATE),
        plate_seen_at=max((one.received_at for one in own), default=None),
        object_ids=_object_ids(own),
    )


def _kept(session: Session, passage_id: int) -> Sequence[Any]:
    """Loop edges and plates that are kept with a passage, in their order."""
    return session.execute(
        select(
            PassageReading.reading_id, PassageReading.kind, PassageReading.device, PassageReading.was_used,
            PassageReading.why, PassageReading.content, PassageReading.received_at,
        )
        .where(PassageReading.passage_id == passage_id, PassageReading.kind.in_(("LoopRead", "PlateRead")))
        .order_by(PassageReading.reading_id)
    ).all()  # fmt: skip


def _object_ids(plates_read: Iterable[Any]) -> frozenset[str]:
    return frozenset(f"{one.device} {name}" for one in plates_read if (name := one.content.get("object_id")))


def _memory(session: Session, lane: Lane, standing: Standing | None) -> LaneMemory:
    state = session.execute(
        select(LaneState.scale_was_zero, LaneState.from_exit_at).where(LaneState.lane_id == lane.id)
    ).one_or_none()
    zero, from_exit_at = (state.scale_was_zero, state.from_exit_at) if state else (None, None)
    if standing is not None:
        return LaneMemory(scale_was_zero=zero is not False, came_from_exit_at=from_exit_at)
    last = session.scalars(
        select(Passage)
        .where(Passage.lane_id == lane.id, Passage.closed_at.is_not(None))
        .order_by(Passage.id.desc())
        .limit(1)
    ).first()
    if last is None:
        return LaneMemory(scale_was_zero=zero is not False)
    own = [one for one in _kept(session, last.id) if one.kind == "PlateRead" and one.content.get("plate") == last.plate]
    return LaneMemory(
        scale_was_zero=zero is not False,
        last_plate=last.plate,
        last_passage_id=last.id,
        last_closed_at=last.closed_at,
        last_seen_at=max((one.received_at for one in own), default=None),
        last_object_ids=_object_ids(own),
        came_from_exit_at=from_exit_at,
    )


def _apply(session: Session, lane: Lane, step: Step, now: datetime) -> Iterable[int] | None:
    """Write one step; returns the readings that are settled by it, None where the lane has to wait for customs.

    A stranger's stays open: it may be the next's.
    """
    settled: Iterable[int] | None = ()
    match step:
        case Open(first):
            open_passage(session, sequence_no(lane.id, first.id), lane.id, first.at)
        case Attach(passage_id, readings):
            settled = _attach(session, passage_id, readings)
        case Decide():
            settled = _decide(session, lane, step, now)
        case Close(passage_id, at, went_through, readings):
            settled = _attach(session, passage_id, readings)
            close_passage(session, passage_id, at=at, went_through=went_through)
        case NoteZero():
            forget_zero(session, lane.id, was_zero=True)
        case Ignore(readings):
            settled = _settled(session, readings, IGNORED)
        case Warn(passage_id, reading):
            attach_readings(session, passage_id, [_use(reading, False, ANOTHER_PLATE)])
            detail = str(reading.plate)
            raise_alarm(session, NewAlarm(lane.site_id, "lane", ANOTHER_PLATE, lane.code, now, detail, reading.id))
        case WrongWay(reading):
            session.execute(update(LaneState).where(LaneState.lane_id == lane.id).values(from_exit_at=reading.at))
            raise_alarm(session, NewAlarm(lane.site_id, "lane", WRONG_WAY, lane.code, now, "", reading.id))
    return settled


def _attach(session: Session, passage_id: int, readings: Sequence[tuple[LaneReading, str]]) -> list[int]:
    attach_readings(session, passage_id, [_use(reading, False, why) for reading, why in readings])
    return _settled(session, [reading for reading, _ in readings], MATCHED)


def _decide(session: Session, lane: Lane, step: Decide, now: datetime) -> Iterable[int] | None:
    command = DecidePassage(
        seq_no=sequence_no(lane.id, step.first_reading_id),
        lane_id=lane.id,
        opened_at=step.opened_at,
        decided_at=now,
        seen=step.seen,
        readings=tuple(_use(reading, used, why) for reading, used, why in step.uses),
    )
    decided = decide_or_ask(session, command)
    if decided is None:
        return None
    log.info("passage_decided", lane=lane.code, plate=step.seen.plate, verdict=decided.verdict, hold=decided.hold_code)
    if step.seen.weight_g is not None:
        forget_zero(session, lane.id, was_zero=False)
    return _settled(session, [reading for reading, _, _ in step.uses], MATCHED)


def _settled(session: Session, readings: Sequence[LaneReading], state: str) -> list[int]:
    ids = [reading.id for reading in readings]
    if ids:
        mark(session, ids, state)
    return ids


def _use(reading: LaneReading, was_used: bool, why: str) -> ReadingUse:
    content: dict[str, Any] = dict(reading.body)
    return ReadingUse(reading.id, reading.kind, reading.device, was_used, why, content, reading.event_at, reading.at)
