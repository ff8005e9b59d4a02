"""Orders to count: by place, by item, by class when it is due, or because a picker found too few."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.codes.numbers import document_no
from wms.floor.rules import counting
from wms.floor.service import tasks
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.inside_people import require_supervisor
from wms.floor.service.tasks import NewTask
from wms.floor.tables.counts import Count, CountPlace
from wms.parties import dated
from wms.parties.tables import Location

URGENT, USUAL = 2, 6
MOST_PLACES = 1_000
Spot = tuple[int, int | None]  # a place, and the item in it where only that one is counted


@dataclass(frozen=True)
class NewCount:
    """What is to be counted. ``kind`` location names places, item names items, abc takes what is due of a class."""

    site_id: int
    kind: str
    location_ids: tuple[int, ...] = ()
    item_ids: tuple[int, ...] = ()
    velocity_class: str | None = None
    is_blind: bool = True
    reason: str | None = None
    due_at: datetime | None = None
    limit: int = 50


def plan(session: Session, new: NewCount, now: datetime) -> Count:
    """Order a count. Places that are being counted already are left out. Raises NothingToCount."""
    spots = _spots(session, new, now)
    if not spots:
        raise counting.NothingToCount
    count = _order(session, new)
    if not _add(session, count, spots, USUAL):
        raise counting.NothingToCount
    return count


def trigger(session: Session, location_id: int, trade_item_id: int, reason: str) -> str:
    """Order a count of one item in one place, now; returns the number of the count that will look.

    Asked twice while the first count is not done, it returns the first: one short pick, one count.
    """
    spot: Spot = (location_id, trade_item_id)
    site_id = session.get_one(Location, location_id).site_id
    standing = _standing(session, spot)
    if standing is not None:
        return standing
    count = _order(session, NewCount(site_id, "short_pick", reason=reason))
    if not _add(session, count, [spot], URGENT):
        count.state = "cancelled"
        return _standing(session, spot) or count.count_no
    return count.count_no


def cancel(session: Session, count_no: str, now: datetime) -> Count:
    """Call a count off; what was counted so far stays on record. Raises UnknownCount, CountClosed, SupervisorOnly."""
    count = by_no(session, count_no, lock=True)
    require_supervisor(session, count.site_id)
    if count.state != "open":
        raise counting.CountClosed(count=count.count_no)
    for place in session.scalars(
        select(CountPlace).where(CountPlace.count_id == count.id, CountPlace.state.in_(("open", "counting")))
    ):
        place.state = "void"
        tasks.void_task(session, "count", place.id)
    count.state, count.closed_at = "cancelled", now
    session.flush()
    return count


def by_no(session: Session, count_no: str, *, lock: bool = False) -> Count:
    """Return a count by its number. Raises UnknownCount."""
    query = select(Count).where(Count.count_no == count_no.strip().upper())
    found = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise counting.UnknownCount(count=count_no)
    return found


def order_here(session: Session, location_id: int) -> CountPlace | None:
    """Order a count of one place on the spot, by whoever stands there; None where another's was just ordered."""
    site_id = session.get_one(Location, location_id).site_id
    with session.begin_nested() as attempt:
        count = _order(session, NewCount(site_id, "location", reason="on the spot"))
        if not _add(session, count, [(location_id, None)], USUAL):
            attempt.rollback()
            return None
    return session.scalars(select(CountPlace).where(CountPlace.count_id == count.id)).one()


def again(session: Session, place: CountPlace, barred_ids: list[int]) -> CountPlace:
    """Order the next round of a place, by somebody who has not counted it yet."""
    count = session.get_one(Count, place.count_id)
    made = CountPlace(
        count_id=place.count_id,
        location_id=place.location_id,
        trade_item_id=place.trade_item_id,
        round=place.round + 1,
        barred_ids=barred_ids,
    )
    session.add(made)
    session.flush()
    _offer(session, count, made.id, place.location_id, URGENT)
    return made


