"""Picking: goods go from their place into a tote (or keep their pallet), and stand at the packing place.

One list of takings is one posting, its promises used up; where the ledger refuses the whole, each taking is posted by
itself, so that one that cannot be does not hold up the others. Locks are taken in one order by everybody: orders,
lines, promises, the ledger's balances, list, wave.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.errors import WmsError
from wms.floor.rules import picking as rules
from wms.floor.service import order_progress, pick_lists
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Line, Posting

LOCK_ORDERS = text("""
    SELECT o.id FROM outbound_order o
     WHERE o.id IN (SELECT l.order_id FROM pick_line k JOIN order_line l ON l.id = k.order_line_id
                     WHERE k.id = ANY (:ids))
     ORDER BY o.id FOR NO KEY UPDATE
""")
LOCK_LINES = text("SELECT id FROM pick_line WHERE id = ANY (:ids) ORDER BY id FOR NO KEY UPDATE")
LOCK_PROMISES = text("""
    SELECT id FROM allocation WHERE id IN (SELECT allocation_id FROM pick_line WHERE id = ANY (:ids))
     ORDER BY id FOR NO KEY UPDATE
""")
LOAD = text("""
    SELECT k.id, k.pick_list_id, k.allocation_id, k.order_line_id, l.order_id, k.seq, k.slot, k.state, k.qty,
           k.picked_qty, k.short_qty, k.is_whole_unit, k.from_handling_unit_id, k.handling_unit_id,
           a.reservation_id, a.account_id, c.owner_id, c.trade_item_id, c.site_id, c.location_id, c.lot_id,
           c.customs_status, c.quality_status, c.book_line_id, b.last_event_at, p.to_location_id, p.list_no,
           t.handling_unit_id AS tote_id, i.is_catch_weight, i.name_zh, i.name_en
      FROM pick_line k
      JOIN order_line l ON l.id = k.order_line_id
      JOIN allocation a ON a.id = k.allocation_id
      JOIN account c ON c.id = a.account_id
      JOIN balance b ON b.account_id = c.id
      JOIN trade_item i ON i.id = c.trade_item_id
      JOIN pick_list p ON p.id = k.pick_list_id
      LEFT JOIN pick_tote t ON t.pick_list_id = k.pick_list_id AND t.slot = k.slot
     WHERE k.id = ANY (:ids)
""")
TAKEN = "unnest(cast(:lines AS bigint[]), cast(:qtys AS bigint[]))"
LINE = text("""
    UPDATE pick_line k
       SET picked_qty = k.picked_qty + u.qty, handling_unit_id = u.unit,
           weight_g = CASE WHEN u.weight IS NULL THEN k.weight_g ELSE coalesce(k.weight_g, 0) + u.weight END,
           state = CASE WHEN k.picked_qty + k.short_qty + u.qty = k.qty THEN 'picked' ELSE k.state END
      FROM unnest(cast(:lines AS bigint[]), cast(:qtys AS bigint[]), cast(:units AS bigint[]),
                  cast(:weights AS bigint[])) AS u(line, qty, unit, weight)
     WHERE k.id = u.line
""")
PROMISE = text(f"""
    UPDATE allocation a
       SET picked_qty = a.picked_qty + s.qty,
           state = CASE WHEN a.picked_qty + a.void_qty + s.qty = a.qty THEN 'picked' ELSE 'open' END
      FROM (SELECT k.allocation_id, sum(u.qty)::bigint AS qty
              FROM {TAKEN} AS u(line, qty) JOIN pick_line k ON k.id = u.line GROUP BY k.allocation_id) s
     WHERE a.id = s.allocation_id
""")  # noqa: S608 - our own words
ORDERED = text(f"""
    UPDATE order_line l SET picked_qty = l.picked_qty + s.qty
      FROM (SELECT k.order_line_id, sum(u.qty)::bigint AS qty
              FROM {TAKEN} AS u(line, qty) JOIN pick_line k ON k.id = u.line GROUP BY k.order_line_id) s
     WHERE l.id = s.order_line_id
""")  # noqa: S608 - our own words
NOTE = text("""
    INSERT INTO pick (pick_line_id, scan_id, handling_unit_id, qty, weight_g, posting_id, person_id, device, picked_at)
    SELECT u.line, :scan, u.unit, u.qty, u.weight, u.posting, app_person(), :device, :at
      FROM unnest(cast(:lines AS bigint[]), cast(:units AS bigint[]), cast(:qtys AS bigint[]),
                  cast(:weights AS bigint[]), cast(:postings AS bigint[])) AS u(line, unit, qty, weight, posting)
    RETURNING id
