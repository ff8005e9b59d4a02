"""The one inbox: stored first, then acknowledged, then understood.

A door (``iot.broker``, ``iot.client``, HTTP) hands over :class:`Arrival` rows; :func:`store` writes a batch of them in
the caller's transaction, and only after its commit does the door acknowledge. Nothing is parsed before it is stored.

How the rest of the room works on it
------------------------------------
1. ``store``: rows of table ``inbox``, unique by (tenant, source, message_key), whose digest is the key of
   ``inbox_key``: the inbox itself is divided by week (``partitions.sql``, ``iot.retention``). The same id with the
   same bytes is one row and a count; with other bytes it is a row of ``inbox_conflict`` and an alarm. What no device
   may say (foreign topic, unknown device, broken id) is stored as ``dead``, its reason in ``dead_letter``: quarantine.
2. ``iot.parsing`` reads ``received`` rows in order (FOR UPDATE SKIP LOCKED), asks the device's format for readings and
   writes rows of table ``reading`` or dead letters, all in one transaction with the new state of the inbox row. A
   newer adapter may read a dead or parsed row again (``iot.parsing.replay``).
3. The lane loop (``iot.lanes``, see ``iot.readings``) takes ``reading`` rows with ``state = 'open'`` of the sites that
   this process holds the lease for, in the order of ``id`` inside (site_id, lane), and marks them ``matched`` or
   ``ignored`` in the transaction of what it made of them. The columns:
   ``id, inbox_id, site_id, device_id, lane, kind, event_at, recorded_at, skew_ms, is_live, flags, payload, state``;
   ``kind`` is the class name in ``iot.events``, ``payload`` its ``as_json``. Matching goes by ``recorded_at`` (when it
   came to our door); ``event_at`` (theirs) is kept beside it. **A reading whose ``is_live`` is false never
   moves a barrier.**
4. ``iot.ingest`` calls, in a thread of their own and whenever readings were committed, at least each 200 ms:
   ``iot.lanes.tick(database, scope, sites, now) -> int`` and ``iot.barrier.tick(database, scope, sites, now) -> int``
   (``database``: wms.db.Database, ``scope``: wms.db.Scope, ``sites``: frozenset of leased site ids, ``now``: aware
   datetime). They open their own units of work and return how many rows they dealt with; a positive number gets them
   called again at once. An exception is logged, counted and the tick is tried again after 0.5 s.
5. Messages to devices: ``iot.outbox.publish(session, topic, payload, qos=1, expires_at=…, site_id=…) -> int`` in the
   transaction that decided them; the ingest process sends them at once and marks them ``sent``, ``expired`` or
   ``unheard`` (no connected client listens to that topic).
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from iot import alarms
from iot.text import storable

MESSAGE_KEY = re.compile(r"[\x21-\x7e]{1,200}")
MAX_TOPIC_CHARS = 1024


class Outcome(StrEnum):
    """What became of an arrival; each of them is committed and may be acknowledged."""

    STORED = "stored"
    COPY = "copy"  # the same source, id and bytes: held once
    CONFLICT = "conflict"  # the same source and id, other bytes: both held
    DEAD = "dead"  # held in quarantine, with a reason


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A message at a door. ``reason`` set means quarantine. ``source`` is the authenticated device, else the topic."""

    source: str
    message_key: str
    topic: str
    payload: bytes
    qos: int
    door: str
    is_weak_key: bool = False
    is_dup: bool = False
    is_retained: bool = False
    is_will: bool = False
    device_id: int | None = None
    reason: str | None = None
    detail: str = ""
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def identity(self) -> tuple[str, str]:
        """What makes two arrivals the same message."""
        return self.source, self.message_key


