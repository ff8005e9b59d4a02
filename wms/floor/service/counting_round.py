"""One round of counting a place: who takes it, what is counted, and what follows when it is done."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.floor import inside_queries as reads
from wms.floor.inside_queries import Pile
from wms.floor.rules import counting, moving
from wms.floor.rules.counting import Change, Counted, Found, Key, Next, Tolerance
from wms.floor.service import counting as orders
from wms.floor.service import differences, tasks
from wms.floor.service.differences import Off
from wms.floor.tables.counts import Count, CountDifference, CountLine, CountPlace
from wms.parties import dated
from wms.parties.tables import Location
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Posting
from wms.stock.rules import StockRefusal
from wms.stock.tables import Account

STANDING = ("open", "counting")


@dataclass(frozen=True)
class Done:
    """What a round led to: differences adjusted at once, sent to a recount, and left to a supervisor."""

    found: int
    adjusted: int
    recounted: int
    waiting: int
    count_closed: bool


def take(session: Session, location_id: int, person_id: int, at: datetime, count: Count | None) -> CountPlace:
    """Begin, or go on with, the round that stands open for a place.

    Raises CountedByOther, AnotherMustCount, NotInCount; without a count one is ordered on the spot.
    """
    query = select(CountPlace).where(CountPlace.location_id == location_id, CountPlace.state.in_(STANDING))
    if count is not None:
        query = query.where(CountPlace.count_id == count.id)
    query = query.order_by(CountPlace.round.desc(), CountPlace.id).with_for_update()
    standing = session.scalars(query).first()
    code = session.get_one(Location, location_id).code
    if standing is None:
        if count is not None:
            raise counting.NotInCount(place=code, count=count.count_no)
        # Two who begin at once: the second has waited for the first, and finds the round that the first one has begun.
        standing = orders.order_here(session, location_id) or session.scalars(query).one()
    if standing.state == "counting" and standing.counter_id != person_id:
        at_text = standing.started_at.isoformat(timespec="minutes") if standing.started_at else "-"
        raise counting.CountedByOther(
            place=code, person=reads.person_names(session, standing.counter_id), at=at_text
        )
    if person_id in standing.barred_ids:
        raise counting.AnotherMustCount(place=code)
    if standing.state == "open":
        standing.state, standing.counter_id, standing.started_at = "counting", person_id, at
        session.flush()
    return standing


def add(session: Session, place: CountPlace, key: Key, qty: int, at: datetime) -> int:
    """Add a counted quantity to a round; returns what is counted of the key so far."""
    statement = insert(CountLine).values(
        count_place_id=place.id, **key._asdict(), counted_qty=qty, first_at=at, last_at=at
    )
    total: int = session.execute(
        statement.on_conflict_do_update(
            index_elements=["count_place_id", *Key._fields],
            set_={
                "counted_qty": CountLine.counted_qty + statement.excluded.counted_qty,
                "last_at": text("greatest(count_line.last_at, excluded.last_at)"),
            },
        ).returning(CountLine.counted_qty)
    ).scalar_one()
    return total


def is_begun(session: Session, place: CountPlace) -> bool:
    """Whether anything was counted in this round."""
    return bool(_counted(session, place))


def finish(session: Session, place: CountPlace, at: datetime, *, today_at: datetime) -> Done:
    """Compare what was counted with the books as of each count, and do what follows. The place's row is locked."""
    count = session.get_one(Count, place.count_id)
    counted = _counted(session, place)
    found = _compare(session, place, counted, at)
    earlier = _earlier(session, place)
    rounds = int(dated.value(session, "count.most_rounds", today_at.date()))
    next_of = {
        one: counting.follows(one, _tolerance(session, place, one, today_at), earlier=earlier, most_rounds=rounds)
        for one in found
    }
    place.state, place.counted_at, place.was_empty = "counted", at, not counted
    place.findings = [[*one.key, one.qty] for one in found]
    session.flush()
    adjust = [one for one, step in next_of.items() if step is Next.ADJUST]
    recount = any(step is Next.RECOUNT for step in next_of.values())
    waiting = [] if recount else [one for one, step in next_of.items() if step is Next.APPROVE]
    adjusted, put_off = _adjust(session, count, place, adjust, today_at)
    for one in [*waiting, *put_off]:
        _note(session, place, one, None)
    if recount:
        assert place.counter_id is not None
        orders.again(session, place, [*place.barred_ids, place.counter_id])
    tasks.finish(session, "count", place.id)
    closed = orders.close_if_done(session, count.id, today_at)
    again = sum(step is Next.RECOUNT for step in next_of.values())
    return Done(len(found), adjusted, again, len(waiting) + len(put_off), closed)


