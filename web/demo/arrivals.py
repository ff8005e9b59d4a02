"""How the bonded stock came in: for each arrival a list and a gate pass that have run their course, written as sets.

The rows say what the use cases would have left behind: approved, released, through the gate, booked. The stock itself
is posted through the ledger, first on hold under ``not_yet_booked`` and then booked. How the vehicles came and went
stands in ``stays``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from web.demo.bulk import insert_rows
from web.demo.documents import BOOKS, OFFICE, declared
from web.demo.goods import Item
from web.demo.stock import Ids, Unit, post_all
from wms.customs import accounts
from wms.customs.gate_pass_rules import pass_number
from wms.customs.tables import AccountBook, GatePass, GatePassDocument, GatePassLine, VerificationLine, VerificationList
from wms.record.service import append_leaf
from wms.stock.ledger import AccountKey, Line, Posting, moved

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TRUCK_G = 14_600_000


@dataclass(frozen=True)
class Arrival:
    """One truckload of bonded goods: totals by item, and the units that carry them (places in the list of units)."""

    number: int
    site: str
    first_at: datetime
    last_at: datetime
    totals: dict[str, int]
    items: dict[str, Item]
    places: tuple[int, ...]

    @property
    def list_no(self) -> str:
        return f"QD{OFFICE}{self.approved_at:%y}I{self.number + 1:09d}"

    @property
    def approved_at(self) -> datetime:
        return self.first_at - DAY

    @property
    def booked_at(self) -> datetime:
        return self.last_at + DAY

    @property
    def passed_at(self) -> datetime:
        return self.first_at - HOUR

    @property
    def left_at(self) -> datetime:
        return self.last_at + HOUR

    @property
    def plate(self) -> str:
        return f"湘F{70000 + self.number}"

    @property
    def weight_g(self) -> int:
        return sum(qty * self.items[code].gross_weight_g for code, qty in self.totals.items())


def arrivals_of(units: Sequence[Unit]) -> list[Arrival]:
    """Gather units by the arrival that brought them."""
    came: dict[int, list[int]] = {}
    for place, unit in enumerate(units):
        if unit.arrival is not None:
            came.setdefault(unit.arrival, []).append(place)
    return [_gathered(number, places, units) for number, places in sorted(came.items())]


def _gathered(number: int, places: list[int], units: Sequence[Unit]) -> Arrival:
    totals: dict[str, int] = {}
    for place in places:
        code = units[place].item.code
        totals[code] = totals.get(code, 0) + units[place].qty
    instants = [units[place].received_at for place in places]
    items = {units[place].item.code: units[place].item for place in places}
    return Arrival(
        number, units[places[0]].site, min(instants), max(instants), dict(sorted(totals.items())), items, tuple(places)
    )


def enter_arrivals(session: Session, arrivals: Sequence[Arrival], ids: Ids) -> list[int]:
    """Write lists and passes of all arrivals with their lines; return the passes' ids."""
    books = {row[0]: row[1] for row in session.execute(select(AccountBook.book_no, AccountBook.id))}
    list_ids = insert_rows(session, VerificationList, [_list_row(one, ids, books) for one in arrivals])
    line_rows = [row for one, list_id in zip(arrivals, list_ids, strict=True) for row in _list_lines(one, list_id, ids)]
    line_ids = iter(insert_rows(session, VerificationLine, line_rows))
    pass_ids = insert_rows(session, GatePass, [_pass_row(one, ids) for one in arrivals])
    pass_lines: list[dict[str, Any]] = []
    documents: list[dict[str, Any]] = []
    for one, list_id, pass_id in zip(arrivals, list_ids, pass_ids, strict=True):
        documents.append(
            {"gate_pass_id": pass_id, "document_kind": "1", "document_no": one.list_no, "verification_list_id": list_id}
        )
        pass_lines += _pass_lines(one, pass_id, ids, line_ids)
        step = {"list_id": list_id, "step": "booked", "at": str(one.booked_at)}
        append_leaf(session, "verification_list", step, list_id)
    insert_rows(session, GatePassLine, pass_lines)
    insert_rows(session, GatePassDocument, documents)
    return pass_ids


