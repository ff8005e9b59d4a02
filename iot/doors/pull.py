"""HTTP pull: event streams that a camera keeps open for us. Hikvision alertStream, Dahua attach, Impinj's stream.

The profile's ``pull`` names ``url``, ``login`` and the sealed ``password``; the camera chooses Digest or Basic. A
stream that ends or falls silent is opened again, ever more slowly, and the silence is alarmed: such a camera keeps
nothing for us, so what it saw meanwhile is lost to us and the alarm says since when.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import dataclass

import httpx
import structlog

from iot.committer import Committer
from iot.doors.arrivals import from_device
from iot.doors.parts import Lines, Part, Parts, TooLong, boundary_of
from iot.register import KnownDevice

log = structlog.get_logger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
SILENT_S = 60.0
FLUSH_S = 0.5
CONNECT_S = 10.0


@dataclass(frozen=True)
class Stream:
    """Where a camera's events are asked for, and as whom."""

    url: str
    login: str
    password: str
    silent_s: float = SILENT_S


class _Either(httpx.Auth):
    """Digest when the camera asks for it, Basic when it asks for that, nothing before it asks."""

    requires_response_body = False

    def __init__(self, login: str, password: str) -> None:
        self._login, self._password = login, password

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Ask bare, then as the camera wants it."""
        response = yield request
        if response.status_code != 401:
            return
        asked = response.headers.get("www-authenticate", "").lower()
        if "digest" in asked:
            digest = httpx.DigestAuth(self._login, self._password)
            flow = digest.auth_flow(request)
            next(flow)
            yield flow.send(response)
        elif "basic" in asked:
            yield next(httpx.BasicAuth(self._login, self._password).auth_flow(request))


async def pull(
    device: KnownDevice,
    stream: Stream,
    committer: Committer,
    tell: Callable[[str, str], None],
    *,
    limit_bytes: int,
    first_pause_s: float = FIRST_PAUSE_S,
) -> None:
    """Read the stream until cancelled.

    ``tell("not_connected", why)`` is called at each failure, ``tell("connected", "")`` at each start.
    """
    pause = first_pause_s
    while True:
        try:
            async for part in _parts(stream, tell, limit_bytes):
                pause = first_pause_s
                if not part.content_type.startswith("image/"):  # pictures stay in the recorder
                    await committer.room.wait()
                    committer.submit(from_device("pull", device, part.body, limit_bytes=limit_bytes))
            tell("not_connected", "the camera ended the stream")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as why:
            tell("not_connected", f"{type(why).__name__}: {why}"[:200])
        except TooLong:
            tell("not_connected", f"a part of more than {limit_bytes} bytes")
        except Exception as why:
            log.exception("pull_failed", device=device.code)
            tell("not_connected", f"{type(why).__name__}"[:200])
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


async def _parts(stream: Stream, tell: Callable[[str, str], None], limit_bytes: int) -> AsyncIterator[Part]:
    timeout = httpx.Timeout(CONNECT_S, read=stream.silent_s)
    auth = _Either(stream.login, stream.password) if stream.login else None
    async with (
        httpx.AsyncClient(timeout=timeout, auth=auth, trust_env=False, follow_redirects=False) as client,
        client.stream("GET", stream.url) as response,
    ):
        if response.status_code != 200:
            raise httpx.HTTPError(f"the camera answers {response.status_code}")
        boundary = boundary_of(response.headers.get("content-type", ""))
        cutter: Parts | Lines = Parts(boundary, limit_bytes) if boundary else Lines(limit_bytes)
        tell("connected", "")
        chunks = response.aiter_raw().__aiter__()
        waiting: asyncio.Future[bytes] | None = None
        try:
            while True:
                waiting = waiting or asyncio.ensure_future(anext(chunks))
                done, _ = await asyncio.wait({waiting}, timeout=FLUSH_S)
                if not done:
                    for part in cutter.flush():
                        yield part
                    continue
                try:
                    chunk = waiting.result()
                except StopAsyncIteration:
                    break
                except httpx.TransportError:  # cut off: what came until then is kept, and the cause is told
                    waiting = None
                    for part in cutter.finish():
                        yield part
                    raise
                waiting = None
                for part in cutter.feed(chunk):
                    yield part
            for part in cutter.finish():
                yield part
        finally:
            if waiting is not None:
                waiting.cancel()
