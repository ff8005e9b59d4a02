"""HTTP push: a camera sends, we commit, then we answer as its maker expects.

Address: ``POST /push/{device}`` with the device's token in a header, Basic or Digest, or
``POST /push/{device}/{token}``; what follows is the maker's own and is kept with the topic. No answer ever tells a
camera to open: Zhenshi's ``info: ok`` lifts the barrier at the camera itself, past every check, so ours says ``no``.
Only a released command opens.
"""

import asyncio
import json
import re
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from urllib.parse import unquote, urlsplit

import structlog

from iot.committer import Committer, is_away
from iot.doors.arrivals import from_device, from_stranger
from iot.doors.identity import Caller, Challenges, Shown, shown_by
from iot.doors.web_server import Answer, Request
from iot.register import REFRESH_S, RETRY_S, KnownDevice, Registry

log = structlog.get_logger(__name__)
PATIENCE_S = 5.0
QUARANTINE_BYTES = 65_536
QUARANTINE_PER_MINUTE = 20
ADDRESSES = 10_000
TOKEN = re.compile(r"[A-Za-z0-9_-]{20,200}")
AWAY = Answer(503, b"not stored, send again\n", headers={"Retry-After": "5"})
ZHENSHI = {"Response_AlarmInfoPlate": {"info": "no", "content": "stored", "is_pay": "false"}}


class Push:
    """The handler of the HTTP door."""

    def __init__(
        self,
        registry: Registry,
        committer: Committer,
        open_ha1: Callable[[KnownDevice], str | None],
        on_refused: Callable[[str, str], None],
        *,
        limit_bytes: int,
    ) -> None:
        self._registry, self._committer, self._open_ha1 = registry, committer, open_ha1
        self._on_refused, self._limit = on_refused, limit_bytes
        self._challenges = Challenges()
        self._strangers: OrderedDict[str, list[float]] = OrderedDict()

    async def __call__(self, request: Request) -> Answer:
        """Answer one request."""
        path = [unquote(part) for part in urlsplit(request.target).path.split("/") if part]
        if path == ["healthz"]:
            return Answer(200, b"ok\n")
        if len(path) < 2 or path[0] != "push":
            return Answer(404, b"POST /push/{device}\n")
        if request.method not in ("POST", "PUT"):
            return Answer(405, b"POST\n", headers={"Allow": "POST"})
        has_token = len(path) > 2 and TOKEN.fullmatch(path[2]) is not None
        caller = Caller(
            request.address, request.method, request.target, path[1], path[2] if has_token else None, request.headers
        )
        tail = "".join("/" + part for part in path[3 if has_token else 2 :])[:200]
        try:
            shown = await asyncio.get_running_loop().run_in_executor(None, self._who, caller)
        except Exception as error:
            if not is_away(error):
                raise
            return AWAY
        if shown.device is None:
            return await self._turn_away(request, caller, shown)
        return await self._take(shown.device, request.body, tail)

    async def _take(self, device: KnownDevice, body: bytes, tail: str) -> Answer:
        if not body:
            return _answer_for(device)  # some cameras ask whether we are there
        if not self._committer.room.is_set():
            return AWAY
        came = from_device("http", device, body, limit_bytes=self._limit, tail=tail)
        return _answer_for(device) if await self._is_stored(came) else AWAY

    async def _is_stored(self, came: object) -> bool:
        """Wait for the commit, five seconds at most; what is committed later is known again when it comes again."""
        future = self._committer.submit(came)  # type: ignore[arg-type]
        done, _ = await asyncio.wait({future}, timeout=PATIENCE_S)
        return bool(done)

    def _who(self, caller: Caller) -> Shown:
        """Runs in a thread: it may read the register."""
        known = self._registry.refresh(REFRESH_S).by_code.get(caller.device)
        known = known or self._registry.refresh(RETRY_S).by_code.get(caller.device)
        return shown_by(caller, known, self._registry.authenticate, self._open_ha1, self._challenges)

    async def _turn_away(self, request: Request, caller: Caller, shown: Shown) -> Answer:
        """Kept in quarantine, a few a minute from one address; the rest is counted by the alarm."""
        challenge = {"WWW-Authenticate": self._challenges.header()}
        if shown.why in ("no_token", "old_nonce") and not (shown.why == "no_token" and self._sends_blind(caller)):
            return Answer(401, b"who is there?\n", headers=challenge)
        self._on_refused(caller.device[:64], shown.why)
        if request.body and self._may_keep(caller.address):
            came = from_stranger(
                "http",
                caller.address,
                caller.device,
                request.body[:QUARANTINE_BYTES],
                "unknown_device" if shown.why == "unknown_device" else "not_authenticated",
                request.headers,
            )
            if not await self._is_stored(came):
                return AWAY
        return Answer(
            403 if shown.why in ("unknown_device", "wrong_address") else 401, b"not known\n", headers=challenge
        )

    def _sends_blind(self, caller: Caller) -> bool:
        """A sender that will never answer a challenge: its device has no Digest."""
        known = self._registry.current.by_code.get(caller.device)
        return known is None or "digest" not in known.profile

    def _may_keep(self, address: str) -> bool:
        now = monotonic()
        recent = [at for at in self._strangers.pop(address, []) if now - at < 60]
        self._strangers[address] = recent
        while len(self._strangers) > ADDRESSES:
            self._strangers.popitem(last=False)
        if len(recent) >= QUARANTINE_PER_MINUTE:
            return False
        recent.append(now)
        return True


def _answer_for(device: KnownDevice) -> Answer:
    """What the maker's firmware takes for "received"."""
    if device.format == "zhenshi":
        return Answer(200, json.dumps(ZHENSHI).encode(), "application/json")
    if device.format in ("openalpr", "platerecognizer", "impinj", "dongting"):
        return Answer(200, b'{"stored": true}', "application/json")
    return Answer(200, b"OK\n")
