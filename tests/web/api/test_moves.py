"""Moves over HTTP."""

from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.wms.floor.inside import Hall, build_hall, is_clean, lying
from tests.wms.floor.service.test_piece_scans import Goods, grams, where
from wms.catalog.tables import TradeItem
from wms.db import Database, Scope


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        made.fill(session, "A-1", 100)
        return made


def send(doorman: Doorman, body: dict[str, Any], key: str | None = None, language: str = "en") -> Any:
    headers = doorman.token("clerk") | {"Idempotency-Key": key or f"key-{build.number()}", "Accept-Language": language}
    return doorman.app.test_client().post("/api/v1/moves", headers=headers, json=body)


def line(hall: Hall, **given: Any) -> dict[str, Any]:
    values = {"owner": hall.owner.code, "item": hall.milk.code, "from_place": "A-1", "to_place": "A-2", "qty": 10}
    return values | given


def test_moves_a_list_and_says_of_each_line_how_it_went(
    doorman: Doorman, database: Database, scope: Scope, hall: Hall
) -> None:
    body = {"site": hall.site.code, "lines": [line(hall), line(hall, qty=500), line(hall, to_place="a-3")]}
    said = send(doorman, body)
    assert said.status_code == 201
    lines = said.get_json()["lines"]
    assert [one.get("qty") for one in lines] == [10, None, 10]
    assert "Only 90 of Milk lie in A-1, not 500." in lines[1]["problem"]["detail"]
    with database.unit_of_work(scope) as session:
        assert [lying(session, hall, place) for place in ("A-1", "A-2", "A-3")] == [80, 10, 10]


def test_all_or_nothing_books_nothing_and_the_refusal_is_the_same_again(
    doorman: Doorman, database: Database, scope: Scope, hall: Hall
) -> None:
    body = {"site": hall.site.code, "lines": [line(hall), line(hall, qty=500)], "all_or_nothing": True}
    headers = doorman.token("clerk") | {"Idempotency-Key": "whole-or-not", "Accept-Language": "zh"}
    said = [doorman.app.test_client().post("/api/v1/moves", headers=headers, json=body) for _ in range(2)]
    assert [one.status_code for one in said] == [409, 409]
    assert [one.get_json()["field"] for one in said] == ["lines.2", "lines.2"]
    assert all("牛奶" in one.get_json()["detail"] for one in said)
    with database.unit_of_work(scope) as session:
        assert lying(session, hall, "A-2") == 0


def test_a_repeat_moves_nothing_again(doorman: Doorman, database: Database, scope: Scope, hall: Hall) -> None:
    headers = doorman.token("clerk") | {"Idempotency-Key": "once-only"}
    body = {"site": hall.site.code, "lines": [line(hall)]}
    said = [doorman.app.test_client().post("/api/v1/moves", headers=headers, json=body) for _ in range(2)]
    assert said[0].get_json() == said[1].get_json()
    with database.unit_of_work(scope) as session:
        assert lying(session, hall, "A-2") == 10


@pytest.mark.parametrize("fault", [{"qty": 0}, {"qty": 1.5}, {"qty": -3}, {"qty": "2"}, {"sscc": "12"}, {"colour": 1}])
def test_a_line_that_cannot_be_is_refused_with_its_field(doorman: Doorman, hall: Hall, fault: dict[str, Any]) -> None:
    said = send(doorman, {"site": hall.site.code, "lines": [line(hall, **fault)]})
    assert said.status_code == 422
    assert next(iter(fault)) in said.get_json()["field"]


def test_an_unknown_site_is_not_found(doorman: Doorman, hall: Hall) -> None:
    assert send(doorman, {"site": "NOWHERE", "lines": [line(hall)]}).status_code == 404


@pytest.fixture
def apart(database: Database, scope: Scope, hall: Hall) -> Goods:
    """Four cameras by number and three hams by weight lie in A-1, one camera in A-3."""
    with database.unit_of_work(scope) as session:
        made = Goods(session)
        made.bring(session, "A-1", made.camera, 4, serials=("S1", "S2", "S3", "S4"))
        made.bring(session, "A-3", made.camera, 1, serials=("E1",))
        made.bring(session, "A-1", made.ham, 3, weight_g=6_600)
        return made


def apart_line(goods: Goods, item: TradeItem, **given: Any) -> dict[str, Any]:
    names = {"owner": goods.hall.owner.code, "item": item.code}
    return {"from_place": "A-1", "to_place": "A-2", **names, **given}


def test_parts_of_goods_told_apart_are_moved_by_number_and_by_weight(
    doorman: Doorman, database: Database, scope: Scope, apart: Goods
) -> None:
    cameras = apart_line(apart, apart.camera, serials=["S2", "S4"])
    hams = apart_line(apart, apart.ham, qty=2, weight_g=4_300)
    said = send(doorman, {"site": apart.hall.site.code, "lines": [cameras, hams]}).get_json()
    assert [one.get("qty") for one in said["lines"]] == [2, 2], said
    with database.unit_of_work(scope) as session:
        assert where(session, apart.camera) == {"S1": "A-1", "S2": "A-2", "S3": "A-1", "S4": "A-2", "E1": "A-3"}
        assert grams(session, apart, "A-2") == (2, 4_300)
        assert grams(session, apart, "A-1") == (1, 2_300)
    assert is_clean(database, scope)


def test_each_mistake_with_numbers_and_weights_is_named_with_its_line(doorman: Doorman, apart: Goods) -> None:
    lines = [
        apart_line(apart, apart.camera, qty=2),
        apart_line(apart, apart.camera, qty=3, serials=["S1", "S2"]),
        apart_line(apart, apart.camera, serials=["NOBODY"]),
        apart_line(apart, apart.camera, serials=["E1"]),
        apart_line(apart, apart.ham, qty=2),
        apart_line(apart, apart.ham, qty=2, weight_g=6_600),
        apart_line(apart, apart.camera, serials=["S1"]),
        apart_line(apart, apart.camera, serials=["S1"], to_place="A-3"),
    ]
    said = send(doorman, {"site": apart.hall.site.code, "lines": lines}).get_json()["lines"]
    codes = [one["problem"]["type"].rpartition(":")[2] if "problem" in one else "moved" for one in said]
    assert codes == [
        "serial_missing", "other_serial_count", "unknown_serial", "serial_not_here", "weight_not_scanned",
        "weights_differ", "moved", "already_moved",
    ]  # fmt: skip
    assert [one["problem"]["field"] for one in said if "problem" in one] == [
        f"lines.{number}" for number in (1, 2, 3, 4, 5, 6, 8)
    ]
