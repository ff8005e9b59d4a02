"""The hand-over of a plan by page and API: goods named, asked for again, a load opened, a paper noted; who may what."""

from collections.abc import Callable

from flask.testing import FlaskClient

from routing.hand_over import working
from tests.routing.test_hand_over import handed, ready
from tests.web.conftest import Doorman
from tests.wms.gate.world import new_plate
from wms.db import Database, Scope

Csrf = Callable[..., str]


def test_the_hand_over_is_shown_and_papers_are_noted_on_the_page(
    doorman: Doorman, csrf: Csrf, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session)
    planner, declarant = doorman.browser("planner"), doorman.browser("declarant", locale="zh")
    here = f"/plan/{made.plan_id}/hand-over"
    assert "This plan is not accepted" in planner.get(here).text
    handed(database, scope, made.plan_id)
    page = planner.get(here).text
    for text in ("stock reserved", "brought by its owner", "customs declaration", f"PL{made.plan_id}-{made.names[0]}"):
        assert text in page
    assert here in planner.get(f"/plan/{made.plan_id}/report").text
    values = {"consignment_no": made.names[0], "document": "entry", "number": "490020260000000001"}
    keys = {"csrf_token": csrf(declarant, "/plan"), "idempotency_key": "n1"}
    assert declarant.post(f"/plan/{made.plan_id}/papers", data=values | keys).status_code == 302
    page = declarant.get(here).text
    assert "490020260000000001" in page
    assert "编号已登记" in page
    assert planner.post(here, data={"csrf_token": csrf(planner, "/plan"), "idempotency_key": "t1"}).status_code == 302
    assert "It is tried again." in planner.get(here).text


def test_the_api_names_goods_shows_the_state_and_opens_the_load_of_a_box(
    doorman: Doorman, client: FlaskClient, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        made = ready(session)
        site, item = made.hall.site.code, made.hall.tea.code
    head, at = doorman.token("planner"), f"/api/v1/plans/{made.plan_id}"
    goods = {"goods": [{"site": site, "item": item, "qty": 40}]}
    named = client.put(
        f"/api/v1/consignments/{made.names[0]}/goods", json=goods, headers=head | {"Idempotency-Key": "g1"}
    )
    assert (named.status_code, named.json["goods"]) == (200, 1)
    early = client.post(f"{at}/hand-over", json={}, headers=head | {"Idempotency-Key": "h1"})
    assert early.json["type"].endswith("plan_not_accepted")
    done = client.post(f"{at}/acceptance", json={}, headers=head | {"Idempotency-Key": "a1"})
    assert done.json["booked"] == 3
    working.run(database, plan_id=made.plan_id, tenant_id=scope.tenant_id)
    state = client.get(f"{at}/hand-over", headers=head).json
    assert state["counted"]["work"] == {"reserved": 2, "short": 0, "refused": 0, "elsewhere": 1}
    assert {one["reason"] for one in state["papers"]} == {"declared_elsewhere", "seal_unknown"}
    clerk = doorman.token("clerk")
    body = {"site": site, "vehicle_plate": new_plate(), "dock": "DOCK-1"}
    load = client.post(f"{at}/boxes/B0001/load", json=body, headers=clerk | {"Idempotency-Key": "l1"})
    assert (load.status_code, load.json["state"]) == (201, "open")
    stops = client.get(f"/api/v1/loads/{load.json['load_no']}", headers=clerk).json["stops"]
    assert [one["code"] for one in stops] == [f"P{made.plan_id}-B0001-02", f"P{made.plan_id}-B0001-01"]
    twice = client.post(
        f"{at}/boxes/B0001/load", json=body | {"vehicle_plate": new_plate()}, headers=clerk | {"Idempotency-Key": "l2"}
    )
    assert twice.json["type"].endswith("box_has_load")
    declarant = doorman.token("declarant")
    paper = client.post(
        f"{at}/papers/{made.names[0]}/603", json={"number": "1"}, headers=declarant | {"Idempotency-Key": "p1"}
    )
    assert paper.json["type"].endswith("unknown_consignment_paper")
