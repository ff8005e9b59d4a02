"""The framed TCP of customs front ends: a frame is committed, then answered on the same connection.

A front end is known by its address (frames carry no secret): the device's profile names ``source_address``, its lane
is CHNL_NO. Frames of one connection are answered in their order. A broken frame is stored with its reason and gets no
answer, which is a hold; while the database is away nothing is answered at all. A frame must be whole within ten
seconds of its first byte, however its bytes come; what there is of one that is not is kept as broken. When all places
are taken the connection silent longest makes room.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import structlog

from iot import gather, parsing
from iot.committer import Committer, is_away
from iot.devices import parse
from iot.devices.base import Malformed, Message
from iot.devices.gather import question_of
from iot.doors import gathering
from iot.doors.arrivals import from_device, from_stranger
from iot.doors.identity import comes_from
from iot.doors.listener import CHUNK, Listener
from iot.events import as_json
from iot.inbox import HELD, Arrival, Outcome
from iot.register import REFRESH_S, RETRY_S, KnownDevice, Register, Registry
from wms.db import Database, Scope

log = structlog.get_logger(__name__)
FRAME_S = 10.0
ANSWER_S = 5.0
PLACES = 1_000
QUARANTINE_BYTES = 65_536


@dataclass(frozen=True)
class Said:
    """One whole frame: who said it, what it is (gather, or what was reported), and how it is told apart."""

    device: KnownDevice
    raw: bytes
    kind: str
    status: dict[str, object]
    question: gather.Question | None


class FrameServer:
    """Serves front ends. ``on_refused`` is told the address and why somebody was not heard."""

    def __init__(
        self,
        database: Database,
        scope: Scope,
        registry: Registry,
        committer: Committer,
        on_refused: Callable[[str, str], None],
    ) -> None:
        self._database, self._scope, self._registry, self._committer = database, scope, registry, committer
        self._on_refused = on_refused
        self._listener = Listener(self._converse, door="frames", places=PLACES, backlog=512)

    async def open(self, host: str, port: int) -> int:
        """Listen; return the port (for port 0 the one that was found). Raises OSError."""
        return await self._listener.open(host, port)

    async def close(self) -> None:
        """Stop listening and end every connection."""
        await self._listener.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str((writer.get_extra_info("peername") or ("?",))[0])
        here: list[KnownDevice] = []
        rest, whole_by = b"", 0.0
        while True:
            await self._committer.room.wait()
            try:
                left_s = whole_by - time.monotonic() if rest else None
                chunk = await asyncio.wait_for(reader.read(CHUNK), left_s)
            except (TimeoutError, ConnectionError):
                chunk = b""
            if not chunk:
                if rest and here:
                    await self._keep_broken(here[0], rest)
                return
            self._listener.heard(writer)
            here = await self._in_thread(self._devices_at, address)  # who was put out of use is heard no longer
            if not here:
                await self._turn_away(address, chunk)
                return
            was_begun = bool(rest)
            pieces, rest = gather.split(rest + chunk)
            if len(rest) > gather.MAX_FRAME:
                pieces, rest = [*pieces, rest], b""
            for piece in pieces:
                await self._take(here, piece, writer)
            if pieces or not was_begun:
                whole_by = time.monotonic() + FRAME_S

    def _devices_at(self, address: str) -> list[KnownDevice]:
        """The front ends whose address this is, in the order of their codes."""
        for older_than_s in (REFRESH_S, RETRY_S):
            known = self._registry.refresh(older_than_s).by_code.values()
            here = [one for one in known if one.format == "gather" and _stands_at(one, address)]
            if here:
                break
        return sorted(here, key=lambda one: one.code)

    async def _turn_away(self, address: str, chunk: bytes) -> None:
        self._on_refused(address, "unknown_device")
        came = from_stranger("tcp", address, "frames", chunk[:QUARANTINE_BYTES], "unknown_device")
        await asyncio.wait({self._committer.submit(came)}, timeout=ANSWER_S)

    async def _keep_broken(self, device: KnownDevice, raw: bytes) -> None:
        came = from_device("tcp", device, raw, limit_bytes=gather.MAX_FRAME)
        await asyncio.wait({self._committer.submit(came)}, timeout=ANSWER_S)

    async def _take(self, here: list[KnownDevice], raw: bytes, writer: asyncio.StreamWriter) -> None:
        """Commit one frame, then answer it, unless there is nothing to say or nothing that may be said."""
        started = time.monotonic()
        said = _said(here, raw)
        key = f"gather:{said.kind}:{quote(str(said.status.get('seq_no', '')), safe='')}" if said.kind else None
        came = from_device("tcp", said.device, raw, limit_bytes=gather.MAX_FRAME, key=key)
        future = self._committer.submit(came)
        done, _ = await asyncio.wait({future}, timeout=ANSWER_S)
        if not done or not said.kind:
            return
        try:
            told = await asyncio.wait_for(
                self._in_thread(self._settle, said, came, future.result()), ANSWER_S - (time.monotonic() - started)
            )
        except Exception as error:  # whatever it was: no answer is a hold, and the frame is stored
            if is_away(error) or isinstance(error, TimeoutError):
                log.warning("frame_not_answered", device=said.device.code, error=str(error)[:200])
            else:
                log.exception("frame_not_answered", device=said.device.code)
            return
        if told is None or said.question is None:
            return
        if told.until_at is not None and _now() >= told.until_at:
            return  # too late to lift: the command runs out, and the vehicle is held
        writer.write(gather.answer_bytes(said.question, told.answer))
        await asyncio.wait_for(writer.drain(), ANSWER_S)
        if told.lifts:
            try:
                await self._in_thread(self._delivered, said)
            except Exception:  # the answer has left; what the front end reports next moves the command on
                log.exception("delivery_not_noted", device=said.device.code)

    def _settle(self, said: Said, came: Arrival, outcome: Outcome) -> gathering.Told | None:
        """In a thread: readings, decision and command in one transaction."""
        with self._database.unit_of_work(self._scope) as session:
            now = _now()
            held = session.execute(HELD, {"source": [came.source], "message_key": [came.message_key]}).one()
            inbox_id = int(held.id)
            parsing.parse_now(session, self._known(said.device), inbox_id)
            is_same = outcome in (Outcome.STORED, Outcome.COPY)
            if said.question is None:
                if is_same:  # also when it comes again: the first time may have been cut off before it was taken
                    gathering.take_report_of(session, said.device, said.status, inbox_id, now)
                return None
            is_live = not gathering.doubts_of(session, inbox_id)
            return gathering.answer_question(
                session, said.device, said.question, inbox_id, now, is_same=is_same, is_live=is_live
            )

    def _delivered(self, said: Said) -> None:
        assert said.question is not None
        with self._database.unit_of_work(self._scope) as session:
            gathering.note_delivered(session, said.question.seq_no, said.device, _now())

    def _known(self, device: KnownDevice) -> Register:
        current = self._registry.current
        return current if device.id in current.by_id else Register([device])

    async def _in_thread(self, call: Callable[..., object], *given: object):  # type: ignore[no-untyped-def]
        return await asyncio.get_running_loop().run_in_executor(None, call, *given)


def _now() -> datetime:
    return datetime.now(UTC)


def _stands_at(device: KnownDevice, address: str) -> bool:
    return comes_from(address, str(device.profile.get("source_address", "")))


def _said(here: list[KnownDevice], raw: bytes) -> Said:
    """What a frame is, and which of the front end's lanes it speaks for; kind "" where it cannot be read."""
    results = parse("gather", Message(payload=raw))
    statuses = [as_json(one) for one in results if one.kind == "DeviceStatus"]
    if not statuses:
        return Said(here[0], raw, "", {}, None)
    status = statuses[0]
    channel = str(status.get("device", "")).rpartition("/")[2]
    device = next((one for one in here if one.lane == channel), here[0])
    kind = str(status["state"])
    if kind == "gather":
        try:
            return Said(device, raw, kind, status, question_of(raw))
        except Malformed:
            return Said(device, raw, "", {}, None)
    return Said(device, raw, kind if kind in gathering.REPORTS else "", status, None)
