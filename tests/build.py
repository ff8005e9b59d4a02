"""Builders: the smallest world in which a test's one behaviour can be seen. All take an open session."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.parties.tables import Company, CompanyRole, Location, Person, PersonRole, Site
from wms.stock.ledger import AccountKey, Line, Posted, Posting, moved, post
from wms.stock.tables import BookLine, HandlingUnit, Lot

NUMBERS = itertools.count(1)


def number() -> int:
    """A number that no other builder call of this process got."""
    return next(NUMBERS)


def check_digit(digits: str) -> str:
    """``digits`` with the GS1 modulo-10 check digit behind them."""
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def make_company(session: Session, *roles: str, code: str | None = None) -> Company:
    """A company with ``roles``."""
    code = code or f"C{number()}"
    company = Company(code=code, name_zh=f"公司{code}", name_en=f"Company {code}")
    session.add(company)
    session.flush()
    session.add_all(CompanyRole(company_id=company.id, role=role) for role in roles)
    session.flush()
    return company


def make_person(session: Session, company: Company, *roles: str) -> Person:
    """A person of ``company`` with ``roles`` at every site."""
    person = Person(company_id=company.id, name_zh=f"员工{number()}", name_en=f"Person {number()}")
    session.add(person)
    session.flush()
    session.add_all(PersonRole(person_id=person.id, role=role) for role in roles)
    session.flush()
    return person


def make_site(session: Session, kind: str = "bonded", code: str | None = None) -> Site:
    """A site near Chenglingji."""
    code = code or f"S{number()}"
    site = Site(
        code=code, name_zh=f"场所{code}", name_en=f"Site {code}", kind=kind,
        lat_deg=Decimal("29.43"), lon_deg=Decimal("113.15"),
    )  # fmt: skip
    session.add(site)
    session.flush()
    return site


def make_location(
    session: Session, site: Site, *, kind: str = "bin", temperature_class: str = "ambient", code: str | None = None
) -> Location:
    """A place in ``site``, bonded where the site is."""
    location = Location(
        site_id=site.id, code=code or f"A-{number():02d}", kind=kind, temperature_class=temperature_class,
        is_bonded=site.kind == "bonded",
    )  # fmt: skip
    session.add(location)
    session.flush()
    return location


def make_item(session: Session, owner: Company, **columns: object) -> TradeItem:
    """A trade item of ``owner`` with a valid GTIN-13."""
    n = number()
    given: dict[str, object] = {
        "code": f"SKU{n}",
        "gtin": check_digit(f"690{n:09d}"),
        "name_zh": f"商品{n}",
        "name_en": f"Item {n}",
        "gross_weight_g": 500,
        "volume_mm3": 1_000_000,
    }
    item = TradeItem(owner_id=owner.id, **(given | columns))
    session.add(item)
    session.flush()
    return item


def make_lot(session: Session, item: TradeItem, lot_no: str | None = None, **columns: object) -> Lot:
    """A lot of ``item``."""
    lot = Lot(trade_item_id=item.id, lot_no=lot_no or f"LOT{number()}", **columns)
    session.add(lot)
    session.flush()
    return lot


def make_handling_unit(session: Session, owner: Company, kind: str = "pallet") -> HandlingUnit:
    """A handling unit with a valid SSCC."""
    unit = HandlingUnit(sscc=check_digit(f"0690123{number():010d}"), kind=kind, owner_id=owner.id)
    session.add(unit)
    session.flush()
    return unit


def make_book_line(session: Session, item: TradeItem, book_no: str = "T4912W000001") -> BookLine:
    """A line of an account book for ``item``."""
    line = BookLine(book_no=book_no, line_no=number(), trade_item_id=item.id, customs_unit="011")
    session.add(line)
    session.flush()
    return line


@dataclass(frozen=True)
class Shelf:
    """One item of one owner in one bin, and the accounts that a test moves it between."""

    owner_id: int
    trade_item_id: int
    site_id: int
    location_id: int
    other_location_id: int
    book_line_id: int

    @property
    def supplier(self) -> AccountKey:
        return AccountKey("supplier", self.owner_id, self.trade_item_id)

    @property
    def customer(self) -> AccountKey:
        return AccountKey("customer", self.owner_id, self.trade_item_id)

    @property
    def free(self) -> AccountKey:
        return AccountKey("location", self.owner_id, self.trade_item_id, self.site_id, self.location_id)

    @property
    def other(self) -> AccountKey:
        return AccountKey("location", self.owner_id, self.trade_item_id, self.site_id, self.other_location_id)

    @property
    def bonded(self) -> AccountKey:
        return AccountKey(
            "location", self.owner_id, self.trade_item_id, self.site_id, self.location_id,
            customs_status="bonded", book_line_id=self.book_line_id,
        )  # fmt: skip

    def of_book(self, kind: str) -> AccountKey:
        """An account of the book side (book, not_yet_booked, deduction_pending, customs_source)."""
        return AccountKey(kind, self.owner_id, self.trade_item_id, book_line_id=self.book_line_id)


def make_shelf(session: Session) -> Shelf:
    """A company, an item, a bonded site with two bins and a book line."""
    owner = make_company(session, "owner_of_goods")
    item, site = make_item(session, owner), make_site(session)
    bins = [make_location(session, site) for _ in range(2)]
    line = make_book_line(session, item)
    return Shelf(owner.id, item.id, site.id, bins[0].id, bins[1].id, line.id)


def now() -> datetime:
    """The present instant, UTC."""
    return datetime.now(UTC)


def receive(session: Session, shelf: Shelf, qty: int, *, at: datetime | None = None) -> Posted:
    """Put ``qty`` free units on the shelf."""
    lines = moved(shelf.supplier, shelf.free, qty)
    return post(session, Posting(f"receive-{number()}", "receipt", at or now(), lines))


def receive_bonded(session: Session, shelf: Shelf, qty: int) -> Posted:
    """Put ``qty`` bonded units on the shelf that no verification list has booked yet."""
    lines: tuple[Line, ...] = (
        *moved(shelf.supplier, shelf.bonded, qty),
        *moved(shelf.of_book("customs_source"), shelf.of_book("not_yet_booked"), qty),
    )
    return post(session, Posting(f"receive-{number()}", "receipt", now(), lines))
