"""Trade-off curves: the form that asks for one, and one of them: what money, time and CO2 cost each other."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from routing.curves import CurveAsked, CurvePlan, curve_row, curves, plans_of, request_curve
from routing.scatter import HEIGHT, WIDTH, Scatter, scatter
from routing.tradeoff import PLAIN, Sums, Weights, shipped_at
from routing.units import G_PER_KG
from web.auth.policy import READERS, policy
from web.context import current_scope, planning_company, unit_of_work
from web.pages import plan_words
from web.pages.plan import QUANTILES, WEEKS, chosen, deed, may_plan, wishes_given
from wms.errors import InvalidField
from wms.freight import queries as freight

bp = Blueprint("curves", __name__, url_prefix="/plan/curves")
SECONDS = (50, 150, 300, 600, 1200)
FEN = 100


@dataclass(frozen=True)
class Best:
    """The numbers of the points that are best in one thing, and what they take."""

    numbers: tuple[int, ...]
    sums: Sums


@dataclass(frozen=True)
class Drawing:
    """One picture: its name, the unit upwards (across it is money), the points."""

    title: str
    unit: str
    picture: Scatter


@bp.get("")
@policy(*READERS, firms=True)
def index() -> str:
    """The form that asks for a curve, and the curves made so far."""
    with unit_of_work() as session:
        made = curves(session)
        count = freight.count_open(session)
    return render_template(
        "plan/curves.html", curves=made, count=count, words=plan_words, seconds=SECONDS, weeks=WEEKS,
        quantiles=QUANTILES,
        weightings=[(_code(one), weighting_words(one)) for one in _offered() if one != PLAIN],
        plain=weighting_words(PLAIN), may_plan=may_plan(),
    )  # fmt: skip


def _offered() -> tuple[Weights, ...]:
    return shipped_at(int(time.time())).weightings


def _code(one: Weights) -> str:
    return f"{one.time}-{one.carbon}"


def weighting_words(one: Weights) -> str:
    """A weighting in the reader's language."""
    parts = []
    if one.time > 1:
        parts.append(_("time counts %(times)s times", times=one.time))
    if one.carbon > 1:
        parts.append(_("CO₂ counts %(times)s times", times=one.carbon))
    return str(_(", ").join(parts)) if parts else str(_("as the rules say"))


@bp.post("")
@policy("planner", firms=True, per_minute=20)
def ask() -> AnyResponse | tuple[str, int]:
    """Ask for a curve over the open consignments that the caller sees."""
    seconds, weeks = chosen("seconds", SECONDS), chosen("weeks", WEEKS)
    known = {_code(one): one for one in _offered()}
    given = request.form.getlist("weighting")
    if unknown := [code for code in given if code not in known]:
        raise InvalidField(field="weighting", name=unknown[0][:20], rule=", ".join(known))
    if not given:
        raise InvalidField(field="weighting", name="weighting", rule=_("choose at least one"))
    wishes = wishes_given()
    content = {
        "seconds": seconds, "weeks": weeks, "weightings": sorted(given), "wishes": wishes.model_dump(mode="json"),
    }  # fmt: skip

    def act(session: Session) -> dict[str, Any]:
        who = current_scope()
        company_id = planning_company()
        asked = CurveAsked(
            [known[code] for code in given], seconds, weeks, person_id=who.person_id, company_id=company_id,
            wishes=wishes,
        )  # fmt: skip
        return {"curve_id": request_curve(session, asked)}

    return deed(
        act, content, lambda body: url_for("curves.show", curve_id=body["curve_id"]), url_for("curves.index")
    )  # fmt: skip


@bp.get("/<int:curve_id>")
@policy(*READERS, firms=True, subject="curve")
def show(curve_id: int) -> str:
    """A curve: its plans in two pictures and a table, and in words which is the cheapest, the fastest, the cleanest."""
    with unit_of_work() as session:
        row, plans = curve_row(session, curve_id), plans_of(session, curve_id)
    made = [(number, one) for number, one in enumerate(plans, 1) if one.point is not None]
    snapshots = {one.row.snapshot_sha256 for _number, one in made}
    return render_template(
        "plan/curve.html", row=row, plans=plans, words=plan_words, weighting=weighting_words, width=WIDTH,
        height=HEIGHT, drawings=_drawings([one for _number, one in made]), numbers=[number for number, _one in made],
        best=_best(made), snapshot=next(iter(snapshots)) if len(snapshots) == 1 else None, **_state(plans),
    )  # fmt: skip


@bp.get("/<int:curve_id>/progress")
@policy(*READERS, firms=True, subject="curve")
def progress(curve_id: int) -> Response:
    """The fragment that a waiting page asks for; whenever another plan is there, the page is told to load it."""
    with unit_of_work() as session:
        row, plans = curve_row(session, curve_id), plans_of(session, curve_id)
    state = _state(plans)
    response = make_response(render_template("plan/curve_progress.html", row=row, words=plan_words, **state))
    seen = request.args.get("seen", "")
    if state["now"] is None or seen != str(state["done"]):
        response.headers["HX-Redirect"] = url_for("curves.show", curve_id=curve_id)
    return response


def _state(plans: Sequence[CurvePlan]) -> dict[str, Any]:
    """How many plans are made, and the one that is being made or waits."""
    waiting = [one for one in plans if one.row.state in {"queued", "running"}]
    return {"done": len(plans) - len(waiting), "count": len(plans), "now": waiting[0] if waiting else None}


def _drawings(made: Sequence[CurvePlan]) -> list[Drawing]:
    sums = [one.point.sums for one in made if one.point is not None]
    worse = [one.beaten for one in made]
    found = []
    for title, unit, amounts in (
        (_("Money against time"), _("mean hours"), [one.mean_h for one in sums]),
        (_("Money against CO₂"), _("CO₂e in kg"), [one.co2_g // G_PER_KG for one in sums]),
    ):
        picture = scatter([(one.paid_minor // FEN, up) for one, up in zip(sums, amounts, strict=True)], worse)
        if picture is not None:
            found.append(Drawing(str(title), str(unit), picture))
    return found


def _best(made: Sequence[tuple[int, CurvePlan]]) -> dict[str, Best]:
    """The cheapest, the fastest and the cleanest of those that leave fewest behind."""
    points = [(number, one.point.sums) for number, one in made if one.point is not None]
    if not points:
        return {}
    fewest = min(sums.left_behind for _number, sums in points)
    points = [(number, sums) for number, sums in points if sums.left_behind == fewest]
    by: dict[str, Callable[[Sums], int]] = {
        "cheapest": lambda sums: sums.paid_minor, "fastest": lambda sums: sums.mean_h,
        "cleanest": lambda sums: sums.co2_g,
    }  # fmt: skip
    found = {}
    for name, amount in by.items():
        least = min(amount(sums) for _number, sums in points)
        numbers = [(number, sums) for number, sums in points if amount(sums) == least]
        found[name] = Best(tuple(number for number, _sums in numbers), numbers[0][1])
    return found
