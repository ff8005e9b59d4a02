"""``dongting plan``."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import click

from routing.design.check import check
from routing.design.ctsndp import read_ctsndp
from routing.design.dow import read_dow
from routing.design.solve import solve
from routing.design.words import lines as design_lines
from routing.emergency import emergency_plan, with_closed
from routing.io import write_plan
from routing.plan import Plan
from routing.problem import BadProblem, Fault, Problem
from routing.report import lines
from routing.shares import ALONE, MEASURE, SHAPLEY, Rule
from routing.solve import make_plan
from routing.stowage import WORK
from routing.tradeoff import Wanted, curve, in_order, shipped_at, write_curve
from routing.tradeoff import lines as curve_lines
from routing.watching import Watch
from web.commands._problem import problem_options
from web.imports.planning import read_any

SOLVED, FAULTY, BAD_INPUT, INFEASIBLE = 0, 1, 2, 3
MOST_FAULTS = 40
WORK_HELP = "ctsndp, dow: rounds instead of time, the same answer everywhere. Ours: completions of the loader a box."
PUBLIC = {"ctsndp": read_ctsndp, "dow": read_dow}


@click.command()
@click.argument("problem", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format", "form", type=click.Choice(["dongting", *PUBLIC]), default="dongting",
    help="What kind of problem the file holds: ours, or a public one of network design (timed, untimed).",
)  # fmt: skip
@click.option(
    "--seconds", type=click.FloatRange(1, 3600), default=30.0, show_default=True, help="Time for bound and search."
)
@click.option(
    "--effort", type=click.IntRange(1),
    help="Ours, in place of time: solver nodes a block and shakes a search; the same seed gives the same plan.",
)  # fmt: skip
@click.option("--work", type=click.IntRange(1), help=WORK_HELP)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The search is drawn from it.")
@click.option(
    "--share", type=click.Choice([MEASURE, ALONE, SHAPLEY]), default=MEASURE, show_default=True,
    help="Ours: how the owners share a box: by weight or measure, as each would pay alone, by what each adds.",
)  # fmt: skip
@problem_options
@click.option("--curve", "curved", is_flag=True, help="Ours: money, hours and CO2 under a few weights.")
@click.option("--emergency", is_flag=True, help="Ours: goods with a priority first, whatever it costs.")
@click.option("--closed", multiple=True, help="With --emergency: a place that nothing leaves, reaches or crosses.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plan, or the curve with its plans, as JSON.",
)  # fmt: skip
def command(
    problem: Path, form: str, seconds: float, effort: int | None, work: int | None, seed: int, share: Rule,
    curved: bool, emergency: bool, closed: tuple[str, ...], output: Path | None, **given: Any,
) -> None:  # fmt: skip
    """Plan the consignments of PROBLEM and print cost, proven bound, gap, boxes and who stays behind and why.

    PROBLEM is JSON, or consignments as CSV or XLSX.

    The plan is checked by an independent checker before it is printed. Ctrl-C (ours) ends the search with the best
    that there is, loaded and checked; a second one breaks off. Exit: 0 solved, 3 infeasible, 2 bad input, 1 when the
    checker found a fault (never expected).
    """
    try:
        _refuse_together(form, curved, emergency, closed)
        if form != "dongting":
            sys.exit(_public(problem, form, seconds, work, seed, output))
        frozen, wanted = read_any(problem, **given), Wanted(seconds, seed, work or WORK, share)
        if curved:
            sys.exit(_curved(frozen, wanted, output))
        if emergency:
            with quiet_solver():
                plan = emergency_plan(with_closed(frozen, closed), wanted)
            sys.exit(_printed(plan, output))
        sys.exit(_own(frozen, wanted, effort, output))
    except BadProblem as bad:
        tell_faults(bad)
        sys.exit(BAD_INPUT)


def tell_faults(bad: BadProblem) -> None:
    """Each fault on a line of its own, the first ones, and how many more there are."""
    for fault in bad.faults[:MOST_FAULTS]:
        click.echo(f"{fault.field}: {fault.rule}: {fault.text}", err=True)
    if len(bad.faults) > MOST_FAULTS:
        click.echo(f"… and {len(bad.faults) - MOST_FAULTS} more", err=True)


def _own(frozen: Problem, wanted: Wanted, effort: int | None, output: Path | None) -> int:
    with quiet_solver(), Console() as watch:
        plan = make_plan(
            frozen, seconds=wanted.seconds, seed=wanted.seed, work=wanted.work, share=wanted.share, effort=effort,
            watch=watch,
        )  # fmt: skip
    return _printed(plan, output)


def _printed(plan: Plan, output: Path | None) -> int:
    for line in lines(plan):
        click.echo(line)
    if output is not None:
        write_plan(plan, output)
    return SOLVED if plan.state == "solved" else INFEASIBLE


def _refuse_together(form: str, curved: bool, emergency: bool, closed: tuple[str, ...]) -> None:
    for option, given in (("--curve", curved), ("--emergency", emergency)):
        if given and form != "dongting":
            text = f"it is made of our own problems, not of the format {form}"
            raise BadProblem([Fault(option, "not_with_format", text)])
    if curved and emergency:
        raise BadProblem([Fault("--curve", "not_with_emergency", "a curve weighs, an emergency does not: choose one")])
    if closed and not emergency:
        raise BadProblem([Fault("--closed", "only_with_emergency", "closed places are told with --emergency")])


def _curved(problem: Problem, wanted: Wanted, output: Path | None) -> int:
    points = in_order(shipped_at(problem.options.start_at).weightings)
    with quiet_solver():
        found = curve(problem, points, replace(wanted, seconds=wanted.seconds / len(points)))
    for line in curve_lines([one for one, _ in found]):
        click.echo(line)
    if output is not None:
        write_curve(found, output)
    return SOLVED if found[0][1].state == "solved" else INFEASIBLE


def _public(problem: Path, form: str, seconds: float, work: int | None, seed: int, output: Path | None) -> int:
    instance = PUBLIC[form](problem)
    with quiet_solver():
        plan = solve(instance, seconds=seconds, work=work, seed=seed)
    findings = check(instance, plan.model_dump(mode="json"))
    for line in design_lines(plan, findings):
        click.echo(line)
    if output is not None:
        output.write_text(plan.model_dump_json(indent=1), "utf-8")
    if findings:
        return FAULTY
    return SOLVED if plan.state == "solved" else INFEASIBLE


class Console(Watch):
    """The first Ctrl-C ends the search with what there is; the second one breaks off."""

    def __init__(self) -> None:
        self._asked = False

    def halted(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._asked

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        click.echo("Stopping: the best plan so far is loaded and checked. Ctrl-C again breaks off.", err=True)


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
