"""What a spreadsheet's own bytes say of a sheet before its cells are read: how many rows hold something, which cells
are merged, and which hold a formula that nobody has worked out.
"""

import re
import zipfile
from collections.abc import Iterator
from typing import IO

from web.imports import refusals

BLOCK = 1 << 20
LONGEST_ROW = 64 << 20
NAMED = 5  # merged ranges and formulas that are named
ROW_END = re.compile(rb"</(?:\w+:)?row>")
HOLDS = re.compile(rb"<(?:\w+:)?[vt](?:>| [^>/]*>)[^<]")
FORMULA = re.compile(rb"<(?:\w+:)?f[ >/]")
CELL = re.compile(rb'<(?:\w+:)?c [^>]*?\br="([A-Z]+[0-9]+)"[^>]*>(.*?)</(?:\w+:)?c>', re.DOTALL)
MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]*?\bref="([^"]{1,40})"')


def look_over(file: IO[bytes], part: str, most_rows: int) -> None:
    """Raise TooManyRows, MergedCells or FormulaWithoutValue; memory does not grow with the sheet."""
    rows = 0
    formulas: list[str] = []
    merged: list[str] = []
    with zipfile.ZipFile(file) as archive, archive.open(part) as content:
        for piece, is_row in _pieces(content):
            if not is_row:
                merged += [found.decode() for found in MERGED.findall(piece)[:NAMED]]
                continue
            if HOLDS.search(piece):
                rows += 1
            if rows > most_rows + 1:  # the header is one of them
                raise refusals.TooManyRows(most=most_rows)
            if len(formulas) < NAMED and FORMULA.search(piece):
                formulas += [name.decode() for name, cell in CELL.findall(piece) if _is_open(cell)]
    if merged:
        raise refusals.MergedCells(cells=", ".join(merged[:NAMED]))
    if formulas:
        raise refusals.FormulaWithoutValue(cells=", ".join(formulas[:NAMED]))


def _is_open(cell: bytes) -> bool:
    return FORMULA.search(cell) is not None and HOLDS.search(cell) is None


def _pieces(content: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each row of the sheet, and last what follows the rows."""
    rest = b""
    while block := content.read(BLOCK):
        *whole, rest = ROW_END.split(rest + block)
        for piece in whole:
            yield piece, True
        if len(rest) > LONGEST_ROW:
            raise refusals.BrokenSpreadsheet
    yield rest, False
