"""``dongting shops``."""

import os
from pathlib import Path

import click

from web.commands._options import data_option, settings_from
from web.logs import start_logging
from web.machine.child import follow_supervisor


@click.command()
@data_option
@click.option("--url", help="Where the program answers (else DONGTING_URL, else this machine's port).")
@click.option("--exchange", type=click.Path(path_type=Path), help="The folder of the exchange with customs.")
def command(data: str | None, url: str | None, exchange: Path | None) -> None:
    """Play shops that sell bonded goods, their payment firm, their carrier and their declarant. A simulation."""
    follow_supervisor()
    settings = settings_from(data=data)
    start_logging(settings, "shops")
    from web.demo.shops.run import run  # noqa: PLC0415 - `dongting --help` need not load it

    address = url or os.environ.get("DONGTING_URL") or f"http://127.0.0.1:{settings.port}"
    known = settings.customs_exchange or ""
    folder = settings.data_dir / "customs" / "exchange" if not known or "://" in known else Path(known)
    run(settings.data_dir, address, exchange or folder, settings.tls_certificate)
