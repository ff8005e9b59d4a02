"""What a repair knows of consignments that are ready later goes into their records when it is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from routing.replan.events import Events, Late
from wms.freight import service

Versions = dict[str, Any]


def ready_later(happened: Mapping[str, Any] | None) -> dict[str, datetime]:
    """Consignment -> from when it is ready, the last word of the events of a stored repair."""
    if happened is None:
        return {}
    events = Events.model_validate(happened["events"]).events
    return {one.consignment: datetime.fromtimestamp(one.ready_at, UTC) for one in events if isinstance(one, Late)}


def write_ready(session: Session, happened: Mapping[str, Any] | None, versions: Versions) -> Versions:
    """Write it into the records; returns the versions with those that grew."""
    late = {name: at for name, at in ready_later(happened).items() if name in versions}
    service.lock_all(session, [versions[name][0] for name in late])
    grown: Versions = {}
    for name, ready_at in late.items():
        key = versions[name][0]
        grown[name] = [key, service.ready_later(session, key, ready_at)]
    return {**versions, **grown}
