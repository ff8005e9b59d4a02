"""Reading packets of MQTT 3.1.1 whole: bounded, one at a time, and none while there is no room for what they bring."""

import asyncio
from collections.abc import Callable

import structlog
from amqtt.adapters import ReaderAdapter

log = structlog.get_logger(__name__)
CONNECT_BYTES = 16_384
PACKET_BYTES = 4_194_304
CHUNK_BYTES = 65_536
PUBLISH_TYPE = 3
TURN = 32  # packets that one connection may bring before others have their turn


class PacketReader(ReaderAdapter):  # type: ignore[misc]  # amqtt ships no types
    """Reads whole packets, at most ``limit`` bytes, and no message while the committer has no room.

    What a decoder sees is one packet and no byte of the next, so a wrong length inside a packet ends at its edge. A
    client that sends nothing for ``patience_s`` seconds (None: for ever) is at its end; the time in which we do not
    read does not count. ``take`` is shown each PUBLISH first and may keep it; :attr:`own_room` is cleared by whoever
    has enough of this one connection's messages for now.
    """

    def __init__(self, stream: asyncio.StreamReader, room: asyncio.Event) -> None:
        self._stream, self._room = stream, room
        self._buffer = bytearray()
        self._packet, self._place, self._body = b"", 0, 0
        self._is_shut = False
        self._turn = TURN
        self.limit = CONNECT_BYTES
        self.patience_s: float | None = None
        self.take: Callable[[bytes, int], bool] | None = None
        self.own_room = asyncio.Event()
        self.own_room.set()

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
        """Fetch the next packet that is not taken at once."""
        while not self._is_shut:
            if not self._cut():
                await self._hear()
                continue
            if self._packet[0] >> 4 != PUBLISH_TYPE:
                return
            await self._until_there_is_room()
            if self._is_shut or self.take is None or not self.take(self._packet, self._body):
                return
            self._place = len(self._packet)
            self._turn -= 1
            if not self._turn:
                self._turn = TURN
                await asyncio.sleep(0)

    async def _until_there_is_room(self) -> None:
        for room in (self._room, self.own_room):
            if not room.is_set():
                await room.wait()

    async def _hear(self) -> None:
        """Take in some more bytes."""
        if self._is_shut:
            return
        try:
            async with asyncio.timeout(self.patience_s):
                chunk = await self._stream.read(CHUNK_BYTES)
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
            self._end("a topic that is not UTF-8 or holds a wildcard")
            return False
        self._packet, self._place, self._body = bytes(self._buffer[:end]), 0, place
        del self._buffer[:end]
        return True

    def _end(self, why: str) -> None:
        log.warning("connection_closed", why=why)
        self._is_shut = True


def _has_good_topic(body: bytearray) -> bool:
    """MQTT 3.1.1, 3.3.2-2 and 4.8: a wildcard in a topic is an error of the protocol, which closes the connection."""
    try:
        topic = body[2 : 2 + int.from_bytes(body[:2], "big")].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return bool(topic) and not set(topic) & {"+", "#"}
