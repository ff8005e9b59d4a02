"""`dongting replan` as a process: what it prints and its exit status."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from routing.io import write_plan, write_problem
from routing.plan import Plan
from routing.problem import Problem
from routing.solve import make_plan
from routing.verify import verify
from tests.routing.tiny import goods, network_document, problem


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "web.cli", "replan", *map(str, words)], capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> Path:
    document = network_document(departs=("wed 12:00", "fri 12:00"), capacity=1, loose=False)
    one = problem([goods("K1", 15)], document)
    write_problem(one, tmp_path / "problem.json")
    write_plan(make_plan(one, seconds=3), tmp_path / "plan.json")
    return tmp_path


def events(folder: Path, *happened: dict[str, Any], **more: Any) -> Path:
    path = folder / "events.json"
    path.write_text(json.dumps({"events": happened, **more}))
    return path


def leg(folder: Path) -> str:
    return Plan.model_validate_json((folder / "plan.json").read_text()).legs[0].departure


def test_prints_what_breaks_before_and_after_and_writes_plan_and_problem(files: Path) -> None:
    gone = events(files, {"kind": "cancelled", "departure": leg(files)})
    out, changed = files / "new.json", files / "changed.json"
    done = run(
        files / "plan.json", gone, "--problem", files / "problem.json", "-o", out, "--changed-problem", changed,
        "--work", "200", "--recheck",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "is cancelled" in done.stdout
    assert "K1  FIRM  another departure" in done.stdout
    assert "its departure is cancelled" in done.stdout
    plan = json.loads(out.read_text())
    assert verify(Problem.model_validate_json(changed.read_text()), plan) == []
    again = events(files, {"kind": "cancelled", "departure": plan["legs"][0]["departure"]})
    last = run(out, again, "--problem", changed, "--work", "50")
    assert last.returncode == 3
    assert "stays behind" in last.stdout


def test_refuses_another_problem_bad_instants_and_bad_events_each_by_name(files: Path) -> None:
    gone = events(files, {"kind": "cancelled", "departure": leg(files)})
    other = files / "other.json"
    write_problem(problem([goods("K2", 3)]), other)
    done = run(files / "plan.json", gone, "--problem", other)
    assert (done.returncode, done.stderr.split(":")[0]) == (2, "(plan)")
    done = run(files / "plan.json", gone, "--problem", files / "problem.json", "--frozen-until", "2026-03-05")
    assert (done.returncode, done.stderr.split(":")[0]) == (2, "--frozen-until")
    done = run(gone, gone, "--problem", files / "problem.json")
    assert done.returncode == 2
    bad = events(files, {"kind": "cancelled", "departure": "SHIP@1"})
    done = run(files / "plan.json", bad, "--problem", files / "problem.json")
    assert (done.returncode, "unknown_departure" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_a_frozen_box_is_refused_where_the_plan_does_not_have_it(files: Path) -> None:
    gone = events(files, {"kind": "cancelled", "departure": leg(files)}, frozen=["B0042"])
    done = run(files / "plan.json", gone, "--problem", files / "problem.json")
    assert (done.returncode, "B0042" in done.stderr) == (2, True)
