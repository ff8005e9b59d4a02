"""Files to import, made of rows."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import xlsxwriter


def csv_of(columns: Sequence[str], rows: Iterable[Sequence[Any]], encoding: str = "utf-8") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def xlsx_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        for line, row in enumerate([columns, *rows]):
            sheet.write_row(line, 0, row)
    return buffer.getvalue()
