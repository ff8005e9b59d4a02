"""How a device without MQTT comes in: source address, Digest, an event stream that we ask for, a serial server."""

from collections.abc import Mapping
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from iot.doors.setup import DoorSettings, set_door
from web.api.idempotency import write
from web.api.schemas import Body
from web.auth.policy import policy

bp = APIBlueprint("api_device_doors", __name__, url_prefix="/api/v1", tag="Devices")
Short = Annotated[str, Field(min_length=1, max_length=200)]


class DeviceDoorIn(Body):
    """What is not given is taken away. Token and password are sealed, and no answer shows them again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"source_address": "10.1.7.21", "area_id": "4912000001"},
            ]
        }
    )

    source_address: Short | None = None
    trust_address: bool = False
    digest_token: Short | None = None
    pull_url: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    pull_login: Annotated[str, Field(max_length=200)] = ""
    pull_password: Annotated[str, Field(max_length=200)] = ""
    silent_s: Annotated[int, Field(strict=True, ge=5, le=3600)] = 60
    serial_server: Short | None = None
    area_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,10}$")] | None = None


@bp.post("/devices/<code>/door")
@policy("supervisor")
@bp.input(DeviceDoorIn, arg_name="body")
def door(code: str, body: DeviceDoorIn) -> Response:
    """Say how a registered device comes in by HTTP or over a connection of its own."""
    given = body.model_dump()

    def act(session: Session) -> Mapping[str, Any]:
        profile = set_door(session, code, DoorSettings(**given))
        shown = ("source_address", "trust_address", "serial_server", "area_id")
        told: dict[str, Any] = {name: profile[name] for name in shown if name in profile}
        return {"device": code, **told, "has_digest": "digest" in profile, "has_stream": "pull" in profile}

    hidden = {name: bool(given[name]) for name in ("digest_token", "pull_password")}
    return write(act, {"device": code} | given | hidden)
