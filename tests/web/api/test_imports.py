"""Lists from files over HTTP: checked whole, entered whole or not at all, the same file once."""

import io
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from tests import build
from tests.web.conftest import Doorman
from tests.web.imports.files import csv_of, xlsx_of
from tests.web.uploads import form_with
from web.imports.kinds import KINDS
from web.imports.running import run
from wms.catalog.tables import PackagingLevel, TradeItem
from wms.db import Database, Scope
from wms.floor.order_queries import order_by_no, order_lines
from wms.parties.tables import Company, Location, Site
from wms.stock.queries import Stock, on_hand
from wms.stock.tables import Posting
from wms.stock.verify import run as verify

ITEM = ["owner", "code", "name_zh", "name_en", "gross_weight_g", "volume_mm3"]
STOCK = ["site", "location", "owner", "item", "qty"]


@pytest.fixture
def owner(database: Database, scope: Scope) -> Company:
    with database.unit_of_work(scope) as session:
        return build.make_company(session, "owner_of_goods")


def send(
    doorman: Doorman, kind: str, content: bytes, name: str = "list.csv", role: str = "supervisor", **query: Any
) -> TestResponse:
    headers = doorman.token(role) | {"Accept-Language": "en"}
    form = form_with(content, name)
    return doorman.app.test_client().post(f"/api/v1/imports/{kind}", headers=headers, query_string=query, **form)


def items_of(owner: Company, codes: Sequence[str]) -> list[list[Any]]:
    return [[owner.code, code, "商品", "Goods", 100, 1000] for code in codes]


def n_items(database: Database, scope: Scope) -> int:
    with database.unit_of_work(scope) as session:
        return session.scalar(select(func.count()).select_from(TradeItem)) or 0


def test_items_come_in_with_their_packagings(
    doorman: Doorman, owner: Company, database: Database, scope: Scope
) -> None:
    columns = [*ITEM, "gtin", "温区", "批次管理", "unit_value", "pack1_unit", "pack1_qty", "pack1_gtin"]
    code = f"S{build.number()}"
    row = [owner.code, code, "牛肉", "Beef", 500, 1000, 6901234567892, "冷冻", "是", "88.50", "carton", 12, ""]
    for make, name in ((csv_of, "a.csv"), (xlsx_of, "a.xlsx")):
        said = send(doorman, "items", make(columns, [row]), name, dry_run=True).get_json()
        assert (said["bad_rows"], said["would_take"], said["faults"]) == (0, 1, [])
    said = send(doorman, "items", xlsx_of(columns, [row]), "a.xlsx")
    assert (said.status_code, said.get_json()["taken"]) == (201, 1)
    with database.unit_of_work(scope) as session:
        item = session.scalars(select(TradeItem).where(TradeItem.code == code)).one()
        pack = session.scalars(select(PackagingLevel).where(PackagingLevel.trade_item_id == item.id)).one()
    assert (item.gtin, item.temperature_class, item.is_lot_controlled) == ("6901234567892", "frozen", True)
    assert (item.unit_value_minor, pack.unit, pack.base_qty) == (8850, "carton", 12)


def test_a_dry_run_names_every_bad_row_and_enters_nothing(
    doorman: Doorman, owner: Company, database: Database, scope: Scope
) -> None:
    rows = items_of(owner, ["A1", "A2", "A1", "A4"])
    rows[1][4] = "heavy"
    rows[3][0] = "NOBODY"
    for query in ({"dry_run": True}, {}):
        said = send(doorman, "items", csv_of(ITEM, rows), **query)
        body = said.get_json()
        faults = body["faults"] if query else body["errors"]
        assert said.status_code == (200 if query else 422)
        assert [(one["row"], one["field"], one["code"]) for one in faults] == [
            (3, "gross_weight_g", "not_whole"),
            (4, "code", "item_taken"),
            (5, "owner", "unknown_owner"),
        ]
        assert (body["rows"], body["bad_rows"]) == (4, 3)
        assert "heavy" in faults[0]["detail"]
    assert n_items(database, scope) == 0


