"""The lane loop: take open readings of a site, put passages together, have them decided, in one transaction each site.

A lane that fails does not stop its neighbours: its part is undone by a savepoint, alarmed and tried again; after five
times its waiting readings are set aside (they stay stored) so that one poisoned reading cannot close a lane for good.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from iot.barrier import take_reading
from iot.lanes.assemble import Attach, Close, Decide, Ignore, NoteZero, Open, Step, Warn, WrongWay, assemble
from iot.lanes.readings import LaneReading, LaneRules
from iot.lanes.views import STATE, Views, sequence_no
from iot.readings import OpenReading, mark, open_readings
from iot.tables import IGNORED, MATCHED
from iot.understood import LANE_KINDS
from wms.db import Database, Scope
from wms.gate.rules.lane import LaneParameters
from wms.gate.rules.refusals import VehicleGone
from wms.gate.service import (
    DecidePassage,
    ReadingUse,
    attach_readings,
    close_passage,
    decide_or_ask,
    newest_rule,
    open_passage,
    parameters_from,
)
from wms.gate.service.barrier import forget_zero
from wms.gate.service.releasing import ANOTHER_PLATE
from wms.gate.tables import Lane, LaneRule, LaneState
from wms.watch.service import NewAlarm, raise_alarm

log = structlog.get_logger(__name__)
MOST_READINGS = 2_000
GIVE_UP_AFTER = 5
WRONG_WAY = "wrong_way"
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

    def has_news(self, lane_id: int, newest_id: int) -> bool:
        """Whether the lane has a reading that was not looked at."""
        return newest_id > self._last.get(lane_id, (-1,))[0]

    def note(self, lane_id: int, newest_id: int, now: datetime) -> None:
        """The lane was looked at."""
        self._last[lane_id] = (newest_id, now)


def tick(
    database: Database,
    scope: Scope,
    sites: Collection[int],
    now: datetime,
    looked: Looked | None = None,
    send: Callable[[Session, int], Callable[[], None]] | None = None,
) -> int:
    """One round for all leased sites; returns how many readings were settled and passages moved on.

    A decision is committed before the next lane is looked at. ``send(session, site_id)`` takes out what is due to the
    site's barriers in the transaction of the decision; what it returns is called behind the commit, to let it leave.
    """
    done, looked, began = 0, looked or Looked(), time.monotonic()
    for site_id in sorted(sites):
        is_cut, at = True, now
        while is_cut:
            leave = None
            with database.unit_of_work(scope) as session:
                moved, is_cut = _round(session, site_id, at, looked)
                if is_cut and send is not None:
                    leave = _send_with_it(session, site_id, send)
            if leave is not None:
                leave()
            done += moved
            at = now + timedelta(seconds=time.monotonic() - began)
    return done


def _send_with_it(
    session: Session, site_id: int, send: Callable[[Session, int], Callable[[], None]]
) -> Callable[[], None] | None:
    """A command that cannot be sent undoes no decision: it stays queued and is tried again by itself."""
    try:
        with session.begin_nested():
            return send(session, site_id)
    except OperationalError:
        raise
    except Exception:
        log.exception("not_sent_with_its_decision", site=site_id)
    return None


def _round(session: Session, site_id: int, now: datetime, looked: Looked) -> tuple[int, bool]:
    """What was done, and whether the round was cut short behind a decision: the other lanes wait for its commit."""
    rows = open_readings(session, site_id, MOST_READINGS)
    found = session.execute(lanes_at(now).where(Lane.site_id == site_id)).all()
    lanes, states = {row.Lane.code: row.Lane for row in found}, {row.Lane.id: row for row in found}
    by_lane: dict[str, list[OpenReading]] = defaultdict(list)
    strangers: list[int] = []
    done = 0
    for row in rows:
        if row.kind in LANE_KINDS and row.lane is not None and row.lane in lanes:
            by_lane[row.lane].append(row)
        elif row.kind in LANE_KINDS:
            strangers.append(row.id)
        else:
            done += _aside(session, row, lanes, now)
    if strangers:  # of no lane that is set up: one statement for all, there may be a thousand a second
        mark(session, strangers, IGNORED)
        done += len(strangers)
    busy = _busy(lanes, states, by_lane, now, looked)
    views = Views(session, busy, states)
    for lane in busy:
        newest = _newest(by_lane[lane.code])
        parameters = parameters_from(lane, states[lane.id].LaneRule)
        moved = _one_lane(session, lane, parameters, views, by_lane[lane.code], now)
        if moved is None:
            continue
        looked.note(lane.id, newest, now)
        done += moved.n
        if moved.has_decided:
            return done, True
    return done, False


def lanes_at(now: datetime) -> Any:
    """Each lane with its state and the dated rules that hold, in one statement."""
    return (
        select(Lane, LaneRule, *STATE)
        .outerjoin(LaneState, LaneState.lane_id == Lane.id)
        .outerjoin(LaneRule, LaneRule.id == newest_rule(now))
    )


def _newest(rows: Sequence[OpenReading]) -> int:
    return max((row.id for row in rows), default=0)


def _busy(
    lanes: Mapping[str, Lane], states: Mapping[int, Any], by_lane: Mapping[str, Sequence[OpenReading]], now: datetime,
    looked: Looked,
) -> list[Lane]:  # fmt: skip
    """Lanes with readings or with a vehicle whose time has come to be looked at, those with news first."""
    newest = {lane.id: _newest(by_lane.get(code, ())) for code, lane in lanes.items()}
    busy = [lane for lane in lanes.values() if newest[lane.id] or states[lane.id].passage_id is not None]
    due = [lane for lane in busy if looked.is_due(lane.id, newest[lane.id], now)]
    return sorted(due, key=lambda lane: looked.has_news(lane.id, newest[lane.id]), reverse=True)


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


class Moved(NamedTuple):
    """How many readings were settled and steps taken in a lane, and whether a vehicle was decided about."""

    n: int
    has_decided: bool


def _one_lane(
    session: Session, lane: Lane, parameters: LaneParameters, views: Views, rows: Sequence[OpenReading], now: datetime
) -> Moved | None:
    """Returns what was done; None where the lane failed and is tried again."""
    key = (lane.site_id, lane.code)
    try:
        moved = _advance(session, lane, parameters, views, rows, now)
        _failures.pop(key, None)
        return moved
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


def _advance(
    session: Session, lane: Lane, parameters: LaneParameters, views: Views, rows: Sequence[OpenReading], now: datetime
) -> Moved:
    """Steps until the lane is quiet; each step sees what the one before it settled. All of them stand or fall."""
    rules, rest, view = rules_of(lane, parameters), [_lane_reading(row) for row in rows], views.of(lane)
    if not (steps := assemble(rules, view.standing, rest, now, view.memory)):
        return Moved(0, False)
    done, has_decided = 0, False
    with session.begin_nested():
        for _ in range(2 * len(rows) + 4):
            settled: set[int] = set()
            waits = False
            for step in steps:
                applied = _apply(session, lane, parameters, step, now)
                waits = waits or applied is None
                has_decided = has_decided or (isinstance(step, Decide) and applied is not None)
                settled |= set(applied or ())
            if waits:
                return Moved(done + len(settled), has_decided)
            rest = [reading for reading in rest if reading.id not in settled]
            done += len(settled) + 1
            if has_decided and not rest:
                break  # a vehicle that is decided about stands until something more is read
            view = Views(session, [lane]).of(lane)
            if not (steps := assemble(rules, view.standing, rest, now, view.memory)):
                break
    return Moved(done, has_decided)


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


def _apply(session: Session, lane: Lane, parameters: LaneParameters, step: Step, now: datetime) -> Iterable[int] | None:
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
            settled = _decide(session, lane, parameters, step, now)
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


def _decide(
    session: Session, lane: Lane, parameters: LaneParameters, step: Decide, now: datetime
) -> Iterable[int] | None:
    command = DecidePassage(
        seq_no=sequence_no(lane.id, step.first_reading_id),
        lane_id=lane.id,
        opened_at=step.opened_at,
        decided_at=now,
        seen=step.seen,
        readings=tuple(_use(reading, used, why) for reading, used, why in step.uses),
        rules=parameters,
    )
    try:
        decided = decide_or_ask(session, command)
    except VehicleGone:  # an officer has said so since the lane was looked at; it is looked at again
        return None
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
