"""Where is it, for programs: a consignment, a handling unit or a gate pass by its number."""

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint

from web import tracking
from web.auth.policy import ROLES, policy
from web.context import unit_of_work
from wms.errors import NotFound

bp = APIBlueprint("api_track", __name__, url_prefix="/api/v1/track", tag="Tracking")


@bp.get("/<number>")
@policy(*ROLES, firms=True, subject="tracked")
def track(number: str) -> dict[str, Any]:
    """Say what the number names and where that is; 404 when there is nothing that the caller may see."""
    with unit_of_work() as session:
        found = tracking.track(session, number)
    if found is None:
        raise NotFound(what=number)
    return {name: value for name, value in asdict(found).items() if value not in (None, (), [])}
