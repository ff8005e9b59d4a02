"""A file as rows of text, a row at a time: CSV in UTF-8, UTF-16 or GB18030, and XLSX.

Memory does not grow with the file. A spreadsheet is a ZIP of somebody's making: before anything is unpacked, its parts
are counted and weighed, so that a small file cannot become a large one.
"""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from web.imports import refusals
from web.imports.within import look_over

MOST_ROWS = 500_000
MOST_COLUMNS = 100
LONGEST_HEADER = 100_000
BLOCK = 1 << 20
# A list of 200,000 rows and 20 columns unpacks to about 200 MB; what is texts alone stays in memory while it is read.
MOST_UNPACKED, MOST_TEXTS, MOST_PARTS = 800_000_000, 150_000_000, 2_000
# Spreadsheets of one value over and over shrink to a fiftieth; a bomb to a thousandth.
LARGEST_RATIO = 200

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

Cells = list[str]


@dataclass(frozen=True)
class Sheet:
    """A file opened: what it is, and its rows as (number that a spreadsheet shows, cells), the header first."""

    form: str
    encoding: str | None
    rows: Iterator[tuple[int, Cells]]


def open_sheet(
    file: IO[bytes], encoding: str | None = None, title: str | None = None, most_rows: int = MOST_ROWS
) -> Sheet:
    """Open a CSV or XLSX by its content, not by its name. Raises a :class:`web.imports.refusals.BadFile`.

    ``title``: which sheet of a spreadsheet (else the first). More than ``most_rows`` rows are refused unread.
    """
    file.seek(0)
    head = file.read(8192)
    if not head.strip():
        raise refusals.EmptyFile(name="")
    if head.startswith(OLE):
        raise refusals.OldSpreadsheet
    if head.startswith(ZIP):
        weigh(file)
        return Sheet("xlsx", None, _xlsx_rows(file, title, most_rows))
    marked = next((name for mark, name in MARKS if head.startswith(mark)), None)
    found = marked or _checked(file, encoding)
    if marked is None and b"\0" in head:
        raise refusals.UnknownFormat
    if marked is not None:
        _decode_all(file, found)
    return Sheet("csv", found, _counted(file, found, most_rows))


def titles_of(file: IO[bytes]) -> list[str]:
    """The titles of a spreadsheet's sheets that hold something, in order; of a CSV there are none."""
    file.seek(0)
    if not file.read(4).startswith(ZIP):
        return []
    weigh(file)
    with _opened(file) as book:
        found = []
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            if any(cell not in {None, ""} for row in sheet.iter_rows(values_only=True) for cell in row):
                found.append(str(sheet.title))
        return found


def _counted(file: IO[bytes], encoding: str, most_rows: int) -> Iterator[tuple[int, Cells]]:
    """The rows of a CSV, unless there are too many. Lines are counted first: a line break inside a cell is none, but
    a file with few lines has few rows."""
    file.seek(0)
    if sum(block.count(b"\n") for block in iter(lambda: file.read(BLOCK), b"")) > most_rows:
        n_rows = sum(any(cells) for _number, cells in _csv_rows(file, encoding))
        if n_rows > most_rows + 1:  # the header is one of them
            raise refusals.TooManyRows(most=most_rows)
    yield from _csv_rows(file, encoding)


def _checked(file: IO[bytes], wanted: str | None) -> str:
    """Return the encoding in which the whole file can be read: the wanted one, else UTF-8, else GB18030."""
    for name in (wanted,) if wanted else ("utf-8", "gb18030"):
        try:
            _decode_all(file, name)
        except refusals.WrongEncoding as wrong:
            if wanted:
                raise
            line = wrong.values["line"]
        else:
            return name
    raise refusals.UnknownEncoding(line=line)


def _decode_all(file: IO[bytes], encoding: str) -> None:
    """Read the file once through the decoder, a block at a time. Raises WrongEncoding with the line."""
    file.seek(0)
    decoder, line = codecs.getincrementaldecoder(encoding)("strict"), 1
    while True:
        block = file.read(BLOCK)
        try:
            line += decoder.decode(block, final=not block).count("\n")
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            raise refusals.WrongEncoding(line=line, encoding=encoding.upper()) from None
        if not block:
            return


def _csv_rows(file: IO[bytes], encoding: str) -> Iterator[tuple[int, Cells]]:
    file.seek(0)
    text = io.TextIOWrapper(io.BufferedReader(_Borrowed(file), BLOCK), encoding=encoding, newline="")
    first = text.readline(LONGEST_HEADER)
    delimiter = max(",;\t", key=first.count)
    lines = _chained(first, text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if len(cells) > MOST_COLUMNS:
                raise refusals.BrokenCsv(line=reader.line_num, reason=f"{len(cells)} > {MOST_COLUMNS}")
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise refusals.BrokenCsv(line=reader.line_num, reason=str(error)) from None


def _chained(first: str, rest: Iterable[str]) -> Iterator[str]:
    yield first
    yield from rest


class _Borrowed(io.RawIOBase):
    """A file that is not closed with the wrapper around it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._file.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


def weigh(file: IO[bytes]) -> None:
    """Refuse a spreadsheet whose parts would unpack to more than a list can be. Nothing is unpacked for it.

    Python's zipfile reads no more of a part than its directory says, so a lying directory yields a damaged file, not a
    larger one.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        raise refusals.BrokenSpreadsheet from None
    names = {part.filename for part in parts}
    if "xl/workbook.xml" not in names:
        raise refusals.UnknownFormat
    unpacked = sum(part.file_size for part in parts)
    texts = sum(part.file_size for part in parts if part.filename.lower().endswith("sharedstrings.xml"))
    steep = any(part.file_size > BLOCK and part.file_size > LARGEST_RATIO * part.compress_size for part in parts)
    if unpacked > MOST_UNPACKED or texts > MOST_TEXTS or len(parts) > MOST_PARTS or steep:
        raise refusals.InflatedSpreadsheet(unpacked=unpacked)
    if any(part.flag_bits & 0x1 for part in parts):
        raise refusals.BrokenSpreadsheet


def _xlsx_rows(file: IO[bytes], title: str | None, most_rows: int) -> Iterator[tuple[int, Cells]]:
    with _opened(file) as book:
        sheet = book[title] if title is not None else book.worksheets[0]
        look_over(file, sheet._worksheet_path, most_rows)
        sheet.reset_dimensions()  # what the file says of its size may be wrong
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            yield number, [_text(cell) for cell in row[:MOST_COLUMNS]]


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[Any]:
    file.seek(0)
    try:
        with closing(load_workbook(file, read_only=True, data_only=True, keep_links=False)) as book:
            yield book
    except (InvalidFileException, zipfile.BadZipFile, KeyError, IndexError, ValueError, SyntaxError, EOFError) as error:
        # SyntaxError: the parser's own for XML that is none
        raise refusals.BrokenSpreadsheet from error


def _text(cell: object) -> str:
    """Return a cell as a person would have typed it: whole numbers without a point, days like 2026-01-31."""
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case float():
            is_whole = cell.is_integer() and abs(cell) < 1e15
            return str(int(cell)) if is_whole else format(cell, ".15g")  # as it is shown: 0.1 + 0.2 is 0.3
        case datetime():
            midnight = (cell.hour, cell.minute, cell.second) == (0, 0, 0)
            return cell.date().isoformat() if midnight else cell.isoformat(sep=" ")
        case date():
            return cell.isoformat()
    return str(cell).strip()
