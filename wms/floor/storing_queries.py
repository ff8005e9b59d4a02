"""Reads of put-away rules."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.floor.tables import PutAwayRule
from wms.parties.tables import Company, Location, Site


@dataclass(frozen=True)
class RuleRow:
    """A put-away rule with the codes that a person knows."""

    id: int
    priority: int
    strategy: str
    site: str | None
    owner: str | None
    item: str | None
    temperature_class: str | None
    customs_status: str | None
    velocity_class: str | None
    place: str | None
    zone: str | None
    valid_from_on: date
    valid_until_on: date | None


def rules(session: Session, *, after_id: int = 0, limit: int = 50) -> tuple[RuleRow, ...]:
    """Return rules by id from behind ``after_id``."""
    rule = PutAwayRule
    rows = session.execute(
        select(
            rule.id, rule.priority, rule.strategy, Site.code, Company.code, TradeItem.code, rule.temperature_class,
            rule.customs_status, rule.velocity_class, Location.code, rule.zone, rule.valid_from_on, rule.valid_until_on,
        )
        .outerjoin(Site, Site.id == rule.site_id)
        .outerjoin(Company, Company.id == rule.owner_id)
        .outerjoin(TradeItem, TradeItem.id == rule.trade_item_id)
        .outerjoin(Location, Location.id == rule.location_id)
        .where(rule.id > after_id)
        .order_by(rule.id)
        .limit(limit)
    )  # fmt: skip
    return tuple(RuleRow(*tuple(row)) for row in rows)


def plain(row: RuleRow) -> dict[str, Any]:
    """Return a rule with its days as text."""
    until = row.valid_until_on.isoformat() if row.valid_until_on else None
    return {**vars(row), "valid_from_on": row.valid_from_on.isoformat(), "valid_until_on": until}


def velocity_of(session: Session, trade_item_id: int) -> str | None:
    """Return how often an item moves (A, B or C)."""
    return session.scalar(select(TradeItem.velocity_class).where(TradeItem.id == trade_item_id))
