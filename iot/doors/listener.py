"""A TCP listener with a limited number of places: who has been silent longest makes room for whoever comes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

log = structlog.get_logger(__name__)
CHUNK = 65_536

Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Gives each connection to ``converse``. ``expected``: ways of a peer to end a connection that nobody need know."""

    def __init__(
        self, converse: Converse, *, door: str, places: int, backlog: int, expected: tuple[type[Exception], ...] = ()
    ) -> None:
        self._converse, self._door, self._most, self._backlog = converse, door, places, backlog
        self._expected: tuple[type[Exception], ...] = (ConnectionError, TimeoutError, *expected)
        self._places: dict[asyncio.StreamWriter, float] = {}
        self._server: asyncio.Server | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen; return the port (for port 0 the one that was found). Raises OSError."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=CHUNK, backlog=self._backlog)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._places):
            writer.transport.abort()

    def heard(self, writer: asyncio.StreamWriter) -> None:
        """Somebody who still has a place said something: it is the least likely to be given away now."""
        if writer in self._places:
            self._places[writer] = time.monotonic()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._places) >= self._most:
            longest = min(self._places, key=lambda one: self._places[one])
            longest.transport.abort()
            self._places.pop(longest, None)
        self._places[writer] = time.monotonic()
        try:
            await self._converse(reader, writer)
        except self._expected:
            pass
        except Exception:
            log.exception("door_failed", door=self._door)
        finally:
            self._places.pop(writer, None)
            with suppress(Exception):
                writer.close()
