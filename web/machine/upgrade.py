"""Bring the embedded database's files from an older major version of PostgreSQL to this one."""

import os
import secrets
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from wms.errors import N_, WmsError
from wms.postgres import EmbeddedPostgres
from wms.postgres_files import MAJOR, Account, private_folder, runtime, wheel_binaries
from wms.postgres_roles import SUPERUSER
from wms.settings import kept_secret


class CannotUpgrade(WmsError):
    """The files cannot be brought over; they are left as they were."""

    code = "cannot_upgrade"
    text = N_("The database in %(folder)s was not upgraded and is as it was: %(reason)s")


def upgrade_cluster(server: EmbeddedPostgres) -> Path | None:
    """Upgrade the cluster of ``server`` with pg_upgrade (copying); return where the old files are kept.

    None when the files are of this version already, or there are none. Raises :class:`CannotUpgrade`, for example
    where the program has no binaries of the old version.
    """
    with suppress(FileNotFoundError):
        found = int((server.cluster / "PG_VERSION").read_text())
        if found != MAJOR:
            return _upgrade(server, found)
    return None


def _upgrade(server: EmbeddedPostgres, found: int) -> Path:
    account = server.account()
    if found > MAJOR or wheel_binaries(found) is None:
        reason = (
            f"this program has no PostgreSQL {found}. With a Dongting that has it run `dongting backup FILE`, and here "
            "`dongting restore FILE` into an empty data folder"
        )
        raise CannotUpgrade(folder=str(server.cluster), reason=reason)
    fresh = EmbeddedPostgres(server.data_dir / f"upgrade.{secrets.token_hex(4)}")
    try:
        for role in (server.data_dir / "secrets").iterdir():
            _lend(role, fresh.data_dir)
        fresh.prepare()
        _pg_upgrade(server, fresh, account, found)
    except BaseException:
        shutil.rmtree(fresh.data_dir, ignore_errors=True)
        raise
    kept = server.data_dir / f"postgres-{found}"
    server.cluster.rename(kept)
    fresh.cluster.rename(server.cluster)
    shutil.rmtree(fresh.data_dir)
    shutil.rmtree(fresh.run_dir, ignore_errors=True)
    return kept


def _lend(secret: Path, data_dir: Path) -> None:
    """Give the fresh cluster the password that the old one has."""
    data_dir.mkdir(mode=0o711, exist_ok=True)
    private_folder(data_dir / "secrets", None)
    (data_dir / "secrets" / secret.name).write_text(secret.read_text())
    (data_dir / "secrets" / secret.name).chmod(0o600)


def _pg_upgrade(server: EmbeddedPostgres, fresh: EmbeddedPostgres, account: Account, found: int) -> None:
    work = fresh.run_dir / "db"  # private to the account, and short: pg_upgrade puts its sockets there
    environment = account.environment() | {"PGPASSWORD": kept_secret(server.data_dir / "secrets" / SUPERUSER)}
    old, new = runtime(account, found), runtime(account)
    argv = [
        str(new / "pg_upgrade"), f"--old-bindir={old}", f"--new-bindir={new}", f"--old-datadir={server.cluster}",
        f"--new-datadir={fresh.cluster}", f"--username={SUPERUSER}", f"--socketdir={work}",
    ]  # fmt: skip
    done = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        check=False,
        cwd=work,
        **(account.as_user() | {"env": environment}),
    )
    if done.returncode != 0:
        words = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise CannotUpgrade(folder=str(server.cluster), reason=" ".join(words[-4:]))
    os.sync()
