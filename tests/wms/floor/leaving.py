"""A warehouse from which goods leave: picked totes, a packing place, chutes, a dock, and a scanner for each job."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from tests import build
from wms.catalog.tables import TradeItem
from wms.db import Database, Scope
from wms.floor.rules.answers import Answer
from wms.floor.rules.orders import OrderLineIn
from wms.floor.service.acting import By
from wms.floor.service.orders import PlaceOrder, place_order
from wms.floor.service.scanning import Taken, TakeScan, take_scan
from wms.floor.tables.orders import Allocation, OrderLine, OutboundOrder
from wms.floor.tables.picking import PickLine, PickList
from wms.parties.tables import Company, Location, Person, Site
from wms.stock.ledger import AccountKey, Line, Posting, Reserve, moved, post, reserve
from wms.stock.tables import Account, Balance, BookLine, Entry, HandlingUnit


def now() -> datetime:
    return datetime.now(UTC)


def by(*, at: datetime | None = None) -> By:
    """A deed of its own."""
    return By(f"deed-{build.number()}", at or now())


@dataclass
class Yard:
    """One owner's goods on their way out of one site."""

    owner: Company
    person: Person
    other: Person
    site: Site
    packing: Location
    dock: Location
    north: Location
    south: Location
    tea: TradeItem
    cup: TradeItem
    is_bonded: bool
    book_lines: dict[int, BookLine] = field(default_factory=dict)

    def key(self, item: TradeItem, place: Location, unit: HandlingUnit | None = None, **more: object) -> AccountKey:
        """The account of the owner's goods in a place."""
        customs = {"customs_status": "bonded", "book_line_id": self.book_lines[item.id].id} if self.is_bonded else {}
        unit_id = unit.id if unit else None
        return AccountKey(
            "location", item.owner_id, item.id, self.site.id, place.id, handling_unit_id=unit_id,
            **(customs | more),  # type: ignore[arg-type]
        )  # fmt: skip

    def put(
        self, session: Session, item: TradeItem, place: Location, qty: int, unit: HandlingUnit | None = None,
        **more: object,
    ) -> AccountKey:  # fmt: skip
        """Goods out of nowhere into a place; bonded ones are booked."""
        account = self.key(item, place, unit, **more)
        lines: tuple[Line, ...] = moved(AccountKey("supplier", item.owner_id, item.id), account, qty)
        if account.customs_status == "bonded":
            source, book = (
                AccountKey(kind, item.owner_id, item.id, book_line_id=account.book_line_id)
                for kind in ("customs_source", "book")
            )
            lines = (*lines, *moved(source, book, qty))
        post(session, Posting(f"put-{build.number()}", "receipt", now() - timedelta(minutes=1), lines))
        return account

    def tote(self, session: Session, *goods: tuple[TradeItem, int], place: Location | None = None) -> HandlingUnit:
        """A tote with goods at the packing place."""
        unit = build.make_handling_unit(session, self.owner, "crate")
        for item, qty in goods:
            self.put(session, item, place or self.packing, qty, unit)
        return unit

    def picked_order(
        self, session: Session, *goods: tuple[TradeItem, int], tote: HandlingUnit | None = None, **head: object
    ) -> tuple[int, str, HandlingUnit]:
        """An order whose goods were picked into a tote: its id, its number and the tote."""
        number = f"SO-{build.number()}"
        given: dict[str, object] = {"trade_mode": "1210" if self.is_bonded else "0110", "carrier": "SF"}
        lines = tuple(OrderLineIn(item.code, qty) for item, qty in goods)
        order_id = place_order(
            session,
            PlaceOrder(
                order_no=number,
                site_id=self.site.id,
                owner_id=self.owner.id,
                lines=lines,
                **(given | head),  # type: ignore[arg-type]
            ),
            now(),
        )
        unit = tote or build.make_handling_unit(session, self.owner, "crate")
        pick_list = PickList(
            list_no=f"PL-{build.number()}", site_id=self.site.id, method="discrete", to_location_id=self.packing.id
        )
        session.add(pick_list)
        session.flush()
        for line in session.scalars(select(OrderLine).where(OrderLine.order_id == order_id)):
            self._pick(session, line, pick_list, unit)
        session.get_one(OutboundOrder, order_id).state = "picked"
        session.flush()
        return order_id, number, unit

    def _pick(self, session: Session, line: OrderLine, pick_list: PickList, unit: HandlingUnit) -> None:
        item = session.get_one(TradeItem, line.trade_item_id)
        account = self.put(session, item, self.packing, line.ordered_qty, unit)
        wanted = Reserve(f"r-{build.number()}", account, line.ordered_qty, now() + timedelta(days=1))
        made = reserve(session, wanted)
        session.execute(text("SELECT stock_release(ARRAY[:id]::bigint[], 'void')"), {"id": made.reservation_id})
        account_id = session.scalars(select(Account.id).where(Account.dimensions == account.dimensions)).one()
        allocation = Allocation(
            order_line_id=line.id, account_id=account_id, reservation_id=made.reservation_id, qty=line.ordered_qty,
            picked_qty=line.ordered_qty, state="picked",
        )  # fmt: skip
        session.add(allocation)
        session.flush()
        session.add(
            PickLine(
                pick_list_id=pick_list.id, allocation_id=allocation.id, order_line_id=line.id, seq=1,
                owner_id=self.owner.id, location_id=self.packing.id, trade_item_id=item.id, qty=line.ordered_qty,
                picked_qty=line.ordered_qty, handling_unit_id=unit.id, state="picked",
            )
        )  # fmt: skip
        line.allocated_qty = line.picked_qty = line.ordered_qty
        session.flush()


