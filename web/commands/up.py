"""``dongting up``."""

import click

from web.commands._options import data_option, listen_options, settings_from
from web.machine.certificate import with_tls
from web.machine.up import run


@click.command()
@data_option
@listen_options
@click.option("--tls", is_flag=True, help="Serve HTTPS with the certificate of `dongting cert`.")
def command(data: str | None, host: str | None, port: str | None, tls: bool) -> None:
    """Run all processes of one machine until Ctrl-C."""
    settings = settings_from(data=data, host=host, port=port)
    run(with_tls(settings) if tls else settings, is_demo=False)
