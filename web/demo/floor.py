"""What a floor is in the middle of: a wave, a count, chutes with their rules, rates, a transfer overseas."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from web import waving
from web.demo.goods import Item
from web.demo.orders import SITES as ORDER_SITES
from web.demo.orders import offers
from wms.floor.rules.billing import Rate
from wms.floor.rules.waves import WaveRule
from wms.floor.service import billing, counting, sorting, waves
from wms.freight.rules.transfers import WantedLine
from wms.freight.service import transfers
from wms.parties.tables import Location, Site

GATHERED_AT, COUNTED_AT, SENT_TO = "CLJ-W1", "CLJ-B1", "OW-DUI"
ORDERS_A_WAVE, PLACES_COUNTED, LINES_SENT, CARTONS_SENT = 12, 10, 3, 2
CONTRACT = "demo contract, invented figures"
# What is charged, its unit, thousandths of a fen.
RATES = (
    Rate(0, "storage", "storage", "pallet_day", 180_000, free_days=7),
    Rate(0, "handling", "receipt", "pallet", 1_200_000),
    Rate(0, "handling", "put_away", "touch", 300_000),
    Rate(0, "handling", "pick", "touch", 60_000),
    Rate(0, "extra", "relabel", "each", 50_000),
)
OWNERS = ("XLMEAT", "YMBEAUTY", "LLCERA", "JSTEA")


def enter_floor(
    session: Session, companies: Mapping[str, int], sites: Mapping[str, int], items: Mapping[int, Item], now: datetime
) -> None:
    """Set all of it up; the orders must stand already."""
    _rates(session, companies, now)
    _chutes(session, sites, now.date())
    _transfer(session, sites, items, now)
    gathered = waves.gather(session, sites[GATHERED_AT], "cluster", WaveRule(max_orders=ORDERS_A_WAVE))
    waving.release(session, gathered.wave_no, "demo", now, to_place=None)
    places = session.scalars(
        select(Location.id)
        .where(Location.site_id == sites[COUNTED_AT], Location.kind == "bin")
        .order_by(Location.pick_sequence)
        .limit(PLACES_COUNTED)
    ).all()
    counting.plan(session, counting.NewCount(sites[COUNTED_AT], "location", tuple(places)), now)


def _rates(session: Session, companies: Mapping[str, int], now: datetime) -> None:
    first = (now - timedelta(days=120)).date().replace(day=1)
    for owner in OWNERS:
        billing.add_card(session, billing.NewCard(companies[owner], first, "CNY", 0, CONTRACT, RATES))


def _chutes(session: Session, sites: Mapping[str, int], today: date) -> None:
    """A chute for each carrier of a site."""
    for code, _, carriers, _ in ORDER_SITES:
        chutes = session.scalars(
            select(Location).where(Location.site_id == sites[code], Location.kind == "chute").order_by(Location.code)
        ).all()
        for chute, carrier in zip(chutes, carriers, strict=False):
            sorting.add_rule(session, sorting.NewSortRule(sites[code], chute.id, today, carrier))


def _transfer(session: Session, sites: Mapping[str, int], items: Mapping[int, Item], now: datetime) -> None:
    """Ceramics and tea for the overseas warehouse, by rail, in whole cartons."""
    lying = offers(session, GATHERED_AT, items)
    mine = [one for one in lying if one.owner_id == lying[0].owner_id][:LINES_SENT]
    zone = session.scalars(select(Site.time_zone).where(Site.code == GATHERED_AT)).one()
    today = now.astimezone(ZoneInfo(zone)).date()
    lines = tuple(WantedLine(one.item.code, CARTONS_SENT * one.item.per_carton) for one in mine)
    transfers.draw_up(
        session,
        transfers.DrawUp(
            mine[0].owner_id, sites[GATHERED_AT], sites[SENT_TO], "rail", today + timedelta(days=2),
            today + timedelta(days=24), lines, reason="replenishment",
        ),
        now,
    )  # fmt: skip
