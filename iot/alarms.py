"""Alarms about devices: one open row for each cause and subject, counted, so that a storm is one line."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from iot.text import storable

RAISE = text(
    """
    INSERT INTO device_alarm (code, subject, detail, device_id, count) VALUES (:code, :subject, :detail, :device_id, :n)
    ON CONFLICT (tenant_id, code, subject) WHERE closed_at IS NULL
    DO UPDATE SET count = device_alarm.count + excluded.count, last_at = now(), detail = excluded.detail
    """
)
CLOSE = text("UPDATE device_alarm SET closed_at = :at WHERE code = :code AND subject = :subject AND closed_at IS NULL")


def raise_alarm(
    session: Session, code: str, subject: str, detail: str = "", *, device_id: int | None = None, n: int = 1
) -> None:
    """Open the alarm ``code`` about ``subject`` (a device's code or a topic), or count it when it is open."""
    session.execute(
        RAISE,
        {"code": code, "subject": _told(subject), "detail": storable(detail)[:500], "device_id": device_id, "n": n},
    )


def close_alarm(session: Session, code: str, subject: str, at: datetime) -> None:
    """The cause is gone; the row stays, with its count."""
    session.execute(CLOSE, {"code": code, "subject": _told(subject), "at": at})


def _told(subject: str) -> str:
    """A subject may be what a stranger wrote."""
    return storable(subject)[:200]
