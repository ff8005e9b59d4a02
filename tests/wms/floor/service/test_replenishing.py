"""Replenishment from limits and demand to the ledger."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests import build
from tests.wms.floor.inside import Hall, Handheld, build_hall, is_clean, lying
from tests.wms.floor.world import LIFE, today
from wms.db import Database, Scope
from wms.floor.rules import replenishing as rules
from wms.floor.rules.orders import OrderLineIn
from wms.floor.rules.replenishing import Face, Source, choose, need
from wms.floor.service.orders import PlaceOrder, place_order
from wms.floor.service.replenishing import Limits, by_no, demand, propose, set_limits, void
from wms.floor.tables import Task
from wms.floor.tables.counts import Count
from wms.floor.tables.replenishing import Replenishment, ReplenishmentLine
from wms.stock.ledger import Reserve, reserve
from wms.stock.ledger import void as release
from wms.stock.tables import Account, Balance, Lot

Gun = Callable[[], Handheld]


@pytest.fixture
def hall(database: Database, scope: Scope) -> Hall:
    """P-1 is the pick face of the milk: 10 to 40, in sixes; the older lot L0 lies in A-2."""
    with database.unit_of_work(scope) as session:
        made = build_hall(session)
        older = build.make_lot(session, made.milk, "L0", expires_on=today() + LIFE - timedelta(days=9))
        made.fill(session, "A-1", 100)
        made.fill(session, "A-2", 20, lot_id=older.id)
        made.fill(session, "P-1", 4)
        set_limits(session, [Limits(made.places["P-1"].id, made.milk.id, 10, 40, 6)])
        return made


@pytest.fixture
def gun(database: Database, scope: Scope, hall: Hall) -> Gun:
    return lambda: Handheld(database, scope.tenant_id, hall, hall.clerk, "move")


def ask(database: Database, scope: Scope, hall: Hall, wanted: dict[int, int] | None = None) -> list[str]:
    with database.unit_of_work(scope) as session:
        made = propose(session, f"k{build.number()}", hall.site.id, build.now(), wanted)
        return [one.replenishment_no for one in made]


def lines(database: Database, scope: Scope) -> list[tuple[str | None, int, str]]:
    with database.unit_of_work(scope) as session:
        rows = session.execute(
            select(Lot.lot_no, ReplenishmentLine.qty, ReplenishmentLine.state)
            .join(Account, Account.id == ReplenishmentLine.account_id)
            .join(Lot, Lot.id == Account.lot_id)
            .order_by(ReplenishmentLine.id)
        )
        return [(row[0], row[1], row[2]) for row in rows]


@pytest.mark.parametrize(
    ("face", "demand", "wanted"),
    [
        (Face(10, 40, 1, 10, 0, 0), 0, None),
        (Face(10, 40, 1, 9, 0, 0), 0, (31, "min")),
        (Face(10, 40, 6, 9, 0, 0), 0, (36, "min")),
        (Face(10, 40, 1, 9, 0, 31), 0, None),
        (Face(10, 40, 1, 30, 25, 0), 50, (45, "demand")),
        (Face(10, 40, 1, 30, 25, 45), 50, None),
        (Face(10, 40, 1, 0, 0, 0), 20, (40, "min")),
    ],
)
def test_what_is_on_its_way_counts_as_there(face: Face, demand: int, wanted: tuple[int, str] | None) -> None:
    found = need(face, demand)
    assert (found.qty, found.reason) == wanted if found else wanted is None


def test_first_expired_goes_first() -> None:
    soon, late, never = Source(3, 5, today()), Source(2, 5, today() + LIFE), Source(1, 5, None)
    assert choose([never, late, soon], 12) == [(soon, 5), (late, 5), (never, 2)]


def test_a_face_below_its_least_is_filled_by_scan(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    [number] = ask(database, scope, hall)
    assert lines(database, scope) == [("L0", 20, "open"), ("L1", 16, "open")]
    one = gun()
    first = one.scan("A-2", document_no=number)
    assert (first.code, first.values["qty"], first.values["lot_no"]) == ("replenish_from", 20, "L0")
    said = one.scans(hall.label(lot_no=None), "P-1", hall.label(), "P-1")
    assert said == ["taken_in_hand", "replenished", "taken_in_hand", "replenished"]
    with database.unit_of_work(scope) as session:
        assert [lying(session, hall, place) for place in ("A-1", "A-2", "P-1")] == [84, 0, 40]
        assert session.scalars(select(Replenishment.state)).one() == "done"
        assert {task.state for task in session.scalars(select(Task))} == {"done"}
        assert sum(session.scalars(select(Balance.qty_reserved))) == 0
    assert ask(database, scope, hall) == []
    assert is_clean(database, scope)


def test_the_same_need_is_never_met_twice(database: Database, scope: Scope, hall: Hall) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: ask(database, scope, hall), range(6)))
    assert sorted(len(one) for one in found) == [0, 0, 0, 0, 0, 1]
    assert sum(qty for _, qty, _ in lines(database, scope)) == 36


def test_demand_beyond_the_face_is_added_to_what_stands_open(database: Database, scope: Scope, hall: Hall) -> None:
    [number] = ask(database, scope, hall)
    assert ask(database, scope, hall, {hall.milk.id: 40}) == []
    assert ask(database, scope, hall, {hall.milk.id: 52}) == [number]
    with database.unit_of_work(scope) as session:
        assert session.scalars(select(Replenishment.needed_qty)).one() == 48


def test_open_orders_are_the_demand(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        lines = (OrderLineIn(hall.milk.code, 55),)
        place_order(session, PlaceOrder("SO-D", hall.site.id, hall.owner.id, "0110", lines), build.now())
        assert demand(session, hall.site.id) == {hall.milk.id: 55}
        [made] = propose(session, "d", hall.site.id, build.now())
        assert (made.reason, made.needed_qty) == ("demand", 54)  # 55 wanted, 4 there: 51, in sixes


def test_parts_are_carried_and_taken_back(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    [number] = ask(database, scope, hall)
    one = gun()
    one.scans("A-2", "QTY 5", hall.label(lot_no=None), "P-1", document_no=number)
    assert one.scan("UNDO", document_no=number).code == "move_undone"
    with database.unit_of_work(scope) as session:
        assert (lying(session, hall, "A-2"), lying(session, hall, "P-1")) == (20, 4)
        assert set(session.scalars(select(ReplenishmentLine.done_qty))) == {0}
    assert one.scans(hall.label(lot_no=None), "P-1", document_no=number)[-1] == "replenished"
    assert is_clean(database, scope)


def test_too_few_is_said_and_counted(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    [number] = ask(database, scope, hall)
    said = gun().scans("A-2", "SHORT", document_no=number)
    assert said[-1] == "replenish_short"
    with database.unit_of_work(scope) as session:
        assert session.scalars(select(Count.kind)).one() == "short_pick"
        assert [state for *_, state in lines(database, scope)] == ["void", "open"]


@pytest.mark.parametrize(
    ("codes", "mistake"),
    [
        (("A-1",), "take_from_place"),
        (("CREAM",), "other_goods_wanted"),
        (("L1",), "other_goods_wanted"),
        (("QTY 21", "L0"), "too_many_to_replenish"),
        (("L0", "A-3"), "other_place_wanted"),
    ],
)
def test_each_mistake_has_its_own_answer(
    database: Database, scope: Scope, hall: Hall, gun: Gun, codes: tuple[str, ...], mistake: str
) -> None:
    [number] = ask(database, scope, hall)
    words = {"CREAM": hall.label(hall.cream), "L1": hall.label(), "L0": hall.label(lot_no=None)}
    assert gun().scans(*(words.get(code, code) for code in codes), document_no=number)[-1] == mistake


def test_skipping_names_the_next(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    [number] = ask(database, scope, hall)
    said = gun().scan("NEXT", document_no=number)
    assert (said.code, said.values["lot_no"]) == ("replenish_from", "L1")


def test_its_number_or_next_chooses_a_replenishment_and_it_is_left_when_all_is_carried(
    database: Database, scope: Scope, hall: Hall, gun: Gun
) -> None:
    assert gun().scan("NEXT").code == "no_replenishment"
    [number] = ask(database, scope, hall)
    one, other = gun(), gun()
    chosen = other.scan("NEXT")
    assert (chosen.code, chosen.context["document"]) == ("replenish_from", number)
    assert one.scan(number.lower()).code == "replenish_from"
    assert one.scans("A-2", hall.label(lot_no=None), number)[-1] == "place_first"
    assert one.scans("P-1", "A-1", hall.label(), "P-1")[-1] == "replenished"
    left = one.scan("A-3")
    assert (left.code, left.context["document"]) == ("place_chosen", None)
    ended = other.scan("A-1", document_no=number)
    assert (ended.outcome, ended.code) == ("stop", "replenishment_closed")
    assert other.scan("DONE", document_no=number).code == "replenishment_left"
    again = one.scan("UNDO")
    assert (again.code, again.context["document"]) == ("move_undone", number)
    assert is_clean(database, scope)


def test_goods_that_others_took_after_the_promise_ended_are_no_dead_end(
    database: Database, scope: Scope, hall: Hall, gun: Gun
) -> None:
    [number] = ask(database, scope, hall)
    with database.unit_of_work(scope) as session:
        release(session, session.scalars(select(ReplenishmentLine.reservation_id)).all())
    assert gun().scans("A-2", "QTY 20", hall.label(lot_no="L0"), "A-3")[-1] == "moved"
    one = gun()
    gone = one.scan(number)
    assert (gone.code, gone.values["place"]) == ("nothing_there_to_replenish", "A-2")
    assert one.scan("NEXT", document_no=number).values["place"] == "A-1"
    assert one.scans("A-1", hall.label(), "P-1")[-1] == "replenished"
    assert one.scan("SHORT").code == "replenish_short"
    assert [state for *_, state in lines(database, scope)] == ["void", "done"]
    assert is_clean(database, scope)


def test_called_off_gives_the_goods_back(database: Database, scope: Scope, hall: Hall, gun: Gun) -> None:
    [number] = ask(database, scope, hall)
    with database.unit_of_work(scope) as session:
        assert void(session, number).state == "void"
        assert sum(session.scalars(select(Balance.qty_reserved))) == 0
        with pytest.raises(rules.ReplenishmentClosed):
            void(session, number)
        with pytest.raises(rules.UnknownReplenishment):
            by_no(session, "RP1")
    assert gun().scan("A-2", document_no=number).code == "replenishment_closed"
    assert len(ask(database, scope, hall)) == 1


def test_what_others_reserved_is_not_taken(database: Database, scope: Scope, hall: Hall) -> None:
    with database.unit_of_work(scope) as session:
        reserve(session, Reserve("r", hall.account("A-1"), 100, build.now() + timedelta(hours=1), "SO-1"))
    ask(database, scope, hall)
    assert lines(database, scope) == [("L0", 20, "open")]


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        ({"min_qty": 40}, rules.BadLimits),
        ({"min_qty": -1}, rules.BadLimits),
        ({"place": "Q-1"}, rules.NotAPickPlace),
    ],
)
def test_limits_that_cannot_be_are_refused(
    database: Database, scope: Scope, hall: Hall, given: dict[str, Any], mistake: type[Exception]
) -> None:
    place = hall.places[given.pop("place", "P-1")].id
    with database.unit_of_work(scope) as session, pytest.raises(mistake):
        set_limits(session, [Limits(place, hall.milk.id, **({"min_qty": 1, "max_qty": 40} | given))])
