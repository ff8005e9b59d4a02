"""A long history of one account, written past the routine and consistent."""

from datetime import timedelta

import psycopg
from sqlalchemy import text

from tests.build import Shelf, now
from tests.conftest import Urls
from wms.db import Database, Scope
from wms.postgres import libpq
from wms.stock.accounts import account_ids

LATER = 22_364  # postings behind the backdated one, as in ERPNext#53773


def fill_later(urls: Urls, database: Database, shelf: Shelf) -> None:
    """Over the last ten days ``LATER`` postings: out and in by turns, and once the stock falls to three.

    The shelf must hold 100; it ends with more than that.
    """
    with database.unit_of_work(Scope.system(1)) as session:
        ids = account_ids(session, {shelf.free, shelf.supplier, shelf.customer})
    with psycopg.connect(libpq(urls.superuser)) as superuser:
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute("SELECT set_config('app.tenant', '1', true)")
        superuser.execute(
            "WITH later AS (SELECT n, %(from)s + n * interval '38 seconds' AS at,"
            "   CASE WHEN n = 11000 THEN -97 WHEN n = 11001 THEN 97 WHEN n %% 2 = 0 THEN -1 ELSE 1 END AS qty"
            "   FROM generate_series(0, %(later)s - 1) n),"
            " made AS (INSERT INTO posting (idem_key, kind, event_at, recorded_at)"
            "   SELECT 'later-' || n, CASE WHEN qty > 0 THEN 'receipt' ELSE 'issue' END, at, at FROM later"
            "   RETURNING id, event_at, split_part(idem_key, '-', 2)::int AS n)"
            " INSERT INTO entry (posting_id, account_id, qty, owner_id, event_at, recorded_at)"
            " SELECT m.id, x.account, x.qty, %(owner)s, m.event_at, m.event_at FROM made m JOIN later l ON l.n = m.n"
            " CROSS JOIN LATERAL (VALUES (%(free)s::bigint, l.qty),"
            "   (CASE WHEN l.qty > 0 THEN %(supplier)s ELSE %(customer)s END, -l.qty)) x(account, qty)",
            {
                "from": now() - timedelta(days=10),
                "later": LATER,
                "owner": shelf.owner_id,
                "free": ids[shelf.free],
                "supplier": ids[shelf.supplier],
                "customer": ids[shelf.customer],
            },
        )
        superuser.execute(
            "UPDATE balance b SET qty = s.qty, last_event_at = s.at FROM (SELECT account_id, sum(qty) AS qty,"
            " max(event_at) AS at FROM entry GROUP BY account_id) s WHERE s.account_id = b.account_id"
        )
        superuser.execute("ANALYZE")


def history_of(database: Database) -> set[str]:
    """Every posting and entry, as text."""
    with database.unit_of_work(Scope.system(1)) as session:
        rows = session.execute(text("SELECT posting::text FROM posting UNION ALL SELECT entry::text FROM entry"))
        return set(rows.scalars())