def test_the_same_file_twice_gets_the_first_answer(
    doorman: Doorman, owner: Company, database: Database, scope: Scope
) -> None:
    content = csv_of(ITEM, items_of(owner, ["B1", "B2"]))
    first, second = send(doorman, "items", content), send(doorman, "items", content, "other name.csv")
    assert first.get_json() == second.get_json()
    assert (first.headers.get("Idempotent-Replayed"), second.headers["Idempotent-Replayed"]) == (None, "true")
    assert n_items(database, scope) == 2


def test_a_refused_file_may_be_sent_again_when_what_it_lacked_is_there(
    doorman: Doorman, database: Database, scope: Scope
) -> None:
    content = csv_of(ITEM, [["LATER", "C1", "商品", "Goods", 1, 1]])
    assert send(doorman, "items", content).status_code == 422
    with database.unit_of_work(scope) as session:
        build.make_company(session, "owner_of_goods", code="LATER")
    assert send(doorman, "items", content).status_code == 201


def test_known_items_are_refused_or_kept(doorman: Doorman, owner: Company, database: Database, scope: Scope) -> None:
    assert send(doorman, "items", csv_of(ITEM, items_of(owner, ["D1"]))).status_code == 201
    more = csv_of(ITEM, items_of(owner, ["D1", "D2"]))
    assert send(doorman, "items", more).get_json()["errors"][0]["code"] == "item_taken"
    assert send(doorman, "items", more, existing="keep").get_json()["taken"] == 1
    assert n_items(database, scope) == 2


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"gtin": "6901234567893"}, "bad_gtin"),
        ({"gtin": "6.90123E+12"}, "rounded_by_spreadsheet"),
        ({"hs_code": "12"}, "bad_hs_code"),
        ({"gross_weight_g": 99_000_000}, "implausible_size"),
        ({"pack1_unit": "carton"}, "cell_missing"),
        ({"pack1_unit": "carton", "pack1_qty": 12, "pack2_unit": "carton", "pack2_qty": 24}, "packaging_twice"),
        ({"pack1_unit": "carton", "pack1_qty": 12, "pack1_gtin": "123"}, "bad_gtin"),
        ({"gtin": "6901234567892", "pack1_unit": "box", "pack1_qty": 2, "pack1_gtin": "06901234567892"}, "gtin_taken"),
        ({"temperature_class": "warm"}, "not_among"),
    ],
)
def test_each_mistake_of_an_item_has_its_message(
    doorman: Doorman, owner: Company, fault: dict[str, Any], code: str
) -> None:
    good = dict(zip(ITEM, items_of(owner, ["E1"])[0], strict=True)) | fault
    said = send(doorman, "items", csv_of(list(good), [list(good.values())]), dry_run=True).get_json()
    assert [one["code"] for one in said["faults"]] == [code]


def test_a_gtin_of_another_item_is_refused_across_the_file(doorman: Doorman, owner: Company) -> None:
    rows = [[*row, "6901234567892"] for row in items_of(owner, [f"F{n}" for n in range(2)])]
    said = send(doorman, "items", csv_of([*ITEM, "gtin"], rows), dry_run=True).get_json()
    assert [(one["row"], one["code"]) for one in said["faults"]] == [(3, "gtin_taken")]


