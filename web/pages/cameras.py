"""Cameras and what their recorders hold: there or not, oldest picture against what is asked, holes, clocks."""

from datetime import UTC, datetime

from flask import Blueprint, render_template

from web.auth.policy import policy
from web.context import unit_of_work
from web.live import WATCHERS
from web.pages.fence_words import NAMES
from wms.watch.queries import video as queries

bp = Blueprint("cameras", __name__, url_prefix="/gate")


@bp.get("/cameras")
@policy(*WATCHERS)
def index() -> str:
    """Every camera, and the newest holes in recordings."""
    with unit_of_work() as session:
        return render_template(
            "gate/cameras.html", **NAMES, cameras=queries.cameras(session, datetime.now(UTC)),
            gaps=queries.gaps(session, limit=30),
        )  # fmt: skip