def _counted(session: Session, place: CountPlace) -> dict[Key, Counted]:
    rows = session.scalars(select(CountLine).where(CountLine.count_place_id == place.id, CountLine.counted_qty > 0))
    return {
        Key(row.owner_id, row.trade_item_id, row.lot_id, row.handling_unit_id): Counted(
            row.counted_qty, row.first_at, row.last_at
        )
        for row in rows
    }


def key_of(account: AccountKey) -> Key:
    """Return what a counter can tell of an account."""
    return Key(account.owner_id, account.trade_item_id, account.lot_id, account.handling_unit_id)


def piles(session: Session, place: CountPlace) -> list[Pile]:
    """Return what the books have in a place, or of the one item that is counted there."""
    found = reads.piles_at(session, [place.location_id])
    return [one for one in found if place.trade_item_id in {None, one.account.trade_item_id}]


_CHANGES = text(
    "SELECT a.owner_id, a.trade_item_id, a.lot_id, a.handling_unit_id, e.event_at, e.qty FROM account a"
    " CROSS JOIN LATERAL (SELECT event_at, qty FROM entry WHERE account_id = a.id AND event_at > :since OFFSET 0) e"
    " WHERE a.location_id = :place AND a.kind = 'location'"
    " AND (cast(:item AS bigint) IS NULL OR a.trade_item_id = :item)"
)


def changes(session: Session, location_id: int, item_id: int | None, since: datetime) -> list[Change]:
    """Return every entry of a place after an instant."""
    rows = session.execute(_CHANGES, {"place": location_id, "item": item_id, "since": since})
    return [Change(Key(*row[:4]), row.event_at, row.qty) for row in rows]


def _compare(session: Session, place: CountPlace, counted: dict[Key, Counted], at: datetime) -> tuple[Found, ...]:
    now: dict[Key, int] = {}
    for pile in piles(session, place):
        now[key_of(pile.account)] = now.get(key_of(pile.account), 0) + pile.qty
    started = place.started_at or at
    since = min([started, *(one.first_at for one in counted.values())])
    return counting.compare(now, changes(session, place.location_id, place.trade_item_id, since), counted, started, at)


def _earlier(session: Session, place: CountPlace) -> list[dict[Key, int]]:
    rows = session.scalars(
        select(CountPlace.findings)
        .where(
            CountPlace.count_id == place.count_id,
            CountPlace.location_id == place.location_id,
            CountPlace.trade_item_id.is_not_distinct_from(place.trade_item_id),
            CountPlace.round < place.round,
        )
        .order_by(CountPlace.round)
    )
    return [{Key(*one[:4]): one[4] for one in findings or ()} for findings in rows]


def _tolerance(session: Session, place: CountPlace, found: Found, at: datetime) -> Tolerance:
    account = account_for(session, place.location_id, found.key)
    value: dict[str, Any] = dated.value(session, "count.tolerance", at.date(), account.customs_status)
    return Tolerance(int(value["qty"]), int(value["per_mille"]))


def _adjust(
    session: Session, count: Count, place: CountPlace, found: list[Found], at: datetime
) -> tuple[int, list[Found]]:  # fmt: skip
    """Post small differences at once; what the ledger refuses (reserved goods) is put off for a supervisor."""
    put_off: list[Found] = []
    for number, one in enumerate(found):
        try:
            with session.begin_nested():
                posting_id = post(session, f"count:{place.id}:{number}", count.count_no, place.location_id, one, at)
                _note(session, place, one, posting_id)
        except (StockRefusal, moving.ReservedFor):
            put_off.append(one)
    return len(found) - len(put_off), put_off


