"""Bring a database's schema to this program's revision, from a checkout or from an installed wheel."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from migrations.statistics import teach_planner
from wms.errors import N_, Kind, WmsError


class MigrationFailed(WmsError):
    """A revision could not be applied; its transaction was rolled back and the ones before it stay."""

    code = "migration_failed"
    kind = Kind.UNAVAILABLE
    text = N_("The schema was not upgraded (it is at %(at)s): %(reason)s")


class NewerSchema(WmsError):
    """The database was made by a newer Dongting."""

    code = "newer_schema"
    text = N_("The database is at revision %(at)s, which this version of Dongting does not know. Install a newer one.")


class DatabaseAway(WmsError):
    """Nobody answers at the database's URL, or the login is refused."""

    code = "database_away"
    kind = Kind.UNAVAILABLE
    text = N_("The database cannot be reached: %(reason)s")


def config(url: str, lock_timeout_s: int = 10) -> Config:
    """Alembic's configuration for the migrations that ship with this program."""
    made = Config()
    made.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes.update(url=url, lock_timeout_s=lock_timeout_s)
    return made


def migrate(url: str, *, lock_timeout_s: int = 10, revision: str = "head") -> None:
    """Upgrade the database at ``url`` (the owner's login). Safe to repeat and to run twice at once.

    Raises:
        MigrationFailed: a lock was not had within ``lock_timeout_s``, or a revision broke.
        NewerSchema: the database is ahead of this program.
        DatabaseAway: no connection.
    """
    at = current(url)
    try:
        command.upgrade(config(url, lock_timeout_s), revision)
        teach_planner(url)
    except CommandError as error:
        raise NewerSchema(at=at) from error
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise MigrationFailed(at=current(url) or "nothing", reason=reason) from error


def current(url: str) -> str | None:
    """The revision that the database is at; None when it is empty."""
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except OperationalError as error:
        raise DatabaseAway(reason=str(error.orig).strip().splitlines()[0]) from None


def head() -> str:
    """The revision that this program needs."""
    found = ScriptDirectory.from_config(config("")).get_current_head()
    assert found is not None
    return found


def is_current(url: str) -> bool:
    """Whether the database is at this program's revision."""
    return current(url) == head()
