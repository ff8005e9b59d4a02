"""Use cases of put-away rules: enter one, let one end."""

from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import update
from sqlalchemy.orm import Session

from wms.errors import N_, InvalidField, NotFound
from wms.floor.tables import PutAwayRule
from wms.record.service import append_leaf


@dataclass(frozen=True)
class NewRule:
    """A strategy and the goods it is for; None does not narrow."""

    priority: int
    strategy: str
    valid_from_on: date
    site_id: int | None = None
    owner_id: int | None = None
    trade_item_id: int | None = None
    temperature_class: str | None = None
    customs_status: str | None = None
    velocity_class: str | None = None
    location_id: int | None = None
    zone: str | None = None
    valid_until_on: date | None = None


def enter(session: Session, new: NewRule) -> int:
    """Enter a rule and return its id. Raises InvalidField: a strategy without what it needs, or a period backwards."""
    if (new.strategy == "fixed") != (new.location_id is not None):
        raise InvalidField(field="place", name="place", rule=N_("belongs to the strategy fixed, and to no other"))
    if (new.strategy == "zone") != (new.zone is not None):
        raise InvalidField(field="zone", name="zone", rule=N_("belongs to the strategy zone, and to no other"))
    _check_period(new.valid_from_on, new.valid_until_on)
    rule = PutAwayRule(**asdict(new))
    session.add(rule)
    session.flush()
    append_leaf(session, "put_away_rule", {"rule_id": rule.id, "strategy": new.strategy}, rule.id)
    return rule.id


def end(session: Session, rule_id: int, valid_until_on: date) -> None:
    """Let a rule end with a day. Raises NotFound, InvalidField."""
    rule = session.get(PutAwayRule, rule_id)
    if rule is None:
        raise NotFound(what=f"rule {rule_id}")
    _check_period(rule.valid_from_on, valid_until_on)
    session.execute(update(PutAwayRule).where(PutAwayRule.id == rule_id).values(valid_until_on=valid_until_on))
    append_leaf(session, "put_away_rule", {"rule_id": rule_id, "valid_until_on": str(valid_until_on)}, rule_id)


def _check_period(start: date, until: date | None) -> None:
    if until is not None and until < start:
        raise InvalidField(field="valid_until_on", name="valid_until_on", rule=N_("lies before the first day"))
