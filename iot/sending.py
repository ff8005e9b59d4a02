"""The thread that sends what the outbox holds, as soon as the database says that there is something."""

import threading
from collections.abc import Callable

import psycopg

from iot.committer import RETRY_S
from iot.outbox import CHANNEL
from iot.rounds import Round

LOOK_S = 0.2


class OutboxRound(Round):
    """Sends due messages when the database says that there are some, and looks anyway each 200 ms."""

    def __init__(self, send_due: Callable[[], int], url: str, stopping: threading.Event) -> None:
        super().__init__("outbox", self._send_or_listen, 0.0, stopping)
        self._send_due, self._url = send_due, url
        self._listener: psycopg.Connection[tuple[object, ...]] | None = None

    def _send_or_listen(self) -> int:
        if not self._send_due():
            try:
                self._listen()
            except psycopg.Error:
                self._listener = None
                self._stopping.wait(RETRY_S)
        return 1

    def _listen(self) -> None:
        if self._listener is None:
            self._listener = psycopg.connect(self._url, autocommit=True)
            self._listener.execute(f"LISTEN {CHANNEL}")
        for _ in self._listener.notifies(timeout=LOOK_S, stop_after=1):
            return

    def run(self) -> None:
        """As a round; the listening connection ends with it."""
        try:
            super().run()
        finally:
            if self._listener is not None:
                self._listener.close()
