"""Reads for labels and papers: a logistic unit with everything that stands on it, places in the order of a walk."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from wms.catalog import queries as catalog
from wms.catalog.rules import split_into
from wms.codes import gs1_keys


@dataclass(frozen=True)
class UnitHead:
    """A logistic unit, whose it is, and where it stands."""

    id: int
    sscc: str
    kind: str
    owner_zh: str
    owner_en: str
    site_zh: str | None
    site_en: str | None
    place: str | None


@dataclass(frozen=True)
class Contained:
    """Goods of one item and lot on a unit or on a unit that stands on it; base units."""

    sscc: str
    depth: int
    trade_item_id: int
    item_code: str
    name_zh: str
    name_en: str
    gtin: str | None
    base_unit: str
    lot_no: str | None
    expires_on: date | None
    qty: int
    gross_weight_g: int


@dataclass(frozen=True)
class CountPlace:
    """Goods of one item and lot in a place, to be counted; ``qty`` is not for the eyes of who counts."""

    place: str
    item_code: str | None
    name_zh: str | None
    name_en: str | None
    lot_no: str | None
    sscc: str | None
    base_unit: str | None
    qty: int | None


HEAD = text(
    "SELECT h.id, h.sscc, h.kind, c.name_zh AS owner_zh, c.name_en AS owner_en, s.name_zh AS site_zh,"
    " s.name_en AS site_en, p.code AS place FROM handling_unit h JOIN company c ON c.id = h.owner_id"
    " LEFT JOIN LATERAL (SELECT a.site_id, a.location_id FROM account a JOIN balance b ON b.account_id = a.id"
    "   WHERE a.handling_unit_id = h.id AND a.kind = 'location' AND b.qty > 0 LIMIT 1) at ON true"
    " LEFT JOIN site s ON s.id = at.site_id LEFT JOIN location p ON p.id = at.location_id"
    " WHERE h.tenant_id = app_tenant() AND h.sscc = :sscc"
)
CONTENTS = text(
    "WITH RECURSIVE tree AS (SELECT id, sscc, 0 AS depth FROM handling_unit"
    "  WHERE tenant_id = app_tenant() AND sscc = :sscc"
    " UNION ALL SELECT h.id, h.sscc, t.depth + 1 FROM handling_unit h JOIN tree t ON h.parent_id = t.id"
    "  WHERE t.depth < 20)"
    " SELECT t.sscc, t.depth, i.id AS trade_item_id, i.code AS item_code, i.name_zh, i.name_en, i.gtin, i.base_unit,"
    " l.lot_no, l.expires_on, sum(b.qty)::bigint AS qty, sum(b.qty * i.gross_weight_g)::bigint AS gross_weight_g"
    " FROM tree t JOIN account a ON a.handling_unit_id = t.id AND a.kind IN ('location', 'in_transit')"
    " JOIN balance b ON b.account_id = a.id AND b.qty > 0 JOIN trade_item i ON i.id = a.trade_item_id"
    " LEFT JOIN lot l ON l.id = a.lot_id"
    " GROUP BY t.depth, t.sscc, i.id, l.lot_no, l.expires_on ORDER BY t.depth, t.sscc, i.code, l.lot_no"
)
COUNT = text(
    "SELECT p.code AS place, i.code AS item_code, i.name_zh, i.name_en, l.lot_no, h.sscc, i.base_unit,"
    " sum(b.qty)::bigint AS qty FROM location p"
    " LEFT JOIN (account a JOIN balance b ON b.account_id = a.id AND b.qty > 0) ON a.location_id = p.id"
    "  AND a.kind = 'location'"
    " LEFT JOIN trade_item i ON i.id = a.trade_item_id LEFT JOIN lot l ON l.id = a.lot_id"
    " LEFT JOIN handling_unit h ON h.id = a.handling_unit_id"
    " WHERE p.site_id = :site_id AND p.code >= :since AND p.code <= :until"
    " AND (cast(:zone AS text) IS NULL OR p.zone = :zone)"
    " GROUP BY coalesce(p.pick_sequence, 2147483647), p.code, p.id, i.id, l.id, h.id"
    " ORDER BY coalesce(p.pick_sequence, 2147483647), p.code, i.code, l.lot_no, h.sscc LIMIT :most"
)


def unit_head(session: Session, sscc: str) -> UnitHead | None:
    """Return the unit with that SSCC, None where there is none that the caller may see."""
    row = session.execute(HEAD, {"sscc": sscc}).mappings().one_or_none()
    return UnitHead(**row) if row else None


def contents(session: Session, sscc: str) -> tuple[Contained, ...]:
    """Return what stands on a unit and on the units on it, outermost first."""
    return tuple(Contained(**row) for row in session.execute(CONTENTS, {"sscc": sscc}).mappings())


def trade_items_of(session: Session, goods: Contained) -> tuple[str, int] | None:
    """Return GTIN and count with which AI 02 and 37 describe the goods: whole packagings where they come out even."""
    packagings = [one for one in catalog.packagings(session, goods.trade_item_id) if one.gtin]
    for count, packaging in split_into(goods.qty, packagings)[:1]:
        if packaging.gtin and gs1_keys.is_gtin(packaging.gtin) and count * packaging.base_qty == goods.qty:
            return gs1_keys.gtin14(packaging.gtin), count
    if goods.gtin and gs1_keys.is_gtin(goods.gtin):
        return gs1_keys.gtin14(goods.gtin), goods.qty
    return None


def count_places(
    session: Session, site_id: int, *, since: str = "", until: str = "\uffff", zone: str | None = None, most: int = 2000
) -> tuple[CountPlace, ...]:
    """Return places of a site from code ``since`` to ``until`` in walking order, empty ones too, with their goods."""
    values = {"site_id": site_id, "since": since, "until": until, "zone": zone, "most": most}
    return tuple(CountPlace(**row) for row in session.execute(COUNT, values).mappings())
