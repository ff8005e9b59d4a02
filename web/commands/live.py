"""``dongting live``."""

from contextlib import closing
from dataclasses import replace

import click

from web.commands._options import data_option, settings_from
from web.databases import app_url
from web.logs import start_logging
from web.machine.child import follow_supervisor
from web.machine.ports import free_port
from web.serve import LIVE, serve
from wms.db import Database

SPARE_THREADS = 16  # for who is turned away, and for /healthz
POOL = 6  # a stream holds no connection: the dispatcher's, and those of who comes in


@click.command()
@data_option
@click.option("--host", metavar="ADDRESS", help="Where to listen (127.0.0.1 unless told).")
@click.option("--port", type=click.IntRange(1, 65535), help="Where to listen (else DONGTING_LIVE_PORT).")
def command(data: str | None, host: str | None, port: int | None) -> None:
    """Serve live streams in a process of their own; the web's /live leads here (DONGTING_LIVE_URL), or a proxy does."""
    follow_supervisor()
    settings = settings_from(data=data, host=host)
    found = free_port(settings.host, port or settings.live_port)
    start_logging(settings, LIVE)
    with closing(Database(app_url(settings), pool_size=1, max_overflow=0)) as database:
        database.refuse_owner()
    click.echo(f"Live streams on {settings.host} port {found.port}.")
    threads = 2 * settings.live_process_streams + SPARE_THREADS  # all may be cut off, and come back at once
    one_process = replace(settings, port=found.port, web_workers=1, web_threads=threads, web_pool=POOL)
    serve(one_process, log_as=LIVE)
