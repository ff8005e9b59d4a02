"""Weeks that ended long ago, for tests of what becomes of them."""

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from iot.tables import WEEK
from tests.conftest import Urls
from wms.db import Database, Scope


def week_ago(database: Database, scope: Scope, days: int) -> int:
    """The first id of the week ``days`` ago."""
    with database.unit_of_work(scope) as session:
        sql = "SELECT event_week(now() - make_interval(days => :days))"
        return int(session.execute(text(sql), {"days": days}).scalar_one())


def make_old_week(urls: Urls, base: int) -> None:
    """A week of its own for ids from ``base`` on, as if this database had run since then."""
    owner = create_engine(urls.owner, poolclass=NullPool)
    with owner.begin() as connection:
        for table in ("inbox", "reading"):
            for sql in (
                f"ALTER TABLE {table} DETACH PARTITION weeks.{table}_before",
                f"ALTER TABLE {table} ATTACH PARTITION weeks.{table}_before FOR VALUES FROM (MINVALUE) TO ({base})",
                f"CREATE TABLE weeks.{table}_old (LIKE {table} INCLUDING ALL)",
                f"ALTER TABLE {table} ATTACH PARTITION weeks.{table}_old FOR VALUES FROM ({base}) TO ({base + WEEK})",
            ):
                connection.execute(text(sql))


def move_to_week(urls: Urls, base: int) -> None:
    """Everything that is stored now happened in the week that begins with ``base``."""
    superuser = create_engine(urls.superuser, poolclass=NullPool)
    with superuser.begin() as connection:
        for table, columns in (("inbox", ("inbox_id",)), ("reading", ("reading_id",))):
            offset = f"(id - id % {WEEK}) - {base}"
            connection.execute(text(f"UPDATE {table}_key SET {columns[0]} = {base} + {columns[0]} % {WEEK}"))
            connection.execute(
                text(f"UPDATE {table} SET id = id - ({offset}), recorded_at = recorded_at - interval '150 days'")
            )
        for table in ("reading", "dead_letter", "inbox_conflict"):
            connection.execute(text(f"UPDATE {table} SET inbox_id = {base} + inbox_id % {WEEK}"))
        connection.execute(text(f"UPDATE alarm SET reading_id = {base} + reading_id % {WEEK}"))
