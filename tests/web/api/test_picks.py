"""Picks over HTTP: a list at once, with each line's own answer; short; taken back."""

from typing import Any

import pytest

from tests import build
from tests.web.api.test_orders import call
from tests.web.api.test_waves import ordered
from tests.web.conftest import Doorman
from tests.wms.floor.outbound import Hall, build_hall
from wms.codes import gs1_keys
from wms.db import Database, Scope


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        for place in made.bins:
            made.put(session, made.tea, place, 10)
        return made


def sscc() -> str:
    return gs1_keys.make_sscc(3, "6901234", 5_000_000 + build.number())


def released(doorman: Doorman, hall: Hall, method: str, *quantities: int) -> dict[str, Any]:
    ordered(doorman, hall, *quantities)
    wave = call(doorman, "POST", "/waves", {"site": hall.site.code, "method": method}).get_json()
    done = call(doorman, "POST", f"/waves/{wave['wave_no']}/start", {}).get_json()
    shown: dict[str, Any] = call(doorman, "GET", f"/pick-lists/{done['pick_lists'][0]['list_no']}").get_json()
    return shown


def test_picks_a_list_with_an_answer_for_each_line(doorman: Doorman, hall: Hall) -> None:
    row, tote = released(doorman, hall, "batch", 10, 10, 10), sscc()
    first, second, third = (line["id"] for line in row["lines"])
    body = {
        "list": row["list_no"],
        "picks": [
            {"line": first, "qty": 10, "tote": tote},
            {"line": second, "qty": 11, "tote": tote},
            {"line": 999_999_999, "qty": 1, "tote": tote},
        ],
    }
    said = call(doorman, "POST", "/picks", body, role="clerk").get_json()
    codes = [one.get("problem", {"type": ":ok"})["type"].rpartition(":")[2] for one in said["results"]]
    assert codes == ["ok", "too_many_picked", "already_picked"]
    rest = {"list": row["list_no"], "picks": [{"line": line, "qty": 10} for line in (second, third)]}
    done = call(doorman, "POST", "/picks", rest, role="clerk").get_json()
    assert (done["state"], [one["qty"] for one in done["results"]]) == ("done", [10, 10])
    undone = call(doorman, "POST", "/picks/undo", {"picks": [done["results"][0]["pick_id"]]}, role="clerk").get_json()
    assert undone == {"qty": 20}  # both went with one posting
    assert call(doorman, "GET", f"/pick-lists/{row['list_no']}").get_json()["state"] == "picking"


def test_short_goods_are_replaced_on_the_same_list(doorman: Doorman, hall: Hall) -> None:
    row = released(doorman, hall, "discrete", 10)
    body = {"list": row["list_no"], "lines": [row["lines"][0]["id"]]}
    said = call(doorman, "POST", "/picks/short", body, role="clerk").get_json()
    assert (said["missing_qty"], said["found_qty"], len(said["new_lines"])) == (10, 10, 1)
    again = call(doorman, "POST", "/picks/short", body, role="clerk")
    assert again.get_json()["type"].endswith(":already_picked")


def test_a_tote_stands_on_one_cart(doorman: Doorman, hall: Hall) -> None:
    one, tote = released(doorman, hall, "discrete", 3), sscc()
    other = released(doorman, hall, "discrete", 3)
    for row, code in ((one, "ok"), (other, "tote_in_use")):
        body = {"list": row["list_no"], "picks": [{"line": row["lines"][0]["id"], "qty": 1, "tote": tote}]}
        (result,) = call(doorman, "POST", "/picks", body, role="clerk").get_json()["results"]
        assert result.get("problem", {"type": ":ok"})["type"].endswith(f":{code}")


def test_names_a_label_that_cannot_be_and_a_list_that_is_not(doorman: Doorman, hall: Hall) -> None:
    row = released(doorman, hall, "discrete", 3)
    body = {"list": row["list_no"], "picks": [{"line": row["lines"][0]["id"], "qty": 1, "tote": "1" * 18}]}
    (result,) = call(doorman, "POST", "/picks", body, role="clerk").get_json()["results"]
    assert result["problem"]["type"].endswith(":broken_check_digit")
    assert call(doorman, "POST", "/picks", body | {"list": "PL99999999"}, role="clerk").status_code == 404
