"""Receiving a whole notice in one call: ordinary and bonded goods, on pallets with lots, receipt lines and tasks."""

import statistics
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from benchmarks.rows import Row, row
from benchmarks.server import durable_server
from benchmarks.writers import SCOPE
from wms.catalog.tables import TradeItem
from wms.codes import gs1_keys
from wms.customs import verification_lists as lists
from wms.customs.tables import AccountBook
from wms.db import Database
from wms.floor.rules.notices import LineIn
from wms.floor.service.notices import Announce, announce
from wms.floor.service.receiving_lists import ReceiveList, receive_list
from wms.parties.tables import Company, Location, Site
from wms.stock.tables import BookLine

ITEMS, LINES, ROUNDS = 500, 5_000, 5
BOOK_NO = "T4902W000001"
TARGET = 5_000


def run(full: bool) -> Iterator[Row]:
    """Lines a second of a list of 5,000; about half a minute."""
    with durable_server() as urls:
        database = Database(urls.app)
        with database.unit_of_work(SCOPE) as session:
            world = build(session)
        for name, is_bonded in (("inbound_receive_notice", False), ("inbound_receive_notice_bonded", True)):
            rates = [received(database, world, n, is_bonded) for n in range(ROUNDS * (3 if full else 1))]
            rate = statistics.median(rates)
            yield row(name, rate, "lines/s", target=TARGET, ok=rate >= TARGET)
        database.close()


def build(session: Session) -> tuple[int, int, list[tuple[str, int]]]:
    """An owner with items in an account book, and a bonded site with a dock."""
    owner = Company(code="BENCH-IN", name_zh="测速", name_en="Bench")
    where = {"lat_deg": Decimal(29), "lon_deg": Decimal(113)}
    site = Site(code="BENCH-IN", name_zh="测速", name_en="Bench", kind="bonded", **where)
    session.add_all([owner, site])
    session.flush()
    items = [
        TradeItem(
            owner_id=owner.id, code=f"I{n}", name_zh=f"商品{n}", name_en=f"Item {n}", gross_weight_g=1, volume_mm3=1
        )
        for n in range(ITEMS)
    ]
    session.add_all([*items, Location(site_id=site.id, code="DOCK-1", kind="dock", is_bonded=True)])
    session.add(AccountBook(book_no=BOOK_NO, company_id=owner.id, site_id=site.id, valid_from_on=date(2026, 1, 1)))
    session.flush()
    book = [
        BookLine(book_no=BOOK_NO, line_no=n, trade_item_id=item.id, customs_unit="011")
        for n, item in enumerate(items, 1)
    ]
    session.add_all(book)
    session.flush()
    return owner.id, site.id, [(item.code, line.id) for item, line in zip(items, book, strict=True)]


def received(database: Database, world: tuple[int, int, list[tuple[str, int]]], number: int, is_bonded: bool) -> float:
    """Announce a notice of 5,000 pallets, receive it in one call, and return its lines a second."""
    owner_id, site_id, items = world
    name = f"{'B' if is_bonded else 'F'}-{number}"
    base = (number * 2 + is_bonded) * LINES
    lines = tuple(
        LineIn(items[n % ITEMS][0], 12, f"L{n % 40}", date(2028, 1, 1), gs1_keys.make_sscc(6, "6901234", base + n))
        for n in range(LINES)
    )
    with database.unit_of_work(SCOPE) as session:
        if is_bonded:
            rows = tuple(lists.ListLine(line_id, Decimal(1_000), "011", 1_000) for _, line_id in items)
            list_id = lists.draw_up(session, lists.DrawUpList(name, BOOK_NO, owner_id, "I", "1210", rows))
            lists.declare(session, list_id, datetime.now(UTC))
            lists.pre_deduct(session, list_id, f"QD490226I{number + 1:09d}", datetime.now(UTC))
        mode, list_no = ("1210", name) if is_bonded else ("0110", None)
        announce(session, Announce(name, site_id, owner_id, mode, lines, list_no))
    start = time.perf_counter()
    with database.unit_of_work(SCOPE) as session:
        receive_list(session, ReceiveList(uuid.uuid4().hex, name, "DOCK-1", datetime.now(UTC)))
    return LINES / (time.perf_counter() - start)
