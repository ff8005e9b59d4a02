"""Balances against entries (I1), stock that was never below zero (I3), accounts that name what exists (I12)."""

# ruff: noqa: S608 - the statements are put together from constants of this package alone

from wms.errors import N_
from wms.stock.verify.findings import Check

SUMS = "(SELECT account_id, sum(qty) AS qty, max(event_at) AS event_at FROM entry GROUP BY account_id)"

CHECKS = (
    Check(
        "I1",
        N_("The balance says %(balance)s, the entries sum to %(entries)s."),
        "SELECT 'account ' || b.account_id AS place, b.qty AS balance, coalesce(s.qty, 0) AS entries"
        f" FROM balance b LEFT JOIN {SUMS} s ON s.account_id = b.account_id"
        " WHERE b.qty <> coalesce(s.qty, 0) ORDER BY b.account_id",
    ),
    Check(
        "I1",
        N_("The account has no balance row."),
        "SELECT 'account ' || a.id AS place FROM account a JOIN account_kind k ON k.kind = a.kind"
        " WHERE NOT k.is_virtual AND NOT EXISTS (SELECT 1 FROM balance b WHERE b.account_id = a.id) ORDER BY a.id",
    ),
    Check(
        "I1",
        N_("A balance row stands for an account that is virtual or does not exist."),
        "SELECT 'account ' || b.account_id AS place FROM balance b LEFT JOIN account a ON a.id = b.account_id"
        " LEFT JOIN account_kind k ON k.kind = a.kind WHERE a.id IS NULL OR k.is_virtual ORDER BY b.account_id",
    ),
    Check(
        "I1",
        N_("The balance belongs to company %(balance_owner)s, its account to company %(account_owner)s."),
        "SELECT 'account ' || b.account_id AS place, b.owner_id AS balance_owner, a.owner_id AS account_owner"
        " FROM balance b JOIN account a ON a.id = b.account_id WHERE a.owner_id <> b.owner_id ORDER BY a.id",
    ),
    Check(
        "I15",
        N_("The balance was last moved at %(balance)s, the latest entry is of %(entries)s: backdating is misjudged."),
        "SELECT 'account ' || b.account_id AS place, b.last_event_at AS balance, s.event_at AS entries"
        f" FROM balance b JOIN {SUMS} s ON s.account_id = b.account_id"
        " WHERE b.last_event_at <> s.event_at ORDER BY b.account_id",
    ),
    Check(
        "I3",
        N_("The stock is %(qty)s with %(reserved)s reserved."),
        "SELECT 'account ' || account_id AS place, qty, qty_reserved AS reserved FROM balance"
        " WHERE qty < 0 OR qty_reserved < 0 OR qty_reserved > qty ORDER BY account_id",
    ),
    Check(
        "I3",
        N_("The balance holds %(balance)s reserved, the open reservations sum to %(reservations)s."),
        "SELECT 'account ' || coalesce(b.account_id, r.account_id) AS place, coalesce(b.qty_reserved, 0) AS balance,"
        " coalesce(r.qty, 0) AS reservations"
        " FROM (SELECT account_id, qty_reserved FROM balance WHERE qty_reserved <> 0) b"
        " FULL JOIN (SELECT account_id, sum(qty_open) AS qty FROM reservation WHERE state = 'held'"
        " GROUP BY account_id) r ON r.account_id = b.account_id"
        " WHERE coalesce(b.qty_reserved, 0) <> coalesce(r.qty, 0) ORDER BY 1",
    ),
    Check(
        "I3",
        N_("The reservation is %(state)s, with %(open)s of %(qty)s open."),
        "SELECT 'reservation ' || id AS place, state, qty_open AS open, qty FROM reservation"
        " WHERE qty <= 0 OR qty_open NOT BETWEEN 0 AND qty OR (state = 'held') <> (qty_open > 0) ORDER BY id",
    ),
    Check(
        "I3",
        N_("At %(event_at)s the stock was %(qty)s: more had gone out than had come in."),
        "SELECT DISTINCT ON (account_id) 'account ' || account_id AS place, event_at, running AS qty FROM ("
        " SELECT e.account_id, e.event_at, sum(e.qty) OVER (PARTITION BY e.account_id ORDER BY e.event_at) AS running"
        " FROM entry e) x"
        " WHERE running < 0 AND EXISTS (SELECT 1 FROM account a JOIN account_kind k ON k.kind = a.kind"
        " WHERE a.id = x.account_id AND NOT k.is_virtual) ORDER BY account_id, event_at",
    ),
    Check(
        "I12",
        N_("The account names a company, item, place, lot, unit or book line that is not there or does not fit."),
        "SELECT 'account ' || a.id AS place FROM account a"
        " LEFT JOIN company c ON c.id = a.owner_id LEFT JOIN trade_item t ON t.id = a.trade_item_id"
        " LEFT JOIN site s ON s.id = a.site_id LEFT JOIN location p ON p.id = a.location_id"
        " LEFT JOIN lot ON lot.id = a.lot_id LEFT JOIN handling_unit h ON h.id = a.handling_unit_id"
        " LEFT JOIN book_line l ON l.id = a.book_line_id"
        " WHERE c.id IS NULL OR t.id IS NULL OR t.owner_id <> a.owner_id"
        " OR (a.site_id IS NOT NULL AND s.id IS NULL)"
        " OR (a.location_id IS NOT NULL AND (p.id IS NULL OR p.site_id IS DISTINCT FROM a.site_id))"
        " OR (a.lot_id IS NOT NULL AND (lot.id IS NULL OR lot.trade_item_id <> a.trade_item_id))"
        " OR (a.handling_unit_id IS NOT NULL AND (h.id IS NULL OR h.owner_id <> a.owner_id))"
        " OR (a.book_line_id IS NOT NULL AND (l.id IS NULL OR l.trade_item_id <> a.trade_item_id)) ORDER BY a.id",
    ),
)
