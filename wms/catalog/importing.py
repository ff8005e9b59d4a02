"""Trade items filed a thousand at a time: set-based, each bad one told by its row, none of them stopping the others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from wms.catalog import rules
from wms.catalog.service import FileItem
from wms.catalog.tables import PackagingLevel, TradeItem
from wms.codes import gs1_keys
from wms.errors import N_, Kind, WmsError

# Behind row-level security the planner expects few rows; these find theirs through the indexes.
KNOWN_GTINS = text(
    "SELECT t.owner_id, lpad(t.gtin, 14, '0') AS gtin, t.code FROM trade_item t"
    " WHERE t.tenant_id = app_tenant() AND t.gtin = ANY (cast(:gtins AS text[]))"
    " UNION ALL SELECT t.owner_id, lpad(p.gtin, 14, '0'), t.code FROM packaging_level p"
    " JOIN trade_item t ON t.id = p.trade_item_id"
    " WHERE p.tenant_id = app_tenant() AND p.gtin = ANY (cast(:gtins AS text[]))"
)


class ItemTaken(WmsError):
    """The owner already files an item under this code."""

    code = "item_taken"
    kind = Kind.CONFLICT
    text = N_("The owner already has an item %(item)s.")


class PackagingTwice(WmsError):
    """Two packagings of one item are counted in the same unit."""

    code = "packaging_twice"
    kind = Kind.INVALID
    text = N_("The unit %(unit)s is named twice for %(item)s.")


@dataclass(frozen=True)
class ItemRow:
    """A trade item and the row it came from."""

    row: int
    item: FileItem


@dataclass(frozen=True)
class Refused:
    """A row that was not taken, and why."""

    row: int
    refusal: WmsError


class KnownCodes:
    """The codes that owners file, read once for each owner of a list and kept while the list is filed.

    Asked anew for each part of a long list, the planner, whose statistics know nothing yet of the rows that the same
    list brought in before, may walk through all of an owner's items for every single code.
    """

    def __init__(self) -> None:
        self._owners: set[int] = set()
        self._codes: set[tuple[int, str]] = set()

    def of(self, session: Session, rows: Iterable[ItemRow]) -> set[tuple[int, str]]:
        """Return the codes of all owners seen so far; who files an item adds it."""
        unread = {row.item.owner_id for row in rows} - self._owners
        if unread:
            found = session.execute(select(TradeItem.owner_id, TradeItem.code).where(TradeItem.owner_id.in_(unread)))
            self._codes.update((owner, code) for owner, code in found)
            self._owners |= unread
        return self._codes


def file_items(
    session: Session, rows: Sequence[ItemRow], known: KnownCodes, *, keep_existing: bool = False
) -> tuple[int, list[Refused]]:
    """File every item that no rule forbids; return how many, and the rows that were refused.

    ``known`` goes from one part of a list to the next. ``keep_existing``: an item that its owner files already is
    passed over, not refused.
    """
    taken_codes = known.of(session, rows)
    taken_gtins = _gtins(session, rows)
    good, refused = [], []
    for row in rows:
        key = (row.item.owner_id, row.item.code)
        if key in taken_codes and keep_existing:
            continue
        try:
            _check(row.item, taken_codes, taken_gtins)
        except WmsError as refusal:
            refused.append(Refused(row.row, refusal))
            continue
        taken_codes.add(key)
        taken_gtins.update({(row.item.owner_id, gtin): row.item.code for gtin in _gtins_of(row.item)})
        good.append(row.item)
    _insert(session, good)
    return len(good), refused


def _check(item: FileItem, codes: set[tuple[int, str]], gtins: dict[tuple[int, str], str]) -> None:
    if (item.owner_id, item.code) in codes:
        raise ItemTaken(field="code", item=item.code)
    numbers = rules.ItemNumbers(item.code, item.gtin, item.hs_code, item.gross_weight_g, item.volume_mm3)
    rules.check_item(numbers)
    units = {item.base_unit}
    for level in item.packagings:
        if level.unit in units:
            raise PackagingTwice(field="unit", unit=level.unit, item=item.code)
        units.add(level.unit)
        if level.gtin and not gs1_keys.is_gtin(level.gtin):
            raise rules.BadGtin(field="gtin", gtin=level.gtin)
    own: set[str] = set()
    for gtin in _gtins_of(item):
        other = item.code if gtin in own else gtins.get((item.owner_id, gtin))
        if other is not None:
            raise rules.GtinTaken(field="gtin", gtin=gtin, item=other)
        own.add(gtin)


def _gtins_of(item: FileItem) -> list[str]:
    given = [item.gtin, *(level.gtin for level in item.packagings)]
    return [gtin.zfill(14) for gtin in given if gtin]


def _gtins(session: Session, rows: Iterable[ItemRow]) -> dict[tuple[int, str], str]:
    named = {gtin for row in rows for gtin in _gtins_of(row.item)}
    spellings = [one for gtin in named if gs1_keys.is_gtin(gtin) for one in gs1_keys.gtin_spellings(gtin)]
    if not spellings:
        return {}
    found = session.execute(KNOWN_GTINS, {"gtins": spellings})
    return {(owner, gtin): code for owner, gtin, code in found}


def _insert(session: Session, items: Sequence[FileItem]) -> None:
    if not items:
        return
    plain = [{name: value for name, value in vars(item).items() if name != "packagings"} for item in items]
    session.execute(insert(TradeItem), plain)
    if not any(item.packagings for item in items):
        return
    owners = {item.owner_id for item in items}
    codes = [item.code for item in items if item.packagings]
    found = session.execute(
        select(TradeItem.owner_id, TradeItem.code, TradeItem.id).where(
            TradeItem.owner_id.in_(owners), TradeItem.code.in_(codes)
        )
    )
    ids = {(owner, code): made for owner, code, made in found}
    levels = [
        {
            "trade_item_id": ids[item.owner_id, item.code],
            "unit": level.unit,
            "gtin": level.gtin,
            "base_qty": level.base_qty,
        }
        for item in items
        for level in item.packagings
    ]
    session.execute(insert(PackagingLevel), levels)
