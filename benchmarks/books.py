"""Reconciliation of an account book of 5,000 lines over 1,000,000 postings; every fiftieth line lacks goods."""

import statistics
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from benchmarks.rows import Row, row
from benchmarks.server import durable_server
from wms.customs import reconciling
from wms.db import Database, Scope
from wms.postgres import Urls, libpq

TENANT, BOOK = 1, "T4902W000001"
LINES, POSTINGS, PLACES, ROUNDS = 5_000, 1_000_000, 4, 7
TARGET_S = 2.0

# Every posting brings one piece in, on shelf and book at once: four entries. Every fiftieth line has lost pieces.
FILL = f"""
INSERT INTO company (code, name_zh, name_en) VALUES ('BOOK', '企业', 'Enterprise');
INSERT INTO site (code, name_zh, name_en, kind, lat_deg, lon_deg) VALUES ('ZONE', '综保区', 'Zone', 'bonded', 29, 113);
INSERT INTO location (site_id, code, kind, is_bonded)
  SELECT (SELECT id FROM site WHERE code = 'ZONE'), 'A-' || n, 'bin', true FROM generate_series(1, {PLACES}) n;
INSERT INTO trade_item (owner_id, code, name_zh, name_en, gross_weight_g, volume_mm3)
  SELECT (SELECT id FROM company WHERE code = 'BOOK'), 'I-' || n, '商品' || n, 'Item ' || n, 500, 1000
    FROM generate_series(1, {LINES}) n ORDER BY n;
INSERT INTO book_line (book_no, line_no, trade_item_id, customs_unit)
  SELECT '{BOOK}', row_number() OVER (ORDER BY id), id, '011' FROM trade_item WHERE code LIKE 'I-%';
INSERT INTO account (kind, owner_id, trade_item_id, site_id, location_id, customs_status, book_line_id)
  SELECT k.kind, t.owner_id, t.id, CASE WHEN k.kind IN ('location', 'discrepancy') THEN s.id END, p.id, k.status, l.id
    FROM book_line l JOIN trade_item t ON t.id = l.trade_item_id CROSS JOIN site s
    CROSS JOIN (VALUES ('location', 'bonded'), ('book', 'free'), ('customs_source', 'free'), ('discrepancy', 'bonded'))
         k(kind, status)
    LEFT JOIN location p ON k.kind = 'location' AND p.site_id = s.id
   WHERE s.code = 'ZONE' AND (k.kind <> 'discrepancy' OR l.line_no % 50 = 0) ORDER BY l.id, k.kind;
INSERT INTO account (kind, owner_id, trade_item_id)
  SELECT 'supplier', owner_id, id FROM trade_item WHERE code LIKE 'I-%';
CREATE TEMP TABLE step AS
  SELECT n, l.id AS line_id, l.trade_item_id, 1 + (n / {LINES}) % {PLACES} AS place, l.line_no,
         l.line_no % 50 = 0 AND n / {LINES} = 1 AS lost, now() - interval '300 days' + n * interval '25 seconds' AS at
    FROM generate_series(1, {POSTINGS}) n JOIN book_line l ON l.line_no = 1 + (n - 1) % {LINES};
INSERT INTO idem (key, request_hash, answer) SELECT 'b' || n, sha256('b'), '{{}}' FROM step;
INSERT INTO posting (id, idem_key, kind, event_at) SELECT n, 'b' || n, 'receipt', at FROM step;
CREATE TEMP TABLE named AS
  SELECT a.*, row_number() OVER (PARTITION BY a.book_line_id, a.kind ORDER BY a.id) AS place FROM account a;
ANALYZE named; ANALYZE step;
INSERT INTO entry (posting_id, account_id, qty, owner_id, event_at, recorded_at)
  SELECT s.n, x.id, 1, x.owner_id, s.at, s.at FROM step s
    JOIN named x ON x.kind = 'location' AND x.book_line_id = s.line_id AND x.place = s.place WHERE NOT s.lost
  UNION ALL SELECT s.n, x.id, 1, x.owner_id, s.at, s.at FROM step s
    JOIN named x ON x.kind = 'discrepancy' AND x.book_line_id = s.line_id WHERE s.lost
  UNION ALL SELECT s.n, x.id, 1, x.owner_id, s.at, s.at FROM step s
    JOIN named x ON x.kind = 'book' AND x.book_line_id = s.line_id
  UNION ALL SELECT s.n, x.id, -1, x.owner_id, s.at, s.at FROM step s
    JOIN named x ON x.kind = 'customs_source' AND x.book_line_id = s.line_id
  UNION ALL SELECT s.n, x.id, -1, x.owner_id, s.at, s.at FROM step s
    JOIN named x ON x.kind = 'supplier' AND x.trade_item_id = s.trade_item_id;
INSERT INTO balance (account_id, owner_id, qty)
  SELECT a.id, a.owner_id, coalesce(sum(e.qty), 0) FROM account a JOIN account_kind k ON k.kind = a.kind
    LEFT JOIN entry e ON e.account_id = a.id WHERE NOT k.is_virtual GROUP BY a.id, a.owner_id;
"""


def run(full: bool) -> Iterator[Row]:
    """One figure; about a minute, most of it filling."""
    del full
    with durable_server() as urls:
        fill(urls)
        database = Database(urls.app, pool_size=1)
        try:
            yield measure(database)
        finally:
            database.close()


def fill(urls: Urls) -> None:
    """Fill an empty, migrated database past the posting routine, consistent as if it had been posted."""
    connection: psycopg.Connection[Any]
    with psycopg.connect(libpq(urls.superuser), autocommit=False) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL synchronous_commit = off")
        connection.execute("SET LOCAL work_mem = '256MB'")
        connection.execute("SELECT set_config('app.tenant', %s, true)", (str(TENANT),))
        connection.execute(FILL.encode())
    with psycopg.connect(libpq(urls.superuser), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def measure(database: Database) -> Row:
    """The median of some reconciliations of the whole book, checked against what was filled."""
    took: list[float] = []
    for _ in range(ROUNDS):
        with database.unit_of_work(Scope.system(TENANT)) as session:
            start = time.perf_counter()
            states = reconciling.reconcile(session, BOOK)
            took.append(time.perf_counter() - start)
        assert len(states) == LINES
        assert sum(state.book for state in states) == POSTINGS
        assert sum(state.differs for state in states) == LINES // 50
        assert not any(state.unexplained for state in states)
    value = statistics.median(took)
    return row("books_reconcile", value, "s", target=TARGET_S, ok=value <= TARGET_S)
