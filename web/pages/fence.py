"""The fence, live: the plan with its sections, one section, one alarm with every step of it, patrol rounds."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.api.gates import officer_id
from web.auth.policy import policy
from web.context import current_scope, unit_of_work
from web.live import WATCHERS
from web.pages.deeds import refusal_of
from web.pages.fence_plan import drawn
from web.pages.fence_words import NAMES
from wms.watch import queries as watch
from wms.watch.queries import fence as queries
from wms.watch.rules import UnknownAlarm
from wms.watch.service import alarms as stepping
from wms.watch.service import fence, patrols

bp = Blueprint("fence", __name__, url_prefix="/gate")
TAKES, WALKS = ("customs_officer", "supervisor"), ("customs_officer", "supervisor", "clerk")
SHOWN, PERIOD = 30, timedelta(days=30)


def _render(template: str, **given: Any) -> str:
    return render_template(
        template, **NAMES, **given, person_id=current_scope().person_id, may_settle=current_scope().role in TAKES
    )


def _now(session: Session) -> dict[str, Any]:
    now = datetime.now(UTC)
    rows = queries.sections(session, now)
    return {
        "sections": rows,
        "plan": drawn(rows),
        "alarms": [row for row in watch.alarms(session, limit=SHOWN) if row.source in ("fence", "patrol", "video")],
        "rates": {row.section_id: row for row in queries.rates(session, now - PERIOD, now)},
        "rounds": queries.rounds(session, limit=3),
        "last_note": watch.last_note_id(session),
    }


@bp.get("/fence")
@policy(*WATCHERS)
def index() -> str:
    """The plan: every section in the colour of its state, open alarms, patrol rounds."""
    with unit_of_work() as session:
        return _render("gate/fence.html", **_now(session))


@bp.get("/fence/now")
@policy(*WATCHERS)
def now() -> str:
    """The parts of the page that change, for scripts to put in place."""
    with unit_of_work() as session:
        return _render("gate/fence_now.html", **_now(session))


@bp.get("/fence/sections/<int:section_id>")
@policy(*WATCHERS)
def section(section_id: int) -> str:
    """One section: figures, cameras, who armed and disarmed it, every edge."""
    return _section_page(section_id)


def _section_page(section_id: int, problem: dict[str, Any] | None = None) -> str:
    with unit_of_work() as session:
        return _render(
            "gate/section.html", it=queries.section(session, section_id, datetime.now(UTC)), problem=problem,
            switches=queries.switches(session, section_id), signals=queries.signals(session, section_id=section_id),
            sensors=queries.sensors(session, section_id), cameras=queries.cameras_of(session, section_id),
            form=request.form,
        )  # fmt: skip


@bp.post("/fence/sections/<int:section_id>/switch")
@policy(*TAKES)
def switch(section_id: int) -> AnyResponse | tuple[str, int]:
    """Arm or disarm a section with a reason (``to``)."""
    reason, is_armed = request.form.get("reason", "").strip()[:500], request.form.get("to") == "armed"
    at = datetime.now(UTC)

    def act(session: Session) -> dict[str, Any]:
        fence.switch(session, section_id, is_armed=is_armed, person_id=officer_id(), reason=reason, at=at)
        return {"is_armed": is_armed}

    problem = refusal_of({"reason": reason, "to": is_armed}, act, _("It is recorded under your name."))
    if problem is not None:
        return _section_page(section_id, problem), int(problem["status"])
    return redirect(url_for("fence.section", section_id=section_id))


@bp.get("/alarms/<int:alarm_id>")
@policy(*WATCHERS)
def alarm(alarm_id: int) -> str:
    """One alarm: its steps against their service levels, the edges behind it, its clips."""
    return _alarm_page(alarm_id)


def _alarm_page(alarm_id: int, problem: dict[str, Any] | None = None) -> str:
    with unit_of_work() as session:
        found = queries.alarm_story(session, alarm_id, datetime.now(UTC))
        if found is None:
            raise UnknownAlarm(alarm_id=alarm_id)
        return _render("gate/alarm.html", it=found, a=found.alarm, problem=problem, form=request.form)


@bp.post("/alarms/<int:alarm_id>/step")
@policy(*TAKES)
def step(alarm_id: int) -> AnyResponse | tuple[str, int]:
    """Take one step of an alarm (``deed``): acknowledge, dispatch, settle or review."""
    asked, words = request.form.get("deed", ""), request.form.get("words", "").strip()[:500]
    outcome, at = request.form.get("outcome") or None, datetime.now(UTC)
    steps: dict[str, Callable[[Session, int], Any]] = {
        "acknowledge": lambda s, who: stepping.acknowledge(s, alarm_id, person_id=who, at=at),
        "dispatch": lambda s, who: stepping.dispatch(s, alarm_id, person_id=who, to=words, at=at),
        "settle": lambda s, who: stepping.close(s, alarm_id, person_id=who, cause=words, at=at, outcome=outcome),
        "review": lambda s, who: stepping.review(s, alarm_id, person_id=who, note=words, at=at, outcome=outcome),
    }
    take = steps.get(asked, steps["acknowledge"])
    content = {"deed": asked, "words": words, "outcome": outcome}
    problem = refusal_of(
        content, lambda session: {"state": take(session, officer_id()).state},
        _("The alarm is recorded under your name."),
    )  # fmt: skip
    if problem is not None:
        return _alarm_page(alarm_id, problem), int(problem["status"])
    return redirect(url_for("fence.alarm", alarm_id=alarm_id))


@bp.get("/patrols")
@policy(*WATCHERS, "clerk")
def patrol_rounds() -> str:
    """The newest patrol rounds; the checkpoints of an open one can be marked as reached."""
    return _patrol_page()


def _patrol_page(problem: dict[str, Any] | None = None) -> str:
    with unit_of_work() as session:
        return _render(
            "gate/patrols.html", rounds=queries.rounds(session, limit=20), problem=problem,
            may_walk=current_scope().role in WALKS,
        )  # fmt: skip


@bp.post("/patrols/<int:route_id>/visit")
@policy(*WALKS)
def visit(route_id: int) -> AnyResponse | tuple[str, int]:
    """Mark a checkpoint as reached, with what was not in order there."""
    place, finding = request.form.get("checkpoint", "")[:80], request.form.get("finding", "").strip()[:500]
    at = datetime.now(UTC)

    def act(session: Session) -> dict[str, Any]:
        made = patrols.visit(session, route_id, place, person_id=officer_id(), at=at, finding=finding)
        return {"visit_id": made.id}

    problem = refusal_of({"checkpoint": place, "finding": finding}, act, _("The checkpoint is recorded."))
    if problem is not None:
        return _patrol_page(problem), int(problem["status"])
    return redirect(url_for("fence.patrol_rounds"))
