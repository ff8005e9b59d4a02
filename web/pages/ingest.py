"""Who works for which site: each site's ingest process, since when, and whether it is alive."""

from flask import Blueprint, render_template

from iot import held
from web.auth.policy import policy
from web.context import unit_of_work

bp = Blueprint("ingest", __name__, url_prefix="/admin/ingest")


@bp.get("")
@policy("administrator", "supervisor", "customs_officer", "auditor")
def show() -> str:
    """Sites with devices and their holders; the processes below."""
    with unit_of_work() as session:
        sites, processes = held.sites(session), held.processes(session)
    return render_template("admin/ingest.html", sites=sites, processes=processes)
