"""How the devices are, for whoever oversees them: what needs a look first, then all of them by site."""

from datetime import UTC, datetime

from flask import Blueprint, render_template

from iot.device_health import devices_health, limits_on
from iot.liveness import Clock, Rate, Signs
from web.auth.policy import policy
from web.context import unit_of_work
from web.live import WATCHERS
from wms.errors import N_

bp = Blueprint("device_health", __name__, url_prefix="/oversight/devices")

SIGNS = {
    Signs.NEVER: ("none", N_("not heard yet")),
    Signs.LIVELY: ("ok", N_("heard in time")),
    Signs.LATE: ("warn", N_("heard late")),
    Signs.SILENT: ("stop", N_("silent for long")),
    Signs.OFFLINE: ("stop", N_("offline")),
    Signs.NO_INTERVAL: ("none", N_("no interval known")),
}
CLOCKS = {
    Clock.UNKNOWN: ("none", N_("not known")),
    Clock.GOOD: ("ok", N_("right")),
    Clock.OFF: ("warn", N_("off")),
    Clock.IGNORED: ("stop", N_("far off, not used")),
}
RATES = {
    Rate.UNKNOWN: ("none", N_("not known")),
    Rate.USUAL: ("ok", N_("as usual")),
    Rate.LOW: ("warn", N_("far fewer than usual")),
    Rate.HIGH: ("warn", N_("far more than usual")),
}


@bp.get("")
@policy(*WATCHERS)
def index() -> str:
    """All active devices; those that need a look come first."""
    now = datetime.now(UTC)
    with unit_of_work() as session:
        rows = devices_health(session, now)
        limits = limits_on(session, now)
    rows.sort(key=lambda one: (not one.needs_a_look, one.site, one.code))
    return render_template(
        "health/devices.html", rows=rows, limits=limits, SIGNS=SIGNS, CLOCKS=CLOCKS, RATES=RATES,
        n_wrong=sum(one.needs_a_look for one in rows),
    )  # fmt: skip