def build_yard(session: Session, kind: str = "ordinary") -> Yard:
    """Tea of 500 g and cups of 300 g, two chutes, a dock."""
    owner = build.make_company(session, "owner_of_goods")
    operator = build.make_company(session, "operator")
    site = build.make_site(session, kind)

    def place(kind: str, code: str) -> Location:
        return build.make_location(session, site, kind=kind, code=code)

    size = {"length_mm": 100, "width_mm": 80, "height_mm": 60}
    tea = build.make_item(session, owner, name_en="Tea", name_zh="茶叶", gross_weight_g=500, **size)
    cup = build.make_item(session, owner, name_en="Cup", name_zh="茶杯", gross_weight_g=300, **size)
    bonded = kind == "bonded"
    book_lines = {item.id: build.make_book_line(session, item, "T4902W000001") for item in (tea, cup)} if bonded else {}
    return Yard(
        owner,
        build.make_person(session, operator, "clerk"),
        build.make_person(session, operator, "clerk"),
        site,
        place("packing", "PACK-1"),
        place("dock", "DOCK-1"),
        place("chute", "CH-N"),
        place("chute", "CH-S"),
        tea,
        cup,
        bonded,
        book_lines,
    )


@dataclass
class Gun:
    """A handheld in one job: every scan is a unit of work of its own."""

    database: Database
    scope: Scope
    site_code: str
    job: str
    device: str = field(default_factory=lambda: f"gun-{build.number()}")
    document: str | None = None

    def build(self, code: str, **given: object) -> TakeScan:
        seq = build.number()
        values: dict[str, object] = {
            "key": f"{self.device}:b1:{seq}", "device": self.device, "boot": "b1", "seq": seq, "code": code,
            "occurred_at": now(), "job": self.job, "site_code": self.site_code, "document_no": self.document,
        }  # fmt: skip
        return TakeScan(**(values | given))  # type: ignore[arg-type]

    def send(self, scan: TakeScan) -> Taken:
        with self.database.unit_of_work(self.scope) as session:
            return take_scan(session, scan, now())

    def scan(self, code: str, **given: object) -> Answer:
        return self.send(self.build(code, **given)).answer

    def codes(self, *scanned: str) -> list[str]:
        """Scan in order and return what each was answered."""
        return [self.scan(code).code for code in scanned]


def label(item: TradeItem) -> str:
    """The item's own barcode."""
    return f"]E0{item.gtin}"


def sscc_label(sscc: str) -> str:
    return f"]C100{sscc}"


def at_place(session: Session, place: Location, item: TradeItem | None = None) -> int:
    """Base units that lie in a place."""
    query = select(func.coalesce(func.sum(Balance.qty), 0)).join(Account, Account.id == Balance.account_id)
    query = query.where(Account.location_id == place.id, Account.kind == "location")
    if item is not None:
        query = query.where(Account.trade_item_id == item.id)
    return int(session.scalar(query) or 0)


def in_unit(session: Session, unit_id: int) -> int:
    """Base units in a handling unit."""
    found = select(func.coalesce(func.sum(Balance.qty), 0)).join(Account, Account.id == Balance.account_id)
    return int(session.scalar(found.where(Account.handling_unit_id == unit_id, Account.kind == "location")) or 0)


def of_kind(session: Session, kind: str, item: TradeItem) -> int:
    """The sum of entries of all accounts of a kind."""
    found = select(func.coalesce(func.sum(Entry.qty), 0)).join(Account, Account.id == Entry.account_id)
    return int(session.scalar(found.where(Account.kind == kind, Account.trade_item_id == item.id)) or 0)


def state_of(session: Session, order_id: int) -> str:
    found: str = session.execute(text("SELECT state FROM outbound_order WHERE id = :id"), {"id": order_id}).scalar_one()
    return found