def test_places_come_in(doorman: Doorman, database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        site = build.make_site(session, "ordinary")
    columns = ["site", "code", "kind", "pick_sequence", "is_bonded", "x_mm", "y_mm"]
    rows: list[list[Any]] = [
        [site.code, "b-01", "bin", 10, "", 1500, 12000],
        [site.code, "B-02", "bin", "", "yes"],
        [site.code, "B-01", "bin", 3],
        [site.code, "B-04", "bin", 4, "", 1],
    ]
    said = send(doorman, "locations", csv_of(columns, rows), dry_run=True).get_json()
    assert [(one["row"], one["code"]) for one in said["faults"]] == [
        (3, "site_not_bonded"),
        (4, "code_taken"),
        (5, "half_coordinates"),
    ]
    assert send(doorman, "locations", csv_of(columns, rows[:1])).status_code == 201
    with database.unit_of_work(scope) as session:
        place = session.scalars(select(Location).where(Location.site_id == site.id)).one()
    assert (place.code, place.pick_sequence, place.x_mm, place.mixes_lots) == ("B-01", 10, 1500, True)


@pytest.fixture
def house(database: Database, scope: Scope, owner: Company) -> dict[str, Any]:
    """A bonded site with one bonded bin and one outside supervision, two items and a book line of the first."""
    with database.unit_of_work(scope) as session:
        site = build.make_site(session)
        bins = [build.make_location(session, site) for _ in range(2)]
        bins[1].is_bonded = False
        items = [
            build.make_item(session, owner, is_lot_controlled=True, is_expiry_controlled=True),
            build.make_item(session, owner),
        ]
        session.add(PackagingLevel(trade_item_id=items[1].id, unit="carton", base_qty=12))
        line = build.make_book_line(session, items[0], f"T4912W{build.number():06d}")
    return {"site": site, "bins": bins, "items": items, "line": line}


def opening(house: dict[str, Any], owner: Company, **given: Any) -> dict[str, Any]:
    site: Site = house["site"]
    return {
        "site": site.code, "location": house["bins"][0].code, "owner": owner.code, "item": house["items"][1].code,
        "qty": 2, "unit": "carton", **given,
    }  # fmt: skip


def opening_file(*rows: dict[str, Any]) -> bytes:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return csv_of(columns, [[row.get(name, "") for name in columns] for row in rows])


def test_opening_stock_enters_the_ledger_and_the_account_book_alike(
    doorman: Doorman, house: dict[str, Any], owner: Company, database: Database, scope: Scope
) -> None:
    item, line = house["items"][0], house["line"]
    until = (datetime.now(UTC).date() + timedelta(days=200)).isoformat()
    bonded = {"item": item.code, "qty": 7, "unit": "", "lot_no": "L1", "expires_on": until, "book_no": line.book_no,
              "book_line_no": line.line_no, "sscc": build.check_digit(f"0690123{build.number():010d}")}  # fmt: skip
    content = opening_file(opening(house, owner), opening(house, owner, qty=1), opening(house, owner, **bonded))
    assert send(doorman, "opening-stock", content, dry_run=True).get_json()["bad_rows"] == 0
    said = send(doorman, "opening-stock", content).get_json()
    assert said["taken"] == 3
    assert send(doorman, "opening-stock", content).headers["Idempotent-Replayed"] == "true"
    with database.unit_of_work(scope) as session:
        rows = {row.item_code: row for row in on_hand(session, Stock(owner_id=owner.id))}
        book = on_hand(session, Stock(owner_id=owner.id, kinds=("book",)))
        posting = session.scalars(select(Posting).where(Posting.source_doc == said["source_doc"])).one()
    assert {code: row.qty for code, row in rows.items()} == {house["items"][1].code: 36, item.code: 7}
    assert (rows[item.code].customs_status, rows[item.code].sscc) == ("bonded", bonded["sscc"])
    assert [row.qty for row in book] == [7]
    assert posting.kind == "opening_balance"
    assert verify(database, scope) == []


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"site": "NOWHERE"}, "unknown_site"),
        ({"location": "Z-99"}, "unknown_location"),
        ({"owner": "NOBODY"}, "unknown_owner"),
        ({"item": "NOTHING"}, "unknown_owners_item"),
        ({"qty": 0}, "out_of_range"),
        ({"qty": "1.5"}, "not_whole"),
        ({"unit": "barrel"}, "unknown_unit"),
        ({"sscc": "0" * 17 + "1"}, "bad_sscc"),
        ({"item": 0}, "lot_missing"),
        ({"item": 0, "lot_no": "L"}, "expiry_missing"),
        ({"item": 0, "lot_no": "L", "expires_on": "2999-01-01"}, "expiry_too_far"),
        ({"item": 0, "lot_no": "L", "expires_on": "2020-01-01"}, "expired_as_good"),
        ({"book_no": "T4912W000001"}, "half_book_line"),
        ({"book_no": "T4912W999999", "book_line_no": 1}, "unknown_book_line"),
        ({"book_no": 0, "book_line_no": 0}, "book_line_of_another_item"),
        ({"book_no": 0, "book_line_no": 0, "location": 1}, "bonded_outside"),
    ],
)
def test_each_mistake_of_opening_stock_has_its_message(
    doorman: Doorman, house: dict[str, Any], owner: Company, fault: dict[str, Any], code: str
) -> None:
    if fault.get("item") == 0:
        fault = fault | {"item": house["items"][0].code, "unit": ""}
    if fault.get("book_no") == 0:
        fault = fault | {"book_no": house["line"].book_no, "book_line_no": house["line"].line_no}
    if fault.get("location") == 1:
        fault = fault | {"location": house["bins"][1].code}
    content = opening_file(opening(house, owner) | fault)
    said = send(doorman, "opening-stock", content, dry_run=True).get_json()
    assert [one["code"] for one in said["faults"]] == [code]


