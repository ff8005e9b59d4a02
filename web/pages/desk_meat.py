"""Meat from abroad at the desk: permits with what is left, batches with their papers, inspection and certificate."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.api.idempotency import request_key
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.pages.deeds import do_and_say
from wms.customs import meat_queries, modes
from wms.customs.tables import ImportPermit
from wms.errors import InvalidField, NotFound
from wms.floor.service import meat
from wms.floor.service.units import Deed
from wms.parties import dated

bp = Blueprint("desk_meat", __name__, url_prefix="/desk/meat")
SHOWN = 200
CHIPS = {"announced": "warn", "inspected": "busy", "certified": "ok", "rejected": "stop", "void": "none"}


@bp.get("")
@policy(*READERS)
def index() -> str:
    """Permits, the ones that end first at the top, and the batches: those that wait, then the others."""
    with unit_of_work() as session:
        today = modes.beijing_day(datetime.now(UTC))
        soon = today + timedelta(days=int(dated.value(session, "meat.permit_remind_days", today)))
        permits = session.scalars(
            select(ImportPermit)
            .where(ImportPermit.valid_until_on >= today - timedelta(days=90))
            .order_by(ImportPermit.valid_until_on, ImportPermit.id)
        ).all()
        waiting = meat_queries.batches(session, limit=SHOWN, waiting=True)
        rows = waiting + meat_queries.ended(session, SHOWN - len(waiting))
        session.expunge_all()
    return render_template(
        "meat/index.html", permits=permits, rows=rows, today=today, soon=soon, chips=CHIPS
    )


@bp.post("/<number>")
@policy("customs_officer", "declarant", subject="meat_batch")
def decide(number: str) -> AnyResponse:
    """Enter what the inspection found (``passed``, ``failed``) or the certificate (``certified``)."""
    deed, text = request.form.get("deed", ""), request.form.get("text", "").strip()[:400]

    def act(session: Session) -> dict[str, Any]:
        by = Deed(f"meat:{number}:{request_key()}", datetime.now(UTC), None, None, text or None)
        if deed == "certified":
            if not text:
                raise InvalidField(field="text", name=_("Number of the certificate"), rule=_("must be given"))
            meat.certify(session, number, text, by)
        elif deed in ("passed", "failed"):
            meat.inspect(session, number, text, by, passed=deed == "passed")
        else:
            raise NotFound(field="deed", what=deed)
        return {"number": number}

    return _done({"number": number, "deed": deed, "text": text}, act)


def _done(given: dict[str, Any], act: Callable[[Session], dict[str, Any]]) -> AnyResponse:
    do_and_say(given, act, _("Done."))
    return redirect(url_for("desk_meat.index"))
