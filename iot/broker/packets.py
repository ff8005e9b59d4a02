"""Reading packets of MQTT 3.1.1 whole: bounded, one at a time, and none while there is no room for what they bring."""

import asyncio

import structlog
from amqtt.adapters import ReaderAdapter

log = structlog.get_logger(__name__)
CONNECT_BYTES = 16_384
PACKET_BYTES = 4_194_304
PUBLISH_TYPE = 3


class PacketReader(ReaderAdapter):  # type: ignore[misc]  # amqtt ships no types
    """Reads whole packets, at most ``limit`` bytes, and none while the committer has no room.

    What a decoder sees is one packet and no byte of the next, so a wrong length inside a packet ends at its edge.
    """

    def __init__(self, stream: asyncio.StreamReader, room: asyncio.Event) -> None:
        self._stream, self._room = stream, room
        self._packet, self._place = b"", 0
        self._is_shut = False
        self.limit = CONNECT_BYTES
        self.is_paused = False

    def feed_eof(self) -> None:
        """From now on there is nothing more to read."""
        self._is_shut = True

    async def read(self, n: int = -1) -> bytes:
        """``n`` bytes of the present packet; the next packet is fetched at its edge; empty when the end is reached."""
        if not self._is_shut and self._place == len(self._packet):
            await self._fetch()
        if self._is_shut:
            return b""
        piece = self._packet[self._place : self._place + n if n >= 0 else None]
        self._place += len(piece)
        if len(piece) < n:
            self._end("a length inside a packet points beyond it")
            return b""
        return piece

    async def _fetch(self) -> None:
        self.is_paused = True  # stays so when the wait is cut off: then no byte was taken
        await self._room.wait()
        self.is_paused = False
        try:
            head = await self._stream.readexactly(1)
            length, size = await self._length()
            if size > self.limit:
                self._end(f"a packet of {size} bytes, at most {self.limit}")
                return
            body = await self._stream.readexactly(size)
        except (asyncio.IncompleteReadError, OSError):
            self._is_shut = True
            return
        if head[0] >> 4 == PUBLISH_TYPE and not _has_good_topic(body):
            self._end("a topic that is not UTF-8")
            return
        self._packet, self._place = head + length + body, 0

    async def _length(self) -> tuple[bytes, int]:
        raw, size = b"", 0
        while len(raw) < 4:
            byte = await self._stream.readexactly(1)
            size += (byte[0] & 0x7F) << (7 * len(raw))
            raw += byte
            if byte[0] < 0x80:
                return raw, size
        return raw, self.limit + 1

    def _end(self, why: str) -> None:
        log.warning("connection_closed", why=why)
        self._is_shut = True


def _has_good_topic(body: bytes) -> bool:
    try:
        return bool(body[2 : 2 + int.from_bytes(body[:2], "big")].decode("utf-8"))
    except UnicodeDecodeError:
        return False
