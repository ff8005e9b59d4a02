"""Who knocks at a door without MQTT: a device's token in a header, Basic, Digest or the path, or its address.

A device whose profile names ``source_address`` (an address or a network) is heard from there alone, whatever it shows;
with ``trust_address`` that address is all it needs, for cameras that can show nothing. Digest needs the token's HA1
(MD5 of name, realm and token), which stands sealed in the profile as ``digest``: the token itself is never kept.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from iot.register import KnownDevice

REALM = "dongting"
NONCE_S = 300
_PAIRS = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True)
class Caller:
    """What a request shows of its sender. ``path`` is what follows ``/push/``: the device, and perhaps its token."""

    address: str
    method: str
    target: str
    device: str
    path_token: str | None
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Shown:
    """Who it is (None: nobody that we know) and, where not, why; ``digest_wanted`` asks for a new challenge."""

    device: KnownDevice | None
    why: str = ""


class Challenges:
    """Nonces for Digest (RFC 7616): made from time and a secret of this process, so that none need be kept."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def new(self) -> str:
        """A nonce that is good for five minutes."""
        at = f"{int(time.time()):x}"
        return f"{at}.{self._mac(at)}"

    def is_good(self, nonce: str) -> bool:
        """Whether we made it, not too long ago."""
        at, _, mac = nonce.partition(".")
        if not re.fullmatch(r"[0-9a-f]{1,16}", at) or not hmac.compare_digest(mac, self._mac(at)):
            return False
        return 0 <= time.time() - int(at, 16) <= NONCE_S

    def header(self) -> str:
        """The value of WWW-Authenticate; MD5 because that is what cameras speak."""
        return f'Digest realm="{REALM}", qop="auth", algorithm=MD5, nonce="{self.new()}"'

    def _mac(self, at: str) -> str:
        return hmac.new(self._secret, at.encode(), hashlib.sha256).hexdigest()[:32]


def ha1(device: str, token: str) -> str:
    """The secret half of Digest: MD5 of name, realm and token (RFC 7616, 3.4.2)."""
    return hashlib.md5(f"{device}:{REALM}:{token}".encode(), usedforsecurity=False).hexdigest()


def comes_from(address: str, allowed: str) -> bool:
    """Whether ``address`` is, or lies in, the configured one. A broken configuration lets nobody in."""
    try:
        return ip_address(address) in ip_network(allowed, strict=False)
    except ValueError:
        return False


def shown_by(
    caller: Caller,
    known: KnownDevice | None,
    is_token: Callable[[str, str], KnownDevice | None],
    open_ha1: Callable[[KnownDevice], str | None],
    challenges: Challenges,
) -> Shown:
    """Who the caller is. ``known`` is the registered device of its path, ``is_token`` checks a token (slowly)."""
    if known is None:
        return Shown(None, "unknown_device")
    allowed = known.profile.get("source_address")
    if allowed is not None and not comes_from(caller.address, str(allowed)):
        return Shown(None, "wrong_address")
    if allowed is not None and known.profile.get("trust_address") is True:
        return Shown(known)
    token = caller.path_token or _token(caller)
    if token is not None:
        found = is_token(known.code, token)
        return Shown(found) if found else Shown(None, "wrong_token")
    given = caller.headers.get("authorization", "")
    if given[:7].lower() == "digest ":
        return _digest(caller, known, given[7:], open_ha1(known), challenges)
    return Shown(None, "no_token")


def _token(caller: Caller) -> str | None:
    """The token of ``X-Device-Token``, ``Authorization: Bearer``, Plate Recognizer's ``Token``, or Basic."""
    if given := caller.headers.get("x-device-token"):
        return given.strip()
    scheme, _, rest = caller.headers.get("authorization", "").partition(" ")
    if scheme.lower() in ("bearer", "token"):
        return rest.strip()
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return ""
    return password if name == caller.device else ""


def _digest(caller: Caller, known: KnownDevice, given: str, secret: str | None, challenges: Challenges) -> Shown:
    said = {name.lower(): quoted or plain for name, quoted, plain in _PAIRS.findall(given)}
    if secret is None:
        return Shown(None, "no_digest")
    if said.get("username") != known.code or said.get("uri") != caller.target:
        return Shown(None, "wrong_token")
    if not challenges.is_good(said.get("nonce", "")):
        return Shown(None, "old_nonce")
    ha2 = hashlib.md5(f"{caller.method}:{caller.target}".encode(), usedforsecurity=False).hexdigest()
    middle = [said["nonce"]]
    if said.get("qop"):
        middle += [said.get("nc", ""), said.get("cnonce", ""), said["qop"]]
    wanted = hashlib.md5(":".join([secret, *middle, ha2]).encode(), usedforsecurity=False).hexdigest()
    is_right = hmac.compare_digest(wanted, said.get("response", "").lower().encode("ascii", "replace").decode())
    return Shown(known) if is_right else Shown(None, "wrong_token")
