"""Consignments from a file over HTTP: with their pieces, by the rules of a consignment announced by hand."""

import io
from typing import Any

import pytest
import xlsxwriter

from tests import build
from tests.web.api.test_imports import send
from tests.web.conftest import Doorman
from web.imports.goods import GOODS, PIECES, examples
from wms.db import Database, Scope
from wms.freight import queries
from wms.parties.tables import Company

COLUMNS = [column.name for column in GOODS]


@pytest.fixture
def owner(database: Database, scope: Scope) -> Company:
    with database.unit_of_work(scope) as session:
        return build.make_company(session, "owner_of_goods")


def book(rows: list[list[Any]], pieces: list[list[Any]]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as made:
        for title, columns, lines in (("货物", COLUMNS, rows), ("件", [one.name for one in PIECES], pieces)):
            sheet = made.add_worksheet(title)
            for number, cells in enumerate([columns, *lines]):
                sheet.write_row(number, 0, cells)
    return buffer.getvalue()


def row(owner: Company, number: str, **cells: Any) -> list[Any]:
    given = dict(zip(COLUMNS, examples(GOODS), strict=True)) | {"consignment_no": number, "owner": owner.code}
    given |= {name: "" for name in COLUMNS if name.startswith("piece1_")} | cells
    return [given[name] for name in COLUMNS]


def test_a_spreadsheet_announces_consignments_with_their_pieces(
    doorman: Doorman, owner: Company, database: Database, scope: Scope
) -> None:
    number = f"HB{build.number()}"
    content = book([row(owner, number, weight_kg=430.5)], [[number, 2, 60, 40, 35.5, 12.5]])
    said = send(doorman, "consignments", content, "goods.xlsx")
    assert (said.status_code, said.get_json()["taken"]) == (201, 1)
    with database.unit_of_work(scope) as session:
        found = queries.consignment(session, number)
        assert found is not None
        pieces = queries.pieces(session, [found.id])[found.id]
    assert (found.state, found.weight_g, found.volume_cm3, found.value_minor) == ("open", 430_500, 2_500_000, 8_800_000)
    assert [(one.count, one.height_mm, one.weight_g) for one in pieces] == [(2, 355, 12_500)]
    again = book([row(owner, number), row(owner, number + "B")], [])
    said = send(doorman, "consignments", again, "goods.xlsx").get_json()
    assert [(one["row"], one["field"], one["code"]) for one in said["errors"]] == [
        (2, "consignment_no", "consignment_exists")
    ]
    assert send(doorman, "consignments", again, "goods.xlsx", existing="keep").get_json()["taken"] == 1


def test_each_bad_row_is_named_and_none_is_entered(
    doorman: Doorman, owner: Company, database: Database, scope: Scope
) -> None:
    number = f"HB{build.number()}"
    rows = [
        row(owner, number), row(owner, number), row(owner, number + "C", origin="CNXXX"),
        row(owner, number + "D", forwarder="NOBODY"), row(owner, number + "E", due_at="2020-01-01T00:00Z"),
    ]  # fmt: skip
    said = send(doorman, "consignments", book(rows, [["NONE", 1, 1, 1, 1, 1], [number, 0, 1, 1, 1, 1]]), "goods.xlsx")
    assert said.status_code == 422
    assert sorted((one["row"], one["field"], one["code"]) for one in said.get_json()["errors"]) == [
        (2, "pieces.consignment_no", "pieces_of_nobody"),
        (3, "consignment_no", "consignment_exists"),
        (3, "pieces.count", "out_of_range"),
        (4, "origin", "not_a_place_of_the_network"),
        (5, "forwarder", "unknown_owner"),
        (6, "due_at", "instants_out_of_order"),
    ]
    with database.unit_of_work(scope) as session:
        assert queries.consignment(session, number) is None


def test_a_sheet_without_use_is_refused(doorman: Doorman, owner: Company) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as made:
        for title in ("货物", "价格"):
            made.add_worksheet(title).write_row(0, 0, COLUMNS)
    said = send(doorman, "consignments", buffer.getvalue(), "goods.xlsx")
    assert said.get_json()["type"].endswith(":unknown_sheet")
