"""``dongting plan``."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from routing.io import read_problem, write_plan
from routing.problem import BadProblem
from routing.report import lines
from routing.solve import make_plan

SOLVED, INFEASIBLE, BAD_INPUT = 0, 3, 2
MOST_FAULTS = 40


@click.command()
@click.argument("problem", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format", "form", type=click.Choice(["dongting"]), default="dongting", help="What kind of problem the file holds."
)
@click.option(
    "--seconds", type=click.FloatRange(1, 3600), default=30.0, show_default=True, help="Time for bound and search."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The search is drawn from it.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the plan as JSON.")
def command(problem: Path, form: str, seconds: float, seed: int, output: Path | None) -> None:  # noqa: ARG001 - one format so far
    """Plan the consignments of PROBLEM and print cost, proven bound, gap, boxes and who stays behind and why.

    The plan is checked by an independent checker before it is printed. Exit: 0 solved, 3 infeasible, 2 bad input.
    """
    try:
        frozen = read_problem(problem)
    except BadProblem as bad:
        for fault in bad.faults[:MOST_FAULTS]:
            click.echo(f"{fault.field}: {fault.rule}: {fault.text}", err=True)
        if len(bad.faults) > MOST_FAULTS:
            click.echo(f"… and {len(bad.faults) - MOST_FAULTS} more", err=True)
        sys.exit(BAD_INPUT)
    with quiet_solver():
        plan = make_plan(frozen, seconds=seconds, seed=seed)
    for line in lines(plan):
        click.echo(line)
    if output is not None:
        write_plan(plan, output)
    sys.exit(SOLVED if plan.state == "solved" else INFEASIBLE)


@contextmanager
def quiet_solver() -> Iterator[None]:
    """HiGHS prints a line of its own to the process's output now and then; keep it away from the plan."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
