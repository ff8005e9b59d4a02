"""Postings and their entries: whole, balanced (I2, I4), undone exactly, answered under their key (I7)."""

# ruff: noqa: S608 - the statements are put together from constants of this package alone

from wms.errors import N_
from wms.stock.verify.findings import Check

# An entry with the dimensions of its account that the two identities need.
LINES = "entry e JOIN account a ON a.id = e.account_id JOIN account_kind k ON k.kind = a.kind"
IN_IDENTITY = "k.in_identity AND a.book_line_id IS NOT NULL AND (k.side = 'book' OR a.customs_status = 'bonded')"

CHECKS = (
    Check(
        "I2",
        N_("The entries of item %(trade_item_id)s on the %(side)s side sum to %(sum)s, not to zero."),
        "SELECT 'posting ' || e.posting_id AS place, a.trade_item_id, k.side, sum(e.qty) AS sum"
        f" FROM {LINES} GROUP BY e.posting_id, a.trade_item_id, k.side HAVING sum(e.qty) <> 0 ORDER BY e.posting_id",
    ),
    Check(
        "I2",
        N_("The posting has no entries."),
        "SELECT 'posting ' || p.id AS place FROM posting p"
        " WHERE NOT EXISTS (SELECT 1 FROM entry e WHERE e.posting_id = p.id) ORDER BY p.id",
    ),
    Check(
        "I2",
        N_("An entry of account %(account_id)s stands without its posting or without its account."),
        "SELECT 'posting ' || e.posting_id AS place, e.account_id FROM entry e"
        " LEFT JOIN posting p ON p.id = e.posting_id LEFT JOIN account a ON a.id = e.account_id"
        " WHERE p.id IS NULL OR a.id IS NULL ORDER BY e.posting_id",
    ),
    Check(
        "I15",
        N_("The entry of account %(account_id)s has other times than its posting."),
        "SELECT 'posting ' || p.id AS place, e.account_id FROM entry e JOIN posting p ON p.id = e.posting_id"
        " WHERE (e.event_at, e.recorded_at) IS DISTINCT FROM (p.event_at, p.recorded_at) ORDER BY p.id",
    ),
    Check(
        "I12",
        N_("The entry of account %(account_id)s belongs to company %(entry_owner)s, the account to %(account_owner)s."),
        "SELECT 'posting ' || e.posting_id AS place, e.account_id, e.owner_id AS entry_owner,"
        " a.owner_id AS account_owner FROM entry e JOIN account a ON a.id = e.account_id"
        " WHERE a.owner_id <> e.owner_id ORDER BY e.posting_id",
    ),
    Check(
        "I4",
        N_("Shelf and book of the line differ by %(difference)s: %(shelf)s on the shelf, %(book)s in the book."),
        "SELECT 'book ' || l.book_no || ' line ' || l.line_no AS place, x.shelf - x.book AS difference, x.shelf, x.book"
        " FROM (SELECT a.book_line_id, coalesce(sum(e.qty) FILTER (WHERE k.side = 'physical'), 0) AS shelf,"
        " coalesce(sum(e.qty) FILTER (WHERE k.side = 'book'), 0) AS book"
        f" FROM {LINES} WHERE {IN_IDENTITY} GROUP BY a.book_line_id) x JOIN book_line l ON l.id = x.book_line_id"
        " WHERE x.shelf <> x.book ORDER BY l.book_no, l.line_no",
    ),
    Check(
        "I4",
        N_("The posting moves line %(book_line_id)s by %(shelf)s on the shelf but by %(book)s in the book."),
        "SELECT 'posting ' || posting_id AS place, book_line_id, shelf, book FROM ("
        " SELECT e.posting_id, a.book_line_id, coalesce(sum(e.qty) FILTER (WHERE k.side = 'physical'), 0) AS shelf,"
        " coalesce(sum(e.qty) FILTER (WHERE k.side = 'book'), 0) AS book"
        f" FROM {LINES} WHERE {IN_IDENTITY} GROUP BY e.posting_id, a.book_line_id) x"
        " WHERE shelf <> book ORDER BY posting_id",
    ),
    Check(
        "I2",
        N_("The reversal is not the mirror image of posting %(reverses_id)s in account %(account_id)s."),
        "SELECT 'posting ' || x.posting_id AS place, x.reverses_id, x.account_id FROM ("
        " SELECT p.id AS posting_id, p.reverses_id, e.account_id, e.qty, e.weight_g, e.value_minor"
        " FROM posting p JOIN entry e ON e.posting_id = p.id WHERE p.reverses_id IS NOT NULL"
        " UNION ALL"
        " SELECT p.id, p.reverses_id, e.account_id, e.qty, e.weight_g, e.value_minor"
        " FROM posting p JOIN entry e ON e.posting_id = p.reverses_id) x"
        " GROUP BY x.posting_id, x.reverses_id, x.account_id"
        " HAVING sum(x.qty) <> 0 OR sum(x.weight_g) <> 0 OR sum(x.value_minor) <> 0 ORDER BY x.posting_id",
    ),
    Check(
        "I7",
        N_("The posting is not the answer under its key %(key)s."),
        "SELECT 'posting ' || p.id AS place, p.idem_key AS key FROM posting p"
        " LEFT JOIN idem i ON i.tenant_id = p.tenant_id AND i.key = p.idem_key"
        " WHERE i.key IS NULL OR (i.answer ->> 'posting_id')::bigint IS DISTINCT FROM p.id ORDER BY p.id",
    ),
    Check(
        "I7",
        N_("The answer names posting %(posting_id)s, which does not exist under this key."),
        "SELECT 'key ' || i.key AS place, i.answer ->> 'posting_id' AS posting_id FROM idem i"
        " LEFT JOIN posting p ON p.tenant_id = i.tenant_id AND p.idem_key = i.key"
        " WHERE i.answer ? 'posting_id' AND NOT i.answer ? 'code' AND p.id IS NULL ORDER BY i.key",
    ),
    Check(
        "I7",
        N_("The key was taken but never answered."),
        "SELECT 'key ' || key AS place FROM idem WHERE answer IS NULL ORDER BY key",
    ),
)
