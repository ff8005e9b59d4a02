"""Stopping a plan that is being made: its search ends, and what there is by then becomes the plan."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from routing.desk import UnknownPlan
from routing.tables import StoredPlan
from wms.errors import N_, Kind, WmsError


class NothingToStop(WmsError):
    """The plan is not being made, or it is a repair, which takes seconds."""

    code = "nothing_to_stop"
    kind = Kind.CONFLICT
    text = N_("Plan %(plan_id)s is not being searched for (%(state)s): there is nothing to stop.")


def request_stop(session: Session, plan_id: int, *, person_id: int | None = None) -> str:
    """Let the search of a plan end with the best that there is; the plan's state. Asking again changes nothing.

    The plan is loaded, checked and stored like any other, and says that it was stopped. Raises UnknownPlan,
    NothingToStop.
    """
    row = session.get(StoredPlan, plan_id, with_for_update=True)
    if row is None:
        raise UnknownPlan(plan_id=plan_id)
    if row.state not in {"queued", "running"} or row.replaces_id is not None:
        raise NothingToStop(plan_id=plan_id, state=row.state)
    if row.stop_asked_at is None:
        row.stop_asked_at, row.stop_asked_by = datetime.now(UTC), person_id
    return row.state
