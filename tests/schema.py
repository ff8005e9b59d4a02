"""The template's schema: the product's own migrations, run by the product's own command."""

from migrations.run import migrate
from wms.postgres import Urls


def migrate_template(urls: Urls) -> None:
    """Bring a new database to the newest revision."""
    migrate(urls.owner)
