"""Retail parcels as the declarant sees them: what disagrees, what is declared, what customs said, who is behind it."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.api.idempotency import request_hash, request_key, stored_problem
from web.auth.policy import READERS, policy
from web.context import current_identity, current_scope, database, unit_of_work, vault
from web.i18n import localised
from wms.customs.parcels import privacy, queries, requests
from wms.customs.parcels.rules.declaring import MATCH_WORDS
from wms.customs.parcels.rules.states import WORDS
from wms.customs.tables.parcels import DECLARATION_STATES, MATCHES, RetailOrder
from wms.parties.private import KeyLost, Vault
from wms.record.service import once

bp = Blueprint("desk_retail", __name__, url_prefix="/desk")
SHOWN = 100
OPENS = frozenset({"declarant", "customs_officer"})
CHIPS = {
    "draft": "none", "declared": "busy", "returned": "warn", "rejected": "stop", "released": "ok", "cleared": "ok",
    "detained": "stop", "shipped_back": "stop", "cancelled": "none", "waiting": "busy", "differs": "stop",
    "agrees": "ok",
}  # fmt: skip


@bp.get("/retail-orders")
@policy(*READERS, firms=True)
def orders() -> str:
    """List orders with what their documents disagree in."""
    match = request.args.get("match", "")
    with unit_of_work() as session:
        rows = queries.orders(
            session, match=match if match in MATCHES else None, after=_after(), limit=SHOWN + 1,
            order_no=request.args.get("order_no", "").strip() or None,
        )  # fmt: skip
    return render_template(
        "retail/orders.html", rows=rows[:SHOWN], more=rows[SHOWN - 1]["id"] if len(rows) > SHOWN else None,
        match=match, words=MATCH_WORDS, chips=CHIPS, rule=lambda text: localised(text, {}), kept=_kept("match"),
    )  # fmt: skip


@bp.get("/declarations")
@policy(*READERS, firms=True)
def declarations() -> str:
    """List parcel declarations by state or order."""
    state = request.args.get("state", "")
    with unit_of_work() as session:
        rows = queries.declarations(
            session, state=state if state in DECLARATION_STATES else None,
            order_no=request.args.get("order_no", "").strip() or None, after=_after(), limit=SHOWN + 1,
        )  # fmt: skip
    return render_template(
        "retail/declarations.html", rows=rows[:SHOWN], more=rows[SHOWN - 1]["id"] if len(rows) > SHOWN else None,
        state=state, words=WORDS, chips=CHIPS, kept=_kept("state"),
    )  # fmt: skip


@bp.get("/declarations/<number>")
@policy(*READERS, firms=True, subject="parcel_declaration")
def show(number: str) -> str:
    """Show a declaration: state, tax lines, receipts, requests; people masked."""
    return _page(number, None)


@bp.post("/declarations/<number>/people")
@policy(*sorted(OPENS), subject="parcel_declaration", per_minute=30)
def people(number: str) -> str:
    """Show the page with its people open: for a reason that is recorded."""
    reason = request.form.get("reason", "")
    keys = vault()
    try:
        with unit_of_work() as session:
            order = session.get_one(RetailOrder, queries.declaration(session, number).order_id)
            shown = privacy.reveal(session, keys, order, reason, datetime.now(UTC))
    except privacy.ReasonNeeded as refusal:
        flash(localised(refusal.text, refusal.values), "error")
        return _page(number, None)
    return _page(number, shown)


@bp.post("/declarations/<number>/cancellation")
@policy("declarant", subject="parcel_declaration")
def cancel(number: str) -> AnyResponse:
    """Ask customs to cancel a declaration."""
    content = {"number": number, "reason": request.form.get("reason", "").strip()[:1000]}

    def act(session: Session) -> dict[str, Any]:
        row = queries.declaration(session, number)
        return {"state": requests.ask_to_cancel(session, row.id, content["reason"], datetime.now(UTC)).state}

    key, content_hash = request_key(), request_hash(content)
    answer = database().run(current_scope(), lambda session: once(session, key, content_hash, lambda: act(session)))
    if answer.is_refusal:
        flash(stored_problem(answer.body)["detail"], "error")
    else:
        flash(_("Cancellation is asked for."), "ok")
    return redirect(url_for("desk_retail.show", number=number))


def _page(number: str, shown: privacy.People | None) -> str:
    keys = vault()
    with unit_of_work() as session:
        row = queries.declaration(session, number)
        whole = queries.whole(session, row)
        order = session.get(RetailOrder, row.order_id)
        who = shown or _masked(session, keys, order)
    caller = current_identity()
    may = caller is not None and caller.sees_all and bool(OPENS & caller.roles)
    return render_template(
        "retail/declaration.html", row=whole, people=who, is_open=shown is not None, may_open=may, words=WORDS,
        chips=CHIPS, may_cancel=may and row.state not in ("cancelled", "cleared", "shipped_back"),
        rule=lambda text: localised(text, {}),
    )  # fmt: skip


def _masked(session: Session, keys: Vault, order: RetailOrder | None) -> privacy.People | None:
    """The people of an order, masked; None where their key is gone: the rest of the page is still of use."""
    try:
        return privacy.masked(session, keys, order) if order is not None else None
    except KeyLost:
        return None


def _after() -> int:
    after = request.args.get("after", "0")
    return int(after) if after.isdecimal() and len(after) < 19 else 0


def _kept(*names: str) -> dict[str, str]:
    return {name: value for name, value in request.args.items() if name in {*names, "order_no"}}
