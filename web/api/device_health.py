"""How each device is: signs of life, clock, rate, battery, missing messages."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify

from iot.device_health import DeviceHealth, devices_health
from web.api.rows import as_json
from web.auth.policy import policy
from web.context import unit_of_work
from web.live import WATCHERS
from wms.errors import NotFound

bp = APIBlueprint("api_device_health", __name__, url_prefix="/api/v1", tag="Devices")


def _body(one: DeviceHealth) -> dict[str, Any]:
    return as_json({**asdict(one), "needs_a_look": one.needs_a_look})


@bp.get("/device-health")
@policy(*WATCHERS)
def all_devices() -> Response:
    """Every active device, by site and code."""
    with unit_of_work() as session:
        return jsonify([_body(one) for one in devices_health(session, datetime.now(UTC))])


@bp.get("/device-health/<code>")
@policy(*WATCHERS)
def one_device(code: str) -> Response:
    """One device by its code."""
    with unit_of_work() as session:
        found = devices_health(session, datetime.now(UTC), code)
    if not found:
        raise NotFound(field="device", what=code)
    return jsonify(_body(found[0]))
