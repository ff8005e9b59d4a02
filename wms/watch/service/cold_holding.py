"""A breach holds exactly the goods that were there: found through the ledger, wherever they lie now."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wms.stock import ledger
from wms.stock.accounts import account_ids
from wms.stock.ledger import AccountKey
from wms.stock.tables import StockHold
from wms.watch.rules.temperatures import Limit, subjects_of
from wms.watch.rules.tracing import Moved, Step, Traced, Window, trace
from wms.watch.tables.temperatures import TemperatureBreach, TemperatureHold

# Accounts of goods that were in a place at some time, with the span for which they belonged to it: what stood on a
# pallet that carries a logger belongs to it for as long as it stood there, whatever stands there today.
THERE = text(
    """
    WITH RECURSIVE inside AS (
      SELECT m.id AS member_id, m.location_id FROM temperature_member m
       WHERE m.place_id = :place_id AND m.location_id IS NOT NULL
      UNION
      SELECT i.member_id, l.id FROM inside i JOIN location l ON l.parent_id = i.location_id
    ), aboard AS (
      SELECT m.id AS member_id, m.handling_unit_id, m.from_at, m.until_at FROM temperature_member m
       WHERE m.place_id = :place_id AND m.handling_unit_id IS NOT NULL
      UNION
      SELECT b.member_id, s.handling_unit_id, greatest(b.from_at, s.from_at), least(b.until_at, s.until_at)
        FROM aboard b JOIN unit_stay s ON s.parent_id = b.handling_unit_id
         AND greatest(b.from_at, s.from_at) < coalesce(least(b.until_at, s.until_at), 'infinity')
    ), spot AS (
      SELECT member_id, location_id FROM inside
      UNION
      SELECT m.id, l.id FROM temperature_member m JOIN temperature_place p ON p.id = m.place_id
        JOIN location l ON l.site_id = p.site_id AND l.zone = m.zone
       WHERE m.place_id = :place_id AND m.zone IS NOT NULL
    ), found AS (
      SELECT a.id, m.from_at, m.until_at FROM spot s JOIN account a ON a.location_id = s.location_id
        AND a.kind = 'location' JOIN temperature_member m ON m.id = s.member_id
      UNION
      SELECT a.id, b.from_at, b.until_at FROM aboard b JOIN account a ON a.handling_unit_id = b.handling_unit_id
        JOIN account_kind k ON k.kind = a.kind AND k.side = 'physical' AND NOT k.is_virtual
    )
    SELECT f.id AS account_id, f.from_at, f.until_at, t.id AS item_id, t.code AS item_code, c.code AS owner_code,
           t.temperature_class
      FROM found f JOIN account a ON a.id = f.id
      JOIN trade_item t ON t.id = a.trade_item_id JOIN company c ON c.id = a.owner_id
     WHERE EXISTS (SELECT 1 FROM entry e WHERE e.account_id = f.id)
     ORDER BY f.id, f.from_at
    """
)
LIMITS = text(
    """
    SELECT DISTINCT ON (subject) subject, value, source FROM (
      SELECT subject, value, source, valid_from_on, false AS shipped FROM dated_value
       WHERE name = 'temperature.limit' AND valid_from_on <= :on
      UNION ALL
      SELECT subject, value, source, valid_from_on, true FROM shipped_value
       WHERE name = 'temperature.limit' AND valid_from_on <= :on) known
     ORDER BY subject, shipped, valid_from_on DESC
    """
)
# Where goods of these accounts went since: one step further with each call.
ONWARD = text(
    """
    SELECT DISTINCT into_.account_id FROM entry out_ JOIN entry into_ ON into_.posting_id = out_.posting_id
      JOIN account a ON a.id = into_.account_id JOIN account_kind k ON k.kind = a.kind
     WHERE out_.account_id = ANY (:accounts) AND out_.qty < 0 AND out_.event_at > :since AND into_.qty > 0
       AND k.side = 'physical' AND NOT k.is_virtual
    """
)
STEPS = text(
    """
    SELECT p.id AS posting_id, p.kind, p.event_at, e.account_id, e.qty, a.trade_item_id, a.lot_id,
           a.kind AS account_kind, k.is_virtual
      FROM posting p JOIN entry e ON e.posting_id = p.id JOIN account a ON a.id = e.account_id
      JOIN account_kind k ON k.kind = a.kind AND k.side = 'physical'
     WHERE p.event_at > :since
       AND p.id IN (SELECT x.posting_id FROM entry x WHERE x.account_id = ANY (:accounts) AND x.event_at > :since)
     ORDER BY p.event_at, p.id, e.account_id
    """
)
OPENING = text(
    "SELECT account_id, sum(qty)::bigint AS qty FROM entry WHERE account_id = ANY (:accounts) AND event_at <= :since"
    " GROUP BY account_id"
)
NOW = text(
    """
    SELECT a.id, a.kind, a.owner_id, a.trade_item_id, a.site_id, a.location_id, a.lot_id, a.handling_unit_id,
           a.customs_status, a.quality_status, a.book_line_id, coalesce(b.qty, 0) AS qty,
           coalesce(b.qty_reserved, 0) AS qty_reserved
      FROM account a LEFT JOIN balance b ON b.account_id = a.id WHERE a.id = ANY (:accounts) ORDER BY a.id
    """
)
HELD_FOR = text(
    "SELECT id, qty_open, source_doc FROM reservation WHERE account_id = :account AND state = 'held' ORDER BY id DESC"
)


@dataclass(frozen=True)
class Goods:
    """An account whose goods stood in a place for a span, and under which limit they are."""

    account_id: int
    from_at: datetime
    until_at: datetime | None
    subject: str


def limits_on(session: Session, day: date) -> dict[str, Limit]:
    """All limits that hold on a day, by subject."""
    return {
        row.subject: Limit(
            row.value.get("low_mdegc"), row.value.get("high_mdegc"), int(row.value.get("for_s", 0)), row.source
        )
        for row in session.execute(LIMITS, {"on": day})
    }


def goods_of(session: Session, place_id: int, limits: Collection[str]) -> list[Goods]:
    """Whose goods ever stood in a place, each with the narrowest limit that was entered for it."""
    found = []
    for row in session.execute(THERE, {"place_id": place_id}):
        names = subjects_of(row.owner_code, row.item_code, row.temperature_class)
        subject = next((name for name in names if name in limits), None)
        if subject is not None:
            found.append(Goods(row.account_id, row.from_at, row.until_at, subject))
    return found


def windows_of(goods: Iterable[Goods], breach: TemperatureBreach, now: datetime) -> list[Window]:
    """When the goods of a breach's limit were there while it lasted."""
    end = breach.end_at or now
    windows = []
    for one in goods:
        since = max(one.from_at, breach.start_at)
        until = min(one.until_at or end, end)
        if one.subject == breach.subject and since < until:
            windows.append(Window(one.account_id, since, until))
    return windows


