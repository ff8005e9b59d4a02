"""A backup is whole, consistent while work goes on, and comes back in an empty folder."""

import json
import shutil
import stat
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migrations.run import is_current, migrate
from web.machine.backup import NotABackup, NotEmpty, backup, restore
from wms.postgres import EmbeddedPostgres, libpq
from wms.settings import Settings, load_settings

pytestmark = pytest.mark.timeout(120)


def settings_for(folder: Path) -> Settings:
    return load_settings({"DONGTING_DATA": str(folder)})


@pytest.fixture(scope="module")
def source() -> Iterator[tuple[Settings, EmbeddedPostgres]]:
    """A running installation with a company, a secret key and an attachment."""
    folder = Path(tempfile.mkdtemp(prefix="dongting source ", dir="/tmp"))
    folder.chmod(0o711)
    settings = settings_for(folder / "source")
    server = EmbeddedPostgres(settings.data_dir, durable=False).start()
    migrate(server.urls.owner)
    with psycopg.connect(libpq(server.urls.superuser)) as connection:
        connection.execute(
            "INSERT INTO company (tenant_id, code, name_zh, name_en) VALUES (1, 'CLJ', '城陵矶', 'Chenglingji')"
        )
        connection.execute("CREATE TABLE pair (half int)")
    (settings.data_dir / "files" / "ab").mkdir(parents=True)
    (settings.data_dir / "files" / "ab" / "attachment").write_bytes(b"\0picture")
    assert settings.secret_key
    yield settings, server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def company_names(settings: Settings) -> list[str]:
    with EmbeddedPostgres(settings.data_dir).running() as urls, psycopg.connect(libpq(urls.superuser)) as connection:
        return [row[0] for row in connection.execute("SELECT name_zh FROM company")]


def test_everything_comes_back_in_an_empty_folder(open_folder: Path, source: tuple[Settings, EmbeddedPostgres]) -> None:
    settings, _ = source
    file = open_folder / "a backup.tar"
    made = backup(settings, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    target = settings_for(open_folder / "target")
    assert restore(target, file) == made
    assert company_names(target) == ["城陵矶"]
    assert target.secret_key == settings.secret_key
    assert (target.data_dir / "files" / "ab" / "attachment").read_bytes() == b"\0picture"
    with EmbeddedPostgres(target.data_dir).running() as urls:
        assert is_current(urls.owner)
        with psycopg.connect(libpq(urls.app)) as connection:  # grants and row-level security came along
            row = connection.execute("SELECT count(*) FROM company").fetchone()
            assert row == (0,)
    assert sorted(path.name for path in open_folder.iterdir()) == ["a backup.tar", "target"]


def test_is_one_instant_of_a_database_at_work(open_folder: Path, source: tuple[Settings, EmbeddedPostgres]) -> None:
    settings, server = source
    over = threading.Event()

    def work() -> None:
        with psycopg.connect(libpq(server.urls.superuser)) as connection:
            while not over.is_set():
                with connection.transaction():
                    connection.execute("INSERT INTO pair VALUES (1)")
                    connection.execute("INSERT INTO pair VALUES (-1)")

    worker = threading.Thread(target=work)
    worker.start()
    try:
        backup(settings, open_folder / "b.tar")
    finally:
        over.set()
        worker.join()
    target = settings_for(open_folder / "target")
    restore(target, open_folder / "b.tar")
    with EmbeddedPostgres(target.data_dir).running() as urls, psycopg.connect(libpq(urls.superuser)) as connection:
        row = connection.execute("SELECT sum(half), count(*) > 0 FROM pair").fetchone()
    assert row == (0, True)


def test_refuses_to_write_over_a_file(open_folder: Path, source: tuple[Settings, EmbeddedPostgres]) -> None:
    (open_folder / "kept").write_text("something else")
    with pytest.raises(NotEmpty):
        backup(source[0], open_folder / "kept")
    assert (open_folder / "kept").read_text() == "something else"


def test_refuses_to_restore_over_an_installation(open_folder: Path, source: tuple[Settings, EmbeddedPostgres]) -> None:
    backup(source[0], open_folder / "b.tar")
    with pytest.raises(NotEmpty):
        restore(source[0], open_folder / "b.tar")
    assert company_names(source[0]) == ["城陵矶"]


def _cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def _flip(file: Path) -> None:
    with tarfile.open(file) as tar:
        at = tar.getmember("database.dump").offset_data + 1000
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def _lie(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content.replace(b"dongting.backup.v1", b"dongting.backup.v9"))


def _escape(file: Path) -> None:
    hashes = {"database.dump": "", "../../escaped": ""}
    manifest = {"format": "dongting.backup.v1", "made_at": "", "revision": None, "sha256": hashes}
    (file.parent / "m").write_text(json.dumps(manifest))
    with tarfile.open(file, "w") as tar:
        tar.add(file.parent / "m", "manifest.json")
        tar.add(file.parent / "m", "database.dump")
        tar.add(file.parent / "m", "../../escaped")


def _scribble(file: Path) -> None:
    file.write_bytes(b"not a tar at all" * 100)


@pytest.mark.parametrize("damage", [_cut, _flip, _lie, _escape, _scribble])
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    open_folder: Path, source: tuple[Settings, EmbeddedPostgres], damage: object
) -> None:
    file = open_folder / "b.tar"
    backup(source[0], file)
    assert callable(damage)
    damage(file)
    target = settings_for(open_folder / "target")
    with pytest.raises(NotABackup):
        restore(target, file)
    assert not (open_folder / "target").exists()
    assert not (open_folder.parent / "escaped").exists()


def test_a_dump_that_does_not_fit_leaves_nothing(
    open_folder: Path, source: tuple[Settings, EmbeddedPostgres], monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(source[0], open_folder / "b.tar")
    target = settings_for(open_folder / "target")
    monkeypatch.setattr("web.machine.backup.migrate", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        restore(target, open_folder / "b.tar")
    assert not (open_folder / "target" / "postgres").exists()
    monkeypatch.undo()
    restore(target, open_folder / "b.tar")
    assert company_names(target) == ["城陵矶"]
