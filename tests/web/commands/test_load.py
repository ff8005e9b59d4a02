"""`dongting load` as a process: what it prints and its exit status."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PIECES = [
    {"id": "CASE", "length_mm": 500, "width_mm": 400, "height_mm": 300, "weight_g": 12_000, "count": 40},
    {"id": "LONG", "length_mm": 7000, "width_mm": 400, "height_mm": 300, "weight_g": 12_000},
]


def dongting(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "web.cli", "load", *words], capture_output=True, text=True, timeout=300, check=False
    )


def test_prints_volume_reasons_and_the_checkers_verdict(tmp_path: Path) -> None:
    (tmp_path / "load.json").write_text(json.dumps({"container": "20GP", "pieces": PIECES}))
    done = dongting(str(tmp_path / "load.json"), "--work", "20", "-o", str(tmp_path / "plan.json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "pieces loaded   40\n" in done.stdout
    assert "  LONG x 1: larger than the container" in done.stdout
    assert "checker         sound\n" in done.stdout
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert [spot["step"] for spot in plan["spots"]] == list(range(1, 41))


def test_reads_a_file_of_bischoff_and_ratcliff(shared: Path) -> None:
    folder = shared / "data" / "routing" / "br"
    done = dongting(str(folder / "BR1.txt"), "--format", "br", "--problem", "3", "--work", "30", "--support", "full")
    assert done.returncode == 0
    assert "checker         sound\n" in done.stdout
    used = float(done.stdout.split("volume used")[1].split("%")[0])
    assert 80 < used < 100


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"container": "21GP"}, "container: unknown_container: '21GP' is none of"),
        ({"pieces": [{**PIECES[0], "weight_g": -1}]}, "pieces.0.weight_g: greater_than_equal"),
        ({"pieces": [{**PIECES[0], "height_mm": 0}]}, "pieces.0.height_mm: greater_than"),
        ({"pieces": [PIECES[0], PIECES[0]]}, "pieces.1.id: duplicate: CASE stands in the file more than once"),
        ({"pieces": []}, "pieces: too_short"),
        ({"pieces": [{**PIECES[0], "count": 30_000}]}, "pieces.0.count: less_than_equal"),
        ({"pieces": [{**PIECES[0], "colour": "red"}]}, "pieces.0.colour: extra_forbidden"),
        ({"pieces": [{**PIECES[0], "weight_g": 1.5}]}, "(file): not_integer: 1.5 is no integer"),
    ],
)
def test_bad_input_is_named_by_field_and_rule(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    (tmp_path / "load.json").write_text(json.dumps({"container": "20GP", "pieces": PIECES, **change}))
    done = dongting(str(tmp_path / "load.json"))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("bytes_", "said"),
    [(b"{", "not_json"), (b"[]", "not_object"), (b"\xff\xfe", "not_utf8"), (b"[" * 100_000, "not_json")],
)  # fmt: skip
def test_a_file_that_is_no_load_is_refused(tmp_path: Path, bytes_: bytes, said: str) -> None:
    (tmp_path / "load.json").write_bytes(bytes_)
    done = dongting(str(tmp_path / "load.json"))
    assert done.returncode == 2
    assert said in done.stderr


def test_a_br_file_that_is_cut_off_or_has_no_such_problem_is_refused(tmp_path: Path) -> None:
    (tmp_path / "br.txt").write_text("1\n1 2\n587 233 220\n1\n1 10 1 20 1")
    done = dongting(str(tmp_path / "br.txt"), "--format", "br")
    assert (done.returncode, "cut_off" in done.stderr) == (2, True)
    done = dongting(str(tmp_path / "br.txt"), "--format", "br", "--problem", "2")
    assert (done.returncode, "unknown_problem" in done.stderr) == (2, True)
