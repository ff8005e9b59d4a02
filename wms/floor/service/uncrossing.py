"""Undo of a cross-dock: what was promised to waiting orders is given back, so that goods can go back to the dock."""

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from wms.floor.place_queries import key_of
from wms.floor.rules.undo_mistakes import OnPickList
from wms.floor.service import deallocating
from wms.floor.service.allocating import restate
from wms.floor.tables import Scan
from wms.stock import ledger
from wms.stock.tables import Account, Entry

ORDERS = text("""
    SELECT id FROM outbound_order
     WHERE id IN (SELECT l.order_id FROM allocation n JOIN order_line l ON l.id = n.order_line_id
                    JOIN reservation r ON r.id = n.reservation_id
                    JOIN entry e ON e.account_id = n.account_id AND e.qty > 0
                   WHERE e.posting_id = :posting AND starts_with(r.idem_key, :prefix))
     ORDER BY id FOR NO KEY UPDATE
""")
ON_LIST = text("""
    SELECT k.list_no, o.order_no, t.name_zh, t.name_en
      FROM allocation n JOIN reservation r ON r.id = n.reservation_id
      JOIN entry e ON e.account_id = n.account_id AND e.qty > 0 AND e.posting_id = :posting
      JOIN pick_line p ON p.allocation_id = n.id AND p.state <> 'void'
      JOIN pick_list k ON k.id = p.pick_list_id
      JOIN order_line l ON l.id = n.order_line_id
      JOIN outbound_order o ON o.id = l.order_id
      JOIN trade_item t ON t.id = l.trade_item_id
     WHERE starts_with(r.idem_key, :prefix) ORDER BY p.id LIMIT 1
""")
PROMISES = text("""
    SELECT n.id, n.reservation_id, n.order_line_id, n.qty - n.picked_qty - n.void_qty AS left_qty
      FROM allocation n JOIN reservation r ON r.id = n.reservation_id
      JOIN entry e ON e.account_id = n.account_id AND e.qty > 0 AND e.posting_id = :posting
     WHERE n.state = 'open' AND starts_with(r.idem_key, :prefix) ORDER BY n.id FOR NO KEY UPDATE OF n
""")


def give_back(session: Session, scan: Scan) -> int:
    """Void the promises that a cross-dock made to orders, as long as nobody picks on them; return how many ended.

    Locks as everybody does: orders, promises, then the ledger's balances in one go. Raises OnPickList.
    """
    given = {"posting": scan.posting_id, "prefix": f"xd:{scan.key}:"}
    order_ids = list(session.execute(ORDERS, given).scalars())
    if not order_ids:
        return 0
    listed = session.execute(ON_LIST, given).one_or_none()
    if listed is not None:
        names = {"zh": listed.name_zh, "en": listed.name_en}
        raise OnPickList(item=names, list=listed.list_no, order=listed.order_no)
    promises = session.execute(PROMISES, given).all()
    touched = session.scalars(select(Account).join(Entry, Entry.account_id == Account.id).where(
        Entry.posting_id == scan.posting_id
    ))  # fmt: skip
    ledger.lock(session, {key_of(account) for account in touched}, [row.reservation_id for row in promises])
    deallocating.end(session, promises)
    restate(session, order_ids)
    return len(promises)
