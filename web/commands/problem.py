"""``dongting problem``."""

import sys
from pathlib import Path
from typing import Any

import click

from routing.io import write_problem
from routing.network import yueyang_document
from routing.problem import BadProblem
from web.commands._problem import problem_options
from web.commands.plan import BAD_INPUT, tell_faults
from web.imports.planning import read_any
from web.imports.problem_book import book_of, form_book


@click.command()
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False), required=False)
@problem_options
@click.option("--template", is_flag=True, help="Write the empty form instead, with an example row each.")
@click.option("--with-network", is_flag=True, help="The form holds the tables of the seeded network too.")
@click.option("--chinese", is_flag=True, help="The form's heads are Chinese.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True,
    help="Where to write: .xlsx, or .json for all else.",
)  # fmt: skip
def command(
    source: Path | None, template: bool, with_network: bool, chinese: bool, output: Path, **given: Any
) -> None:  # fmt: skip
    """Check the problem in SOURCE (JSON, CSV, XLSX) and write it as a spreadsheet or as JSON; both read back as it was.

    Exit: 2 bad input, with every bad row named.
    """
    if template:
        output.write_bytes(form_book(yueyang_document() if with_network else None, is_chinese=chinese))
        return
    if source is None:
        raise click.UsageError("name the file of the problem, or ask for the --template")
    try:
        problem = read_any(source, **given)
        if output.suffix.lower() == ".xlsx":
            output.write_bytes(book_of(problem))
        else:
            write_problem(problem, output)
    except BadProblem as bad:
        tell_faults(bad)
        sys.exit(BAD_INPUT)
    click.echo(f"{len(problem.consignments)} consignments, snapshot {problem.snapshot_sha256()[:16]}: {output}")
