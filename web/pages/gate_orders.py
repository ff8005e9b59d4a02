"""Control orders of customs on a page: what stands, a new one, the end of one."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.auth.policy import policy
from web.context import current_scope, unit_of_work
from web.live import WATCHERS
from web.pages.deeds import refusal_of
from wms.errors import N_
from wms.gate.queries import control_orders
from wms.gate.rules.controls import NewOrder
from wms.gate.service import give_order, withdraw_order

bp = Blueprint("gate_orders", __name__, url_prefix="/gate/orders")
SHOWN = 100
CONTROLS = {
    "stop": ("stop", N_("stop: nobody lets it go alone")),
    "detain": ("stop", N_("detain")),
    "inspect": ("warn", N_("inspect")),
}
TARGETS = {
    "plate": N_("Number plate"),
    "container": N_("Container"),
    "gate_pass": N_("Gate pass"),
    "document": N_("Document"),
}


def _page(problem: dict[str, Any] | None = None) -> str:
    with unit_of_work() as session:
        rows = control_orders(session, limit=SHOWN)
    return render_template(
        "gate/orders.html", orders=rows, problem=problem, form=request.form, CONTROLS=CONTROLS, TARGETS=TARGETS,
        may_order=current_scope().role == "customs_officer",
    )  # fmt: skip


@bp.get("")
@policy(*WATCHERS)
def index() -> str:
    """Orders that stand and that ended, the newest first."""
    return _page()


@bp.post("")
@policy("customs_officer")
def order() -> AnyResponse | tuple[str, int]:
    """Give an order; it acts at once."""
    given = {name: request.form.get(name, "").strip()[:500] for name in ("control", "target_kind", "target", "reason")}
    new = NewOrder(**given, at=datetime.now(UTC), person_id=current_scope().person_id)

    def act(session: Session) -> dict[str, Any]:
        done = give_order(session, new)
        return {"order_id": done.order_id, "held": len(done.passage_ids), "inside": len(done.plates_inside)}

    return _done(act, given)


@bp.post("/<int:order_id>/withdraw")
@policy("customs_officer")
def withdraw(order_id: int) -> AnyResponse | tuple[str, int]:
    """End an order; what it holds waits for an officer."""
    given = {"reason": request.form.get("reason", "").strip()[:500]}

    def act(session: Session) -> dict[str, Any]:
        row = withdraw_order(
            session, order_id, reason=given["reason"], at=datetime.now(UTC), person_id=current_scope().person_id
        )
        return {"order_id": row.id}

    return _done(act, given)


def _done(act: Any, given: dict[str, str]) -> AnyResponse | tuple[str, int]:
    problem = refusal_of(given, act, _("The order is recorded under your name."))
    if problem is not None:
        return _page(problem), int(problem["status"])
    return redirect(url_for("gate_orders.index"))
