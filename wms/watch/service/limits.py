"""Use case of setting a limit of temperature: for a class, an owner's class or an item, from a day on."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wms.catalog.tables import TradeItem
from wms.errors import NotFound
from wms.parties import dated
from wms.parties.tables import TEMPERATURE_CLASSES, Company
from wms.record.service import append_leaf
from wms.watch.rules import limits as rules
from wms.watch.rules.temperatures import subjects_of

LIMIT = "temperature.limit"


@dataclass(frozen=True)
class SetLimit:
    """From a day on: not below ``low_c``, not above ``high_c`` degrees for longer than ``minutes``.

    It holds for a temperature class; for an owner's goods of that class; for one item of the owner.
    """

    temperature_class: str
    low_c: Decimal | None
    high_c: Decimal | None
    minutes: int
    valid_from_on: date
    source: str
    owner: str | None = None
    item: str | None = None


def set_limit(session: Session, command: SetLimit) -> str:
    """Enter a limit; return for what it holds. Raises NotFound, BadLimit, ValueExists."""
    subject = _subject(session, command)
    value = rules.limit_of(command.low_c, command.high_c, command.minutes)
    dated.add(session, LIMIT, value, valid_from_on=command.valid_from_on, source=command.source, subject=subject)
    append_leaf(session, "temperature_limit", {"subject": subject, **value, "source": command.source})
    return subject


def _subject(session: Session, command: SetLimit) -> str:
    if command.temperature_class not in TEMPERATURE_CLASSES:
        raise NotFound(field="temperature_class", what=command.temperature_class)
    if not command.owner:
        if command.item:
            raise NotFound(field="owner", what="-")
        return subjects_of("", "", command.temperature_class)[2]
    owner = session.scalars(select(Company).where(func.upper(Company.code) == command.owner.upper())).one_or_none()
    if owner is None:
        raise NotFound(field="owner", what=command.owner)
    if not command.item:
        return subjects_of(owner.code, "", command.temperature_class)[1]
    item = session.scalar(
        select(TradeItem.code).where(
            TradeItem.owner_id == owner.id, func.upper(TradeItem.code) == command.item.upper()
        )
    )
    if item is None:
        raise NotFound(field="item", what=command.item)
    return subjects_of(owner.code, item, command.temperature_class)[0]


def limits(session: Session) -> list[dated.Dated]:
    """Return every limit on record, by what it holds for, the newest first."""
    return [row for row in dated.values(session, LIMIT) if row.name == LIMIT]
