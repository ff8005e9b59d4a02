"""How long the demo's data take: into a new database, and at a second start, when there is nothing to do."""

import tempfile
import time
from collections.abc import Iterator

from benchmarks.rows import Row, row
from benchmarks.server import durable_server
from web.demo.seed import seed
from wms.settings import load_settings

SEED_TARGET_S, AGAIN_TARGET_S = 60.0, 5.0
SECRET = "a benchmark's secret of thirty-two characters"


def run(full: bool) -> Iterator[Row]:  # noqa: ARG001 - there is one size
    """Both starts, in seconds."""
    with durable_server() as urls, tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            {
                "DONGTING_DATABASE_URL": urls.app,
                "DONGTING_DATABASE_OWNER_URL": urls.owner,
                "DONGTING_DATA": folder,
                "DONGTING_SECRET_KEY": SECRET,
            }
        )
        for name, target_s in (("demo_seed", SEED_TARGET_S), ("demo_seed_again", AGAIN_TARGET_S)):
            start = time.perf_counter()
            seed(settings)
            took_s = time.perf_counter() - start
            yield row(name, took_s, "s", target=target_s, ok=took_s <= target_s)
