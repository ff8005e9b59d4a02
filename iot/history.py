"""What came, by time: the readings of a lane, of a device, of a site, in order, read in pieces."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.db import Database, Scope

PIECE = 1_000
SLICE = timedelta(minutes=30)

# The id's week is that of the writing, which is never before the arrival (an hour is left for clocks that differ), so
# weeks that ended before are not looked at.
LANE = text(
    """
    SELECT id, inbox_id, device_id, lane, kind, event_at, recorded_at, skew_ms, is_live, flags, payload, adapter,
           adapter_version, state
    FROM reading
    WHERE site_id = :site_id AND lane = :lane AND recorded_at >= :from_at AND recorded_at < :to_at
      AND id >= event_week(CAST(:from_at AS timestamptz) - interval '1 hour')
    ORDER BY recorded_at, id
    """
)

PERIOD = text(
    """
    SELECT reading.id, reading.inbox_id, site.code AS site, device.code AS device, reading.lane, reading.kind,
           reading.event_at, reading.recorded_at, reading.skew_ms, reading.is_live, reading.flags, reading.payload,
           reading.adapter, reading.adapter_version, reading.state
    FROM reading LEFT JOIN device ON device.id = reading.device_id LEFT JOIN site ON site.id = reading.site_id
    WHERE reading.recorded_at >= :from_at AND reading.recorded_at < :to_at
      AND reading.id >= event_week(CAST(:from_at AS timestamptz) - interval '1 hour')
    ORDER BY reading.recorded_at, reading.id
    """
)

OLDEST = text("SELECT recorded_at FROM reading ORDER BY id LIMIT 1")
CLOCKS_DIFFER = timedelta(days=1)


@dataclass(frozen=True)
class KnownReading:
    """A reading as it is held; ``payload`` is ``iot.events.as_json``."""

    id: int
    inbox_id: int
    device_id: int | None
    lane: str | None
    kind: str
    event_at: datetime | None
    recorded_at: datetime
    skew_ms: int | None
    is_live: bool
    flags: Sequence[str]
    payload: Mapping[str, Any]
    adapter: str
    adapter_version: int
    state: str


def of_lane(session: Session, site_id: int, lane: str, from_at: datetime, to_at: datetime) -> Iterator[KnownReading]:
    """The readings that came from a lane in a period (its end excluded), in the order of arrival."""
    given = {"site_id": site_id, "lane": lane, "from_at": from_at, "to_at": to_at}
    for row in session.execute(LANE, given):
        yield KnownReading(**row._mapping)


def of_period(database: Database, scope: Scope, from_at: datetime, to_at: datetime) -> Iterator[Mapping[str, Any]]:
    """All readings that came in a period (its end excluded), in the order of arrival.

    Read in pieces, half an hour of events in a transaction of its own, so that neither memory nor a lock grows with
    the period.
    """
    with database.unit_of_work(scope) as session:
        oldest = session.execute(OLDEST).scalar()
    if oldest is None:
        return
    from_at = max(from_at, oldest - CLOCKS_DIFFER)  # nobody waits for the empty years before
    while from_at < to_at:
        end = min(from_at + SLICE, to_at)
        with database.unit_of_work(scope) as session:
            given = {"from_at": from_at, "to_at": end}
            with closing(session.execute(PERIOD, given, execution_options={"yield_per": PIECE})) as rows:
                for row in rows:
                    yield dict(row._mapping)
        from_at = end
