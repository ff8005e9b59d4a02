"""Who works for which site: the leases as they stand, with the processes that hold them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

SITES = text(
    """
    SELECT site.code, site.name_zh, site.name_en, count(device.id) AS devices, lease.holder, lease.fence,
           lease.taken_at, lease.until_at, coalesce(lease.until_at > clock_timestamp(), false) AS is_held
    FROM site JOIN device ON device.site_id = site.id AND device.is_active
    LEFT JOIN lease ON lease.site_id = site.id
    GROUP BY site.id, lease.site_id, lease.tenant_id ORDER BY site.code
    """
)
PROCESSES = text(
    """
    SELECT holder, door, address, started_at, beat_at, waiting, oldest_waiting_ms, is_connected,
           beat_at > clock_timestamp() - interval '10 seconds' AS is_alive
    FROM ingest_pulse ORDER BY is_connected DESC, beat_at DESC LIMIT 200
    """
)


@dataclass(frozen=True)
class SiteHeld:
    """A site with devices; ``holder`` is who held it last, and ``is_held`` whether it still does."""

    code: str
    name_zh: str
    name_en: str
    devices: int
    holder: str | None
    fence: int | None
    taken_at: datetime | None
    until_at: datetime | None
    is_held: bool


@dataclass(frozen=True)
class Process:
    """An ingest process of the last hour and its last sign of life."""

    holder: str
    door: str
    address: str
    started_at: datetime
    beat_at: datetime
    waiting: int
    oldest_waiting_ms: int
    is_connected: bool
    is_alive: bool


def sites(session: Session) -> list[SiteHeld]:
    """All sites with devices, by code."""
    return [SiteHeld(**row._mapping) for row in session.execute(SITES)]


def processes(session: Session) -> list[Process]:
    """The ingest processes, the connected and latest first."""
    return [Process(**row._mapping) for row in session.execute(PROCESSES)]
