"""A thread that runs beside a piece of work while it is open, and has ended when that ends."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Beside(ABC):
    """Begins `run` in a thread of its own on entering and waits for it on leaving."""

    def __init__(self, name: str) -> None:
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.ended.set()
        self._thread.join()

    @abstractmethod
    def run(self) -> None:
        """What is done beside, until `ended` is set."""
