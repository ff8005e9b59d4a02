"""Notices from files and messages over HTTP: a dry run, every bad row named, all or nothing, the same file twice."""

from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.web.uploads import form_with, peak_of_memory
from tests.wms.floor.world import World, build_world
from wms.codes import gs1_keys
from wms.db import Database, Scope

HEADER = "notice_no,site,owner,trade_mode,item,qty,unit,lot_no,expires_on,sscc"


@pytest.fixture
def world(database: Database, scope: Scope) -> World:
    with database.unit_of_work(scope) as session:
        return build_world(session, mode="0110")


def sscc() -> str:
    return gs1_keys.make_sscc(5, "6901234", build.number())


def post(doorman: Doorman, path: str, body: dict[str, Any], role: str = "declarant") -> Any:
    headers = doorman.token(role) | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    return doorman.app.test_client().post(f"/api/v1{path}", headers=headers, json=body)


def send_file(doorman: Doorman, text: str, query: str = "") -> Any:
    headers = doorman.token("supervisor") | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    form = form_with(text.encode(), "notices.csv")
    return doorman.app.test_client().post(f"/api/v1/imports/notices{query}", headers=headers, **form)


def rows(world: World, number: str, n: int) -> list[str]:
    head = f"{number},{world.site.code},{world.owner.code},0110"
    return [f"{head},{world.cream.code},{1 + row % 7},,,," for row in range(n)]


def see(doorman: Doorman, path: str, role: str = "clerk") -> Any:
    headers = doorman.token(role) | {"Accept-Language": "en"}
    return doorman.app.test_client().get(f"/api/v1{path}", headers=headers)


def test_notices_come_from_a_file_and_the_same_file_gets_the_first_answer(doorman: Doorman, world: World) -> None:
    one, other = f"F-{build.number()}", f"F-{build.number()}"
    text = "\n".join([HEADER, *rows(world, one, 3), *rows(world, other, 2)])
    first = send_file(doorman, text)
    assert (first.status_code, first.get_json()["taken"]) == (201, 5)
    assert len(see(doorman, f"/notices/{one}").get_json()["lines"]) == 3
    again = send_file(doorman, text)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.get_json()["sha256"] == first.get_json()["sha256"]


def test_a_file_names_every_bad_row_and_enters_none(doorman: Doorman, world: World) -> None:
    number = f"F-{build.number()}"
    head = f"{number},{world.site.code},{world.owner.code}"
    lines = [
        HEADER,
        *rows(world, number, 2),
        f"{head},0110,NOTHING,1,,,,",
        f"{head},0110,{world.cream.code},1,barrel,,,",
        f"{head},1210,{world.cream.code},1,,,,",
        f"{head},0110,{world.milk.code},1,,L1,2999-01-01,",
        f"{head},0110,{world.cream.code},1,,,,{'0' * 17}1",
        f"{head},0110,{world.cream.code},many,,,,",
        f"F-{build.number()},{world.site.code},{world.owner.code},1210,{world.cream.code},1,,,,",
    ]
    wanted = [
        (4, "not_owners_item"), (5, "unknown_unit"), (6, "notice_head_differs"), (7, "announced_expiry_too_far"),
        (8, "bad_notice_line"), (9, "not_whole_number"), (10, "needs_verification_list"),
    ]  # fmt: skip
    dry = send_file(doorman, "\n".join(lines), "?dry_run=true").get_json()
    found = [(fault["row"], fault["code"]) for fault in dry["faults"]]
    assert [row for row, _ in found] == [row for row, _ in wanted]
    assert {code for _, code in found} >= {code for _, code in wanted if code != "not_whole_number"}
    assert all(fault["detail"] for fault in dry["faults"])
    real = send_file(doorman, "\n".join(lines))
    assert real.status_code == 422
    assert see(doorman, f"/notices/{number}").status_code == 404


@pytest.mark.slow
def test_two_hundred_thousand_rows_with_three_bad_ones_in_bounded_memory(doorman: Doorman, world: World) -> None:
    number = f"F-{build.number()}"
    good = rows(world, number, 200_000)
    for place in (1_000, 100_000, 199_999):
        good[place] = good[place].replace(world.cream.code, "NOTHING")
    text = "\n".join([HEADER, *good])
    del good
    with peak_of_memory() as peak:
        said = send_file(doorman, text, "?dry_run=true&wait=true").get_json()
    assert (said["rows"], said["bad_rows"]) == (200_000, 3)
    assert [fault["row"] for fault in said["faults"]] == [1_002, 100_002, 200_001]
    assert peak.n_bytes < 120_000_000, peak.n_bytes  # the file itself is 10 MB, held twice by the test's own client


def advice(world: World, **given: Any) -> dict[str, Any]:
    inner = [
        {"sscc": sscc(), "kind": "carton", "lines": [{"gtin": world.cream.gtin, "qty": 12}]} for _ in range(2)
    ]
    return {
        "advice_no": f"D-{build.number()}",
        "site": world.site.code,
        "owner": world.owner.code,
        "trade_mode": "0110",
        "units": [{"sscc": sscc(), "units": inner}],
        "lines": [{"item": world.cream.code, "qty": 1, "unit": "carton"}],
    } | given


