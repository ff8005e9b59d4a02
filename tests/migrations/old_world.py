"""Data as revision 0002 took it, by plain SQL: today's mappings know columns that it had not."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.build import Shelf, now
from wms.stock.rules import AccountKey

ACCOUNT = text(
    "INSERT INTO account (kind, owner_id, trade_item_id, site_id, location_id, customs_status, book_line_id)"
    " VALUES (:kind, :owner_id, :trade_item_id, :site_id, :location_id, :customs_status, :book_line_id)"
    " ON CONFLICT DO NOTHING"
)
KNOWN = text("SELECT id FROM account WHERE dimensions = :dimensions")
POST = (
    "SELECT answer FROM stock_post(ARRAY[%s]::text[], ARRAY[decode(repeat('00', 32), 'hex')], ARRAY['receipt'],"
    " ARRAY[%s]::timestamptz[], ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY[NULL]::bigint[],"
    " %s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], '{}', '{}', '{}')"
)


def old_shelf(session: Session) -> Shelf:
    """A company, an item, a bonded site with two bins and a book line."""

    def add(sql: str, **values: Any) -> int:
        made: int = session.execute(text(f"INSERT INTO {sql} RETURNING id"), values).scalar_one()
        return made

    owner = add("company (code, name_zh, name_en) VALUES ('OLD', '旧', 'Old')")
    item = add(
        "trade_item (owner_id, code, name_zh, name_en, gross_weight_g, volume_mm3)"
        " VALUES (:o, 'OLD', '旧', 'Old', 1, 1)",
        o=owner,
    )
    site = add(
        "site (code, name_zh, name_en, kind, lat_deg, lon_deg) VALUES ('OLD', '旧', 'Old', 'bonded', 29, 113)"
    )
    bins = [
        add("location (site_id, code, kind, is_bonded) VALUES (:s, :c, 'bin', true)", s=site, c=f"OLD-{n}")
        for n in range(2)
    ]
    line = add(
        "book_line (book_no, line_no, trade_item_id, customs_unit) VALUES ('T4912W000001', 1, :i, '011')", i=item
    )
    return Shelf(owner, item, site, bins[0], bins[1], line)


def old_receipt(session: Session, key: str, lines: Sequence[tuple[AccountKey, int]]) -> None:
    """Post lines by the routine of that revision."""
    known = {account: _account(session, account) for account, _ in lines}
    netted = sorted((known[account], qty) for account, qty in lines)
    ids, qtys = [account_id for account_id, _ in netted], [qty for _, qty in netted]
    nothing = [None] * len(netted)
    arguments = (key, now(), [1] * len(netted), ids, qtys, nothing, nothing)
    answer = session.connection().exec_driver_sql(POST, arguments).scalar_one()
    assert "posting_id" in answer, answer


def _account(session: Session, key: AccountKey) -> int:
    session.execute(ACCOUNT, vars(key))
    found: int = session.execute(KNOWN, {"dimensions": key.dimensions}).scalar_one()
    return found
