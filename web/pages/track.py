"""Where is it: a consignment, a handling unit or a gate pass by its number."""

from flask import Blueprint, render_template, request

from web import tracking
from web.auth.policy import PEOPLE, policy
from web.context import unit_of_work
from web.milestones import event_lines
from web.pages import plan_words

bp = Blueprint("track", __name__)


@bp.get("/track")
@policy(*PEOPLE, firms=True)
def show() -> tuple[str, int]:
    """Look a number up and show where the thing is. What belongs to another firm is not found."""
    number = request.args.get("number", "").strip()[:80]
    found = None
    if number:
        with unit_of_work() as session:
            found = tracking.track(session, number)
    status = 404 if number and found is None else 200
    way = event_lines(found.milestones) if found is not None else []
    return render_template("track/show.html", number=number, found=found, way=way, duration=plan_words.duration), status