def _standing(session: Session, spot: Spot) -> str | None:
    location_id, item_id = spot
    query = (
        select(Count.count_no)
        .join(CountPlace, CountPlace.count_id == Count.id)
        .where(CountPlace.location_id == location_id, CountPlace.state.in_(("open", "counting")))
        .where(CountPlace.trade_item_id.is_(None) | (CountPlace.trade_item_id == item_id))
    )
    return session.scalar(query.limit(1))


def _order(session: Session, new: NewCount) -> Count:
    number: int = session.execute(text("SELECT nextval('count_order_id_seq')")).scalar_one()
    session.execute(
        insert(Count).values(
            id=number,
            count_no=document_no("CC", number),
            site_id=new.site_id,
            kind=new.kind,
            is_blind=new.is_blind,
            reason=new.reason,
            requested_by=APP_PERSON,
            due_at=new.due_at,
        )
    )
    return session.get_one(Count, number)


def _add(session: Session, count: Count, spots: Sequence[Spot], priority: int) -> bool:
    added = False
    for location_id, item_id in sorted(spots, key=repr):
        made = session.scalar(
            insert(CountPlace)
            .values(count_id=count.id, location_id=location_id, trade_item_id=item_id)
            .on_conflict_do_nothing()
            .returning(CountPlace.id)
        )
        if made is not None:
            _offer(session, count, made, location_id, priority)
            added = True
    return added


def _offer(session: Session, count: Count, place_id: int, location_id: int, priority: int) -> None:
    tasks.offer(
        session,
        NewTask(
            count.site_id, "count", place_id, count.count_no, priority, location_id=location_id, due_at=count.due_at
        ),
    )


_OF_ITEMS = text(
    "SELECT DISTINCT a.location_id, a.trade_item_id FROM account a JOIN balance b ON b.account_id = a.id"
    " WHERE a.kind = 'location' AND b.qty > 0 AND a.site_id = :site AND a.trade_item_id = ANY (:items)"
    " ORDER BY 1, 2 LIMIT :most"
)
_OF_CLASS = text(
    "SELECT a.location_id, a.trade_item_id, (SELECT max(p.counted_at) FROM count_place p"
    "   WHERE p.location_id = a.location_id AND p.state = 'counted'"
    "   AND (p.trade_item_id IS NULL OR p.trade_item_id = a.trade_item_id)) AS counted_at"
    " FROM account a JOIN balance b ON b.account_id = a.id JOIN trade_item t ON t.id = a.trade_item_id"
    " JOIN location l ON l.id = a.location_id"
    " WHERE a.kind = 'location' AND b.qty > 0 AND a.site_id = :site AND coalesce(t.velocity_class, 'C') = :class"
    " GROUP BY a.location_id, a.trade_item_id ORDER BY 3 NULLS FIRST, 1, 2 LIMIT :most"
)


def _spots(session: Session, new: NewCount, now: datetime) -> list[Spot]:
    if new.kind == "location":
        return [(location_id, None) for location_id in new.location_ids[:MOST_PLACES]]
    if new.kind == "item":
        given: dict[str, Any] = {"site": new.site_id, "items": sorted(new.item_ids), "most": MOST_PLACES}
        return [(row.location_id, row.trade_item_id) for row in session.execute(_OF_ITEMS, given)]
    days = dated.value(session, "count.every_days", now.astimezone(UTC).date())
    every = int(days[new.velocity_class or "A"])
    rows = session.execute(
        _OF_CLASS, {"site": new.site_id, "class": new.velocity_class or "A", "most": MOST_PLACES}
    ).all()
    due = [row for row in rows if counting.is_due(row.counted_at, every, now)]
    return [(row.location_id, row.trade_item_id) for row in due[: new.limit]]


def close_if_done(session: Session, count_id: int, now: datetime) -> bool:
    """Close a count whose places are all counted; returns whether it is closed."""
    standing = CountPlace.state.in_(("open", "counting"))
    left = session.scalar(select(CountPlace.id).where(CountPlace.count_id == count_id, standing).limit(1))
    if left is None:
        session.execute(
            update(Count).where(Count.id == count_id, Count.state == "open").values(state="done", closed_at=now)
        )
    return left is None
