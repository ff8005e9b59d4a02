"""The cold chain as the desk sees it: places, breaches and their review, findings, the history of a lot or a pallet."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.auth.policy import READERS, policy
from web.context import current_identity, unit_of_work
from web.pages.deeds import do_and_say
from web.pages.temperature_chart import chart, degrees
from wms.catalog.tables import TradeItem
from wms.errors import NotFound
from wms.stock.tables import HandlingUnit, Lot
from wms.watch.queries import histories
from wms.watch.queries import temperatures as queries
from wms.watch.rules.temperatures import REVIEW_DECISIONS, UnknownBreach
from wms.watch.service import cold_reviewing

bp = Blueprint("temperature", __name__, url_prefix="/desk")
SHOWN = 100


@bp.get("/temperature")
@policy(*READERS)
def index() -> str:
    """Show every place as it is now, what is out of limits, and where a history has holes."""
    with unit_of_work() as session:
        return render_template(
            "temperature/index.html", places=queries.places(session, limit=SHOWN),
            breaches=queries.breaches(session, only_open=True, limit=SHOWN),
            reviewed=queries.breaches(session, state="reviewed", limit=SHOWN)[-20:],
            findings=queries.findings(session, only_open=True, limit=SHOWN), degrees=degrees,
        )  # fmt: skip


@bp.get("/temperature/breaches/<int:breach_id>")
@policy(*READERS, subject="temperature_breach")
def breach(breach_id: int) -> str:
    """Show one breach with every unit that was there."""
    with unit_of_work() as session:
        rows = queries.breaches(session, breach_ids=[breach_id])
        if not rows:
            raise UnknownBreach(breach_id=breach_id)
        who = current_identity()
        return render_template(
            "temperature/breach.html", row=rows[0], holds=queries.holds(session, breach_id), degrees=degrees,
            may_review=who is not None and "supervisor" in who.roles and rows[0].state in {"ended", "withdrawn"},
            decisions=REVIEW_DECISIONS,
        )  # fmt: skip


@bp.post("/temperature/breaches/<int:breach_id>/review")
@policy("supervisor", subject="temperature_breach")
def review(breach_id: int) -> AnyResponse:
    """Decide on the goods of a breach."""
    decision = request.form.get("decision", "")
    content = {
        "decision": decision if decision in REVIEW_DECISIONS else "damaged",
        "reason": request.form.get("reason", ""),
    }

    def act(session: Session) -> dict[str, Any]:
        command = cold_reviewing.Review(breach_id, content["decision"], content["reason"], datetime.now(UTC), {})
        return {"id": cold_reviewing.review(session, command).id}

    do_and_say(content, act, _("The breach is reviewed."))
    return redirect(url_for("temperature.breach", breach_id=breach_id))


@bp.get("/temperature/lots/<int:lot_id>")
@policy(*READERS, firms=True, subject="lot")
def lot_history(lot_id: int) -> str:
    """Draw at which temperatures a lot was, wherever it was."""
    now = datetime.now(UTC)
    with unit_of_work() as session:
        found = session.execute(
            select(Lot, TradeItem).join(TradeItem, TradeItem.id == Lot.trade_item_id).where(Lot.id == lot_id)
        ).one_or_none()
        if found is None:
            raise NotFound(what=lot_id)
        segments = histories.of_lot(session, lot_id, now)
        return _drawn(segments, now, lot=found[0], item=found[1], sscc=None)


@bp.get("/temperature/units/<sscc>")
@policy(*READERS, firms=True, subject="handling_unit")
def unit_history(sscc: str) -> str:
    """Draw at which temperatures the goods on a pallet were, also before they came onto it."""
    now = datetime.now(UTC)
    with unit_of_work() as session:
        unit = session.scalar(select(HandlingUnit).where(HandlingUnit.sscc == sscc))
        if unit is None:
            raise NotFound(what=sscc)
        return _drawn(histories.of_unit(session, unit.id, now), now, lot=None, item=None, sscc=sscc)


def _drawn(segments: list[histories.Segment], now: datetime, **about: Any) -> str:
    return render_template(
        "temperature/history.html", segments=segments, chart=chart(segments, now), degrees=degrees, **about
    )
