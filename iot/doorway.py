"""What the rest of ingest knows of a door, whichever it is."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from iot.broker import EmbeddedBroker
from iot.committer import Committer

SEND_S = 2.0
Outgoing = tuple[str, bytes, float | None]  # topic, payload, the monotonic instant after which it must not leave


@dataclass(frozen=True)
class Report:
    """How a door is. ``listening`` are devices that are owed a receipt, ``refused`` the names of who was not let in.

    ``trouble`` tells why nothing can be committed just now: ``disk_full`` or ``database_away``; empty when all is well.
    """

    name: str
    address: str
    waiting: int
    oldest_waiting_ms: int
    is_connected: bool
    trouble: str = ""
    listening: frozenset[int] = frozenset()
    refused: tuple[str, ...] = ()


class Door(Protocol):
    """What the rest of the process knows of a door."""

    name: str

    @property
    def address(self) -> str: ...
    @property
    def is_connected(self) -> bool: ...
    @property
    def waiting(self) -> int: ...
    @property
    def oldest_waiting_s(self) -> float: ...
    @property
    def trouble(self) -> str:
        """Why nothing can be committed just now; empty when all is well."""
        ...

    def send(self, topic: str, payload: bytes, expires_s: float | None = None) -> bool:
        """Send a message to a device; False when nobody can hear it. Called from threads."""
        ...

    def subscribe(self, filters: Sequence[str]) -> None:
        """Listen to makers' topics as well."""
        ...


class EmbeddedDoor:
    """The embedded broker as the threads see it."""

    name = "embedded"

    def __init__(self, broker: EmbeddedBroker, committer: Committer, host: str) -> None:
        self._broker, self._committer, self._host = broker, committer, host
        self._loop = asyncio.get_running_loop()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"{self._host}:{self._broker.port}"

    @property
    def is_connected(self) -> bool:
        """Whether its committer reaches the database."""
        return self._committer.away_since is None

    @property
    def waiting(self) -> int:
        """Messages that are not committed."""
        return self._committer.waiting

    @property
    def oldest_waiting_s(self) -> float:
        """Age of the oldest of them, in seconds."""
        return self._committer.oldest_waiting_s

    @property
    def trouble(self) -> str:
        """Why nothing can be committed."""
        return self._committer.trouble

    def send(self, topic: str, payload: bytes, expires_s: float | None = None) -> bool:
        """Send to the connected listeners of ``topic``."""
        until_s = None if expires_s is None else time.monotonic() + expires_s
        sent: Future[bool] = asyncio.run_coroutine_threadsafe(self._in_time(topic, payload, until_s), self._loop)
        try:
            return sent.result(SEND_S)
        except TimeoutError:
            sent.cancel()
            return False

    async def _in_time(self, topic: str, payload: bytes, until_s: float | None) -> bool:
        """In the loop itself, which may have been busy or the whole process frozen: look at the clock once more."""
        if until_s is not None and time.monotonic() >= until_s:
            return False
        return await self._broker.send(topic, payload)

    def subscribe(self, filters: Sequence[str]) -> None:
        """Nothing to do: what comes, comes here."""
