"""A small HTTP/1.1 server for devices: h11 reads, limits hold everything, and nobody waits for a slow sender.

Heads are at most 16 KiB and must come within ten seconds, a body within thirty; a body that is too long is refused
before it is read. When all places are taken the connection that has been silent longest makes room, so that a
thousand callers who say nothing keep no camera out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http.client import responses

import h11

from iot.doors.listener import CHUNK, Listener

HEAD_BYTES = 16_384
HEAD_S = 10.0
BODY_S = 30.0
IDLE_S = 75.0
PLACES = 2_000


@dataclass(frozen=True)
class Request:
    """A whole request. Header names are in lower case; of one that came twice the last counts."""

    address: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The request is not even read: what is answered, and what is told of it."""

    def __init__(self, answer: Answer, why: str, *, is_head: bool = False) -> None:
        self.answer, self.why, self.is_head = answer, why, is_head
        super().__init__(why)


Handler = Callable[[Request], Awaitable[Answer]]


class WebServer:
    """Serves ``handler``. ``on_refused`` is told the address and why a request was not read."""

    def __init__(self, handler: Handler, *, limit_bytes: int, on_refused: Callable[[str, str], None]) -> None:
        self._handler, self._limit, self._on_refused = handler, limit_bytes, on_refused
        self._listener = Listener(
            self._converse, door="http", places=PLACES, backlog=1024,
            expected=(h11.ProtocolError, asyncio.IncompleteReadError),
        )  # fmt: skip

    async def open(self, host: str, port: int) -> int:
        """Listen; return the port (for port 0 the one that was found). Raises OSError."""
        return await self._listener.open(host, port)

    async def close(self) -> None:
        """Stop listening and end every connection."""
        await self._listener.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str((writer.get_extra_info("peername") or ("?",))[0])
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        wait_s = HEAD_S
        while True:
            try:
                request = await self._read(connection, reader, writer, address, wait_s)
            except (Refused, h11.RemoteProtocolError) as why:
                await self._refuse(connection, writer, address, why)
                return
            if request is None:
                return
            answer = await self._handler(request)
            await _send(connection, writer, answer, is_head=request.method == "HEAD")
            if connection.our_state is h11.MUST_CLOSE or connection.their_state is h11.MUST_CLOSE:
                return
            connection.start_next_cycle()
            wait_s = IDLE_S

    async def _read(
        self,
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        address: str,
        wait_s: float,
    ) -> Request | None:
        head = await asyncio.wait_for(self._event(connection, reader, writer), wait_s)
        if not isinstance(head, h11.Request):
            return None
        is_head = head.method == b"HEAD"
        if len(head.target) + sum(len(name) + len(value) for name, value in head.headers) > HEAD_BYTES:
            raise Refused(Answer(431, b"the head is too long\n"), "head_too_long", is_head=is_head)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._limit:
            raise Refused(_too_large(self._limit), "oversized", is_head=is_head)
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        body = bytearray()
        async with asyncio.timeout(BODY_S):
            while isinstance(event := await self._event(connection, reader, writer), h11.Data):
                body += event.data
                if len(body) > self._limit:
                    raise Refused(_too_large(self._limit), "oversized", is_head=is_head)
        if not isinstance(event, h11.EndOfMessage):
            return None
        target = head.target.decode("latin-1")
        return Request(address, head.method.decode("latin-1"), target, headers, bytes(body))

    async def _event(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> object:
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(await reader.read(CHUNK))
            self._listener.heard(writer)
        return event

    async def _refuse(
        self, connection: h11.Connection, writer: asyncio.StreamWriter, address: str, why: Exception
    ) -> None:
        if isinstance(why, Refused):
            answer, reason = why.answer, why.why
        else:
            answer, reason = Answer(getattr(why, "error_status_hint", 400) or 400, b"not HTTP\n"), "not_http"
        self._on_refused(address, reason)
        if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            await _send(connection, writer, answer, close=True, is_head=isinstance(why, Refused) and why.is_head)


def _too_large(limit: int) -> Answer:
    return Answer(413, f"at most {limit} bytes\n".encode())


async def _send(
    connection: h11.Connection, writer: asyncio.StreamWriter, answer: Answer, *, close: bool = False,
    is_head: bool = False,
) -> None:  # fmt: skip
    headers = [
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        *answer.headers.items(),
        *([("Connection", "close")] if close else []),
    ]
    reason = responses.get(answer.status, "")
    sent = connection.send(h11.Response(status_code=answer.status, headers=headers, reason=reason.encode()))
    sent = sent or b""
    if not is_head:  # its answer is a head alone, with the length that the body would have
        sent += connection.send(h11.Data(data=answer.body)) or b""
    sent += connection.send(h11.EndOfMessage()) or b""
    writer.write(sent)
    await asyncio.wait_for(writer.drain(), BODY_S)
