"""Orders out of the ordinary and the overseas warehouses, some of them with their stock promised already.

Numbers go on from those that stand: a start tops the open ones up, so that a floor that worked them off has new work.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web.demo.goods import Item
from wms.floor.rules.orders import OrderLineIn
from wms.floor.service.allocating import allocate
from wms.floor.service.orders import PlaceOrder, place_order
from wms.floor.tables.orders import OutboundOrder
from wms.parties.tables import Site
from wms.stock.tables import Account, Balance

PREFIX = "DEMO-SO-"
OPEN = 160  # orders that stand open after a start
PROMISED = 3  # every third one has its stock promised
HOUR, MOST_LINES, ITEMS_A_SITE = timedelta(hours=1), 4, 200
# site, trade mode, carriers, regions that it serves
SITES = (
    ("CLJ-W1", "0110", ("SF", "YTO", "EMS"), ("HN", "HB", "GD", "JX")),
    ("OW-DUI", "0110", ("DHL", "DPD"), ("DE-NW", "DE-BY", "NL", "FR")),
    ("OW-LAX", "0110", ("UPS", "USPS"), ("US-CA", "US-NV", "US-AZ")),
    ("OW-OSA", "0110", ("YAMATO", "SAGAWA"), ("JP-27", "JP-13")),
    ("OW-SYD", "0110", ("AUSPOST",), ("AU-NSW", "AU-VIC")),
)


@dataclass(frozen=True)
class Offer:
    """An item of an owner that lies free at a site."""

    owner_id: int
    item: Item


def enter_orders(session: Session, items: Mapping[int, Item], now: datetime, seed: int) -> int:
    """Place the orders that are missing and promise stock to some; returns how many were placed. ``items`` by id."""
    of_demo = OutboundOrder.order_no.startswith(PREFIX)
    open_ones = session.scalar(
        select(func.count()).select_from(OutboundOrder).where(of_demo, OutboundOrder.state.in_(("open", "allocated")))
    )
    stood = session.scalar(select(func.count()).select_from(OutboundOrder).where(of_demo)) or 0
    lying = {site: offers(session, site, items) for site, *_ in SITES}
    placed = []
    for number in range(stood + 1, stood + 1 + max(0, OPEN - (open_ones or 0))):
        rng = random.Random(f"dongting-orders-{seed}-{number}")  # noqa: S311 - synthetic data, no secret
        draw = SITES[number % len(SITES)]
        if lying[draw[0]]:
            placed.append((number, _place(session, rng, number, draw, lying[draw[0]], now)))
    promised = [order_id for number, order_id in placed if number % PROMISED == 0]
    if promised:
        allocate(session, f"demo-orders:{stood}", promised, now)
    return len(placed)


def offers(session: Session, site: str, items: Mapping[int, Item]) -> list[Offer]:
    """What lies free and good at a site, the oldest items first."""
    found = session.execute(
        select(Account.owner_id, Account.trade_item_id)
        .join(Balance, Balance.account_id == Account.id)
        .join(Site, Site.id == Account.site_id)
        .where(
            Site.code == site, Account.kind == "location", Account.customs_status == "free",
            Account.quality_status == "good", Balance.qty > Balance.qty_reserved,
        )
        .group_by(Account.owner_id, Account.trade_item_id)
        .order_by(Account.trade_item_id)
        .limit(ITEMS_A_SITE)
    )  # fmt: skip
    return [Offer(owner_id, items[item_id]) for owner_id, item_id in found if item_id in items]


def _place(
    session: Session, rng: random.Random, number: int, draw: tuple[str, str, tuple[str, ...], tuple[str, ...]],
    offers: Sequence[Offer], now: datetime,
) -> int:  # fmt: skip
    site, trade_mode, carriers, regions = draw
    owner_id = rng.choice(offers).owner_id
    theirs = [offer.item for offer in offers if offer.owner_id == owner_id]
    chosen = rng.sample(theirs, min(len(theirs), rng.randint(1, MOST_LINES)))
    lines = tuple(OrderLineIn(item.code, rng.choice((1, 1, 2, 3, 6))) for item in chosen)
    region = rng.choice(regions)
    return place_order(
        session,
        PlaceOrder(
            order_no=f"{PREFIX}{number:05d}",
            site_id=session.scalars(select(Site.id).where(Site.code == site)).one(),
            owner_id=owner_id,
            trade_mode=trade_mode,
            lines=lines,
            priority=rng.choice((3, 5, 5, 5, 7)),
            ship_by_at=now + HOUR * rng.randint(4, 72),
            carrier=rng.choice(carriers),
            route=region,
            consignee_region=region,
        ),
        now,
    )