def test_a_despatch_advice_becomes_a_notice_with_its_units_in_one_another(doorman: Doorman, world: World) -> None:
    sent = advice(world)
    said = post(doorman, "/despatch-advices", sent)
    assert said.status_code == 201
    assert [line["expected_qty"] for line in said.get_json()["lines"]] == [12, 12, 12]
    pallet = see(doorman, f"/units/{sent['units'][0]['sscc']}").get_json()
    assert [unit["sscc"] for unit in pallet["units"]] == [unit["sscc"] for unit in sent["units"][0]["units"]]
    again = post(doorman, "/despatch-advices", sent)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    changed = post(doorman, "/despatch-advices", sent | {"lines": []})
    assert changed.get_json()["type"].endswith(":notice_exists")


def test_a_despatch_advice_names_every_bad_line_and_unit_by_its_place(doorman: Doorman, world: World) -> None:
    sent = advice(world)
    inner = sent["units"][0]["units"]
    inner[0]["lines"][0] = {"item": "NOTHING", "qty": 1}
    inner[1]["sscc"] = sent["units"][0]["sscc"]
    sent["lines"][0]["unit"] = "barrel"
    dry = post(doorman, "/despatch-advices?dry_run=true", sent).get_json()
    found = {fault["field"]: fault["code"] for fault in dry["faults"]}
    assert found == {
        "units.0.units.1.sscc": "announced_twice",
        "units.0.units.0.lines.0": "not_owners_item",
        "lines.0": "unknown_unit",
    }
    real = post(doorman, "/despatch-advices", sent)
    assert (real.status_code, len(real.get_json()["errors"])) == (422, 3)
    assert see(doorman, f"/notices/{sent['advice_no']}").status_code == 404


def test_a_notice_is_changed_and_cancelled_while_nothing_is_counted(doorman: Doorman, world: World) -> None:
    lines = [{"item": world.cream.code, "qty": 1, "unit": "carton"}]
    said = post(doorman, f"/notices/{world.notice_no}/change", {"lines": lines, "is_blind": True})
    assert [line["expected_qty"] for line in said.get_json()["lines"]] == [12]
    assert see(doorman, f"/notices/{world.notice_no}").get_json()["lines"][0]["expected_qty"] is None
    assert see(doorman, f"/notices/{world.notice_no}", "supervisor").get_json()["lines"][0]["expected_qty"] == 12
    said = post(doorman, f"/notices/{world.notice_no}/cancel", {"reason": "sent next week"})
    assert said.get_json()["state"] == "cancelled"
    again = post(doorman, f"/notices/{world.notice_no}/cancel", {"reason": "again"})
    assert (again.status_code, again.get_json()["type"].rpartition(":")[2]) == (409, "notice_not_open")


def test_a_blind_receipt_is_opened_and_received_by_list(doorman: Doorman, world: World) -> None:
    opened = post(doorman, "/blind-receipts", {"site": world.site.code, "owner": world.owner.code}, "clerk")
    number = opened.get_json()["notice_no"]
    assert (opened.status_code, opened.get_json()["kind"], number[:2]) == (201, "blind", "BR")
    body = {"dock": "DOCK-1", "lines": [{"item": world.cream.code, "qty": 7}], "close": True}
    done = post(doorman, f"/notices/{number}/receive", body, "clerk")
    assert (done.status_code, done.get_json()["qty"], done.get_json()["state"]) == (201, 7, "received")
    report = see(doorman, f"/notices/{number}/report").get_json()
    assert [(row["item"], row["qty"], row["quality_status"]) for row in report["counted"]] == [
        (world.cream.code, 7, "good")
    ]


def test_bonded_goods_without_a_document_are_refused_with_the_way_out(doorman: Doorman, world: World) -> None:
    body = {"site": world.site.code, "owner": world.owner.code, "trade_mode": "1210"}
    said = post(doorman, "/blind-receipts", body, "clerk")
    assert said.get_json()["type"].endswith(":bonded_without_document")
    assert "verification list" in said.get_json()["detail"]


def test_a_list_with_bad_lines_is_not_received(doorman: Doorman, world: World) -> None:
    lines = [{"item": world.cream.code, "qty": 1}, {"item": "NOTHING", "qty": 1}, {"item": world.milk.code, "qty": 1}]
    said = post(doorman, f"/notices/{world.notice_no}/receive", {"dock": "DOCK-1", "lines": lines}, "clerk")
    assert said.status_code == 422
    assert [(one["field"], one["code"]) for one in said.get_json()["errors"]] == [
        ("lines.2", "unknown_label"), ("lines.3", "lot_missing"),
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_refused_list_sent_again_gets_its_bad_lines_again(doorman: Doorman, world: World, language: str) -> None:
    lines = [{"item": "NOTHING", "qty": 1}, {"item": world.milk.code, "qty": 1}]
    headers = doorman.token("clerk") | {"Idempotency-Key": f"k{build.number()}", "Accept-Language": language}
    body, path = {"dock": "DOCK-1", "lines": lines}, f"/api/v1/notices/{world.notice_no}/receive"
    first, again = (doorman.app.test_client().post(path, headers=headers, json=body) for _ in range(2))
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (422, "true")
    assert again.get_json() == first.get_json()
    assert [one["code"] for one in again.get_json()["errors"]] == ["unknown_label", "lot_missing"]
    assert all(one["detail"] for one in again.get_json()["errors"])
