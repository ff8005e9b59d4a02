"""What a process started by ``up`` does first: end when its supervisor ends, however that ends."""

import ctypes
import os
import signal
import sys

MARK = "DONGTING_RUN_DIR"  # in the environment of every process that `up` starts; leftovers are known by it


def follow_supervisor() -> None:
    """Ask the kernel for SIGTERM when the parent dies (Linux); nothing when not started by ``up``."""
    if MARK not in os.environ or not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, int(signal.SIGTERM))
    if os.getppid() != parent:  # it died a moment before
        sys.exit(1)
