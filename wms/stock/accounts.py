"""From dimensions to account ids: found, or opened in sorted order."""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.stock.rules import AccountKey

FIND = text("SELECT dimensions, id FROM account WHERE tenant_id = app_tenant() AND dimensions = ANY (:dimensions)")
OPEN = text(
    "INSERT INTO account (kind, owner_id, trade_item_id, site_id, location_id, lot_id, handling_unit_id,"
    " customs_status, quality_status, book_line_id)"
    " SELECT * FROM unnest(cast(:kind AS text[]), cast(:owner_id AS bigint[]), cast(:trade_item_id AS bigint[]),"
    " cast(:site_id AS bigint[]), cast(:location_id AS bigint[]), cast(:lot_id AS bigint[]),"
    " cast(:handling_unit_id AS bigint[]), cast(:customs_status AS text[]), cast(:quality_status AS text[]),"
    " cast(:book_line_id AS bigint[])) ON CONFLICT DO NOTHING"
)
COLUMNS = (
    "kind", "owner_id", "trade_item_id", "site_id", "location_id", "lot_id", "handling_unit_id", "customs_status",
    "quality_status", "book_line_id",
)  # fmt: skip


def account_ids(session: Session, keys: Collection[AccountKey]) -> dict[AccountKey, int]:
    """The id of each account, opened where it is new. Opening is sorted, so that rivals cannot deadlock."""
    by_dimensions = {key.dimensions: key for key in keys}
    found = _find(session, list(by_dimensions))
    missing = sorted(set(by_dimensions) - set(found))
    if missing:
        new = [by_dimensions[dimensions] for dimensions in missing]
        session.execute(OPEN, {column: [getattr(key, column) for key in new] for column in COLUMNS})
        found |= _find(session, missing)
    return {key: found[dimensions] for dimensions, key in by_dimensions.items()}


def _find(session: Session, dimensions: list[str]) -> dict[str, int]:
    return {row.dimensions: row.id for row in session.execute(FIND, {"dimensions": dimensions})}
