"""What was understood, written down: readings, letters that nobody could read, sequences, status, when last heard."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from iot import alarms, sequence, temperatures, topics
from iot.devices.base import Malformed, load_object
from iot.devices.dongting import envelope_of
from iot.events import AHEAD, LATE, NEVER_OPENS, RETAINED, WEAK_KEY, Fault, Reading, VideoEvent, as_json
from iot.register import KnownDevice
from iot.text import storable

LATE_AFTER = timedelta(seconds=5)
LONGEST_KEY = 400
# What lanes, barrier and fence look at; the rest is history from the start.
LANE_KINDS = frozenset({"PlateRead", "ContainerRead", "WeightRead", "TagRead", "SealRead", "LoopRead"})
OPEN_KINDS = LANE_KINDS | {"BarrierRead", "CommandResult", "FenceAlarm"}

# One JSON document for all rows: an array of texts would be escaped sign by sign on our side. A row with a digest has
# its maker's own key, which makes it the same reading in whatever week it comes; the others are new, unless replayed.
WRITE = text(
    """
    WITH came AS MATERIALIZED (
        SELECT new_reading_id() AS id, in_order.*,
               CASE WHEN has_key THEN key_digest(app_tenant(), source, reading_key) END AS digest
        FROM (SELECT * FROM ROWS FROM (jsonb_to_recordset(CAST(:rows AS jsonb)) AS (
                  inbox_id bigint, source text, reading_key text, site_id bigint, device_id bigint, lane text,
                  kind text, event_at timestamptz, recorded_at timestamptz, skew_ms bigint, is_live boolean,
                  flags text[], payload jsonb, adapter text, adapter_version int, state text, has_key boolean))
              WITH ORDINALITY AS r (inbox_id, source, reading_key, site_id, device_id, lane, kind, event_at,
                  recorded_at, skew_ms, is_live, flags, payload, adapter, adapter_version, state, has_key, place)
              ORDER BY place) AS in_order
    ), fresh AS (
        INSERT INTO reading_key (digest, reading_id) SELECT digest, id FROM came WHERE has_key ORDER BY id
        ON CONFLICT (digest) DO NOTHING RETURNING reading_id
    )
    INSERT INTO reading (id, inbox_id, source, reading_key, site_id, device_id, lane, kind, event_at, recorded_at,
                         skew_ms, is_live, flags, payload, adapter, adapter_version, state)
    SELECT id, inbox_id, source, reading_key, site_id, device_id, lane, kind, event_at, recorded_at, skew_ms, is_live,
           flags, payload, adapter, adapter_version, state
    FROM came
    WHERE CASE WHEN has_key THEN id IN (SELECT reading_id FROM fresh)
               ELSE NOT CAST(:is_replay AS boolean) OR NOT EXISTS (
                   SELECT FROM reading known
                   WHERE known.inbox_id = came.inbox_id AND known.reading_key = came.reading_key) END
    RETURNING id, source, reading_key
    """
)
SAME = text(
    """
    SELECT count(*) FROM reading_key JOIN reading ON reading.id = reading_key.reading_id
    WHERE reading_key.digest = key_digest(app_tenant(), :source, :reading_key)
      AND reading.payload - 'flags' = CAST(:payload AS jsonb) - 'flags'
    """
)
BURY = text(
    """
    INSERT INTO dead_letter (inbox_id, reason, detail, adapter, adapter_version)
    SELECT * FROM unnest(CAST(:inbox_id AS bigint[]), CAST(:reason AS text[]), CAST(:detail AS text[]),
                         CAST(:adapter AS text[]), CAST(:adapter_version AS int[]))
    """
)
SETTLE = text(
    """
    UPDATE inbox SET state = done.state, adapter = done.adapter, adapter_version = done.adapter_version
    FROM unnest(CAST(:id AS bigint[]), CAST(:state AS text[]), CAST(:adapter AS text[]),
                CAST(:adapter_version AS int[])) AS done (id, state, adapter, adapter_version)
    WHERE inbox.id = done.id AND inbox.id = ANY(:id)
    """
)
SEEN = text(
    """
    INSERT INTO device_state (device_id, last_seen_at, skew_ms)
    SELECT * FROM unnest(CAST(:device_ids AS bigint[]), CAST(:ats AS timestamptz[]), CAST(:skews AS bigint[]))
    ON CONFLICT (device_id) DO UPDATE
    SET last_seen_at = greatest(device_state.last_seen_at, excluded.last_seen_at),
        skew_ms = coalesce(excluded.skew_ms, device_state.skew_ms)
    """
)
STATUS = text(
    """
    INSERT INTO device_state (device_id, is_online, boot, status_topic, status_payload, status_at)
    VALUES (:device_id, :is_online, :boot, :topic, :payload, :at)
    ON CONFLICT (device_id) DO UPDATE
    SET is_online = excluded.is_online, boot = coalesce(excluded.boot, device_state.boot),
        status_topic = excluded.status_topic, status_payload = excluded.status_payload, status_at = excluded.status_at
    WHERE device_state.status_at IS NULL OR device_state.status_at <= excluded.status_at
    """
)


@dataclass(frozen=True)
class Stored:
    """A row of the inbox as the worker takes it."""

    id: int
    source: str
    device_id: int | None
    topic: str
    payload: bytes
    is_weak_key: bool
    is_retained: bool
    is_will: bool
    received_at: datetime


@dataclass(frozen=True)
class Understood:
    """What one stored message was read as, and by whom. ``doubt``: it lacks the signature that it should have."""

    stored: Stored
    device: KnownDevice | None
    adapter: str
    version: int
    results: Sequence[Reading | Fault]
    doubt: str | None = None

    @property
    def readings(self) -> list[Reading]:
        """Its readings."""
        return [one for one in self.results if isinstance(one, Reading)]

    @property
    def faults(self) -> list[Fault]:
        """Its faults."""
        return [one for one in self.results if isinstance(one, Fault)]


@dataclass(frozen=True)
class Written:
    """The highest reading id (0: none is new), and whether a lane, the barrier or the fence has to look at any."""

    reading_id: int = 0
    is_open: bool = False


def write(session: Session, understood: Sequence[Understood], *, is_replay: bool) -> Written:
    """Write everything; what was written tells whether somebody has to look."""
    rows = [row for one in understood for row in _reading_rows(one, is_replay=is_replay)]
    highest = _write_readings(session, rows, is_replay=is_replay) if rows else 0
    letters = [(one, fault) for one in understood for fault in one.faults]
    if letters:
        _bury(session, letters)
    session.execute(
        SETTLE,
        {
            "id": [one.stored.id for one in understood],
            "state": ["parsed" if one.readings else "dead" for one in understood],
            "adapter": [one.adapter for one in understood],
            "adapter_version": [one.version for one in understood],
        },
    )
    _alarm_doubts(session, understood)
    for step in (_note_sequences, _note_status, _note_seen):
        step(session, understood)
    temperatures.keep(
        session,
        (
            (one.device.code, one.stored.received_at, reading)
            for one in understood
            if one.device is not None
            for reading in one.readings
        ),
    )
    return Written(highest, any(row["state"] == "open" for row in rows))


def _alarm_doubts(session: Session, understood: Sequence[Understood]) -> None:
    """What is not signed as it should be is kept, and somebody hears of it."""
    counted = Counter((one.doubt, one.device.code, one.device.id) for one in understood if one.doubt and one.device)
    for (doubt, code, device_id), n in counted.items():
        alarms.raise_alarm(session, str(doubt), code, "its readings open nothing", device_id=device_id, n=n)


def _reading_rows(one: Understood, *, is_replay: bool) -> Iterable[dict[str, Any]]:
    for place, reading in enumerate(one.readings):
        body = as_json(reading)
        flags = _flags(one, reading, is_replay=is_replay)
        body["flags"] = list(flags)
        key = f"{reading.kind}:{reading.key}" if reading.key else f"inbox:{one.stored.id}:{place}"
        if len(key) > LONGEST_KEY:
            key = key[: LONGEST_KEY - 70] + "#" + short_hash(key)
        known = one.device.lane if one.device else None
        lane = known or body.get("lane")
        is_open = bool(one.device) and _is_open(one.adapter, reading, lane, is_replay=is_replay)
        yield {
            "inbox_id": one.stored.id,
            "source": one.device.code if one.device else one.stored.source,
            "reading_key": key,
            "has_key": bool(reading.key),
            "site_id": one.device.site_id if one.device else None,
            "device_id": one.device.id if one.device else None,
            "lane": lane,
            "kind": reading.kind,
            "event_at": reading.event_at and reading.event_at.isoformat(),
            "recorded_at": one.stored.received_at.isoformat(),
            "skew_ms": _skew_ms(one.stored, reading),
            "is_live": not (NEVER_OPENS & set(flags)),
            "flags": flags,
            "payload": body,
            "adapter": one.adapter,
            "adapter_version": one.version,
            "state": "open" if is_open else "ignored",
        }


def _is_open(adapter: str, reading: Reading, lane: str | None, *, is_replay: bool) -> bool:
    """Whether somebody looks at it. An alarm that is read late still needs a person; the rest is history by then.

    What a lane would look at needs a lane: a camera at the quay has none. Of what recorders notice only their alerts
    are looked at. A customs front end's message is one question, answered as a whole: its parts open no passage of
    their own.
    """
    if adapter == "gather":
        return reading.kind == "DeviceStatus" and not is_replay
    if isinstance(reading, VideoEvent):
        return reading.phase.startswith("review_") and reading.more.get("severity") == "alert"
    if reading.kind in LANE_KINDS and not lane:
        return False
    return reading.kind in OPEN_KINDS and (not is_replay or reading.kind == "FenceAlarm")


def short_hash(key: str) -> str:
    """A short stand-in for the end of a key that is too long for an index."""
    return hashlib.sha256(key.encode()).hexdigest()


def _skew_ms(stored: Stored, reading: Reading) -> int | None:
    if reading.event_at is None:
        return None
    return (stored.received_at - reading.event_at) // timedelta(milliseconds=1)


def _flags(one: Understood, reading: Reading, *, is_replay: bool) -> tuple[str, ...]:
    flags = dict.fromkeys(reading.flags)
    if is_replay:
        flags["replayed"] = None
    if one.stored.is_retained:
        flags[RETAINED] = None
    if one.doubt:
        flags[one.doubt] = None
    if one.stored.is_weak_key and not reading.key:
        flags[WEAK_KEY] = None
    if reading.event_at is not None:
        behind = one.stored.received_at - reading.event_at
        if behind > LATE_AFTER:
            flags[LATE] = None
        elif behind < -LATE_AFTER:
            flags[AHEAD] = None
    return tuple(flags)


def _write_readings(session: Session, rows: Sequence[dict[str, Any]], *, is_replay: bool) -> int:
    given = {"rows": json.dumps(rows), "is_replay": is_replay}
    written = {(row.source, row.reading_key): row.id for row in session.execute(WRITE, given)}
    fresh = dict(written)
    for row in rows:
        if fresh.pop((row["source"], row["reading_key"]), None) is None and row["has_key"]:
            _meet_again(session, row, is_replay=is_replay)
    return max(written.values(), default=0)


def _meet_again(session: Session, row: dict[str, Any], *, is_replay: bool) -> None:
    """The maker's own key came again: the same content is a copy; other content is a conflict, kept and shown.

    When a replay reads the same bytes otherwise than the adapter of then, both stand: the new one under a key that
    names the adapter and what it read.
    """
    payload = json.dumps(row["payload"])
    same = {"source": row["source"], "reading_key": row["reading_key"], "payload": payload}
    if session.execute(SAME, same).scalar_one():
        return
    if is_replay:
        unflagged = json.dumps({name: value for name, value in row["payload"].items() if name != "flags"})
        key = f"{row['reading_key']}@{row['adapter_version']}:{short_hash(unflagged)[:16]}"
        session.execute(WRITE, {"rows": json.dumps([{**row, "reading_key": key}]), "is_replay": True})
        return
    letter = {
        "inbox_id": [row["inbox_id"]],
        "reason": ["reading_conflict"],
        "detail": [row["reading_key"][:500]],
        "adapter": [row["adapter"]],
        "adapter_version": [row["adapter_version"]],
    }
    session.execute(BURY, letter)
    alarms.raise_alarm(session, "conflict", row["source"], row["reading_key"], device_id=row["device_id"])


def _bury(session: Session, letters: Sequence[tuple[Understood, Fault]]) -> None:
    session.execute(
        BURY,
        {
            "inbox_id": [one.stored.id for one, _ in letters],
            "reason": [fault.fault for _, fault in letters],
            "detail": [storable(fault.detail)[:500] for _, fault in letters],
            "adapter": [one.adapter for one, _ in letters],
            "adapter_version": [one.version for one, _ in letters],
        },
    )
    counted: dict[tuple[str, int | None], list[str]] = {}
    for one, fault in letters:
        source = one.device.code if one.device else one.stored.source
        counted.setdefault((source, one.device.id if one.device else None), []).append(fault.fault)
    for (source, device_id), faults in counted.items():
        alarms.raise_alarm(session, "dead_letter", source, faults[-1], device_id=device_id, n=len(faults))


def _note_sequences(session: Session, understood: Sequence[Understood]) -> None:
    """The numbers of our own envelopes, also of those whose content could not be read: their bytes are held."""
    heard: dict[int, sequence.Heard] = {}
    for one in understood:
        device = one.device
        if device is None or one.adapter != "dongting" or one.stored.is_will:
            continue
        try:
            envelope = envelope_of(load_object(one.stored.payload))
        except Malformed:
            continue
        if envelope.seq is not None and envelope.boot is not None:
            known = heard.get(device.id)
            by_boot = known.by_boot if known else {}
            by_boot.setdefault(envelope.boot, []).append(envelope.seq)
            heard[device.id] = sequence.Heard(device.code, by_boot, one.stored.received_at)
    sequence.record(session, heard)


def _note_status(session: Session, understood: Sequence[Understood]) -> None:
    for one in understood:
        own = topics.parse(one.stored.topic)
        if one.device is None or own is None or own.leaf != topics.STATUS or not one.readings:
            continue
        body = as_json(one.readings[0])
        session.execute(
            STATUS,
            {
                "device_id": one.device.id,
                "is_online": body["state"] == "online",
                "boot": body["boot"],
                "topic": one.stored.topic,
                "payload": one.stored.payload,
                "at": one.stored.received_at,
            },
        )


def _note_seen(session: Session, understood: Sequence[Understood]) -> None:
    last: dict[int, tuple[datetime, int | None]] = {}
    for one in understood:
        if one.device is None or one.stored.is_will:
            continue
        skews = [_skew_ms(one.stored, reading) for reading in one.readings if "replayed" not in reading.flags]
        known = next((skew for skew in skews if skew is not None), None)
        last[one.device.id] = (one.stored.received_at, known)
    if last:
        seen = [(device_id, *last[device_id]) for device_id in sorted(last)]
        columns = {"device_ids": 0, "ats": 1, "skews": 2}
        session.execute(SEEN, {name: [row[place] for row in seen] for name, place in columns.items()})
