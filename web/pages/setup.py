"""Set-up at the desk: transfer lanes and limits of temperature. A new row from a day on; nothing is overwritten."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.pages.deeds import do_once
from wms.errors import N_, InvalidField
from wms.freight.rules import MODES
from wms.freight.service import lanes
from wms.parties.tables import TEMPERATURE_CLASSES, Site
from wms.watch.service import limits

bp = Blueprint("setup", __name__, url_prefix="/desk")
LANE = ("from_site", "to_site", "mode", "mean_days", "deviation_days", "on", "source")
LIMIT = ("temperature_class", "owner", "item", "low_c", "high_c", "minutes", "on", "source")


@bp.get("/transfer-lanes")
@policy(*READERS)
def lane_page() -> str:
    """How long goods take from site to site, and from which day that holds."""
    return _lanes()


def _lanes(problem: dict[str, Any] | None = None) -> str:
    with unit_of_work() as session:
        rows, sites = lanes.lanes(session), session.scalars(select(Site).order_by(Site.code)).all()
    return render_template(
        "desk/lanes.html", rows=rows, sites=sites, modes=MODES, form=request.form, problem=problem
    )


@bp.post("/transfer-lanes")
@policy("supervisor", "planner")
def add_lane() -> AnyResponse | tuple[str, int]:
    """Enter a lane's lead time."""
    given = _given(LANE)

    def act(session: Session) -> dict[str, Any]:
        mean, deviation = _number(given, "mean_days", N_("Mean")), _number(given, "deviation_days", N_("Deviation"))
        command = lanes.SetLane(
            given["from_site"], given["to_site"], given["mode"], mean, deviation, _day(given["on"]), _source(given)
        )
        return {"name": lanes.set_lane(session, command)}

    return _done(given, act, _lanes, "setup.lane_page")


@bp.get("/temperature-limits")
@policy(*READERS)
def limit_page() -> str:
    """Which temperatures goods may have, for how long, and from which day that holds."""
    return _limits()


def _limits(problem: dict[str, Any] | None = None) -> str:
    with unit_of_work() as session:
        rows = limits.limits(session)
    return render_template(
        "desk/limits.html", rows=rows, classes=TEMPERATURE_CLASSES, form=request.form, problem=problem
    )


@bp.post("/temperature-limits")
@policy("supervisor")
def add_limit() -> AnyResponse | tuple[str, int]:
    """Enter a limit of temperature."""
    given = _given(LIMIT)

    def act(session: Session) -> dict[str, Any]:
        minutes = _number(given, "minutes", N_("Minutes"))
        if minutes != int(minutes):
            raise InvalidField(field="minutes", name=N_("Minutes"), rule=N_("must be a whole number"))
        command = limits.SetLimit(
            given["temperature_class"], _degrees(given, "low_c", N_("Lowest")),
            _degrees(given, "high_c", N_("Highest")), int(minutes), _day(given["on"]), _source(given),
            given["owner"] or None, given["item"] or None,
        )  # fmt: skip
        return {"name": limits.set_limit(session, command)}

    return _done(given, act, _limits, "setup.limit_page")


def _given(names: tuple[str, ...]) -> dict[str, str]:
    return {name: request.form.get(name, "").strip()[:400] for name in names}


def _number(given: dict[str, str], field: str, name: str) -> Decimal:
    try:
        number = Decimal(given[field].replace("\u2212", "-"))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > 10**6:
        raise InvalidField(field=field, name=name, rule=N_("must be a number"))
    return number


def _degrees(given: dict[str, str], field: str, name: str) -> Decimal | None:
    return _number(given, field, name) if given[field] else None


def _day(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise InvalidField(field="on", name=N_("Holds from"), rule=N_("must be a day like 2027-01-31")) from None


def _source(given: dict[str, str]) -> str:
    if len(given["source"]) < 3:
        raise InvalidField(field="source", name=N_("Taken from"), rule=N_("must be given"))
    return given["source"]


def _done(
    content: dict[str, str], act: Callable[[Session], dict[str, Any]], page: Callable[[dict[str, Any]], str], back: str
) -> AnyResponse | tuple[str, int]:
    body, problem = do_once(content, act)
    if problem is not None:
        return page(problem), 422
    flash(_("%(name)s was entered.", name=body["name"]))
    return redirect(url_for(back))
