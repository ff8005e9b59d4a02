"""Substitutes over HTTP: entered as data, asked for when goods are short, decided by a second person."""

import pytest

from tests import build
from tests.web.api.test_orders import call
from tests.web.api.test_picks import released
from tests.web.conftest import Doorman
from tests.wms.floor.outbound import Hall, build_hall
from wms.db import Database, Scope


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        made.put(session, made.tea, made.bins[0], 10)
        return made


def test_from_the_rule_to_the_goods_on_the_list(doorman: Doorman, database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        other = build.make_item(session, hall.owner)
        hall.put(session, other, hall.bins[4], 20)
    rule = {
        "owner": hall.owner.code,
        "item": hall.tea.code,
        "substitute": other.code,
        "valid_from_on": "2026-01-01",
    }
    assert call(doorman, "POST", "/item-substitutes", rule).status_code == 201
    assert call(doorman, "POST", "/item-substitutes", rule).get_json()["type"].endswith(":bad_substitute")
    assert [one["substitute"] for one in call(doorman, "GET", "/item-substitutes").get_json()] == [other.code]
    row = released(doorman, hall, "discrete", 10)
    order_no = row["lines"][0]["order_no"]
    call(doorman, "POST", "/picks/short", {"list": row["list_no"], "lines": [row["lines"][0]["id"]]}, role="clerk")
    wanted = {"order_no": order_no, "line_no": 1, "qty": 10}
    too_many = call(doorman, "POST", "/substitutions", wanted | {"qty": 11}, role="clerk")
    assert too_many.get_json()["type"].endswith(":nothing_to_substitute")
    asked = call(doorman, "POST", "/substitutions", wanted, role="clerk").get_json()
    assert asked["state"] == "asked"
    assert [one["id"] for one in call(doorman, "GET", "/substitutions").get_json()] == [asked["id"]]
    done = call(doorman, "POST", f"/substitutions/{asked['id']}/approve").get_json()
    assert (done["state"], done["promised_qty"]) == ("approved", 10)
    again = call(doorman, "POST", f"/substitutions/{asked['id']}/refuse")
    assert again.get_json()["type"].endswith(":substitution_decided")
    shown = call(doorman, "GET", f"/pick-lists/{row['list_no']}").get_json()
    assert [line["item_code"] for line in shown["lines"] if line["state"] == "open"] == [other.code]


def test_names_what_is_not_there(doorman: Doorman, hall: Hall) -> None:
    rule = {"owner": "NOBODY", "item": hall.tea.code, "substitute": "X", "valid_from_on": "2026-01-01"}
    assert call(doorman, "POST", "/item-substitutes", rule).status_code == 404
    assert call(doorman, "POST", "/item-substitutes", rule | {"owner": hall.owner.code}).status_code == 404
    assert call(doorman, "POST", "/substitutions/999999999/approve").status_code == 404
    ask = {"order_no": "SO-NOBODY", "line_no": 1, "qty": 1}
    assert call(doorman, "POST", "/substitutions", ask, role="clerk").status_code == 404
