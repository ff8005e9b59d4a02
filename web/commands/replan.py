"""``dongting replan``."""

import sys
from pathlib import Path
from typing import Any

import click

from routing.io import read_plan, write_plan, write_problem
from routing.plan import Plan
from routing.problem import BadProblem, Fault, Problem
from routing.replan.events import Events, read_events
from routing.replan.repair import MOVES, repair
from routing.replan.stability import Stability, given
from routing.replan.words import lines
from routing.units import instant_s
from web.commands._problem import problem_options
from web.commands.plan import BAD_INPUT, INFEASIBLE, SOLVED, quiet_solver, tell_faults
from web.imports.planning import read_any


@click.command()
@click.argument("plan", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("events", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--problem", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The problem that PLAN answers."
)
@problem_options
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the new plan as JSON.")
@click.option(
    "--changed-problem", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the problem that the new plan answers, for the next repair.",
)  # fmt: skip
@click.option("--frozen-until", help="Everything before this instant stays as it is (2026-03-05T08:00:00Z).")
@click.option(
    "--move-price", type=click.IntRange(0), help="Fen for each consignment moved; by default the price of the day."
)
@click.option("--seconds", type=click.FloatRange(1, 3600), default=5.0, show_default=True, help="Time for the search.")
@click.option("--work", type=click.IntRange(1), default=MOVES, show_default=True, help="Moves that the search may try.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The search is drawn from it.")
@click.option("--recheck", is_flag=True, help="Check the loads of boxes that did not change again.")
def command(
    plan: Path, events: Path, problem: Path, output: Path | None, changed_problem: Path | None,
    frozen_until: str | None, move_price: int | None, seconds: float, work: int, seed: int, recheck: bool,
    **given: Any,
) -> None:  # fmt: skip
    """Repair PLAN after EVENTS and print what breaks, before and after, and who moved and why.

    PLAN itself stays as it is. Exit: 0 repaired, 3 infeasible, 2 bad input.
    """
    try:
        frozen, before, happened = read_any(problem, **given), read_plan(plan), read_events(events)
        _refuse_other(frozen, before)
        with quiet_solver():
            found = repair(
                frozen, before, happened.events, frozen_until=_until(frozen_until, happened), frozen=happened.frozen,
                stability=_price(move_price, frozen), seconds=seconds, work=work, seed=seed, recheck=recheck,
            )  # fmt: skip
    except BadProblem as bad:
        tell_faults(bad)
        sys.exit(BAD_INPUT)
    for line in lines(found):
        click.echo(line)
    if output is not None:
        write_plan(found.plan, output)
    if changed_problem is not None:
        write_problem(found.problem, changed_problem)
    sys.exit(SOLVED if found.plan.state == "solved" else INFEASIBLE)


def _price(move_minor: int | None, problem: Problem) -> Stability | None:
    return None if move_minor is None else given(move_minor, problem.earliest_at())


def _refuse_other(problem: Problem, plan: Plan) -> None:
    if plan.snapshot_sha256 != problem.snapshot_sha256():
        text = f"the plan answers the problem {plan.snapshot_sha256[:16]}, this is {problem.snapshot_sha256()[:16]}"
        raise BadProblem([Fault("(plan)", "other_problem", text)])


def _until(given: str | None, happened: Events) -> int | None:
    if given is None:
        return happened.frozen_until
    try:
        return instant_s(given)
    except ValueError as error:
        raise BadProblem([Fault("--frozen-until", "no_instant", str(error))]) from error
