"""Fewer goods than promised: the promise ends, a count is asked for, and other goods are looked for at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.floor import allocation_queries
from wms.floor.rules import picking as rules
from wms.floor.service import allocating, counting, pick_lists, picking
from wms.floor.service.allocating import Only
from wms.floor.service.picking import settle_orders
from wms.record.service import append_leaf
from wms.stock import ledger

IN_WORK = ("released", "picking")

SHORT = text("UPDATE pick_line SET short_qty = qty - picked_qty, state = 'short' WHERE id = ANY (:ids)")
END = text("""
    UPDATE allocation SET void_qty = void_qty + u.qty,
           state = CASE WHEN picked_qty + void_qty + u.qty < allocation.qty THEN 'open'
                        WHEN picked_qty > 0 THEN 'picked' ELSE 'void' END
      FROM unnest(cast(:ids AS bigint[]), cast(:qtys AS bigint[])) AS u(id, qty) WHERE allocation.id = u.id
""")
LOWER = text("""
    UPDATE order_line l SET allocated_qty = l.allocated_qty - u.qty
      FROM (SELECT line, sum(qty)::bigint AS qty
              FROM unnest(cast(:lines AS bigint[]), cast(:qtys AS bigint[])) AS x(line, qty) GROUP BY line) u
     WHERE l.id = u.line
""")
GIVE_UP = text("""
    UPDATE order_line SET short_qty = ordered_qty - allocated_qty
     WHERE id = ANY (:lines) AND ordered_qty > allocated_qty + short_qty
    RETURNING id, short_qty
""")
REPLACE = text("""
    INSERT INTO pick_line (pick_list_id, allocation_id, order_line_id, seq, slot, owner_id, location_id, trade_item_id,
                           lot_id, from_handling_unit_id, is_whole_unit, qty)
    SELECT :list, a.id, a.order_line_id, :seq, u.slot, c.owner_id, c.location_id, c.trade_item_id, c.lot_id,
           c.handling_unit_id, a.is_whole_unit, a.qty
      FROM allocation a
      JOIN unnest(cast(:lines AS bigint[]), cast(:slots AS int[])) AS u(line, slot) ON u.line = a.order_line_id
      JOIN account c ON c.id = a.account_id
      JOIN location p ON p.id = c.location_id
     WHERE a.id = ANY (:allocations) ORDER BY coalesce(p.pick_sequence, p.id), a.id
    RETURNING id
""")
LAST = text("SELECT coalesce(max(seq), 0) + 1 FROM pick_line WHERE pick_list_id = :list")


@dataclass(frozen=True)
class Shortage:
    """What came of it: base units missing, found elsewhere (new lines on the list), and given up."""

    missing_qty: int
    found_qty: int
    new_line_ids: tuple[int, ...]
    given_up: dict[int, int]

    @property
    def given_up_qty(self) -> int:
        return self.missing_qty - self.found_qty


def report_short(session: Session, key: str, line_ids: Sequence[int], at: datetime) -> Shortage:
    """Close pick lines of one list whose goods are not there, as far as they are not picked, and look for others.

    Their promises end; the place is to be counted; other stock is promised at once where there is any, never from the
    same account, and stands on the same list. What cannot be found is short on its order.

    Raises AlreadyPicked.
    """
    rows = picking.lock(session, line_ids)
    for line_id in line_ids:
        if line_id not in rows or rows[line_id]["state"] != "open":
            raise rules.AlreadyPicked(line=line_id)
    chosen = [rows[line_id] for line_id in line_ids]
    left = [row["qty"] - row["picked_qty"] - row["short_qty"] for row in chosen]
    order_lines, orders = sorted({row["order_line_id"] for row in chosen}), sorted({row["order_id"] for row in chosen})
    session.execute(SHORT, {"ids": list(line_ids)})
    session.execute(END, {"ids": [row["allocation_id"] for row in chosen], "qtys": left})
    session.execute(LOWER, {"lines": [row["order_line_id"] for row in chosen], "qtys": left})
    ended = [row["reservation_id"] for row in chosen]
    only = Only(frozenset(order_lines), frozenset(row["account_id"] for row in chosen))
    wanted = only.lines_of(allocation_queries.wanted(session, orders, at))
    only = replace(only, none_but=allocating.lock(session, wanted, ended))
    ledger.void(session, ended)
    found = allocating.allocate(session, f"short:{key}", orders, at, states=IN_WORK, only=only)
    list_id = chosen[0]["pick_list_id"]
    new = put_on_list(session, list_id, {row["order_line_id"]: row["slot"] for row in chosen}, found.allocation_ids)
    given_up = {row.id: row.short_qty for row in session.execute(GIVE_UP, {"lines": order_lines})}
    for place, item in sorted({(row["location_id"], row["trade_item_id"]) for row in chosen}):
        counting.trigger(session, place, item, "short_pick")
    told = {"lines": list(line_ids), "missing": sum(left), "found": found.qty}
    append_leaf(session, "short_pick", told, list_id)
    settle_orders(session, orders, at)
    pick_lists.settle(session, [list_id], at)
    return Shortage(sum(left), found.qty, tuple(new), given_up)


def put_on_list(session: Session, list_id: int, slots: dict[int, int], allocations: Sequence[int]) -> list[int]:
    """Add promised goods at the end of a list; ``slots`` says into which tote, by order line. Returns the new lines."""
    if not allocations:
        return []
    values = {
        "list": list_id,
        "seq": session.execute(LAST, {"list": list_id}).scalar_one(),
        "lines": list(slots),
        "slots": list(slots.values()),
        "allocations": list(allocations),
    }
    return list(session.execute(REPLACE, values).scalars())
