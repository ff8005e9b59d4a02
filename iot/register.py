"""The device register in memory: who may say what on which topic, and how an arrival is told from every other.

A device's token is 256 random bits, so a keyed SHA-256 of it is kept, not a slow password hash. The key comes from the
installation's secret: a stolen table alone opens nothing.
"""

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from iot import topics
from iot.devices import FORMATS
from iot.inbox import Arrival, checked
from iot.signing import SigningKey, signing_keys
from iot.tables import Device
from wms.db import Database, Scope
from wms.errors import N_, Kind, NotFound, WmsError
from wms.parties.tables import Site

log = structlog.get_logger(__name__)
REFRESH_S = 5.0
RETRY_S = 0.5


class UnknownFormat(WmsError):
    """No module reads this format."""

    code = "unknown_format"
    kind = Kind.INVALID
    text = N_("No device format is called %(format)s. Known formats: %(known)s.")


class BadDeviceName(WmsError):
    """A device's code must fit into a topic."""

    code = "bad_device_name"
    kind = Kind.INVALID
    text = N_("%(code)s cannot name a device: 1 to 64 letters, digits, underscores and hyphens.")


class BadTopicFilter(WmsError):
    """A maker's topic must be a filter that does not take in everything."""

    code = "bad_topic_filter"
    kind = Kind.INVALID
    text = N_("%(topic_filter)s is not a topic filter for one device.")


class DeviceKnown(WmsError):
    """A code names one device of the installation, for good: its history is found by it."""

    code = "device_known"
    kind = Kind.CONFLICT
    text = N_("A device is called %(code)s already.")


class BadProfile(WmsError):
    """What a format must know of a device is one JSON object."""

    code = "bad_device_profile"
    kind = Kind.INVALID
    text = N_("The profile is not a JSON object.")


class BadFamily(WmsError):
    """A device is one of the six families of our topics."""

    code = "bad_device_family"
    kind = Kind.INVALID
    text = N_("%(family)s is no kind of device. Known kinds: %(known)s.")


@dataclass(frozen=True)
class NewDevice:
    """What is needed to register a device; ``heartbeat_s`` is the interval of its signs of life in seconds."""

    code: str
    site_id: int
    family: str
    format: str = "dongting"
    lane: str | None = None
    name_zh: str = ""
    name_en: str = ""
    topic_filters: tuple[str, ...] = ()
    profile: Mapping[str, Any] = field(default_factory=dict)
    heartbeat_s: int | None = None


@dataclass(frozen=True)
class KnownDevice:
    """A registered, active device."""

    id: int
    code: str
    site_id: int
    site_code: str
    family: str
    format: str
    lane: str | None
    topic_filters: tuple[str, ...]
    profile: Mapping[str, Any]
    token_mac: bytes | None
    heartbeat_s: int | None
    certificate_from_at: datetime | None = None
    must_sign: bool = False
    keys: tuple[SigningKey, ...] = ()

    def topic(self, leaf: str) -> str:
        """The device's topic with the given leaf."""
        return str(topics.Topic(self.site_code, self.family, self.code, leaf))

    def may_publish(self, topic: str) -> bool:
        """Its own event, status and command result; and the topics of its maker that are registered for it."""
        own = topics.parse(topic)
        if own:
            named = (own.site, own.family, own.device) == (self.site_code, self.family, self.code)
            return named and own.leaf in topics.FROM_DEVICE
        return any(topics.matches(topic, one) for one in self.topic_filters)

    def may_receive(self, topic: str) -> bool:
        """Its own receipts and commands; and the topics of its maker that are registered for it."""
        own = topics.parse(topic)
        if own:
            named = (own.site, own.family, own.device) == (self.site_code, self.family, self.code)
            return named and own.leaf in topics.TO_DEVICE
        return any(topics.matches(topic, one) for one in self.topic_filters)

    def may_subscribe(self, topic_filter: str) -> bool:
        """A filter inside its own subtree or its maker's; each message is judged again when it is delivered."""
        if topic_filter.startswith(self.topic("")):
            return True
        return any(topics.matches(topic_filter, one) for one in self.topic_filters)

    def may_connect_as(self, client_id: str) -> bool:
        """A client id is the device's code, alone or followed by a colon and anything."""
        return client_id == self.code or client_id.startswith(self.code + ":")