""")
# An order is picked when nothing of it is left to pick and something was picked; short when nothing was found.
ORDER_STATE = text("""
    UPDATE outbound_order o
       SET state = n.state, picked_at = CASE WHEN n.state = 'picked' THEN cast(:at AS timestamptz) END
      FROM (SELECT l.order_id, CASE
                   WHEN sum(k.picked_qty) = 0 AND NOT bool_or(k.state = 'open') THEN 'short'
                   WHEN sum(k.picked_qty) = 0 THEN 'released'
                   WHEN bool_or(k.state = 'open') THEN 'picking' ELSE 'picked' END AS state
              FROM order_line l JOIN pick_line k ON k.order_line_id = l.id
             WHERE l.order_id = ANY (:orders) AND k.state <> 'void' GROUP BY l.order_id) n
     WHERE o.id = n.order_id AND o.state IN ('released', 'picking', 'picked', 'short') AND o.state <> n.state
    RETURNING o.id
""")
SPLIT = text("""
    INSERT INTO pick_line (pick_list_id, allocation_id, order_line_id, seq, slot, owner_id, location_id, trade_item_id,
                           lot_id, from_handling_unit_id, is_whole_unit, qty)
    SELECT pick_list_id, allocation_id, order_line_id, seq, slot, owner_id, location_id, trade_item_id, lot_id,
           from_handling_unit_id, false, qty - picked_qty - short_qty FROM pick_line WHERE id = :id RETURNING id
""")
CLOSE = text("UPDATE pick_line SET qty = picked_qty + short_qty, state = 'picked' WHERE id = :id")


@dataclass(frozen=True)
class Take:
    """Goods of a pick line in hand. ``handling_unit_id`` is the tote; None: that of the line's slot, or its own pallet.

    ``weight_g`` is what they weigh together, where each piece has a weight of its own; ``serials`` are their numbers,
    where the item is kept by number. Who takes all that lies in an account need not name them.
    """

    pick_line_id: int
    qty: int
    handling_unit_id: int | None = None
    weight_g: int | None = None
    serials: tuple[str, ...] = ()


@dataclass(frozen=True)
class Taken:
    """Goods that were picked: the line (a new one where the rest of a line went into another tote) and the posting."""

    pick_line_id: int
    pick_id: int
    posting_id: int
    handling_unit_id: int
    qty: int


@dataclass(frozen=True)
class _Ready:
    take: Take
    row: Mapping[str, Any]
    unit_id: int

    @property
    def lines(self) -> tuple[Line, Line]:
        """From the place to the packing place, into the tote, the promise used up."""
        row, qty, weight = self.row, self.take.qty, self.take.weight_g
        taken = source(row)
        placed = AccountKey(
            "location", taken.owner_id, taken.trade_item_id, taken.site_id, row["to_location_id"], taken.lot_id,
            self.unit_id, taken.customs_status, taken.quality_status, taken.book_line_id,
        )  # fmt: skip
        minus = None if weight is None else -weight
        return (
            Line(taken, -qty, minus, None, row["reservation_id"], self.take.serials),
            Line(placed, qty, weight, serials=self.take.serials),
        )


def source(row: Mapping[str, Any]) -> AccountKey:
    """Return the account that a loaded line takes its goods from."""
    return AccountKey(
        "location", row["owner_id"], row["trade_item_id"], row["site_id"], row["location_id"], row["lot_id"],
        row["from_handling_unit_id"], row["customs_status"], row["quality_status"], row["book_line_id"],
    )  # fmt: skip


def lock(session: Session, line_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Lock pick lines with their orders and promises, and return them as they now are, by id."""
    ids = {"ids": sorted(set(line_ids))}
    for statement in (LOCK_ORDERS, LOCK_LINES, LOCK_PROMISES):
        session.execute(statement, ids)
    return {row["id"]: dict(row) for row in session.execute(LOAD, ids).mappings()}


def pick_many(
    session: Session, key: str, takes: Sequence[Take], at: datetime, *, device: str | None = None,
    scan_id: int | None = None,
) -> list[Taken | WmsError]:  # fmt: skip
    """Pick a list, each line at most once in it; what cannot be is refused by itself, the others stand.

    ``key`` names the deed: the same key never picks twice. Best in lists of 20 to 200.
    """
    rows = lock(session, [take.pick_line_id for take in takes])
    results: list[Taken | WmsError | None] = [None] * len(takes)
    ready: dict[int, _Ready] = {}
    for i, take in enumerate(takes):
        try:
            ready[i] = _checked(session, rows, take)
        except WmsError as refusal:
            results[i] = refusal
    posted, refused = _post(session, key, ready, at, device)
    for i, answer in refused.items():
        results[i] = answer
        del ready[i]
    if ready:
        for i, pick_id in zip(ready, _note(session, list(ready.values()), posted, at, device, scan_id), strict=True):
            one = ready[i]
            results[i] = Taken(one.take.pick_line_id, pick_id, posted[one.row["id"]], one.unit_id, one.take.qty)
        _settle(session, list(ready.values()), at)
    return [result for result in results if result is not None]


