"""Backup and restore of one installation: database, secret key, certificates and attachments in one file.

The database part is what ``pg_dump`` sees in one snapshot, so it is consistent while everything runs. The file is a
tar: ``manifest.json`` with a SHA-256 for each member, then the members. It holds secrets and is readable by its
owner alone.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from migrations.run import current, migrate
from web.databases import database_running, dump_url, owner_url
from wms.errors import N_, Kind, WmsError
from wms.postgres import EmbeddedPostgres, libpq
from wms.postgres_files import wheel_binaries
from wms.settings import SECRET_KEY_FILE, Settings

FORMAT = "dongting.backup.v1"
DUMP = "database.dump"
FOLDERS = ("certificates", "files", "keys")
CHUNK_BYTES = 1 << 20


class BackupFailed(WmsError):
    """A tool of PostgreSQL ended with an error."""

    code = "backup_failed"
    kind = Kind.UNAVAILABLE
    text = N_("%(what)s failed: %(reason)s")


class NotABackup(WmsError):
    """The file is not one of ours, or it was damaged."""

    code = "not_a_backup"
    kind = Kind.INVALID
    text = N_("%(file)s cannot be restored: %(reason)s")


class NotEmpty(WmsError):
    """Restoring over data that is there would destroy it."""

    code = "not_empty"
    kind = Kind.CONFLICT
    text = N_("%(place)s is not empty. A backup is restored into an empty data folder (or database) only.")


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself."""

    made_at: str
    revision: str | None
    sha256: dict[str, str]


def backup(settings: Settings, target: Path) -> Manifest:
    """Write a backup to ``target``, which appears whole or not at all; an existing file is refused."""
    if target.exists() and target.stat().st_size:
        raise NotEmpty(place=str(target))
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    draft = Path(name)
    try:
        with tempfile.TemporaryDirectory(prefix="dongting-backup-", dir=target.parent) as work:
            with database_running(settings):
                revision = current(owner_url(settings))
                _tool("pg_dump", dump_url(settings), "--format=custom", f"--file={Path(work) / DUMP}")
            members = _members(settings, Path(work))
            manifest = Manifest(
                datetime.now(UTC).isoformat(timespec="seconds"),
                revision,
                {name: _sha256(path) for name, path in members.items()},
            )
            with os.fdopen(handle, "wb") as file:
                _write(file, manifest, members)
                os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def _members(settings: Settings, work: Path) -> dict[str, Path]:
    found = {DUMP: work / DUMP}
    if (settings.data_dir / SECRET_KEY_FILE).exists():
        found[SECRET_KEY_FILE] = settings.data_dir / SECRET_KEY_FILE
    for folder in FOLDERS:
        for path in sorted((settings.data_dir / folder).rglob("*")):
            if path.is_file():
                found[str(PurePosixPath(path.relative_to(settings.data_dir)))] = path
    return found


def _write(file: IO[bytes], manifest: Manifest, members: dict[str, Path]) -> None:
    head = json.dumps({"format": FORMAT, **vars(manifest)}, indent=1).encode()
    with tarfile.open(fileobj=file, mode="w") as tar:
        entry = tarfile.TarInfo("manifest.json")
        entry.size, entry.mode = len(head), 0o600
        tar.addfile(entry, io.BytesIO(head))
        for name, path in members.items():
            tar.add(path, arcname=name, recursive=False)


def restore(settings: Settings, source: Path) -> Manifest:
    """Bring ``source`` into an empty data folder (or given empty database) and upgrade its schema.

    Whatever goes wrong, nothing half restored is left. Raises :class:`NotABackup`, :class:`NotEmpty`,
    :class:`BackupFailed`.
    """
    _refuse_not_empty(settings)
    with tempfile.TemporaryDirectory(prefix="dongting-restore-", dir=source.parent) as work:
        manifest = _unpack(source, Path(work))
        with _undone_on_failure(settings):
            with database_running(settings):
                _refuse_tables(settings)
                _tool(
                    "pg_restore", dump_url(settings), "--dbname=" + _database(settings), "--exit-on-error",
                    "--single-transaction", str(Path(work) / DUMP),
                )  # fmt: skip
                migrate(owner_url(settings), lock_timeout_s=settings.lock_timeout_s)
                _analyze(settings)
            for name in manifest.sha256:
                if name != DUMP:
                    _put(Path(work) / name, settings.data_dir / name)
    return manifest


