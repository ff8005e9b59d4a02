"""How far an order is after picking: packed, loaded, shipped follow from what was packed and loaded for it."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from wms.floor.rules.packing import OrderIsCancelled
from wms.floor.service import pack_plans, tasks
from wms.floor.service.counting_in import APP_PERSON
from wms.floor.tables.orders import OutboundOrder
from wms.floor.tables.tasks import Task

LATER = ("picked", "packed", "loaded")

# What an order has in hand: what was picked for it, what of that lies in parcels, and what stands on vehicles or left.
# A unit that was picked whole and never packed counts as packed: it travels as it is once it is loaded.
PROGRESS = text("""
    SELECT o.id, o.state,
           coalesce((SELECT sum(l.picked_qty) FROM order_line l WHERE l.order_id = o.id), 0)::bigint AS picked,
           coalesce((SELECT sum(i.qty) FROM parcel_item i JOIN parcel p ON p.id = i.parcel_id
                      WHERE p.order_id = o.id AND p.state IN ('closed', 'loaded', 'shipped')
                        AND i.undone_at IS NULL), 0)::bigint AS packed,
           coalesce((SELECT sum(i.qty) FROM parcel_item i JOIN parcel p ON p.id = i.parcel_id
                      WHERE p.order_id = o.id AND p.state IN ('loaded', 'shipped') AND i.undone_at IS NULL),
                    0)::bigint AS parcels_loaded,
           coalesce((SELECT sum(i.qty) FROM parcel_item i JOIN parcel p ON p.id = i.parcel_id
                      WHERE p.order_id = o.id AND p.state = 'shipped' AND i.undone_at IS NULL), 0)::bigint
             AS parcels_shipped,
           coalesce(w.loaded, 0)::bigint AS units_loaded, coalesce(w.shipped, 0)::bigint AS units_shipped
      FROM outbound_order o
      LEFT JOIN LATERAL (
        SELECT sum(k.picked_qty) AS loaded, sum(k.picked_qty) FILTER (WHERE u.left_at IS NOT NULL) AS shipped
          FROM order_line l JOIN pick_line k ON k.order_line_id = l.id
          JOIN load_unit u ON u.handling_unit_id = k.handling_unit_id AND u.unloaded_at IS NULL
         WHERE l.order_id = o.id
           AND NOT EXISTS (SELECT 1 FROM parcel_item i WHERE i.from_unit_id = k.handling_unit_id
                              AND i.undone_at IS NULL)) w ON true
     WHERE o.id = ANY (:orders) ORDER BY o.id
""")
OF_UNITS = text("""
    SELECT l.order_id FROM pick_line k JOIN order_line l ON l.id = k.order_line_id
     WHERE k.handling_unit_id = ANY (:units) AND k.picked_qty > 0
    UNION SELECT order_id FROM parcel WHERE handling_unit_id = ANY (:units) AND order_id IS NOT NULL
""")
WISHES = text("""
    SELECT l.order_id, o.order_no, sum(k.picked_qty)::bigint AS picked
      FROM pick_line k JOIN order_line l ON l.id = k.order_line_id JOIN outbound_order o ON o.id = l.order_id
     WHERE k.handling_unit_id = :unit AND k.picked_qty > 0
     GROUP BY l.order_id, o.order_no ORDER BY l.order_id
""")
STILL_WANTED = text("""
    SELECT coalesce((SELECT sum(k.picked_qty) FROM pick_line k JOIN order_line l ON l.id = k.order_line_id
                      WHERE l.order_id = :order AND k.trade_item_id = :item), 0)::bigint AS picked,
           coalesce((SELECT sum(i.qty) FROM parcel_item i JOIN parcel p ON p.id = i.parcel_id
                      WHERE p.order_id = :order AND i.trade_item_id = :item AND i.undone_at IS NULL), 0)::bigint
             AS packed