def pick(session: Session, key: str, take: Take, at: datetime, **more: Any) -> Taken:
    """Pick one line. Raises what :func:`pick_many` refuses it for."""
    result = pick_many(session, key, [take], at, **more)[0]
    if isinstance(result, WmsError):
        raise result
    return result


def _checked(session: Session, rows: Mapping[int, dict[str, Any]], take: Take) -> _Ready:
    row = rows.get(take.pick_line_id)
    if row is None or row["state"] != "open":
        raise rules.AlreadyPicked(line=take.pick_line_id)
    names, left = {"zh": row["name_zh"], "en": row["name_en"]}, row["qty"] - row["picked_qty"] - row["short_qty"]
    if not 0 < take.qty <= left:
        raise rules.TooManyPicked(item=names, left=left, wanted=take.qty)
    keeps_pallet = row["is_whole_unit"] and take.handling_unit_id is None and take.qty == row["qty"]
    if row["is_catch_weight"] and take.weight_g is None and not keeps_pallet:
        raise rules.WeightNeeded(item=names)
    unit_id = row["from_handling_unit_id"] if keeps_pallet else take.handling_unit_id or row["tote_id"]
    if unit_id is None:
        raise rules.ToteFirst(slot=row["slot"])
    # A line whose picks were all undone still names their tote, but holds nothing in it.
    if row["picked_qty"] > 0 and row["handling_unit_id"] not in (None, unit_id):
        # The first tote was full: what is left of the line becomes a line of its own. One line, one tote.
        rest_id = session.execute(SPLIT, {"id": row["id"]}).scalar_one()
        session.execute(CLOSE, {"id": row["id"]})
        row = dict(session.execute(LOAD, {"ids": [rest_id]}).mappings().one())
        take = replace(take, pick_line_id=rest_id)
    return _Ready(take, row, unit_id)


def _post(
    session: Session, key: str, ready: Mapping[int, _Ready], at: datetime, device: str | None
) -> tuple[dict[int, int], dict[int, WmsError]]:
    """Post everything as one fact; where the ledger refuses that, each taking as one of its own.

    Returns the posting of each pick line, and the refusals by their place in the list.
    """
    if not ready:
        return {}, {}
    # Clocks of two handhelds differ by seconds: what is taken must not count as earlier than what was brought.
    last = max(at, *(one.row["last_event_at"] for one in ready.values()))
    lines = tuple(line for one in ready.values() for line in one.lines)
    lists = {one.row["list_no"] for one in ready.values()}
    whole = Posting(key, "pick", last, lines, lists.pop() if len(lists) == 1 else None, device=device)
    result = ledger.post_many(session, [whole])[0]
    if not isinstance(result, WmsError):
        return {one.row["id"]: result.posting_id for one in ready.values()}, {}
    if len(ready) == 1:
        return {}, dict.fromkeys(ready, result)
    single = [
        Posting(f"{key}:{one.row['id']}", "pick", last, one.lines, one.row["list_no"], device=device)
        for one in ready.values()
    ]
    posted: dict[int, int] = {}
    refused: dict[int, WmsError] = {}
    for (i, one), answer in zip(ready.items(), ledger.post_many(session, single), strict=True):
        if isinstance(answer, WmsError):
            refused[i] = answer
        else:
            posted[one.row["id"]] = answer.posting_id
    return posted, refused


def _note(
    session: Session, done: Sequence[_Ready], posted: Mapping[int, int], at: datetime, device: str | None,
    scan_id: int | None,
) -> list[int]:  # fmt: skip
    values = {
        "lines": [one.row["id"] for one in done],
        "qtys": [one.take.qty for one in done],
        "units": [one.unit_id for one in done],
        "weights": [one.take.weight_g for one in done],
        "postings": [posted[one.row["id"]] for one in done],
    }
    for statement in (LINE, PROMISE, ORDERED):
        session.execute(statement, values)
    return list(session.execute(NOTE, {**values, "scan": scan_id, "device": device, "at": at}).scalars())


def _settle(session: Session, done: Sequence[_Ready], at: datetime) -> None:
    settle_orders(session, [one.row["order_id"] for one in done], at)
    pick_lists.settle(session, [one.row["pick_list_id"] for one in done], at)


def settle_orders(session: Session, order_ids: Sequence[int], at: datetime) -> None:
    """Let the state of orders that are being picked follow from their lines; the caller holds their locks."""
    changed = session.execute(ORDER_STATE, {"orders": sorted(set(order_ids)), "at": at}).scalars().all()
    order_progress.offer_packing(session, changed)
