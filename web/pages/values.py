"""Rates, limits and tolerances with the day from which each holds and where it is taken from; entering the next one."""

import json
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
from wms.parties import dated

bp = Blueprint("values", __name__)


@bp.get("/desk/values")
@policy("supervisor", "customs_officer", "administrator", "auditor")
def show() -> str:
    """Rates, limits and tolerances with the day from which each holds and where it is taken from."""
    return _values_page()


def _values_page(problem: dict[str, Any] | None = None) -> str:
    with unit_of_work() as session:
        rows = dated.values(session)
    return render_template("desk/values.html", values=rows, problem=problem, form=request.form)


@bp.post("/desk/values")
@policy("supervisor")
def add() -> AnyResponse | tuple[str, int]:
    """Enter a value from a day on."""
    form = {name: request.form.get(name, "").strip() for name in ("name", "subject", "value", "on", "source")}

    def act(session: Session) -> dict[str, Any]:
        day, given = _day(form["on"]), _json(form["value"])
        if not form["source"]:
            raise InvalidField(field="source", name=N_("Taken from"), rule=N_("must be given"))
        dated.enter(
            session, form["name"], given, valid_from_on=day, source=form["source"], subject=form["subject"]
        )
        return {}

    problem = refusal_of(form, act, _("%(name)s was entered.", name=form["name"]))
    if problem is not None:
        return _values_page(problem), 422
    return redirect(url_for("values.show"))


def _day(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise InvalidField(field="on", name=N_("Holds from"), rule=N_("must be a day like 2027-01-31")) from None


def _json(given: str) -> Any:
    try:
        return json.loads(given)
    except ValueError:
        return given  # a plain word is a text
