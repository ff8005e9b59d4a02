"""Who works for which site, and how the ingest processes are."""

from dataclasses import asdict

from apiflask import APIBlueprint
from flask import Response, jsonify

from iot import held
from web.auth.policy import policy
from web.context import unit_of_work

bp = APIBlueprint("api_ingest", __name__, url_prefix="/api/v1/ingest", tag="Gate")
SEES = ("administrator", "supervisor", "customs_officer", "auditor")


@bp.get("")
@policy(*SEES)
def show() -> Response:
    """The sites with devices and the process that holds each: its fencing number, since when, until when it is sure.

    A site is held by one process at a time. ``is_held`` false means that nobody decides at its gates just now.
    """
    with unit_of_work() as session:
        sites, processes = held.sites(session), held.processes(session)
    return jsonify({"sites": [asdict(one) for one in sites], "processes": [asdict(one) for one in processes]})
