"""Closed months: which are, who closed them; closing the next one, which is for good."""

from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.auth.policy import policy
from web.context import unit_of_work
from web.pages.deeds import refusal_of
from wms.errors import N_, InvalidField
from wms.stock import months

bp = Blueprint("desk_months", __name__)


@bp.get("/desk/months")
@policy("supervisor", "customs_officer", "administrator", "auditor")
def show() -> str:
    """Which months are closed, by whom and since when."""
    return _page()


def _page(problem: dict[str, Any] | None = None) -> str:
    with unit_of_work() as session:
        closed, open_ones = months.closed(session), months.open_ones(session)
    return render_template("desk/months.html", closed=closed[::-1], open_ones=open_ones, problem=problem)


@bp.post("/desk/months")
@policy("supervisor")
def close() -> AnyResponse | tuple[str, int]:
    """Close a month and every month before it."""
    form = {name: request.form.get(name, "").strip() for name in ("month", "sure")}

    def act(session: Session) -> dict[str, Any]:
        if form["sure"] != "yes":
            raise InvalidField(field="sure", name=N_("For good"), rule=N_("must be ticked"))
        return months.close(session, _first_day(form["month"]))

    problem = refusal_of(form, act, _("The month %(month)s is closed.", month=form["month"]))
    if problem is not None:
        return _page(problem), 422
    return redirect(url_for("desk_months.show"))


def _first_day(given: str) -> date:
    try:
        return date.fromisoformat(f"{given}-01")
    except ValueError:
        raise InvalidField(field="month", name=N_("Month"), rule=N_("must be a month like 2026-10")) from None
