"""Files of an older major version are brought over by the command that the refusal names."""

import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from web.machine.upgrade import CannotUpgrade, upgrade_cluster
from wms.postgres import EmbeddedPostgres, OtherMajor, libpq
from wms.postgres_files import account_for, private_folder, runtime, wheel_binaries
from wms.postgres_roles import SUPERUSER
from wms.settings import kept_secret

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def old(open_folder: Path) -> EmbeddedPostgres:
    """An installation of PostgreSQL 16 with one table, stopped."""
    if wheel_binaries(16) is None:
        pytest.skip("the wheel no longer holds PostgreSQL 16")
    server = EmbeddedPostgres(open_folder / "data")
    server.data_dir.mkdir(mode=0o711)
    private_folder(server.data_dir / "secrets", None)
    account = account_for(server.cluster)
    private_folder(server.cluster, account)
    words = open_folder / "words"
    words.write_text(kept_secret(server.data_dir / "secrets" / SUPERUSER))
    words.chmod(0o644)
    binaries = runtime(account, 16)
    make = [str(binaries / "initdb"), "-D", str(server.cluster), f"--username={SUPERUSER}", f"--pwfile={words}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums"]  # fmt: skip
    subprocess.run(make, check=True, capture_output=True, cwd="/", **account.as_user())
    words.unlink()
    (open_folder / "socket").mkdir()
    (open_folder / "socket").chmod(0o777)
    run = [
        str(binaries / "pg_ctl"),
        "-D",
        str(server.cluster),
        "-w",
        "-o",
        f"-c listen_addresses= -k '{open_folder}/socket'",
    ]
    subprocess.run([*run, "-l", f"{open_folder}/socket/log", "start"], check=True, cwd="/",
                   stdout=subprocess.DEVNULL, **account.as_user())  # fmt: skip
    with psycopg.connect(
        host=f"{open_folder}/socket", user=SUPERUSER, dbname="postgres",
        password=kept_secret(server.data_dir / "secrets" / SUPERUSER),
    ) as connection:  # fmt: skip
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    subprocess.run([*run, "stop"], check=True, cwd="/", stdout=subprocess.DEVNULL, **account.as_user())
    return server


def test_old_files_are_brought_over_and_kept_beside(old: EmbeddedPostgres) -> None:
    with pytest.raises(OtherMajor, match="dongting db upgrade"):
        old.start()
    kept = upgrade_cluster(old)
    assert kept is not None
    assert (kept / "PG_VERSION").read_text().strip() == "16"
    with old.running(), psycopg.connect(libpq(old.urls_of("postgres").superuser)) as connection:
        assert connection.execute("SELECT answer, current_setting('server_version_num')::int / 10000 FROM kept"
                                  ).fetchone() == (42, 18)  # fmt: skip
    assert upgrade_cluster(old) is None
    assert not list(old.data_dir.glob("upgrade.*"))


def test_files_of_a_newer_version_are_left_alone_with_the_way_out(old: EmbeddedPostgres) -> None:
    (old.cluster / "PG_VERSION").write_text("99\n")
    with pytest.raises(CannotUpgrade, match="dongting backup FILE"):
        upgrade_cluster(old)
    assert (old.cluster / "PG_VERSION").read_text() == "99\n"


def test_nothing_to_do_where_there_is_nothing(open_folder: Path) -> None:
    assert upgrade_cluster(EmbeddedPostgres(open_folder / "none")) is None
    shutil.rmtree(open_folder / "none", ignore_errors=True)
