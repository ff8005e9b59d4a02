"""Use case of setting up a transfer lane: a lead time from a day on, with its source; nothing is overwritten."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from wms.freight.rules import lanes as rules
from wms.freight.service.proposals import LEAD_TIME
from wms.freight.service.transfer_desk import site_by_code
from wms.parties import dated
from wms.record.service import append_leaf


@dataclass(frozen=True)
class SetLane:
    """How long goods take from site to site by a mode, from a day on; days to thousandths."""

    from_site: str
    to_site: str
    mode: str
    mean_days: Decimal
    deviation_days: Decimal
    valid_from_on: date
    source: str


@dataclass(frozen=True)
class Lane:
    """A lane's lead time as it stands on record; no sites: what holds for a mode where no lane says otherwise."""

    from_site: str | None
    to_site: str | None
    mode: str
    mean_md: int
    deviation_md: int
    valid_from_on: date
    source: str
    is_shipped: bool


def set_lane(session: Session, command: SetLane) -> str:
    """Enter a lane's lead time; return its name. Raises NotFound, BadLane, ValueExists."""
    origin, destination = (site_by_code(session, code).code for code in (command.from_site, command.to_site))
    value = rules.lead_time(origin, destination, command.mode, command.mean_days, command.deviation_days)
    subject = rules.subject_of(origin, destination, command.mode)
    given = {"valid_from_on": command.valid_from_on, "source": command.source, "subject": subject}
    dated.add(session, LEAD_TIME, value, **given)  # type: ignore[arg-type]
    append_leaf(session, "transfer_lane", {"lane": subject, **value, "source": command.source})
    return subject


def lanes(session: Session) -> list[Lane]:
    """Return every lead time on record: of lanes, then what holds for a mode, the newest first."""
    found: list[Lane] = []
    for row in dated.values(session, LEAD_TIME):
        if row.name != LEAD_TIME:
            continue
        parts = rules.parts_of(row.subject)
        by_mode = {parts[2]: row.value} if parts else row.value
        for mode, value in by_mode.items():
            found.append(
                Lane(
                    parts[0] if parts else None, parts[1] if parts else None, mode, int(value["mean_md"]),
                    int(value["deviation_md"]), row.valid_from_on, row.source, row.is_shipped,
                )
            )  # fmt: skip
    return sorted(found, key=lambda lane: (lane.from_site is None, lane.from_site or "", lane.to_site or "", lane.mode))
