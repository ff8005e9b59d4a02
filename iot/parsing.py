"""From stored bytes to readings, in the order of arrival, each step in the transaction of its marks.

One worker reads what devices of lanes say, another all else: a vehicle does not wait for the readings of a cold store.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

import structlog
from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from iot import alarms, devices, memory, topics
from iot.devices.base import Message
from iot.events import Fault
from iot.register import KnownDevice, Register
from iot.signing import doubt_of
from iot.text import storable
from iot.understood import Stored, Understood, Written, write
from wms.db import Question, first_answer

log = structlog.get_logger(__name__)
BATCH = 500
LOUD_PER_S = 100  # from one source; a camera at a lane sends a few
LOOK_AHEAD = 50_000  # messages in which those of others are looked for

ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:who || app_tenant(), 0))")
# What is read can be read again: its commit need not wait for the disk. Whatever decides waits for both.
ALONE_LOOSELY = (
    "set_config('synchronous_commit', 'off', true) = 'off'"
    " AND pg_try_advisory_xact_lock(hashtextextended(%s || app_tenant(), 0))"
)


@dataclass(frozen=True)
class Whose:
    """Whose messages a worker reads. One of each name works at a time, so that a device is read in its order."""

    name: str
    condition: str = "true"

    @cached_property
    def waiting(self) -> TextClause:
        """Those that wait, in the order of arrival."""
        return text(
            f"""
            SELECT id, source, device_id, topic, payload, is_weak_key, is_retained, is_will, received_at
            FROM inbox WHERE state = 'received' AND {self.condition}
            ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
            """  # noqa: S608 - the conditions below
        )

    @cached_property
    def quiet(self) -> TextClause:
        """Those that wait behind a flood of others."""
        return text(
            f"""
            SELECT id, source, device_id, topic, payload, is_weak_key, is_retained, is_will, received_at
            FROM inbox WHERE state = 'received' AND {self.condition}
            AND id BETWEEN :first AND :last AND source <> ALL(:loud)
            ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
            """  # noqa: S608 - the conditions below
        )

    @cached_property
    def alone(self) -> Question:
        """What a unit of work begins with that reads them, for :func:`parse_begun`."""
        return Question(ALONE_LOOSELY, (self.name,))


ALL = Whose("dongting parse ")
# The table says whose a message is, not the register that a process holds: each is read by one of the two.
LANE_DEVICES = "SELECT device.id FROM device WHERE device.is_active AND device.lane <> ''"
OF_LANES = Whose("dongting parse lanes ", f"device_id IN ({LANE_DEVICES})")
OF_OTHERS = Whose("dongting parse ", f"(device_id IS NULL OR device_id NOT IN ({LANE_DEVICES}))")
AGAIN = text(
    """
    SELECT id, source, device_id, topic, payload, is_weak_key, is_retained, is_will, received_at
    FROM inbox WHERE id = ANY(:ids) ORDER BY id FOR UPDATE
    """
)
ONE = text(
    """
    SELECT id, source, device_id, topic, payload, is_weak_key, is_retained, is_will, received_at
    FROM inbox WHERE id = :id AND state = 'received' FOR UPDATE
    """
)
FOREIGN = text("SELECT inbox_id FROM dead_letter WHERE inbox_id = ANY(:ids) AND reason = 'foreign_topic'")
CLOSE_LETTERS = text("UPDATE dead_letter SET closed_at = now() WHERE inbox_id = ANY(:ids) AND closed_at IS NULL")


@dataclass(frozen=True)
class Done:
    """What one round brought: messages read, the highest reading id, whether any is open, who was heard."""

    messages: int = 0
    reading_id: int = 0
    is_open: bool = False
    device_ids: frozenset[int] = frozenset()


def parse_waiting(
    session: Session, register: Register, limit: int = BATCH, fresh: Callable[[], Register] | None = None,
    whose: Whose = ALL,
) -> Done:  # fmt: skip
    """Read up to ``limit`` waiting messages in the order of arrival. One worker of a tenant reads ``whose`` at a time.

    ``fresh`` reads the register anew: the door may have let in a device that was registered a moment ago.
    """
    if not session.execute(ALONE, {"who": whose.name}).scalar_one():
        return Done()
    return _parse(session, register, limit, fresh, whose)


def parse_begun(session: Session, register: Register, fresh: Callable[[], Register], whose: Whose) -> Done:
    """As :func:`parse_waiting`, in a unit of work that began with ``whose.alone``."""
    return _parse(session, register, BATCH, fresh, whose) if first_answer(session) else Done()


def _parse(
    session: Session, register: Register, limit: int, fresh: Callable[[], Register] | None, whose: Whose
) -> Done:
    given = {"limit": limit}
    rows = [_stored(row) for row in session.execute(whose.waiting, given)]
    if len(rows) == limit and (loud := _loud(rows)):
        rows = _with_the_quiet(session, rows, loud, limit, whose, given)
    if fresh is not None and any(row.device_id and row.device_id not in register.by_id for row in rows):
        register = fresh()
    return _understand_all(session, register, rows)


def _loud(rows: Sequence[Stored]) -> dict[str, int]:
    """A source that sent more than half of these messages, and within a few seconds: how many each."""
    share = {source: n for source, n in Counter(row.source for row in rows).items() if n > len(rows) // 2}
    loud = {}
    for source, n in share.items():
        at = [row.received_at for row in rows if row.source == source]
        if max(at) - min(at) < timedelta(seconds=n / LOUD_PER_S):
            loud[source] = n
    return loud


def _with_the_quiet(
    session: Session, rows: Sequence[Stored], loud: Mapping[str, int], limit: int, whose: Whose,
    given: Mapping[str, Any],
) -> list[Stored]:  # fmt: skip
    """Whoever waits behind a flood is read with its first messages, not after its last; the flood is an alarm."""
    for source, n in sorted(loud.items()):
        device_id = next(row.device_id for row in rows if row.source == source)
        detail = f"{n} of {len(rows)} waiting messages are its own"
        alarms.raise_alarm(session, "flood", source, detail, device_id=device_id, n=n)
    others = [row for row in rows if row.source not in loud]
    within = {"first": rows[-1].id + 1, "last": rows[0].id + LOOK_AHEAD, "loud": list(loud), "limit": limit // 2}
    others += [_stored(row) for row in session.execute(whose.quiet, {**given, **within})]
    own = [row for row in rows if row.source in loud][: max(limit - len(others), limit // 4)]
    return sorted([*others, *own], key=lambda row: row.id)


def parse_now(session: Session, register: Register, inbox_id: int) -> Done:
    """Read one message at once, for a door that must answer it; one that is read already stays as it is."""
    rows = [_stored(row) for row in session.execute(ONE, {"id": inbox_id})]
    return _understand_all(session, register, rows)


def replay(session: Session, register: Register, inbox_ids: Iterable[int]) -> Done:
    """Read stored messages again, with the adapters of today: readings that were missing are added, letters closed.

    A reading that is there already stays as it is. What comes of a replay is history: it never moves a barrier. A
    message that nobody was registered for belongs to the device that is registered for its topic now; what a device
    may not say stays in quarantine.
    """
    given = {"ids": list(inbox_ids)}
    foreign = {row.inbox_id for row in session.execute(FOREIGN, given)}
    found = [_stored(row) for row in session.execute(AGAIN, given)]
    rows = [kept for row in found if row.id not in foreign and (kept := _owned(register, row)) is not None]
    session.execute(CLOSE_LETTERS, {"ids": [row.id for row in rows]})
    return _understand_all(session, register, rows, is_replay=True)


def _owned(register: Register, row: Stored) -> Stored | None:
    """The row with its device; None while nobody is registered for it."""
    if row.device_id is not None:
        return row
    device = register.by_topic(row.topic)
    if device is None:
        return None
    return replace(row, device_id=device.id, source=device.code)


def _stored(row: Any) -> Stored:
    return Stored(**{**row._mapping, "payload": bytes(row.payload)})


def _understand_all(session: Session, register: Register, rows: Sequence[Stored], *, is_replay: bool = False) -> Done:
    if not rows:
        return Done()
    understood = [understand(row, register) for row in rows]
    if not is_replay:
        understood = _compared(session, understood)
    try:
        with session.begin_nested():
            written = write(session, understood, is_replay=is_replay)
    except OperationalError:
        raise
    except DBAPIError as refusal:  # one of them cannot be bound: find it, spare its neighbours
        log.warning("readings_refused", error=str(refusal.orig)[:300], messages=len(rows))
        each = [_write_alone(session, one, is_replay=is_replay) for one in understood]
        written = Written(max(one.reading_id for one in each), any(one.is_open for one in each))
    heard = frozenset(one.device.id for one in understood if one.device)
    return Done(len(rows), written.reading_id, written.is_open, heard)


def _compared(session: Session, understood: Sequence[Understood]) -> list[Understood]:
    """Each beside what its device said before it, for the formats that send states or deltas."""
    recalled = memory.recall(session, (one.device for one in understood if one.device))
    compared = [_beside(one, recalled) for one in understood]
    memory.keep(session, recalled)
    return compared


def _beside(one: Understood, recalled: memory.Memory) -> Understood:
    if one.device is None or one.doubt is not None:
        return one
    message = _message(one.stored, one.device)
    return replace(one, results=recalled.compare(one.device, one.adapter, message, tuple(one.results)))


def _message(stored: Stored, device: KnownDevice | None) -> Message:
    return Message(payload=stored.payload, topic=stored.topic, profile=device.profile if device else {})


def understand(stored: Stored, register: Register) -> Understood:
    """Ask the device's format what the message says. Never raises."""
    device = register.by_id.get(stored.device_id) if stored.device_id else None
    name = device.format if device else "dongting"
    own = topics.parse(stored.topic)
    if own and own.leaf in (topics.STATUS, topics.CMD_RESULT):
        name = "dongting"  # status and results on our own topics are ours, whatever the device's format
    known = devices.FORMATS.get(name)
    results = devices.parse(name, _message(stored, device))
    doubt = doubt_of(device.keys, stored.payload, stored.received_at, must_sign=device.must_sign) if device else None
    return Understood(stored, device, name, known.version if known else 0, results, doubt)


def _write_alone(session: Session, one: Understood, *, is_replay: bool) -> Written:
    try:
        with session.begin_nested():
            return write(session, [one], is_replay=is_replay)
    except OperationalError:
        raise
    except DBAPIError as refusal:
        detail = storable(str(refusal.orig))[:500]
        buried = replace(one, results=(Fault(fault="refused_by_database", detail=detail),))
        with session.begin_nested():
            return write(session, [buried], is_replay=is_replay)