def test_a_pallet_stands_in_one_place_and_belongs_to_one_owner(
    doorman: Doorman, house: dict[str, Any], owner: Company, database: Database, scope: Scope
) -> None:
    sscc = build.check_digit(f"0690123{build.number():010d}")
    here, there = opening(house, owner, sscc=sscc), opening(house, owner, sscc=sscc, location=house["bins"][1].code)
    said = send(doorman, "opening-stock", opening_file(here, there), dry_run=True).get_json()
    assert [(one["row"], one["code"]) for one in said["faults"]] == [(3, "unit_elsewhere")]
    assert send(doorman, "opening-stock", opening_file(here)).status_code == 201
    said = send(doorman, "opening-stock", opening_file(there)).get_json()
    assert said["errors"][0]["code"] == "unit_elsewhere"
    with database.unit_of_work(scope) as session:
        other = build.make_company(session, "owner_of_goods")
        item = build.make_item(session, other)
    foreign = opening(house, owner, sscc=sscc) | {"owner": other.code, "item": item.code, "unit": ""}
    assert send(doorman, "opening-stock", opening_file(foreign)).get_json()["errors"][0]["code"] == "unit_of_another"


def test_a_closed_month_refuses_the_whole_list(doorman: Doorman, house: dict[str, Any], owner: Company) -> None:
    said = send(doorman, "opening-stock", opening_file(opening(house, owner)), at="2999-01-01T00:00:00Z")
    assert (said.status_code, said.get_json()["type"].rpartition(":")[2]) == (422, "event_in_future")


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        ("weather", b"a\n1\n", "unknown_import"),
        ("items", b"", "empty_file"),
        ("items", ",".join(ITEM).encode(), "empty_file"),
        ("items", b"owner,colour\n", "unknown_column"),
        ("items", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "old_spreadsheet"),
        ("items", b"owner\n\xff\xff\n", "unknown_encoding"),
    ],
)
def test_says_what_is_wrong_with_a_file(doorman: Doorman, kind: str, content: bytes, code: str) -> None:
    said = send(doorman, kind, content)
    assert said.status_code in (404, 422)
    assert said.get_json()["type"].rpartition(":")[2] == code


def test_a_file_larger_than_the_limit_is_not_read(doorman: Doorman) -> None:
    doorman.app.extensions["dongting"].settings.__dict__["import_limit_bytes"] = 2000
    said = send(doorman, "items", b"x" * 3000)
    assert said.status_code == 413
    assert "2000" in said.get_json()["detail"]


def test_asks_for_the_file(doorman: Doorman) -> None:
    said = doorman.app.test_client().post(
        "/api/v1/imports/items", headers=doorman.token("supervisor"),
        data={"x": "y"}, content_type="multipart/form-data",
    )  # fmt: skip
    assert said.get_json()["type"].endswith(":no_file")


