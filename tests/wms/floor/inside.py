"""An ordinary or bonded warehouse with goods on its shelves, and a handheld for the jobs inside it."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests import build
from tests.wms.floor.world import LIFE, SEQUENCE, today
from wms.catalog.tables import PackagingLevel, TradeItem
from wms.codes import gs1_keys
from wms.customs import accounts
from wms.db import Database, Scope
from wms.floor.rules.answers import Answer
from wms.floor.service.scanning import TakeScan, take_scan
from wms.parties.tables import Company, Location, Person, Site
from wms.stock.ledger import AccountKey, Posting, moved, post
from wms.stock.tables import Account, Balance, BookLine, HandlingUnit, Lot
from wms.stock.verify import run as verify


@dataclass
class Hall:
    """A site with places A-1 … A-3, P-1, Q-1, STAGE, COLD and OUT (not bonded), two items and three people."""

    owner: Company
    clerk: Person
    other_clerk: Person
    boss: Person
    other_boss: Person
    site: Site
    places: dict[str, Location]
    milk: TradeItem
    cream: TradeItem
    lot: Lot
    book_line: BookLine | None

    def account(self, place: str, item: TradeItem | None = None, **given: Any) -> AccountKey:
        item = item or self.milk
        lot = self.lot.id if item is self.milk else None
        bonded: dict[str, Any] = {}
        if self.book_line is not None and item is self.milk:
            bonded = {"customs_status": "bonded", "book_line_id": self.book_line.id}
        values = {"lot_id": lot, **bonded, **given}
        return AccountKey("location", self.owner.id, item.id, self.site.id, self.places[place].id, **values)

    def fill(self, session: Session, place: str, qty: int, item: TradeItem | None = None, **given: Any) -> AccountKey:
        """Put goods on a shelf; bonded ones into the account book as well."""
        account = self.account(place, item, **given)
        supplier = AccountKey("supplier", self.owner.id, account.trade_item_id)
        lines = moved(supplier, account, qty)
        if account.book_line_id is not None:
            number = account.book_line_id
            lines = (
                *lines,
                *accounts.enter_books(self.owner.id, account.trade_item_id, number, qty),
                *accounts.book(self.owner.id, account.trade_item_id, number, qty),
            )
        post(session, Posting(f"fill-{build.number()}", "receipt", build.now(), lines))
        return account

    def label(self, item: TradeItem | None = None, lot_no: str | None = "L1", expires_on: date | None = None) -> str:
        """A GS1 DataMatrix of the milk, or the bare GTIN of another item."""
        item = item or self.milk
        gtin = gs1_keys.gtin14(item.gtin or "")
        if item is not self.milk or lot_no is None:
            return f"]d201{gtin}"
        return f"]d201{gtin}17{expires_on or self.lot.expires_on:%y%m%d}10{lot_no}"


def build_hall(session: Session, *, bonded: bool = False) -> Hall:
    """File everything but goods."""
    owner = build.make_company(session, "owner_of_goods")
    operator = build.make_company(session, "operator")
    clerks = [build.make_person(session, operator, "clerk") for _ in range(2)]
    bosses = [build.make_person(session, operator, "supervisor") for _ in range(2)]
    site = build.make_site(session, "bonded" if bonded else "ordinary")
    kinds = {"A-1": "bin", "A-2": "bin", "A-3": "bin", "P-1": "bin", "Q-1": "quarantine", "STAGE": "staging"}
    places = {code: build.make_location(session, site, code=code, kind=kind) for code, kind in kinds.items()}
    places["COLD"] = build.make_location(session, site, code="COLD", temperature_class="frozen")
    places["WORK"] = build.make_location(session, site, code="WORK", kind="work")
    places["INSP"] = build.make_location(session, site, code="INSP", kind="inspection")
    places["OUT"] = build.make_location(session, site, code="OUT")
    places["OUT"].is_bonded = False
    milk = build.make_item(
        session, owner, name_en="Milk", name_zh="牛奶", is_lot_controlled=True, is_expiry_controlled=True,
        unit_value_minor=500,
    )  # fmt: skip
    cream = build.make_item(session, owner, name_en="Hand cream", name_zh="护手霜", unit_value_minor=900)
    session.add(PackagingLevel(trade_item_id=cream.id, unit="carton", base_qty=12))
    lot = build.make_lot(session, milk, "L1", expires_on=today() + LIFE)
    line = build.make_book_line(session, milk, f"T4902W{build.number():06d}") if bonded else None
    return Hall(owner, *clerks, *bosses, site, places, milk, cream, lot, line)


@dataclass
class Handheld:
    """One person's handheld in one job."""

    database: Database
    tenant_id: int
    hall: Hall
    person: Person
    job: str
    device: str = ""

    def __post_init__(self) -> None:
        self.device = self.device or f"handheld-{build.number()}"

    @property
    def scope(self) -> Scope:
        return Scope(self.tenant_id, self.person.id, "clerk")

    def scan(self, code: str, **given: Any) -> Answer:
        """Scan, and look at the answer."""
        seq = next(SEQUENCE)
        values: dict[str, Any] = {
            "key": f"{self.device}:b1:{seq}",
            "device": self.device,
            "boot": "b1",
            "seq": seq,
            "code": code,
            "occurred_at": build.now(),
            "job": self.job,
            "site_code": self.hall.site.code,
        }
        with self.database.unit_of_work(self.scope) as session:
            return take_scan(session, TakeScan(**(values | given)), build.now()).answer

    def scans(self, *codes: str, **given: Any) -> list[str]:
        """Scan one after the other, and return the codes of the answers."""
        return [self.scan(code, **given).code for code in codes]


def lying(session: Session, hall: Hall, place: str, item: TradeItem | None = None) -> int:
    """Base units of an item in a place, whatever their status."""
    query = (
        select(func.coalesce(func.sum(Balance.qty), 0))
        .join(Account, Account.id == Balance.account_id)
        .where(Account.location_id == hall.places[place].id, Account.kind == "location")
        .where(Account.trade_item_id == (item or hall.milk).id)
    )
    return int(session.scalar(query) or 0)


def sum_of(session: Session, hall: Hall, kind: str, item: TradeItem | None = None) -> int:
    """The sum of all accounts of a kind of one item, from its entries."""
    from wms.stock.tables import Entry

    query = (
        select(func.coalesce(func.sum(Entry.qty), 0))
        .join(Account, Account.id == Entry.account_id)
        .where(Account.kind == kind, Account.trade_item_id == (item or hall.milk).id)
    )
    return int(session.scalar(query) or 0)


def make_pallet(session: Session, hall: Hall, *, parent: HandlingUnit | None = None) -> HandlingUnit:
    """A pallet, or a carton that stands on ``parent``."""
    unit = build.make_handling_unit(session, hall.owner, "carton" if parent else "pallet")
    unit.parent_id = parent.id if parent else None
    session.flush()
    return unit


def is_clean(database: Database, scope: Scope) -> bool:
    """Whether the ledger's own checker finds nothing."""
    found = verify(database, scope)
    assert found == []
    return True
