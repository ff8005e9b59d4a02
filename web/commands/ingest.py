"""``dongting ingest``."""

from functools import partial

import click

from web.commands._options import data_option, settings_from
from web.logs import start_logging
from web.machine.child import follow_supervisor


@click.command()
@data_option
@click.option("--host", metavar="ADDRESS", help="Where the embedded broker listens (127.0.0.1 unless told).")
def command(data: str | None, host: str | None) -> None:
    """Take in what the devices say over MQTT, and send barrier commands."""
    follow_supervisor()
    settings = settings_from(data=data, host=host)
    start_logging(settings, "ingest")
    from iot.ingest import run  # noqa: PLC0415 - `dongting --help` need not load it

    run(settings, partial(start_logging, settings))