def test_a_clerk_may_not(doorman: Doorman) -> None:
    assert send(doorman, "items", b"a", role="clerk").status_code == 403


def test_orders_come_in_with_their_lines(
    doorman: Doorman, house: dict[str, Any], owner: Company, database: Database, scope: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("web.imports.running.CHUNK", 2)  # an order goes on over the end of a chunk
    item = house["items"][1]
    columns = ["order_no", "site", "owner", "trade_mode", "item", "qty", "unit", "收货人"]
    head = [house["site"].code, owner.code, "0110"]
    numbers = [f"SO{build.number()}" for _ in range(2)]
    rows: list[list[Any]] = [[numbers[0], *head, item.code, n, "piece", "张三"] for n in (1, 2, 3)]
    rows += [[numbers[1], *head, item.code, 4, "carton", ""], [numbers[1], *head, "NOTHING", 5, "", ""]]
    said = send(doorman, "orders", csv_of(columns, rows), dry_run=True).get_json()
    assert [(one["row"], one["code"]) for one in said["faults"]] == [(6, "not_owners_item")]
    assert send(doorman, "orders", csv_of(columns, rows[:4])).get_json()["taken"] == 4
    with database.unit_of_work(scope) as session:
        lines = {no: [line.ordered_qty for line in order_lines(session, order_by_no(session, no).id)]  # type: ignore[union-attr]
                 for no in numbers}  # fmt: skip
    assert lines == {numbers[0]: [1, 2, 3], numbers[1]: [48]}
    again = send(doorman, "orders", csv_of(columns, rows[:3])).get_json()
    assert [one["code"] for one in again["errors"]] == ["order_exists"]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_template_is_a_file_that_the_import_understands(doorman: Doorman, kind: str, form: str) -> None:
    client, headers = doorman.app.test_client(), doorman.token("supervisor")
    template = client.get(f"/api/v1/imports/{kind}/template?format={form}", headers=headers)
    said = send(doorman, kind, template.data, dry_run=True).get_json()
    assert said["rows"] == 1
    assert {one["code"] for one in said["faults"]} <= {"unknown_owner", "unknown_site"}


def test_lists_what_may_be_imported(doorman: Doorman) -> None:
    said = doorman.app.test_client().get("/api/v1/imports", headers=doorman.token("auditor")).get_json()
    assert {one["kind"] for one in said} >= {"items", "locations", "opening-stock"}


def long_list(owner: Company, n_rows: int, bad: dict[int, str]) -> Iterator[list[Any]]:
    for n in range(2, n_rows + 2):
        yield [owner.code, f"L{n}", "商品", "Goods", bad.get(n, 100), 1000]


@pytest.mark.slow
def test_two_hundred_thousand_rows_with_three_bad_ones(
    owner: Company, database: Database, scope: Scope, record_property: Any
) -> None:
    """Bounded: the rows are never all in memory, and every bad one is named."""
    bad = {2: "x", 100_000: "-1", 200_001: ""}
    content = csv_of(ITEM, long_list(owner, 200_000, bad))
    assert len(content) > 6_000_000
    before = psutil.Process().memory_info().rss
    started_s = time.perf_counter()
    outcome, _ = run(database, scope, KINDS["items"], io.BytesIO(content), event_at=datetime.now(UTC), is_dry_run=False)
    spent_s, grown = time.perf_counter() - started_s, psutil.Process().memory_info().rss - before
    record_property("seconds", spent_s)
    record_property("grown_bytes", grown)
    assert [(fault.row, fault.refusal.code) for fault in outcome.faults] == [  # type: ignore[union-attr]
        (2, "not_whole"), (100_000, "out_of_range"), (200_001, "cell_missing")
    ]  # fmt: skip
    assert grown < 100_000_000, f"{grown:,} bytes"
    assert n_items(database, scope) == 0
