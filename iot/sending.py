"""The thread that sends what the outbox holds, as soon as the database says that there is something."""

import threading
from collections.abc import Callable, Iterable

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from iot.committer import RETRY_S
from iot.outbox import CHANNEL
from iot.rounds import Round

LOOK_S = 0.2
HEARD = "dongting_heard"
AT_ONCE = 500  # ids in one notification, which holds 8,000 bytes
NOTIFY = text("SELECT pg_notify(:channel, :ids)")


def tell_heard(session: Session, device_ids: Iterable[int]) -> None:
    """Tell the other ingest processes whom they owe a receipt: a device is connected to one, and read by any."""
    ids = [str(one) for one in sorted(device_ids)]
    for start in range(0, len(ids), AT_ONCE):
        session.execute(NOTIFY, {"channel": HEARD, "ids": " ".join(ids[start : start + AT_ONCE])})


class OutboxRound(Round):
    """Sends due messages when the database says that there are some, and looks anyway each 200 ms."""

    def __init__(
        self,
        send_due: Callable[[], int],
        url: str,
        stopping: threading.Event,
        on_heard: Callable[[set[int]], None] = lambda _: None,
    ) -> None:
        super().__init__("outbox", self._send_or_listen, 0.0, stopping)
        self._send_due, self._url, self._on_heard = send_due, url, on_heard
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
            self._listener.execute(f"LISTEN {HEARD}")
        for note in self._listener.notifies(timeout=LOOK_S, stop_after=1):
            if note.channel == HEARD:
                self._on_heard({int(one) for one in note.payload.split()})

    def run(self) -> None:
        """As a round; the listening connection ends with it."""
        try:
            super().run()
        finally:
            if self._listener is not None:
                self._listener.close()
