"""``dongting restore``."""

import sys
from pathlib import Path

import click

from web.commands._options import data_option, settings_from
from web.commands.verify import verify
from web.machine.backup import restore


@click.command()
@data_option
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def command(data: str | None, file: Path) -> None:
    """Bring a backup into an empty data folder, then verify it. Exit status 1 when that finds anything."""
    settings = settings_from(data=data)
    made = restore(settings, file.absolute())
    click.echo(f"Restored what was backed up at {made.made_at} into {settings.data_dir}. Verifying …")
    sys.exit(verify(settings, as_json=False))
