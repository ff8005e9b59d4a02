"""From dimensions to account ids: found, or opened in sorted order; committed ids are remembered.

An account is never edited or removed, so its id may be kept for as long as the process lives. Ids of accounts that this
very transaction opened are not kept: it may still be rolled back.
"""

from collections.abc import Collection
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from wms.db import tenant_of
from wms.stock.rules import AccountKey, NotSupervised

REMEMBERED = 200_000  # accounts for each database; about 30 MB
FIND = text("SELECT dimensions, id FROM account WHERE tenant_id = app_tenant() AND dimensions = ANY (:dimensions)")
OPEN = text(
    "INSERT INTO account (kind, owner_id, trade_item_id, site_id, location_id, lot_id, handling_unit_id,"
    " customs_status, quality_status, book_line_id)"
    " SELECT * FROM unnest(cast(:kind AS text[]), cast(:owner_id AS bigint[]), cast(:trade_item_id AS bigint[]),"
    " cast(:site_id AS bigint[]), cast(:location_id AS bigint[]), cast(:lot_id AS bigint[]),"
    " cast(:handling_unit_id AS bigint[]), cast(:customs_status AS text[]), cast(:quality_status AS text[]),"
    " cast(:book_line_id AS bigint[])) ON CONFLICT (tenant_id, dimensions) DO NOTHING"
)
OPEN_PLACE = text("SELECT code FROM location WHERE id = ANY (:ids) AND NOT is_bonded ORDER BY id LIMIT 1")
COLUMNS = (
    "kind", "owner_id", "trade_item_id", "site_id", "location_id", "lot_id", "handling_unit_id", "customs_status",
    "quality_status", "book_line_id",
)  # fmt: skip

_remembered: WeakKeyDictionary[Engine, dict[tuple[int, str], int]] = WeakKeyDictionary()


def account_ids(session: Session, keys: Collection[AccountKey]) -> dict[AccountKey, int]:
    """The id of each account, opened where it is new. Opening is sorted, so that rivals cannot deadlock.

    Raises NotSupervised for bonded goods at a place outside customs' supervision.
    """
    tenant_id, kept = tenant_of(session), _kept(session)
    by_dimensions = {key.dimensions: key for key in keys}
    found = {known: kept[tenant_id, known] for known in by_dimensions if (tenant_id, known) in kept}
    unknown = [dimensions for dimensions in by_dimensions if dimensions not in found]
    if unknown:
        found |= _find_or_open(session, tenant_id, unknown, by_dimensions)
    return {key: found[dimensions] for dimensions, key in by_dimensions.items()}


def _find_or_open(
    session: Session, tenant_id: int, dimensions: list[str], keys: dict[str, AccountKey]
) -> dict[str, int]:
    opened: set[str] = session.info.setdefault("opened_accounts", set())
    found = _find(session, dimensions)
    kept = _kept(session)
    if len(kept) > REMEMBERED:
        kept.clear()
    kept.update({(tenant_id, name): made for name, made in found.items() if name not in opened})
    missing = sorted(set(dimensions) - set(found))
    if missing:
        new = [keys[name] for name in missing]
        _refuse_unsupervised(session, new)
        session.execute(OPEN, {column: [getattr(key, column) for key in new] for column in COLUMNS})
        opened.update(missing)
        found |= _find(session, missing)
    return found


def _refuse_unsupervised(session: Session, new: list[AccountKey]) -> None:
    """In words what the database refuses by a trigger (supervised.sql)."""
    bonded = [key.location_id for key in new if key.kind == "location" and key.customs_status == "bonded"]
    place = session.scalar(OPEN_PLACE, {"ids": sorted({one for one in bonded if one is not None})}) if bonded else None
    if place is not None:
        raise NotSupervised(place=place)


def _kept(session: Session) -> dict[tuple[int, str], int]:
    bind = session.get_bind()
    engine = bind.engine if isinstance(bind, Connection) else bind
    return _remembered.setdefault(engine, {})


def _find(session: Session, dimensions: list[str]) -> dict[str, int]:
    return {row.dimensions: row.id for row in session.execute(FIND, {"dimensions": dimensions})}
