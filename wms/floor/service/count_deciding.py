"""Differences of counts that wait for a supervisor who has not counted them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.floor import inside_queries as reads
from wms.floor.rules import counting
from wms.floor.rules.counting import Found, Key
from wms.floor.service import counting_round as rounds
from wms.floor.service.inside_people import require_supervisor
from wms.floor.tables.counts import Count, CountDifference, CountPlace
from wms.parties.tables import Location
from wms.record.service import append_leaf


@dataclass(frozen=True)
class Decide:
    """A supervisor's decision. ``qty`` is the difference that they saw: another one now is refused."""

    key: str
    difference_id: int
    qty: int
    at: datetime
    note: str | None = None


def approve(session: Session, command: Decide) -> CountDifference:
    """Post a difference.

    Raises NoDifference, SupervisorOnly, CounterMayNotApprove, DifferenceDecided, DifferenceChanged,
    DifferenceOvertaken, ReservedFor and what the ledger refuses.
    """
    row, person_id = _waiting(session, command)
    now = _now(session, row)
    if now.qty != command.qty:
        raise counting.DifferenceChanged(field="qty", was=command.qty, now=now.qty)
    count = session.get_one(Count, row.count_id)
    posting_id = rounds.post(
        session, f"difference:{row.id}:{command.key}", count.count_no, row.location_id, now, command.at
    )
    row.book_qty, row.qty, row.posting_id, row.state = now.book_qty, now.qty, posting_id, "adjusted"
    _decided(session, row, person_id, command, "count_difference_approved")
    return row


def reject(session: Session, command: Decide) -> CountDifference:
    """Leave the books as they are, with a note that says why. Raises what :func:`approve` raises of persons."""
    row, person_id = _waiting(session, command)
    row.state = "rejected"
    _decided(session, row, person_id, command, "count_difference_rejected")
    return row


def _waiting(session: Session, command: Decide) -> tuple[CountDifference, int]:
    row = session.scalars(
        select(CountDifference).where(CountDifference.id == command.difference_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise counting.NoDifference(difference=command.difference_id)
    place = session.get_one(Location, row.location_id)
    if row.state != "waiting":
        at = row.decided_at.isoformat(timespec="minutes") if row.decided_at else "-"
        raise counting.DifferenceDecided(person=reads.person_names(session, row.decided_by), at=at)
    person_id = require_supervisor(session, place.site_id)
    if person_id in {row.counted_by, *row.earlier_counters}:
        raise counting.CounterMayNotApprove(place=place.code)
    return row, person_id


def _now(session: Session, row: CountDifference) -> Found:
    """Return the difference as the ledger knows it now: scans that came in late may have told of earlier moves."""
    place = session.get_one(CountPlace, row.count_place_id)
    key = Key(row.owner_id, row.trade_item_id, row.lot_id, row.handling_unit_id)
    lying = sum(pile.qty for pile in rounds.piles(session, place) if rounds.key_of(pile.account) == key)
    later = rounds.changes(session, row.location_id, row.trade_item_id, row.as_of)
    book = lying - counting.net(later).get(key, 0)
    return Found(key, book, row.counted_qty, row.as_of, is_disturbed=False)


def _decided(session: Session, row: CountDifference, person_id: int, command: Decide, kind: str) -> None:
    row.decided_by, row.decided_at, row.note = person_id, command.at, command.note
    session.flush()
    append_leaf(
        session, kind, {"difference": row.id, "qty": row.qty, "by": person_id, "note": command.note or ""}, row.id
    )
