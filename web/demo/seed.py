"""Fill the demo data of Yueyang in where it is missing. One transaction: a seed that was killed has left nothing.

The data hold from a seed number: the same number on the same day gives the same goods, places, persons and papers. What
is dated (gate passes, ready and due days of consignments) is freshened at every start.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from web.databases import app_url, owner_url
from web.demo import (
    arrivals,
    cold,
    documents,
    floor,
    freight,
    gate,
    notice,
    orders,
    passes,
    rounds,
    stays,
    stock,
    yard_file,
)
from web.demo.counter_file import tell_counter
from web.demo.goods import Item, draw_items, enter_items
from web.demo.people import DEMO_USERS, DemoUser, company_rows, enter_people
from web.demo.shops_file import write_shops
from web.demo.zone import enter_zone, location_rows, site_rows
from wms.catalog.tables import TradeItem
from wms.db import Database, Scope
from wms.parties.tables import Company, Site
from wms.record.rules import canonical
from wms.settings import Settings

__all__ = ["DEMO_USERS", "DemoUser", "Told", "content_digest", "seed"]
BEIJING = ZoneInfo("Asia/Shanghai")
WANTED = {"approved": 60, "heavy": 6, "wrong_plate": 6}  # open passes that trucks come with


def content_digest(number: int, today: date) -> str:
    """SHA-256 over everything that is drawn from the seed ``number`` on the day ``today``."""
    items = draw_items(number)
    drawn: dict[str, Any] = {
        "sites": site_rows(),
        "places": location_rows(),
        "companies": company_rows(),
        "users": [vars(user) for user in DEMO_USERS],
        "items": [vars(item) for item in items],
        "units": [
            {**vars(unit), "item": unit.item.code} for unit in stock.draw_units(number, items, location_rows(), today)
        ],
    }
    return hashlib.sha256(canonical(drawn)).hexdigest()


@dataclass(frozen=True)
class Told:
    """What the seed did: whether the data stood already, and counts of what is alive."""

    was_there: bool
    passes: int
    consignments: int


def seed(settings: Settings) -> Told:
    """Fill in what is missing and freshen what is dated; write ``yard.json`` and ``shops.json`` to the data folder."""
    database = Database(app_url(settings))
    now = datetime.now(UTC)
    try:
        with database.unit_of_work(Scope.system(settings.tenant_id)) as session:
            told = seed_into(session, settings, now)
            yard_file.write_yard(
                session, settings.data_dir / "yard.json", secret_key=settings.secret_key, seed=settings.seed
            )
            write_shops(session, settings.data_dir / "shops.json", draw_items(settings.seed), settings.seed)
            tell_counter(session, settings.data_dir, now)
    finally:
        database.close()
    if not told.was_there:
        analyze(owner_url(settings))
    return told


def seed_into(session: Session, settings: Settings, now: datetime) -> Told:
    """The same in an open unit of work, without the files."""
    number = settings.seed
    was_there = is_seeded(session)
    if not was_there:
        ids = fill(session, number, now, settings.secret_key)
        yard_file.register_strangers(session, number)
        items = draw_items(number)
        notice.enter_notice(session, items, ids, now, now.astimezone(BEIJING).date(), number)
    added = freshen(session, number, now)
    if not was_there:
        floor.enter_floor(session, ids.companies, ids.sites, _by_id(session, items), now)
    return Told(was_there, *added)


def freshen(session: Session, number: int, now: datetime) -> tuple[int, int]:
    """Extend what is dated and issue what was used up; returns how many passes and consignments were added."""
    companies = {row[0]: row[1] for row in session.execute(select(Company.code, Company.id))}
    sites = {row[0]: row[1] for row in session.execute(select(Site.code, Site.id))}
    items = draw_items(number)
    by_id = _by_id(session, items)
    passes.extend(session, now)
    wanted = passes.missing(session, WANTED)
    zone = passes.Zone(companies, sites, now, number)
    added = passes.issue(session, wanted, by_id, zone)
    passes.issue_empty(session, len(passes.missing(session, {"inbound_empty": 40})), zone)
    orders.enter_orders(session, by_id, now, number)
    rounds.enter_rounds(session, now)
    return added, freight.enter_freight(session, companies, items, now, number)


def _by_id(session: Session, items: Sequence[Item]) -> dict[int, Item]:
    by_code = {item.code: item for item in items}
    rows = session.execute(select(TradeItem.id, TradeItem.code))
    return {item_id: by_code[code] for item_id, code in rows if code in by_code}


def analyze(url: str) -> None:
    """Let the planner know what the tables hold now (as their owner)."""
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))


def is_seeded(session: Session) -> bool:
    """Whether the demo data stand in the database."""
    return session.scalar(select(Company.id).where(Company.code == "YYOP")) is not None


def fill(session: Session, number: int, now: datetime, secret_key: str) -> stock.Ids:
    """Write everything that does not change from day to day."""
    today = now.astimezone(BEIJING).date()
    items = draw_items(number)
    units = stock.draw_units(number, items, location_rows(), today)
    companies = enter_people(session)
    sites, places = enter_zone(session)
    item_ids = enter_items(session, items, companies)
    books = {site: book_no for site, (book_no, _) in documents.BOOKS.items()}
    documents.enter_books(session, companies, sites)
    book_lines = stock.enter_book_lines(session, units, books, item_ids)
    ids = stock.Ids(companies, item_ids, sites, places, book_lines)
    lanes = gate.enter_gate(session, sites["CLJ"], secret_key, now)
    cold.enter_cold_chain(session, now)
    came = arrivals.arrivals_of(units)
    passes = arrivals.enter_arrivals(session, came, ids)
    stays.enter_stays(session, came, passes, ids, lanes)
    arrivals.book_arrivals(session, came, stock.enter_units(session, units, ids), units)
    return ids
