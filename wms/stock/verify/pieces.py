"""Serial numbers and grams against the stock they belong to (I1): a piece is at one place once and weighs something."""

# ruff: noqa: S608 - the statements are put together from constants of this package alone

from wms.errors import N_
from wms.stock.verify.findings import Check

PHYSICAL = (
    "account a JOIN account_kind k ON k.kind = a.kind AND k.side = 'physical' AND NOT k.is_virtual"
    " JOIN trade_item t ON t.id = a.trade_item_id"
)

CHECKS = (
    Check(
        "I1",
        N_("%(qty)s pieces lie here, %(serials)s serial numbers say that they do."),
        "SELECT 'account ' || a.id AS place, b.qty, count(r.id) AS serials"
        f" FROM {PHYSICAL} AND t.is_serial_controlled JOIN balance b ON b.account_id = a.id"
        " LEFT JOIN serial r ON r.account_id = a.id GROUP BY a.id, b.qty HAVING b.qty <> count(r.id) ORDER BY a.id",
    ),
    Check(
        "I1",
        N_("Serial number %(serial_no)s lies in account %(account_id)s, its last posting put it into %(moved)s."),
        "SELECT 'serial ' || r.id AS place, r.serial_no, r.account_id, m.to_account_id AS moved FROM serial r"
        " LEFT JOIN LATERAL (SELECT to_account_id FROM serial_move m WHERE m.serial_id = r.id"
        " ORDER BY m.posting_id DESC LIMIT 1) m ON true"
        " WHERE r.account_id IS DISTINCT FROM m.to_account_id ORDER BY r.id",
    ),
    Check(
        "I1",
        N_("The posting moves %(qty)s pieces into this account, but %(serials)s serial numbers."),
        "SELECT 'posting ' || e.posting_id AS place, e.qty, coalesce(m.n, 0) AS serials"
        f" FROM {PHYSICAL} AND t.is_serial_controlled JOIN entry e ON e.account_id = a.id"
        " LEFT JOIN LATERAL (SELECT sum(CASE WHEN m.to_account_id = a.id THEN 1 ELSE -1 END) AS n FROM serial_move m"
        " WHERE m.posting_id = e.posting_id AND a.id IN (m.to_account_id, m.from_account_id)) m ON true"
        " WHERE e.qty <> coalesce(m.n, 0) ORDER BY e.posting_id",
    ),
    Check(
        "I1",
        N_("The balance says %(balance)s g, the entries sum to %(entries)s g, for %(qty)s pieces."),
        "SELECT 'account ' || a.id AS place, coalesce(b.weight_g, 0) AS balance, coalesce(s.g, 0) AS entries, b.qty"
        f" FROM {PHYSICAL} AND t.is_catch_weight JOIN balance b ON b.account_id = a.id"
        " LEFT JOIN (SELECT account_id, sum(weight_g) AS g FROM entry GROUP BY account_id) s ON s.account_id = a.id"
        " WHERE coalesce(b.weight_g, 0) <> coalesce(s.g, 0) OR (b.qty = 0) <> (coalesce(b.weight_g, 0) = 0)"
        " ORDER BY a.id",
    ),
)
