"""Oversight: are the books true? The last check of all invariants, and the last postings."""

import time
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from web.auth.policy import policy
from web.commands.verify import find
from web.context import current_identity, current_scope, database, unit_of_work
from web.i18n import localised
from wms.db import Scope
from wms.record import queries as record
from wms.record.service import append_leaf
from wms.stock.lookups import newest_postings
from wms.stock.verify import Finding

bp = Blueprint("oversight", __name__, url_prefix="/oversight")
KIND, SHOWN = "books_checked", 20
READERS = ("auditor", "customs_officer", "supervisor", "administrator")


def as_said(finding: Finding) -> dict[str, Any]:
    """Return a finding with its words as they can still be translated."""
    values = {name: str(value) for name, value in finding.values.items()}
    return {"invariant": finding.invariant, "where": finding.where, "text": finding.text, "values": values}


@bp.app_template_global()
def finding_words(said: dict[str, Any]) -> str:
    """Return a kept finding in the page's language."""
    return f"{said['invariant']} {said['where']}: {localised(said['text'], said['values'])}"


@bp.get("")
@policy(*READERS)
def show() -> str:
    """The last check and the last postings."""
    with unit_of_work() as session:
        checked = record.newest(session, KIND)
        leaves = record.count(session)
        postings = newest_postings(session, 30)
    return render_template("oversight/show.html", checked=checked, leaves=leaves, postings=postings)


@bp.post("/check")
@policy("auditor", "customs_officer", "supervisor", per_minute=3)
def check() -> AnyResponse:
    """Check every invariant now, in one snapshot, and append the result to the record."""
    scope, who = current_scope(), current_identity()
    started_s = time.monotonic()
    found = find(database(), Scope.system(scope.tenant_id))
    says = {
        "n_findings": len(found),
        "findings": [as_said(finding) for finding in found[:SHOWN]],
        "took_ms": round((time.monotonic() - started_s) * 1000),
        "by": {"person_id": who.person_id if who else None, "role": scope.role},
    }
    with unit_of_work() as session:
        append_leaf(session, KIND, says)
    flash(_("The books were checked."), "error" if found else "message")
    return redirect(url_for("oversight.show"))
