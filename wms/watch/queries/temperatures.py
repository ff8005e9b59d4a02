"""Reads of the cold chain: places as they are now, breaches with what they hold, findings."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session, aliased

from wms.catalog.tables import TradeItem
from wms.parties.tables import Company, Location, Person, Site
from wms.stock.tables import Account, HandlingUnit, Lot
from wms.watch.tables.temperatures import (
    TemperatureBreach,
    TemperatureFinding,
    TemperatureHold,
    TemperatureMember,
    TemperaturePlace,
)

LATEST = text(
    """
    SELECT s.place_id, s.sensor, s.probe, s.interval_s, r.event_at, r.temperature_mdegc, r.battery_pct
      FROM temperature_sensor s LEFT JOIN LATERAL (
        SELECT event_at, temperature_mdegc, battery_pct FROM temperature_reading x
         WHERE x.tenant_id = app_tenant() AND x.sensor = s.sensor AND (s.probe = '' OR x.probe = s.probe)
           AND x.event_at >= s.from_at AND x.is_plausible ORDER BY x.event_at DESC LIMIT 1) r ON true
     WHERE s.until_at IS NULL OR s.until_at > now() ORDER BY s.place_id, s.sensor, s.probe
    """
)


@dataclass(frozen=True)
class SensorNow:
    """A sensor and what it said last."""

    sensor: str
    probe: str
    interval_s: int
    event_at: datetime | None
    temperature_mdegc: int | None
    battery_pct: int | None


@dataclass(frozen=True)
class MemberRow:
    """What belongs to a place, from when until when."""

    id: int
    location: str | None
    zone: str | None
    sscc: str | None
    from_at: datetime
    until_at: datetime | None


@dataclass(frozen=True)
class PlaceRow:
    """A temperature place: its sensors with their last readings, what belongs to it, what is open about it."""

    id: int
    code: str
    name_zh: str
    name_en: str
    site_code: str
    temperature_class: str
    evaluated_at: datetime | None
    open_breaches: int
    open_findings: int
    sensors: tuple[SensorNow, ...]
    members: tuple[MemberRow, ...]


def places(session: Session, *, code: str | None = None, after: int = 0, limit: int = 50) -> list[PlaceRow]:
    """Places by id, from behind ``after``."""
    breaches = (
        select(func.count())
        .where(TemperatureBreach.place_id == TemperaturePlace.id, TemperatureBreach.state.in_(("running", "ended")))
        .scalar_subquery()
    )
    findings = (
        select(func.count())
        .where(TemperatureFinding.place_id == TemperaturePlace.id, TemperatureFinding.closed_at.is_(None))
        .scalar_subquery()
    )
    wanted = (
        select(TemperaturePlace, Site.code, breaches, findings)
        .join(Site, Site.id == TemperaturePlace.site_id)
        .where(TemperaturePlace.id > after)
        .order_by(TemperaturePlace.id)
        .limit(limit)
    )
    if code is not None:
        wanted = wanted.where(TemperaturePlace.code == code)
    sensors: dict[int, list[SensorNow]] = {}
    for row in session.execute(LATEST):
        sensors.setdefault(row.place_id, []).append(SensorNow(*tuple(row)[1:]))
    found = session.execute(wanted).all()
    members = _members(session, [row[0].id for row in found])
    return [
        PlaceRow(
            place.id, place.code, place.name_zh, place.name_en, site, place.temperature_class, place.evaluated_at,
            n_breaches, n_findings, tuple(sensors.get(place.id, ())), tuple(members.get(place.id, ())),
        )
        for place, site, n_breaches, n_findings in found
    ]  # fmt: skip


def _members(session: Session, place_ids: list[int]) -> dict[int, list[MemberRow]]:
    rows = session.execute(
        select(
            TemperatureMember.place_id, TemperatureMember.id, Location.code, TemperatureMember.zone, HandlingUnit.sscc,
            TemperatureMember.from_at, TemperatureMember.until_at,
        )
        .outerjoin(Location, Location.id == TemperatureMember.location_id)
        .outerjoin(HandlingUnit, HandlingUnit.id == TemperatureMember.handling_unit_id)
        .where(TemperatureMember.place_id.in_(place_ids))
        .order_by(TemperatureMember.id)
    )  # fmt: skip
    found: dict[int, list[MemberRow]] = {}
    for row in rows:
        member = MemberRow(row.id, row.code, row.zone, row.sscc, row.from_at, row.until_at)
        found.setdefault(row.place_id, []).append(member)
    return found


@dataclass(frozen=True)
class BreachRow:
    """A breach in a list. ``held_qty`` base units are on hold for it, ``gone_qty`` had gone before anybody knew."""

    id: int
    place: str
    place_zh: str
    place_en: str
    site_code: str
    subject: str
    side: str
    state: str
    start_at: datetime
    end_at: datetime | None
    limit_mdegc: int
    for_s: int
    limit_source: str
    min_mdegc: int
    max_mdegc: int
    kinetic_mdegc: int
    n_readings: int
    has_gap: bool
    reviewed_at: datetime | None
    reviewed_by_zh: str | None
    reviewed_by_en: str | None
    review_reason: str | None
    n_holds: int
    held_qty: int
    gone_qty: int


def breaches(
    session: Session, *, state: str | None = None, only_open: bool = False, place: str | None = None,
    breach_ids: list[int] | None = None, after: int = 0, limit: int = 50,
) -> list[BreachRow]:  # fmt: skip
    """Breaches by id, from behind ``after``."""
    by = aliased(Person)

    def total(state: str) -> Any:
        amount = case((TemperatureHold.state == state, TemperatureHold.qty), else_=0)
        return func.coalesce(func.sum(amount), 0)

    held = (
        select(
            TemperatureHold.breach_id, func.count().label("n"), total("held").label("held"), total("gone").label("gone")
        )
        .group_by(TemperatureHold.breach_id)
        .subquery()
    )
    b = TemperatureBreach
    wanted = (
        select(
            b.id, TemperaturePlace.code.label("place"), TemperaturePlace.name_zh.label("place_zh"),
            TemperaturePlace.name_en.label("place_en"), Site.code.label("site_code"), b.subject, b.side, b.state,
            b.start_at, b.end_at, b.limit_mdegc, b.for_s, b.limit_source, b.min_mdegc, b.max_mdegc, b.kinetic_mdegc,
            b.n_readings, b.has_gap, b.reviewed_at, by.name_zh.label("reviewed_by_zh"),
            by.name_en.label("reviewed_by_en"), b.review_reason, func.coalesce(held.c.n, 0).label("n_holds"),
            func.coalesce(held.c.held, 0).label("held_qty"), func.coalesce(held.c.gone, 0).label("gone_qty"),
        )
        .join(TemperaturePlace, TemperaturePlace.id == b.place_id)
        .join(Site, Site.id == TemperaturePlace.site_id)
        .outerjoin(held, held.c.breach_id == b.id)
        .outerjoin(by, by.id == b.reviewed_by)
        .where(b.id > after)
        .order_by(b.id)
        .limit(limit)
    )  # fmt: skip
    if state:
        wanted = wanted.where(b.state == state)
    if only_open:
        wanted = wanted.where(b.state.in_(("running", "ended")))
    if place:
        wanted = wanted.where(TemperaturePlace.code == place)
    if breach_ids is not None:
        wanted = wanted.where(b.id.in_(breach_ids))
    return [BreachRow(**row) for row in session.execute(wanted).mappings()]


@dataclass(frozen=True)
class HoldRow:
    """Goods that were in a breach: whose, which lot and pallet, where they were held (or went), how it ended."""

    id: int
    owner_code: str
    item_code: str
    item_name_zh: str
    item_name_en: str
    base_unit: str
    lot_id: int | None
    lot_no: str | None
    sscc: str | None
    account_kind: str
    site_code: str | None
    location: str | None
    qty: int
    is_mixed: bool
    state: str
    posting_id: int | None
    freed_docs: str
    decision: str | None
    decision_posting_id: int | None


def holds(session: Session, breach_id: int) -> list[HoldRow]:
    """What a breach holds, in the order in which it was held."""
    rows = session.execute(
        select(
            TemperatureHold.id, Company.code.label("owner_code"), TradeItem.code.label("item_code"),
            TradeItem.name_zh.label("item_name_zh"), TradeItem.name_en.label("item_name_en"), TradeItem.base_unit,
            TemperatureHold.lot_id, Lot.lot_no, HandlingUnit.sscc, Account.kind.label("account_kind"),
            Site.code.label("site_code"), Location.code.label("location"), TemperatureHold.qty,
            TemperatureHold.is_mixed, TemperatureHold.state, TemperatureHold.posting_id, TemperatureHold.freed_docs,
            TemperatureHold.decision, TemperatureHold.decision_posting_id,
        )
        .join(Account, Account.id == TemperatureHold.account_id)
        .join(Company, Company.id == TemperatureHold.owner_id)
        .join(TradeItem, TradeItem.id == TemperatureHold.trade_item_id)
        .outerjoin(Lot, Lot.id == TemperatureHold.lot_id)
        .outerjoin(HandlingUnit, HandlingUnit.id == TemperatureHold.handling_unit_id)
        .outerjoin(Site, Site.id == Account.site_id)
        .outerjoin(Location, Location.id == Account.location_id)
        .where(TemperatureHold.breach_id == breach_id)
        .order_by(TemperatureHold.id)
    )  # fmt: skip
    return [HoldRow(**row) for row in rows.mappings()]


@dataclass(frozen=True)
class FindingRow:
    """Where a history is not to be trusted."""

    id: int
    place: str
    sensor: str
    probe: str
    kind: str
    start_at: datetime
    end_at: datetime | None
    detail: str
    closed_at: datetime | None
    closed_by_zh: str | None
    closed_by_en: str | None
    cause: str | None


def findings(
    session: Session, *, only_open: bool = False, place: str | None = None, after: int = 0, limit: int = 50
) -> list[FindingRow]:
    """Findings by id, from behind ``after``."""
    by, f = aliased(Person), TemperatureFinding
    wanted = (
        select(
            f.id, TemperaturePlace.code.label("place"), f.sensor, f.probe, f.kind, f.start_at, f.end_at, f.detail,
            f.closed_at, by.name_zh.label("closed_by_zh"), by.name_en.label("closed_by_en"), f.cause,
        )
        .join(TemperaturePlace, TemperaturePlace.id == f.place_id)
        .outerjoin(by, by.id == f.closed_by)
        .where(f.id > after)
        .order_by(f.id)
        .limit(limit)
    )  # fmt: skip
    if only_open:
        wanted = wanted.where(f.closed_at.is_(None))
    if place:
        wanted = wanted.where(TemperaturePlace.code == place)
    return [FindingRow(**row) for row in session.execute(wanted).mappings()]
