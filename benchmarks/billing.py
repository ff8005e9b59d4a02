"""Drafts of invoices beside a row of issued ones: computing all of them anew, and only what something late reaches."""

import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from benchmarks.rows import Row, row
from benchmarks.server import durable_server
from benchmarks.writers import SCOPE
from wms.catalog.tables import TradeItem
from wms.db import Database
from wms.floor.rules.billing import Rate
from wms.floor.service import billing
from wms.floor.tables.billing import Invoice
from wms.parties.tables import Company, Location, Site
from wms.stock.ledger import AccountKey, Posting, moved, post_many

ITEMS, A_MONTH, MONTHS, DAYS = 200, 1_000, 12, 30
AT_ONCE = 500


def build(database: Database, months: int) -> tuple[int, date]:
    """An owner with ``months`` of postings behind him; returns his id and the first day."""
    first = datetime.now(UTC).date() - timedelta(days=(months + 2) * DAYS)
    draw = random.Random(1)
    with database.unit_of_work(SCOPE) as session:
        owner = Company(code="BILL", name_zh="测速", name_en="Bench")
        site = Site(
            code="BILL", name_zh="测速", name_en="Bench", kind="ordinary", lat_deg=Decimal(29), lon_deg=Decimal(113)
        )
        session.add_all([owner, site])
        session.flush()
        sizes = {"gross_weight_g": 500, "volume_mm3": 1_000_000}
        items = [
            TradeItem(owner_id=owner.id, code=f"B{n}", name_zh=f"商品{n}", name_en=f"Item {n}", **sizes)
            for n in range(ITEMS)
        ]
        bin_ = Location(site_id=site.id, code="B", kind="bin", max_volume_mm3=10**18)
        session.add_all([*items, bin_])
        session.flush()
        rates = (Rate(0, "storage", "", "kg_day", 100), Rate(0, "handling", "receipt", "touch", 1_000))
        card = billing.NewCard(owner.id, first - timedelta(days=1), "CNY", 0, "benchmark", rates)
        billing.add_card(session, card)
        ids, place, where = [item.id for item in items], bin_.id, (owner.id, site.id)
    postings = [
        _receipt(where, place, ids[draw.randrange(ITEMS)], first + timedelta(days=n * DAYS // A_MONTH), n)
        for n in range(A_MONTH * (months + 1))
    ]
    for start in range(0, len(postings), AT_ONCE):
        with database.unit_of_work(SCOPE) as session:
            post_many(session, postings[start : start + AT_ONCE])
    return where[0], first


def _receipt(where: tuple[int, int], place: int, item: int, on: date, n: int) -> Posting:
    at = datetime(on.year, on.month, on.day, 4, tzinfo=UTC)
    shelf = AccountKey("location", where[0], item, where[1], place)
    return Posting(f"bill-{n}", "receipt", at, moved(AccountKey("supplier", where[0], item), shelf, 10))


@contextmanager
def all_anew() -> Iterator[None]:
    """As drafts were made before: every issued period is computed again."""
    usual = billing.reached

    def everything(session: Session, owner_id: int) -> list[Invoice]:
        issued = session.query(Invoice).filter_by(owner_id=owner_id, kind="invoice", state="issued")
        return list(issued.order_by(Invoice.id))

    billing.reached = everything
    try:
        yield
    finally:
        billing.reached = usual


def _draft_ms(database: Database, owner_id: int, since: date) -> float:
    started_s = time.perf_counter()
    with database.unit_of_work(SCOPE) as session:
        billing.draft(session, owner_id, since, since + timedelta(days=DAYS - 1), datetime.now(UTC))
    return (time.perf_counter() - started_s) * 1000


def run(full: bool) -> Iterator[Row]:
    """Milliseconds of a draft after twelve issued months, both ways; about a minute."""
    months = MONTHS * (3 if full else 1)
    with durable_server() as urls:
        database = Database(urls.app)
        owner_id, first = build(database, months)
        for n in range(months):
            with database.unit_of_work(SCOPE) as session:
                since = first + timedelta(days=n * DAYS)
                made = billing.draft(session, owner_id, since, since + timedelta(days=DAYS - 1), datetime.now(UTC))
            with database.unit_of_work(SCOPE) as session:
                billing.issue(session, made, datetime.now(UTC))
        since = first + timedelta(days=months * DAYS)
        with all_anew():
            anew = statistics.median(_draft_ms(database, owner_id, since) for _ in range(3))
        reached = statistics.median(_draft_ms(database, owner_id, since) for _ in range(3))
        database.close()
    yield row("billing_draft_all_anew", anew, "ms")
    ratio = anew / reached
    yield row("billing_draft_what_is_reached", reached, "ms", target=2, ratio_to="all anew", ratio=ratio, ok=ratio >= 2)
