"""The desk: orders and waves. A supervisor sees what waits, gathers it, starts it, follows it and calls it off."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.api import waves as api
from web.api.idempotency import request_hash, request_key, stored_problem
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from wms.errors import InvalidField, NotFound
from wms.floor import order_queries, pick_queries
from wms.floor.rules.waves import METHODS, WaveRule
from wms.floor.service import orders as service
from wms.floor.service import substituting, waves
from wms.floor.tables import ORDER_STATES, WAVE_STATES
from wms.parties import queries as parties
from wms.record.service import once

bp = Blueprint("desk_orders", __name__, url_prefix="/desk")
SHOWN = 50


def _after() -> int:
    given = request.args.get("after", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else 0


def _kept(*names: str) -> dict[str, str]:
    return {name: request.args[name][:80] for name in names if request.args.get(name)}


@bp.get("/orders")
@policy(*READERS, firms=True)
def orders() -> str:
    """Orders by site and state, a page at a time."""
    kept, after = _kept("site", "state", "carrier", "order_no"), _after()
    with unit_of_work() as session:
        rows = order_queries.orders(session, after=after, limit=SHOWN + 1, **kept)
        sites = parties.sites(session)
    more = rows[SHOWN - 1].id if len(rows) > SHOWN else None
    return render_template(
        "desk/orders.html", rows=rows[:SHOWN], more=more, kept=kept, after=after, sites=sites, states=ORDER_STATES
    )


@bp.get("/orders/<order_no>")
@policy(*READERS, firms=True, subject="order")
def order(order_no: str) -> str:
    """One order: its lines and where its goods are promised."""
    with unit_of_work() as session:
        row = order_queries.order_by_no(session, order_no)
        if row is None:
            raise NotFound(what=order_no)
        lines, promises = order_queries.order_lines(session, row.id), order_queries.promises(session, row.id)
    return render_template("desk/order.html", order=row, lines=lines, promises=promises)


@bp.post("/orders/<order_no>")
@policy("supervisor", "planner")
def decide_order(order_no: str) -> AnyResponse:
    """Put an order of which nothing was found back, or cancel it (``deed`` says which)."""
    deed, reason = request.form.get("deed", "")[:40], request.form.get("reason", "")[:200].strip()
    if deed not in ("back", "cancel"):
        raise NotFound(field="deed", what=deed)

    def act(session: Session) -> dict[str, Any]:
        if deed == "back":
            service.back_order(session, order_no, datetime.now(UTC))
            return {}
        if not reason:
            raise InvalidField(field="reason", name=_("Reason"), rule=_("must be given"))
        service.cancel_order(session, order_no, reason, datetime.now(UTC))
        return {}

    here = url_for("desk_orders.order", order_no=order_no)
    return _done({"order_no": order_no, "deed": deed, "reason": reason}, act, here)


@bp.get("/waves")
@policy(*READERS)
def wave_list() -> str:
    """Waves, newest first, the form to gather one, and substitutions that wait for a second person."""
    kept, after = _kept("site", "state"), _after()
    with unit_of_work() as session:
        rows = pick_queries.waves(session, **kept, after=after, limit=SHOWN + 1, newest_first=True)
        sites, asked = parties.sites(session), substituting.waiting(session)
    more = rows[SHOWN - 1].id if len(rows) > SHOWN else None
    return render_template(
        "desk/waves.html", rows=rows[:SHOWN], more=more, kept=kept, after=after, sites=sites, asked=asked,
        states=WAVE_STATES, methods=METHODS,
    )  # fmt: skip


@bp.get("/waves/<wave_no>")
@policy(*READERS)
def wave(wave_no: str) -> str:
    """One wave: how far it is, its pick lists and its orders."""
    with unit_of_work() as session:
        row = pick_queries.wave_by_no(session, wave_no)
        if row is None:
            raise NotFound(what=wave_no)
        lists = pick_queries.pick_lists(session, wave=row.wave_no, limit=500)
        held = order_queries.orders(session, wave=row.wave_no, limit=500)
    return render_template("desk/wave.html", wave=row, lists=lists, orders=held)


@bp.get("/pick-lists/<list_no>")
@policy(*READERS)
def pick_list(list_no: str) -> str:
    """One pick list in walking order."""
    with unit_of_work() as session:
        row = pick_queries.list_by_no(session, list_no)
        if row is None:
            raise NotFound(what=list_no)
        lines = pick_queries.list_lines(session, row.id)
    return render_template("desk/pick_list.html", row=row, lines=lines)


@bp.post("/waves")
@policy("supervisor", "planner")
def gather() -> AnyResponse:
    """Gather orders that wait into a wave."""
    names = ("site", "method", "carrier", "zone", "max_orders")
    given = {name: request.form.get(name, "")[:80].strip() for name in names}

    def act(session: Session) -> dict[str, Any]:
        if given["method"] not in METHODS:
            raise InvalidField(field="method", name=_("Method"), rule=_("choose one of the list"))
        most = given["max_orders"] or "200"
        if not (most.isascii() and most.isdecimal() and 0 < int(most[:7]) <= 100_000):
            raise InvalidField(field="max_orders", name=_("At most orders"), rule=_("must be from 1 to 100000"))
        rule = WaveRule(
            carrier=given["carrier"] or None, zone=given["zone"] or None, max_orders=int(most), max_lines=200_000
        )
        made = waves.gather(session, api.site_id_of(session, given["site"]), given["method"], rule)
        return {"wave_no": made.wave_no}

    return _done(given, act, url_for("desk_orders.wave_list"))


@bp.post("/waves/<wave_no>")
@policy("supervisor", "planner")
def change(wave_no: str) -> AnyResponse:
    """Start a wave or call it off (``deed`` says which)."""
    deed = request.form.get("deed", "")[:40]
    to_place = request.form.get("to_place", "")[:80].strip() or None
    if deed not in ("start", "cancel"):
        raise NotFound(field="deed", what=deed)

    def act(session: Session) -> dict[str, Any]:
        if deed == "start":
            return dict(api.start_wave(session, wave_no, request_key(), to_place)) | {"wave_no": wave_no}
        waves.call_off(session, wave_no, datetime.now(UTC))
        return {"wave_no": wave_no}

    here = url_for("desk_orders.wave", wave_no=wave_no)
    return _done({"wave_no": wave_no, "deed": deed, "to_place": to_place}, act, here)


@bp.post("/substitutions/<int:substitution_id>")
@policy("supervisor")
def decide(substitution_id: int) -> AnyResponse:
    """Approve or refuse a substitution (``deed`` says which)."""
    deed = request.form.get("deed", "")[:40]
    if deed not in ("approve", "refuse"):
        raise NotFound(field="deed", what=deed)

    def act(session: Session) -> dict[str, Any]:
        done = substituting.decide(
            session, f"decide:{request_key()}", substitution_id, datetime.now(UTC), is_approved=deed == "approve"
        )
        return {"state": done.state}

    return _done({"id": substitution_id, "deed": deed}, act, url_for("desk_orders.wave_list"))


def _done(content: dict[str, Any], act: Any, back: str) -> AnyResponse:
    with unit_of_work() as session:
        answer = once(session, request_key(), request_hash(content), lambda: act(session))
    if answer.is_refusal:
        flash(stored_problem(answer.body)["detail"], "error")
        return redirect(back)
    if answer.body.get("job_id"):
        flash(_("The wave is large: it is started in the background. Look again in a moment."), "message")
    wave_no = answer.body.get("wave_no")
    return redirect(url_for("desk_orders.wave", wave_no=wave_no) if wave_no else back)
