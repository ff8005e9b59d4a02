"""The blacklist: who put a plate on it and why, who took it off and why. Entries are ended, never removed."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from wms.gate.rules import yard as rules
from wms.gate.service.booking import checked_plate
from wms.gate.tables import Blacklist
from wms.record.service import append_leaf


def put_on_blacklist(
    session: Session, plate: str, *, reason: str, person_id: int, at: datetime, until_at: datetime | None = None
) -> Blacklist:
    """Put a plate on the blacklist from now on.

    Raises BadPlate, YardReasonTooShort, EndsBeforeNow, AlreadyBlacklisted.
    """
    plate = checked_plate(plate)
    _check_reason(reason)
    if until_at is not None and until_at <= at:
        raise rules.EndsBeforeNow(field="until_at")
    living = select(Blacklist.id).where(
        Blacklist.plate == plate, or_(Blacklist.until_at.is_(None), Blacklist.until_at > at)
    )
    if session.scalars(living).first() is not None:
        raise rules.AlreadyBlacklisted(plate=plate)
    row = Blacklist(plate=plate, reason=reason.strip(), from_at=at, until_at=until_at, entered_by=person_id)
    session.add(row)
    session.flush()
    append_leaf(session, "blacklisted", {"plate": plate, "reason": row.reason, "person_id": person_id}, row.id)
    return row


def take_off_blacklist(session: Session, entry_id: int, *, reason: str, person_id: int, at: datetime) -> Blacklist:
    """End an entry now. Raises UnknownBlacklisting, BlacklistingOver, YardReasonTooShort."""
    row = session.scalar(
        select(Blacklist).where(Blacklist.id == entry_id).with_for_update().execution_options(populate_existing=True)
    )
    if row is None:
        raise rules.UnknownBlacklisting(entry_id=entry_id)
    if row.until_at is not None and row.until_at <= at:
        raise rules.BlacklistingOver
    _check_reason(reason)
    row.until_at, row.ended_by, row.end_reason = at, person_id, reason.strip()
    session.flush()
    append_leaf(
        session, "blacklisting_ended", {"plate": row.plate, "reason": row.end_reason, "person_id": person_id}, row.id
    )
    return row


def _check_reason(reason: str) -> None:
    if len(reason.strip()) < rules.MIN_REASON_CHARS:
        raise rules.YardReasonTooShort(field="reason")