def post(session: Session, key: str, count_no: str, location_id: int, found: Found, at: datetime) -> int:
    """Post a difference: kind count_adjust, against adjustment or, for bonded goods, discrepancy.

    Raises ReservedFor, DifferenceOvertaken and what the ledger refuses.
    """
    offs = offs_of(session, location_id, found)
    lying = {pile.account: pile for pile in reads.piles_at(session, [location_id])}
    moments = [lying[off.account].last_event_at for off in offs if off.account in lying]
    lines = tuple(line for off in offs for line in differences.lines_of(off))
    posting = Posting(key, "count_adjust", max([at, *moments]), lines, count_no, "COUNT")
    posting_id = ledger.post(session, posting).posting_id
    differences.open_cases(session, offs, posting_id, count_no, at.date())
    return posting_id


def offs_of(session: Session, location_id: int, found: Found) -> list[Off]:
    """Say which accounts a difference changes: what is missing is taken from good free stock first."""
    if found.qty > 0:
        return [Off(account_for(session, location_id, found.key), found.qty)]
    own = [pile for pile in reads.piles_at(session, [location_id]) if key_of(pile.account) == found.key]
    left, offs = -found.qty, []
    for pile in own:
        taken = min(left, pile.free)
        if taken > 0:
            offs.append(Off(pile.account, -taken))
            left -= taken
    if left > 0 and sum(pile.qty for pile in own) >= -found.qty:
        held = next(pile for pile in own if pile.reserved)
        raise moving.ReservedFor(
            item=held.names,
            place=held.place,
            reserved=held.reserved,
            document=reads.holder(session, held.account_id),
        )
    if left > 0:
        place = session.get_one(Location, location_id).code
        raise counting.DifferenceOvertaken(place=place, left=sum(pile.qty for pile in own))
    return offs


def account_for(session: Session, location_id: int, key: Key) -> AccountKey:
    """Return the account that goods of a key belong to in a place: the one with most stock, else one like elsewhere.

    Goods that the site has nowhere on its books are free outside customs supervision; in a bonded place they take the
    status of the last account of the same goods, and stand in quarantine when there never was one.
    """
    own = [pile for pile in reads.piles_at(session, [location_id]) if key_of(pile.account) == key]
    if own:
        return max(own, key=lambda pile: pile.qty).account
    place = session.get_one(Location, location_id)
    like = session.scalars(
        select(Account)
        .where(
            Account.owner_id == key.owner_id,
            Account.trade_item_id == key.trade_item_id,
            Account.site_id == place.site_id,
            Account.kind == "location",
        )
        .order_by((Account.lot_id.is_not_distinct_from(key.lot_id)).desc(), Account.id.desc())
        .limit(1)
    ).one_or_none()
    is_bonded = like is not None and like.customs_status == "bonded" and place.is_bonded
    quality = "good" if like is not None or not place.is_bonded else "quarantine"
    return AccountKey(
        "location",
        key.owner_id,
        key.trade_item_id,
        place.site_id,
        place.id,
        key.lot_id,
        key.handling_unit_id,
        "bonded" if is_bonded else "free",
        quality,
        like.book_line_id if is_bonded and like is not None else None,
    )


def _note(session: Session, place: CountPlace, found: Found, posting_id: int | None) -> None:
    newest = session.execute(text("SELECT coalesce(max(id), 0) FROM posting")).scalar_one()
    session.add(
        CountDifference(
            count_id=place.count_id,
            count_place_id=place.id,
            location_id=place.location_id,
            **found.key._asdict(),
            book_qty=found.book_qty,
            counted_qty=found.counted_qty,
            qty=found.qty,
            as_of=found.as_of,
            known_posting_id=newest,
            state="adjusted" if posting_id else "waiting",
            counted_by=place.counter_id,
            earlier_counters=list(place.barred_ids),
            posting_id=posting_id,
        )
    )
    session.flush()


def take_back(session: Session, line_id: int, qty: int) -> None:
    """Take back what one scan had added to a round."""
    session.execute(
        update(CountLine).where(CountLine.id == line_id).values(counted_qty=CountLine.counted_qty - qty)
    )
