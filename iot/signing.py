"""Signatures over what devices say: Ed25519 or HMAC-SHA-256, with a key id, so that keys can be changed.

An envelope carries ``"sig": {"kid": …, "alg": "ed25519" | "hmac-sha256", "value": base64}`` over its canonical bytes:
the JSON object without ``sig``, keys sorted, no spaces, UTF-8, numbers as they are written shortest (RFC 8785 for all
that our envelope holds). Several keys of a device hold at once while it changes from one to the next.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from iot.events import BAD_SIGNATURE, UNSIGNED
from iot.tables import Device, DeviceKey
from wms.errors import N_, Kind, WmsError

ED25519, HMAC_SHA256 = "ed25519", "hmac-sha256"
ED25519_BYTES = 32
KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
CERTIFICATE_EARLY = timedelta(minutes=5)  # certificates begin so much before they are made: devices' clocks run late


@dataclass(frozen=True)
class SigningKey:
    """A key of one device. ``material`` is the public key, or the secret one where it is an HMAC's."""

    key_id: str
    algorithm: str
    valid_from_at: datetime
    valid_until_at: datetime | None
    material: bytes = field(default=b"", repr=False)

    def holds_at(self, at: datetime) -> bool:
        """Whether it may sign what came at ``at``."""
        return self.valid_from_at <= at and (self.valid_until_at is None or at < self.valid_until_at)


def signing_keys(session: Session, secret_key: str) -> dict[int, tuple[SigningKey, ...]]:
    """All keys by device id."""
    found: dict[int, tuple[SigningKey, ...]] = {}
    rows = select(DeviceKey, Device.code).join(Device, Device.id == DeviceKey.device_id).order_by(DeviceKey.id)
    for row, code in session.execute(rows):
        material = bytes(row.public_key or b"") or hmac_key(secret_key, code, row.key_id)
        key = SigningKey(row.key_id, row.algorithm, row.valid_from_at, row.valid_until_at, material)
        found[row.device_id] = (*found.get(row.device_id, ()), key)
    return found


def hmac_key(secret_key: str, device: str, key_id: str) -> bytes:
    """The HMAC key of a device (32 bytes), given to it when it is set up; it stands in no table."""
    said = f"dongting payload key\0{device}\0{key_id}".encode()
    return hmac.new(secret_key.encode(), said, hashlib.sha256).digest()


def canonical(body: Mapping[str, Any]) -> bytes:
    """The bytes that are signed."""
    said = {name: value for name, value in body.items() if name != "sig"}
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def doubt_of(keys: Iterable[SigningKey], payload: bytes, at: datetime, *, must_sign: bool) -> str | None:
    """Why the payload is not to be trusted (``unsigned``, ``bad_signature``); None when it is, or need not be signed.

    A signature that is there is looked at wherever the device has keys: a wrong one is a forgery, asked for or not.
    """
    known = tuple(keys)
    if not known and not must_sign:
        return None
    try:
        body = json.loads(payload)
        sig = body.get("sig")
    except (ValueError, AttributeError, RecursionError):
        return UNSIGNED if must_sign else None
    if sig is None:
        return UNSIGNED if must_sign else None
    try:
        return None if _is_right(known, body, sig, at) else BAD_SIGNATURE
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, UnicodeError, InvalidSignature):
        return BAD_SIGNATURE


def _is_right(keys: Iterable[SigningKey], body: Mapping[str, Any], sig: Mapping[str, Any], at: datetime) -> bool:
    value = base64.b64decode(sig["value"], validate=True)
    for key in keys:
        if (key.key_id, key.algorithm) != (sig["kid"], sig["alg"]) or not key.holds_at(at):
            continue
        if key.algorithm == ED25519:
            Ed25519PublicKey.from_public_bytes(key.material).verify(value, canonical(body))
            return True
        made = hmac.new(key.material, canonical(body), hashlib.sha256).digest()
        return hmac.compare_digest(made, value)
    return False


class BadKey(WmsError):
    """Not a key that a device can sign with."""

    code = "bad_device_key"
    kind = Kind.INVALID
    text = N_("%(key_id)s cannot be a key: an Ed25519 public key of 32 bytes is wanted, or none for HMAC.")


class KeyKnown(WmsError):
    """The device has a key of this name already; names are not used twice, so that old signatures stay clear."""

    code = "device_key_known"
    kind = Kind.CONFLICT
    text = N_("%(device)s already has a key %(key_id)s. Give the new one another name.")


class NoDevice(WmsError):
    """No device has this code, or the device no such key."""

    code = "no_such_device"
    kind = Kind.NOT_FOUND
    text = N_("There is no device or key %(device)s.")


def add_key(session: Session, device: str, key_id: str, at: datetime, public_key: bytes | None = None) -> None:
    """Give ``device`` a further key from ``at`` on: of Ed25519 when its public key is given, else of HMAC.

    Raises :class:`NoDevice`, :class:`BadKey`, :class:`KeyKnown`.
    """
    found = device_of(session, device)
    if not KEY_ID.fullmatch(key_id) or (public_key is not None and len(public_key) != ED25519_BYTES):
        raise BadKey(field="key_id", key_id=key_id)
    if session.scalar(select(DeviceKey.id).where(DeviceKey.device_id == found.id, DeviceKey.key_id == key_id)):
        raise KeyKnown(field="key_id", device=device, key_id=key_id)
    algorithm = HMAC_SHA256 if public_key is None else ED25519
    session.add(
        DeviceKey(device_id=found.id, key_id=key_id, algorithm=algorithm, public_key=public_key, valid_from_at=at)
    )
    session.flush()


def retire_key(session: Session, device: str, key_id: str, at: datetime) -> None:
    """The key signs nothing that comes at ``at`` or later. Raises :class:`NoDevice`."""
    wanted = select(DeviceKey).where(DeviceKey.device_id == device_of(session, device).id, DeviceKey.key_id == key_id)
    key = session.scalar(wanted)
    if key is None:
        raise NoDevice(device=f"{device}/{key_id}")
    key.valid_until_at = max(at, key.valid_from_at + timedelta(microseconds=1))
    session.flush()


def demand(session: Session, device: str, *, must_sign: bool) -> None:
    """From now on what ``device`` says counts only when it is signed, or need not be. Raises :class:`NoDevice`."""
    device_of(session, device).must_sign = must_sign
    session.flush()


def revoke_certificates(session: Session, device: str, at: datetime) -> None:
    """Client certificates of ``device`` that were made before ``at`` let nobody in any more."""
    device_of(session, device).certificate_from_at = (at - CERTIFICATE_EARLY).replace(microsecond=0)  # as in them
    session.flush()


def device_of(session: Session, code: str) -> Device:
    """The device of that code. Raises :class:`NoDevice`."""
    found = session.scalar(select(Device).where(Device.code == code))
    if found is None:
        raise NoDevice(device=code)
    return found
