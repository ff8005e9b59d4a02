"""Between the two processes of ingest: the door on one side, the reader on the other.

Three ways lead across. Two pipes carry one byte for each commit: one wakes the reader, when a device of a lane was
heard, the other the parser, for all else. They never block, and what does not fit is not missed, for one byte is as
good as many. A duplex connection carries the rest: each 200 ms the door reports how it is, and the reader asks it to
send messages or to listen to more topics.

Both ends notice at once that the other process is gone, however it went: the kernel closes its end.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import structlog

from iot.doorway import Door, Outgoing, Report

log = structlog.get_logger(__name__)
REPORT_S = 0.2
STALE_S = 5.0
ANSWER_S = 5.0
STOP, SEND, SUBSCRIBE, SENT = "stop", "send", "subscribe", "sent"


@dataclass(frozen=True)
class Ends:
    """The file ends of one side; ``lanes`` and ``wake`` are the pipes that wake reader and parser."""

    connection: Connection
    wake: int
    lanes: int

    def stop(self) -> None:
        """Ask the other side to end as it should."""
        with suppress(OSError):
            self.connection.send((STOP,))

    def close(self) -> None:
        """Let go of them; the other side notices."""
        self.connection.close()
        for one in (self.wake, self.lanes):
            with suppress(OSError):
                os.close(one)


def pair() -> tuple[Ends, Ends]:
    """The door's ends and the reader's."""
    ours, theirs = Pipe()
    parser_hears, wakes_parser = os.pipe()
    reader_hears, wakes_reader = os.pipe()
    for one in (wakes_parser, wakes_reader):
        os.set_blocking(one, False)
    return Ends(ours, wakes_parser, wakes_reader), Ends(theirs, parser_hears, reader_hears)


@dataclass
class _Notes:
    """What the door has to tell with its next report."""

    listening: set[int] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)


class DoorEnd(threading.Thread):
    """The door's side: reports, and sends what it is asked to send. :attr:`is_cut` tells that the reader is gone."""

    MOST_REFUSED = 10_000

    def __init__(self, ends: Ends) -> None:
        super().__init__(name="link", daemon=True)
        self._ends = ends
        self._door: Door | None = None
        self._notes, self._lock = _Notes(), threading.Lock()
        self._one_speaks = threading.Lock()
        self.is_cut = False

    def begin(self, door: Door) -> None:
        """Report of ``door`` from now on."""
        self._door = door
        self.start()

    def wake(self, *, lanes: bool = False, others: bool = True) -> None:
        """Something was committed: of a device of a lane, of another one, or both. Never blocks."""
        for is_due, pipe in ((lanes, self._ends.lanes), (others, self._ends.wake)):
            if is_due:
                with suppress(OSError):  # full: it is awake already; broken: the thread sees it too
                    os.write(pipe, b"\0")

    def owe_receipts(self, device_ids: Iterable[int]) -> None:
        """These devices are to hear how far they are held."""
        with self._lock:
            self._notes.listening.update(device_ids)

    def refused(self, name: str) -> None:
        """Somebody of this name was not let in."""
        with self._lock:
            if len(self._notes.refused) < self.MOST_REFUSED:
                self._notes.refused.append(name)

    def end(self) -> None:
        """Ask the reader to end, while the door still sends what it has under way."""
        with suppress(OSError):
            self._tell((STOP,))

    def _tell(self, message: object) -> None:
        with self._one_speaks:
            self._ends.connection.send(message)

    def run(self) -> None:
        """Until the reader is gone."""
        connection, due = self._ends.connection, 0.0
        try:
            while True:
                if connection.poll(max(0.0, due - time.monotonic())):
                    self._answer(connection.recv())
                if time.monotonic() >= due:
                    self._tell(self._report())
                    due = time.monotonic() + REPORT_S
        except (EOFError, OSError):
            pass
        except Exception:
            log.exception("link_failed")
        self.is_cut = True

    def _report(self) -> Report:
        door = self._door
        assert door is not None
        with self._lock:
            notes, self._notes = self._notes, _Notes()
        return Report(
            door.name,
            door.address,
            waiting=door.waiting,
            oldest_waiting_ms=int(door.oldest_waiting_s * 1000),
            is_connected=door.is_connected and not door.trouble,
            trouble=door.trouble,
            listening=frozenset(notes.listening),
            refused=tuple(notes.refused),
        )

    def _answer(self, asked: tuple[object, ...]) -> None:
        door = self._door
        assert door is not None
        match asked:
            case ("send", int(number), list(messages)):
                self._tell((SENT, number, [_sent(door, *message) for message in messages]))
            case ("subscribe", list(filters)):
                door.subscribe(filters)


class ReaderEnd:
    """The reader's side; it hears what devices of lanes said, and the parser all else."""

    def __init__(self, ends: Ends, stopping: threading.Event) -> None:
        self._ends, self._stopping = ends, stopping
        self._asked: dict[int, Future[Sequence[bool]]] = {}
        self._number, self._lock = 0, threading.Lock()

    def begin(self, on_report: Callable[[Report], None], on_lanes: Callable[[], None]) -> None:
        """Call ``on_report`` with each report, ``on_lanes`` when a device of a lane was heard, each in a thread.

        When the door stops or is gone, the reader is to stop.
        """
        threading.Thread(target=self._hear, args=(on_report,), name="link", daemon=True).start()
        threading.Thread(target=self._hear_lanes, args=(on_lanes,), name="wakes", daemon=True).start()

    def _hear_lanes(self, on_lanes: Callable[[], None]) -> None:
        with suppress(OSError):
            while os.read(self._ends.lanes, 65_536):
                on_lanes()

    def send(self, messages: Sequence[Outgoing]) -> list[bool]:
        """Let the door send; for each message, whether somebody heard it."""
        if self._stopping.is_set():
            return [False] * len(messages)
        answer: Future[Sequence[bool]] = Future()
        with self._lock:
            self._number += 1
            number = self._number
            self._asked[number] = answer
        try:
            self._tell((SEND, number, list(messages)))
            return list(answer.result(ANSWER_S))
        except (OSError, TimeoutError):
            return [False] * len(messages)
        finally:
            self._asked.pop(number, None)

    def subscribe(self, filters: Sequence[str]) -> None:
        """Let the door listen to these topics as well."""
        with suppress(OSError):
            self._tell((SUBSCRIBE, list(filters)))

    def _tell(self, message: tuple[object, ...]) -> None:
        with self._lock:
            self._ends.connection.send(message)

    def _hear(self, on_report: Callable[[Report], None]) -> None:
        try:
            while True:
                said = self._ends.connection.recv()
                if isinstance(said, Report):
                    on_report(said)
                elif said[0] == SENT:
                    if (answer := self._asked.get(said[1])) and not answer.done():
                        answer.set_result(said[2])
                else:
                    break
        except (EOFError, OSError):
            log.warning("door_gone")
        self._stopping.set()
        for answer in list(self._asked.values()):  # nobody will answer them any more
            if not answer.done():
                answer.set_exception(ConnectionError())


def _sent(door: Door, topic: str, payload: bytes, until_s: float | None) -> bool:
    """Both processes read one monotonic clock: what waited here while a process was frozen does not leave."""
    left_s = None if until_s is None else until_s - time.monotonic()
    if left_s is not None and left_s <= 0:
        log.warning("too_late", topic=topic)
        return False
    try:
        return door.send(topic, payload, left_s)
    except Exception:
        log.exception("not_sent", topic=topic)
        return False
