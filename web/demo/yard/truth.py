"""The truth of the yard: what really happened, one JSON object a line, for comparing with the books afterwards.

The program never reads it. Each line has ``at`` (this machine's clock), ``lane`` and ``what``:

- ``arrived``: a vehicle came (``truck`` counts from 1 in each lane, ``plate``, ``story``, ``expect``, ``weight_g``);
- ``arm_up`` / ``arm_down``: the barrier's arm, with the ``cmd_id`` that moved it (none: by hand) and the ``truck`` in
  front of it;
- ``through``: a vehicle drove out under the arm, ``opened`` says whether the arm was up for it, ``cmd_id`` by what;
- ``backed_out``: a vehicle gave up and left backwards;
- ``refused``: the controller refused a command, with its ``reason``.
"""

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Journal:
    """Appends to the file at once, so that a kill loses nothing that has happened; without a path it does nothing."""

    def __init__(self, path: Path | None) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = None if path is None else os.open(path, flags, 0o600)
        self._lock = threading.Lock()

    def note(self, lane: str, what: str, **more: Any) -> None:
        """Write one line."""
        if self._file is None:
            return
        line = {"at": datetime.now(UTC).isoformat(), "lane": lane, "what": what, **more}
        with self._lock:
            os.write(self._file, (json.dumps(line, ensure_ascii=False) + "\n").encode())
