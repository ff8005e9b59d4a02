"""What became of an accepted plan: orders and reserved stock box by box, papers for customs with what still lacks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from routing.hand_over import working
from web.api.idempotency import stored_problem
from web.auth.policy import READERS, policy
from web.context import current_identity, unit_of_work
from web.pages.deeds import Act, do_and_say
from wms.freight.rules.papers import NAMES, REASONS
from wms.freight.service import hand_over as service

bp = Blueprint("plan_hand_over", __name__, url_prefix="/plan")
WORK = {"reserved": "ok", "short": "stop", "refused": "stop", "elsewhere": "none"}
PAPERS = {"drafted": "busy", "todo": "warn", "done": "ok"}


@bp.get("/<int:plan_id>/hand-over")
@policy(*READERS, firms=True, subject="plan")
def show(plan_id: int) -> str:
    """The hand-over of a plan."""
    with unit_of_work() as session:
        found = working.state_of(session, plan_id)
    boxes: dict[str, list[tuple[working.WorkRow, list[working.PaperRow]]]] = {}
    for one in found.work:
        papers = [paper for paper in found.papers if paper.consignment_no == one.consignment_no]
        boxes.setdefault(one.box_no, []).append((one, papers))
    who = current_identity()
    roles = who.roles if who is not None else frozenset()
    return render_template(
        "plan/hand_over.html", found=found, boxes=boxes, plan_id=plan_id, counted=found.counted(), work_look=WORK,
        paper_look=PAPERS, paper_name=paper_name, why=why, refused=refused, may_ask="planner" in roles,
        may_note="declarant" in roles and who is not None and who.sees_all,
    )  # fmt: skip


def paper_name(document: str) -> str:
    """What a document is called."""
    return str(_(NAMES[document])) if document in NAMES else document


def why(paper: working.PaperRow) -> str:
    """Why a document is not drafted."""
    return str(_(REASONS[paper.reason], **(paper.values or {}))) if paper.reason in REASONS else ""


def refused(code: str | None, values: Mapping[str, Any] | None) -> str:
    """Why an order was refused, in the reader's language."""
    if code == "stock_short":
        return str(_("Not enough stock is free: %(short)s of %(lines)s lines are short.", **(values or {})))
    if code == "plan_replaced":
        return str(_("Another plan took the place of this one and carries it no more: its order is cancelled."))
    return str(stored_problem({"code": code, "field": None, "values": values or {}})["detail"]) if code else ""


@bp.post("/<int:plan_id>/hand-over")
@policy("planner", firms=True, subject="plan")
def ask(plan_id: int) -> AnyResponse:
    """Try again what is short or was refused."""

    def act(session: Session) -> dict[str, Any]:
        working.ask(session, plan_id)
        return {}

    return _deed(plan_id, {"plan_id": plan_id}, act, _("It is tried again."))


@bp.post("/<int:plan_id>/papers")
@policy("declarant")
def note_paper(plan_id: int) -> AnyResponse:
    """Note the number of a document that is made."""
    given = {name: request.form.get(name, "")[:80] for name in ("consignment_no", "document", "number")}

    def act(session: Session) -> dict[str, Any]:
        service.note_paper(session, plan_id, **given, now=datetime.now(UTC))
        return {}

    return _deed(plan_id, given, act, _("The number is noted."))


def _deed(plan_id: int, content: Mapping[str, Any], act: Act, said: str) -> AnyResponse:
    do_and_say(content, act, said)
    return redirect(url_for("plan_hand_over.show", plan_id=plan_id))
