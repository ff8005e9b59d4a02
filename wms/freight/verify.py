"""Transfers against the ledger: in transit is what open transfers have on the way; each difference was posted."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from wms.errors import N_
from wms.stock.verify import Check, Finding, found_by

CHECKS = (
    Check(
        "I4",
        N_("In transit to %(site)s: the ledger holds %(ledger)s of item %(item)s, open transfers have %(transfers)s."),
        # A hold changes the quality of goods in transit and nothing else of their account.
        "SELECT 'in transit ' || coalesce(x.goods, y.goods) AS place, coalesce(x.site, y.site) AS site,"
        " coalesce(x.item, y.item) AS item, coalesce(x.qty, 0) AS ledger, coalesce(y.qty, 0) AS transfers"
        " FROM (SELECT concat_ws('|', a.owner_id, a.trade_item_id, a.site_id, coalesce(a.lot_id, 0),"
        "   coalesce(a.handling_unit_id, 0), a.customs_status, coalesce(a.book_line_id, 0)) AS goods,"
        "   min(s.code) AS site, min(t.code) AS item, sum(e.qty) AS qty"
        "   FROM account a JOIN entry e ON e.account_id = a.id JOIN site s ON s.id = a.site_id"
        "   JOIN trade_item t ON t.id = a.trade_item_id WHERE a.kind = 'in_transit' GROUP BY 1) x"
        " FULL JOIN (SELECT concat_ws('|', a.owner_id, a.trade_item_id, a.site_id, coalesce(a.lot_id, 0),"
        "   coalesce(a.handling_unit_id, 0), a.customs_status, coalesce(a.book_line_id, 0)) AS goods,"
        "   min(s.code) AS site, min(t.code) AS item, sum(c.departed_qty - c.settled_qty) AS qty"
        "   FROM transfer_piece c JOIN account a ON a.id = c.transit_account_id JOIN site s ON s.id = a.site_id"
        "   JOIN trade_item t ON t.id = a.trade_item_id GROUP BY 1) y ON y.goods = x.goods"
        # The gate has let goods out whose transfer has not taken it up yet: no difference, a minute's delay.
        " WHERE coalesce(x.qty, 0) - coalesce(y.qty, 0) <> coalesce((SELECT sum(l.qty) FROM gate_pass_line l"
        "   JOIN transfer f ON f.gate_pass_id = l.gate_pass_id AND f.state = 'loaded'"
        "   JOIN gate_pass_use u ON u.gate_pass_id = l.gate_pass_id AND u.posting_id IS NOT NULL"
        "   JOIN account w ON w.id = l.account_id"
        "   WHERE concat_ws('|', w.owner_id, w.trade_item_id, l.transit_site_id, coalesce(w.lot_id, 0), 0,"
        "     CASE w.customs_status WHEN 'bonded' THEN 'export' ELSE w.customs_status END, 0)"
        "     = coalesce(x.goods, y.goods)), 0) ORDER BY 1",
    ),
    Check(
        "I4",
        N_("Line %(line_no)s: departed %(departed)s, its pieces %(pieces)s; settled %(settled)s, its pieces %(gone)s."),
        "SELECT 'transfer ' || f.transfer_no AS place, l.line_no, l.departed_qty AS departed,"
        " coalesce(p.departed, 0) AS pieces, l.arrived_qty + l.short_qty AS settled, coalesce(p.settled, 0) AS gone"
        " FROM transfer_line l JOIN transfer f ON f.id = l.transfer_id LEFT JOIN (SELECT line_id,"
        "   sum(departed_qty) AS departed, sum(settled_qty) AS settled FROM transfer_piece GROUP BY line_id) p"
        " ON p.line_id = l.id WHERE l.departed_qty <> coalesce(p.departed, 0)"
        " OR l.arrived_qty + l.short_qty <> coalesce(p.settled, 0) ORDER BY f.id, l.line_no",
    ),
    Check(
        "I4",
        N_("Discrepancies of %(qty)s are on paper, %(posted)s were posted to their account."),
        "SELECT 'transfer ' || min(f.transfer_no) || ' posting ' || d.posting_id AS place,"
        " sum(CASE d.kind WHEN 'short' THEN d.qty ELSE -d.qty END) AS qty, coalesce(min(e.qty), 0) AS posted"
        " FROM transfer_discrepancy d JOIN transfer f ON f.id = d.transfer_id"
        " LEFT JOIN entry e ON e.posting_id = d.posting_id AND e.account_id = d.account_id"
        " GROUP BY d.posting_id, d.account_id"
        " HAVING sum(CASE d.kind WHEN 'short' THEN d.qty ELSE -d.qty END) <> coalesce(min(e.qty), 0) ORDER BY 1",
    ),
    Check(
        "I13",
        N_("Discrepancy %(discrepancy_id)s was settled by the person who entered it."),
        "SELECT 'transfer ' || f.transfer_no AS place, d.id AS discrepancy_id FROM transfer_discrepancy d"
        " JOIN transfer f ON f.id = d.transfer_id WHERE d.settled_by = d.opened_by ORDER BY d.id",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """What is wrong between transfers and ledger, in the snapshot that ``session`` holds."""
    for check in CHECKS:
        yield from found_by(session, check)
