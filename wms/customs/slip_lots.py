"""Goods that come back on a movement slip come back in the lots that they left in."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.errors import N_, Kind, WmsError
from wms.stock.tables import Lot

# By lot: what left through the gate on the slip line, less what was put back under slips that return it.
STILL_OUT = text(
    """
    SELECT lot_id, sum(qty)::bigint FROM (
      SELECT a.lot_id, coalesce(g.qty, n.qty) AS qty
        FROM gate_pass_line n JOIN gate_pass p ON p.id = n.gate_pass_id AND p.state = 'passed'
        LEFT JOIN gate_pass_goods g ON g.gate_pass_line_id = n.id
        JOIN account a ON a.id = coalesce(g.account_id, n.account_id)
       WHERE n.slip_line_id = :line_id
      UNION ALL
      SELECT a.lot_id, e.qty
        FROM movement_slip_line l JOIN movement_slip m ON m.id = l.movement_slip_id
        JOIN posting p ON p.kind = 'slip_return' AND p.source_doc = m.slip_no
         AND (p.reason IS NULL OR p.reason = 'line ' || l.line_no)
        JOIN entry e ON e.posting_id = p.id JOIN account a ON a.id = e.account_id AND a.kind = 'customer'
       WHERE l.returns_line_id = :line_id) moved
     GROUP BY lot_id HAVING sum(qty) > 0 ORDER BY lot_id
    """
)


class LotMissing(WmsError):
    """Goods left in several lots: somebody looks which of them came back."""

    code = "slip_lot_missing"
    kind = Kind.INVALID
    text = N_("These goods left in the lots %(lots)s: say which lot comes back.")


class LotNotOut(WmsError):
    """That lot did not leave on the slip, or came back already."""

    code = "lot_not_out"
    text = N_("Of lot %(lot)s, %(left)s left on this slip and are not back yet, not %(wanted)s.")


def lot_back(session: Session, line_id: int, lot_id: int | None, qty: int) -> int | None:
    """Return the lot in which ``qty`` goods of a slip line come back; the only one where none is named.

    Raises LotMissing, LotNotOut.
    """
    out: dict[int | None, int] = {row[0]: row[1] for row in session.execute(STILL_OUT, {"line_id": line_id})}
    if lot_id is None and len(out) == 1:
        lot_id = next(iter(out))
    elif lot_id is None and out and None not in out:
        raise LotMissing(field="lot_no", lots=", ".join(_lot_no(session, one) for one in out))
    if qty > out.get(lot_id, 0):
        raise LotNotOut(field="lot_no", lot=_lot_no(session, lot_id), left=out.get(lot_id, 0), wanted=qty)
    return lot_id


def _lot_no(session: Session, lot_id: int | None) -> str:
    return session.get_one(Lot, lot_id).lot_no if lot_id is not None else "-"