def token_mac(secret_key: str, token: str) -> bytes:
    """Keyed SHA-256 of a device token (32 bytes)."""
    key = hashlib.sha256(b"dongting device token\0" + secret_key.encode()).digest()
    return hmac.new(key, token.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def register_device(session: Session, new: NewDevice, secret_key: str, token: str | None = None) -> tuple[int, str]:
    """Register a device; return its id and its token, which is not kept and cannot be shown again.

    Raises :class:`BadDeviceName`, :class:`UnknownFormat`, :class:`BadTopicFilter`, :class:`BadFamily`,
    :class:`DeviceKnown`.
    """
    if not topics.is_name(new.code):
        raise BadDeviceName(field="code", code=new.code)
    if new.format not in FORMATS:
        raise UnknownFormat(field="format", format=new.format, known=", ".join(sorted(FORMATS)))
    for one in new.topic_filters:
        if not topics.is_filter(one):
            raise BadTopicFilter(field="topic_filters", topic_filter=one)
    if new.family not in topics.FAMILIES:
        raise BadFamily(field="family", family=new.family, known=", ".join(topics.FAMILIES))
    if session.scalar(select(Device.id).where(Device.code == new.code)) is not None:
        raise DeviceKnown(field="code", code=new.code)
    token = token or secrets.token_urlsafe(32)
    row = {
        "code": new.code,
        "site_id": new.site_id,
        "family": new.family,
        "format": new.format,
        "lane": new.lane,
        "name_zh": new.name_zh or new.code,
        "name_en": new.name_en or new.code,
        "topic_filters": list(new.topic_filters),
        "profile": dict(new.profile),
        "heartbeat_s": new.heartbeat_s,
        "token_mac": token_mac(secret_key, token),
    }
    device_id: int = session.execute(insert(Device).values(row).returning(Device.id)).scalar_one()
    return device_id, token


def change_device(
    session: Session, device_id: int, format_name: str, profile: Mapping[str, Any], *, is_active: bool
) -> None:
    """Change how a device's messages are read from now on, or put it out of use. Raises :class:`UnknownFormat`."""
    if format_name not in FORMATS:
        raise UnknownFormat(field="format", format=format_name, known=", ".join(sorted(FORMATS)))
    changed = session.execute(
        update(Device)
        .where(Device.id == device_id)
        .values(format=format_name, profile=dict(profile), is_active=is_active)
        .returning(Device.id)
    ).all()
    if not changed:
        raise NotFound(what=f"device {device_id}")


class Register:
    """A frozen picture of all active devices."""

    def __init__(self, devices: Iterable[KnownDevice] = ()) -> None:
        self.by_code = {device.code: device for device in devices}
        self.by_id = {device.id: device for device in self.by_code.values()}
        self.lane_devices = frozenset(device.id for device in self.by_code.values() if device.lane)
        self._with_filters = [device for device in self.by_code.values() if device.topic_filters]

    def by_topic(self, topic: str) -> KnownDevice | None:
        """The one device that may publish on ``topic``."""
        own = topics.parse(topic)
        if own:
            device = self.by_code.get(own.device)
            return device if device and device.may_publish(topic) else None
        return next((device for device in self._with_filters if device.may_publish(topic)), None)


def load(session: Session, secret_key: str = "") -> Register:
    """Read all active devices of the tenant; HMAC keys are derived from ``secret_key``."""
    keys = signing_keys(session, secret_key)
    query = select(Device, Site.code).join(Site, Site.id == Device.site_id).where(Device.is_active)
    return Register(
        KnownDevice(
            id=device.id,
            code=device.code,
            site_id=device.site_id,
            site_code=site_code,
            family=device.family,
            format=device.format,
            lane=device.lane,
            topic_filters=tuple(device.topic_filters),
            profile=device.profile,
            token_mac=None if device.token_mac is None else bytes(device.token_mac),
            heartbeat_s=device.heartbeat_s,
            certificate_from_at=device.certificate_from_at,
            must_sign=device.must_sign,
            keys=keys.get(device.id, ()),
        )
        for device, site_code in session.execute(query)
    )


class Registry:
    """The register, read again every few seconds and at once when somebody unknown knocks. Safe among threads."""

    def __init__(self, database: Database, scope: Scope, secret_key: str) -> None:
        self._database, self._scope, self._secret_key = database, scope, secret_key
        self._lock = threading.Lock()
        self._read_at = -1e9
        self.current = Register()

    def refresh(self, older_than_s: float = 0.0) -> Register:
        """Read the table unless that was done less than ``older_than_s`` ago. Raises what the database raises."""
        with self._lock:
            if time.monotonic() - self._read_at >= older_than_s:
                with self._database.unit_of_work(self._scope) as session:
                    self.current = load(session, self._secret_key)
                self._read_at = time.monotonic()
            return self.current

    def authenticate(self, code: str | None, token: str | None) -> KnownDevice | None:
        """The device whose token this is. May read the table: call it outside the event loop."""
        if not code or token is None:
            return None
        mac = token_mac(self._secret_key, token)
        for older_than_s in (REFRESH_S, RETRY_S):
            device = self.refresh(older_than_s).by_code.get(code)
            if device and device.token_mac and hmac.compare_digest(mac, device.token_mac):
                return device
        return None

    def certified(self, code: str | None, token: str | None, name: str, valid_from_at: datetime) -> KnownDevice | None:
        """The device that a certificate of our authority names; a token that is given along must be its own.

        May read the table: call it outside the event loop.
        """
        if not name or code != name:
            return None
        if token is not None:
            device = self.authenticate(code, token)
        else:
            device = self.refresh(REFRESH_S).by_code.get(name) or self.refresh(RETRY_S).by_code.get(name)
        if device is None or (device.certificate_from_at and valid_from_at < device.certificate_from_at):
            return None
        return device


def message_key(device: KnownDevice | None, topic: str, payload: bytes) -> tuple[str, bool]:
    """What tells this message from every other of its source, and whether that is only a hash of it (weak).

    Ours carries an id. Others are hashed; their own ids tell their readings apart later. A status, and a format whose
    identical bytes are a new observation, get a key of their own each time: losing one is worse than holding it twice.
    """
    if device is None or device.format == "dongting" or topics.parse(topic):
        try:
            given = json.loads(payload).get("id")
        except (ValueError, AttributeError, RecursionError):
            given = None
        if isinstance(given, str) and given:
            return given, False
    digest = hashlib.sha256(topic.encode("utf-8", "surrogatepass") + b"\0" + payload).hexdigest()
    known = FORMATS.get(device.format) if device else None
    if topic.endswith("/" + topics.STATUS) or (known and known.is_new_each_time(topic)):
        return f"once:{digest[:32]}:{secrets.token_hex(8)}", True
    return "sha256:" + digest, True


def arrival(
    register: Register,
    sender: KnownDevice | None,
    topic: str,
    payload: bytes,
    *,
    qos: int,
    door: str,
    limit_bytes: int,
    is_dup: bool = False,
    is_retained: bool = False,
    is_will: bool = False,
) -> Arrival:
    """An arrival as the inbox takes it. ``sender`` is the authenticated device, None at a site's own broker.

    What the sender may not say, what nobody is registered for and what is too large is kept with its reason.
    """
    device, reason, detail = sender, None, ""
    if device is None:
        device = register.by_topic(topic)
        if device is None:
            reason, detail = "unknown_device", topic
    elif not device.may_publish(topic):
        reason, detail = "foreign_topic", f"{device.code} on {topic}"
    if len(payload) > limit_bytes:
        reason, detail = reason or "oversized", detail or f"{len(payload)} bytes, at most {limit_bytes}"
    if reason:
        key, is_weak = (
            "sha256:" + hashlib.sha256(topic.encode("utf-8", "replace") + b"\0" + payload).hexdigest(),
            True,
        )
    else:
        key, is_weak = message_key(device, topic, payload)
    return checked(
        Arrival(
            source=device.code if device else f"topic:{topic}",
            message_key=key,
            is_weak_key=is_weak,
            topic=topic,
            payload=payload,
            qos=qos,
            door=door,
            is_dup=is_dup,
            is_retained=is_retained,
            is_will=is_will,
            device_id=device.id if device else None,
            reason=reason,
            detail=detail,
            received_at=datetime.now(UTC),
        )
    )