""")


# What was taken as a whole pallet travels as it is; everything else is packed.
TO_PACK = text("""
    SELECT o.id, o.order_no, o.state, o.site_id, o.owner_id, o.priority, o.ship_by_at,
           bool_or(NOT k.is_whole_unit) AS wants_packing, max(p.to_location_id) AS place_id,
           nullif(sum(k.picked_qty), 0)::bigint AS qty
      FROM outbound_order o JOIN order_line l ON l.order_id = o.id
      JOIN pick_line k ON k.order_line_id = l.id AND k.picked_qty > 0
      JOIN pick_list p ON p.id = k.pick_list_id
     WHERE o.id = ANY (:orders) GROUP BY o.id ORDER BY o.id
""")


@dataclass(frozen=True)
class Wish:
    """An order whose goods were picked into a unit."""

    order_id: int
    order_no: str
    picked_qty: int


def wishes_of(session: Session, unit_id: int) -> tuple[Wish, ...]:
    """Return the orders whose goods were picked into a unit."""
    return tuple(Wish(*row) for row in session.execute(WISHES, {"unit": unit_id}))


def still_wanted(session: Session, order_id: int, trade_item_id: int) -> tuple[int, int]:
    """Return (picked, not yet packed) base units of an item for an order."""
    picked, packed = session.execute(STILL_WANTED, {"order": order_id, "item": trade_item_id}).one()
    return picked, picked - packed


def orders_of_units(session: Session, unit_ids: Collection[int]) -> list[int]:
    """Return the orders whose goods are in these units, in ascending id."""
    return sorted(session.execute(OF_UNITS, {"units": list(unit_ids)}).scalars())


def refuse_cancelled(session: Session, order_ids: Collection[int]) -> None:
    """Raise OrderIsCancelled where one of the orders was cancelled. Locks them, so that none is cancelled meanwhile."""
    locked = text("SELECT order_no, state FROM outbound_order WHERE id = ANY (:orders) ORDER BY id FOR NO KEY UPDATE")
    for order_no, state in session.execute(locked, {"orders": list(order_ids)}):
        if state == "cancelled":
            raise OrderIsCancelled(order=order_no)


def offer_packing(session: Session, order_ids: Collection[int]) -> None:
    """Offer the packing of orders that are picked now; withdraw it from those that are not any more."""
    if not order_ids:
        return
    for row in session.execute(TO_PACK, {"orders": sorted(order_ids)}).all():
        if row.state == "picked" and row.wants_packing:
            tasks.offer(
                session,
                tasks.NewTask(
                    row.site_id, "pack", row.id, row.order_no, row.priority, row.owner_id, row.place_id,
                    qty=row.qty, due_at=row.ship_by_at,
                ),
            )  # fmt: skip
            pack_plans.ask(session, row.id)
        else:
            tasks.void_task(session, "pack", row.id)


def take_task(session: Session, kind: str, subject_id: int) -> None:
    """Put the name of whoever does the work to its task, where nobody took it before."""
    open_task = select(Task.id).where(Task.kind == kind, Task.subject_id == subject_id, Task.state == "open")
    found = session.scalar(open_task)
    if found is not None and session.scalar(select(APP_PERSON)) is not None:
        tasks.take(session, found)


def advance(session: Session, order_ids: Collection[int]) -> None:
    """Let each order's state follow from what was packed, loaded and shipped; it may also fall back by an undo."""
    session.flush()
    for row in session.execute(PROGRESS, {"orders": sorted(order_ids)}).all():
        if row.state not in LATER or row.picked == 0:
            continue
        shipped = row.parcels_shipped + row.units_shipped
        loaded = row.parcels_loaded + row.units_loaded
        state = (
            "shipped" if shipped >= row.picked
            else "loaded" if loaded >= row.picked
            else "packed" if row.packed + row.units_loaded >= row.picked
            else "picked"
        )  # fmt: skip
        session.execute(
            update(OutboundOrder)
            .where(OutboundOrder.id == row.id, OutboundOrder.state.in_(LATER))
            .values(state=state)
            .execution_options(synchronize_session=False)
        )
