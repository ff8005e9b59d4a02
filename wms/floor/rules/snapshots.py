"""What a transaction saw: PostgreSQL's ``pg_snapshot`` as text, ``xmin:xmax:running,…``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Snapshot:
    """All below ``since`` is over, nothing from ``until`` on had begun, ``running`` was at work.

    A later snapshot is the greater one: its bounds never fall, and between the same bounds fewer are still at work.
    """

    since: int
    until: int
    fewer: int
    running: tuple[int, ...]

    @classmethod
    def of(cls, written: str) -> Snapshot:
        """Read it as PostgreSQL writes it. Raises ValueError."""
        since, until, running = written.split(":")
        at_work = tuple(int(one) for one in running.split(",") if one)
        return cls(int(since), int(until), -len(at_work), at_work)

    def __str__(self) -> str:
        return f"{self.since}:{self.until}:{','.join(map(str, self.running))}"

    def saw(self, xid: int) -> bool:
        """Whether a transaction that did commit was over, and seen."""
        return xid < self.since or (xid < self.until and xid not in self.running)
