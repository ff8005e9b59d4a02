"""The parser: a third process of ingest that does nothing but understand what is stored.

Understanding a thousand messages a second keeps an interpreter busy; a lane that has a vehicle to decide must not wait
for it at each of its statements. What devices of lanes say is not the parser's: the reader understands it itself, just
before it decides. The parser hears from the door that something was committed, and tells the reader what came of it:
whether barrier or fence have to be looked at, and which devices were heard. It is the reader's child and ends with it;
when it ends alone, the reader ends too, and the supervisor starts all three anew.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import NamedTuple

from iot.parsing import OF_OTHERS, parse_begun
from iot.register import REFRESH_S, Registry
from iot.rounds import Round
from iot.sending import tell_heard
from wms.db import Database, Scope
from wms.settings import Settings

TICK_S = 0.2
SMALL, GATHER_S = 100, 0.03  # a transaction for two messages costs nearly what one for fifty does


class Read(NamedTuple):
    """What one round brought: whether a lane, the barrier or the fence has to look, and who was heard."""

    is_open: bool
    device_ids: frozenset[int]


def parser_pair() -> tuple[Connection, Connection]:
    """The reader's end and the parser's."""
    return Pipe()


class Parser:
    """``wake`` is the file end on which the door tells of commits, ``reader`` the connection to the reader."""

    def __init__(self, settings: Settings, database: Database, scope: Scope, wake: int, reader: Connection) -> None:
        self._database, self._scope = database, scope
        self._registry = Registry(database, scope, settings.secret_key)
        self._wake, self._reader = wake, reader
        self._stopping = threading.Event()
        self._has_neighbours = True
        self._round = Round("parse", self._step, TICK_S, self._stopping)

    def serve(self) -> None:
        """Until the door or the reader is gone, or the reader says so."""
        hearing = threading.Thread(target=self._hear, name="wakes", daemon=True)
        hearing.start()
        self._round.run()
        hearing.join()
        self._reader.close()

    def _hear(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                for one in wait([self._wake, self._reader]):
                    if one is self._reader:
                        if (said := self._reader.recv()) is None:
                            raise EOFError
                        self._has_neighbours = said
                    elif not os.read(self._wake, 65_536):
                        raise EOFError
                self._round.wake()
        self._stopping.set()
        self._round.wake()

    def _step(self) -> int:
        self._registry.refresh(REFRESH_S)
        with self._database.unit_of_work(self._scope, OF_OTHERS.alone) as session:
            done = parse_begun(session, self._registry.current, self._registry.refresh, OF_OTHERS)
            if self._has_neighbours:
                tell_heard(session, done.device_ids)
        if done.device_ids or done.is_open:
            with suppress(OSError):  # the reader is gone: the other thread sees it too
                self._reader.send(Read(done.is_open, done.device_ids))
        if 0 < done.messages < SMALL:
            self._stopping.wait(GATHER_S)
        return done.messages


class ParserEnd:
    """The reader's side. ``on_read`` is called after each round that brought something."""

    def __init__(self, parser: Connection) -> None:
        self._parser = parser
        self._told_neighbours = True
        self.is_cut = False

    def begin(self, on_read: Callable[[Read], None]) -> None:
        """Listen in a thread until the parser is gone."""
        threading.Thread(target=self._listen, args=(on_read,), name="parser", daemon=True).start()

    def tell_neighbours(self, has_neighbours: bool) -> None:
        """Whether other ingest processes want to hear whom they owe a receipt."""
        if has_neighbours != self._told_neighbours:
            self._told_neighbours = has_neighbours
            with suppress(OSError):
                self._parser.send(has_neighbours)

    def end(self) -> None:
        """Ask the parser to end. Closing would not do: while another thread reads, the other side does not see it."""
        with suppress(OSError):
            self._parser.send(None)

    def _listen(self, on_read: Callable[[Read], None]) -> None:
        try:
            with suppress(EOFError, OSError):
                while True:
                    on_read(self._parser.recv())
        finally:
            self.is_cut = True