# The key tells whether the message came before, in whatever week; only a new one makes a row, in the order of arrival.
INSERT = text(
    """
    WITH came AS MATERIALIZED (
        SELECT new_inbox_id() AS id, key_digest(app_tenant(), source, message_key) AS digest, in_order.*
        FROM (SELECT * FROM unnest(
                  CAST(:source AS text[]), CAST(:message_key AS text[]), CAST(:is_weak_key AS boolean[]),
                  CAST(:device_id AS bigint[]), CAST(:topic AS text[]), CAST(:payload AS bytea[]),
                  CAST(:qos AS smallint[]), CAST(:is_dup AS boolean[]), CAST(:is_retained AS boolean[]),
                  CAST(:is_will AS boolean[]), CAST(:door AS text[]), CAST(:received_at AS timestamptz[]),
                  CAST(:state AS text[]))
              WITH ORDINALITY AS came (source, message_key, is_weak_key, device_id, topic, payload, qos, is_dup,
                                       is_retained, is_will, door, received_at, state, place)
              ORDER BY place) AS in_order
    ), fresh AS (
        INSERT INTO inbox_key (digest, inbox_id) SELECT digest, id FROM came ORDER BY id
        ON CONFLICT (digest) DO NOTHING RETURNING inbox_id
    )
    INSERT INTO inbox (id, source, message_key, is_weak_key, device_id, topic, payload, payload_sha256, qos, is_dup,
                       is_retained, is_will, door, received_at, state)
    SELECT id, source, message_key, is_weak_key, device_id, topic, payload, sha256(payload), qos, is_dup,
           is_retained, is_will, door, received_at, state
    FROM came WHERE id IN (SELECT inbox_id FROM fresh)
    RETURNING id, source, message_key
    """
)
INSERT_DIRECTLY = re.sub(r":(\w+)", r"%(\1)s", str(INSERT))
HELD = text(
    """
    SELECT inbox.id, came.source, came.message_key, inbox.payload_sha256
    FROM unnest(CAST(:source AS text[]), CAST(:message_key AS text[])) AS came (source, message_key)
    JOIN inbox_key ON inbox_key.digest = key_digest(app_tenant(), came.source, came.message_key)
    JOIN inbox ON inbox.id = inbox_key.inbox_id
    """
)
COUNT_COPIES = text(
    """
    UPDATE inbox SET copies = copies + came.n
    FROM unnest(CAST(:id AS bigint[]), CAST(:n AS int[])) AS came (id, n)
    WHERE inbox.id = came.id AND inbox.id = ANY(:id)
    """
)
KEEP_CONFLICT = text(
    """
    INSERT INTO inbox_conflict (inbox_id, topic, payload, payload_sha256, received_at)
    VALUES (:inbox_id, :topic, :payload, :sha256, :received_at)
    ON CONFLICT (inbox_id, payload_sha256) DO UPDATE SET copies = inbox_conflict.copies + 1
    """
)
KEEP_REASON = text(
    """
    INSERT INTO dead_letter (inbox_id, reason, detail)
    SELECT * FROM unnest(CAST(:inbox_id AS bigint[]), CAST(:reason AS text[]), CAST(:detail AS text[]))
    """
)


def checked(arrival: Arrival) -> Arrival:
    """The arrival with text that the database can bind; a broken id or topic sends it to quarantine by its hash."""
    topic, source = storable(arrival.topic)[:MAX_TOPIC_CHARS], storable(arrival.source)[:MAX_TOPIC_CHARS]
    is_clean = topic == arrival.topic and source == arrival.source and not arrival.detail
    if is_clean and MESSAGE_KEY.fullmatch(arrival.message_key):
        return arrival
    clean = replace(arrival, topic=topic, source=source, detail=storable(arrival.detail))
    if MESSAGE_KEY.fullmatch(arrival.message_key):
        if topic == arrival.topic:
            return clean
        return replace(clean, reason=clean.reason or "bad_topic")
    digest = hashlib.sha256(arrival.topic.encode("utf-8", "surrogatepass") + b"\0" + arrival.payload).hexdigest()
    return replace(
        clean,
        message_key="sha256:" + digest,
        is_weak_key=True,
        reason=clean.reason or "bad_id",
        detail=clean.detail or storable(repr(arrival.message_key))[:200],
    )


def store(session: Session, arrivals: Sequence[Arrival]) -> list[Outcome]:
    """Write ``arrivals`` in their order and say what became of each. One statement for the good case.

    Raises what the database raises; the caller decides between trying again and :func:`store_one_by_one`.
    """
    fresh = _insert(session, arrivals)
    outcomes: list[Outcome] = []
    again: list[Arrival] = []
    for arrival in arrivals:
        if fresh.pop(arrival.identity, None) is None:
            again.append(arrival)
            outcomes.append(Outcome.COPY)
        else:
            outcomes.append(Outcome.DEAD if arrival.reason else Outcome.STORED)
    if again:
        repeated = iter(_repeated(session, again))
        outcomes = [next(repeated) if outcome is Outcome.COPY else outcome for outcome in outcomes]
    return outcomes


def store_one_by_one(session: Session, arrivals: Iterable[Arrival]) -> list[Outcome]:
    """Write each arrival under a savepoint of its own, so that one that the database refuses harms no neighbour.

    The refused one is kept as a dead letter under the hash of its bytes, with the refusal as its reason.
    """
    outcomes = []
    for arrival in arrivals:
        try:
            with session.begin_nested():
                outcomes += store(session, [arrival])
        except Exception as refusal:  # noqa: BLE001 - whatever it was: the bytes are kept and the reason is shown
            kept = quarantined(arrival, "refused_by_database", f"{type(refusal).__name__}: {refusal}"[:500])
            with session.begin_nested():
                outcomes += store(session, [kept])
    return outcomes


