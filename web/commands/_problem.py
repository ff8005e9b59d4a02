"""What a planner's commands may be told beside the file of the problem."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from routing.network import CANALS

FILE = click.Path(path_type=Path, dir_okay=False)
OPTIONS = (
    click.option(
        "--network", type=click.Path(path_type=Path),
        help="Another network: XLSX with a sheet a table, a folder of CSVs, JSON, or yueyang.",
    ),
    click.option("--pieces", type=FILE, help="CSV of consignments: their pieces, a CSV too."),
    click.option(
        "--start", help="Nothing leaves before (2026-03-02T00:00:00Z); for CSV and XLSX else when the first is ready."
    ),
    click.option(
        "--quantile", type=click.IntRange(50, 99),
        help="Plan on the delay that no more of 100 departures exceed; else by the timetables.",
    ),
    click.option(
        "--canal", "canals", multiple=True,
        type=click.Choice([f"{name}={how}" for name in CANALS for how in ("open", "closed")]),
        help="Sea services go the ways that are open then: distance, transit and CO2 by searoute.",
    ),
    click.option("--weeks", type=click.IntRange(1, 26), help="Departures of so many weeks; for CSV and XLSX else 4."),
)


def problem_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of :func:`web.imports.planning.read_any`."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command
