"""Transits to other customs offices (转关) at the desk: what travels under seal, and what both offices answered."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from web.api.problems import TYPE
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.pages.deeds import Act, Done, do_once
from wms.customs import document_queries as documents
from wms.customs import transits
from wms.customs.clock import BEIJING
from wms.customs.tables.transits import TRANSIT_STATES
from wms.errors import N_, InvalidField, NotFound

bp = Blueprint("desk_transits", __name__, url_prefix="/desk/transits")
SHOWN = 50
OFFICE = re.compile(r"[0-9]{4}", re.ASCII)
CHIPS = {"applied": "busy", "approved": "lake", "arrived": "ok", "void": "none"}
FIELDS = {
    "internal_no": N_("Our number"), "list_no": N_("Verification list"), "office_from": N_("From customs office"),
    "office_to": N_("To customs office"), "plate": N_("Vehicle"), "seal_no": N_("Seal"),
    "due_at": N_("To arrive until"),
}  # fmt: skip
ANSWERS = {"approved": "transit_no", "arrived": "document", "void": "reason"}
ANSWER_WORDS = {"transit_no": N_("Number of customs"), "document": N_("Document of arrival"), "reason": N_("Reason")}
OF_REFUSAL = {"unknown_verification_list": "list_no"}


@bp.get("")
@policy(*READERS, firms=True)
def index() -> str:
    """Transits, the newest first, by number or state."""
    return _index({}, None)


@bp.post("")
@policy("declarant")
def apply_for() -> AnyResponse | tuple[str, int]:
    """Send a transit declaration to customs; a mistake is shown beside its field."""
    form = {name: request.form.get(name, "").strip()[:80] for name in FIELDS}

    def act(session: Session) -> dict[str, Any]:
        return {"number": transits.apply_for(session, _new(form), datetime.now(UTC)).internal_no}

    body, problem = _once(form, act)
    if problem is not None:
        return _index(form, problem), 422
    flash(_("The transit declaration is sent to customs."), "ok")
    return redirect(url_for("desk_transits.one", number=body["number"]))


@bp.get("/<number>")
@policy(*READERS, firms=True, subject="customs_transit")
def one(number: str) -> str:
    """One transit: its way, vehicle and seal, what the offices answered and what it waits for."""
    return _one(number, {}, None)


@bp.post("/<number>")
@policy("declarant", "customs_officer", subject="customs_transit")
def answered(number: str) -> AnyResponse | tuple[str, int]:
    """Enter an answer of customs (``approved``, ``arrived``), or withdraw the transit (``void``)."""
    deed = request.form.get("answer", "")
    if deed not in ANSWERS:
        raise NotFound(what=deed)
    name = ANSWERS[deed]
    form = {"answer": deed, name: request.form.get(name, "").strip()[:80]}

    def act(session: Session) -> dict[str, Any]:
        if not form[name]:
            raise InvalidField(field=name, name=ANSWER_WORDS[name], rule=N_("must be given"))
        if deed == "approved":
            found = transits.approve(session, number, form[name], datetime.now(UTC))
        elif deed == "arrived":
            found = transits.arrive(session, number, form[name], datetime.now(UTC))
        else:
            found = transits.void(session, number, form[name])
        return {"number": found.internal_no}

    body, problem = _once({"number": number} | form, act)
    if problem is not None:
        return _one(number, form, problem), 422
    flash(_("Done."), "ok")
    return redirect(url_for("desk_transits.one", number=body["number"]))


def _new(form: Mapping[str, str]) -> transits.NewTransit:
    """Return the declaration that a form says. Raises InvalidField."""
    for name, label in FIELDS.items():
        if not form[name] and name != "due_at":
            raise InvalidField(field=name, name=label, rule=N_("must be given"))
        if name.startswith("office_") and OFFICE.fullmatch(form[name]) is None:
            raise InvalidField(field=name, name=label, rule=N_("must be four digits, like 4902"))
    due_at = None
    if form["due_at"]:
        try:
            due_at = datetime.combine(date.fromisoformat(form["due_at"]), time(23, 59), BEIJING)
        except ValueError:
            rule = N_("must be a day like 2026-11-30")
            raise InvalidField(field="due_at", name=FIELDS["due_at"], rule=rule) from None
    return transits.NewTransit(
        form["internal_no"], form["list_no"], form["office_from"], form["office_to"], form["plate"], form["seal_no"],
        due_at,
    )  # fmt: skip


def _index(form: Mapping[str, str], problem: dict[str, Any] | None) -> str:
    asked = {name: value for name in ("number", "state") if (value := request.args.get(name, "").strip()[:80])}
    before = request.args.get("before", "0")
    with unit_of_work() as session:
        state = asked.get("state", "")
        rows = documents.transits(
            session, number=asked.get("number", ""), state=state if state in TRANSIT_STATES else "",
            before=int(before) if before.isdecimal() and len(before) < 19 else 0, limit=SHOWN + 1,
        )  # fmt: skip
        return render_template(
            "transits/index.html", rows=rows[:SHOWN], more=rows[SHOWN - 1]["row"].id if len(rows) > SHOWN else None,
            asked=asked, states=transits.STATE_WORDS, chips=CHIPS, fields=FIELDS, form=form, problem=problem,
            now=datetime.now(UTC),
        )  # fmt: skip


def _one(number: str, form: Mapping[str, str], problem: dict[str, Any] | None) -> str:
    with unit_of_work() as session:
        found = transits.by_no(session, number)
        page = next(row for row in documents.transits(session, number=found.internal_no) if row["row"].id == found.id)
        return render_template(
            "transits/one.html", page=page, row=found, states=transits.STATE_WORDS, chips=CHIPS, form=form,
            problem=problem, now=datetime.now(UTC),
        )  # fmt: skip


def _once(content: Mapping[str, Any], act: Act) -> Done:
    """Run a deed at most once; its answer, or the refusal with the field that it is about."""
    body, problem = do_once(content, act)
    if problem is not None and not problem.get("field"):
        problem["field"] = OF_REFUSAL.get(problem["type"].removeprefix(TYPE), "")
    return body, problem
