"""Migrations: one line of revisions, no loss on the way, the schema that the mappings describe, no half-run upgrade."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from migrations.model import metadata
from migrations.run import MigrationFailed, NewerSchema, config, current, head, is_current, migrate
from tests.build import receive
from tests.conftest import Server, Urls
from tests.migrations.old_world import old_receipt, old_shelf
from web.commands.db import command
from wms.db import Database, Scope
from wms.stock.verify import run as verify

OLD = "0002_pre_stock"
OURS = "c.relnamespace = 'public'::regnamespace AND c.relname !~ '^(procrastinate_|alembic_version)'"


@pytest.fixture
def empty(server: Server) -> Iterator[Urls]:
    """A database in which nothing was ever migrated."""
    name = server.clone("template0")
    urls = server.postgres.urls_of(name)
    yield Urls(urls.app, urls.owner, urls.auditor, urls.superuser, name)
    server.postgres.drop_database(name)


def engine_of(url: str) -> Engine:
    return create_engine(url, poolclass=NullPool)


def tables_of(url: str) -> set[str]:
    with engine_of(url).connect() as connection:
        found = connection.execute(text("SELECT relname FROM pg_class c WHERE relkind = 'r' AND " + OURS))
        return set(found.scalars())


def test_there_is_one_line_of_revisions() -> None:
    script = ScriptDirectory.from_config(config(""))
    assert len(script.get_heads()) == 1
    assert [revision.nextrev for revision in script.walk_revisions() if len(revision.nextrev) > 1] == []


def test_each_revision_says_whether_it_runs_before_or_after_the_new_program() -> None:
    names = [revision.revision for revision in ScriptDirectory.from_config(config("")).walk_revisions()]
    assert [name for name in names if not re.fullmatch(r"\d{4}_(pre|post)_[a-z_]+", name)] == []
    assert names == sorted(names, reverse=True)


def test_an_old_database_keeps_its_data_and_its_ledger_on_the_way_up(empty: Urls) -> None:
    migrate(empty.owner, revision=OLD)
    scope, database = Scope.system(1), Database(empty.app, pool_size=1)
    with database.unit_of_work(scope) as session:
        shelf = old_shelf(session)
        old_receipt(session, "old-1", [(shelf.supplier, -10), (shelf.free, 10)])
        bonded = [(shelf.supplier, -7), (shelf.bonded, 7)]
        book = [(shelf.of_book("customs_source"), -7), (shelf.of_book("not_yet_booked"), 7)]
        old_receipt(session, "old-2", bonded + book)
    tables = sorted(tables_of(empty.superuser))
    with engine_of(empty.superuser).connect() as connection:
        columns = {table: _columns(connection, table) for table in tables}
        before = {table: _rows(connection, table, columns[table]) for table in tables}
    assert any(before.values())
    assert not is_current(empty.owner)
    migrate(empty.owner)
    assert is_current(empty.owner)
    with engine_of(empty.superuser).connect() as connection:
        after = {table: _rows(connection, table, columns[table]) for table in tables}
    assert after == before
    assert verify(database, scope) == []
    with database.unit_of_work(scope) as session:
        receive(session, shelf, 1)
    database.close()


def _columns(connection: Connection, table: str) -> str:
    sql = (
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
        " WHERE attrelid = cast(:name AS regclass) AND attnum > 0 AND NOT attisdropped"
    )
    return str(connection.execute(text(sql), {"name": table}).scalar_one())


def _rows(connection: Connection, table: str, columns: str) -> list[str]:
    return sorted(connection.execute(text(f"SELECT row({columns})::text FROM {table}")).scalars())


def test_the_migrated_schema_is_the_mapped_one(fresh_urls: Urls) -> None:
    with engine_of(fresh_urls.owner).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, _: kind != "table" or not str(name).startswith("procrastinate_"),
                "compare_server_default": True,
                "target_metadata": metadata(),
            },
        )
        assert compare_metadata(context, metadata()) == []


CATALOGUE = {
    "columns": (
        "SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)"
        " || CASE WHEN a.attnotnull THEN ' NOT NULL ' ELSE ' ' END"
        " || coalesce(pg_get_expr(d.adbin, d.adrelid), '')"
        " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
        " WHERE c.relkind IN ('r', 'p') AND "
    ),
    "constraints": (
        "SELECT c.relname || ' ' || k.conname || ' ' || pg_get_constraintdef(k.oid)"
        " FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid WHERE k.contype <> 'n' AND k.contype <> 't' AND "
    ),
    "indexes": ("SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE "),
}


@pytest.mark.parametrize("part", CATALOGUE)
def test_migrated_and_mapped_catalogue_agree_to_the_letter(fresh_urls: Urls, empty: Urls, part: str) -> None:
    """Also what autogenerate does not compare: check constraints, computed columns, partial indexes, storage order."""
    migrate(empty.owner, revision="0001_pre_ground")
    with engine_of(empty.owner).begin() as connection:
        metadata().create_all(connection)
    with engine_of(fresh_urls.owner).connect() as migrated, engine_of(empty.owner).connect() as mapped:
        found = set(migrated.execute(text(CATALOGUE[part] + OURS)).scalars())
        wanted = set(mapped.execute(text(CATALOGUE[part] + OURS)).scalars())
    assert sorted(found - wanted) == []
    assert sorted(wanted - found) == []


def test_a_revision_that_breaks_in_the_middle_leaves_the_one_before_it(
    empty: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(empty.owner, revision="0006_pre_inbox")
    before = tables_of(empty.owner)
    with engine_of(empty.owner).begin() as connection:
        connection.execute(text("CREATE TABLE gate_pass_use (in_the_way int)"))
    with pytest.raises(MigrationFailed, match=r"0006_pre_inbox.*already exists"):
        migrate(empty.owner)
    assert current(empty.owner) == "0006_pre_inbox"
    assert tables_of(empty.owner) - before == {"gate_pass_use"}
    assert not is_current(empty.owner)
    assert check(empty, monkeypatch) == (1, "0006_pre_inbox")
    with engine_of(empty.owner).begin() as connection:
        connection.execute(text("DROP TABLE gate_pass_use"))
    migrate(empty.owner)
    assert is_current(empty.owner)
    assert check(empty, monkeypatch) == (0, head())


def check(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit status of ``dongting db check``, and the revision that it names."""
    monkeypatch.setenv("DONGTING_DATABASE_URL", urls.app.replace("+psycopg", ""))
    monkeypatch.setenv("DONGTING_DATABASE_OWNER_URL", urls.owner.replace("+psycopg", ""))
    done = CliRunner().invoke(command, ["check"])
    named = re.search(r"\d{4}_[a-z_]+", done.output)
    return done.exit_code, named[0] if named else done.output


