"""The counter's memory: one file that is only ever appended to, and what it adds up to.

A record is one line of JSON, flushed to the disk before anything else happens, so a counter that is killed knows at its
next start all that it had decided. A line that was cut short while it was written is cut away.
"""

import json
import os
from pathlib import Path
from typing import Any


class Journal:
    """What was taken, decided and sent. ``facts`` holds the counter's documents and numbers by key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.facts: dict[str, Any] = {}
        self.plans: dict[str, dict[str, Any]] = {}
        self.taken: dict[str, dict[str, Any]] = {}
        self.said: dict[str, list[dict[str, Any]]] = {}
        self.rolls = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._read()
        self._file = path.open("ab")

    def _read(self) -> None:
        whole = 0
        if self._path.exists():
            with self._path.open("rb") as file:
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._fold(json.loads(line))
                    whole += len(line)
            if whole < self._path.stat().st_size:
                os.truncate(self._path, whole)

    def append(self, record: dict[str, Any]) -> None:
        """Write a record down, then count it. Raises OSError and counts nothing when the disk does not take it."""
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        whole = self._path.stat().st_size
        try:
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            os.truncate(self._path, whole)
            self._file = self._path.open("ab")
            raise
        self._fold(record)

    def close(self) -> None:
        self._file.close()

    def _fold(self, record: dict[str, Any]) -> None:
        self.rolls = record.get("rolls", self.rolls)
        self.facts.update(record.get("sets", {}))
        if "digest" in record:
            seen = self.taken.setdefault(record["digest"], {"times": 0, "about": []})
            seen["times"] += 1
            seen["about"] = record.get("about") or seen["about"]
        for plan in record.get("plans", ()):
            self.plans[plan["id"]] = plan
        done = record.get("done")
        if done is None:
            return
        plan = self.plans.pop(done, None)
        if plan is not None and "text" in plan and not plan.get("again"):
            self.said.setdefault(plan["about"], []).append({"kind": plan["kind"], "text": plan["text"]})
