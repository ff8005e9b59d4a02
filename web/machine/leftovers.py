"""What a killed ``up`` may have left running on a data folder is ended before the next start."""

import os
import time
from contextlib import suppress
from pathlib import Path

import psutil

from web.machine.child import MARK

PATIENCE_S = 12.0  # a supervisor that was asked to stop needs up to ten seconds


def end_leftovers(run_dir: Path, patience_s: float = PATIENCE_S) -> list[str]:
    """End every process that carries ``run_dir`` in its environment; return their names."""
    found = _marked(run_dir)
    for process in found:
        with suppress(psutil.Error):
            process.terminate()
    deadline = time.monotonic() + patience_s
    while (alive := [process for process in found if _runs(process)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    return [f"{process.pid}" for process in found]


def _marked(run_dir: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == str(run_dir):
                found.append(process)
    return found


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
