"""Lists as files for spreadsheets: CSV and XLSX, with texts that a spreadsheet would run made harmless."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter
from flask import Response

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a text that begins so (ASVS 5.0 V1.2.10)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST_CELL = 32_767
LONGEST_TITLE = 31
LONGEST_NUMBER = 10**15  # a spreadsheet keeps fifteen digits; a longer number (an SSCC) goes as text
BYTE_ORDER_MARK = "\ufeff"  # tells spreadsheets that the file is UTF-8


def harmless(value: Any) -> Any:
    """Return a value as a cell may hold it: nothing for None, a text that would run with an apostrophe in front."""
    if value is None:
        return ""
    if isinstance(value, str):
        return "'" + value if value.startswith(FORMULA) else value
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value if isinstance(value, int) else str(value)


def csv_response(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """Return rows as ``name``.csv with a head line."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([harmless(column) for column in columns])
    writer.writerows([harmless(value) for value in row] for row in rows)
    return _file(BYTE_ORDER_MARK + buffer.getvalue(), "text/csv", f"{name}.csv")


def xlsx_response(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """Return rows as the one sheet of ``name``.xlsx; texts stay texts, formulas and links are never made of them."""
    return book_response(name, [("Sheet1", columns, rows)])


def book_response(name: str, sheets: Iterable[tuple[str, Sequence[str], Iterable[Sequence[Any]]]]) -> Response:
    """Return ``name``.xlsx with a sheet for each (title, columns, rows)."""
    return _file(book_bytes(sheets), XLSX, f"{name}.xlsx")


def book_bytes(sheets: Iterable[tuple[str, Sequence[str], Iterable[Sequence[Any]]]]) -> bytes:
    """A spreadsheet with a sheet for each (title, columns, rows)."""
    buffer = io.BytesIO()
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, {"constant_memory": True, **plain}) as book:
        day, bold = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"bold": True})
        amount = book.add_format({"num_format": "#,##0.00"})
        for title, columns, rows in sheets:
            sheet = book.add_worksheet(title[:LONGEST_TITLE])
            sheet.write_row(0, 0, [harmless(column) for column in columns], bold)
            sheet.freeze_panes(1, 0)
            for number, row in enumerate(rows, 1):
                for place, value in enumerate(row):
                    _write(sheet, number, place, value, day, amount)
    return buffer.getvalue()


def _write(sheet: Any, number: int, place: int, value: Any, day: Any, amount: Any) -> None:
    """Numbers as numbers, amounts with two places, finer ones with all of theirs, days as days, else plain text."""
    if isinstance(value, date) and not isinstance(value, datetime):
        sheet.write_datetime(number, place, value, day)
    elif isinstance(value, Decimal):
        is_amount = value == round(value, 2)
        sheet.write_number(number, place, value, amount if is_amount else None)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < LONGEST_NUMBER:
        sheet.write_number(number, place, value)
    elif value is not None and value != "":
        sheet.write_string(number, place, str(harmless(value))[:LONGEST_CELL])


def _file(content: str | bytes, mimetype: str, name: str) -> Response:
    return Response(content, mimetype=mimetype, headers={"Content-Disposition": f'attachment; filename="{name}"'})
