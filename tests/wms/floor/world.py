"""A bonded warehouse with a notice of three items under a pre-deducted verification list, and a scanner."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tests import build
from wms.catalog.tables import PackagingLevel, TradeItem
from wms.codes import gs1, gs1_keys
from wms.customs import verification_lists as lists
from wms.customs.tables import AccountBook, VerificationLine
from wms.db import Database, Scope
from wms.floor.rules.answers import Answer
from wms.floor.rules.notices import LineIn
from wms.floor.service.notices import Announce, announce
from wms.floor.service.scanning import Taken, TakeScan, take_scan
from wms.parties.tables import Company, Location, Person, Site
from wms.stock.tables import Account, Balance, BookLine

LIFE = timedelta(days=400)
BOOK_NO = "T4902W000001"
SEQUENCE = itertools.count(1)


def today() -> date:
    return datetime.now(UTC).date()


@dataclass
class World:
    """What a receiving test needs; ``pallet`` is the SSCC announced for the meat."""

    owner: Company
    person: Person
    site: Site
    dock: Location
    bins: list[Location]
    quarantine: Location
    meat: TradeItem
    milk: TradeItem
    cream: TradeItem
    book_lines: dict[int, BookLine]
    list_id: int
    notice_no: str
    notice_id: int
    pallet: str
    expires_on: date = field(default_factory=lambda: today() + LIFE)

    def label(self, item: TradeItem, lot_no: str = "L1", expires_on: date | None = None) -> str:
        """A GS1 DataMatrix of the item as a scanner sends it."""
        gtin = gs1_keys.gtin14(item.gtin or "")
        return f"]d201{gtin}17{expires_on or self.expires_on:%y%m%d}10{lot_no}"

    def pallet_label(self) -> str:
        return f"]C100{self.pallet}"


def build_world(session: Session, *, mode: str = "1210") -> World:
    """File everything; bonded unless ``mode`` is 0110."""
    number = build.number()
    bonded = mode == "1210"
    owner = build.make_company(session, "owner_of_goods")
    person = build.make_person(session, build.make_company(session, "operator"), "clerk")
    site = build.make_site(session, "bonded" if bonded else "ordinary")
    dock = build.make_location(session, site, kind="dock", code="DOCK-1")
    bins = [build.make_location(session, site, code=f"A-{n}") for n in range(1, 4)]
    quarantine = build.make_location(session, site, kind="quarantine", code="Q-1")
    controls = {"is_lot_controlled": True, "is_expiry_controlled": True}
    meat = build.make_item(session, owner, name_en="Beef", name_zh="牛肉", **controls)
    milk = build.make_item(session, owner, name_en="Milk", name_zh="牛奶", **controls)
    cream = build.make_item(session, owner, name_en="Hand cream", name_zh="护手霜")
    payload = f"169{number:010d}"
    carton = payload + str(gs1_keys.check_digit(payload))
    session.add(PackagingLevel(trade_item_id=cream.id, unit="carton", gtin=carton, base_qty=12))
    items = (meat, milk, cream)
    book_lines = {item.id: build.make_book_line(session, item, BOOK_NO) for item in items} if bonded else {}
    list_no = f"INV-{number}" if bonded else None
    list_id = file_list(session, owner, site, book_lines, list_no) if list_no else 0
    pallet = gs1_keys.make_sscc(3, "6901234", number)
    lines = (
        LineIn(meat.code, 100, "L1", today() + LIFE, pallet),
        LineIn(milk.code, 40, "L1"),
        LineIn(cream.code, 24),
    )
    notice_no = f"ASN-{number}"
    notice_id = announce(session, Announce(notice_no, site.id, owner.id, mode, lines, list_no))
    return World(
        owner,
        person,
        site,
        dock,
        bins,
        quarantine,
        meat,
        milk,
        cream,
        book_lines,
        list_id,
        notice_no,
        notice_id,
        pallet,
    )


def file_list(session: Session, owner: Company, site: Site, book_lines: dict[int, BookLine], list_no: str) -> int:
    """A verification list of 100, 40 and 24 units, approved and pre-deducted by customs."""
    book = AccountBook(book_no=BOOK_NO, company_id=owner.id, site_id=site.id, valid_from_on=date(2026, 1, 1))
    session.add(book)
    session.flush()
    now = datetime.now(UTC)
    rows = tuple(
        lists.ListLine(line.id, Decimal(qty), "011", qty)
        for line, qty in zip(book_lines.values(), (100, 40, 24), strict=True)
    )
    number = build.number()
    list_id = lists.draw_up(session, lists.DrawUpList(list_no, BOOK_NO, owner.id, "I", "1210", rows))
    lists.declare(session, list_id, now)
    lists.pre_deduct(session, list_id, f"QD490226I{number:09d}", now)
    return list_id


def let_through_gate(session: Session, list_id: int) -> None:
    """Customs released the declaration and every unit of the list passed the gate."""
    lists.release_entry(session, list_id, "E1", datetime.now(UTC))
    session.execute(
        update(VerificationLine)
        .where(VerificationLine.verification_list_id == list_id)
        .values(on_passes_qty=VerificationLine.declared_base_qty, passed_qty=VerificationLine.declared_base_qty)
    )


@dataclass
class Scanner:
    """A handheld: every scan gets the next sequence number and a unit of work of its own."""

    database: Database
    scope: Scope
    world: World
    job: str = "receive"
    device: str = field(default_factory=lambda: f"handheld-{build.number()}")

    def build(self, code: str, **given: object) -> TakeScan:
        seq = next(SEQUENCE)
        values: dict[str, object] = {
            "key": f"{self.device}:b1:{seq}",
            "device": self.device,
            "boot": "b1",
            "seq": seq,
            "code": code,
            "occurred_at": datetime.now(UTC),
            "job": self.job,
            "notice_no": self.world.notice_no if self.job == "receive" else None,
            "site_code": self.world.site.code,
        }
        return TakeScan(**(values | given))  # type: ignore[arg-type]

    def send(self, scan: TakeScan) -> Taken:
        with self.database.unit_of_work(self.scope) as session:
            return take_scan(session, scan, datetime.now(UTC))

    def scan(self, code: str, **given: object) -> Answer:
        """Scan, and look at the answer."""
        return self.send(self.build(code, **given)).answer

    def at_dock(self) -> "Scanner":
        assert self.scan("dock-1").code == "dock_chosen"
        return self


def stock(session: Session, world: World, kind: str = "location") -> dict[tuple[str, str], int]:
    """Stock of the world's owner by item and quality status (book side: by item and account kind)."""
    rows = session.execute(
        select(TradeItem.name_en, Account.quality_status, func.sum(Balance.qty))
        .join(Account, Account.trade_item_id == TradeItem.id)
        .join(Balance, Balance.account_id == Account.id)
        .where(TradeItem.owner_id == world.owner.id, Account.kind == kind, Balance.qty > 0)
        .group_by(TradeItem.name_en, Account.quality_status)
    )
    return {(name, quality): int(qty) for name, quality, qty in rows}


def at(session: Session, world: World, place: Location) -> int:
    """Base units of the world's owner that lie in a place."""
    return int(
        session.scalar(
            select(func.coalesce(func.sum(Balance.qty), 0))
            .join(Account, Account.id == Balance.account_id)
            .where(Account.location_id == place.id, Account.owner_id == world.owner.id)
        )
        or 0
    )


GS = gs1.GS