def follow(session: Session, windows: Sequence[Window]) -> Traced:
    """Where the goods of these windows are now, and what has gone."""
    if not windows:
        return Traced()
    since = min(window.since for window in windows)
    accounts = {window.account_id for window in windows}
    new = set(accounts)
    while new:
        onward = set(session.scalars(ONWARD, {"accounts": sorted(new), "since": since}))
        new = onward - accounts
        accounts |= new
    bound = {"accounts": sorted(accounts), "since": since}
    opening = {row.account_id: row.qty for row in session.execute(OPENING, bound)}
    rows = session.execute(STEPS, bound).all()
    steps = [
        Step(
            posting_id, entries[0].kind, entries[0].event_at,
            tuple(
                Moved(one.account_id, one.qty, (one.trade_item_id, one.lot_id), one.account_kind, one.is_virtual)
                for one in entries
            ),
        )
        for posting_id, entries in (
            (key, list(group)) for key, group in groupby(rows, key=lambda row: row.posting_id)
        )
    ]  # fmt: skip
    return trace(opening, windows, steps)


def hold(session: Session, breach: TemperatureBreach, goods: Sequence[Goods], now: datetime) -> int:
    """Post what was there during a breach and is still good to hold; note what is on hold already and what is gone.

    Safe to repeat: what is held already is not good any more. Returns how many base units were held. Promises of the
    held stock are given back: goods under doubt are promised to nobody.
    """
    traced = follow(session, windows_of(goods, breach, now))
    suspects = {account: qty for account, qty in traced.suspect.items() if qty > 0}
    gone = {account: qty for account, qty in traced.gone.items() if qty > 0}
    rows = {row.id: row for row in session.execute(NOW, {"accounts": sorted({*suspects, *gone})})}
    known = _known(session, breach.id)
    held = 0
    for account, qty in sorted(suspects.items()):
        row = rows[account]
        amount = min(qty, row.qty)
        if amount <= 0:
            continue
        if row.quality_status == "good":
            _post(session, breach, row, amount, is_mixed=account in traced.mixed, now=now)
            held += amount
        elif known[account] < amount:
            _note(session, breach, row, amount - known[account], "found", is_mixed=account in traced.mixed)
    for account, qty in sorted(gone.items()):
        if known[account] < qty:
            _note(session, breach, rows[account], qty - known[account], "gone", is_mixed=False)
    session.flush()
    return held


