"""The firm's trucks: add, amend, withdraw with a reason."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from routing.network import yueyang
from routing.rounds.desk import fleet
from routing.rounds.desk.fleet import FIELDS, TruckForm
from web import rounds_words as words
from web.auth.policy import READERS, policy
from web.context import current_scope, planning_company, unit_of_work
from web.pages import plan_words
from web.pages.deeds import refusal_of
from web.pages.plan import may_plan
from wms.errors import N_, InvalidField

bp = Blueprint("fleet", __name__, url_prefix="/plan/rounds/trucks")
SCALES = {
    "payload_g": 1000, "volume_cm3": 10**6, "pallets": 1, "fixed_minor": 100, "km_minor": 100, "hour_minor": 100,
    "speed_km_h": 1, "shift_s": 3600, "trips": 1,
}  # fmt: skip
CLOCKS = ("start_min", "end_min")
NEW = {
    "kind": "T42", "depot": "CNCLJ", "payload_g": "4200", "volume_cm3": "17", "pallets": "7", "fixed_minor": "200",
    "km_minor": "1.9", "hour_minor": "42", "speed_km_h": "45", "start_min": "06:00", "end_min": "20:00",
    "shift_s": "12", "trips": "1",
}  # fmt: skip


@bp.get("")
@policy(*READERS, firms=True)
def index() -> str:
    """The fleet, and the form for one more truck."""
    return _index()


def _index(problem: dict[str, Any] | None = None, edit: str = "") -> str:
    with unit_of_work() as session:
        rows = fleet.trucks(session, company_id=planning_company())
    live = {one.plate: one for one in rows if one.withdrawn_at is None}
    edited = live.get(edit or request.args.get("edit", ""))
    given = dict(request.form) if problem else _written(edited) if edited is not None else NEW
    names = plan_words.place_names(yueyang())
    return render_template(
        "rounds/trucks.html", rows=rows, names=names, words=words, moment=plan_words.moment, may_plan=may_plan(),
        form=given, problem=problem, edited=edited, places=[code for code in names if code.startswith("CN")],
        fields=[name for name in FIELDS if name != "depot"],
    )  # fmt: skip


def _written(one: Any) -> dict[str, str]:
    """A truck as its form shows it."""
    shown = {name: str(getattr(one, name) or "") for name in ("plate", "kind", "depot")}
    for name, scale in SCALES.items():
        value = getattr(one, name)
        shown[name] = "" if value is None else f"{(Decimal(value) / scale).normalize():f}"
    return shown | {name: words.minutes_of_day(getattr(one, name)) for name in CLOCKS}


def _form() -> TruckForm:
    """The truck of the form. Raises InvalidField."""
    given = {name: request.form.get(name, "").strip()[:40] for name in FIELDS}
    values: dict[str, Any] = {name: given[name] for name in ("plate", "kind", "depot")}
    for name, scale in SCALES.items():
        values[name] = None if name == "pallets" and not given[name] else _whole(name, given[name], scale)
    for name in CLOCKS:
        values[name] = _minutes(name, given[name])
    return TruckForm(**values)


def _whole(name: str, text: str, scale: int) -> int:
    try:
        value = Decimal(text) * scale
        if not value.is_finite() or abs(value) > 10**12:
            raise InvalidOperation
    except InvalidOperation:
        raise InvalidField(field=name, name=words.FIELDS[name], rule=N_("must be a number")) from None
    if value != value.to_integral_value():
        raise InvalidField(field=name, name=words.FIELDS[name], rule=N_("has too many decimal places"))
    return int(value)


def _minutes(name: str, text: str) -> int:
    hour, _colon, minute = text.partition(":")
    if not (hour.isdecimal() and minute.isdecimal() and len(text) <= 5 and int(minute) < 60 and int(hour) <= 24):
        raise InvalidField(field=name, name=words.FIELDS[name], rule=N_("is no time such as 08:30"))
    return int(hour) * 60 + int(minute)


@bp.post("")
@policy("planner", firms=True)
def add() -> AnyResponse | tuple[str, int]:
    """Enter a truck."""

    def act(session: Session) -> dict[str, Any]:
        who = current_scope().person_id
        return {"id": fleet.add_truck(session, _form(), company_id=planning_company(), person_id=who)}

    return _done(act, _("The truck is in the fleet."))


@bp.post("/<plate>")
@policy("planner", firms=True, subject="truck")
def amend(plate: str) -> AnyResponse | tuple[str, int]:
    """Change a truck."""

    def act(session: Session) -> dict[str, Any]:
        return {"version": fleet.amend_truck(session, plate, _form(), person_id=current_scope().person_id)}

    return _done(act, _("The truck is changed."), plate)


@bp.post("/<plate>/withdrawal")
@policy("planner", firms=True, subject="truck")
def withdraw(plate: str) -> AnyResponse | tuple[str, int]:
    """Take a truck out of the fleet, with a reason."""

    def act(session: Session) -> dict[str, Any]:
        reason, who = request.form.get("reason", ""), current_scope().person_id
        fleet.withdraw_truck(session, plate, reason, person_id=who, now=datetime.now(UTC))
        return {}

    return _done(act, _("The truck is withdrawn."), plate)


def _done(act: Callable[[Session], dict[str, Any]], said: str, plate: str = "") -> AnyResponse | tuple[str, int]:
    content = {name: value for name, value in request.form.items() if name not in {"csrf_token", "idempotency_key"}}
    problem = refusal_of(content | {"at": plate}, act, said)
    if problem is not None:
        return _index(problem, plate), 422
    return redirect(url_for("fleet.index"))
