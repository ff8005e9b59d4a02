"""A cold store with a sensor, goods in it, and a clock of the test's own: all through the services."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests import build
from wms.catalog.tables import TradeItem
from wms.parties.tables import Company, Location, Person, Site
from wms.stock.ledger import AccountKey, Posting, moved, post
from wms.stock.tables import Account, Balance, Lot
from wms.watch.service.cold_evaluating import Evaluated, evaluate
from wms.watch.service.temperatures import (
    NewMember,
    NewPlace,
    NewReading,
    NewSensor,
    add_member,
    add_place,
    add_sensor,
    store,
)
from wms.watch.tables.temperatures import TemperaturePlace

START = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=20)
EVERY_MIN = 5


def at(minutes: int) -> datetime:
    """Minutes after the story's beginning, twenty hours ago."""
    return START + timedelta(minutes=minutes)


@dataclass
class Cold:
    """A frozen room of two bins, a bin outside, one owner with frozen meat, a sensor that reads every five minutes."""

    owner: Company
    meat: TradeItem
    site: Site
    room: list[Location]
    outside: Location
    place: TemperaturePlace
    sensor: str
    inspector: Person

    def account(self, location: Location, lot: Lot | None, **more: object) -> AccountKey:
        return AccountKey(
            "location",
            self.owner.id,
            self.meat.id,
            location.site_id,
            location.id,
            lot.id if lot else None,
            **more,  # type: ignore[arg-type]
        )


def make_cold(session: Session) -> Cold:
    owner, operator = build.make_company(session, "owner_of_goods"), build.make_company(session, "operator")
    site = build.make_site(session, "ordinary")
    room = [build.make_location(session, site, temperature_class="frozen") for _ in range(2)]
    outside = build.make_location(session, site, temperature_class="frozen")
    for one in room:
        one.zone = "F"
    meat = build.make_item(session, owner, temperature_class="frozen", is_lot_controlled=True)
    session.flush()
    code, sensor = f"F{build.number()}", f"temp-{build.number()}"
    place = add_place(session, NewPlace(site.code, code, "冷冻室", "Freezer", "frozen"))
    add_member(session, code, NewMember(at(-600), zone="F"))
    add_sensor(session, code, NewSensor(sensor, at(0), interval_s=EVERY_MIN * 60))
    inspector = build.make_person(session, operator, "supervisor")
    return Cold(owner, meat, site, room, outside, place, sensor, inspector)


def read(session: Session, cold: Cold, *values: tuple[int, int]) -> None:
    """Readings: (minute, thousandths of a degree)."""
    store(session, [NewReading(cold.sensor, at(minute), mdegc) for minute, mdegc in values])


def steady(cold: Cold, first: int, last: int, mdegc: int) -> list[tuple[int, int]]:
    """A reading every five minutes."""
    return [(minute, mdegc + minute % 3 * 100) for minute in range(first, last, EVERY_MIN)]


def warm_spell(session: Session, cold: Cold, start: int = 60, end: int = 120, until: int = 240) -> None:
    """Cold, then warm from ``start`` to ``end``, then cold again."""
    values = [
        *steady(cold, 0, start, -20_000), *steady(cold, start, end, -10_000), *steady(cold, end, until + 1, -20_000)
    ]  # fmt: skip
    read(session, cold, *values)


def judge(session: Session, cold: Cold, minute: int = 240) -> Evaluated:
    """Judge the place as of a minute of the story."""
    return evaluate(session, cold.place.id, at(minute))


def bring(session: Session, target: AccountKey, qty: int, minute: int) -> AccountKey:
    """Goods come from a supplier."""
    source = AccountKey("supplier", target.owner_id, target.trade_item_id)
    post(session, Posting(f"bring-{build.number()}", "receipt", at(minute), moved(source, target, qty)))
    return target


def carry(session: Session, source: AccountKey, target: AccountKey, qty: int, minute: int, kind: str = "move") -> None:
    """Goods go from one account to another."""
    post(session, Posting(f"carry-{build.number()}", kind, at(minute), moved(source, target, qty)))


def by_quality(session: Session, cold: Cold) -> dict[tuple[str | None, str], int]:
    """What lies in the house, by lot and quality status."""
    rows = session.execute(
        select(Lot.lot_no, Account.quality_status, func.sum(Balance.qty))
        .select_from(Balance)
        .join(Account, Account.id == Balance.account_id)
        .outerjoin(Lot, Lot.id == Account.lot_id)
        .where(Account.owner_id == cold.owner.id, Balance.qty > 0)
        .group_by(Lot.lot_no, Account.quality_status)
    )
    return {(lot, quality): int(qty) for lot, quality, qty in rows}
