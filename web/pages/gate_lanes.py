"""The lanes' barriers by hand: close, lock, unlock, and note that one was opened with the key."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.api.gates import officer_id
from web.auth.policy import policy
from web.context import unit_of_work
from web.live import WATCHERS
from web.pages.deeds import refusal_of
from web.pages.gate_words import NAMES
from wms.errors import N_, InvalidField
from wms.gate import queries
from wms.gate.service.by_hand import NoteOpening, lower_barrier, note_opening, unlock_lane
from wms.gate.service.orders import lanes_kept_down

bp = Blueprint("gate_lanes", __name__, url_prefix="/gate/lanes")

ACTIONS = {
    "close": N_("Close the barrier"),
    "lock": N_("Close and lock the lane"),
    "unlock": N_("Put the lane into use again"),
    "opened": N_("I opened it by hand"),
}
CAUSES = {
    "fire": N_("fire"),
    "medical": N_("ambulance"),
    "barrier_fault": N_("fault of the barrier"),
    "power": N_("power failure"),
    "maintenance": N_("maintenance"),
    "officer_order": N_("order of customs"),
}


def _page(form: Mapping[str, str], problem: dict[str, Any] | None) -> str:
    with unit_of_work() as session:
        return render_template(
            "gate/lanes.html", **NAMES, lanes=queries.lanes_now(session), ACTIONS=ACTIONS, CAUSES=CAUSES, form=form,
            problem=problem, kept_down=lanes_kept_down(session),
        )  # fmt: skip


@bp.get("")
@policy(*WATCHERS)
def index() -> str:
    """Every lane with its barrier; an officer may act on it."""
    return _page({}, None)


@bp.post("")
@policy("customs_officer")
def act() -> AnyResponse | tuple[str, int]:
    """Do what the form says (``deed``) with a lane, for a reason."""
    form = {
        name: request.form.get(name, "").strip()[:500] for name in ("lane_id", "deed", "reason", "cause", "picture")
    }
    at = datetime.now(UTC)
    problem = refusal_of(form, lambda session: _do(session, form, at), _("The lane is told."))
    if problem is not None:
        return _page(form, problem), int(problem["status"])
    return redirect(url_for("gate_lanes.index"))


def _do(session: Session, form: Mapping[str, str], at: datetime) -> Mapping[str, Any]:
    officer, said = officer_id(), form["lane_id"]
    lane_id = int(said) if said.isdecimal() and len(said) < 19 else 0
    if form["deed"] in ("close", "lock"):
        locked = form["deed"] == "lock"
        lower_barrier(session, lane_id, officer_id=officer, reason=form["reason"], locked=locked, at=at)
    elif form["deed"] == "unlock":
        unlock_lane(session, lane_id, officer_id=officer, reason=form["reason"], at=at)
    elif form["deed"] == "opened" and form["cause"] in CAUSES:
        note_opening(session, NoteOpening(lane_id, officer, form["cause"], form["reason"], form["picture"], at, at))
    else:
        raise InvalidField(field="deed", name=N_("What to do"), rule=N_("must be given"))
    return {"lane_id": lane_id}
