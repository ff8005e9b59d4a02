"""`dongting rounds` as a process: what it prints and its exit status."""

import json
import subprocess
import sys
from pathlib import Path

from tests.routing.rounds.cases import document, stop


def dongting(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "web.cli", "rounds", *words], capture_output=True, text=True, timeout=300, check=False
    )


def test_prints_rounds_bound_reasons_and_the_checkers_verdict(tmp_path: Path) -> None:
    stops = [stop("A", 10), stop("B", 20), stop("C", 5, deliver={"weight_g": 1001})]
    (tmp_path / "p.json").write_text(json.dumps(document(stops)))
    done = dongting(str(tmp_path / "p.json"), "--work", "50", "-o", str(tmp_path / "plan.json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "checker         sound\n" in done.stdout
    assert "proven bound " in done.stdout
    assert "  C: 1001 g, but T holds 1000: divide it, or add a larger truck\n" in done.stdout
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert sorted(call["id"] for call in plan["rounds"][0]["calls"]) == ["A", "B", "HUB", "HUB"]


def test_the_same_seed_and_work_print_the_same(tmp_path: Path) -> None:
    (tmp_path / "stops.csv").write_text(
        "id,place,deliver_kg,collect_kg,service_min,open,close\n"
        "A,CN430621,300,,10,08:00,10:00\nB,CN430623,500,200,15,,\nC,CN430682,,400,10,13:00,16:00\n"
    )
    words = (str(tmp_path / "stops.csv"), "--day", "2026-03-02", "--work", "100", "--seed", "5")
    one, other = dongting(*words, "-o", str(tmp_path / "1.json")), dongting(*words, "-o", str(tmp_path / "2.json"))
    assert (one.returncode, other.returncode) == (0, 0)
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("1.json", "2.json"))
    assert first | {"elapsed_ms": 0} == second | {"elapsed_ms": 0}


def test_what_must_go_and_cannot_makes_it_infeasible(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps(document([stop("A", 10, deliver={"weight_g": 1001}, must_go=True)])))
    done = dongting(str(tmp_path / "p.json"), "--work", "10")
    assert done.returncode == 3
    assert "A (must go): " in done.stdout


def test_bad_input_is_named_and_has_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps(document([stop("A", 1, window=("09:00", "08:00"))])))
    done = dongting(str(tmp_path / "p.json"))
    assert done.returncode == 2
    assert done.stderr == "stops.0(A).windows.0: closes_before_opens: the window closes before it opens\n"


def test_the_mode_asked_for_stands_for_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps(document([stop("A", 10), stop("B", 10)], mode="unified")))
    for words, called in (((), ["A+B"]), (("--mode", "joint"), ["A", "B"])):
        done = dongting(str(tmp_path / "p.json"), "--work", "10", "-o", str(tmp_path / "plan.json"), *words)
        assert (done.returncode, done.stderr) == (0, "")
        calls = json.loads((tmp_path / "plan.json").read_text())["rounds"][0]["calls"]
        assert sorted(call["id"] for call in calls if call["kind"] == "stop") == called
