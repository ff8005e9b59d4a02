"""Opening balances: goods that already lie there enter the ledger, a thousand rows to a posting.

Free goods come from the adjustment account. Bonded goods come with their line of the account book: shelf and book rise
by the same posting, so that the identity of book and shelf holds from the first row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wms.catalog import rules as catalog_rules
from wms.catalog.rules import Packaging
from wms.catalog.tables import PackagingLevel
from wms.errors import WmsError
from wms.floor.rules import opening as rules
from wms.floor.rules.opening import ItemFacts, Lying
from wms.parties.tables import Company, Site
from wms.stock.ledger import AccountKey, Line, Posting, moved, post
from wms.stock.tables import HandlingUnit, Lot

KIND = "opening_balance"

PLACES = text(
    "SELECT l.site_id, l.code, l.id, l.is_bonded"
    " FROM unnest(cast(:sites AS bigint[]), cast(:codes AS text[])) AS w(site_id, code)"
    " JOIN location l ON l.site_id = w.site_id AND l.code = w.code"
)
ITEMS = text(
    "SELECT t.owner_id, t.code, t.id, t.base_unit, t.is_lot_controlled, t.is_expiry_controlled"
    " FROM unnest(cast(:owners AS bigint[]), cast(:codes AS text[])) AS w(owner_id, code)"
    " JOIN trade_item t ON t.tenant_id = app_tenant() AND t.owner_id = w.owner_id AND t.code = w.code"
)
BOOK_LINES = text(
    "SELECT b.book_no, b.line_no, b.id, b.trade_item_id"
    " FROM unnest(cast(:books AS text[]), cast(:lines AS int[])) AS w(book_no, line_no)"
    " JOIN book_line b ON b.tenant_id = app_tenant() AND b.book_no = w.book_no AND b.line_no = w.line_no"
)
LOTS = text(
    "SELECT l.trade_item_id, l.lot_no, l.id, l.expires_on"
    " FROM unnest(cast(:items AS bigint[]), cast(:lots AS text[])) AS w(trade_item_id, lot_no)"
    " JOIN lot l ON l.trade_item_id = w.trade_item_id AND l.lot_no = w.lot_no"
)
UNITS = text(
    "SELECT h.sscc, h.id, h.owner_id, min(p.id) AS place_id, min(p.code) AS place FROM handling_unit h"
    " LEFT JOIN (account a JOIN balance b ON b.account_id = a.id AND b.qty > 0 JOIN location p ON p.id = a.location_id)"
    " ON a.handling_unit_id = h.id WHERE h.tenant_id = app_tenant() AND h.sscc = ANY (cast(:sscc AS text[]))"
    " GROUP BY h.sscc, h.id, h.owner_id"
)


@dataclass(frozen=True)
class Refused:
    """A row that was not taken, and why."""

    row: int
    refusal: WmsError


@dataclass(frozen=True)
class _Place:
    id: int
    is_bonded: bool


@dataclass(frozen=True)
class _SiteFacts:
    id: int
    today: date


@dataclass(frozen=True)
class _Unit:
    id: int
    owner_id: int
    place_id: int | None
    place: str | None


@dataclass(frozen=True)
class _Found:
    """A row with everything it names; ``qty`` in base units."""

    given: Lying
    site_id: int
    owner_id: int
    place: _Place
    item: ItemFacts
    qty: int
    book_line_id: int | None


@dataclass
class Opening:
    """A list under way. ``source_doc`` names it in the ledger; ``key`` begins the key of each of its postings."""

    session: Session
    key: str
    source_doc: str
    event_at: datetime
    posted: list[int] = field(default_factory=list)
    _sites: dict[str, _SiteFacts] = field(default_factory=dict)
    _owners: dict[str, int] = field(default_factory=dict)
    _standing: dict[str, tuple[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.session.execute(select(Site.code, Site.id, Site.time_zone)):
            self._sites[row.code] = _SiteFacts(row.id, self.event_at.astimezone(ZoneInfo(row.time_zone)).date())
        self._owners = {row.code: row.id for row in self.session.execute(select(Company.code, Company.id))}

    def take(self, rows: Sequence[Lying]) -> list[Refused]:
        """Post every row that no rule forbids as one posting; return the others.

        Raises the ledger's refusal of the whole posting (closed month, time in the future).
        """
        refused: list[Refused] = []
        found = self._with_lots_and_units(self._resolved(rows, refused), refused)
        lines = [line for account, one in found for line in _lines(account, one)]
        if lines:
            number = len(self.posted) + 1
            posting = Posting(f"{self.key}:{number}", KIND, self.event_at, tuple(lines), self.source_doc)
            self.posted.append(post(self.session, posting).posting_id)
        return refused

    def _resolved(self, rows: Sequence[Lying], refused: list[Refused]) -> list[_Found]:
        places = self._places(rows)
        items = self._items(rows)
        packagings = self._packagings(items.values())
        book_lines = self._book_lines(rows)
        found = []
        for row in rows:
            try:
                found.append(self._one(row, places, items, packagings, book_lines))
            except WmsError as refusal:
                refused.append(Refused(row.row, refusal))
        return found

    def _one(
        self,
        row: Lying,
        places: dict[tuple[int, str], _Place],
        items: dict[tuple[int, str], ItemFacts],
        packagings: dict[int, list[Packaging]],
        book_lines: dict[tuple[str, int], tuple[int, int]],
    ) -> _Found:
        site = self._sites.get(row.site.upper())
        if site is None:
            raise rules.UnknownSite(field="site", site=row.site)
        place = places.get((site.id, row.place.upper()))
        if place is None:
            raise rules.UnknownPlace(field="location", site=row.site, place=row.place)
        owner_id = self._owners.get(row.owner.upper())
        if owner_id is None:
            raise rules.UnknownOwner(field="owner", owner=row.owner)
        item = items.get((owner_id, row.item))
        if item is None:
            raise rules.UnknownOwnersItem(field="item", owner=row.owner, item=row.item)
        rules.check(row, item, place_is_bonded=place.is_bonded, today=site.today)
        qty = row.qty
        if row.unit is not None and row.unit != item.base_unit:
            units = [Packaging(item.base_unit, 1), *packagings.get(item.id, ())]
            qty = catalog_rules.in_base_units(row.qty, catalog_rules.packaging_of(row.unit, units, item.code))
        return _Found(row, site.id, owner_id, place, item, qty, _book_line(row, item, book_lines))

    def _places(self, rows: Iterable[Lying]) -> dict[tuple[int, str], _Place]:
        named = {
            (self._sites[row.site.upper()].id, row.place.upper()) for row in rows if row.site.upper() in self._sites
        }
        values = {"sites": [site_id for site_id, _ in named], "codes": [code for _, code in named]}
        return {(row[0], row[1]): _Place(row[2], row[3]) for row in self.session.execute(PLACES, values)}

    def _items(self, rows: Iterable[Lying]) -> dict[tuple[int, str], ItemFacts]:
        named = {(owner_id, row.item) for row in rows if (owner_id := self._owners.get(row.owner.upper()))}
        values = {"owners": [owner_id for owner_id, _ in named], "codes": [code for _, code in named]}
        found = self.session.execute(ITEMS, values)
        return {(row[0], row[1]): ItemFacts(row[2], row[1], row[3], row[4], row[5]) for row in found}

    def _packagings(self, items: Iterable[ItemFacts]) -> dict[int, list[Packaging]]:
        query = select(PackagingLevel).where(PackagingLevel.trade_item_id.in_([item.id for item in items]))
        found: dict[int, list[Packaging]] = {}
        for level in self.session.scalars(query):
            found.setdefault(level.trade_item_id, []).append(Packaging(level.unit, level.base_qty))
        return found

    def _book_lines(self, rows: Iterable[Lying]) -> dict[tuple[str, int], tuple[int, int]]:
        named = {(row.book_no, row.book_line_no) for row in rows if row.book_no and row.book_line_no is not None}
        values = {"books": [book_no for book_no, _ in named], "lines": [line_no for _, line_no in named]}
        return {(row[0], row[1]): (row[2], row[3]) for row in self.session.execute(BOOK_LINES, values)}

    def _with_lots_and_units(self, found: Sequence[_Found], refused: list[Refused]) -> list[tuple[AccountKey, _Found]]:
        lots = self._file_lots(found)
        units = self._file_units(found)
        ready = []
        for one in found:
            try:
                lot_id = _lot_id(one, lots)
                unit_id = self._unit_id(one, units)
            except WmsError as refusal:
                refused.append(Refused(one.given.row, refusal))
                continue
            ready.append((_account(one, lot_id, unit_id), one))
        return ready

    def _file_lots(self, found: Sequence[_Found]) -> dict[tuple[int, str], tuple[int, date | None]]:
        named = {(one.item.id, one.given.lot_no): one.given for one in found if one.given.lot_no}
        if not named:
            return {}
        new = [
            {
                "trade_item_id": item_id,
                "lot_no": lot_no,
                "expires_on": given.expires_on,
                "produced_on": given.produced_on,
            }
            for (item_id, lot_no), given in sorted(named.items(), key=lambda pair: pair[0])
        ]
        self.session.execute(insert(Lot).on_conflict_do_nothing(), new)
        values = {"items": [item_id for item_id, _ in named], "lots": [lot_no for _, lot_no in named]}
        return {(row[0], row[1]): (row[2], row[3]) for row in self.session.execute(LOTS, values)}

    def _file_units(self, found: Sequence[_Found]) -> dict[str, _Unit]:
        owners = {one.given.sscc: one.owner_id for one in found if one.given.sscc}
        if not owners:
            return {}
        new = [{"sscc": sscc, "kind": "pallet", "owner_id": owner_id} for sscc, owner_id in sorted(owners.items())]
        self.session.execute(insert(HandlingUnit).on_conflict_do_nothing(), new)
        found_units = self.session.execute(UNITS, {"sscc": list(owners)})
        return {row[0]: _Unit(*row[1:]) for row in found_units}

    def _unit_id(self, one: _Found, units: dict[str, _Unit]) -> int | None:
        sscc = one.given.sscc
        if sscc is None:
            return None
        unit = units[sscc]
        if unit.owner_id != one.owner_id:
            raise rules.UnitOfAnother(field="sscc", sscc=sscc)
        here = (one.place.id, one.given.place.upper())
        there = here if unit.place_id is None else (unit.place_id, unit.place or "")
        place_id, place = self._standing.setdefault(sscc, there)
        if place_id != one.place.id:
            raise rules.UnitElsewhere(field="sscc", sscc=sscc, place=place)
        return unit.id


def _book_line(row: Lying, item: ItemFacts, known: dict[tuple[str, int], tuple[int, int]]) -> int | None:
    if row.book_no is None or row.book_line_no is None:
        return None
    found = known.get((row.book_no, row.book_line_no))
    if found is None:
        raise rules.UnknownBookLine(field="book_line_no", book_no=row.book_no, line_no=row.book_line_no)
    if found[1] != item.id:
        raise rules.BookLineOfAnotherItem(
            field="book_line_no", book_no=row.book_no, line_no=row.book_line_no, item=item.code
        )
    return found[0]


def _lot_id(one: _Found, lots: dict[tuple[int, str], tuple[int, date | None]]) -> int | None:
    given = one.given
    if given.lot_no is None:
        return None
    lot_id, known_on = lots[one.item.id, given.lot_no]
    if given.expires_on is not None and known_on is not None and known_on != given.expires_on:
        raise rules.LotDiffers(
            field="expires_on", lot_no=given.lot_no, item=given.item, known_on=known_on.isoformat(),
            expires_on=given.expires_on.isoformat(),
        )  # fmt: skip
    return lot_id


def _account(one: _Found, lot_id: int | None, unit_id: int | None) -> AccountKey:
    return AccountKey(
        "location", one.owner_id, one.item.id, one.site_id, one.place.id, lot_id, unit_id,
        "bonded" if one.book_line_id else "free", one.given.quality_status, one.book_line_id,
    )  # fmt: skip


def _lines(account: AccountKey, one: _Found) -> tuple[Line, ...]:
    lines = moved(AccountKey("adjustment", one.owner_id, one.item.id), account, one.qty)
    if one.book_line_id is None:
        return lines
    source, book = (
        AccountKey(kind, one.owner_id, one.item.id, book_line_id=one.book_line_id)
        for kind in ("customs_source", "book")
    )
    return (*lines, *moved(source, book, one.qty))
