"""A full disk: a clear refusal, nothing half written, reads go on, and work resumes when there is room again."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from migrations.run import migrate
from tests.build import make_company
from wms.db import Database, Scope
from wms.parties.tables import Company
from wms.postgres import DatabaseFailed, EmbeddedPostgres

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
SIZE = "size=160m,mode=0711"
BATCH = text(
    "INSERT INTO company (code, name_zh, name_en)"
    " SELECT 'X' || gen_random_uuid(), repeat('满', 900), '' FROM generate_series(1, 200)"
)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 160 MB."""
    folder = Path(tempfile.mkdtemp(prefix="dongting-disk-", dir="/tmp"))
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", SIZE, "tmpfs", folder], capture_output=True, check=False)
    if os.geteuid() != 0 or made.returncode != 0:
        folder.rmdir()
        pytest.skip("only root may mount a small file system, and here not even root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
    folder.rmdir()


def fill(folder: Path, leave_bytes: int) -> Path:
    """Write a file until only ``leave_bytes`` are left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
        for _ in range((free - leave_bytes) // 65_536):
            file.write(b"\0" * 65_536)
    return ballast


def test_a_full_disk_refuses_keeps_what_was_committed_and_recovers(small_disk: Path) -> None:
    server = EmbeddedPostgres(small_disk / "data", options={"max_wal_size": "64MB", "min_wal_size": "32MB"}).start()
    database = Database(server.urls.app, pool_size=2)
    try:
        migrate(server.urls.owner)
        with database.unit_of_work(Scope.system()) as session:
            make_company(session)
        ballast = fill(small_disk, 300_000)
        with pytest.raises(OperationalError, match="No space left on device"):
            write_until_it_fails(database)
        assert companies(database) == 1  # what failed was rolled back, and reading goes on
        ballast.unlink()
        with database.unit_of_work(Scope.system()) as session:
            make_company(session)
        assert companies(database) == 2
    finally:
        database.close()
        server.stop()


def write_until_it_fails(database: Database) -> None:
    """One transaction too big for what is left."""
    with database.unit_of_work(Scope.system()) as session:
        for _ in range(2_000):
            session.execute(BATCH)
            session.flush()


def companies(database: Database) -> int:
    with database.unit_of_work(Scope.system()) as session:
        return session.query(Company).count()


def test_a_disk_too_small_for_a_database_is_told(small_disk: Path) -> None:
    ballast = fill(small_disk, 5_000_000)
    server = EmbeddedPostgres(small_disk / "data")
    with pytest.raises(DatabaseFailed, match="No space left on device"):
        server.start()
    ballast.unlink()
    server.start().stop()
