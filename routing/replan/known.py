"""What is known of departures from the plans that hold: a new plan does not plan again what is cancelled."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from routing.changes import DepartureChange
from routing.tables import StoredPlan


def known_changes(session: Session, start_at: int) -> dict[str, DepartureChange]:
    """How departures from an instant on run otherwise, as the accepted repairs that the caller sees have it.

    A plan that knows more than another does not contradict it: what one says is cancelled is cancelled; of delays and
    room the latest word counts.
    """
    changes = StoredPlan.problem["changes"]["departures"]
    rows = session.scalars(
        select(changes)
        .where(StoredPlan.state == "accepted", StoredPlan.replaces_id.is_not(None))
        .order_by(StoredPlan.accepted_at, StoredPlan.id)
    )
    first = f"{datetime.fromtimestamp(start_at, UTC):%Y%m%dT%H%M}"
    found: dict[str, DepartureChange] = {}
    for departures in rows:
        for name, said in (departures or {}).items():
            if name.rpartition("@")[2] >= first:
                found[name] = _later_word(found.get(name), DepartureChange.model_validate(said))
    return found


def _later_word(old: DepartureChange | None, new: DepartureChange) -> DepartureChange:
    if old is None:
        return new
    is_late = new.depart_late_s or new.arrive_late_s or new.cutoff_late_s
    return (new if is_late else old).model_copy(
        update={
            "cancelled": old.cancelled or new.cancelled,
            "detour": new.detour or old.detour,
            "capacity": old.capacity if new.capacity is None else new.capacity,
        }
    )
