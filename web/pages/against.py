"""Any two plans side by side: sums, who goes otherwise, owner by owner."""

from typing import Any

from flask import Blueprint, render_template
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from routing import queries as stored
from routing.desk import UnknownPlan
from routing.plan import Plan
from routing.queries import PlanRow
from routing.replan.compare import beside
from routing.replan.words import WHAT
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.formats import money
from web.pages import plan_words

bp = Blueprint("against", __name__, url_prefix="/plan/<int:plan_id>/against")
OFFERED = 50


@bp.get("")
@policy(*READERS, firms=True, subject="made_plan")
def choose(plan_id: int) -> str:
    """The plans that can be laid beside this one."""
    with unit_of_work() as session:
        row, _plan = made(session, plan_id)
        others = _others(session, plan_id)
    return render_template("plan/against.html", row=row, other=None, found=None, others=others, words=plan_words)


@bp.get("/<int:other_id>")
@policy(*READERS, firms=True, subject="plan_pair")
def show(plan_id: int, other_id: int) -> str:
    """This plan as before, the other as after."""
    with unit_of_work() as session:
        row, plan = made(session, plan_id)
        other, second = made(session, other_id)
        others = _others(session, plan_id)
    return render_template(
        "plan/against.html", row=row, other=other, found=beside(plan, second), others=others, words=plan_words,
        what=WHAT, more=_more(plan, second),
    )  # fmt: skip


def made(session: Session, plan_id: int) -> tuple[PlanRow, Plan]:
    """A plan that has its answer. Raises UnknownPlan."""
    row, plan = stored.plan_row(session, plan_id), stored.plan_document(session, plan_id)
    if row is None or plan is None:
        raise UnknownPlan(plan_id=plan_id)
    return row, plan


def _others(session: Session, plan_id: int) -> list[PlanRow]:
    rows = stored.plans(session, limit=OFFERED)
    return [one for one in rows if one.id != plan_id and one.objective_minor is not None]


def _more(a: Plan, b: Plan) -> list[tuple[str, Any, Any]]:
    boxes = [sum(box.kind != "loose" for box in one.boxes) for one in (a, b)]
    return [
        (_("Boxes"), *boxes),
        (_("Proven bound"), money(a.bound_minor, "CNY"), money(b.bound_minor, "CNY")),
        (_("Gap"), plan_words.gap(a.gap_ppm), plan_words.gap(b.gap_ppm)),
    ]
