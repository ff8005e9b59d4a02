"""Supervision over HTTP: from scans on the floor to the queue, the card, the reports and the undo."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests import build
from tests.web.conftest import Cast, Doorman
from tests.wms.floor.world import Scanner, World, at, build_world
from wms.db import Database, Scope
from wms.floor.service import tasks
from wms.floor.service.tasks import NewTask
from wms.floor.tables import Task
from wms.parties.dated import set_value
from wms.parties.tables import Company, Location
from wms.stock.ledger import AccountKey, Posting, moved, post, reverse
from wms.stock.tables import Posting as PostingRow
from wms.stock.verify import run as verify


@pytest.fixture
def world(database: Database, scope: Scope) -> World:
    with database.unit_of_work(scope) as session:
        return build_world(session, mode="0110")


@pytest.fixture
def scanner(database: Database, scope: Scope, world: World) -> Scanner:
    return Scanner(database, Scope(scope.tenant_id, world.person.id, "clerk"), world)


def ask(doorman: Doorman, path: str, role: str = "supervisor", **query: Any) -> Any:
    headers = doorman.token(role) | {"Accept-Language": "en"}
    return doorman.app.test_client().get(f"/api/v1/{path}", headers=headers, query_string=query)


def send(doorman: Doorman, path: str, body: dict[str, Any] | None = None, role: str = "supervisor") -> Any:
    headers = doorman.token(role) | {"Accept-Language": "en", "Idempotency-Key": f"k{build.number()}"}
    return doorman.app.test_client().post(f"/api/v1/{path}", headers=headers, json=body or {})


def code_of(said: Any) -> str:
    return str(said.get_json()["type"]).rpartition(":")[2]


def test_received_goods_stand_in_the_queue_until_they_are_put_away(
    doorman: Doorman, world: World, scanner: Scanner
) -> None:
    scanner.at_dock().scan(world.pallet_label())
    (task,) = ask(doorman, "tasks", site=world.site.code).get_json()
    assert (task["kind"], task["qty"], task["place"], task["owner"]) == ("put_away", 100, "DOCK-1", world.owner.code)
    (row,) = ask(doorman, "tasks/summary", site=world.site.code).get_json()
    assert (row["kind"], row["n_open"], row["n_taken"]) == ("put_away", 1, 0)
    scanner.job = "put_away"
    scanner.scan(world.pallet_label())
    said = scanner.scan(world.bins[0].code)
    assert said.outcome.value == "ok", said
    assert ask(doorman, "tasks", site=world.site.code).get_json() == []
    (done,) = ask(doorman, "tasks", site=world.site.code, state="done").get_json()
    assert done["person_id"] == world.person.id


def test_a_supervisor_gives_takes_back_and_hurries_work(doorman: Doorman, world: World, scanner: Scanner) -> None:
    scanner.at_dock().scan(world.pallet_label())
    (task,) = ask(doorman, "tasks").get_json()
    path = f"tasks/{task['id']}"
    assert send(doorman, f"{path}/priority", {"priority": 0}).get_json()["priority"] == 0
    assert send(doorman, f"{path}/assign", {"person_id": world.person.id}).get_json()["state"] == "taken"
    (busy,) = ask(doorman, "tasks/now", site=world.site.code).get_json()
    assert (busy["person_id"], busy["kind"]) == (world.person.id, "put_away")
    assert send(doorman, f"{path}/free").get_json()["state"] == "open"
    assert code_of(send(doorman, f"{path}/free")) == "task_not_open"
    assert send(doorman, f"{path}/assign", {"person_id": 999999999}).status_code == 404
    assert send(doorman, f"{path}/priority", {"priority": 10}).status_code == 422
    assert code_of(send(doorman, "tasks/999999999/assign", {"person_id": world.person.id})) == "unknown_task"
    assert send(doorman, f"{path}/assign", {"person_id": world.person.id}, "clerk").status_code == 403


def place_at(database: Database, scope: Scope, world: World, x_mm: int) -> Location:
    with database.unit_of_work(scope) as session:
        place = build.make_location(session, world.site)
        place.x_mm, place.y_mm = x_mm, 0
        session.flush()
        return place


def test_a_pallet_out_and_a_pick_back(database: Database, scope: Scope, world: World) -> None:
    """After a put-away deep in the hall the next task starts there and is of another kind, though older ones wait."""
    dock, deep, deeper = (place_at(database, scope, world, x) for x in (0, 60_000, 65_000))
    clerk = replace(scope, person_id=world.person.id, role="clerk")
    with database.unit_of_work(scope) as session:
        site_id = world.site.id
        out = tasks.offer(session, NewTask(site_id, "put_away", 1, "PA1", location_id=dock.id, to_location_id=deep.id))
        tasks.offer(session, NewTask(site_id, "put_away", 2, "PA2", location_id=dock.id, to_location_id=deep.id))
        same = tasks.offer(session, NewTask(site_id, "put_away", 3, "PA3", location_id=deep.id))
        back = tasks.offer(session, NewTask(site_id, "pick", 4, "PL4", location_id=deeper.id))
    taken = []
    for _ in range(4):
        with database.unit_of_work(clerk) as session:
            task = tasks.take_next(session, site_id)
            assert task is not None
            taken.append(task.id)
            tasks.finish(session, task.kind, task.subject_id)
    assert taken[0] == out
    assert taken[1] == back  # 65 m away from the dock, 5 m from where the pallet went
    assert taken[2] == same


def test_the_next_task_is_asked_for_over_http(doorman: Doorman, world: World, scanner: Scanner, cast: Cast) -> None:
    scanner.at_dock().scan(world.pallet_label())
    name = doorman.person("clerk")
    assert name
    body = {"site": world.site.code, "kinds": ["pick"]}
    assert send(doorman, "tasks/next", body, "supervisor").get_json() == {"task": None}
    assert send(doorman, "tasks/next", {"site": "NOWHERE"}).status_code == 404
    assert send(doorman, "tasks/next", {"site": world.site.code, "near": "NOWHERE"}).status_code == 404
    assert send(doorman, "tasks/next", {"site": world.site.code, "kinds": ["sing"]}).status_code == 422


def last_posting(database: Database, scope: Scope) -> int:
    with database.unit_of_work(scope) as session:
        found = session.scalar(select(PostingRow.id).order_by(PostingRow.id.desc()).limit(1))
    assert found is not None
    return found


def test_a_receipt_is_undone_from_the_desk_with_its_lines_and_tasks(
    doorman: Doorman, world: World, scanner: Scanner, database: Database, scope: Scope
) -> None:
    scanner.at_dock().scan(world.pallet_label())
    posting_id = last_posting(database, scope)
    said = send(doorman, f"postings/{posting_id}/undo", {"reason": "wrong pallet"})
    assert said.status_code == 200, said.text
    with database.unit_of_work(scope) as session:
        assert at(session, world, world.dock) == 0
        undoing = session.get_one(PostingRow, said.get_json()["undone_by"])
        assert undoing.reverses_id == posting_id
    assert ask(doorman, "tasks").get_json() == []
    assert code_of(send(doorman, f"postings/{posting_id}/undo", {"reason": "again"})) == "already_reversed"
    assert scanner.scan(world.pallet_label()).outcome.value == "ok"  # the pallet may be counted in again
    assert verify(database, scope) == []


def test_an_undo_that_the_goods_forbid_says_why(
    doorman: Doorman, world: World, scanner: Scanner, database: Database, scope: Scope
) -> None:
    scanner.at_dock().scan(world.pallet_label())
    posting_id = last_posting(database, scope)
    scanner.job = "put_away"
    scanner.scan(world.pallet_label())
    scanner.scan(world.bins[0].code)
    said = send(doorman, f"postings/{posting_id}/undo", {"reason": "too late"})
    assert code_of(said) == "undo_refused"
    assert "moved" in said.get_json()["detail"].lower()


def test_not_everything_is_undone_here(doorman: Doorman, database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        posted = build.receive(session, build.make_shelf(session), 5)
    assert code_of(send(doorman, f"postings/{posted.posting_id}/undo", {"reason": "x"})) == "undone_where_made"
    assert code_of(send(doorman, "postings/999999999/undo", {"reason": "x"})) == "unknown_posting"
    assert send(doorman, f"postings/{posted.posting_id}/undo", {"reason": ""}).status_code == 422


def test_stock_at_an_instant_and_as_it_was_known(doorman: Doorman, database: Database, scope: Scope) -> None:
    now = datetime.now(UTC)
    with database.unit_of_work(scope) as session:
        shelf = build.make_shelf(session)
        build.receive(session, shelf, 10, at=now - timedelta(hours=5))
    known_at = datetime.now(UTC)
    with database.unit_of_work(scope) as session:
        build.receive(session, shelf, 7, at=now - timedelta(hours=4))  # told late
    path = {"owner_id": shelf.owner_id}
    late = (now - timedelta(hours=3)).isoformat()
    (row,) = ask(doorman, "stock", at=late, **path).get_json()
    assert (row["qty"], row["location_code"] is not None, row["item_code"].startswith("SKU")) == (17, True, True)
    (row,) = ask(doorman, "stock", at=late, known_at=known_at.isoformat(), **path).get_json()
    assert row["qty"] == 10
    assert ask(doorman, "stock", at=(now - timedelta(hours=6)).isoformat(), **path).get_json() == []
    exported = ask(doorman, "exports", of=f"/api/v1/stock?owner_id={shelf.owner_id}&at={late.replace('+', '%2B')}")
    assert ",17," in exported.text


def test_a_stock_card_runs_through_every_movement(doorman: Doorman, database: Database, scope: Scope) -> None:
    now = datetime.now(UTC)
    with database.unit_of_work(scope) as session:
        shelf = build.make_shelf(session)
        build.receive(session, shelf, 10, at=now - timedelta(hours=5))
        lines = moved(shelf.free, shelf.other, 4)
        post(session, Posting(f"m{build.number()}", "move", now - timedelta(hours=4), lines, source_doc="MV1"))
        build.receive(session, shelf, 3, at=now - timedelta(hours=3))
    card = ask(doorman, "stock/card", location_id=shelf.location_id).get_json()
    assert [(row["kind"], row["qty"], row["balance"]) for row in card["rows"]] == [
        ("receipt", 10, 10), ("move", -4, 6), ("receipt", 3, 9)
    ]  # fmt: skip
    since = (now - timedelta(hours=4, minutes=30)).isoformat()
    assert ask(doorman, "stock/card", location_id=shelf.location_id, since=since).get_json()["opening_qty"] == 10
    text = ask(doorman, "stock/card", trade_item_id=shelf.trade_item_id, format="csv").text
    assert "MV1" in text
    assert code_of(ask(doorman, "stock/card", owner_id=shelf.owner_id)) == "card_of_nothing"


def test_age_is_that_of_what_came_in_last(doorman: Doorman, database: Database, scope: Scope) -> None:
    """First in, first out: of 10 + 6 + 5 pieces 12 are left, the newest 5, 6 and one of the oldest."""
    now = datetime.now(UTC)
    with database.unit_of_work(scope) as session:
        shelf = build.make_shelf(session)
        build.receive(session, shelf, 10, at=now - timedelta(days=100))
        build.receive(session, shelf, 6, at=now - timedelta(days=40))
        lines = moved(shelf.free, shelf.other, 8)
        post(session, Posting(f"m{build.number()}", "move", now - timedelta(days=20), lines))
        wrong = build.receive(session, shelf, 50, at=now - timedelta(days=10))
        reverse(session, f"r{build.number()}", wrong.posting_id, reason="twice", event_at=now - timedelta(days=9))
        build.receive(session, shelf, 5, at=now - timedelta(days=3))
        out = moved(shelf.other, shelf.customer, 8) + moved(shelf.free, shelf.customer, 1)
        post(session, Posting(f"o{build.number()}", "ship", now - timedelta(days=1), out))
    rows = ask(doorman, "stock/ageing", owner_id=shelf.owner_id).get_json()
    assert [(row["bucket"], row["qty"]) for row in rows] == [("91-180", 1), ("31-60", 6), ("<=30", 5)]
    with database.unit_of_work(scope) as session:
        set_value(session, "stock.age_buckets_days", [99], valid_from_on=now.date(), source="test")
    rows = ask(doorman, "stock/ageing", owner_id=shelf.owner_id).get_json()
    assert {row["bucket"] for row in rows} == {"<=99", ">99"}


def test_what_expires_is_listed_soonest_first(doorman: Doorman, database: Database, scope: Scope) -> None:
    now = datetime.now(UTC)
    with database.unit_of_work(scope) as session:
        shelf = build.make_shelf(session)
        item = build.make_item(session, session.get_one(Company, shelf.owner_id), is_expiry_controlled=True)
        for days in (400, 20, -5):
            lot = build.make_lot(session, item, expires_on=now.date() + timedelta(days=days))
            account = AccountKey("location", shelf.owner_id, item.id, shelf.site_id, shelf.location_id, lot.id)
            lines = moved(AccountKey("supplier", shelf.owner_id, item.id), account, 5)
            post(session, Posting(f"e{build.number()}", "receipt", now, lines))
    rows = ask(doorman, "stock/expiry", owner_id=shelf.owner_id).get_json()
    assert [row["bucket"] for row in rows] == ["<=-1", "0-30", ">365"]
    assert rows[0]["days"] in (-5, -6)
    assert ask(doorman, "stock/expiry", owner_id=shelf.owner_id, format="xlsx").data.startswith(b"PK")


def test_what_each_person_did_is_counted_from_postings_and_tasks(
    doorman: Doorman, world: World, scanner: Scanner
) -> None:
    scanner.at_dock().scan(world.pallet_label())
    scanner.job = "put_away"
    scanner.scan(world.pallet_label())
    scanner.scan(world.bins[0].code)
    day = datetime.now(UTC).date()
    span = {"since": (day - timedelta(days=1)).isoformat(), "until": (day + timedelta(days=1)).isoformat()}
    rows = ask(doorman, "productivity", step="hour", site=world.site.code, **span).get_json()
    done = {row["kind"]: (row["n_postings"], row["qty"], row["n_tasks"]) for row in rows}
    assert done == {"receipt": (1, 100, 0), "put_away": (1, 100, 1)}
    assert {row["person_id"] for row in rows} == {world.person.id}
    assert code_of(ask(doorman, "productivity", since="2026-01-01", until="2026-12-31")) == "span_too_long"
    assert code_of(ask(doorman, "productivity", since="2026-01-02", until="2026-01-01")) == "span_too_long"
    assert code_of(ask(doorman, "productivity", since="2026-01-02", until="x")) == "invalid_field"


def test_a_firm_sees_the_age_of_its_own_stock_alone(
    doorman: Doorman, cast: Cast, database: Database, scope: Scope
) -> None:
    with database.unit_of_work(scope) as session:
        build.receive(session, build.make_shelf(session), 5)
    headers = doorman.token("planner", cast.firm_id)
    client = doorman.app.test_client()
    assert client.get("/api/v1/stock/ageing", headers=headers).get_json() == []
    assert client.get("/api/v1/tasks", headers=headers).status_code == 403


def test_tasks_of_put_away_follow_the_quantity(
    database: Database, scope: Scope, world: World, scanner: Scanner
) -> None:
    scanner.at_dock()
    scanner.scan("QTY 10")
    scanner.scan(world.label(world.milk))
    scanner.scan("QTY 5")
    scanner.scan(world.label(world.milk))
    with database.unit_of_work(scope) as session:
        (task,) = session.scalars(select(Task).where(Task.kind == "put_away", Task.state == "open")).all()
    assert task.qty == 15
