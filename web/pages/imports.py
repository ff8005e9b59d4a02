"""Files in: choose a list, look at what a dry run finds, then enter it."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from web.api.imports import FIELD, Given, fault_body, run_body
from web.auth.policy import READERS, policy
from web.context import settings, unit_of_work
from web.imports import queued, refusals
from web.imports.kinds import KINDS, kind_of
from web.imports.running import Outcome
from web.imports.tables import ImportRun
from wms.errors import N_, WmsError

bp = Blueprint("imports", __name__, url_prefix="/desk/imports")
NAMES = {
    "items": N_("Trade items"),
    "locations": N_("Places"),
    "opening-stock": N_("Opening stock"),
    "orders": N_("Orders"),
    "notices": N_("Advance notices"),
    "consignments": N_("Consignments"),
}
SHOWN = 200
RUN_CHIPS = {
    "waiting": "busy", "running": "busy", "entered": "ok", "clean": "ok", "bad": "stop", "refused": "stop",
    "failed": "stop",
}  # fmt: skip


@bp.url_value_preprocessor
def widen(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Let the form take a file as large as the API does."""
    request.max_content_length = settings().import_limit_bytes


@bp.get("")
@policy(*READERS)
def show() -> str:
    """What may be imported, with templates, and the form."""
    return _page()


@bp.post("")
@policy("supervisor")
def take() -> str | tuple[str, int] | AnyResponse:
    """Check or enter a file; every bad row is shown with its reason."""
    is_dry_run = request.form.get("deed") != "enter"
    try:
        kind = kind_of(request.form.get("kind", ""))
        sent = request.files.get(FIELD)
        if sent is None or not sent.filename:
            raise refusals.NoFile(name=FIELD)
        keep = request.form.get("existing") == "keep"
        given = Given(kind, sent.stream, is_dry_run, keep, name=sent.filename)
        if given.is_large:
            with unit_of_work() as session:
                run_id = given.queue(session)
            return redirect(url_for("imports.run", run_id=run_id))
        outcome, is_replayed = given.run()
    except WmsError as refusal:
        return _page(problem=_(refusal.text, **refusal.values)), 422
    if isinstance(outcome, Outcome):
        faults = [fault_body(fault) for fault in outcome.faults[:SHOWN]]
        return _page(outcome=outcome, faults=faults), 200 if outcome.is_clean else 422
    return _page(entered=outcome, is_replayed=is_replayed)


@bp.get("/runs/<int:run_id>")
@policy(*READERS, subject="import_run")
def run(run_id: int) -> str:
    """How far a large file is, and what came of it."""
    with unit_of_work() as session:
        row = queued.known(session, run_id)
    found = run_body(row) | _times(row) | {"is_under_way": row.state in queued.UNDER_WAY}
    template = "desk/import_progress.html" if request.headers.get("HX-Request") else "desk/import_run.html"
    return render_template(template, run=found, names=NAMES, shown=SHOWN, states=RUN_CHIPS)


def _times(row: ImportRun) -> dict[str, Any]:
    return {"recorded_at": row.recorded_at, "ended_at": row.ended_at}


def _page(**given: Any) -> str:
    with unit_of_work() as session:
        rows = [run_body(row, with_faults=False) | _times(row) for row in queued.latest(session)]
    chosen = request.form.get("kind", next(iter(KINDS)))
    return render_template(
        "desk/imports.html",
        kinds=KINDS.values(),
        names=NAMES,
        chosen=chosen,
        runs=rows,
        states=RUN_CHIPS,
        limit=settings().import_limit_bytes,
        **given,
    )
