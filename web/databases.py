"""Which login a process uses: the product is bound by row-level security, migrations and seed own the tables."""

from collections.abc import Iterator
from contextlib import contextmanager

from wms.postgres import EmbeddedPostgres
from wms.settings import Settings


def app_url(settings: Settings) -> str:
    """The product's own login, of the given server or of the embedded one."""
    return settings.database_url or EmbeddedPostgres(settings.data_dir).urls.app


def owner_url(settings: Settings) -> str:
    """The login that owns the tables: for migrations and seed alone."""
    given = settings.database_owner_url or settings.database_url
    return given or EmbeddedPostgres(settings.data_dir).urls.owner


def dump_url(settings: Settings) -> str:
    """The login that reads every row whatever row-level security says: for backup and restore alone."""
    given = settings.database_owner_url or settings.database_url
    return given or EmbeddedPostgres(settings.data_dir).urls.superuser


@contextmanager
def database_running(settings: Settings) -> Iterator[None]:
    """For commands that need the database for a moment: start the embedded one unless it runs already."""
    if not settings.is_embedded:
        yield
        return
    with EmbeddedPostgres(settings.data_dir).running():
        yield