def quarantined(arrival: Arrival, reason: str, detail: str) -> Arrival:
    """The arrival as it can always be stored: only its bytes, their hash, and why it is here."""
    digest = hashlib.sha256(arrival.payload).hexdigest()
    return replace(
        arrival,
        source=storable(arrival.source)[:MAX_TOPIC_CHARS],
        topic=storable(arrival.topic)[:MAX_TOPIC_CHARS],
        message_key="sha256:" + digest,
        is_weak_key=True,
        reason=reason,
        detail=storable(detail),
    )


def store_fresh(connection: psycopg.Connection[Any], arrivals: Sequence[Arrival]) -> list[tuple[str, str]]:
    """Insert those of ``arrivals`` that are new, by the driver alone; their identities.

    The connection commits by itself and carries its scope. Not for arrivals with a reason.
    """
    with connection.cursor() as cursor:
        cursor.execute(INSERT_DIRECTLY, _columns(arrivals), prepare=True)
        return [(source, key) for _, source, key in cursor.fetchall()]


def _insert(session: Session, arrivals: Sequence[Arrival]) -> dict[tuple[str, str], int]:
    fresh = {(row.source, row.message_key): row.id for row in session.execute(INSERT, _columns(arrivals))}
    _keep_reasons(session, arrivals, fresh)
    return fresh


def _columns(arrivals: Sequence[Arrival]) -> dict[str, list[Any]]:
    return {
        "source": [a.source for a in arrivals],
        "message_key": [a.message_key for a in arrivals],
        "is_weak_key": [a.is_weak_key for a in arrivals],
        "device_id": [a.device_id for a in arrivals],
        "topic": [a.topic for a in arrivals],
        "payload": [a.payload for a in arrivals],
        "qos": [a.qos for a in arrivals],
        "is_dup": [a.is_dup for a in arrivals],
        "is_retained": [a.is_retained for a in arrivals],
        "is_will": [a.is_will for a in arrivals],
        "door": [a.door for a in arrivals],
        "received_at": [a.received_at.isoformat() for a in arrivals],
        "state": ["dead" if a.reason else "received" for a in arrivals],
    }


def _keep_reasons(session: Session, arrivals: Sequence[Arrival], fresh: dict[tuple[str, str], int]) -> None:
    dead = {a.identity: a for a in reversed(arrivals) if a.reason and a.identity in fresh}
    if not dead:
        return
    session.execute(
        KEEP_REASON,
        {
            "inbox_id": [fresh[identity] for identity in dead],
            "reason": [a.reason for a in dead.values()],
            "detail": [a.detail for a in dead.values()],
        },
    )
    for reason_and_source, n in Counter((a.reason or "", a.source) for a in dead.values()).items():
        reason, source = reason_and_source
        first = next(a for a in dead.values() if a.source == source and a.reason == reason)
        alarms.raise_alarm(session, reason, source, first.detail or first.topic, device_id=first.device_id, n=n)


def _repeated(session: Session, again: Sequence[Arrival]) -> list[Outcome]:
    """Tell copies from conflicts among arrivals whose source and id the inbox already holds."""
    given = {"source": [a.source for a in again], "message_key": [a.message_key for a in again]}
    held = {(row.source, row.message_key): (row.id, bytes(row.payload_sha256)) for row in session.execute(HELD, given)}
    copies: Counter[int] = Counter()
    outcomes = []
    for arrival in again:
        inbox_id, sha256 = held[arrival.identity]
        if hashlib.sha256(arrival.payload).digest() == sha256:
            copies[inbox_id] += 1
            outcomes.append(Outcome.COPY)
        else:
            _keep_conflict(session, inbox_id, arrival)
            outcomes.append(Outcome.CONFLICT)
    if copies:
        session.execute(COUNT_COPIES, {"id": list(copies), "n": list(copies.values())})
    return outcomes


def _keep_conflict(session: Session, inbox_id: int, arrival: Arrival) -> None:
    session.execute(
        KEEP_CONFLICT,
        {
            "inbox_id": inbox_id,
            "topic": arrival.topic,
            "payload": arrival.payload,
            "sha256": hashlib.sha256(arrival.payload).digest(),
            "received_at": arrival.received_at,
        },
    )
    alarms.raise_alarm(session, "conflict", arrival.source, arrival.message_key, device_id=arrival.device_id)
