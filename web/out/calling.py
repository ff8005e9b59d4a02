"""One POST to somebody else's address: resolved once, checked, connected to that very address; no redirect followed.

A name that resolves to a public address for the check and to an inner one for the call (DNS rebinding) gets nowhere.
"""

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from web.out.rules import PRIVATE, Target, pinned

TIMEOUT_S = 10.0
MOST_READ = 65_536


@dataclass(frozen=True)
class Answer:
    """What came back: a status, or why there was none; how long the receiver asks to wait."""

    status: int | None
    error: str | None = None
    retry_after_s: int | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver took it: any 2xx."""
        return self.status is not None and 200 <= self.status < 300


def call(target: Target, headers: Mapping[str, str], body: bytes, *, private_allowed: bool) -> Answer:
    """POST ``body``; never raises for what the network or the receiver does."""
    try:
        address = pinned(_addresses(target), private_allowed=private_allowed)
        if address is None:
            return Answer(None, PRIVATE)
        connection = _connection(target, address)
        try:
            connection.request("POST", target.path, body=body, headers={**headers, "host": _host(target)})
            response = connection.getresponse()
            response.read(MOST_READ)
            asked = response.getheader("Retry-After", "")
            retry_s = int(asked) if asked.isdecimal() and len(asked) < 8 else None
            return Answer(response.status, None if response.status < 300 else response.reason[:200], retry_s)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return Answer(None, f"{type(error).__name__}: {error}"[:500])


def _addresses(target: Target) -> list[str]:
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))


def _host(target: Target) -> str:
    usual = 443 if target.is_tls else 80
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == usual else f"{host}:{target.port}"


def _connection(target: Target, address: str) -> http.client.HTTPConnection:
    """Return a connection to ``address`` that speaks to ``target.host``: its name is what the certificate must say."""
    connection = http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT_S)
    line = socket.create_connection((address, target.port), timeout=TIMEOUT_S)
    connection.sock = (
        ssl.create_default_context().wrap_socket(line, server_hostname=target.host) if target.is_tls else line
    )
    return connection
