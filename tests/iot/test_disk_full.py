"""A disk full in the middle: nothing is acknowledged, senders keep what they have, and it goes on by itself."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from iot import health
from migrations.run import migrate
from tests.conftest import Urls
from tests.iot.doors import Client, until
from tests.iot.processes import IngestProcess
from tests.iot.world import Sender, count, rows, site_with
from wms.db import Database, Scope
from wms.postgres import EmbeddedPostgres

PATIENCE_S = 90
DISK_MB = 1024
LEFT_BYTES = 1_500_000


def sender(ingest: IngestProcess, device: Sender) -> Client:
    client = Client(ingest.port, device.code, device.token, clean_session=False)
    client.paho.max_inflight_messages_set(200)
    client.paho.reconnect_delay_set(1, 1)
    client.paho.connect("127.0.0.1", ingest.port, keepalive=30)
    client.paho.loop_start()
    until(lambda: client.connects, PATIENCE_S)
    return client


def facts(database: Database, scope: Scope) -> list[health.IngestFacts]:
    with database.unit_of_work(scope) as session:
        return health.facts(session)


def alarms(database: Database, scope: Scope) -> list[str]:
    return [code for (code,) in rows(database, scope, "SELECT code FROM device_alarm WHERE subject = 'inbox'")]


def test_what_the_database_has_no_space_for_is_not_acknowledged_and_comes_later(
    fresh_urls: Urls, fresh_database: Database, tmp_path: Path
) -> None:
    """The database's own refusal (53100) over the wire; the disk itself is the next test's."""
    scope = Scope.system(1)
    [gate] = site_with(fresh_database, scope, "gate")
    ingest = IngestProcess(fresh_urls.app, 1, tmp_path).start()
    client = sender(ingest, gate)
    first = client.publish(gate.topic(), gate.message(seq=1))
    until(lambda: client.is_acked(first), PATIENCE_S)
    owner = Database(fresh_urls.owner, pool_size=1)
    with owner.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END$$;"
            "CREATE TRIGGER no_space BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION no_space()"
        )
    mids = [client.publish(gate.topic(), gate.message(seq=seq)) for seq in range(2, 302)]
    until(lambda: [one.is_connected for one in facts(fresh_database, scope)] == [False], PATIENCE_S)
    until(lambda: facts(fresh_database, scope)[0].oldest_waiting_ms > 1000, PATIENCE_S)
    assert not client.acked & set(mids)
    assert not client.ends
    assert alarms(fresh_database, scope) == []
    with owner.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER no_space ON inbox")
    owner.close()
    until(lambda: set(mids) <= client.acked, PATIENCE_S)
    assert count(fresh_database, scope, "inbox") == 301
    assert count(fresh_database, scope, "inbox", "copies > 0") == 0
    until(lambda: alarms(fresh_database, scope) == ["disk_full"], PATIENCE_S)
    until(lambda: facts(fresh_database, scope)[0].is_ready, PATIENCE_S)
    client.close()
    assert ingest.stop() == 0


@contextmanager
def small_disk() -> Iterator[Path]:
    """A disk of its own in memory; skips where this user may not mount one."""
    folder = Path(tempfile.mkdtemp(prefix="dongting-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0711", "tmpfs", str(folder)]
    try:
        if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("only who may mount a small disk can fill it; the test before this one needs no right")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=False)
    finally:
        folder.rmdir()


def resize(folder: Path, size_bytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size_bytes}", str(folder)], check=True)


def used_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def test_a_real_disk_fills_up_and_everything_is_kept_by_who_sent_it(tmp_path: Path) -> None:
    with small_disk() as disk:
        log_folder = Path(tempfile.mkdtemp(prefix="dongting-wal-"))
        log_folder.chmod(0o711)
        server = EmbeddedPostgres(disk / "data")
        try:
            server.start()
            migrate(server.urls.owner)
            server.stop()
            move_wal(disk, log_folder)  # a full disk under the log stops the whole server: that is the kill test's
            server = EmbeddedPostgres(disk / "data").start()
            database, scope = Database(server.urls.app), Scope.system(1)
            gate, neighbour = site_with(database, scope, "gate", "scale")
            ingest = IngestProcess(server.urls.app, 1, tmp_path).start()
            clients = [(device, sender(ingest, device)) for device in (gate, neighbour)]
            resize(disk, used_bytes(disk) + LEFT_BYTES)
            mids: list[list[int]] = [[], []]
            seq = 0
            deadline = time.monotonic() + PATIENCE_S
            until(lambda: facts(database, scope), PATIENCE_S)
            while facts(database, scope)[0].is_ready:
                assert time.monotonic() < deadline, "the disk did not fill up"
                for _ in range(20):
                    seq += 1
                    for place, (device, client) in enumerate(clients):
                        body = device.message(seq=seq, data={"note": "x" * 2000})
                        mids[place].append(client.publish(device.topic(), body))
                time.sleep(0.02)
            acknowledged = [len(client.acked) for _, client in clients]
            assert sum(acknowledged) < 2 * seq
            assert count(database, scope, "inbox") >= sum(acknowledged)
            resize(disk, DISK_MB << 20)
            for place, (_, client) in enumerate(clients):
                until(lambda c=client, p=place: set(mids[p]) <= c.acked, PATIENCE_S)
                client.close()
            assert count(database, scope, "inbox", "NOT is_will") == 2 * seq
            until(lambda: rows(database, scope, "SELECT DISTINCT upto FROM device_seq") == [(seq,)], PATIENCE_S)
            until(lambda: alarms(database, scope) == ["disk_full"], PATIENCE_S)
            until(lambda: facts(database, scope)[0].is_ready, PATIENCE_S)
            assert ingest.stop() == 0
            database.close()
        finally:
            server.stop()
            shutil.rmtree(log_folder, ignore_errors=True)


def move_wal(disk: Path, to: Path) -> None:
    """The write-ahead log onto another disk, as an operator would."""
    [wal] = [one for one in disk.rglob("pg_wal") if one.is_dir()]
    owner = wal.stat()
    shutil.move(wal, to / "pg_wal")
    for one in (to, to / "pg_wal", *(to / "pg_wal").rglob("*")):
        os.chown(one, owner.st_uid, owner.st_gid)
    wal.symlink_to(to / "pg_wal")
    os.chown(wal, owner.st_uid, owner.st_gid, follow_symlinks=False)
