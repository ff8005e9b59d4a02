"""Any two plans side by side, by page and API; what is no made plan is refused."""

from flask.testing import FlaskClient

from routing.curves import CurveAsked, plans_of, request_curve, run_curve
from routing.tradeoff import Weights
from tests.routing.test_desk import planned
from tests.web.conftest import Doorman
from tests.wms.freight.builders import make_consignments
from wms.db import Database, Scope


def pair(database: Database, scope: Scope) -> tuple[int, int]:
    """Two plans of one snapshot: as the rules say, and fast."""
    with database.unit_of_work(scope) as session:
        make_consignments(session, 3, volume_cm3=3_000_000, value_minor=50_000_000)
        curve_id = request_curve(session, CurveAsked([Weights(time=1000)], 8))
    run_curve(database, curve_id=curve_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        first, second = (one.row.id for one in plans_of(session, curve_id))
    return first, second


def test_two_plans_stand_beside_each_other_on_the_page(doorman: Doorman, database: Database, scope: Scope) -> None:
    first, second = pair(database, scope)
    planner = doorman.browser("planner")
    assert f"/plan/{first}/against" in planner.get(f"/plan/{first}").text
    assert f"/plan/{first}/against/{second}" in planner.get(f"/plan/{first}/against").text
    page = planner.get(f"/plan/{first}/against/{second}").text
    for text in (f"Plans {first} and {second} side by side", "Both plans answer the same snapshot.",
                 "another departure", "Proven bound", "Owners", f"/plan/{second}/against/{first}"):  # fmt: skip
        assert text in page
    assert "3 go otherwise" in page
    chinese = doorman.browser("planner", locale="zh").get(f"/plan/{first}/against/{second}").text
    assert "并排" in chinese


def test_the_api_lays_two_plans_beside_each_other(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope
) -> None:
    first, second = pair(database, scope)
    head = doorman.token("planner")
    there = client.get(f"/api/v1/plans/{first}/against/{second}", headers=head).json
    back = client.get(f"/api/v1/plans/{second}/against/{first}", headers=head).json
    assert there["same_snapshot"] is True
    assert there["comparison"]["before"] == back["comparison"]["after"]
    assert [one["what"] for one in there["comparison"]["moves"]] == ["departure"] * 3
    assert [one["delay_s"] for one in there["comparison"]["moves"]] == [
        -one["delay_s"] for one in back["comparison"]["moves"]
    ]
    own = client.get(f"/api/v1/plans/{first}/against/{first}", headers=head).json["comparison"]
    assert (own["moves"], own["unmoved"]) == ([], 3)


def test_a_plan_that_is_not_made_is_not_compared(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope
) -> None:
    first, _second = pair(database, scope)
    with database.unit_of_work(scope) as session:
        queued = plans_of(session, request_curve(session, CurveAsked([Weights()], 8)))[0].row.id
    head = doorman.token("planner")
    for there in (f"{first}/against/{queued}", f"{queued}/against/{first}", f"{first}/against/999999"):
        assert client.get(f"/api/v1/plans/{there}", headers=head).status_code == 404
        assert doorman.browser("planner").get(f"/plan/{there}").status_code == 404


def test_plans_of_different_demand_name_who_is_in_one_only(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        make_consignments(session, 2, volume_cm3=3_000_000)
    first = planned(database, scope)
    with database.unit_of_work(scope) as session:
        added = make_consignments(session, 1, volume_cm3=3_000_000)[0]
    second = planned(database, scope)
    head = doorman.token("planner")
    there = client.get(f"/api/v1/plans/{first}/against/{second}", headers=head).json
    back = client.get(f"/api/v1/plans/{second}/against/{first}", headers=head).json
    assert there["same_snapshot"] is False
    assert [one["what"] for one in there["comparison"]["moves"] if one["consignment"] == added] == ["new"]
    assert [one["what"] for one in back["comparison"]["moves"] if one["consignment"] == added] == ["absent"]
    page = doorman.browser("planner").get(f"/plan/{second}/against/{first}").text
    assert "not in this plan" in page
    assert "two snapshots" in page
