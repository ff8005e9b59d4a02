"""`dongting plan` as a process: what it prints and its exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from routing.generate import problem as generated
from routing.io import read_plan, write_problem
from routing.verify import verify
from tests.routing.tiny import goods, network_document, problem


def dongting(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "web.cli", "plan", *words], capture_output=True, text=True, timeout=120, check=False
    )


def test_prints_cost_bound_and_reasons_and_writes_a_checked_plan(tmp_path: Path) -> None:
    one = problem([goods("K1", 4), goods("K2", 4), goods("K3", 4), goods("K4", 4), goods("LATE", 2, ready_day=5)])
    write_problem(one, tmp_path / "p.json")
    done = dongting(str(tmp_path / "p.json"), "--seconds", "3", "--seed", "7", "-o", str(tmp_path / "plan.json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "cost         CNY 10,000.00" in done.stdout
    assert "proven bound CNY" in done.stdout
    assert "LATE  It is ready 3 d 12 h after the last cut-off" in done.stdout
    plan = read_plan(tmp_path / "plan.json")
    assert plan.seed == 7
    assert verify(one, plan.model_dump(mode="json")) == []


STOPPED = """
import signal
from web.commands import plan
made = plan.make_plan

def stopped(*args, **wishes):
    signal.raise_signal(signal.SIGINT)
    return made(*args, **wishes)

plan.make_plan = stopped
plan.command()
"""


def test_ctrl_c_ends_the_search_with_a_checked_plan(tmp_path: Path) -> None:
    one = generated(60, seed=3)
    write_problem(one, tmp_path / "p.json")
    words = (str(tmp_path / "p.json"), "--seconds", "3600", "-o", str(tmp_path / "plan.json"))
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, *words], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "stopped      early" in done.stdout
    assert "Ctrl-C again breaks off" in done.stderr
    assert verify(one, read_plan(tmp_path / "plan.json").model_dump(mode="json")) == []


def test_an_infeasible_problem_ends_with_three_and_names_the_conflict(tmp_path: Path) -> None:
    document = network_document(capacity=0, loose=False)
    write_problem(problem([goods("K1", 15, must_go=True)], document), tmp_path / "p.json")
    done = dongting(str(tmp_path / "p.json"), "--seconds", "2")
    assert done.returncode == 3
    assert "state        infeasible (proven)" in done.stdout
    assert "conflict   K1: The allotment is taken: SHIP@20260304T1200 has 0 of 0 teu left" in done.stdout


def test_the_curve_honours_output_and_rule_of_sharing(tmp_path: Path) -> None:
    one = problem([goods("K1", 4), goods("K2", 9)])
    write_problem(one, tmp_path / "p.json")
    words = (str(tmp_path / "p.json"), "--curve", "--seconds", "5", "--share", "alone", "--work", "200")
    done = dongting(*words, "-o", str(tmp_path / "curve.json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "as the rules say" in done.stdout
    assert "time counts 5 times" in done.stdout
    written = json.loads((tmp_path / "curve.json").read_text("utf-8"))
    assert written["format"] == "dongting-curve/1"
    plans = [point["plan"] for point in written["points"]]
    assert len(plans) == 5
    assert {plan["share_rule"] for plan in plans} == {"alone"}
    assert {plan["snapshot_sha256"] for plan in plans} == {one.snapshot_sha256()}
    assert verify(one, plans[-1]) == []


def test_a_curve_of_a_public_problem_is_refused_by_name(tmp_path: Path) -> None:
    done = dongting(str(tmp_path / "p.json"), "--curve", "--format", "dow")
    assert done.returncode == 2
    assert "--curve: not_with_format" in done.stderr


def test_an_emergency_serves_ranks_first_and_says_so(tmp_path: Path) -> None:
    one = problem([goods("K1", 15), goods("K2", 15, priority=1)], network_document(capacity=1, loose=False))
    write_problem(one, tmp_path / "p.json")
    done = dongting(str(tmp_path / "p.json"), "--emergency", "--seconds", "4", "-o", str(tmp_path / "plan.json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "rank 1       1 of 1 go" in done.stdout
    assert "K1  The allotment is taken" in done.stdout
    plan = read_plan(tmp_path / "plan.json")
    assert plan.ranks[0].go == 1
    assert verify(one, plan.model_dump(mode="json")) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--emergency", "--curve"), "--curve: not_with_emergency"),
        (("--closed", "AAA"), "--closed: only_with_emergency"),
        (("--emergency", "--format", "dow"), "--emergency: not_with_format"),
        (("--emergency",), "consignments: no_priority"),
        (("--emergency", "--closed", "ZZZ"), "closed.place: unknown_place"),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    write_problem(problem([goods("K1", 15)]), tmp_path / "p.json")
    done = dongting(str(tmp_path / "p.json"), *words)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not_json"),
        ('{"network": "yueyang", "options": {}, "consignments": []}', "options.start_at: missing"),
        ('{"a": 1e400}', "not_integer"),
    ],
)
def test_bad_input_ends_with_two_and_names_field_and_rule(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "p.json").write_text(text)
    done = dongting(str(tmp_path / "p.json"))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    made = problem([goods("K1", 2), goods("K2", 2)]).model_dump(mode="json")
    made["network"]["services"][0].update(capacity=-1, transit_h=-5)
    made["consignments"][1]["id"] = "K1"
    (tmp_path / "p.json").write_text(json.dumps(made))
    done = dongting(str(tmp_path / "p.json"))
    assert done.returncode == 2
    for rule in ("negative_capacity", "arrives_before_departure", "duplicate"):
        assert rule in done.stderr


def test_a_file_that_is_not_there_and_a_folder_are_bad_input(tmp_path: Path) -> None:
    assert dongting(str(tmp_path / "none.json")).returncode == 2
    assert dongting(str(tmp_path)).returncode == 2


@pytest.mark.parametrize(
    ("form", "name", "least", "most"),
    [("ctsndp", "ctsndp/c33_.1111_.25_3.txt", 682_199, 685_000), ("dow", "cmnd/c33.dow", 420_000, 423_848)],
)
def test_plans_public_network_design_problems(
    shared: Path, tmp_path: Path, form: str, name: str, least: int, most: int
) -> None:
    problem = shared / "data" / "routing" / name
    done = dongting(str(problem), "--format", form, "--work", "2", "-o", str(tmp_path / "plan.json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "checker         sound\n" in done.stdout
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert least * 10**6 <= plan["value_micro"]
    assert plan["bound_micro"] <= most * 10**6


@pytest.mark.parametrize(("form", "said"), [("ctsndp", "line 1, section: missing_section"), ("dow", "line 1: cut_off")])
def test_a_file_that_is_no_public_problem_is_refused(tmp_path: Path, form: str, said: str) -> None:
    (tmp_path / "bad").write_text("hello\n")
    done = dongting(str(tmp_path / "bad"), "--format", form)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_public_problem_without_a_plan_says_why(tmp_path: Path) -> None:
    (tmp_path / "late").write_text(
        "NODES,2\n1,1,-,-\n2,2,-,-\nARCS,1\n0,1,2,1,1,1,9.0,9,9.0\nCOMMODITIES,1\n0,1,2,1,0,8.0,0,8.0\n"
    )
    done = dongting(str(tmp_path / "late"), "--format", "ctsndp")
    assert done.returncode == 3
    assert "commodity 0: could arrive at 9 at the earliest, is due at 8" in done.stdout
