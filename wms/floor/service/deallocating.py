"""Give promised stock back: an order is cancelled or changed, or a wave is called off."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from wms.floor.service.allocating import restate
from wms.floor.service.tasks import void_task
from wms.stock import ledger

LINES = text("""
    SELECT p.id FROM pick_line p JOIN order_line l ON l.id = p.order_line_id
     WHERE l.order_id = ANY (:orders) AND p.state = 'open' ORDER BY p.id FOR NO KEY UPDATE OF p
""")
WITHDRAW = text("""
    UPDATE pick_line SET state = CASE WHEN picked_qty > 0 THEN 'short' ELSE 'void' END, short_qty = qty - picked_qty
     WHERE id = ANY (:lines) RETURNING pick_list_id
""")
OPEN = text("""
    SELECT a.id, a.reservation_id, a.order_line_id, a.qty - a.picked_qty - a.void_qty AS left_qty
      FROM allocation a JOIN order_line l ON l.id = a.order_line_id
     WHERE l.order_id = ANY (:orders) AND a.state = 'open' ORDER BY a.id FOR NO KEY UPDATE OF a
""")
END = text("""
    UPDATE allocation SET void_qty = qty - picked_qty, state = CASE WHEN picked_qty > 0 THEN 'picked' ELSE 'void' END
     WHERE id = ANY (:ids)
""")
LOWER = text("""
    UPDATE order_line l SET allocated_qty = l.allocated_qty - u.qty
      FROM (SELECT line, sum(qty)::bigint AS qty
              FROM unnest(cast(:lines AS bigint[]), cast(:qtys AS bigint[])) AS x(line, qty) GROUP BY line) u
     WHERE l.id = u.line
""")
EMPTY_LISTS = text("""
    UPDATE pick_list k SET state = CASE WHEN EXISTS (
               SELECT 1 FROM pick_line p WHERE p.pick_list_id = k.id AND p.picked_qty > 0) THEN 'done' ELSE 'void' END,
           ended_at = now()
     WHERE k.id = ANY (:lists) AND k.state IN ('open', 'picking')
       AND NOT EXISTS (SELECT 1 FROM pick_line p WHERE p.pick_list_id = k.id AND p.state = 'open')
    RETURNING k.id
""")


def free_orders(session: Session, order_ids: Sequence[int]) -> int:
    """Void every promise of orders that nobody picked yet, and withdraw their pick lines; return how many ended.

    The caller holds the orders' locks. Picked goods stay picked.
    """
    lines = session.execute(LINES, {"orders": list(order_ids)}).scalars().all()
    lists = session.execute(WITHDRAW, {"lines": list(lines)}).scalars().all() if lines else []
    found = session.execute(OPEN, {"orders": list(order_ids)}).all()
    end(session, found)
    restate(session, order_ids)
    end_empty_lists(session, lists)
    return len(found)


def end(session: Session, promises: Sequence[Row[Any]]) -> None:
    """Void promises as rows of ``OPEN``, and lower their order lines; the caller holds all locks."""
    if promises:
        ledger.void(session, [row.reservation_id for row in promises])
        session.execute(END, {"ids": [row.id for row in promises]})
        lines, qtys = [row.order_line_id for row in promises], [row.left_qty for row in promises]
        session.execute(LOWER, {"lines": lines, "qtys": qtys})


def end_empty_lists(session: Session, list_ids: Sequence[int]) -> None:
    """End pick lists on which nothing is left to do, and the tasks that offered them."""
    if list_ids:
        for list_id in session.execute(EMPTY_LISTS, {"lists": sorted(set(list_ids))}).scalars().all():
            void_task(session, "pick", list_id)


def forget(session: Session, order_id: int) -> None:
    """Remove ended promises of an order whose lines are replaced; the ledger keeps what was reserved and given back."""
    session.execute(
        text(
            "DELETE FROM allocation a USING order_line l WHERE l.id = a.order_line_id AND l.order_id = :order"
            " AND a.state = 'void'"
        ),
        {"order": order_id},
    )
