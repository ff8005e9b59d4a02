"""Customs' side of the demo: account books and the lists that are alive, drawn up by the real use cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from web.demo.bulk import insert_rows
from web.demo.goods import Item
from web.demo.stock import Ids
from wms.customs import verification_lists as lists
from wms.customs.gate_pass_rules import PassLine
from wms.customs.tables import AccountBook, VerificationLine
from wms.stock.tables import BookLine

OFFICE = "4902"
BOOKS = {"CLJ-B1": (f"T{OFFICE}W000001", "YMBEAUTY"), "CLJ-F1": (f"T{OFFICE}W000002", "XLMEAT")}
KG = "035"


@dataclass(frozen=True)
class Approved:
    """A list that customs has approved, with the ids of its lines by item code and by account book line."""

    list_id: int
    list_no: str
    line_ids: Mapping[str, int]
    by_book_line: Mapping[int, int]


@dataclass(frozen=True)
class Goods:
    """Goods of one item on a list: base units under a book line."""

    item: Item
    book_line_id: int
    qty: int


def enter_books(session: Session, companies: Mapping[str, int], sites: Mapping[str, int]) -> None:
    """Open the account books of the zone's two enterprises."""
    insert_rows(
        session,
        AccountBook,
        [
            {
                "book_no": book_no, "company_id": companies[owner], "site_id": sites[site],
                "valid_from_on": datetime(2026, 1, 1).date(),  # noqa: DTZ001 - a day
            }
            for site, (book_no, owner) in BOOKS.items()
        ],
    )  # fmt: skip


def declared(item: Item, qty: int) -> Decimal:
    """``qty`` base units as customs writes them: kilograms net where the tariff counts those, else pieces."""
    return Decimal(qty * item.net_weight_g) / 1000 if item.customs_unit == KG else Decimal(qty)


def approve_list(
    session: Session, *, serial: int, site: str, direction: str, trade_mode: str, goods: Sequence[Goods],
    companies: Mapping[str, int], at: datetime, list_type: str = "0",
) -> Approved:  # fmt: skip
    """Draw up a list, declare it, take customs' approval and the release of its declaration."""
    book_no, owner = BOOKS[site]
    lines = tuple(
        lists.ListLine(
            one.book_line_id, declared(one.item, one.qty), one.item.customs_unit, one.qty, one.item.unit_value_minor
        )
        for one in goods
    )
    command = lists.DrawUpList(
        f"DEMO-{direction}{serial:06d}", book_no, companies[owner], direction, trade_mode, lines, list_type
    )
    list_id = lists.draw_up(session, command)
    list_no = f"QD{OFFICE}{at:%y}{direction}{serial:09d}"
    lists.declare(session, list_id, at)
    lists.pre_deduct(session, list_id, list_no, at + timedelta(minutes=20))
    lists.release_entry(session, list_id, f"{OFFICE}{at:%Y}{serial:010d}", at + timedelta(hours=1))
    of_list = VerificationLine.verification_list_id == list_id
    rows = session.execute(select(VerificationLine.book_line_id, VerificationLine.id).where(of_list))
    by_book_line = {row[0]: row[1] for row in rows}
    by_item = {one.item.code: by_book_line[one.book_line_id] for one in goods}
    return Approved(list_id, list_no, by_item, by_book_line)


def pass_lines(approved: Approved, goods: Sequence[Goods], ids: Ids) -> tuple[PassLine, ...]:
    """Goods as lines of a gate pass."""
    return tuple(
        PassLine(ids.items[one.item.code], one.qty, one.qty * one.item.gross_weight_g, approved.line_ids[one.item.code])
        for one in goods
    )


def next_book_line(session: Session, book_no: str, item_id: int, customs_unit: str) -> int:
    """The line of a book that counts an item, opened where there is none."""
    found = session.scalar(
        select(BookLine.id).where(BookLine.book_no == book_no, BookLine.trade_item_id == item_id).order_by(BookLine.id)
    )
    if found is not None:
        return found
    used = session.scalars(select(BookLine.line_no).where(BookLine.book_no == book_no)).all()
    row = {"book_no": book_no, "line_no": max(used, default=0) + 1, "trade_item_id": item_id}
    (made,) = insert_rows(session, BookLine, [row | {"customs_unit": customs_unit}])
    return made
