"""``dongting counter``."""

from pathlib import Path

import click

from web.commands._options import data_option, settings_from
from web.logs import start_logging
from web.machine.child import follow_supervisor

rate = click.IntRange(0, 1000)


@click.command()
@data_option
@click.option("--exchange", type=click.Path(path_type=Path), help="The folder with out, in, done and failed.")
@click.option("--port", type=click.IntRange(0, 65535), help="Also serve the exchange over HTTP at this port.")
@click.option("--seed", type=int, help="Makes chance repeatable.")
@click.option("--lose", "lose_permille", type=rate, help="Of 1,000 messages and answers, how many get lost.")
@click.option("--repeat", "repeat_permille", type=rate, help="Of 1,000 answers, how many come twice.")
@click.option("--reorder", "reorder_permille", type=rate, help="Of 1,000 answers, how many come late.")
@click.option("--inspect", "inspect_permille", type=rate, help="Of 1,000 parcels and vehicles, how many are inspected.")
@click.option("--return", "return_permille", type=rate, help="Of 1,000 documents, how many are returned.")
@click.option("--delay-ms", "delay_high_ms", type=click.IntRange(0), help="The longest time that a step takes.")
@click.option("--gate", type=click.Choice(["auto", "told"]), help="Whether vehicles pass by themselves.")
def command(data: str | None, exchange: Path | None, port: int | None, **habits: int | str | None) -> None:
    """Play customs' counter: takes declarations from a folder or over HTTP and answers them. A simulation."""
    follow_supervisor()
    settings = settings_from(data=data)
    start_logging(settings, "counter")
    from web.demo.counter.run import run  # noqa: PLC0415 - `dongting --help` need not load it

    folder = settings.data_dir / "customs"
    given = habits | ({"delay_low_ms": 0} if habits["delay_high_ms"] is not None else {})
    run(folder / "counter", exchange or folder / "exchange", given=given, port=port)
