"""Files as they come: encodings, separators, spreadsheets, and what only looks like one."""

import io
import zipfile
from datetime import date
from typing import Any

import pytest

from tests.web.imports.files import csv_of, xlsx_of
from web.imports import reading, refusals
from web.imports.reading import open_sheet

HEADER, ROW = ["货号", "name"], ["SKU-1", "牛肉"]


def rows_of(content: bytes, encoding: str | None = None) -> list[list[str]]:
    return [cells for _number, cells in open_sheet(io.BytesIO(content), encoding).rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_reads_what_chinese_spreadsheets_write(encoding: str) -> None:
    assert rows_of(csv_of(HEADER, [ROW], encoding)) == [HEADER, ROW]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_reads_the_separators_that_spreadsheets_use(separator: str) -> None:
    assert rows_of(f"a{separator}b\n1{separator}2\n".encode()) == [["a", "b"], ["1", "2"]]


def test_names_the_encoding_it_found() -> None:
    assert open_sheet(io.BytesIO(csv_of(HEADER, [ROW], "gb18030"))).encoding == "gb18030"
    assert open_sheet(io.BytesIO(csv_of(HEADER, [ROW], "utf-8-sig"))).encoding == "utf-8-sig"


def test_names_the_line_that_no_encoding_reads() -> None:
    with pytest.raises(refusals.UnknownEncoding) as caught:
        open_sheet(io.BytesIO(b"a,b\n1,2\n\xff\xff,3\n"))
    assert caught.value.values["line"] == 3


def test_a_named_encoding_is_held_to() -> None:
    with pytest.raises(refusals.WrongEncoding) as caught:
        open_sheet(io.BytesIO(csv_of(HEADER, [ROW], "gb18030")), "utf-8")
    assert caught.value.values == {"line": 1, "encoding": "UTF-8"}


def test_a_character_cut_in_two_by_a_block_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BLOCK", 7)
    assert rows_of(csv_of(HEADER, [ROW] * 5)) == [HEADER, *[ROW] * 5]


def test_an_open_quote_names_its_line_and_does_not_swallow_the_file() -> None:
    with pytest.raises(refusals.BrokenCsv):
        rows_of(b'a,b\n1,"2\n' + b"x,y\n" * 60_000)


def test_a_spreadsheet_reads_like_a_csv() -> None:
    content = xlsx_of(["a", "b", "c", "d"], [[1, 2.5, date(2027, 1, 31), True], ["x", "", 6901234567892, 3.0]])
    assert rows_of(content) == [
        ["a", "b", "c", "d"],
        ["1", "2.5", "2027-01-31", "yes"],
        ["x", "", "6901234567892", "3"],
    ]


def spreadsheet(**parts: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"xl/workbook.xml": b"<x/>", **parts}.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", refusals.EmptyFile),
        (b"  \n \n", refusals.EmptyFile),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, refusals.OldSpreadsheet),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"abc" * 10, refusals.BadFile),
        (b"a,b\n1,\0\n", refusals.UnknownFormat),
        (b"PK\x03\x04 not a zip", refusals.BrokenSpreadsheet),
        (spreadsheet(), refusals.BrokenSpreadsheet),
        (spreadsheet()[:-30], refusals.BrokenSpreadsheet),
    ],
)
def test_refuses_what_is_no_list(content: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        rows_of(content)


def test_refuses_a_zip_that_is_no_spreadsheet() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(refusals.UnknownFormat):
        rows_of(buffer.getvalue())


def test_a_bomb_is_not_unpacked() -> None:
    bomb = spreadsheet(**{"xl/worksheets/sheet1.xml": b"\0" * 50_000_000})
    assert len(bomb) < 100_000
    with pytest.raises(refusals.InflatedSpreadsheet):
        rows_of(bomb)


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(refusals.InflatedSpreadsheet):
        rows_of(spreadsheet(**{f"xl/{n}.xml": b"" for n in range(2_001)}))


def test_entities_are_not_expanded() -> None:
    book = xlsx_of(["a"], [["b"]])
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(buffer, "w") as new:
        for part in old.infolist():
            content = old.read(part)
            if part.filename.endswith("sheet1.xml"):
                content = content.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY e "boom">]><worksheet', 1)
                content = content.replace(b"<t>b</t>", b"<t>&e;</t>")
            new.writestr(part.filename, content)
    with pytest.raises(refusals.BrokenSpreadsheet):
        rows_of(buffer.getvalue())
