"""Which of several dated rows holds on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar


class Dated(Protocol):
    """A row that holds from a day (ISO) on."""

    @property
    def valid_from(self) -> str:
        """The first day."""
        ...


Row = TypeVar("Row", bound=Dated)


def in_force(rows: Sequence[Row], instant: int) -> Row:
    """The newest row of that day (UTC); the oldest before its time."""
    day = f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%d}"
    held = [one for one in rows if one.valid_from <= day]
    return max(held, key=lambda one: one.valid_from) if held else min(rows, key=lambda one: one.valid_from)
