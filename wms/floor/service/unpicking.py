"""Undo of a pick: the goods go back to their place by a compensating posting, and are promised to their line anew."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.errors import WmsError
from wms.floor.rules import mistakes
from wms.floor.service import picking, tasks
from wms.floor.service.picking import settle_orders, source
from wms.floor.service.tasks import NewTask
from wms.parties import dated
from wms.stock import ledger
from wms.stock.ledger import AccountKey, Reserve
from wms.stock.rules import AlreadyReversed, NotAvailable, SerialElsewhere, ShortInPast, ShortStock, WeightLeft

PICKS = text("""
    SELECT p.id, p.pick_line_id, p.posting_id, p.qty, p.handling_unit_id FROM pick p
     WHERE p.id = ANY (:ids) AND p.undone_at IS NULL ORDER BY p.id FOR UPDATE
""")
LAST_OF_DEVICE = text("""
    SELECT p.scan_id FROM pick p JOIN scan s ON s.id = p.scan_id
     WHERE s.device = :device AND p.undone_at IS NULL AND (cast(:key AS text) IS NULL OR s.key = :key)
     ORDER BY p.id DESC LIMIT 1
""")
OF_SCAN = text("SELECT id FROM pick WHERE scan_id = :scan AND undone_at IS NULL ORDER BY id")
OF_POSTING = text("SELECT id FROM pick WHERE posting_id = ANY (:postings) AND undone_at IS NULL")
UNDONE = text("UPDATE pick SET undone_at = :at WHERE id = ANY (:ids)")
BACK_LINE = text("""
    UPDATE pick_line SET picked_qty = picked_qty - :qty,
           qty = CASE WHEN qty > :qty THEN qty - :qty ELSE qty END,
           state = CASE WHEN qty = :qty THEN 'void' ELSE state END
     WHERE id = :id
""")
BACK_PROMISE = text("""
    UPDATE allocation SET picked_qty = picked_qty - :qty, void_qty = void_qty + :qty,
           state = CASE WHEN state = 'picked' AND picked_qty = :qty THEN 'void' ELSE state END
     WHERE id = :id
""")
BACK_ORDER = text("UPDATE order_line SET picked_qty = picked_qty - :qty WHERE id = :id")
NEW_PROMISE = text("""
    INSERT INTO allocation (order_line_id, account_id, reservation_id, qty, is_whole_unit)
    VALUES (:line, :account, :reservation, :qty, :whole) RETURNING id
""")
NEW_LINE = text("""
    INSERT INTO pick_line (pick_list_id, allocation_id, order_line_id, seq, slot, owner_id, location_id, trade_item_id,
                           lot_id, from_handling_unit_id, is_whole_unit, qty)
    SELECT pick_list_id, :allocation, order_line_id, seq, slot, owner_id, location_id, trade_item_id, lot_id,
           from_handling_unit_id, :whole, :qty FROM pick_line WHERE id = :id RETURNING pick_list_id
""")
REOPEN = text("""
    UPDATE pick_list SET state = 'picking', ended_at = NULL WHERE id = :list AND state = 'done'
    RETURNING site_id, list_no, priority, to_location_id
""")
REOPEN_WAVE = text("""
    UPDATE wave SET state = 'picking', ended_at = NULL
     WHERE id = (SELECT wave_id FROM pick_list WHERE id = :list) AND state = 'picked'
""")


def picks_of_scan(session: Session, device: str, key: str | None) -> list[int]:
    """Return the picks of the device's last scan that stands, or of the scan ``key``. Raises NothingToUndo."""
    scan_id = session.execute(LAST_OF_DEVICE, {"device": device, "key": key}).scalar_one_or_none()
    if scan_id is None:
        raise mistakes.NothingToUndo
    return list(session.execute(OF_SCAN, {"scan": scan_id}).scalars())


