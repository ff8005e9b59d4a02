"""Reads of the floor: notices with what was counted, places with what lies in them, work that waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import starmap
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, select, text
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.customs.tables import VerificationLine, VerificationList
from wms.floor.rules.receiving import Announced, Counted
from wms.floor.tables import AdvanceNotice, Difference, NoticeLine, ReceiptLine
from wms.parties.tables import Company, Location, Person, Site
from wms.stock.tables import HandlingUnit, Lot


@dataclass(frozen=True)
class NoticeRow:
    """An advance notice with the names a screen shows."""

    id: int
    notice_no: str
    state: str
    trade_mode: str
    site_id: int
    site_code: str
    site_name_zh: str
    site_name_en: str
    time_zone: str
    owner_id: int
    owner_name_zh: str
    owner_name_en: str
    verification_list_id: int | None
    list_no: str | None
    list_state: str | None
    expected_at: datetime | None
    closed_at: datetime | None
    kind: str = "announced"
    is_blind: bool = False
    delivery_no: str | None = None
    supplier: str | None = None

    @property
    def is_bonded(self) -> bool:
        """Bonded goods come in under a verification list; others do not."""
        return self.verification_list_id is not None


class NoticeLineRow(NamedTuple):
    """A line of a notice with its item and the count so far; base units. A tuple: each scan reads all of a notice."""

    id: int
    line_no: int
    trade_item_id: int
    item_code: str
    name_zh: str
    name_en: str
    base_unit: str
    expected_qty: int
    received_qty: int
    lot_no: str | None
    expires_on: date | None
    sscc: str | None
    weight_g: int | None
    order_line_id: int | None
    book_line_id: int | None


@dataclass(frozen=True)
class DifferenceRow:
    """A recorded difference with its item."""

    kind: str
    item_code: str
    name_zh: str
    name_en: str
    lot_no: str | None
    expected_qty: int
    found_qty: int
    qty: int


@dataclass(frozen=True)
class Standing:
    """Who counted a pallet in, and when."""

    sscc: str
    person: dict[str, str]
    received_at: datetime


_NOTICE = (
    select(
        AdvanceNotice.id,
        AdvanceNotice.notice_no,
        AdvanceNotice.state,
        AdvanceNotice.trade_mode,
        AdvanceNotice.site_id,
        Site.code.label("site_code"),
        Site.name_zh.label("site_name_zh"),
        Site.name_en.label("site_name_en"),
        Site.time_zone,
        AdvanceNotice.owner_id,
        Company.name_zh.label("owner_name_zh"),
        Company.name_en.label("owner_name_en"),
        AdvanceNotice.verification_list_id,
        VerificationList.list_no,
        VerificationList.state.label("list_state"),
        AdvanceNotice.expected_at,
        AdvanceNotice.closed_at,
        AdvanceNotice.kind,
        AdvanceNotice.is_blind,
        AdvanceNotice.delivery_no,
        AdvanceNotice.supplier,
    )
    .join(Site, Site.id == AdvanceNotice.site_id)
    .join(Company, Company.id == AdvanceNotice.owner_id)
    .outerjoin(VerificationList, VerificationList.id == AdvanceNotice.verification_list_id)
)


def _notices(session: Session, query: Select[*tuple[Any, ...]]) -> list[NoticeRow]:
    return [NoticeRow(**row) for row in session.execute(query).mappings()]


def notice(session: Session, notice_id: int) -> NoticeRow:
    """Return a notice that is known to exist."""
    return _notices(session, _NOTICE.where(AdvanceNotice.id == notice_id))[0]


def notice_by_no(session: Session, notice_no: str) -> NoticeRow | None:
    """Return the notice with that number, however its letters are written."""
    where = func.upper(AdvanceNotice.notice_no) == notice_no.strip().upper()
    return next(iter(_notices(session, _NOTICE.where(where).limit(1))), None)


def notice_with_sscc(session: Session, sscc: str) -> NoticeRow | None:
    """Return the oldest notice that still receives and announces the pallet."""
    announcing = select(NoticeLine.notice_id).where(NoticeLine.sscc == sscc)
    query = _NOTICE.where(AdvanceNotice.id.in_(announcing), AdvanceNotice.state.in_(("open", "receiving")))
    return next(iter(_notices(session, query.order_by(AdvanceNotice.id).limit(1))), None)


def notices(
    session: Session, *, site_code: str | None = None, state: str | None = None, after_id: int = 0, limit: int = 50
) -> tuple[NoticeRow, ...]:
    """Return notices in the order they were announced, from ``after_id`` on."""
    query = _NOTICE.where(AdvanceNotice.id > after_id)
    if site_code:
        query = query.where(Site.code == site_code)
    if state:
        query = query.where(AdvanceNotice.state == state)
    return tuple(_notices(session, query.order_by(AdvanceNotice.id).limit(limit)))


def notice_lines(session: Session, notice_id: int) -> tuple[NoticeLineRow, ...]:
    """Return the lines of a notice with what was counted for each so far."""
    # Summed once for the notice: asked line by line, five thousand lines would look through it five thousand times.
    counted = (
        select(ReceiptLine.notice_line_id, func.sum(ReceiptLine.qty).label("qty"))
        .where(ReceiptLine.notice_id == notice_id, ReceiptLine.undone_at.is_(None))
        .group_by(ReceiptLine.notice_line_id)
        .subquery()
    )
    received = cast(func.coalesce(counted.c.qty, 0), BigInteger)
    rows = session.execute(
        select(
            NoticeLine.id,
            NoticeLine.line_no,
            NoticeLine.trade_item_id,
            TradeItem.code.label("item_code"),
            TradeItem.name_zh,
            TradeItem.name_en,
            TradeItem.base_unit,
            NoticeLine.expected_qty,
            received.label("received_qty"),
            NoticeLine.lot_no,
            NoticeLine.expires_on,
            NoticeLine.sscc,
            NoticeLine.weight_g,
            NoticeLine.order_line_id,
            VerificationLine.book_line_id,
        )
        .join(TradeItem, TradeItem.id == NoticeLine.trade_item_id)
        .outerjoin(counted, counted.c.notice_line_id == NoticeLine.id)
        .outerjoin(VerificationLine, VerificationLine.id == NoticeLine.verification_line_id)
        .where(NoticeLine.notice_id == notice_id)
        .order_by(NoticeLine.line_no)
    )
    return tuple(starmap(NoticeLineRow, rows))


def announced(lines: Sequence[NoticeLineRow]) -> tuple[Announced, ...]:
    """Return lines as the rules see them."""
    return tuple(
        Announced(line.id, line.trade_item_id, line.expected_qty, line.received_qty, line.lot_no, line.sscc)
        for line in lines
    )


def counted(session: Session, notice_id: int) -> tuple[Counted, ...]:
    """Return everything that was counted in and not undone."""
    rows = session.execute(
        select(
            ReceiptLine.notice_line_id,
            ReceiptLine.trade_item_id,
            Lot.lot_no,
            ReceiptLine.qty,
            ReceiptLine.quality_status,
        )
        .outerjoin(Lot, Lot.id == ReceiptLine.lot_id)
        .where(ReceiptLine.notice_id == notice_id, ReceiptLine.undone_at.is_(None))
    )
    return tuple(Counted(*row) for row in rows)


def differences(session: Session, notice_id: int) -> tuple[DifferenceRow, ...]:
    """Return what a closed receipt found otherwise than announced."""
    rows = session.execute(
        select(
            Difference.kind,
            TradeItem.code,
            TradeItem.name_zh,
            TradeItem.name_en,
            Difference.lot_no,
            Difference.expected_qty,
            Difference.found_qty,
            Difference.qty,
        )
        .join(TradeItem, TradeItem.id == Difference.trade_item_id)
        .where(Difference.notice_id == notice_id)
        .order_by(Difference.id)
    )
    return tuple(DifferenceRow(*row) for row in rows)


def standing_pallet(session: Session, notice_id: int, sscc: str) -> Standing | None:
    """Return who already counted the pallet in under this notice."""
    return _standing(session, ReceiptLine.notice_id == notice_id, HandlingUnit.sscc == sscc)


def _standing(session: Session, *where: ColumnElement[bool]) -> Standing | None:
    row = session.execute(
        select(HandlingUnit.sscc, Person.name_zh, Person.name_en, ReceiptLine.received_at)
        .join(HandlingUnit, HandlingUnit.id == ReceiptLine.handling_unit_id)
        .outerjoin(Person, Person.id == ReceiptLine.person_id)
        .where(ReceiptLine.undone_at.is_(None), *where)
        .limit(1)
    ).one_or_none()
    return Standing(row[0], {"zh": row[1] or "-", "en": row[2] or "-"}, row[3]) if row else None


def location_by_code(session: Session, site_id: int, code: str) -> Location | None:
    """Return the place of a site with that code, however its letters are written."""
    where = func.upper(Location.code) == code.strip().upper()
    return session.scalars(select(Location).where(Location.site_id == site_id, where).limit(1)).one_or_none()


def is_in_account_book(session: Session, trade_item_id: int, site_id: int) -> bool:
    """Whether an account book of a bonded site counts the item, so that goods of it may be bonded."""
    return bool(
        session.scalar(
            text(
                "SELECT EXISTS (SELECT 1 FROM book_line b JOIN account_book a ON a.book_no = b.book_no"
                " AND a.tenant_id = b.tenant_id WHERE b.trade_item_id = :item AND a.site_id = :site)"
            ),
            {"item": trade_item_id, "site": site_id},
        )
    )


def book_line_for(session: Session, list_id: int, trade_item_id: int) -> int | None:
    """Return a line of the list's account book that counts the item, for goods that were not announced."""
    found: int | None = session.scalar(
        text(
            "SELECT b.id FROM book_line b JOIN account_book a ON a.book_no = b.book_no AND a.tenant_id = b.tenant_id"
            " JOIN verification_list v ON v.account_book_id = a.id"
            " WHERE v.id = :list_id AND b.trade_item_id = :item ORDER BY b.line_no LIMIT 1"
        ),
        {"list_id": list_id, "item": trade_item_id},
    )
    return found