def _analyze(settings: Settings) -> None:
    """A dump holds no statistics; without them the first queries, verify's too, walk through whole tables."""
    with psycopg.connect(libpq(dump_url(settings)), autocommit=True) as connection:
        connection.execute("ANALYZE")


def _refuse_not_empty(settings: Settings) -> None:
    folder = settings.data_dir
    kept = ("postgres", SECRET_KEY_FILE, *FOLDERS) if settings.is_embedded else ("files",)
    for name in kept:
        if (folder / name).exists():
            raise NotEmpty(place=str(folder))


def _refuse_tables(settings: Settings) -> None:
    with psycopg.connect(libpq(dump_url(settings))) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    if row and row[0]:
        raise NotEmpty(place="The database")


@contextmanager
def _undone_on_failure(settings: Settings) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if settings.is_embedded:
            EmbeddedPostgres(settings.data_dir).stop()
            for name in ("postgres", "secrets", *FOLDERS):
                shutil.rmtree(settings.data_dir / name, ignore_errors=True)
            (settings.data_dir / SECRET_KEY_FILE).unlink(missing_ok=True)
        raise


def _unpack(source: Path, work: Path) -> Manifest:
    """Unpack the members that the manifest names, each checked against its hash."""
    try:
        with tarfile.open(source, "r:") as tar:
            manifest = _manifest(source, tar)
            for name, wanted in manifest.sha256.items():
                if name.startswith("/") or ".." in PurePosixPath(name).parts:
                    raise NotABackup(file=str(source), reason=f"it names {name!r}")
                content = tar.extractfile(name)
                if content is None:
                    raise NotABackup(file=str(source), reason=f"{name} is not a file")
                path = work / name
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with path.open("wb") as file:
                    shutil.copyfileobj(content, file, CHUNK_BYTES)
                if _sha256(path) != wanted:
                    raise NotABackup(file=str(source), reason=f"{name} was changed or cut off")
    except (tarfile.TarError, EOFError, KeyError) as error:
        raise NotABackup(file=str(source), reason=str(error).strip("'\"") or "it is cut off") from None
    return manifest


def _manifest(source: Path, tar: tarfile.TarFile) -> Manifest:
    content = tar.extractfile("manifest.json")
    try:
        found: Any = json.load(content) if content else None
        if found["format"] != FORMAT or DUMP not in found["sha256"]:
            raise ValueError
        return Manifest(found["made_at"], found["revision"], dict(found["sha256"]))
    except (ValueError, TypeError, KeyError):
        raise NotABackup(file=str(source), reason="its manifest is not one of ours") from None


def _put(path: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    target.chmod(0o600)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _database(settings: Settings) -> str:
    return str(conninfo_to_dict(libpq(dump_url(settings)))["dbname"])


def _tool(name: str, url: str, *arguments: str) -> None:
    """Run a tool of PostgreSQL on ``url``; the password goes through the environment, where no other user sees it."""
    binaries = wheel_binaries()
    tool = str(binaries / name) if binaries else name
    parts = conninfo_to_dict(libpq(url))
    names = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "dbname": "PGDATABASE",
    }
    environ = {**os.environ, **{names[key]: str(value) for key, value in parts.items() if key in names}}
    done = subprocess.run([tool, *arguments], env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()
        raise BackupFailed(what=name, reason=words[-1] if words else f"exit status {done.returncode}")