def unpick(session: Session, key: str, pick_ids: Sequence[int], at: datetime) -> int:
    """Take picks back, with all that were posted with them; returns the base units that lie in their places again.

    Raises NothingToUndo; MovedSince when the goods have left their tote, or their order is packed.
    """
    picks = session.execute(PICKS, {"ids": list(pick_ids)}).all()
    if picks:
        all_ids = session.execute(OF_POSTING, {"postings": sorted({one.posting_id for one in picks})}).scalars().all()
        picks = session.execute(PICKS, {"ids": list(all_ids)}).all()
    if not picks:
        raise mistakes.NothingToUndo
    rows = picking.lock(session, [one.pick_line_id for one in picks])
    states = session.execute(
        text("SELECT DISTINCT state FROM outbound_order WHERE id = ANY (:ids)"),
        {"ids": [row["order_id"] for row in rows.values()]},
    ).scalars()
    if set(states) - {"released", "picking", "picked"}:
        raise mistakes.MovedSince
    accounts: set[AccountKey] = set()
    for one in picks:
        row = rows[one.pick_line_id]
        place = source(row)
        tote = {"location_id": row["to_location_id"], "handling_unit_id": one.handling_unit_id}
        accounts |= {place, AccountKey(**(vars(place) | tote))}
    ledger.lock(session, accounts)
    for posting_id in sorted({one.posting_id for one in picks}):
        try:
            last = max(at, *(row["last_event_at"] for row in rows.values()))
            ledger.reverse(session, f"{key}:{posting_id}", posting_id, reason="undone by the picker", event_at=last)
        except (ShortStock, ShortInPast, AlreadyReversed, SerialElsewhere, WeightLeft) as refusal:
            raise mistakes.MovedSince from refusal
    session.execute(UNDONE, {"ids": [one.id for one in picks], "at": at})
    hold = at + timedelta(days=int(dated.value(session, "allocation.hold_days", at.date())))
    lists = set()
    for one in picks:
        row = rows[one.pick_line_id]
        wanted = Reserve(f"{key}:again:{one.id}", source(row), one.qty, hold, row["list_no"])
        reserved = ledger.reserve_many(session, [wanted])[0]
        if isinstance(reserved, WmsError):  # the balance is locked and the goods came back to it
            raise mistakes.MovedSince from NotAvailable(available=0, wanted=one.qty)
        is_whole = row["is_whole_unit"] and one.handling_unit_id == row["from_handling_unit_id"]
        lists.add(_again(session, row, one.qty, reserved.reservation_id, is_whole=is_whole))
    settle_orders(session, [row["order_id"] for row in rows.values()], at)
    for list_id in sorted(lists):
        reopen(session, list_id)
    return sum(one.qty for one in picks)


def _again(session: Session, row: Mapping[str, Any], qty: int, reservation_id: int, *, is_whole: bool) -> int:
    values = {"qty": qty}
    session.execute(BACK_LINE, {**values, "id": row["id"]})
    session.execute(BACK_PROMISE, {**values, "id": row["allocation_id"]})
    session.execute(BACK_ORDER, {**values, "id": row["order_line_id"]})
    promise = {
        "line": row["order_line_id"], "account": row["account_id"], "reservation": reservation_id, "whole": is_whole,
    }  # fmt: skip
    allocation_id = session.execute(NEW_PROMISE, {**values, **promise}).scalar_one()
    line = {"id": row["id"], "allocation": allocation_id, "whole": is_whole}
    list_id: int = session.execute(NEW_LINE, {**values, **line}).scalar_one()
    return list_id


def reopen(session: Session, list_id: int) -> None:
    """Offer a list again that was done, because something stands on it anew; one at work stays as it is."""
    reopened = session.execute(REOPEN, {"list": list_id}).one_or_none()
    if reopened is not None:
        offered = NewTask(
            reopened.site_id, "pick", list_id, reopened.list_no, priority=reopened.priority,
            to_location_id=reopened.to_location_id,
        )  # fmt: skip
        tasks.offer(session, offered)
    session.execute(REOPEN_WAVE, {"list": list_id})
