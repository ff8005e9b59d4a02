"""Lines of notices, filed a thousand at a time: what they name is looked up in sets, each bad line is refused alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from wms.catalog import rules as catalog_rules
from wms.catalog.rules import Packaging
from wms.catalog.tables import PackagingLevel
from wms.codes import gs1_keys
from wms.customs.tables import VerificationLine
from wms.errors import WmsError
from wms.floor.rules import notices as rules
from wms.floor.rules.notices import KnownUnit, LineIn
from wms.floor.rules.receiving import LONGEST_LIFE
from wms.floor.tables import NoticeLine

ITEMS = text(
    "SELECT w.owner_id, w.code, t.id, t.code AS item_code, t.base_unit, t.is_lot_controlled"
    " FROM unnest(cast(:owners AS bigint[]), cast(:codes AS text[])) AS w(owner_id, code)"
    " JOIN trade_item t ON t.tenant_id = app_tenant() AND t.owner_id = w.owner_id AND t.code = w.code"
)
BY_GTIN = text(
    """
    SELECT w.owner_id, w.gtin, t.id, t.code AS item_code, t.base_unit, t.is_lot_controlled,
           CASE WHEN p.trade_item_id = t.id THEN p.unit ELSE t.base_unit END AS unit
      FROM unnest(cast(:owners AS bigint[]), cast(:gtins AS text[]), cast(:spellings AS text[]))
           AS w(owner_id, gtin, spelling)
      LEFT JOIN packaging_level p ON p.tenant_id = app_tenant() AND p.gtin = w.spelling
      JOIN trade_item t ON t.tenant_id = app_tenant() AND t.owner_id = w.owner_id
           AND (t.gtin = w.spelling OR t.id = p.trade_item_id)
    """
)
UNITS = text(
    """
    SELECT w.sscc, h.owner_id, n.notice_no, EXISTS (
             SELECT FROM account a JOIN balance b ON b.account_id = a.id
              WHERE a.handling_unit_id = h.id AND a.kind = 'location' AND b.qty > 0) AS is_in_stock
      FROM unnest(cast(:ssccs AS text[])) AS w(sscc)
      LEFT JOIN handling_unit h ON h.tenant_id = app_tenant() AND h.sscc = w.sscc
      LEFT JOIN LATERAL (
        SELECT a.notice_no FROM notice_line l JOIN advance_notice a ON a.id = l.notice_id
         WHERE l.tenant_id = app_tenant() AND l.sscc = w.sscc AND a.state IN ('open', 'receiving') LIMIT 1) n ON true
     WHERE h.id IS NOT NULL OR n.notice_no IS NOT NULL
    """
)
ORDER_LINES = text(
    "SELECT o.order_no, l.trade_item_id, min(l.id) AS id FROM outbound_order o JOIN order_line l ON l.order_id = o.id"
    " WHERE o.tenant_id = app_tenant() AND o.order_no = ANY (:orders)"
    " AND o.state IN ('open', 'part_allocated', 'allocated') GROUP BY o.order_no, l.trade_item_id"
)


@dataclass(frozen=True)
class Head:
    """A notice that lines are filed under."""

    id: int
    notice_no: str
    owner_id: int
    list_id: int | None


@dataclass(frozen=True)
class Refused:
    """A line that was not filed: its number as the caller counts, and why."""

    row: int
    refusal: WmsError


@dataclass(frozen=True)
class _Item:
    id: int
    code: str
    base_unit: str
    is_lot_controlled: bool
    unit: str | None = None


@dataclass
class NoticeLines:
    """Files lines under notices. It may be used chunk by chunk: line numbers and pallets are remembered by notice."""

    session: Session
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    _numbers: dict[int, int] = field(default_factory=dict)
    _on_lists: dict[int, dict[int, int]] = field(default_factory=dict)
    _standing: dict[str, str] = field(default_factory=dict)
    _goods: set[tuple[int, str, int, str | None]] = field(default_factory=set)

    def add(self, rows: Sequence[tuple[int, Head, LineIn]]) -> list[Refused]:
        """File every line that no rule forbids; return the others, in order."""
        items, packagings = self._items(rows)
        units, orders = self._units(rows), self._orders(rows)
        refused: list[Refused] = []
        ready: list[dict[str, Any]] = []
        for number, head, line in rows:
            try:
                ready.append(self._one(number, head, line, items, packagings, units, orders))
            except WmsError as refusal:
                refusal.field = line.field or refusal.field or f"lines.{number}"
                refused.append(Refused(number, refusal))
        if ready:
            self.session.execute(insert(NoticeLine), ready)
        return refused

    def _one(
        self,
        number: int,
        head: Head,
        line: LineIn,
        items: dict[tuple[int, str], _Item],
        packagings: dict[int, list[Packaging]],
        units: dict[str, KnownUnit],
        orders: dict[tuple[str, int], int],
    ) -> dict[str, Any]:
        if line.qty <= 0 or (line.sscc is not None and not gs1_keys.is_sscc(line.sscc)):
            raise rules.BadNoticeLine(line_no=number, qty=line.qty, sscc=line.sscc or "-")
        item = items.get((head.owner_id, line.gtin or line.item_code))
        if item is None:
            raise rules.NotOwnersItem(line_no=number, item=line.gtin or line.item_code)
        qty = _in_base_units(line, item, packagings)
        rules.check_expiry(line.expires_on, self.today, LONGEST_LIFE)
        if line.sscc is not None:
            self._check_unit(head, line, item, units)
        order_line_id = None
        if line.order_no is not None:
            order_line_id = orders.get((line.order_no, item.id))
            if order_line_id is None:
                raise rules.UnknownOrder(order=line.order_no, item=item.code)
        on_list = self._on_list(head.list_id, item.id) if head.list_id else None
        if head.list_id and on_list is None:
            raise rules.NotOnVerificationList(line_no=number, item=item.code)
        self._numbers[head.id] = self._numbers.get(head.id, 0) + 1
        return {
            "notice_id": head.id,
            "line_no": self._numbers[head.id],
            "trade_item_id": item.id,
            "expected_qty": qty,
            "lot_no": line.lot_no,
            "expires_on": line.expires_on,
            "sscc": line.sscc,
            "weight_g": line.weight_g,
            "order_line_id": order_line_id,
            "verification_line_id": on_list,
        }

    def _check_unit(self, head: Head, line: LineIn, item: _Item, units: dict[str, KnownUnit]) -> None:
        sscc = line.sscc
        assert sscc is not None
        rules.check_unit(sscc, units.get(sscc), head.owner_id, head.notice_no)
        other = self._standing.setdefault(sscc, head.notice_no)
        if other != head.notice_no:
            raise rules.UnitAnnounced(sscc=sscc, notice=other)
        goods = (head.id, sscc, item.id, line.lot_no)
        if goods in self._goods:
            raise rules.AnnouncedTwice(sscc=sscc)
        self._goods.add(goods)

    def _items(
        self, rows: Iterable[tuple[int, Head, LineIn]]
    ) -> tuple[dict[tuple[int, str], _Item], dict[int, list[Packaging]]]:
        found: dict[tuple[int, str], _Item] = {}
        codes = {(head.owner_id, line.item_code) for _, head, line in rows if not line.gtin}
        if codes:
            values = {"owners": [one[0] for one in codes], "codes": [one[1] for one in codes]}
            for row in self.session.execute(ITEMS, values):
                found[row[0], row[1]] = _Item(*row[2:])
        gtins = {
            (head.owner_id, line.gtin, spelling)
            for _, head, line in rows
            if line.gtin and gs1_keys.is_gtin(line.gtin)
            for spelling in gs1_keys.gtin_spellings(line.gtin)
        }
        if gtins:
            columns = {name: [one[n] for one in gtins] for n, name in enumerate(("owners", "gtins", "spellings"))}
            for row in self.session.execute(BY_GTIN, columns):
                found[row[0], row[1]] = _Item(*row[2:])
        packagings: dict[int, list[Packaging]] = {}
        ids = {item.id for item in found.values()}
        for level in self.session.scalars(select(PackagingLevel).where(PackagingLevel.trade_item_id.in_(ids))):
            packagings.setdefault(level.trade_item_id, []).append(Packaging(level.unit, level.base_qty))
        return found, packagings

    def _units(self, rows: Iterable[tuple[int, Head, LineIn]]) -> dict[str, KnownUnit]:
        ssccs = sorted({line.sscc for _, _, line in rows if line.sscc})
        if not ssccs:
            return {}
        return {row[0]: KnownUnit(*row[1:]) for row in self.session.execute(UNITS, {"ssccs": ssccs})}

    def _orders(self, rows: Iterable[tuple[int, Head, LineIn]]) -> dict[tuple[str, int], int]:
        orders = sorted({line.order_no for _, _, line in rows if line.order_no})
        if not orders:
            return {}
        return {(row[0], row[1]): row[2] for row in self.session.execute(ORDER_LINES, {"orders": orders})}

    def _on_list(self, list_id: int, item_id: int) -> int | None:
        if list_id not in self._on_lists:
            rows = self.session.execute(
                select(VerificationLine.trade_item_id, VerificationLine.id)
                .where(VerificationLine.verification_list_id == list_id)
                .order_by(VerificationLine.line_no.desc())
            )
            self._on_lists[list_id] = {row[0]: row[1] for row in rows}
        return self._on_lists[list_id].get(item_id)


def _in_base_units(line: LineIn, item: _Item, packagings: dict[int, list[Packaging]]) -> int:
    """Return the quantity in base units. Raises UnknownUnit, InexactConversion."""
    unit = line.unit or item.unit
    if unit is None or unit == item.base_unit:
        return line.qty
    known = [Packaging(item.base_unit, 1), *packagings.get(item.id, ())]
    return catalog_rules.in_base_units(line.qty, catalog_rules.packaging_of(unit, known, item.code))
