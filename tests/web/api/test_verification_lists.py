"""Verification lists over HTTP: customs' answers, each once, and what still forbids booking."""

from typing import Any

import pytest

from tests import build
from tests.web.conftest import Doorman
from tests.wms.floor.world import Scanner, World, build_world, let_through_gate, stock
from wms.db import Database, Scope


@pytest.fixture
def world(database: Database, scope: Scope) -> World:
    with database.unit_of_work(scope) as session:
        return build_world(session)


def number(world: World) -> str:
    return f"INV-{world.notice_no[4:]}"


def look(doorman: Doorman, world: World) -> Any:
    headers = doorman.token("customs_officer") | {"Accept-Language": "en"}
    return doorman.app.test_client().get(f"/api/v1/verification-lists/{number(world)}", headers=headers).get_json()


def answer(doorman: Doorman, world: World, said: str, **more: Any) -> Any:
    headers = doorman.token("declarant") | {"Idempotency-Key": f"key-{build.number()}", "Accept-Language": "en"}
    path = f"/api/v1/verification-lists/{number(world)}/answers"
    return doorman.app.test_client().post(path, headers=headers, json={"answer": said} | more)


def test_shows_what_still_forbids_booking_and_books(
    doorman: Doorman, world: World, database: Database, scope: Scope
) -> None:
    assert "declaration is not released" in look(doorman, world)["not_booked_because"]
    assert answer(doorman, world, "booked").status_code == 409
    assert answer(doorman, world, "entry_released", entry_no="E1").status_code == 200
    assert "did not pass the gate" in look(doorman, world)["not_booked_because"]
    with database.unit_of_work(scope) as session:
        let_through_gate(session, world.list_id)
    assert "not counted in" in look(doorman, world)["not_booked_because"]
    scanner = Scanner(database, scope, world).at_dock()
    for code in (world.pallet_label(), "CONFIRM", "CONFIRM"):
        scanner.scan(code)
    assert look(doorman, world)["not_booked_because"] is None
    assert answer(doorman, world, "booked").get_json()["state"] == "booked"
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Beef", "good"): 100}


def test_refuses_an_answer_out_of_turn(doorman: Doorman, world: World) -> None:
    said = answer(doorman, world, "pre_deducted", list_no="QD490226I000000009")
    assert said.status_code == 409
    assert said.get_json()["detail"].endswith("this step needs it to be declared.")


def test_a_clerk_does_not_answer_for_customs(doorman: Doorman, world: World) -> None:
    said = doorman.app.test_client().post(
        f"/api/v1/verification-lists/{number(world)}/answers", headers=doorman.token("clerk"), json={"answer": "booked"}
    )
    assert said.status_code == 403
