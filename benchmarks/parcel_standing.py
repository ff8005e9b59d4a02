"""A database in which many parcels stand already, each with its documents, its buyer and what it used of their year.

Filled by statements of PostgreSQL alone, past foreign keys and with the indexes built at the end: a million in minutes.
"""

from typing import Any

import psycopg

TABLES = (
    "buyer", "buyer_year", "retail_order", "retail_payment", "retail_waybill", "retail_document", "parcel_declaration",
    "parcel_line", "parcel_receipt", "customs_message",
)  # fmt: skip
INDEXES = (
    "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename = ANY(%s) AND NOT EXISTS"
    " (SELECT 1 FROM pg_constraint c WHERE c.conindid = to_regclass(quote_ident(i.indexname)))"
)
FILL = """
INSERT INTO buyer (id, tenant_id, id_index, id_sealed, last_used_on)
  SELECT n, 1, sha256(n::text::bytea), sha256(n::text::bytea), '2026-01-01' FROM generate_series(1, {n}) n;
INSERT INTO buyer_year (tenant_id, buyer_id, year, used_minor) SELECT 1, n, 2026, 10000 FROM generate_series(1, {n}) n;
INSERT INTO retail_order (id, tenant_id, direction, ebp_code, ebp_name, ebc_code, ebc_name, order_no, order_type,
    app_at, content_index, goods_value, freight, discount, tax_total, paid, currency, buyer_id, phone_index,
    address_index, lines, match)
  SELECT n, 1, 'I', 'P', 'p', 'C', 'c', 'old-' || n, 'I', now(), sha256(n::text::bytea), 100, 0, 0, 0, 100, '142', n,
         sha256(n::text::bytea), sha256(n::text::bytea), '[{{}}]', 'agrees' FROM generate_series(1, {n}) n;
INSERT INTO retail_payment (id, tenant_id, pay_code, pay_name, transaction_no, ebp_code, order_no, app_at,
    content_index, amount, currency)
  SELECT n, 1, 'Y', 'y', 'old-' || n, 'P', 'old-' || n, now(), sha256(n::text::bytea), 100, '142'
    FROM generate_series(1, {n}) n;
INSERT INTO retail_waybill (id, tenant_id, logistics_code, logistics_name, waybill_no, order_no, app_at,
    content_index, freight, insured_fee, currency, gross_weight, pack_count)
  SELECT n, 1, 'L', 'l', 'old-' || n, 'old-' || n, now(), sha256(n::text::bytea), 0, 0, '142', 1, 1
    FROM generate_series(1, {n}) n;
INSERT INTO retail_document (tenant_id, kind, number, guid, app_at, outcome, body_sealed)
  SELECT 1, k, 'P|old-' || n, 'g', now(), 'taken', sha256(n::text::bytea)
    FROM generate_series(1, {n}) n CROSS JOIN unnest(ARRAY['order', 'payment', 'waybill']) k;
INSERT INTO parcel_declaration (id, tenant_id, direction, cop_no, order_id, payment_id, waybill_id, buyer_id,
    trade_mode, ebp_code, order_no, logistics_code, waybill_no, state, released_at, taxable, vat, quota_year,
    quota_minor, head)
  SELECT n, 1, 'I', 'OLD' || n, n, n, n, n, '1210', 'P', 'old-' || n, 'L', 'old-' || n, 'released', now(), 100, 9.10,
         2026, 10000, '{{}}' FROM generate_series(1, {n}) n;
INSERT INTO parcel_line (tenant_id, declaration_id, line_no, gcode, gname, gmodel, country, qty, unit, qty1, unit1,
    price, total_price, taxable, vat)
  SELECT 1, n, 1, '1901101090', '奶粉', '900g', '609', 1, '122', 1, '035', 100, 100, 100, 9.10
    FROM generate_series(1, {n}) n;
INSERT INTO parcel_receipt (tenant_id, declaration_id, message_kind, status, info, returned_at, has_moved)
  SELECT 1, n, 'CEB622', '800', '-', now(), true FROM generate_series(1, {n}) n;
INSERT INTO customs_message (tenant_id, direction, kind, number, raw_sealed, digest, state, received_at)
  SELECT 1, 'in', 'CEB622', 'OLD' || n, sha256(n::text::bytea), sha256(n::text::bytea), 'taken', now()
    FROM generate_series(1, {n}) n;
"""
NUMBERED = ("buyer", "retail_order", "retail_payment", "retail_waybill", "parcel_declaration")


def fill(superuser: "psycopg.Connection[Any]", count: int) -> None:
    """Fill an empty, migrated database with ``count`` parcels that were let go."""
    with superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute("SET LOCAL synchronous_commit = off")
        superuser.execute("SET LOCAL maintenance_work_mem = '256MB'")
        indexes = superuser.execute(INDEXES, (list(TABLES),)).fetchall()
        for name, _definition in indexes:
            superuser.execute(f'DROP INDEX "{name}"'.encode())
        superuser.execute(FILL.format(n=count).encode())
        for _name, definition in indexes:
            superuser.execute(definition.encode())
        for table in NUMBERED:
            superuser.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (table, count))
    superuser.execute("VACUUM (ANALYZE)")
    superuser.execute("CHECKPOINT")
