"""Files sent as a browser sends them, and how much memory it takes to read them."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import psutil
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart


def form_with(content: bytes, name: str) -> dict[str, Any]:
    """What a test client is given to send a file. Built in memory: the client's own file would be left open."""
    boundary, body = encode_multipart({"file": FileStorage(io.BytesIO(content), name)})
    return {"data": body, "content_type": f'multipart/form-data; boundary="{boundary}"'}


class Peak:
    """The most memory that this process used, in bytes above what it had at first."""

    n_bytes = 0


@contextmanager
def peak_of_memory() -> Iterator[Peak]:
    """Watch the process while the block runs; looked at every 20 ms, which does not slow it as tracing would."""
    process, ended, peak = psutil.Process(), Event(), Peak()
    before = process.memory_info().rss

    def watch() -> None:
        while not ended.wait(0.02):
            peak.n_bytes = max(peak.n_bytes, process.memory_info().rss - before)

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()
