"""Named points at which a test ends this process as ``kill -9`` would (ledger reference, section 6).

``DONGTING_FAILPOINT=name`` or ``name:3`` (the third time it is reached). Unset, as always outside of tests, a point
costs one look into the environment.
"""

import os
import signal

VARIABLE = "DONGTING_FAILPOINT"

# In the order in which one unit of work passes them.
POINTS = (
    "once.before_key",
    "once.after_key",
    "posting.before",
    "posting.after",
    "once.after_act",
    "once.after_answer",
    "commit.before",
    "commit.after",
)
_reached: dict[str, int] = {}


def reach(point: str) -> None:
    """End the process here if this is the point that was asked for; nothing is flushed, nothing is told."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    name, _, times = wanted.partition(":")
    if name == point:
        _reached[point] = _reached.get(point, 0) + 1
        if _reached[point] == int(times or 1):
            os.kill(os.getpid(), signal.SIGKILL)
