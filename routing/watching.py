"""Who watches a plan being made hears how far it is, what it costs and what is proved, and may end its search."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass


class Watch:
    """Somebody who watches. This one hears nothing and lets the plan go on."""

    def stage(self, stage: str, permille: int) -> None:
        """The stage that is worked on from now on, and how far the whole is."""

    def figures(self, *, cost_minor: int | None = None, bound_minor: int | None = None) -> None:
        """The best plan's fen so far, and a bound that is proved; before loading and after it the cost may differ."""

    def halted(self) -> bool:
        """Whether the search shall end now with the best that there is."""
        return False


def never() -> bool:
    """Nobody ends it early."""
    return False


@dataclass(frozen=True)
class Deadline:
    """When a stage ends: at an instant of time.monotonic() (unless told, never), and as soon as it is halted."""

    at: float = math.inf
    halted: Callable[[], bool] = never

    @classmethod
    def within(cls, seconds: float, halted: Callable[[], bool] = never) -> Deadline:
        """So many seconds from now."""
        return cls(time.monotonic() + seconds, halted)

    def left(self) -> float:
        """Seconds, none once it is halted."""
        return 0.0 if self.halted() else max(0.0, self.at - time.monotonic())

    def over(self) -> bool:
        """Whether the stage has to end."""
        return self.halted() or time.monotonic() > self.at

    def share(self, part: float) -> Deadline:
        """The end of this part of the time that is left."""
        return Deadline.within(self.left() * part, self.halted)

    def earlier(self, seconds: float) -> Deadline:
        """So many seconds before."""
        return Deadline(self.at - seconds, self.halted)
