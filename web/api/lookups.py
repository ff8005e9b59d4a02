"""From the codes that a request names to rows: companies, sites, places, items; each miss names its field."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wms.catalog import queries as catalog
from wms.catalog import rules as catalog_rules
from wms.catalog.queries import Item
from wms.errors import NotFound
from wms.floor import queries
from wms.parties.tables import Company, Location, Site


def id_of(session: Session, table: type[Company] | type[Site], code: str) -> int:
    """Return the id of a company or site by its code. Raises NotFound."""
    found = session.scalar(select(table.id).where(func.upper(table.code) == code.upper()))
    if found is None:
        raise NotFound(field=table.__tablename__, what=code)
    return found


def place_of(session: Session, site_id: int, code: str, field: str = "place") -> Location:
    """Return a place of a site by its code. Raises NotFound."""
    found = queries.location_by_code(session, site_id, code)
    if found is None:
        raise NotFound(field=field, what=code)
    return found


def item_of(session: Session, owner_id: int, code: str, field: str = "item") -> Item:
    """Return an owner's trade item by its code. Raises UnknownItem."""
    found = catalog.item_by_code(session, owner_id, code)
    if found is None:
        raise catalog_rules.UnknownItem(field=field, number=code)
    return found


def base_qty(session: Session, item: Item, qty: int, unit: str | None) -> int:
    """Return ``qty`` of ``unit`` in base units. Raises UnknownUnit."""
    if unit is None:
        return qty
    packaging = catalog_rules.packaging_of(unit, catalog.packagings(session, item.id), item.code)
    return catalog_rules.in_base_units(qty, packaging)
