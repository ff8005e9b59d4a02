"""Emergency: which relief goods come first, which places are closed, and the plan that serves them."""

from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from routing.emergency_desk import EmergencyAsked, request_emergency
from routing.network import yueyang
from web.auth.policy import READERS, policy
from web.context import current_scope, unit_of_work
from web.pages import plan_words
from web.pages.plan import QUANTILES, WEEKS, chosen, deed, may_plan, wishes_given
from wms.errors import InvalidField
from wms.freight import queries as freight
from wms.freight.rules import LAST_RANK
from wms.freight.service import set_priority

bp = Blueprint("emergency", __name__, url_prefix="/plan/emergency")
SECONDS = (30, 60, 120, 300)


@bp.get("")
@policy(*READERS)
def index() -> str:
    """The relief goods by rank, the form that ranks one, and the form that asks for the plan."""
    with unit_of_work() as session:
        rows = freight.first_in_line(session)
        count = freight.count_open(session)
    return render_template(
        "plan/emergency.html", rows=rows, count=count, names=plan_words.place_names(yueyang()), words=plan_words,
        seconds=SECONDS, weeks=WEEKS, quantiles=QUANTILES, ranks=range(LAST_RANK + 1),
        centres=centres(), may_plan=may_plan(),
    )  # fmt: skip


def centres() -> list[str]:
    """Where boxes are stuffed at home (port, stations, airports): where one is closed, another is the centre."""
    network = yueyang()
    home = {place.code for place in network.places if place.land.startswith("china_")}
    return sorted({one.stuffing_place for one in network.corridors} & home)


@bp.post("")
@policy("planner", per_minute=20)
def ask() -> AnyResponse | tuple[str, int]:
    """Ask for the plan; the page of the plan watches it."""
    seconds, weeks = chosen("seconds", SECONDS), chosen("weeks", WEEKS)
    closed, wishes = sorted(set(request.form.getlist("closed"))), wishes_given()
    if unknown := set(closed) - set(centres()):
        raise InvalidField(field="closed", name=min(unknown)[:20], rule=", ".join(centres()))

    def act(session: Session) -> dict[str, Any]:
        asked = EmergencyAsked(seconds, weeks, closed=closed, person_id=current_scope().person_id, wishes=wishes)
        return {"plan_id": request_emergency(session, asked)}

    content = {"seconds": seconds, "weeks": weeks, "closed": closed, "wishes": wishes.model_dump(mode="json")}
    return deed(act, content, lambda body: url_for("plan.show", plan_id=body["plan_id"]), url_for("emergency.index"))


@bp.post("/priority")
@policy("planner")
def rank() -> AnyResponse | tuple[str, int]:
    """Give one consignment its rank."""
    number, given = request.form.get("consignment", "").strip(), request.form.get("priority", "")
    if not given.isdecimal() or len(given) > 2:
        raise InvalidField(field="priority", name="priority", rule=_("must be a whole number"))
    here = url_for("emergency.index")

    def act(session: Session) -> dict[str, Any]:
        set_priority(session, number, int(given))
        return {"consignment_no": number, "priority": int(given)}

    def done(body: dict[str, Any]) -> str:
        flash(_("Consignment %(number)s has rank %(rank)s.", number=body["consignment_no"], rank=body["priority"]))
        return here

    return deed(act, {"consignment_no": number, "priority": given}, done, here)
