"""Consignments from a file, for those who announce them: look at what a check finds, then announce all or none."""

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from web.api.imports import FIELD, Given, fault_body
from web.auth.policy import READERS, policy
from web.context import current_identity
from web.imports import refusals
from web.imports.kinds import KINDS
from web.imports.running import Outcome
from wms.errors import WmsError

bp = Blueprint("plan_file", __name__, url_prefix="/plan/file")
KIND = KINDS["consignments"]
SHOWN = 200
ANNOUNCERS = ("planner", "declarant", "supervisor")


@bp.get("")
@policy(*READERS, firms=True)
def show() -> str:
    """The form, and the columns that a file may have."""
    return _page()


@bp.post("")
@policy(*ANNOUNCERS, firms=True, per_minute=20)
def take() -> str | tuple[str, int]:
    """Check or announce the consignments of a file; every bad row is shown with its reason."""
    try:
        sent = request.files.get(FIELD)
        if sent is None or not sent.filename:
            raise refusals.NoFile(name=FIELD)
        given = Given(
            KIND, sent.stream, request.form.get("deed") != "enter", request.form.get("existing") == "keep",
            name=sent.filename,
        )  # fmt: skip
        outcome, is_replayed = given.run()
    except WmsError as refusal:
        return _page(problem=_(refusal.text, **refusal.values)), 422
    if isinstance(outcome, Outcome):
        faults = [fault_body(fault) for fault in outcome.faults[:SHOWN]]
        return _page(outcome=outcome, faults=faults), 200 if outcome.is_clean else 422
    return _page(entered=outcome, is_replayed=is_replayed)


def _page(**given: object) -> str:
    who = current_identity()
    may_announce = who is not None and not set(ANNOUNCERS).isdisjoint(who.roles)
    return render_template("plan/file.html", columns=KIND.columns, may_announce=may_announce, shown=SHOWN, **given)
