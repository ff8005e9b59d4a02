"""Reading packets of MQTT 3.1.1 whole: bounded, one at a time, and none while there is no room for what they bring."""

import asyncio

import structlog
from amqtt.adapters import ReaderAdapter

log = structlog.get_logger(__name__)
CONNECT_BYTES = 16_384
PACKET_BYTES = 4_194_304
CHUNK_BYTES = 65_536
PUBLISH_TYPE = 3


class PacketReader(ReaderAdapter):  # type: ignore[misc]  # amqtt ships no types
    """Reads whole packets, at most ``limit`` bytes, and none while the committer has no room.

    What a decoder sees is one packet and no byte of the next, so a wrong length inside a packet ends at its edge. A
    client that sends nothing for ``patience_s`` seconds (None: for ever) is at its end; the time in which we do not
    read does not count.
    """

    def __init__(self, stream: asyncio.StreamReader, room: asyncio.Event) -> None:
        self._stream, self._room = stream, room
        self._buffer = bytearray()
        self._packet, self._place = b"", 0
        self._is_shut = False
        self.limit = CONNECT_BYTES
        self.patience_s: float | None = None

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
        if not self._room.is_set():
            await self._room.wait()
        while not self._cut() and not self._is_shut:
            try:
                chunk = await asyncio.wait_for(self._stream.read(CHUNK_BYTES), self.patience_s)
            except TimeoutError:
                self._end("nothing was heard for longer than its keep-alive")
                return
            except OSError:
                chunk = b""
            self._buffer += chunk
            self._is_shut = self._is_shut or not chunk

    def _cut(self) -> bool:
        """Take one packet off the buffer; False when it is not there as a whole."""
        size, place = 0, 1
        while True:
            if place >= len(self._buffer):
                return False
            byte = self._buffer[place]
            size += (byte & 0x7F) << (7 * (place - 1))
            place += 1
            if byte < 0x80:
                break
            if place > 4:
                self._end("a length of more than four bytes")
                return False
        if size > self.limit:
            self._end(f"a packet of {size} bytes, at most {self.limit}")
            return False
        end = place + size
        if len(self._buffer) < end:
            return False
        if self._buffer[0] >> 4 == PUBLISH_TYPE and not _has_good_topic(self._buffer[place:end]):
            self._end("a topic that is not UTF-8")
            return False
        self._packet, self._place = bytes(self._buffer[:end]), 0
        del self._buffer[:end]
        return True

    def _end(self, why: str) -> None:
        log.warning("connection_closed", why=why)
        self._is_shut = True


def _has_good_topic(body: bytearray) -> bool:
    try:
        return bool(body[2 : 2 + int.from_bytes(body[:2], "big")].decode("utf-8"))
    except UnicodeDecodeError:
        return False
