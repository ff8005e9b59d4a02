"""What happens to the programs, told on the console in one line each, read from supervisor's own log."""

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

SPAWNED = re.compile(r"spawned: '(?P<name>\w+)' with pid (?P<pid>\d+)")
EXITED = re.compile(r"exited: (?P<name>\w+) \((?P<how>.+?); (?P<wanted>expected|not expected)\)")
FAILED = re.compile(r"spawnerr: (?P<what>.+)")
KILLED = re.compile(r"killing '(?P<name>\w+)' \((?P<pid>\d+)\) with SIGKILL")

OFTEN, RECENT_S = 4, 60.0  # a program that dies this often is told of once a minute, not at every turn


class Narrator:
    """Follows supervisor's log and says each death and each restart. ``say`` writes one line."""

    def __init__(self, log: Path, say: Callable[[str], None]) -> None:
        self._log, self._say = log, say
        self._pids: dict[str, str] = {}
        self._died: set[str] = set()
        self._deaths: dict[str, list[float]] = defaultdict(list)
        self._stopping = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def expect_ends(self) -> None:
        """From now on programs end because they were asked to: no longer news."""
        self._stopping.set()

    def close(self) -> None:
        self._over.set()
        self._thread.join(2)

    def _follow(self) -> None:
        for line in self._lines():
            self.tell(line)

    def _lines(self) -> Iterator[str]:
        with self._log.open(encoding="utf-8", errors="replace") as file:
            rest = ""
            while True:
                found = file.readline()
                rest += found
                if rest.endswith("\n"):
                    yield rest
                    rest = ""
                elif not found and self._over.wait(0.1):
                    return

    def tell(self, line: str) -> None:
        """Say what one line of supervisor's log means, if it is news."""
        if found := SPAWNED.search(line):
            name, pid = found["name"], found["pid"]
            self._pids[name] = pid
            if name in self._died:
                self._died.discard(name)
                if len(self._recent(name)) < OFTEN:
                    self._say(f"{name} was restarted (pid {pid}).")
        elif found := EXITED.search(line):
            name = found["name"]
            if not self._stopping.is_set():
                self._tell_death(name, found["how"])
        elif found := KILLED.search(line):
            self._say(f"{found['name']} (pid {found['pid']}) did not end in time and was killed.")
        elif found := FAILED.search(line):
            self._say(f"A program cannot be started: {found['what']}")

    def _tell_death(self, name: str, how: str) -> None:
        recent = self._recent(name)
        recent.append(time.monotonic())
        self._died.add(name)
        if len(recent) < OFTEN:
            self._say(f"{name} (pid {self._pids.get(name, '?')}) died: {how}. Restarting it.")
        elif len(recent) == OFTEN:
            self._say(f"{name} keeps dying: {how}. Its last words are in {self._log.parent / name}.out")

    def _recent(self, name: str) -> list[float]:
        since = time.monotonic() - RECENT_S
        self._deaths[name] = [at for at in self._deaths[name] if at > since]
        return self._deaths[name]