def _list_row(one: Arrival, ids: Ids, books: dict[str, int]) -> dict[str, Any]:
    book_no, owner = BOOKS[one.site]
    return {
        "internal_no": f"DEMO-I{one.number + 1:06d}", "list_no": one.list_no, "account_book_id": books[book_no],
        "owner_id": ids.companies[owner], "direction": "I", "trade_mode": "1210" if one.site == "CLJ-B1" else "5034",
        "state": "booked", "entry_no": f"{OFFICE}{one.approved_at:%Y}{one.number + 1:010d}",
        "declared_at": one.approved_at, "pre_deducted_at": one.approved_at + HOUR / 3,
        "entry_released_at": one.approved_at + HOUR, "booked_at": one.booked_at,
    }  # fmt: skip


def _list_lines(one: Arrival, list_id: int, ids: Ids) -> list[dict[str, Any]]:
    return [
        {
            "verification_list_id": list_id, "line_no": number, "book_line_id": ids.book_lines[one.site, code],
            "trade_item_id": ids.items[code], "declared_qty": declared(one.items[code], qty),
            "customs_unit": one.items[code].customs_unit, "declared_base_qty": qty, "on_passes_qty": qty,
            "passed_qty": qty, "booked_qty": qty, "unit_price_minor": one.items[code].unit_value_minor,
        }
        for number, (code, qty) in enumerate(one.totals.items(), 1)
    ]  # fmt: skip


def _pass_row(one: Arrival, ids: Ids) -> dict[str, Any]:
    at = one.approved_at + 2 * HOUR
    return {
        "internal_no": f"DEMO-IN-{one.number:04d}", "pass_no": pass_number(OFFICE, "I", at, 900_000 + one.number),
        "owner_id": ids.companies[BOOKS[one.site][1]], "site_id": ids.sites["CLJ"], "direction": "I", "pass_type": "2",
        "bind_type": "2", "state": "passed", "vehicle_plate": one.plate, "vehicle_weight_g": TRUCK_G,
        "goods_gross_weight_g": one.weight_g, "total_weight_g": TRUCK_G + one.weight_g, "valid_from_at": at,
        "valid_until_at": at + 3 * DAY, "approved_at": at, "passed_at": one.passed_at,
    }  # fmt: skip


def _pass_lines(one: Arrival, pass_id: int, ids: Ids, line_ids: Any) -> list[dict[str, Any]]:
    return [
        {
            "gate_pass_id": pass_id, "line_no": number, "trade_item_id": ids.items[code], "qty": qty, "passed_qty": qty,
            "verification_line_id": next(line_ids), "gross_weight_g": qty * one.items[code].gross_weight_g,
        }
        for number, (code, qty) in enumerate(one.totals.items(), 1)
    ]  # fmt: skip


def book_arrivals(
    session: Session, arrivals: Sequence[Arrival], keys: Sequence[AccountKey], units: Sequence[Unit]
) -> None:
    """Customs books every list after its goods were received; what was on hold becomes saleable."""
    postings = []
    for one in arrivals:
        lines: list[Line] = []
        book_lines: dict[int, tuple[AccountKey, int]] = {}
        for place in one.places:
            held = keys[place]
            assert held.book_line_id is not None
            lines += moved(held, AccountKey(**(vars(held) | {"quality_status": "good"})), units[place].qty)
            before = book_lines.get(held.book_line_id, (held, 0))[1]
            book_lines[held.book_line_id] = (held, before + units[place].qty)
        for book_line_id, (held, qty) in book_lines.items():
            lines += accounts.book(held.owner_id, held.trade_item_id, book_line_id, qty)
        postings.append(
            Posting(f"demo-book:{one.list_no}", "list_booked", one.booked_at, tuple(lines), source_doc=one.list_no)
        )
    post_all(session, postings)
