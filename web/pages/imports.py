"""Files in: choose a list, look at what a dry run finds, then enter it."""

from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from web.api.imports import FIELD, Given, fault_body
from web.auth.policy import READERS, policy
from web.context import settings
from web.imports import refusals
from web.imports.kinds import KINDS, kind_of
from web.imports.running import Outcome
from wms.errors import N_, WmsError

bp = Blueprint("imports", __name__, url_prefix="/desk/imports")
NAMES = {
    "items": N_("Trade items"),
    "locations": N_("Places"),
    "opening-stock": N_("Opening stock"),
    "orders": N_("Orders"),
    "notices": N_("Advance notices"),
}
SHOWN = 200


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
def take() -> str | tuple[str, int]:
    """Check or enter a file; every bad row is shown with its reason."""
    is_dry_run = request.form.get("deed") != "enter"
    try:
        kind = kind_of(request.form.get("kind", ""))
        sent = request.files.get(FIELD)
        if sent is None or not sent.filename:
            raise refusals.NoFile(name=FIELD)
        outcome, is_replayed = Given(kind, sent.stream, is_dry_run, request.form.get("existing") == "keep").run()
    except WmsError as refusal:
        return _page(problem=_(refusal.text, **refusal.values)), 422
    if isinstance(outcome, Outcome):
        faults = [fault_body(fault) for fault in outcome.faults[:SHOWN]]
        return _page(outcome=outcome, faults=faults), 200 if outcome.is_clean else 422
    return _page(entered=outcome, is_replayed=is_replayed)


def _page(**given: Any) -> str:
    chosen = request.form.get("kind", next(iter(KINDS)))
    return render_template(
        "desk/imports.html",
        kinds=KINDS.values(),
        names=NAMES,
        chosen=chosen,
        limit=settings().import_limit_bytes,
        **given,
    )
