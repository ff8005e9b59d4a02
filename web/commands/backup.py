"""``dongting backup``."""

from pathlib import Path

import click

from web.commands._options import data_option, settings_from
from web.machine.backup import backup


@click.command()
@data_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def command(data: str | None, file: Path) -> None:
    """Write database, keys, certificates and attachments to FILE; consistent while everything runs."""
    target = file.absolute()
    made = backup(settings_from(data=data), target)
    click.echo(f"{target}: {target.stat().st_size / 1e6:.1f} MB, {len(made.sha256)} parts, schema {made.revision}.")
