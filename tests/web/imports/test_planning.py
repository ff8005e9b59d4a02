"""Consignments for the planner from CSV and XLSX: what is read, and each mistake by sheet, line, column and rule."""

import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from click.testing import CliRunner

from routing.problem import BadProblem
from tests.web.imports.files import csv_of, xlsx_of
from web.commands.plan import command
from web.imports import within
from web.imports.goods import GOODS, PIECES, examples
from web.imports.planning import read_any
from web.imports.reading import open_sheet

COLUMNS = [column.name for column in GOODS]
PIECE_COLUMNS = [column.name for column in PIECES]


def row(number: str = "A1", **cells: Any) -> list[Any]:
    given = dict(zip(COLUMNS, examples(GOODS), strict=True)) | {"consignment_no": number} | cells
    return [given[name] for name in COLUMNS]


def csv_file(folder: Path, rows: Sequence[Sequence[Any]], encoding: str = "utf-8") -> Path:
    path = folder / "goods.csv"
    path.write_bytes(csv_of(COLUMNS, rows, encoding))
    return path


def book(folder: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    path = folder / "goods.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        for title, rows in sheets.items():
            sheet = made.add_worksheet(title)
            for line, cells in enumerate(rows):
                sheet.write_row(line, 0, cells)
    return path


def faults(path: Path, **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(BadProblem) as caught:
        read_any(path, **more)
    return [(one.field, one.rule) for one in caught.value.faults]


def test_csv_and_spreadsheet_say_the_same_exactly(tmp_path: Path) -> None:
    content = xlsx_of(COLUMNS, [row(volume_m3=1.1 + 2.2, weight_kg=1234.567)])
    (tmp_path / "a.xlsx").write_bytes(content)
    one = read_any(csv_file(tmp_path, [row(volume_m3="3.3", weight_kg="1,234.567")]))
    assert one == read_any(tmp_path / "a.xlsx")
    goods = one.consignments[0]
    assert (goods.volume_cm3, goods.weight_g, goods.value_minor) == (3_300_000, 1_234_567, 8_800_000)
    assert goods.pieces[0].height_mm == 355
    assert one.options.start_at == goods.ready_at


def test_chinese_heads_in_gbk_with_beijing_time(tmp_path: Path) -> None:
    heads = ["托运单号", "货主", "起运地", "目的地", "监管方式", "体积立方米", "毛重千克", "货值元",
             "可提货时间（北京时间）", "要求送达时间", "温区", "货件1件数", "货件1长厘米", "货件1宽厘米",
             "货件1高厘米", "货件1单件千克"]  # fmt: skip
    cells = ["A1", "LAKE", "cnclj", "CNSHA", "0110", 2, 400, 5, "2026/3/2 8:00", "2026-03-20 18:00 北京时间", "冷藏", 2,
             50, 40, "30.5", 10]  # fmt: skip
    path = tmp_path / "a.csv"
    path.write_bytes(csv_of(heads, [cells], "gbk"))
    goods = read_any(path).consignments[0]
    assert goods.model_dump(mode="json")["ready_at"] == "2026-03-02T00:00:00Z"
    assert goods.model_dump(mode="json")["due_at"] == "2026-03-20T10:00:00Z"
    assert (goods.temperature, goods.pieces[0].count, goods.pieces[0].height_mm) == ("chilled", 2, 305)


@pytest.mark.parametrize(
    ("cells", "column", "rule"),
    [
        ({"weight_kg": "1.23456"}, "weight_kg", "too_fine"),
        ({"weight_kg": "heavy"}, "weight_kg", "not_a_number"),
        ({"weight_kg": "NaN"}, "weight_kg", "not_a_number"),
        ({"volume_m3": "-1"}, "volume_m3", "out_of_range"),
        ({"volume_m3": ""}, "volume_m3", "cell_missing"),
        ({"value_cny": "1.005"}, "value_cny", "not_money"),
        ({"trade_mode": "110"}, "trade_mode", "not_a_trade_mode"),
        ({"origin": "CNXXX"}, "origin", "not_a_place_of_the_network"),
        ({"ready_at": "2026-12-01 08:00"}, "ready_at", "no_time_zone"),
        ({"ready_at": "2026-13-01T08:00Z"}, "ready_at", "not_an_instant"),
        ({"ready_at": ""}, "ready_at", "cell_missing"),
        ({"ready_at_beijing": "2026-12-01 8:00"}, "ready_at", "instant_twice"),
        ({"due_at": "2026-11-01T08:00Z"}, "due_at", "instants_out_of_order"),
        ({"piece2_count": "3"}, "piece2_length_cm", "piece_incomplete"),
        ({"piece1_count": "3000"}, "pieces", "pieces_exceed_consignment"),
        ({"piece1_length_cm": "0"}, "piece1_length_cm", "out_of_range"),
        ({"temperature_class": "warm"}, "temperature_class", "not_among"),
        ({"must_go": "perhaps"}, "must_go", "not_yes_no"),
        ({"weight_kg": "#REF!"}, "weight_kg", "spreadsheet_error"),
    ],
)
def test_each_mistake_is_named_by_line_column_and_rule(
    tmp_path: Path, cells: dict[str, str], column: str, rule: str
) -> None:
    path = csv_file(tmp_path, [row("A0"), [""] * len(COLUMNS), row("A1", **cells)])
    assert faults(path) == [(f"goods.csv, line 4: {column}", rule)]


def test_all_bad_rows_are_named_and_duplicates_with_the_row_that_was_first(tmp_path: Path) -> None:
    path = csv_file(tmp_path, [row("A1"), row("A1"), row("A2", weight_kg="x", volume_m3="y"), row("A3", origin="?")])
    assert faults(path) == [
        ("goods.csv, line 3: consignment_no", "row_twice"),
        ("goods.csv, line 4: volume_m3", "not_a_number"),
        ("goods.csv, line 4: weight_kg", "not_a_number"),
        ("goods.csv, line 5: origin", "not_a_place_of_the_network"),
    ]


def test_pieces_stand_in_a_second_sheet_or_file(tmp_path: Path) -> None:
    bare = {f"piece1_{part}": "" for part in ("count", "length_cm", "width_cm", "height_cm", "weight_kg")}
    lots = [["A1", 2, 50, 40, 30, 10], ["A1", 1, 20, 20, 20, "2.5"]]
    path = book(tmp_path, {"货物": [COLUMNS, row("A1", **bare)], "Pieces": [PIECE_COLUMNS, *lots]})
    problem = read_any(path)
    assert [(one.count, one.weight_g) for one in problem.consignments[0].pieces] == [(2, 10_000), (1, 2500)]
    beside = tmp_path / "pieces.csv"
    beside.write_bytes(csv_of(PIECE_COLUMNS, lots))
    assert read_any(csv_file(tmp_path, [row("A1", **bare)]), pieces=beside) == problem


def test_mistakes_of_pieces_name_their_sheet(tmp_path: Path) -> None:
    lots = [["A1", 2, 50, 40, 30, 10], ["A9", 1, 20, 20, 20, 1], ["A1", 0, 20, 20, 20, 1]]
    path = book(tmp_path, {"consignments": [COLUMNS, row("A1")], "pieces": [PIECE_COLUMNS, *lots]})
    assert sorted(faults(path)) == [
                ("sheet consignments, line 2: consignment_no", "pieces_twice"),
        ("sheet pieces, line 3: consignment_no", "pieces_of_nobody"),
        ("sheet pieces, line 4: count", "out_of_range"),
    ]


def test_a_sheet_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path, {"consignments": [COLUMNS, row("A1")], "Prices": [["a"], [1]], "Empty": []})
    assert faults(path) == [("goods.xlsx", "unknown_sheet")]


def test_merged_cells_and_formulas_without_value_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "goods.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, COLUMNS)
        sheet.merge_range("A2:A3", "A1")
    assert faults(path) == [("goods.xlsx", "merged_cells")]
    with xlsxwriter.Workbook(str(path)) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, COLUMNS)
        sheet.write_formula("A2", "=B2", value="")
    with pytest.raises(BadProblem, match="A2"):
        read_any(path)


