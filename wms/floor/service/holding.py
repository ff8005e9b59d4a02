"""Use cases of holds: hold a lot or a unit by reason, release exactly what was held. Each is a posting of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from wms.customs.rules import NotSellable
from wms.floor.rules import quality as rules
from wms.floor.service import paper_holds
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.service.units import Deed
from wms.parties.tables import Person
from wms.record.service import append_leaf
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line
from wms.stock.tables import Account, Balance, Reservation, StockHold


@dataclass(frozen=True)
class Hold:
    """Which goods at a site are held, and why: all of an item, one lot, or one unit; ``qty`` None: all of them."""

    owner_id: int
    site_id: int
    trade_item_id: int
    reason: str
    lot_id: int | None = None
    handling_unit_id: int | None = None
    qty: int | None = None


@dataclass(frozen=True)
class Lying:
    """Goods in one account: how many nobody reserved, and all of them with their grams."""

    account: AccountKey
    account_id: int
    qty: int
    free_qty: int
    weight_g: int | None
    last_event_at: datetime


def place_hold(session: Session, hold: Hold, deed: Deed) -> list[int]:
    """Put good stock on hold, one hold for each lot and unit; return the holds' ids.

    Raises NoGoodStock, HeldPromised, or a refusal of the ledger.
    """
    lying = stock_of(session, hold, ("good",))
    if not lying:
        raise rules.NoGoodStock
    wanted = hold.qty if hold.qty is not None else sum(one.qty for one in lying)
    if sum(one.free_qty for one in lying) < wanted:
        _refuse_promised(session, lying, wanted)
    taken = take(lying, wanted)
    posting_id = post_status(session, deed, [(one, qty, "hold") for one, qty in taken], hold.reason)
    by_goods: dict[tuple[int | None, int | None], int] = {}
    for one, qty in taken:
        key = (one.account.lot_id, one.account.handling_unit_id)
        by_goods[key] = by_goods.get(key, 0) + qty
    return [
        register(session, replace(hold, lot_id=lot_id, handling_unit_id=unit_id, qty=qty), deed, posting_id)
        for (lot_id, unit_id), qty in by_goods.items()
    ]


def register(session: Session, hold: Hold, deed: Deed, posting_id: int | None) -> int:
    """Write why goods are on hold, and return the hold's id."""
    made = StockHold(
        owner_id=hold.owner_id, site_id=hold.site_id, trade_item_id=hold.trade_item_id, lot_id=hold.lot_id,
        handling_unit_id=hold.handling_unit_id, qty=hold.qty, reason=hold.reason, note=deed.reason,
        document=deed.document, posting_id=posting_id, placed_at=deed.event_at,
        placed_by=session.scalar(select(APP_PERSON)),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def release(session: Session, hold_id: int, to_status: str, deed: Deed) -> int | None:
    """End a hold: its goods become ``to_status``; return the posting, None where customs' booking lifts the rest.

    Bonded goods whose list is not booked yet, and goods that wait for papers, stay on hold for customs alone. Raises
    UnknownHold, HoldReleased, HeldForPapers, HeldGoodsElsewhere, UnknownStatus, or a refusal of the ledger.
    """
    if to_status not in rules.RELEASED_TO:
        raise rules.UnknownStatus(field="to_status", status=to_status)
    found = session.scalars(select(StockHold).where(StockHold.id == hold_id).with_for_update(key_share=True))
    held = found.one_or_none()
    if held is None:
        raise rules.UnknownHold(hold=hold_id)
    session.refresh(held)
    if held.state != "open":
        raise rules.HoldReleased(hold=hold_id, **by_whom(session, held.released_by, held.released_at))
    paper_holds.refuse_by_hand(session, held)
    goods = Hold(
        held.owner_id, held.site_id, held.trade_item_id, held.reason, held.lot_id, held.handling_unit_id, held.qty
    )
    of_lot = stock_of(session, replace(goods, handling_unit_id=None), ("hold",), exact=True)
    # Where it was held first; what was packed over since is found by its lot.
    lying = sorted(
        (one for one in of_lot if one.free_qty),
        key=lambda one: one.account.handling_unit_id != goods.handling_unit_id,
    )
    free = sum(one.free_qty for one in lying)
    if free < held.qty:
        raise rules.HeldGoodsElsewhere(found=free, qty=held.qty)
    papers = paper_holds.kept(session, held.site_id, held.trade_item_id, held.lot_id) if to_status == "good" else 0
    changes = [(one, qty, to_status) for one, qty in take(lying, min(held.qty, max(0, free - papers)))]
    if to_status == "good":
        changes = _bookable(session, changes)
    posting_id = post_status(session, deed, changes, held.reason) if changes else None
    session.execute(
        update(StockHold)
        .where(StockHold.id == hold_id)
        .values(
            state="released", to_status=to_status, release_reason=deed.reason, release_posting_id=posting_id,
            released_by=APP_PERSON, released_at=deed.event_at,
        )
    )  # fmt: skip
    append_leaf(session, "hold_released", {"hold_id": hold_id, "to": to_status, "reason": deed.reason}, hold_id)
    session.expire(held)
    return posting_id


def held_goods(
    session: Session, goods: Hold, wanted: int, to_status: str, others: int
) -> list[tuple[Lying, int, str]]:  # fmt: skip
    """Return which goods of a lot on hold become ``to_status``: ``wanted``, without ``others`` that stay on hold.

    Raises HeldGoodsElsewhere.
    """
    lying = [one for one in stock_of(session, goods, ("hold",), exact=True) if one.free_qty]
    free = sum(one.free_qty for one in lying)
    if free < wanted:
        raise rules.HeldGoodsElsewhere(found=free, qty=wanted)
    if to_status != "good":
        return [(one, qty, to_status) for one, qty in take(lying, wanted)]
    return _bookable(session, [(one, qty, to_status) for one, qty in take(lying, min(wanted, max(0, free - others)))])


def post_status(
    session: Session, deed: Deed, changes: Sequence[tuple[Lying, int, str]], reason: str, kind: str = "quality_change"
) -> int:
    """Post goods from the quality status they have to another; return the posting's id."""
    lines: list[Line] = []
    for one, qty, status in changes:
        weight_g = one.weight_g if qty == one.qty else None
        lines += ledger.moved(one.account, replace(one.account, quality_status=status), qty, weight_g=weight_g)
    at = max([deed.event_at, *(one.last_event_at for one, _, _ in changes)])
    posting = ledger.Posting(
        f"status:{deed.key}", kind, at, tuple(lines), deed.document, deed.reason or reason, deed.device
    )
    return ledger.post(session, posting).posting_id


def stock_of(session: Session, hold: Hold, statuses: tuple[str, ...], *, exact: bool = False) -> list[Lying]:
    """Return where goods lie in some quality status; ``exact``: a hold without lot or unit means those without one."""
    where = [
        Account.kind == "location",
        Account.owner_id == hold.owner_id,
        Account.site_id == hold.site_id,
        Account.trade_item_id == hold.trade_item_id,
        Account.quality_status.in_(statuses),
        Balance.qty > 0,
    ]
    if exact or hold.lot_id is not None:
        where.append(Account.lot_id.is_not_distinct_from(hold.lot_id))
    if hold.handling_unit_id is not None:
        where.append(Account.handling_unit_id == hold.handling_unit_id)
    rows = session.execute(
        select(Account, Balance.qty, Balance.qty - Balance.qty_reserved, Balance.weight_g, Balance.last_event_at)
        .join(Balance, Balance.account_id == Account.id)
        .where(*where)
        .order_by(Account.id)
    )
    return [Lying(_key(account), account.id, qty, free, grams, last) for account, qty, free, grams, last in rows]


def _key(account: Account) -> AccountKey:
    return AccountKey(
        account.kind, account.owner_id, account.trade_item_id, account.site_id, account.location_id, account.lot_id,
        account.handling_unit_id, account.customs_status, account.quality_status, account.book_line_id,
    )  # fmt: skip


def take(lying: Sequence[Lying], wanted: int) -> list[tuple[Lying, int]]:
    """Return how many of each are taken for ``wanted``, in order; fewer where not so many are free."""
    taken = []
    for one in lying:
        part = min(one.free_qty, wanted)
        if part > 0:
            taken.append((one, part))
            wanted -= part
    return taken


def _refuse_promised(session: Session, lying: Sequence[Lying], wanted: int) -> None:
    promised = session.scalars(
        select(Reservation.source_doc)
        .where(Reservation.account_id.in_([one.account_id for one in lying]), Reservation.state == "held")
        .distinct()
        .limit(5)
    )
    lacking = wanted - sum(one.free_qty for one in lying)
    raise rules.HeldPromised(qty=lacking, documents=", ".join(sorted(one or "-" for one in promised)) or "-")


BOOKING = text("SELECT pg_advisory_xact_lock(hashtextextended('book line made good ' || :line, app_tenant()))")
BOOKED = text(
    "SELECT coalesce((SELECT sum(b.qty) FROM account a JOIN balance b ON b.account_id = a.id"
    " WHERE a.book_line_id = :line AND a.kind = 'book'), 0)"
    " - coalesce((SELECT sum(b.qty) FROM account a JOIN balance b ON b.account_id = a.id"
    " WHERE a.book_line_id = :line AND a.customs_status = 'bonded'"
    " AND (a.kind = 'location' AND a.quality_status = 'good' OR a.kind IN ('declared_not_left', 'in_process'))), 0)"
)


def refuse_unbooked(session: Session, changes: Sequence[tuple[AccountKey, int]], to_status: str) -> None:
    """Refuse to make bonded goods good that no booked list covers, whichever door they are made good through (IN-g).

    Raises NotSellable, HeldForPapers.
    """
    paper_holds.refuse_good(session, changes, to_status)
    wanted: dict[int, int] = {}
    for account, qty in changes if to_status == "good" else ():
        if account.customs_status == "bonded" and account.quality_status != "good" and account.book_line_id is not None:
            wanted[account.book_line_id] = wanted.get(account.book_line_id, 0) + qty
    for line_id, qty in sorted(wanted.items()):
        if qty > _booked(session, line_id):
            raise NotSellable


def _booked(session: Session, line_id: int) -> int:
    """What may still become good of a book line; two who make goods of it good go one after the other."""
    session.execute(BOOKING, {"line": str(line_id)})
    return int(session.execute(BOOKED, {"line": line_id}).scalar_one())


def _bookable(session: Session, changes: Sequence[tuple[Lying, int, str]]) -> list[tuple[Lying, int, str]]:
    """Return what of bonded goods may become good: as much as the book counts beyond what is good already."""
    lines = {one.account.book_line_id for one, _, _ in changes if one.account.customs_status == "bonded"}
    left = {line_id: _booked(session, line_id) for line_id in sorted(one for one in lines if one is not None)}
    kept = []
    for one, qty, status in changes:
        line_id = one.account.book_line_id
        if one.account.customs_status != "bonded" or line_id is None:
            kept.append((one, qty, status))
            continue
        part = min(qty, max(0, left[line_id]))
        left[line_id] -= part
        if part:
            kept.append((one, part, status))
    return kept


def by_whom(session: Session, person_id: int | None, at: datetime | None) -> dict[str, Any]:
    """Return who did something and when, for a refusal."""
    person = session.get(Person, person_id) if person_id else None
    names = {"zh": person.name_zh, "en": person.name_en} if person else {"zh": "-", "en": "-"}
    return {"person": names, "at": at.isoformat(timespec="minutes") if at else "-"}

