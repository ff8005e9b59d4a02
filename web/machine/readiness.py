"""Ask the web whether everything is ready, as a load balancer would."""

import http.client
import json
import ssl
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from wms.errors import N_, Kind, WmsError
from wms.settings import Settings

LATE = "messages are read late"  # as web.health says it


class NotReady(WmsError):
    """The programs run but do not become ready."""

    code = "not_ready"
    kind = Kind.UNAVAILABLE
    text = N_("Dongting did not become ready within %(seconds)s s: %(reason)s. The logs are in %(logs)s.")


def wait_ready(url: str, settings: Settings, timeout_s: float, is_alive: Callable[[], bool]) -> None:
    """Wait until ``/readyz`` answers 200, or only says that messages are still being read from before.

    Whoever comes back after an outage has them waiting; to end everything for it would be to never come back.
    Raises :class:`NotReady` naming what is not.
    """
    deadline = time.monotonic() + timeout_s
    reason = "the web does not answer"
    while time.monotonic() < deadline and is_alive():
        try:
            status, body = _ask(url)
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
            continue
        if status == http.HTTPStatus.OK or _is_only_late(body):
            return
        reason = _what_is_not(body)
        time.sleep(0.2)
    raise NotReady(seconds=int(timeout_s), reason=reason, logs=str(settings.data_dir / "logs"))


def _ask(url: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        # Our own certificate on our own machine: the question is whether it answers, not who it is.
        context = ssl._create_unverified_context()  # noqa: S323
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=5, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": parts.netloc})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _is_only_late(body: bytes) -> bool:
    """Whether all that is not ready is the reading of what came before."""
    try:
        broken = [check["detail"] for check in json.loads(body)["checks"].values() if not check["ok"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(broken) and all(LATE in str(detail) for detail in broken)


def _what_is_not(body: bytes) -> str:
    try:
        checks = json.loads(body)["checks"]
        broken = [f"{name} ({check['detail']})" for name, check in checks.items() if not check["ok"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "the web answers, but not as it should"
    return ", ".join(broken) or "the web is not ready"
