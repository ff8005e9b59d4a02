"""``dongting worker``."""

import click

from web import worker
from web.commands._options import data_option, settings_from
from web.logs import start_logging
from web.machine.child import follow_supervisor


@click.command()
@data_option
def command(data: str | None) -> None:
    """Run the jobs that were put off: plans, documents, messages to others."""
    follow_supervisor()
    settings = settings_from(data=data)
    start_logging(settings, "worker")
    worker.run(settings)
