"""The planning desk: open consignments, plans being made, a plan with its bound, boxes, map, costs and who stays
behind.
"""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from routing import desk, report
from routing import queries as stored
from routing.desk_stop import request_stop
from routing.hand_over import working
from routing.network import yueyang
from routing.plan import Plan
from routing.queries import PlanRow
from routing.wishes import Wishes
from web.auth.policy import READERS, policy
from web.context import current_identity, planning_company, unit_of_work
from web.context import current_scope as scope
from web.pages import plan_map, plan_words
from web.pages.deeds import do_and_say
from web.pages.plan_progress import Progress, progress_of
from wms.errors import InvalidField
from wms.freight import queries as freight

bp = Blueprint("plan", __name__, url_prefix="/plan")
SECONDS, WEEKS = (15, 30, 60, 120), (2, 4, 6, 8)
QUANTILES = (0, 50, 80, 95)
SHOWN = 50
BEING_MADE = ("queued", "running")
VIEWS = ("boxes", "goods", "left", "legs")
A_YEAR_S = 365 * 24 * 3600


@bp.get("")
@policy(*READERS, firms=True)
def index() -> str:
    """Consignments that wait, the form that starts a plan, and the plans made so far."""
    state = request.args.get("state", "open")
    after = request.args.get("after", "0")
    after_id = int(after) if after.isdecimal() and len(after) < 19 else 0
    with unit_of_work() as session:
        rows = freight.consignments(
            session, state=state if state != "all" else None, after_id=after_id, limit=SHOWN + 1
        )
        booked = freight.bookings(session, [row.id for row in rows]) if state != "open" else {}
        count = freight.count_open(session)
        plans = stored.plans(session)
    return render_template(
        "plan/index.html", rows=rows[:SHOWN], booked=booked,
        more=rows[SHOWN - 1].id if len(rows) > SHOWN else None, after=after_id,
        state=state, count=count, plans=plans, names=plan_words.place_names(yueyang()), words=plan_words,
        seconds=SECONDS, weeks=WEEKS, quantiles=QUANTILES, may_plan=may_plan(), operator=scope().sees_all,
    )  # fmt: skip


def may_plan() -> bool:
    """Whether the caller may plan."""
    who = current_identity()
    return who is not None and "planner" in who.roles


@bp.post("")
@policy("planner", firms=True, per_minute=20)
def request_plan() -> AnyResponse | tuple[str, int]:
    """Start a plan of the open consignments that the caller sees."""
    seconds, weeks = chosen("seconds", SECONDS), chosen("weeks", WEEKS)
    wishes = wishes_given()
    content = {"seconds": seconds, "weeks": weeks, "wishes": wishes.model_dump(mode="json")}

    def act(session: Session) -> dict[str, Any]:
        who = scope()
        company_id = planning_company()
        made = desk.request_plan(
            session, seconds=seconds, weeks=weeks, person_id=who.person_id, company_id=company_id, wishes=wishes,
        )  # fmt: skip
        return {"plan_id": made}

    return deed(act, content, lambda body: url_for("plan.show", plan_id=body["plan_id"]), url_for("plan.index"))


def wishes_given() -> Wishes:
    """What the form wishes of delays and canals. Raises InvalidField."""
    quantile, suez = chosen("quantile", QUANTILES, 0) or None, request.form.get("suez", "")
    if suez not in {"", "open", "closed"}:
        raise InvalidField(field="suez", name="suez", rule="open, closed")
    return Wishes.model_validate({"quantile": quantile, "canals": {"suez": suez} if suez else {}})


def chosen(name: str, allowed: tuple[int, ...], default: int = 1) -> int:
    """The form's number where it is one of those offered; where the form has none, the one at ``default``."""
    given = request.form.get(name, str(allowed[default]))
    if not given.isdecimal() or int(given) not in allowed:
        raise InvalidField(field=name, name=name, rule=", ".join(str(value) for value in allowed))
    return int(given)


def deed(
    act: Callable[[Session], dict[str, Any]],
    content: dict[str, Any],
    done: Callable[[dict[str, Any]], str],
    refused: str,
) -> AnyResponse:
    """Run a form's deed once under its key; go on to the page of what was made, or back with the refusal."""
    body = do_and_say(content, act)
    return redirect(refused if body is None else done(body))


