"""Sequence numbers of a device: which are held, which are missing, and the receipt that says so.

Pure first: :class:`Line` is what is known of one start of a device; :func:`advance` adds a number to it. Then the
rows. ``upto`` is the highest number below which all are held; a receipt is cumulative, so a lost one costs nothing.
"""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from iot import alarms
from iot.events import instant_text

MAX_MISSING = 100
ASK_AGAIN_S = 5


@dataclass
class Line:
    """One start of a device: the highest number seen, and the ranges below it that never came (ordered, disjoint)."""

    high: int = 0
    missing: list[tuple[int, int]] = field(default_factory=list)

    @property
    def upto(self) -> int:
        """All numbers up to this one are held."""
        return self.missing[0][0] - 1 if self.missing else self.high

    def advance(self, seq: int) -> None:
        """Take in one number; numbers start at 1, and one seen before changes nothing."""
        if seq > self.high:
            if seq > self.high + 1:
                self.missing.append((self.high + 1, seq - 1))
            self.high = seq
            return
        place = bisect_right(self.missing, (seq, 2**63)) - 1
        if place < 0:
            return
        first, last = self.missing[place]
        if first <= seq <= last:
            self.missing[place : place + 1] = [
                part for part in ((first, seq - 1), (seq + 1, last)) if part[0] <= part[1]
            ]


LINES = text(
    """
    SELECT device_id, boot, upto, high FROM device_seq
    WHERE (device_id, boot) IN (SELECT * FROM unnest(CAST(:device_ids AS bigint[]), CAST(:boots AS text[])))
    ORDER BY device_id, boot FOR UPDATE
    """
)
GAPS = text(
    """
    SELECT device_id, boot, seq_from, seq_to FROM device_gap
    WHERE (device_id, boot) IN (SELECT * FROM unnest(CAST(:device_ids AS bigint[]), CAST(:boots AS text[])))
      AND closed_at IS NULL
    ORDER BY device_id, boot, seq_from
    """
)
SAVE = text(
    """
    INSERT INTO device_seq (device_id, boot, upto, high, last_at)
    SELECT * FROM unnest(CAST(:device_ids AS bigint[]), CAST(:boots AS text[]), CAST(:uptos AS bigint[]),
                         CAST(:highs AS bigint[]), CAST(:ats AS timestamptz[]))
    ON CONFLICT (device_id, boot) DO UPDATE SET upto = excluded.upto, high = excluded.high, last_at = excluded.last_at
    """
)
CLOSE_GAP = text(
    "UPDATE device_gap SET closed_at = :at WHERE device_id = :device_id AND boot = :boot AND seq_from = :seq_from"
    " AND seq_to = :seq_to AND closed_at IS NULL"
)
OPEN_GAP = text(
    "INSERT INTO device_gap (device_id, boot, seq_from, seq_to) VALUES (:device_id, :boot, :seq_from, :seq_to)"
)


@dataclass(frozen=True)
class Heard:
    """The numbers that came of one device, by its starts, and when the last of them came."""

    code: str
    by_boot: dict[str, list[int]]
    at: datetime


def record(session: Session, heard: Mapping[int, Heard]) -> None:
    """Take in the numbers of some devices, by their ids, and keep what is missing now.

    A range that is partly filled is closed and its rest opened anew, so that no row ever claims what is held.
    """
    starts = sorted((device_id, boot) for device_id, one in heard.items() for boot in one.by_boot)
    if not starts:
        return
    given = _named(starts)
    before: dict[tuple[int, str], list[tuple[int, int]]] = {start: [] for start in starts}
    known = {(row.device_id, row.boot): row for row in session.execute(LINES, given)}
    if lacking := [start for start, row in known.items() if row.upto != row.high]:
        for row in session.execute(GAPS, _named(lacking)):
            before[row.device_id, row.boot].append((row.seq_from, row.seq_to))
    lines = {start: Line(known[start].high if start in known else 0, list(before[start])) for start in starts}
    for (device_id, boot), line in lines.items():
        for seq in heard[device_id].by_boot[boot]:
            line.advance(seq)
    saved = [lines[start] for start in starts]
    told = {"uptos": [line.upto for line in saved], "highs": [line.high for line in saved]}
    session.execute(SAVE, {**given, **told, "ats": [heard[device_id].at for device_id, _ in starts]})
    for start in starts:
        _note_gaps(session, start, heard[start[0]], before[start], lines[start].missing)


