"""``dongting rounds``."""

import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import click

from routing.problem import BadProblem
from routing.rounds.check import check
from routing.rounds.problem import Mode
from routing.rounds.reading import HUB, read_rounds
from routing.rounds.solve import make_rounds
from routing.rounds.words import lines
from web.commands.plan import quiet_solver

SOLVED, FAULTY, BAD_INPUT, INFEASIBLE = 0, 1, 2, 3
MOST_FAULTS = 40
BEIJING = timezone(timedelta(hours=8))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--trucks", type=click.Path(path_type=Path, dir_okay=False), help="CSV: the trucks (else a fleet that ships)."
)
@click.option("--hub", default=HUB, show_default=True, help="CSV: the place of the depot.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="CSV: the day of the rounds (today).")
@click.option(
    "--mode",
    type=click.Choice(["joint", "unified", "centralised"]),
    help="Owners share trucks; each place called at once for all; all through the first depot.",
)
@click.option("--seconds", type=click.FloatRange(1, 3600), default=30.0, show_default=True, help="Time to search.")
@click.option("--work", type=click.IntRange(1, 10**9), help="Iterations instead of time: the same answer everywhere.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="The search is drawn from it."
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the rounds as JSON.")
def command(
    file: Path, trucks: Path | None, hub: str, day: date | None, seconds: float, work: int | None, seed: int,
    output: Path | None, mode: Mode | None,
) -> None:  # fmt: skip
    """Plan truck rounds that collect and deliver the goods of FILE (JSON, or CSV of stops).

    Prints cost, proven bound, gap, each round with its times, and who is left out and why. Exit: 0 solved, 3
    infeasible, 2 bad input, 1 when the independent checker found a fault (never expected).
    """
    try:
        on = (day or datetime.now(BEIJING)).isoformat()[:10]
        problem = read_rounds(file, trucks=trucks, hub=hub, day=on, mode=mode)
    except BadProblem as bad:
        for fault in bad.faults[:MOST_FAULTS]:
            click.echo(f"{fault.field}: {fault.rule}: {fault.text}", err=True)
        if len(bad.faults) > MOST_FAULTS:
            click.echo(f"… and {len(bad.faults) - MOST_FAULTS} more", err=True)
        sys.exit(BAD_INPUT)
    with quiet_solver():
        plan = make_rounds(problem, seconds=seconds, work=work, seed=seed)
    findings = check(problem.model_dump(mode="json"), plan.model_dump(mode="json"))
    for line in lines(plan, findings):
        click.echo(line)
    if output is not None:
        output.write_text(plan.model_dump_json(indent=1), "utf-8")
    if findings:
        sys.exit(FAULTY)
    sys.exit(SOLVED if plan.state == "solved" else INFEASIBLE)
