"""Something happened to a plan: the form that says what, its repairs side by side, before and after of one of them."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from routing import queries as stored
from routing.desk import UnknownPlan
from routing.hand_over.opening import open_box, stranded_of
from routing.hand_over.working import accept_in_place
from routing.network import yueyang
from routing.replan.breaks import BREAKS, WHEN
from routing.replan.compare import Comparison
from routing.replan.desk import Asked, request_replan
from routing.replan.words import WHAT, WHY
from web.auth.policy import READERS, policy
from web.context import current_scope, unit_of_work
from web.pages import plan_words
from web.pages.plan import deed, may_plan
from wms.errors import N_, InvalidField

bp = Blueprint("replan", __name__, url_prefix="/plan")
KINDS = {
    "delay": N_("A departure is late"),
    "cancelled": N_("A departure is cancelled"),
    "full": N_("A departure has less room for us"),
    "closed": N_("A place or border is closed"),
    "canal": N_("A canal is closed"),
    "late": N_("A consignment is ready later"),
    "new": N_("A consignment has to be taken in"),
}
FIELDS = ("departure", "hours", "capacity", "place", "canal", "from_at", "until_at", "consignment", "ready_at")
NEEDS = {
    "delay": ("departure", "hours"), "cancelled": ("departure",), "full": ("departure", "capacity"),
    "closed": ("place", "from_at", "until_at"), "canal": ("canal", "from_at"), "late": ("consignment", "ready_at"),
    "new": ("consignment",),
}  # fmt: skip
NUMBERS = ("hours", "capacity")
SHORTEST_REASON = 3
INSTANTS = ("from_at", "until_at", "ready_at")


def _broken(code: str, values: dict[str, Any]) -> Markup:
    """What breaks, with its instants in the reader's time."""
    shown = {
        name: plan_words.moment(datetime.fromisoformat(value)) if name in WHEN else value
        for name, value in values.items()
    }
    return escape(_(BREAKS[code])) % shown


@bp.get("/<int:plan_id>/repairs")
@policy(*READERS, firms=True, subject="made_plan")
def show(plan_id: int) -> str:
    """What happened to a plan and what became of it: the form for planners, the repairs, before and after."""
    with unit_of_work() as session:
        row = stored.plan_row(session, plan_id)
        if row is None:
            raise UnknownPlan(plan_id=plan_id)
        plan = stored.plan_document(session, plan_id)
        held = stored.comparison(session, plan_id)
        repairs = stored.repairs_of(session, plan_id)
        base = stored.plan_row(session, row.replaces_id) if row.replaces_id is not None else None
        stranded = stranded_of(session, plan_id)
    network = yueyang()
    return render_template(
        "plan/repairs.html", row=row, plan=plan, repairs=repairs, words=plan_words,
        names=plan_words.place_names(network), kinds=KINDS, what=WHAT, why=WHY,
        found=Comparison.model_validate(held["comparison"]) if held else None, held=held,
        breaks=[_broken(one["code"], one["values"]) for one in held["breaks"]] if held else [],
        stranded=stranded, may_open=may_plan() and current_scope().sees_all,
        may_ask=may_plan() and plan is not None and row.state in {"solved", "accepted"},
        may_replace=may_plan() and row.state == "solved" and base is not None and base.state == "accepted",
        places=sorted({end for one in network.services for end in (one.origin, one.destination, *one.via)}),
    )  # fmt: skip


@bp.post("/<int:plan_id>/repairs")
@policy("planner", firms=True, subject="made_plan", per_minute=20)
def ask(plan_id: int) -> AnyResponse | tuple[str, int]:
    """Ask for a repair after one event; the plan itself is not touched."""
    event = _event()
    here = url_for("replan.show", plan_id=plan_id)

    def act(session: Session) -> dict[str, Any]:
        asked = Asked(plan_id, {"events": [event]}, person_id=current_scope().person_id)
        return {"plan_id": request_replan(session, asked)}

    return deed(
        act, {"plan_id": plan_id, "event": event}, lambda body: url_for("plan.show", plan_id=body["plan_id"]), here
    )


def _event() -> dict[str, Any]:
    """The event of the form, with the fields that its kind needs."""
    kind = request.form.get("kind", "")
    if kind not in KINDS:
        raise InvalidField(field="kind", name="kind", rule=", ".join(KINDS))
    event: dict[str, Any] = {"kind": kind}
    for name in NEEDS[kind]:
        given = request.form.get(name, "").strip()
        if name in NUMBERS:
            if not given.isdecimal() or len(given) > 9:
                raise InvalidField(field=name, name=name, rule=_("must be a whole number"))
            event[name] = int(given)
        else:
            # A browser's field for day and time has no offset: the desk's clock is China's.
            event[name] = f"{given}:00+08:00" if name in INSTANTS and len(given) == len("2026-03-05T08:00") else given
    return event


@bp.post("/<int:plan_id>/replacement")
@policy("planner", firms=True, subject="made_plan")
def replace(plan_id: int) -> AnyResponse | tuple[str, int]:
    """Let the repair take the place of the accepted plan."""
    here = url_for("replan.show", plan_id=plan_id)

    def act(session: Session) -> dict[str, Any]:
        return {"booked": accept_in_place(session, plan_id, person_id=current_scope().person_id)}

    def done(body: dict[str, Any]) -> str:
        flash(_("%(count)s consignments are booked.", count=body["booked"]))
        return here

    return deed(act, {"plan_id": plan_id, "deed": "replacement"}, done, here)


@bp.post("/<int:plan_id>/boxes/<box_no>/opening")
@policy("planner", subject="made_plan")
def open_closed_box(plan_id: int, box_no: str) -> AnyResponse:
    """Record that a stranded box was opened; its goods can be planned again."""
    reason = request.form.get("reason", "").strip()[:400]
    if len(reason) < SHORTEST_REASON:
        raise InvalidField(field="reason", name="reason", rule=_("say why"))
    here = url_for("replan.show", plan_id=plan_id)

    def act(session: Session) -> dict[str, Any]:
        person_id = current_scope().person_id
        return {"open": open_box(session, plan_id, box_no, reason=reason, now=datetime.now(UTC), person_id=person_id)}

    def done(body: dict[str, Any]) -> str:
        flash(_("Open again: %(names)s.", names=", ".join(body["open"])))
        return here

    return deed(act, {"plan_id": plan_id, "box_no": box_no, "reason": reason}, done, here)