def test_an_upgrade_does_not_wait_long_for_a_lock(empty: Urls) -> None:
    migrate(empty.owner, revision="0006_pre_inbox")
    with engine_of(empty.superuser).begin() as writer:
        writer.execute(text("LOCK TABLE posting IN ROW EXCLUSIVE MODE"))  # as a posting under way does
        with pytest.raises(MigrationFailed, match="lock"):
            migrate(empty.owner, lock_timeout_s=1)
    assert current(empty.owner) == "0006_pre_inbox"
    migrate(empty.owner)
    assert is_current(empty.owner)


def test_a_database_of_a_newer_program_is_refused(fresh_urls: Urls) -> None:
    with engine_of(fresh_urls.owner).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_pre_future'"))
    with pytest.raises(NewerSchema, match="9999_pre_future"):
        migrate(fresh_urls.owner)


def test_two_processes_that_start_at_once_migrate_one_after_the_other(empty: Urls) -> None:
    code = "import sys; from migrations.run import migrate; migrate(sys.argv[1])"
    started = [subprocess.Popen([sys.executable, "-c", code, empty.owner]) for _ in range(2)]
    assert [process.wait(60) for process in started] == [0, 0]
    assert current(empty.owner) == head()


def test_what_needs_a_backup_to_go_back_refuses_to_go_down(fresh_urls: Urls) -> None:
    from alembic import command

    with pytest.raises(RuntimeError, match="restore a backup"):
        command.downgrade(config(fresh_urls.owner), "0001_pre_ground")
