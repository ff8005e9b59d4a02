"""Many boxes in processes of their own get the answers that they get one after the other."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from routing import crew
from routing.generate import problem as generated
from routing.stowage import Stower

ENDLESS = """
import os, time
from routing import crew

def wait(_):
    print(os.getpid(), flush=True)
    time.sleep(3600)

if __name__ == "__main__":
    crew.MANY, crew.CHUNK, os.cpu_count = 2, 1, lambda: 3
    crew.spread(wait, range(9))
"""


def test_boxes_loaded_in_processes_are_those_loaded_here(monkeypatch: pytest.MonkeyPatch) -> None:
    one = generated(60, seed=5)
    boxes = [("20GP", range(9)), ("40HQ", range(10, 30)), ("40HQ", range(30, 50))]
    here, there = Stower(one, work=1), Stower(one, work=1)
    here.ask_all(boxes)
    monkeypatch.setattr(crew, "MANY", 2)
    there.ask_all(boxes)
    assert [here.ask(*box) for box in boxes] == [there.ask(*box) for box in boxes]
    assert here.asked == there.asked == 3


def test_the_processes_end_with_the_one_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text(ENDLESS)
    path = os.pathsep.join([str(Path(crew.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    parent = subprocess.Popen(
        [sys.executable, "endless.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert parent.stdout is not None
    workers = {int(parent.stdout.readline()) for _ in range(3)} - {parent.pid}
    assert len(workers) == 2
    parent.kill()
    try:
        parent.communicate(timeout=60)  # each process holds the pipe: it is closed when the last is gone
    finally:
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def double_or_die(number: int) -> int:
    """Twice the number; a process of its own does not live to say it."""
    if multiprocessing.parent_process() is not None:
        os._exit(9)
    return 2 * number


def test_what_processes_left_undone_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "MANY", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert crew.spread(double_or_die, [1, 2, 3]) == [2, 4, 6]
