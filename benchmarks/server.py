"""A durable PostgreSQL of the benchmarks' own, as the product runs it, and how fast its disk is."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from migrations.run import migrate
from wms.postgres import EmbeddedPostgres, Urls

PROBE_S = 0.5


@contextmanager
def durable_server() -> Iterator[Urls]:
    """A migrated database with fsync on, in a folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="dongting-bench-"))
    folder.chmod(0o711)  # the database's own user must be able to pass
    server = EmbeddedPostgres(folder / "data")
    try:
        server.start()
        migrate(server.urls.owner)
        yield server.urls
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def fsyncs_per_s() -> float:
    """How many 8 kB writes a second reach the disk of the temporary folder (fdatasync each): no commit is faster."""
    with tempfile.NamedTemporaryFile() as file:
        page, count, start = os.urandom(8192), 0, time.perf_counter()
        while time.perf_counter() - start < PROBE_S:
            os.pwrite(file.fileno(), page, 0)
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.perf_counter() - start)
