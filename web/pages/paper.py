"""Paper: labels and lists to look at or to send to a printer, the printers, and what they printed last."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from web.api.printing import print_address, print_jobs
from web.auth.policy import READERS, policy
from web.context import unit_of_work
from web.pages.deeds import do_and_say
from wms.floor.service import printing
from wms.floor.tables.printing import Printer
from wms.parties import queries as parties

bp = Blueprint("paper", __name__, url_prefix="/desk/paper")


@bp.get("")
@policy(*READERS)
def show() -> str:
    """What can be printed, on what, and what was printed last."""
    with unit_of_work() as session:
        printers = list(session.scalars(select(Printer).order_by(Printer.name)))
        jobs = print_jobs(session, newest=True, limit=30)
        sites = parties.sites(session)
    return render_template("desk/paper.html", printers=printers, jobs=jobs, sites=sites)


@bp.post("/prints")
@policy("clerk", "supervisor")
def print_one() -> AnyResponse:
    """Send a label or list to a printer."""
    form = request.form
    of, printer = form.get("of", "")[:500], form.get("printer", "")[:80]
    do_and_say({"of": of, "printer": printer}, lambda session: {"id": print_address(session, printer, of)},
          _("It is on its way to %(printer)s.", printer=printer))  # fmt: skip
    return redirect(url_for("paper.show"))


@bp.post("/prints/<int:print_id>/again")
@policy("clerk", "supervisor")
def again(print_id: int) -> AnyResponse:
    """Print the same bytes once more."""

    def act(session: Any) -> dict[str, Any]:
        printing.again(session, print_id)
        return {"id": print_id}

    do_and_say({"print_id": print_id}, act, _("It is printed once more."))
    return redirect(url_for("paper.show"))