def test_a_formula_with_its_value_counts_as_the_value(tmp_path: Path) -> None:
    path = tmp_path / "goods.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, COLUMNS)
        sheet.write_row(1, 0, row("A1"))
        sheet.write_formula(1, COLUMNS.index("weight_kg"), "=400+30.5", value=430.5)
    assert read_any(path).consignments[0].weight_g == 430_500


def test_too_many_rows_are_refused_before_a_cell_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(within, "BLOCK", 512)
    for content in (xlsx_of(["a"], [[n] for n in range(9)]), csv_of(["a"], [[n] for n in range(9)])):
        assert sum(1 for _ in open_sheet(io.BytesIO(content), most_rows=9).rows) == 10
        with pytest.raises(Exception, match="8 rows"):
            next(open_sheet(io.BytesIO(content), most_rows=8).rows)


def test_a_million_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "goods.csv"
    path.write_bytes(csv_of(COLUMNS, [row("A1")]) + (",".join(map(str, row("A2"))) + "\r\n").encode() * 1_000_000)
    began = time.process_time()
    assert faults(path) == [("goods.csv", "too_many_rows")]
    assert time.process_time() - began < 120  # some seconds; the limit is for the slowest machine


def test_the_console_plans_a_sheet_and_names_what_is_bad(tmp_path: Path) -> None:
    good = csv_file(tmp_path, [row("A1"), row("A2")])
    said = CliRunner().invoke(command, [str(good), "--seconds", "2", "--weeks", "3"])
    assert said.exit_code == 0, said.output
    assert "2 go, 0 stay behind" in said.output
    said = CliRunner().invoke(command, [str(csv_file(tmp_path, [row("A1", weight_kg="x")]))])
    assert said.exit_code == 2
    assert "goods.csv, line 2: weight_kg: not_a_number: x is no number." in said.output