@bp.get("/land.svg")
@policy(*READERS, firms=True)
def land() -> Response:
    """All land as one path, for `<use>`; the map's routes are drawn by the page."""
    body = f'<svg xmlns="http://www.w3.org/2000/svg"><path id="land" d="{plan_map.land_path()}"/></svg>'
    response = Response(body, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response


@bp.get("/<int:plan_id>")
@policy(*READERS, firms=True, subject="plan")
def show(plan_id: int) -> str:
    """A plan: its progress while it is made, then everything it says."""
    with unit_of_work() as session:
        row = _known(session, plan_id)
        plan = stored.plan_document(session, plan_id)
        everyone = freight.consignments(session) if plan is not None else []
        it = progress_of(session, plan_id, is_made=plan is not None)
    if plan is None:
        may_stop = may_plan() and row.state in BEING_MADE and row.stop_asked_at is None and row.replaces_id is None
        return render_template("plan/waiting.html", row=row, words=plan_words, it=it, may_stop=may_stop)
    ends = {one.consignment_no: (one.origin, one.destination) for one in everyone}
    return _shown(row, plan, ends, it)


def _shown(row: PlanRow, plan: Plan, ends: dict[str, tuple[str, str]], it: Progress) -> str:
    network = yueyang()
    names = plan_words.place_names(network)
    view = request.args.get("view", "boxes")
    left = [
        (
            one,
            plan_words.sentence(report.REASONS[one.reason], one.values, names),
            plan_words.sentence(report.ADVICE[one.reason], one.values, names),
        )
        for one in plan.unserved
    ]
    return render_template(
        "plan/show.html", row=row, plan=plan, view=view if view in VIEWS else "boxes", words=plan_words, names=names,
        boxes=plan_words.box_rows(plan, names), goods=plan_words.goods_rows(plan, ends, names), left=left,
        lines=plan_map.lines_of(plan, network), spots=plan_map.spots_of(plan, network),
        width=plan_map.WIDTH, height=plan_map.HEIGHT, may_accept=may_plan() and row.state == "solved",
        it=it,
    )  # fmt: skip


@bp.get("/<int:plan_id>/progress")
@policy(*READERS, firms=True, subject="plan")
def progress(plan_id: int) -> Response:
    """The fragment that a waiting page asks for at each news; when the plan is there, the page is told to load it."""
    with unit_of_work() as session:
        row = _known(session, plan_id)
        it = progress_of(session, plan_id, is_made=row.state not in BEING_MADE)
    response = make_response(render_template("plan/progress.html", row=row, words=plan_words, it=it))
    if row.state not in BEING_MADE:
        response.headers["HX-Redirect"] = url_for("plan.show", plan_id=plan_id)
    return response


@bp.post("/<int:plan_id>/acceptance")
@policy("planner", firms=True, subject="plan")
def accept(plan_id: int) -> AnyResponse:
    """Book what the plan says. A plan that is out of date is refused with the reason."""

    def act(session: Session) -> dict[str, Any]:
        return {"booked": working.accept(session, plan_id, person_id=scope().person_id)}

    here = url_for("plan.show", plan_id=plan_id)
    return deed(act, {"plan_id": plan_id}, lambda body: _booked(body, here), here)


@bp.post("/<int:plan_id>/stop")
@policy("planner", firms=True, subject="plan")
def stop(plan_id: int) -> AnyResponse:
    """End the search with the best that there is; the plan is loaded, checked and stored."""

    def act(session: Session) -> dict[str, Any]:
        return {"state": request_stop(session, plan_id, person_id=scope().person_id)}

    here = url_for("plan.show", plan_id=plan_id)
    return deed(act, {"stop": plan_id}, lambda _body: here, here)


def _booked(body: dict[str, Any], here: str) -> str:
    flash(_("%(count)s consignments are booked.", count=body["booked"]))
    return here


def _known(session: Session, plan_id: int) -> PlanRow:
    row = stored.plan_row(session, plan_id)
    if row is None:
        raise desk.UnknownPlan(plan_id=plan_id)
    return row
