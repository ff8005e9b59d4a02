"""``dongting web``."""

from contextlib import closing

import click

from web.commands._options import data_option, listen_options, settings_from
from web.databases import app_url
from web.logs import start_logging
from web.machine.child import follow_supervisor
from web.serve import serve
from wms.db import Database


@click.command()
@data_option
@listen_options
def command(data: str | None, host: str | None, port: str | None) -> None:
    """Serve pages, API and live stream."""
    follow_supervisor()
    settings = settings_from(data=data, host=host, port=port)
    start_logging(settings, "web")
    with closing(Database(app_url(settings), pool_size=1, max_overflow=0)) as database:
        database.refuse_owner()
    serve(settings)
