"""How a device without MQTT is let in: written into its profile, secrets sealed under the installation's keys."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from iot.doors.identity import ha1
from iot.tables import Device
from wms.db import Database, Scope
from wms.errors import N_, Kind, WmsError
from wms.parties.private import KeyLost, keys_of

SEALED_AS = "device_door"
SHORTEST_SILENCE_S, LONGEST_SILENCE_S = 5, 3_600


class UnknownDevice(WmsError):
    """No device is registered under this code."""

    code = "unknown_device"
    kind = Kind.NOT_FOUND
    text = N_("No device is called %(device)s.")


class BadAddress(WmsError):
    """A source address must be an IP address or a network."""

    code = "bad_source_address"
    kind = Kind.INVALID
    text = N_("%(address)s is no IP address and no network such as 10.1.0.0/24.")


class AddressNeeded(WmsError):
    """A device that is known by its address alone needs one, and a front end always does."""

    code = "source_address_needed"
    kind = Kind.INVALID
    text = N_("A device that is trusted by its address needs a source address of at most 256 addresses.")


class BadStream(WmsError):
    """The address of a camera's event stream must be an http address."""

    code = "bad_stream_address"
    kind = Kind.INVALID
    text = N_("%(url)s is no http or https address with a host and without a login in it.")


class BadLine(WmsError):
    """A serial server is named as host and port."""

    code = "bad_serial_server"
    kind = Kind.INVALID
    text = N_("%(line)s is not host:port.")


@dataclass(frozen=True)
class DoorSettings:
    """How one device comes in. ``token`` is needed to let it use Digest; passwords are sealed and not shown again."""

    source_address: str | None = None
    trust_address: bool = False
    digest_token: str | None = None
    pull_url: str | None = None
    pull_login: str = ""
    pull_password: str = ""
    silent_s: int = 60
    serial_server: str | None = None
    area_id: str | None = None


def set_door(session: Session, device_code: str, door: DoorSettings) -> dict[str, Any]:
    """Write the settings; what is not given is taken away. Returns the profile.

    Raises UnknownDevice, BadAddress, AddressNeeded, BadStream, BadLine.
    """
    device = session.scalar(select(Device).where(Device.code == device_code).with_for_update())
    if device is None:
        raise UnknownDevice(device=device_code)
    _check(door)
    profile = {name: value for name, value in device.profile.items() if name not in OURS}
    if door.source_address:
        profile["source_address"] = door.source_address
        profile["trust_address"] = door.trust_address
    if door.digest_token:
        profile["digest"] = _seal(session, ha1(device.code, door.digest_token))
    if door.pull_url:
        password = _seal(session, door.pull_password)
        silent = min(max(door.silent_s, SHORTEST_SILENCE_S), LONGEST_SILENCE_S)
        pull = {"url": door.pull_url, "login": door.pull_login, "password": password, "silent_s": silent}
        profile["pull"] = pull
    if door.serial_server:
        profile["serial_server"] = door.serial_server
    if door.area_id:
        profile["area_id"] = door.area_id
    device.profile = profile
    session.flush()
    return dict(profile)


OURS = ("source_address", "trust_address", "digest", "pull", "serial_server", "area_id")


def _check(door: DoorSettings) -> None:
    if door.source_address:
        try:
            network = ip_network(door.source_address, strict=False)
        except ValueError:
            raise BadAddress(field="source_address", address=door.source_address) from None
        if door.trust_address and network.num_addresses > 256:
            raise AddressNeeded(field="source_address")
    elif door.trust_address:
        raise AddressNeeded(field="source_address")
    if door.pull_url:
        parts = urlsplit(door.pull_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise BadStream(field="pull_url", url=door.pull_url)
    if door.serial_server and host_and_port(door.serial_server) is None:
        raise BadLine(field="serial_server", line=door.serial_server)


def host_and_port(line: str) -> tuple[str, int] | None:
    """``host:port`` taken apart; None for anything else."""
    host, _, port = line.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        return None
    return host, int(port)


def _seal(session: Session, secret: str) -> str:
    return base64.b64encode(keys_of(session).seal(secret, SEALED_AS)).decode()


def opened(database: Database, scope: Scope, sealed: object) -> str | None:
    """A sealed secret of a profile, None when it is none of ours or its key is gone."""
    if not isinstance(sealed, str):
        return None
    try:
        with database.unit_of_work(scope) as session:
            return keys_of(session).open(base64.b64decode(sealed), SEALED_AS)
    except (ValueError, KeyLost):
        return None


def pull_of(profile: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The profile's stream, if it names one."""
    pull = profile.get("pull")
    return pull if isinstance(pull, dict) and isinstance(pull.get("url"), str) else None
