"""``dongting load``."""

import sys
from pathlib import Path
from typing import Literal, cast

import click

from routing.loading.br import read_br
from routing.loading.cargo import LoadProblem, load_problem_of, read_load
from routing.loading.check import check
from routing.loading.load import make_load
from routing.loading.words import lines
from routing.problem import BadProblem

FAULTY, BAD_INPUT = 1, 2
MOST_FAULTS = 40


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format", "form", type=click.Choice(["dongting", "br"]), default="dongting", help="What kind of file it is."
)
@click.option("--problem", "number", type=click.IntRange(1), default=1, help="Which problem of a BR file.")
@click.option("--seconds", type=click.FloatRange(0.1, 3600), default=10.0, show_default=True, help="Time to search.")
@click.option("--work", type=click.IntRange(1), help="Limit of completions instead of time: same answer everywhere.")
@click.option("--seed", type=click.IntRange(1), default=1, show_default=True, help="Where the search begins.")
@click.option("--support", type=click.Choice(["full", "none"]), help="Must all of a base be supported? (full)")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the load plan as JSON.")
def command(
    file: Path, form: str, number: int, seconds: float, work: int | None, seed: int, support: str | None,
    output: Path | None,
) -> None:  # fmt: skip
    """Load the pieces of FILE into their container in three dimensions.

    Prints the volume used, the pieces left out with the reason, and the verdict of an independent checker. Exit: 0, 1
    when the checker found a fault (never expected), 2 bad input.
    """
    try:
        problem = _read(file, form, number, support)
    except BadProblem as bad:
        for fault in bad.faults[:MOST_FAULTS]:
            click.echo(f"{fault.field}: {fault.rule}: {fault.text}", err=True)
        if len(bad.faults) > MOST_FAULTS:
            click.echo(f"… and {len(bad.faults) - MOST_FAULTS} more", err=True)
        sys.exit(BAD_INPUT)
    plan = make_load(problem, seconds_limit=seconds, work_limit=work, seed=seed)
    findings = check(problem.model_dump(mode="json"), plan.model_dump(mode="json"))
    for line in lines(plan, findings):
        click.echo(line)
    if output is not None:
        output.write_text(plan.model_dump_json(indent=1), "utf-8")
    sys.exit(FAULTY if findings else 0)


def _read(file: Path, form: str, number: int, support: str | None) -> LoadProblem:
    if form == "br":
        return read_br(file, number, cast("Literal['full', 'none']", support or "none"))
    problem = read_load(file)
    return load_problem_of(problem.model_dump(mode="json") | {"support": support}) if support else problem
