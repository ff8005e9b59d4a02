"""A warehouse with goods in its bins and orders for them, to be allocated, waved and picked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests import build
from wms.catalog.tables import PackagingLevel, TradeItem
from wms.db import Database, Scope
from wms.floor import verify as floor_verify
from wms.floor.rules.orders import OrderLineIn
from wms.floor.service.allocating import Allocated, allocate
from wms.floor.service.orders import PlaceOrder, place_order
from wms.parties.tables import Company, Location, Person, Site
from wms.stock.ledger import AccountKey, Line, Posting, moved, post
from wms.stock.tables import Lot
from wms.stock.verify import run, snapshot


def now() -> datetime:
    return datetime.now(UTC)


def days(count: int) -> date:
    return now().date() + timedelta(days=count)


@dataclass
class Hall:
    """One owner's goods in the bins of one site; ``packing`` is where picked totes go."""

    owner: Company
    person: Person
    supervisor: Person
    site: Site
    bins: list[Location]
    packing: Location
    beef: TradeItem
    tea: TradeItem
    lots: dict[str, Lot] = field(default_factory=dict)

    def account(self, item: TradeItem, place: Location, **more: object) -> AccountKey:
        return AccountKey("location", self.owner.id, item.id, self.site.id, place.id, **more)  # type: ignore[arg-type]

    def put(
        self, session: Session, item: TradeItem, place: Location, qty: int, lot: str | None = None, **more: object
    ) -> AccountKey:
        """Goods on the shelf; bonded ones with their line of the account book."""
        lot_id = self.lots[lot].id if lot else None
        account = self.account(item, place, lot_id=lot_id, **more)
        lines: tuple[Line, ...] = moved(AccountKey("supplier", self.owner.id, item.id), account, qty)
        if account.customs_status == "bonded":
            source, arrived = (
                AccountKey(kind, self.owner.id, item.id, book_line_id=account.book_line_id)
                for kind in ("customs_source", "not_yet_booked")
            )
            lines = (*lines, *moved(source, arrived, qty))
        post(session, Posting(f"put-{build.number()}", "receipt", now() - timedelta(minutes=1), lines))
        return account

    def lot(self, session: Session, item: TradeItem, lot_no: str, expires_in: int | None, **more: object) -> Lot:
        expires_on = days(expires_in) if expires_in is not None else None
        self.lots[lot_no] = build.make_lot(session, item, lot_no, expires_on=expires_on, **more)
        return self.lots[lot_no]

    def order(self, session: Session, *lines: OrderLineIn, **more: object) -> tuple[int, str]:
        """An order of this owner: its id and number."""
        number = f"SO-{build.number()}"
        given: dict[str, object] = {"trade_mode": "0110", "ship_by_at": now() + timedelta(hours=8)}
        command = PlaceOrder(
            order_no=number,
            site_id=self.site.id,
            owner_id=self.owner.id,
            lines=lines,
            **(given | more),  # type: ignore[arg-type]
        )
        return place_order(session, command, now()), number


def build_hall(session: Session, kind: str = "bonded", bins: int = 6) -> Hall:
    """Two aisles of bins with their places on the floor, a packing place, beef with lots and tea without."""
    owner = build.make_company(session, "owner_of_goods")
    operator = build.make_company(session, "operator")
    site = build.make_site(session, kind)
    places = []
    for n in range(bins):
        aisle, bay = divmod(n, 3)
        place = build.make_location(session, site, code=f"B-{aisle + 1}-{bay + 1}")
        place.zone, place.aisle, place.bay, place.pick_sequence = f"Z{aisle + 1}", aisle + 1, bay + 1, n + 1
        place.x_mm, place.y_mm = 3_000 * aisle, 2_000 + 1_500 * bay
        places.append(place)
    packing = build.make_location(session, site, kind="packing", code="PACK-1")
    beef = build.make_item(
        session, owner, name_en="Beef", is_lot_controlled=True, is_expiry_controlled=True, country_of_origin="NZ"
    )
    tea = build.make_item(session, owner, name_en="Tea")
    session.add(PackagingLevel(trade_item_id=tea.id, unit="carton", base_qty=12))
    session.flush()
    return Hall(
        owner,
        build.make_person(session, operator, "clerk"),
        build.make_person(session, operator, "supervisor"),
        site,
        places,
        packing,
        beef,
        tea,
    )


def promise(session: Session, order_ids: Sequence[int]) -> Allocated:
    """Allocate under a key of its own."""
    return allocate(session, f"alloc-{build.number()}", order_ids, now())


def shares(session: Session, order_id: int) -> list[tuple[str, str | None, int]]:
    """(place, lot, base units) promised to an order and not picked, by place."""
    rows = session.execute(
        text(
            "SELECT p.code, t.lot_no, sum(a.qty - a.picked_qty - a.void_qty)::bigint AS qty"
            " FROM allocation a JOIN order_line l ON l.id = a.order_line_id JOIN account c ON c.id = a.account_id"
            " JOIN location p ON p.id = c.location_id LEFT JOIN lot t ON t.id = c.lot_id"
            " WHERE l.order_id = :order AND a.state = 'open' GROUP BY p.code, t.lot_no ORDER BY p.code, t.lot_no"
        ),
        {"order": order_id},
    )
    return [(row[0], row[1], int(row[2])) for row in rows]


def clean(database: Database, scope: Scope) -> bool:
    """Whether the ledger, and orders and picks against it, show no finding; what is found is printed."""
    found = run(database, scope)
    with snapshot(database, scope) as session:
        found += floor_verify.findings(session)
    print(*found, sep="\n")
    return not found


def state_of(session: Session, order_id: int) -> str:
    found: str = session.execute(text("SELECT state FROM outbound_order WHERE id = :id"), {"id": order_id}).scalar_one()
    return found
