"""Scans over HTTP: one, a batch, and everything that can be wrong with them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from tests import build
from tests.web.conftest import Doorman
from tests.wms.floor.world import World, build_world, stock
from web.auth import proven
from web.auth.tables import ApiToken
from web.auth.tokens import revoke_token
from wms.db import Database, Scope
from wms.floor.service.scanning import take_scan
from wms.floor.tables import Scan


@pytest.fixture
def world(database: Database, scope: Scope) -> World:
    with database.unit_of_work(scope) as session:
        return build_world(session)


class Handheld:
    """A device that talks to the API with its token."""

    def __init__(self, client: FlaskClient, headers: dict[str, str], world: World, language: str = "en") -> None:
        self.client, self.headers, self.world = client, headers | {"Accept-Language": language}, world
        self.device, self.seq = f"d-{build.number()}", 0

    def make(self, code: str, **given: Any) -> dict[str, Any]:
        self.seq += 1
        return {
            "key": f"{self.device}:1:{self.seq}",
            "device": self.device,
            "boot": "1",
            "seq": self.seq,
            "code": code,
            "occurred_at": datetime.now(UTC).isoformat(),
            "job": "receive",
            "notice": self.world.notice_no,
        } | given

    def send(self, scan: dict[str, Any]) -> Any:
        return self.client.post("/api/v1/scans", headers=self.headers, json=scan)

    def scan(self, code: str, **given: Any) -> Any:
        return self.send(self.make(code, **given)).get_json()

    def batch(self, items: list[Any]) -> Any:
        return self.client.post("/api/v1/scans/batch", headers=self.headers, json={"items": items})


@pytest.fixture
def handheld(doorman: Doorman, world: World) -> Handheld:
    return Handheld(doorman.app.test_client(), doorman.token("clerk"), world)


def test_says_what_was_understood_and_what_comes_next(handheld: Handheld, world: World) -> None:
    handheld.scan("DOCK-1")
    said = handheld.scan(world.pallet_label())
    assert (said["outcome"], said["code"], said["replayed"]) == ("ok", "received", False)
    assert said["message"] == "100 × Beef received (100 of 100)."
    assert said["understood"]["item"] == "Beef"
    assert [one["code"] for one in said["expects"]] == ["goods", "confirm"]
    assert said["context"] == {
        "site": world.site.code, "notice": world.notice_no, "place": "DOCK-1", "next_qty": None, "is_damaged": False,
        "holds": False, "document": None,
    }  # fmt: skip
    assert said["progress"]["received_qty"] == 100


def test_speaks_the_clerks_language(doorman: Doorman, world: World) -> None:
    handheld = Handheld(doorman.app.test_client(), doorman.token("clerk"), world, "zh")
    handheld.scan("DOCK-1")
    assert handheld.scan(world.pallet_label())["message"] == "已收 100 × 牛肉（100 / 100）。"
    said = handheld.scan("A-1")
    assert said["message"] == "A-1 不能收货：它是货位。"
    assert said["way_out"] == "请扫月台或暂存位。"


def test_a_mistake_is_answered_with_200_and_a_way_out(handheld: Handheld) -> None:
    said = handheld.send(handheld.make("6901234567893"))
    assert said.status_code == 200
    body = said.get_json()
    assert (body["outcome"], body["code"]) == ("stop", "broken_check_digit")
    assert body["way_out"].startswith("Scan again")


def test_a_repeat_gets_the_first_answer(handheld: Handheld, world: World, database: Database, scope: Scope) -> None:
    handheld.scan("DOCK-1")
    scan = handheld.make(world.pallet_label())
    first, again = handheld.send(scan).get_json(), handheld.send(scan).get_json()
    assert again.pop("replayed") is True
    assert first.pop("replayed") is False
    assert again == first
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Beef", "hold"): 100}


def test_a_used_key_with_another_code_is_refused(handheld: Handheld) -> None:
    scan = handheld.make("DOCK-1")
    handheld.send(scan)
    said = handheld.send(scan | {"code": "A-1"})
    assert said.status_code == 422
    assert said.get_json()["type"].endswith(":key_reused")


@pytest.mark.parametrize(
    "fault",
    [
        {"key": "x"},
        {"seq": -1},
        {"seq": "1"},
        {"seq": True},
        {"occurred_at": "yesterday"},
        {"occurred_at": "2026-01-01T00:00:00"},
        {"code": None},
        {"code": "x" * 501},
        {"code": "a\x00b"},
        {"job": "dance"},
        {"symbology": "C1"},
        {"surprise": 1},
    ],
)
def test_names_the_field_that_is_wrong(handheld: Handheld, fault: dict[str, Any]) -> None:
    said = handheld.send(handheld.make("DOCK-1") | fault)
    assert said.status_code == 422
    assert said.mimetype == "application/problem+json"
    assert said.get_json()["detail"]


def test_keeps_the_code_as_it_was_received(handheld: Handheld, database: Database, scope: Scope) -> None:
    from sqlalchemy import select

    from wms.floor.tables import Scan

    handheld.scan(" 0106901234567892\x1d ")
    with database.unit_of_work(scope) as session:
        assert session.scalar(select(Scan.code)) == " 0106901234567892\x1d "


def test_a_batch_answers_item_by_item_and_a_bad_one_holds_up_none(
    handheld: Handheld, world: World, database: Database, scope: Scope
) -> None:
    good = [handheld.make("DOCK-1"), handheld.make(world.pallet_label()), handheld.make(world.cream.gtin or "")]
    items = [good[0], {"key": "nonsense"}, good[1], good[0] | {"code": "A-1"}, good[2]]
    results = handheld.batch(items).get_json()["results"]
    assert [one["status"] for one in results] == [200, 422, 200, 422, 200]
    assert [one["key"] for one in results][2] == good[1]["key"]
    assert results[1]["problem"]["field"]
    assert results[4]["answer"]["code"] == "received"
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Beef", "hold"): 100, ("Hand cream", "hold"): 1}


def test_a_batch_sent_twice_counts_once(handheld: Handheld, world: World, database: Database, scope: Scope) -> None:
    items = [handheld.make("DOCK-1"), *(handheld.make(world.cream.gtin or "") for _ in range(20))]
    handheld.batch(items)
    again = handheld.batch(items).get_json()["results"]
    assert all(one["answer"]["replayed"] for one in again)
    with database.unit_of_work(scope) as session:
        assert stock(session, world) == {("Hand cream", "hold"): 20}


@pytest.mark.parametrize("items", [[], ["text"], [{}] * 51, None, "text"])
def test_refuses_a_batch_that_is_none(handheld: Handheld, items: Any) -> None:
    assert handheld.batch(items).status_code == 422


def test_keeps_the_order_when_the_system_fails_midway(
    handheld: Handheld, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [handheld.make("DOCK-1"), handheld.make(world.cream.gtin or ""), handheld.make("CONFIRM")]
    calls: list[Any] = []

    def fail_second(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 2:
            raise OperationalError("insert", {}, Exception("the disk is full"))
        return take_scan(*args)

    monkeypatch.setattr("web.api.scans.take_scan", fail_second)
    results = handheld.batch(items).get_json()["results"]
    assert [one["status"] for one in results] == [200, 503, 503]
    assert len(calls) == 2  # the third was not even tried
    results = handheld.batch(items).get_json()["results"]
    assert [one["status"] for one in results] == [200, 200, 200]


def test_a_scan_that_breaks_us_does_not_take_the_answers_of_others_with_it(
    handheld: Handheld, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [handheld.make("DOCK-1"), handheld.make("POISON"), handheld.make("CONFIRM")]

    def break_on_poison(session: Any, scan: Any, at: Any) -> Any:
        if scan.code == "POISON":
            raise RuntimeError("a fault of ours")
        return take_scan(session, scan, at)

    monkeypatch.setattr("web.api.scans.take_scan", break_on_poison)
    assert [one["status"] for one in handheld.batch(items).get_json()["results"]] == [200, 500, 503]


def test_a_firm_sees_no_scans_and_a_planner_takes_none(doorman: Doorman, cast: Any, world: World) -> None:
    for headers in (doorman.token("planner"), doorman.token("clerk", cast.firm_id)):
        handheld = Handheld(doorman.app.test_client(), headers, world)
        assert handheld.send(handheld.make("DOCK-1")).status_code == 403


def test_a_revoked_token_scans_no_more_though_it_was_good_a_moment_ago(
    handheld: Handheld, database: Database, scope: Scope
) -> None:
    assert handheld.scan("DOCK-1")["outcome"] == "ok"
    last = handheld.make("DOCK-1")
    with database.unit_of_work(scope) as session:
        revoke_token(session, session.scalars(select(ApiToken.id)).one())
    said = handheld.send(last)
    assert (said.status_code, said.get_json()["type"]) == (401, "urn:dongting:problem:token_revoked")
    with database.unit_of_work(scope) as session:
        assert session.scalar(select(Scan.id).where(Scan.key == last["key"])) is None


def test_a_token_that_ran_out_scans_no_more(handheld: Handheld, database: Database, scope: Scope) -> None:
    assert handheld.scan("DOCK-1")["outcome"] == "ok"
    with database.unit_of_work(scope) as session:
        past = datetime.now(UTC) - timedelta(days=1)
        session.execute(update(ApiToken).values(created_at=past - timedelta(days=1), expires_at=past))
    assert handheld.send(handheld.make("DOCK-1")).get_json()["type"] == "urn:dongting:problem:token_expired"


def test_the_use_of_a_token_is_noted_by_scans_too(handheld: Handheld, database: Database, scope: Scope) -> None:
    handheld.scan("DOCK-1")
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    with database.unit_of_work(scope) as session:
        session.execute(update(ApiToken).values(used_at=long_ago))
    assert handheld.scan("DOCK-1")["outcome"] == "ok"
    with database.unit_of_work(scope) as session:
        used_at = session.scalars(select(ApiToken.used_at)).one()
        assert used_at is not None
        assert used_at > long_ago


def test_a_token_that_another_request_looks_up_anew_is_as_good_as_before(
    handheld: Handheld, database: Database, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between guard and transaction the process may forget every token, and the note of its use may have grown old."""
    assert handheld.scan("DOCK-1")["outcome"] == "ok"
    with database.unit_of_work(scope) as session:
        session.execute(update(ApiToken).values(used_at=datetime.now(UTC) - timedelta(minutes=5)))

    def forget_then_confirm(*given: Any) -> None:
        proven._proven.clear()
        confirm(*given)

    confirm = proven.confirm
    monkeypatch.setattr(proven, "confirm", forget_then_confirm)
    assert handheld.scan("DOCK-1")["outcome"] == "ok"
