"""The planner's network from a spreadsheet or a folder of CSVs, and the whole problem out and in again."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from routing.generate import problem
from routing.problem import BadProblem, Problem
from tests.web.imports.files import csv_of
from tests.web.imports.test_planning import csv_file, faults, row
from web.commands.problem import command
from web.imports.planning import read_any
from web.imports.problem_book import book_of, network_sheets
from web.imports.reading import open_sheet, titles_of


@pytest.fixture(scope="module")
def whole() -> Problem:
    return problem(12, 3)


def changed(whole: Problem, path: Path, change: Callable[[Any], None]) -> Path:
    book = load_workbook(io.BytesIO(book_of(whole)))
    change(book)
    book.save(path)
    return path


def test_a_problem_reads_back_as_it_was(tmp_path: Path, whole: Problem) -> None:
    path = tmp_path / "p.xlsx"
    options = whole.options.model_copy(update={"used": {"BARGE-DOWN@20260302T1000": 3}})
    used = whole.model_copy(update={"options": options})
    ranked = whole.consignments[0].model_copy(update={"priority": 2})
    relief = whole.model_copy(update={"consignments": (ranked, *whole.consignments[1:])})
    for one in (whole, used, relief):
        path.write_bytes(book_of(one))
        assert read_any(path).snapshot_sha256() == one.snapshot_sha256()


def test_texts_that_a_spreadsheet_would_run_come_back_as_they_were(tmp_path: Path, whole: Problem) -> None:
    one = whole.consignments[0].model_copy(update={"owner": "=1+1"})
    path = tmp_path / "p.xlsx"
    path.write_bytes(book_of(whole.model_copy(update={"consignments": (one,)})))
    assert read_any(path).consignments == (one,)


def test_a_folder_of_csvs_is_a_network(tmp_path: Path, whole: Problem) -> None:
    folder = tmp_path / "network"
    folder.mkdir()
    for title, columns, rows in network_sheets(whole.model_dump(mode="json")):
        (folder / f"{title}.csv").write_bytes(csv_of(columns, rows))
    goods = csv_file(tmp_path, [row("A1")])
    assert read_any(goods, network=folder).network == whole.network
    assert read_any(goods).network == whole.network
    (folder / "prices.csv").write_text("a\n1\n")
    assert faults(goods, network=folder) == [("network", "unknown_sheet")]


def test_goods_and_network_in_two_spreadsheets(tmp_path: Path, whole: Problem) -> None:
    path = changed(whole, tmp_path / "n.xlsx", lambda book: book.__delitem__("consignments"))
    assert read_any(csv_file(tmp_path, [row("A1")]), network=path).network == whole.network


def _set(sheet: str, cell: str, value: Any) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book[sheet][cell] = value

    return change


def _twice(sheet: str, line: int) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book[sheet].append([cell.value for cell in book[sheet][line]])

    return change


@pytest.mark.parametrize(
    ("change", "where", "rule"),
    [
        (_set("services", "F2", -3), "sheet services, line 2: transit_h", "arrives_before_departure"),
        (_set("services", "H2", -3), "sheet services, line 2: capacity", "negative_capacity"),
        (_set("services", "B3", "sledge"), "sheet services, line 3: mode", "literal_error"),
        (_set("services", "C3", "CNXXX"), "sheet services, line 3", "unknown_place"),
        (_set("services", "E3", "someday 10:00"), "sheet services, line 3: departs", "bad_departure"),
        (_set("services", "J3", "far"), "sheet services, line 3: distance_km", "not_whole"),
        (_set("services", "A2", ""), "sheet services, line 2: code", "cell_missing"),
        (_set("freight", "C4", "1.005"), "sheet freight, line 4: price_cny", "too_fine"),
        (_set("freight", "A4", "NOBODY"), "sheet freight, line 4: service", "not_in_sheet"),
        (_set("freight", "B4", "50XX"), "sheet services, line 2", "unknown_equipment"),
        (_twice("freight", 2), "sheet freight, line {last}: equipment", "value_twice"),
        (_twice("places", 2), "network.places", "duplicate"),
        (_twice("aliases", 2), "sheet aliases, line {last}: written", "value_twice"),
        (_set("corridors", "D2", "NOBODY"), "sheet corridors, line 2: services", "unknown_service"),
        (_set("places", "E2", "1234"), "sheet places, line 2: lat", "out_of_range"),
        (_set("equipment", "G2", "0"), "sheet equipment, line 2: payload_kg", "greater_than"),
        (_set("rules", "B2", ""), "network.rules.valid_from", "string_type"),
        (_set("options", "B3", "many"), "options.weeks", "int_parsing"),
    ],
)
def test_each_mistake_of_a_network_is_named_by_its_row(
    tmp_path: Path, whole: Problem, change: Callable[[Any], None], where: str, rule: str
) -> None:
    last = 0

    def done(book: Any) -> None:
        nonlocal last
        change(book)
        last = book[where.split(",", maxsplit=1)[0].removeprefix("sheet ")].max_row if "{last}" in where else 0

    path = changed(whole, tmp_path / "p.xlsx", done)
    assert (where.format(last=last), rule) in faults(path)


def test_a_sheet_that_is_missing_is_named(tmp_path: Path, whole: Problem) -> None:
    path = changed(whole, tmp_path / "p.xlsx", lambda book: book.__delitem__("equipment"))
    with pytest.raises(BadProblem, match="no sheet equipment"):
        read_any(path)


def test_the_console_checks_writes_and_gives_a_form(tmp_path: Path, whole: Problem) -> None:
    form, sheet, document = tmp_path / "form.xlsx", tmp_path / "p.xlsx", tmp_path / "p.json"
    for more in ([], ["--with-network"], ["--chinese"]):
        assert CliRunner().invoke(command, ["--template", *more, "-o", str(form)]).exit_code == 0
        assert len(read_any(form).consignments) == 1
    with form.open("rb") as file:
        assert titles_of(file) == ["consignments", "pieces"]
        assert next(open_sheet(file).rows)[1][0] == "托运单号"
    sheet.write_bytes(book_of(whole))
    said = CliRunner().invoke(command, [str(sheet), "-o", str(document)])
    assert f"12 consignments, snapshot {whole.snapshot_sha256()[:16]}" in said.output
    assert read_any(document) == whole
    assert CliRunner().invoke(command, [str(document), "-o", str(sheet)]).exit_code == 0
    assert read_any(sheet) == whole
    assert CliRunner().invoke(command, ["-o", str(sheet)]).exit_code == 2
    document.write_text("{", "utf-8")
    said = CliRunner().invoke(command, [str(document), "-o", str(sheet)])
    assert (said.exit_code, "not_json" in said.output) == (2, True)