def _known(session: Session, breach_id: int) -> dict[int, int]:
    """What is on record of a breach, by the account in which it lies since."""
    known: dict[int, int] = defaultdict(int)
    rows = session.execute(
        select(TemperatureHold.account_id, TemperatureHold.qty).where(TemperatureHold.breach_id == breach_id)
    )
    for account_id, qty in rows:
        known[account_id] += qty
    return known


def _post(session: Session, breach: TemperatureBreach, row: object, qty: int, *, is_mixed: bool, now: datetime) -> None:
    account = key_of(row)
    held = replace(account, quality_status="hold")
    freed = _free(session, row, qty)
    breach.hold_no += 1
    posting = ledger.Posting(
        f"cold:{breach.id}:{breach.hold_no}", "cold_hold", now, ledger.moved(account, held, qty),
        f"breach:{breach.id}", f"{breach.min_mdegc}…{breach.max_mdegc} m°C",
    )  # fmt: skip
    posted = ledger.post(session, posting)
    if account.kind == "location":
        # Held by name, so that customs' booking does not lift it with its own holds.
        session.add(
            StockHold(
                owner_id=account.owner_id, site_id=account.site_id, trade_item_id=account.trade_item_id,
                lot_id=account.lot_id, handling_unit_id=account.handling_unit_id, qty=qty, reason="other",
                note="temperature", document=f"breach:{breach.id}", posting_id=posted.posting_id, placed_at=now,
            )
        )  # fmt: skip
    session.add(
        TemperatureHold(
            breach_id=breach.id, owner_id=account.owner_id, trade_item_id=account.trade_item_id,
            lot_id=account.lot_id, handling_unit_id=account.handling_unit_id,
            account_id=account_ids(session, {held})[held], qty=qty, is_mixed=is_mixed, state="held",
            posting_id=posted.posting_id, freed_docs=", ".join(freed),
        )
    )  # fmt: skip


def _free(session: Session, row: object, qty: int) -> list[str]:
    """Give back the youngest promises of an account until ``qty`` of it are free; returns whose they were."""
    lacking = qty - (row.qty - row.qty_reserved)  # type: ignore[attr-defined]
    freed: list[str] = []
    if lacking <= 0:
        return freed
    for promise in session.execute(HELD_FOR, {"account": row.id}).all():  # type: ignore[attr-defined]
        if lacking <= 0:
            break
        ledger.void(session, [promise.id])
        lacking -= promise.qty_open
        freed.append(promise.source_doc or str(promise.id))
    return freed


def _note(session: Session, breach: TemperatureBreach, row: object, qty: int, state: str, *, is_mixed: bool) -> None:
    account = key_of(row)
    session.add(
        TemperatureHold(
            breach_id=breach.id, owner_id=account.owner_id, trade_item_id=account.trade_item_id,
            lot_id=account.lot_id, handling_unit_id=account.handling_unit_id, account_id=row.id,  # type: ignore[attr-defined]
            qty=qty, is_mixed=is_mixed, state=state,
        )
    )  # fmt: skip


def key_of(row: object) -> AccountKey:
    """The dimensions of a row of ``NOW``."""
    names = (
        "kind", "owner_id", "trade_item_id", "site_id", "location_id", "lot_id", "handling_unit_id", "customs_status",
        "quality_status", "book_line_id",
    )  # fmt: skip
    return AccountKey(*(getattr(row, name) for name in names))


def follow_held(session: Session, window: Window, qty: int) -> dict[int, int]:
    """Where ``qty`` units that were put into an account at an instant lie now, by account."""
    traced = follow(session, [window])
    return {account: min(found, qty) for account, found in traced.suspect.items() if found > 0}
