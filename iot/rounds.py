"""Threads that do one step again and again, and the end of the process when one of them ends."""

import threading
from collections.abc import Callable

import structlog

from iot.committer import RETRY_S, is_away

log = structlog.get_logger(__name__)


class Round(threading.Thread):
    """Calls ``step`` again at once while it returns work, else when woken or after ``pause_s`` seconds.

    A step that raises is tried again after half a second: every step is one or more transactions, so nothing was
    half done. ``failures`` counts them in a row.
    """

    def __init__(self, name: str, step: Callable[[], int], pause_s: float, stopping: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._step, self._pause_s, self._stopping = step, pause_s, stopping
        self._more = threading.Event()
        self.failures = 0
        self.has_ended = False

    def wake(self) -> None:
        """There is something to do now."""
        self._more.set()

    def run(self) -> None:
        """Until the process stops."""
        try:
            while not self._stopping.is_set():
                self._more.clear()
                if self._once() <= 0 and not self._stopping.is_set():
                    self._more.wait(self._pause_s)
        finally:
            self.has_ended = True

    def _once(self) -> int:
        try:
            done = self._step()
        except Exception as error:
            self.failures += 1
            if not is_away(error):
                log.exception("step_failed", step=self.name, failures=self.failures)
            elif self.failures == 1:
                log.error("database_away", step=self.name, error=str(error)[:200])
            self._stopping.wait(RETRY_S)
            return 1
        if self.failures:
            log.info("step_back", step=self.name, after_failures=self.failures)
        self.failures = 0
        return done
