"""Run the counter until asked to end."""

import logging
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from web.demo.counter.folders import Exchange
from web.demo.counter.forms import MARK
from web.demo.counter.habits import Habits, read_habits
from web.demo.counter.http import listen
from web.demo.counter.window import Window

log = logging.getLogger("counter")
PAUSE_S = 0.2
HABITS_FILE, ADDRESS_FILE = "counter.json", "address"


def run(
    folder: Path, exchange: Path, *, given: Mapping[str, Any], host: str = "127.0.0.1", port: int | None = None
) -> None:
    """Serve the exchange until SIGTERM or SIGINT. ``folder`` is the counter's own; ``given`` overrides its habits."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    serve(folder, Exchange(exchange), read_habits(folder / HABITS_FILE, given), stop, host=host, port=port)


def serve(
    folder: Path, exchange: Exchange, habits: Habits, stop: threading.Event, *, host: str = "127.0.0.1",
    port: int | None = None,
) -> None:  # fmt: skip
    """Serve the exchange until ``stop`` is set."""
    window = Window(exchange, folder, habits)
    server = None if port is None else listen(exchange, host, port)
    if server is not None:
        _tell(folder / ADDRESS_FILE, "http://{}:{}".format(*server.server_address[:2]))
    log.info("simulated counter (%s): exchange %s, seed %d", MARK, exchange.root, habits.seed)
    try:
        while not stop.is_set():
            if not _turn(window):
                stop.wait(PAUSE_S)
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()
        window.close()


def _tell(path: Path, address: str) -> None:
    """Leave the address where it can be read: a port of 0 takes a free one."""
    draft = path.with_suffix(".part")
    draft.write_text(address)
    draft.replace(path)


def _turn(window: Window) -> int:
    """One turn; a full or missing disk is waited out, what could not be taken still lies there."""
    try:
        return window.turn()
    except OSError as fault:
        log.warning("simulated counter: waits, %s", fault)
        return 0
