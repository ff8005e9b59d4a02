"""Cells: each mistake has its own message."""

import io
from datetime import date

import pytest

from web.imports import refusals
from web.imports.columns import Column, Row, Table, among, day, money, number_text, text, whole, yes_no
from web.imports.reading import open_sheet

COLUMNS = (
    Column("code", text(10), is_needed=True, names=("货号",)),
    Column("qty", whole(1, 1000), names=("数量",)),
    Column("on", day),
    Column("is_cold", yes_no, default=False),
    Column("price", money()),
    Column("gtin", number_text(14)),
    Column("kind", among("bin", "dock")),
)


def table(content: str) -> Table:
    return Table(COLUMNS, open_sheet(io.BytesIO(content.encode())))


def one(header: str, cell: str) -> object:
    """The value of one cell, or its refusal."""
    row = next(iter(table(f"code,{header}\nA,{cell}\n").rows()))
    return row.values[header] if isinstance(row, Row) else row[0].refusal


@pytest.mark.parametrize(
    ("header", "cell", "value"),
    [
        ("qty", "12", 12),
        ("qty", '"1,000"', 1000),
        ("qty", "12.0", 12),
        ("on", "2027-01-31", date(2027, 1, 31)),
        ("on", "2027/1/31", date(2027, 1, 31)),
        ("on", "20270131", date(2027, 1, 31)),
        ("on", "2027年1月31日", date(2027, 1, 31)),
        ("is_cold", "是", True),
        ("is_cold", "No", False),
        ("price", "88.50", 8850),
        ("gtin", "06901234567892", "06901234567892"),
        ("kind", "BIN", "bin"),
        ("qty", "", None),
    ],
)
def test_reads_a_cell(header: str, cell: str, value: object) -> None:
    assert one(header, cell) == value


@pytest.mark.parametrize(
    ("header", "cell", "refusal"),
    [
        ("qty", "twelve", refusals.NotWhole),
        ("qty", "1.5", refusals.NotWhole),
        ("qty", "0", refusals.OutOfRange),
        ("qty", "-3", refusals.OutOfRange),
        ("qty", "1e3", refusals.RoundedBySpreadsheet),
        ("qty", "12٣", refusals.NotWhole),
        ("on", "31.01.2027", refusals.NotDay),
        ("on", "2027-02-30", refusals.NotDay),
        ("is_cold", "maybe", refusals.NotYesNo),
        ("price", "1.005", refusals.NotMoney),
        ("price", "-1", refusals.NotMoney),
        ("price", "NaN", refusals.NotMoney),
        ("gtin", "6.90123E+12", refusals.RoundedBySpreadsheet),
        ("gtin", "123456789012345", refusals.TooLong),
        ("kind", "shelf", refusals.NotAmong),
        ("kind", "#REF!", refusals.SpreadsheetError),
        ("kind", "a\x01b", refusals.ControlCharacter),
    ],
)
def test_says_what_is_wrong_with_a_cell(header: str, cell: str, refusal: type[Exception]) -> None:
    found = one(header, cell)
    assert isinstance(found, refusal)
    assert found.field == header  # type: ignore[attr-defined]


def test_a_row_tells_all_its_mistakes_with_its_number_in_the_file() -> None:
    rows = list(table("货号,数量\nA,1\n\n,x\n").rows())
    faults = rows[1]
    assert isinstance(faults, list)
    assert [(fault.row, fault.refusal.code) for fault in faults] == [(4, "cell_missing"), (4, "not_whole")]


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        ("code,colour\nA,red\n", refusals.UnknownColumn),
        ("code,qty,数量\nA,1,1\n", refusals.ColumnTwice),
        ("qty\n1\n", refusals.ColumnMissing),
        (",,\nA,1\n", refusals.EmptyFile),
    ],
)
def test_says_what_is_wrong_with_the_header(content: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        table(content)


def test_a_short_row_has_empty_cells() -> None:
    assert [row.values["qty"] for row in table("code,qty\nA\n").rows() if isinstance(row, Row)] == [None]


def test_more_rows_than_a_file_may_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.imports.columns.MOST_ROWS", 2)
    with pytest.raises(refusals.TooManyRows):
        list(table("code\nA\nB\nC\n").rows())