def _named(starts: Sequence[tuple[int, str]]) -> dict[str, list[Any]]:
    return {"device_ids": [device_id for device_id, _ in starts], "boots": [boot for _, boot in starts]}


def _note_gaps(
    session: Session,
    start: tuple[int, str],
    heard: Heard,
    before: Sequence[tuple[int, int]],
    missing: Sequence[tuple[int, int]],
) -> None:
    device_id, boot = start
    _save_gaps(session, {"device_id": device_id, "boot": boot}, set(before), set(missing), heard.at)
    if missing:
        detail = f"{boot}: {missing[:5]}"
        alarms.raise_alarm(session, "gap", heard.code, detail, device_id=device_id, n=0)
    elif before:
        alarms.close_alarm(session, "gap", heard.code, heard.at)


def _save_gaps(
    session: Session,
    key: Mapping[str, object],
    before: set[tuple[int, int]],
    after: set[tuple[int, int]],
    at: datetime,
) -> None:
    for first, last in sorted(before - after):
        session.execute(CLOSE_GAP, {**key, "seq_from": first, "seq_to": last, "at": at})
    for first, last in sorted(after - before):
        session.execute(OPEN_GAP, {**key, "seq_from": first, "seq_to": last})


RECEIPTS = text(
    """
    SELECT DISTINCT ON (device_id) device_id, boot, upto FROM device_seq WHERE device_id = ANY(:ids)
    ORDER BY device_id, last_at DESC, first_at DESC
    """
)
OLD_STARTS = text(
    """
    SELECT DISTINCT s.device_id, s.boot, s.upto FROM device_seq s
    JOIN device_gap g ON g.device_id = s.device_id AND g.boot = s.boot AND g.closed_at IS NULL
    WHERE s.device_id = ANY(:ids)
    """
)
MISSING = text(
    """
    SELECT device_id, boot, seq_from, seq_to FROM device_gap WHERE device_id = ANY(:ids) AND closed_at IS NULL
    ORDER BY device_id, boot, seq_from
    """
)
ASKED = text(
    "UPDATE device_gap SET asked = asked + 1, asked_at = :at WHERE device_id = ANY(:ids) AND closed_at IS NULL"
    " AND (asked_at IS NULL OR asked_at < :at - make_interval(secs => :pause))"
)


def receipts(session: Session, device_ids: Sequence[int], now: datetime) -> list[tuple[int, bytes]]:
    """The receipts due to ``device_ids``: for the current start, and for each older one that still has gaps."""
    given = {"ids": list(device_ids)}
    missing: dict[tuple[int, str], list[list[int]]] = {}
    for row in session.execute(MISSING, given):
        missing.setdefault((row.device_id, row.boot), []).append([row.seq_from, row.seq_to])
    due = {(row.device_id, row.boot): row.upto for row in session.execute(OLD_STARTS, given)}
    due.update({(row.device_id, row.boot): row.upto for row in session.execute(RECEIPTS, given)})
    if missing:
        session.execute(ASKED, {**given, "at": now, "pause": ASK_AGAIN_S})
    return [
        (device_id, receipt(boot, upto, missing.get((device_id, boot), ()), now))
        for (device_id, boot), upto in sorted(due.items())
    ]


def receipt(boot: str, upto: int, missing: Sequence[Sequence[int]], now: datetime) -> bytes:
    """``{boot, upto, missing:[[a,b]…], server_time}``; the first hundred missing ranges, the rest follows later."""
    body = {
        "boot": boot,
        "upto": upto,
        "missing": [list(part) for part in missing[:MAX_MISSING]],
        "server_time": instant_text(now),
    }
    return json.dumps(body, separators=(",", ":")).encode()
