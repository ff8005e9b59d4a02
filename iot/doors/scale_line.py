"""A weighbridge behind a serial server: one TCP connection a scale, its lines put into the inbox as they come.

An indicator repeats its display several times a second for ever. What is stored is what tells: every change of the
display, and the same display once a second, which is what a stable plateau is made of. A line is a line of text or
a frame STX … ETX. Nothing is acknowledged (there is no one to acknowledge to); when the queue is full we read no more.
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from iot.committer import Committer
from iot.doors.arrivals import from_device
from iot.register import KnownDevice

log = structlog.get_logger(__name__)
LINE_BYTES = 256
REPEAT_S = 1.0
SILENT_S = 30.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
_END = re.compile(rb"\x03|\r\n|\n|\r")


@dataclass
class Displays:
    """Takes bytes, gives the displays to store. Bytes without an end are given up at 256, as one broken line."""

    _rest: bytearray = field(default_factory=bytearray)
    _last: bytes = b""
    _last_at: float = -1e9

    def feed(self, chunk: bytes, now: float) -> list[bytes]:
        """What is to be stored of the lines that are whole at ``now`` (seconds of a steady clock)."""
        self._rest += chunk
        found = []
        while (end := _END.search(self._rest)) or len(self._rest) > LINE_BYTES:
            upto = min(end.end() if end else LINE_BYTES, LINE_BYTES)
            line = bytes(self._rest[:upto])
            del self._rest[:upto]
            line = line if line.endswith(b"\x03") else line.rstrip(b"\r\n")
            if line.strip() and (line != self._last or now - self._last_at >= REPEAT_S):
                self._last, self._last_at = line, now
                found.append(line)
        return found


async def read_scale(
    device: KnownDevice,
    host: str,
    port: int,
    committer: Committer,
    tell: Callable[[str, str], None],
    *,
    first_pause_s: float = FIRST_PAUSE_S,
    silent_s: float = SILENT_S,
) -> None:
    """Read the scale until cancelled; connect again, ever more slowly, and tell when it cannot be heard."""
    pause = first_pause_s
    while True:
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 10)
        except (OSError, TimeoutError) as why:
            tell("not_connected", f"{host}:{port}: {why or 'no answer'}"[:200])
        else:
            try:
                if await _read(device, reader, committer, silent_s):
                    pause = first_pause_s
                tell("not_connected", f"{host}:{port}: closed or silent")
            except OSError as why:
                tell("not_connected", f"{host}:{port}: {why}"[:200])
            finally:
                writer.close()
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


async def _read(device: KnownDevice, reader: asyncio.StreamReader, committer: Committer, silent_s: float) -> bool:
    """Until the connection ends or is silent; whether anything came."""
    displays, has_come = Displays(), False
    while True:
        await committer.room.wait()
        try:
            chunk = await asyncio.wait_for(reader.read(4096), silent_s)
        except TimeoutError:
            return has_come
        if not chunk:
            return has_come
        for line in displays.feed(chunk, time.monotonic()):
            has_come = True
            committer.submit(from_device("tcp", device, line, limit_bytes=LINE_BYTES))
