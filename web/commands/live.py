"""``dongting live``."""

from contextlib import closing
from dataclasses import replace

import click

from web.commands._options import data_option, settings_from
from web.databases import app_url
from web.logs import start_logging
from web.machine.child import follow_supervisor
from web.machine.ports import free_port
from web.serve import serve
from wms.db import Database


@click.command()
@data_option
@click.option("--host", metavar="ADDRESS", help="Where to listen (127.0.0.1 unless told).")
@click.option("--port", type=click.IntRange(1, 65535), help="Where to listen (else DONGTING_LIVE_PORT).")
def command(data: str | None, host: str | None, port: int | None) -> None:
    """Serve live streams in a process of their own; a proxy sends /live here."""
    follow_supervisor()
    settings = settings_from(data=data, host=host)
    found = free_port(settings.host, port or settings.live_port)
    start_logging(settings, "live")
    with closing(Database(app_url(settings), pool_size=1, max_overflow=0)) as database:
        database.refuse_owner()
    click.echo(f"Live streams on {settings.host} port {found.port}.")
    serve(replace(settings, port=found.port), log_as="live")
