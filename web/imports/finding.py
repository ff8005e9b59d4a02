"""What reading a problem's files finds: where each record stands, and every fault by sheet, line, column and rule."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from routing.io import MOST_BYTES, MOST_CONSIGNMENTS
from routing.problem import BadProblem, Fault
from web.imports import refusals
from web.imports.columns import Column, Table
from web.imports.reading import Cells, Sheet, open_sheet
from wms.errors import WmsError

MOST_FAULTS = 10_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")
INDEXED = re.compile(r"^(?:network\.)?([a-z_]+)\.(\d+)(?:\([^)]*\))?(?:\.(.*))?$")
NAMED = re.compile(r"^(?:network\.)?([a-z_]+)\(([^)]*)\)(?:\.(.*))?$")


@dataclass
class Found:
    """The faults of all files, named one by one up to a number and counted beyond it."""

    listed: list[Fault] = field(default_factory=list)
    more: int = 0

    def add(self, where: str, refusal: WmsError) -> None:
        """A row's fault."""
        self.fault(Fault(where, refusal.code, refusal.text % refusal.values if refusal.values else refusal.text))

    def fault(self, fault: Fault) -> None:
        """A fault as it is."""
        if len(self.listed) < MOST_FAULTS:
            self.listed.append(fault)
        else:
            self.more += 1

    def refuse(self) -> None:
        """Raise BadProblem where there is any."""
        if self.listed:
            more = [Fault("(files)", "more_faults", f"{self.more} more bad cells")] if self.more else []
            raise BadProblem([*self.listed, *more])


@dataclass(frozen=True)
class Place:
    """Where a record came from."""

    sheet: str
    line: int

    @property
    def words(self) -> str:
        """Sheet and line."""
        return f"{self.sheet}, line {self.line}"


class Places:
    """Where the records of each list stand, by their order and by their code."""

    def __init__(self) -> None:
        self._by_order: dict[tuple[str, int], Place] = {}
        self._by_code: dict[tuple[str, str], Place] = {}
        self._counts: dict[str, int] = {}
        self._columns: dict[tuple[str, str], str] = {}

    def call(self, table: str, path: str, column: str) -> None:
        """A field of the records stands in this column."""
        self._columns[table, path] = column

    def add(self, table: str, code: str, place: Place) -> None:
        """The next record of a list."""
        index = self._counts.get(table, 0)
        self._counts[table] = index + 1
        self._by_order[table, index] = self._by_code[table, code] = place

    def told(self, bad: BadProblem) -> BadProblem:
        """The same faults, of the rows that the records came from."""
        return BadProblem(Fault(self._where(one.field), one.rule, one.text) for one in bad.faults)

    def _where(self, name: str) -> str:
        place, table, rest = None, "", ""
        if found := INDEXED.match(name):
            place, table, rest = self._by_order.get((found[1], int(found[2]))), found[1], found[3]
        elif found := NAMED.match(name):
            place, table, rest = self._by_code.get((found[1], found[2])), found[1], found[3]
        if place is None:
            return name
        return place.words + (f": {self._columns.get((table, rest), rest)}" if rest else "")


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """The file, opened. Raises BadProblem where it cannot be read or is refused as a whole."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadProblem([Fault(path.name, "too_large", f"the file has more than {MOST_BYTES} bytes")])
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise BadProblem([Fault(path.name, "unreadable", f"{path}: {error.strerror}")]) from error
    except refusals.BadFile as bad:
        raise BadProblem([Fault(path.name, bad.code, str(bad))]) from bad


def is_sheet(path: Path) -> bool:
    """Whether the file is a spreadsheet or CSV by its name."""
    return path.suffix.lower() in {".csv", ".tsv", ".txt", ".xls", ".xlsx", ".xlsm"}


def rows_of(
    file: IO[bytes], name: str, title: str | None, columns: tuple[Column, ...], found: Found
) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """The good rows of a sheet; faults of the others are added to ``found``."""
    sheet = f"sheet {title}" if title is not None else name
    opened = open_sheet(file, title=title, most_rows=MOST_CONSIGNMENTS)
    table = Table(columns, Sheet(opened.form, opened.encoding, _plain(opened.rows)))
    for row in table.rows():
        if isinstance(row, list):
            for fault in row:
                found.add(f"{sheet}, line {fault.row}: {fault.refusal.field}", fault.refusal)
        else:
            yield Place(sheet, row.number), row.values


def _plain(rows: Iterator[tuple[int, Cells]]) -> Iterator[tuple[int, Cells]]:
    """Cells without the apostrophe that keeps a text of our own files from being run."""
    for number, cells in rows:
        yield number, [cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell for cell in cells]


def title_of(titles: Sequence[str], known: Sequence[str]) -> str | None:
    """The sheet that has one of the known titles."""
    return next((title for title in titles if title.strip().lower() in known), None)
