"""Who enters the rows of a list.

A kind is a function that takes an open session and what the caller chose, and returns an :class:`Intake`: it gets the
good rows a thousand at a time and returns those that a rule of the books refuses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from web.imports.columns import Column, Fault, Row


@dataclass(frozen=True)
class Choice:
    """What the caller chose: whose file it is, when its facts count, and whether known rows are passed over."""

    key: str
    source_doc: str
    event_at: datetime
    keep_existing: bool = False


class Intake(Protocol):
    """Takes good rows a chunk at a time."""

    def take(self, rows: Sequence[Row]) -> tuple[int, list[Fault]]:
        """Enter what the books allow; return how many rows, and the refused ones."""
        ...

    def finish(self) -> tuple[int, list[Fault]]:
        """Enter what was kept until its last row was seen."""
        ...

    def beside(self, rows: Sequence[Row]) -> None:
        """Hear of the good rows of the second sheet."""
        ...


class Plain:
    """An intake that keeps nothing back."""

    def beside(self, rows: Sequence[Row]) -> None:
        """There is no second sheet."""

    def finish(self) -> tuple[int, list[Fault]]:
        """Nothing was kept."""
        return 0, []


@dataclass(frozen=True)
class Kind:
    """One list that may be imported. ``beside``: the columns of a second sheet and the titles it may have; its rows are
    given to the intake first."""

    name: str
    columns: tuple[Column, ...]
    begin: Callable[[Session, Choice], Intake]
    beside: tuple[Column, ...] = ()
    beside_titles: tuple[str, ...] = ()
