"""The proposed cartons of an order: planned once it is picked, told to the packer, and what the packer did instead."""

import pytest
from sqlalchemy import text

from tests.web.api.test_leaving import Desk
from tests.web.conftest import Doorman
from tests.wms.floor.leaving import Gun, Yard, build_yard, label, sscc_label
from web import cartoning
from web.worker import tasks
from wms.db import Database, Scope
from wms.floor.rules.answers import Outcome
from wms.floor.service import order_progress, pack_plans
from wms.stock.tables import HandlingUnit
from wms.stock.verify import run as verify


@pytest.fixture
def yard(database: Database, scope: Scope) -> Yard:
    with database.unit_of_work(scope) as session:
        return build_yard(session)


@pytest.fixture
def picked(database: Database, scope: Scope, yard: Yard) -> tuple[int, str, HandlingUnit]:
    """Two packets of tea and a cup, picked into a tote; the job has planned their packing."""
    with database.unit_of_work(scope) as session:
        order_id, number, tote = yard.picked_order(session, (yard.tea, 2), (yard.cup, 1))
    cartoning.plan_packing(database, scope.tenant_id, order_id)
    return order_id, number, tote


@pytest.fixture
def packer(database: Database, scope: Scope, yard: Yard) -> Gun:
    return Gun(database, Scope(scope.tenant_id, yard.person.id, "clerk"), yard.site.code, "pack")


def test_the_packer_is_told_which_carton_what_goes_in_next_and_where(
    database: Database, scope: Scope, yard: Yard, picked: tuple[int, str, HandlingUnit], packer: Gun
) -> None:
    order_id, number, tote = picked
    with database.unit_of_work(scope) as session:
        step = pack_plans.next_step(session, order_id)
    assert step is not None
    assert len(step.pieces) == 3
    packer.scan("PACK-1")
    chosen = packer.scan(number)
    assert (chosen.code, chosen.values["planned"], chosen.values["count"]) == ("order_chosen", step.carton, 1)
    told = packer.scan(sscc_label(tote.sscc))
    assert (told.code, told.values["planned"]) == ("tote_chosen", step.carton)
    opened = packer.scan(step.carton)
    assert (opened.outcome, opened.code) == (Outcome.OK, "parcel_opened")
    for number_in_carton, piece in enumerate(step.pieces):
        item = yard.tea if str(piece["piece"]).startswith(f"{yard.tea.code}#") else yard.cup
        assert opened.values["next"]["en"] == item.name_en
        assert (opened.values["x"], opened.values["y"], opened.values["z"]) == (
            piece["x_mm"], piece["y_mm"], piece["z_mm"],
        )  # fmt: skip
        opened = packer.scan(label(item))
        assert opened.code == "packed", number_in_carton
    assert "next" not in opened.values
    assert verify(database, scope) == []


def test_the_packer_may_take_another_carton_and_that_is_recorded(
    doorman: Doorman, yard: Yard, picked: tuple[int, str, HandlingUnit], packer: Gun
) -> None:
    _, number, tote = picked
    packer.codes("PACK-1", number, sscc_label(tote.sscc))
    opened = packer.scan("P3")
    assert (opened.outcome, opened.code) == (Outcome.WARN, "other_carton")
    assert packer.scan(label(yard.tea)).way_out is None
    desk = Desk(doorman)
    shown = desk.get(f"orders/{number}/pack-plan").get_json()
    [parcel] = shown["parcels"]
    assert (parcel["carton"], parcel["deviates"]) == ("P3", True)
    assert parcel["planned_carton"] == shown["cartons"][0]["carton"]


def test_the_proposal_is_made_again_on_demand_and_refused_for_an_unknown_order(
    doorman: Doorman, database: Database, scope: Scope, yard: Yard
) -> None:
    with database.unit_of_work(scope) as session:
        _, number, _ = yard.picked_order(session, (yard.cup, 4))
    desk = Desk(doorman)
    assert desk.get(f"orders/{number}/pack-plan").status_code == 404
    made = desk.post(f"orders/{number}/pack-plan").get_json()
    assert made["bound_minor"] <= made["cost_minor"]
    assert sum(len(one["pieces"]) for one in made["cartons"]) == 4
    assert desk.get(f"orders/{number}/pack-plan").get_json() == made
    assert desk.post("orders/NONE/pack-plan").status_code == 404


def test_a_picked_order_asks_for_its_plan_once_it_is_committed(
    database: Database, scope: Scope, yard: Yard
) -> None:
    with database.unit_of_work(scope) as session:
        order_id, _, _ = yard.picked_order(session, (yard.cup, 1))
        order_progress.offer_packing(session, [order_id])
    with database.unit_of_work(scope) as session:
        queued = session.execute(
            text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :name AND args->>'order_id' = :order"),
            {"name": pack_plans.JOB, "order": str(order_id)},
        ).scalar_one()
    assert queued == 1
    assert pack_plans.JOB in tasks()
