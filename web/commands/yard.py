"""``dongting yard``."""

import click

from web.commands._options import data_option, settings_from
from web.logs import start_logging
from web.machine.child import follow_supervisor


@click.command()
@data_option
def command(data: str | None) -> None:
    """Play the devices of the demo's gates over MQTT: cameras, weighbridges, barriers."""
    follow_supervisor()
    settings = settings_from(data=data)
    start_logging(settings, "yard")
    from web.demo.yard.run import run  # noqa: PLC0415 - `dongting --help` need not load it

    run(settings)
