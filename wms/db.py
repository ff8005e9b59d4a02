"""The database: mappings' common ground, the scope of a person, and the unit of work.

A :class:`Scope` says for whom a transaction runs. It is written into the transaction (``set_config(…, true)``), where
row-level security reads it; a pooled connection cannot carry it into the next transaction. Without a scope the tables
are empty (ledger reference, section 1).
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

import psycopg
from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Engine,
    MetaData,
    create_engine,
    func,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from wms.arrays import register
from wms.errors import WmsError
from wms.failpoints import reach
from wms.liveness import watch

register()  # before the first engine: an engine keeps what it found

Id = Annotated[int, mapped_column(BigInteger, primary_key=True, autoincrement=True)]
Qty = Annotated[int, mapped_column(BigInteger)]
Minor = Annotated[int, mapped_column(BigInteger)]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
RecordedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]

Result = TypeVar("Result")
ATTEMPTS = 5
GIVEN_UP = frozenset({"40P01", "40001"})  # deadlock, serialisation failure: the same work may be sent again

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The one metadata; constraint names follow one convention so that a refusal can be told from its name."""

    metadata = MetaData(naming_convention=NAMES)


class Tenanted:
    """A row of one operator's installation. The column fills itself from the transaction's scope.

    It has no foreign key: a share lock on the one tenant row by every insert would make it the hottest row of all;
    row-level security lets nobody write another value than the scope's.
    """

    tenant_id: Mapped[int] = mapped_column(BigInteger, server_default=text("app_tenant()"))


class ServedAsOwner(WmsError):
    """The product was about to run with rights that switch its own safeguards off."""

    code = "served_as_owner"
    text = (
        "The database login %(login)s is a superuser or owns the tables, and for such a login row-level security and "
        "the ban on edits do not exist. Give the product the login dongting_app."
    )


@dataclass(frozen=True)
class Scope:
    """For whom a transaction runs: installation, person, role, and whether rows of all companies are visible."""

    tenant_id: int
    person_id: int | None = None
    role: str = "system"
    company_id: int | None = None
    sees_all: bool = True

    @classmethod
    def system(cls, tenant_id: int = 1) -> "Scope":
        """The installation itself: jobs, ingest, seed."""
        return cls(tenant_id)


SET_SCOPE = (
    "SELECT set_config('app.tenant', %s, true), set_config('app.person', %s, true),"
    " set_config('app.company', %s, true), set_config('app.sees_all', %s, true), set_config('app.role', %s, true)"
)


@dataclass(frozen=True)
class Question:
    """A query of one value that a unit of work begins with; it travels with the scope, so that it costs no call."""

    sql: str
    given: tuple[Any, ...]


def set_scope(session: Session, scope: Scope, first: Question | None = None) -> None:
    """Write ``scope`` into the running transaction; row-level security reads it there.

    The answer to ``first`` is kept for :func:`first_answer`.
    """
    session.info["tenant_id"] = scope.tenant_id
    sql, given = (SET_SCOPE, ()) if first is None else (SET_SCOPE + ", (" + first.sql + ")", first.given)
    [said] = call(
        session,
        sql,
        (
            str(scope.tenant_id),
            str(scope.person_id or ""),
            str(scope.company_id or ""),
            "on" if scope.sees_all else "off",
            scope.role,
            *given,
        ),
    )
    session.info["first"] = said[-1] if first is not None else None


def carry_scope(connection: psycopg.Connection[Any], scope: Scope) -> None:
    """Let every transaction of ``connection`` run for ``scope``; only for one that never goes into a pool."""
    connection.execute(
        SET_SCOPE.replace("true)", "false)"),
        (
            str(scope.tenant_id),
            str(scope.person_id or ""),
            str(scope.company_id or ""),
            "on" if scope.sees_all else "off",
            scope.role,
        ),
    )


def first_answer(session: Session) -> Any:
    """Return the answer to the question that this unit of work began with, once; None where there was none."""
    return session.info.pop("first", None)


def call(session: Session, sql: str, given: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one statement in the session's transaction by the driver alone and return its rows.

    For the calls of every minute: to describe the columns of each result anew costs SQLAlchemy twice of what the driver
    takes to send the statement and to read its rows. Raises what ``exec_driver_sql`` would raise.
    """
    connection = session.connection()
    driver: psycopg.Connection[Any] | None = connection.connection.driver_connection
    assert driver is not None
    try:
        return driver.execute(sql, given).fetchall()
    except psycopg.Error as error:
        raise _told(connection, driver, sql, given, error) from error


def _told(
    connection: Connection, driver: "psycopg.Connection[Any]", sql: str, given: Sequence[Any], error: psycopg.Error
) -> Exception:
    lost = driver.closed or driver.broken
    if lost:
        connection.invalidate(error)
    return DBAPIError.instance(
        sql, tuple(given), error, psycopg.Error, connection_invalidated=lost, dialect=connection.dialect
    )  # fmt: skip


def tenant_of(session: Session) -> int:
    """The installation that ``session`` works for."""
    tenant_id: int = session.info["tenant_id"]
    return tenant_id


class Database:
    """An engine and its units of work. ``url`` is a ``postgresql+psycopg://`` URL; pool sizes are connections."""

    def __init__(self, url: str, *, pool_size: int = 5, max_overflow: int = 5, **engine_options: Any) -> None:
        self.url = url
        self.info: dict[str, Any] = {}  # what every unit of work is given along, by name
        self.engine: Engine = create_engine(url, pool_size=pool_size, max_overflow=max_overflow, **engine_options)
        watch(self.engine)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def unit_of_work(self, scope: Scope, first: Question | None = None) -> Iterator[Session]:
        """One transaction for ``scope``: committed when the block ends well, rolled back when it raises."""
        with self._sessions.begin() as session:
            session.info.update(self.info)
            set_scope(session, scope, first)
            yield session
            reach("commit.before")
        reach("commit.after")

    def run(
        self,
        scope: Scope,
        work: Callable[[Session], Result],
        *,
        attempts: int = ATTEMPTS,
        first: Question | None = None,
    ) -> Result:
        """Run ``work`` as one unit of work; again, whole, when the database gave it up for a rival's sake.

        Only deadlock (40P01) and serialisation failure (40001) are tried again, with growing random pauses; a refusal
        of the trade never is. ``work`` must have no effect but on its session.
        """
        for attempt in range(1, attempts + 1):
            try:
                with self.unit_of_work(scope, first) as session:
                    return work(session)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in GIVEN_UP or attempt == attempts:
                    raise
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter, not a secret
        raise AssertionError("the loop returns or raises")

    def refuse_owner(self) -> None:
        """Raise :class:`ServedAsOwner` unless the login is bound by row-level security and table privileges."""
        with self.engine.connect() as connection:
            login, unbound = connection.execute(
                text(
                    "SELECT current_user, rolsuper OR rolbypassrls OR EXISTS (SELECT 1 FROM pg_class c"
                    " WHERE c.relname = 'posting' AND pg_has_role(current_user, c.relowner, 'MEMBER'))"
                    " FROM pg_roles WHERE rolname = current_user"
                )
            ).one()
        if unbound:
            self.close()
            raise ServedAsOwner(login=login)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
