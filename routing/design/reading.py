"""Lines and whole numbers of a text file, every mistake named by line and field."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from routing.files import read_text
from routing.problem import BadProblem, Fault

MOST_BYTES = 50_000_000
MOST_AMOUNT = 10**8  # a thousand products of two such still fit in 64 bits


def lines_of(path: Path) -> list[tuple[int, str]]:
    """The file's lines that are not blank, each with its number from 1. Raises BadProblem when it cannot be read."""
    text = read_text(path, MOST_BYTES)
    return [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


@dataclass(frozen=True)
class Line:
    """The words of one line, to be read field by field."""

    number: int
    words: list[str]

    def refuse(self, field: str, rule: str, text: str) -> NoReturn:
        """Raise BadProblem for a field of this line."""
        raise BadProblem([Fault(f"line {self.number}, {field}", rule, text)])

    def whole(self, at: int, field: str, least: int = 0, most: int = MOST_AMOUNT) -> int:
        """The whole number in word ``at``, from ``least`` to ``most``. ``12.0`` is whole, ``12.5`` is refused."""
        if at >= len(self.words):
            self.refuse(field, "missing", f"the line has {len(self.words)} fields, {field} would be number {at + 1}")
        word = self.words[at].strip()
        digits = word.split(".")[0] if set(word.partition(".")[2]) <= {"0"} else word
        if not digits.removeprefix("-").isascii() or not digits.removeprefix("-").isdigit() or len(digits) > 18:
            self.refuse(field, "not_whole", f"{word[:40]!r} is no whole number")
        value = int(digits)
        if value < least:
            self.refuse(field, "too_small", f"{value} is below {least}")
        if value > most:
            self.refuse(field, "too_large", f"{value} is above {most}")
        return value


class Reader:
    """Goes through the lines of a file once."""

    def __init__(self, lines: list[tuple[int, str]], comma: str | None) -> None:
        self._lines, self._comma, self._at = lines, comma, 0

    def next(self, awaited: str) -> Line:
        """The next line. Raises BadProblem when the file ends before ``awaited``."""
        if self._at >= len(self._lines):
            last = self._lines[-1][0] if self._lines else 0
            raise BadProblem([Fault(f"line {last}", "cut_off", f"the file ends before {awaited}")])
        number, text = self._lines[self._at]
        self._at += 1
        return Line(number, text.split(self._comma))

    def rest(self) -> Line | None:
        """The next line, or None at the end."""
        return self.next("the end") if self._at < len(self._lines) else None
