"""Rounds on the desk, from open consignments to trucks that are booked, on the real database."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from routing import desk as planner
from routing.rounds.desk import asking, gathering, refusals
from routing.rounds.desk.asking import request_rounds, run_rounds
from routing.rounds.desk.booking import accept_rounds, cancel_rounds
from routing.rounds.desk.fleet import amend_truck, free_trucks, trucks
from routing.rounds.desk.gathering import gather
from routing.rounds.desk.reading import own_orders, whole_rounds
from routing.rounds.tables import RoundOrder, RoundTruck
from tests.build import make_company
from tests.routing.rounds.books import (
    COUNTIES,
    HUB,
    TRUCK,
    ask,
    at_clock,
    booked,
    made,
    make_trucks,
    now,
    stored,
    tomorrow,
)
from tests.wms.floor.leaving import build_yard
from tests.wms.floor.loads import packed
from tests.wms.freight.builders import form
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.floor.tables import OutboundOrder
from wms.freight import queries
from wms.freight.service import amend, announce
from wms.parties.tables import Company


def expected(session: Session, name: str) -> list[tuple[str, str]]:
    """Events that are estimated of a consignment, with the note of the newest first."""
    rows = [row for row in queries.milestones(session, name) if row.kind == "EST"]
    return [(row.event, row.event_at.isoformat()) for row in rows]


def test_open_consignments_become_booked_rounds(database: Database, scope: Scope) -> None:
    """The whole way: announced, planned into boxes, accepted, gathered by truck rounds, accepted."""
    with database.unit_of_work(scope) as session:
        owners = [make_company(session, "owner_of_goods") for _ in range(2)]
        names = []
        for at, place in enumerate(COUNTIES[:4]):
            one = form(owners[at % 2].id, origin=place, ready_at=now() - timedelta(hours=8))
            announce(session, one)
            names.append(one.consignment_no)
        plan_id = planner.request_plan(session, seconds=5)
    planner.run_plan(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        assert planner.accept_plan(session, plan_id) == 4
        bookings = {name: queries.booking(session, name) for name in names}
        hubs = Counter(one.legs[0][2] for one in bookings.values() if one is not None)
        hub, count = hubs.most_common(1)[0]
        make_trucks(session, 2, depot=hub, end_min=1380, shift_s=57_600)
    rounds_id = made(database, scope, ask(hub=hub))
    with database.unit_of_work(scope) as session:
        row = stored(session, rounds_id)
        assert (row.state, row.unserved) == ("solved", 0)
        assert len(row.orders) == count
        assert accept_rounds(session, rounds_id, person_id=None, now=now()) == row.rounds
        mine = [name for name, one in bookings.items() if one is not None and one.legs[0][2] == hub]
        for name in mine:
            assert [event for event, _ in expected(session, name)] == ["collected"]
    with database.unit_of_work(scope) as session, pytest.raises(refusals.NothingToDrive):
        request_rounds(session, ask(hub=hub), now())


def test_a_request_freezes_the_problem_and_defers_its_job(
    database: Database, scope: Scope, numbers: list[str]
) -> None:
    with database.unit_of_work(scope) as session:
        plan_id = request_rounds(session, ask(), now())
        row = stored(session, plan_id)
        assert sorted(one["consignment_no"] for one in row.orders) == sorted(numbers)
        assert [one["count"] for one in row.problem["trucks"]] == [3]
        jobs = session.execute(
            text("SELECT task_name FROM procrastinate_jobs WHERE lock = :lock"), {"lock": f"rounds-{plan_id}"}
        )
        assert jobs.scalars().all() == ["routing.rounds"]


def test_orders_beyond_the_most_that_are_looked_at_are_named(
    database: Database, scope: Scope, numbers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (gathering, asking):
        monkeypatch.setattr(place, "MOST_STOPS", 2)
    plan_id = made(database, scope, ask())
    with database.unit_of_work(scope) as session:
        row, found = stored(session, plan_id), whole_rounds(session, plan_id)
        later = [one for one in found.orders if one.reason == "later"]
        assert row.unserved == len(later) == len(numbers) - 2
        assert {one.order_no for one in found.orders} == set(numbers)
        assert later[0].values == {"most": 2}
        accept_rounds(session, plan_id, person_id=None, now=now())
        assert len(gather(session, HUB, row.day_on, None).entries) == 2


@pytest.mark.parametrize("mode", ["joint", "unified", "centralised"])
def test_shares_add_up_to_the_cost_to_the_fen(
    database: Database, scope: Scope, numbers: list[str], mode: str
) -> None:
    with database.unit_of_work(scope) as session:
        more = [booked(session, make_company(session), COUNTIES[0]) for _ in range(2)]
    plan_id = made(database, scope, ask(mode=mode))
    with database.unit_of_work(scope) as session:
        row, found = stored(session, plan_id), whole_rounds(session, plan_id)
        assert row.state == "solved"
        assert row.bound_minor is not None
        assert row.cost_minor is not None
        assert 0 < row.bound_minor <= row.cost_minor
        assert sorted(one.order_no for one in found.orders) == sorted([*numbers, *more])
        for one in found.plan.rounds:
            assert sum(order.share_minor or 0 for order in found.of_round(one.id)) == one.cost_minor
        assert sum(one.share_minor for one in found.bills()) == row.cost_minor
        assert sum(one.alone_minor for one in found.bills()) == row.alone_minor
        calls = [call.id for one in found.plan.rounds for call in one.calls if call.kind == "stop"]
        assert len(calls) == (8 if mode == "joint" else 6)


def test_the_same_seed_and_work_give_the_same_rounds(database: Database, scope: Scope, numbers: list[str]) -> None:
    first, second = made(database, scope), made(database, scope)
    with database.unit_of_work(scope) as session:
        one, other = whole_rounds(session, first), whole_rounds(session, second)
        assert one.plan.rounds == other.plan.rounds
        assert one.row.snapshot_sha256 == other.row.snapshot_sha256


def test_a_job_that_runs_again_changes_nothing(database: Database, scope: Scope, numbers: list[str]) -> None:
    plan_id = made(database, scope)
    run_rounds(database, plan_id=plan_id, tenant_id=scope.tenant_id)
    with database.unit_of_work(scope) as session:
        rows = session.scalars(select(RoundOrder.order_no).where(RoundOrder.plan_id == plan_id)).all()
        assert sorted(rows) == sorted(numbers)


def test_goods_whose_cut_off_is_that_day_come_home_before_it(database: Database, scope: Scope) -> None:
    """A truck may be out until eight in the evening; the goods must be at the hub at two."""
    with database.unit_of_work(scope) as session:
        owner = make_company(session, "owner_of_goods")
        make_trucks(session, 2)
        urgent = booked(session, owner, "CN430626", cut_off_at=at_clock(tomorrow(), 14))
        booked(session, owner, "CN430624")
    plan_id = made(database, scope)
    with database.unit_of_work(scope) as session:
        found = whole_rounds(session, plan_id)
        assert found.row.state == "solved"
        drops = [
            call for one in found.plan.rounds for call in one.calls if call.kind == "drop" and call.id == urgent
        ]  # fmt: skip
        assert len(drops) == 1
        assert drops[0].begin_at <= at_clock(tomorrow(), 14).timestamp()


def test_what_arrived_at_the_hub_is_brought_to_its_consignee(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        owner = make_company(session, "owner_of_goods")
        make_trucks(session, 1)
        name = booked(
            session, owner, "JPOSA", destination="CN430681", way=("JPOSA", HUB),
            cut_off_at=now() - timedelta(days=9), stripped_at=now() - timedelta(hours=2),
        )  # fmt: skip
    plan_id = made(database, scope)
    with database.unit_of_work(scope) as session:
        accept_rounds(session, plan_id, person_id=None, now=now())
        order = session.get_one(RoundOrder, (plan_id, name))
        assert (order.kind, order.place) == ("deliver", "CN430681")
        assert order.arrive_at is not None
        assert expected(session, name) == [("delivery", order.arrive_at.isoformat())]


def test_packed_orders_are_brought_to_places_that_are_known(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        yard = build_yard(session)
        yard.site.unlocode = HUB
        wanted = packed(session, yard, 4, consignee_region="汨罗市", consignee_name="汨罗店")[1]
        packed(session, yard, 2, consignee_region="月球")
        make_trucks(session, 1)
        number = session.get_one(OutboundOrder, wanted).order_no
    plan_id = made(database, scope)
    with database.unit_of_work(scope) as session:
        (order,) = whole_rounds(session, plan_id).orders
        assert (order.order_no, order.kind, order.order_id, order.place) == (number, "deliver", wanted, "CN430681")
        assert accept_rounds(session, plan_id, person_id=None, now=now()) == 1
        with pytest.raises(refusals.NothingToDrive):
            request_rounds(session, ask(), now())


def test_only_what_concerns_the_hub_and_the_day_is_gathered(session: Session, owner: Company) -> None:
    booked(session, owner, HUB)  # lies there already
    booked(session, owner, way=("CNCSD", "DEDUI"))  # leaves from elsewhere
    booked(session, owner, cut_off_at=now() - timedelta(hours=1))  # too late for any day to come
    announce(session, form(owner.id, origin="CN430626"))  # not planned yet
    wanted = booked(session, owner)
    assert [one["id"] for one in gather(session, HUB, tomorrow(), None).entries] == [wanted]


def test_nothing_to_drive_and_no_truck_are_refused_at_once(session: Session, owner: Company) -> None:
    with pytest.raises(refusals.NothingToDrive):
        request_rounds(session, ask(), now())
    booked(session, owner)
    with pytest.raises(refusals.NoTruckAtHome, match=HUB):
        request_rounds(session, ask(), now())


def test_what_no_truck_can_carry_is_left_out_with_its_reason(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        owner = make_company(session, "owner_of_goods")
        make_trucks(session, 1)
        heavy = booked(session, owner, weight_g=9_000_000)
        booked(session, owner)
    plan_id = made(database, scope)
    with database.unit_of_work(scope) as session:
        left = session.get_one(RoundOrder, (plan_id, heavy))
        assert (left.round_no, left.reason) == (None, "too_much")
        assert left.values == {"what": "weight_g", "amount": 9_000_000, "holds": 4_200_000, "truck": "T42"}
        accept_rounds(session, plan_id, person_id=None, now=now())
        assert [one["id"] for one in gather(session, HUB, tomorrow(), None).entries] == [heavy]


def test_accepting_books_trucks_orders_and_expectations_once(
    database: Database, scope: Scope, numbers: list[str]
) -> None:
    plan_id = made(database, scope)
    for _ in range(2):
        with database.unit_of_work(scope) as session:
            assert accept_rounds(session, plan_id, person_id=None, now=now()) == stored(session, plan_id).rounds
    with database.unit_of_work(scope) as session:
        assert stored(session, plan_id).state == "accepted"
        driven = session.scalars(select(RoundTruck).where(RoundTruck.plan_id == plan_id)).all()
        assert len({one.truck_id for one in driven}) == len(driven) == stored(session, plan_id).rounds
        for name in numbers:
            order = session.get_one(RoundOrder, (plan_id, name))
            assert order.booked_at is not None
            assert order.arrive_at is not None
            assert expected(session, name) == [("collected", order.arrive_at.isoformat())]
        busy = {one.truck_id for one in driven}
        assert not busy & {one.id for one in free_trucks(session, HUB, tomorrow(), company_id=None)}


def test_of_two_rivals_one_wins_whoever_comes_first(database: Database, scope: Scope, numbers: list[str]) -> None:
    plans = [made(database, scope), made(database, scope)]
    said: list[str] = []

    def rival(plan_id: int) -> None:
        try:
            with database.unit_of_work(scope) as session:
                accept_rounds(session, plan_id, person_id=None, now=now())
            said.append("accepted")
        except WmsError as refusal:
            said.append(refusal.code)

    rivals = [threading.Thread(target=rival, args=(plan_id,)) for plan_id in plans]
    for one in rivals:
        one.start()
    for one in rivals:
        one.join()
    assert sorted(said) == ["accepted", "order_on_a_round"]
    with database.unit_of_work(scope) as session:
        live = session.scalars(select(RoundOrder.consignment_id).where(RoundOrder.booked_at.is_not(None))).all()
        assert len(live) == len(set(live)) == len(numbers)


def test_rounds_whose_goods_changed_are_refused_by_name(
    database: Database, scope: Scope, numbers: list[str]
) -> None:
    plan_id = made(database, scope)
    with database.unit_of_work(scope) as session:
        session.execute(
            text("UPDATE consignment SET version = version + 1 WHERE consignment_no = :no"), {"no": numbers[1]}
        )
    with database.unit_of_work(scope) as session, pytest.raises(refusals.RoundsStale) as refused:
        accept_rounds(session, plan_id, person_id=None, now=now())
    assert refused.value.values["orders"] == numbers[1]


def test_rounds_that_should_have_begun_are_refused(database: Database, scope: Scope, numbers: list[str]) -> None:
    plan_id = made(database, scope)
    later = at_clock(tomorrow(), 23)
    with database.unit_of_work(scope) as session, pytest.raises(refusals.RoundsPassed):
        accept_rounds(session, plan_id, person_id=None, now=later)


def test_a_truck_that_was_changed_or_is_out_is_refused_by_its_plate(
    database: Database, scope: Scope, numbers: list[str]
) -> None:
    plan_id = made(database, scope)
    with database.unit_of_work(scope) as session:
        plate = stored(session, plan_id).fleet["T42"][0][1]
        assert amend_truck(session, plate, replace(TRUCK, km_minor=200), person_id=None) == 2
    with database.unit_of_work(scope) as session, pytest.raises(refusals.TruckGone, match=plate):
        accept_rounds(session, plan_id, person_id=None, now=now())


def test_unsolved_rounds_cannot_be_accepted(database: Database, scope: Scope, numbers: list[str]) -> None:
    with database.unit_of_work(scope) as session:
        plan_id = request_rounds(session, ask(), now())
    with database.unit_of_work(scope) as session, pytest.raises(refusals.RoundsNotSolved):
        accept_rounds(session, plan_id, person_id=None, now=now())
    with database.unit_of_work(scope) as session, pytest.raises(refusals.UnknownRounds):
        accept_rounds(session, plan_id + 1000, person_id=None, now=now())


def test_a_cancelled_round_frees_truck_and_goods_and_says_why(
    database: Database, scope: Scope, numbers: list[str]
) -> None:
    plan_id = made(database, scope)
    with database.unit_of_work(scope) as session:
        count = accept_rounds(session, plan_id, person_id=None, now=now())
    with database.unit_of_work(scope) as session:
        for reason in ("", "  ", "x" * 501):
            with pytest.raises(refusals.ReasonMissing):
                cancel_rounds(session, plan_id, reason, person_id=None, now=now())
        with pytest.raises(refusals.UnknownRound):
            cancel_rounds(session, plan_id, "flat tyre", round_no="R999", person_id=None, now=now())
        assert cancel_rounds(session, plan_id, "flat tyre", round_no="R001", person_id=None, now=now()) == 1
        gone = [one.order_no for one in whole_rounds(session, plan_id).of_round("R001")]
        assert sorted(one["id"] for one in gather(session, HUB, tomorrow(), None).entries) == sorted(gone)
        cut_off = next(row.event_at for row in queries.milestones(session, gone[0]) if row.event == "cut_off")
        assert expected(session, gone[0])[-1] == ("collected", cut_off.isoformat())
        assert stored(session, plan_id).state == ("cancelled" if count == 1 else "accepted")
    if count > 1:
        with database.unit_of_work(scope) as session:
            assert cancel_rounds(session, plan_id, "strike", person_id=None, now=now()) == count - 1
            assert (stored(session, plan_id).state, stored(session, plan_id).cancel_reason) == ("cancelled", "strike")
    with database.unit_of_work(scope) as session, pytest.raises(refusals.NotBookedRound):
        cancel_rounds(session, plan_id, "again", person_id=None, now=now())


def test_a_round_that_was_driven_is_not_cancelled(database: Database, scope: Scope, numbers: list[str]) -> None:
    plan_id = made(database, scope)
    with database.unit_of_work(scope) as session:
        accept_rounds(session, plan_id, person_id=None, now=now())
    with database.unit_of_work(scope) as session, pytest.raises(refusals.NotBookedRound):
        cancel_rounds(session, plan_id, "too late", person_id=None, now=now() + timedelta(days=3))


# --- whose they are -----------------------------------------------------------------------------------------


def test_a_firm_sees_its_own_orders_and_shares_only(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        mine, other = make_company(session, "owner_of_goods"), make_company(session, "owner_of_goods")
        make_trucks(session, 2)
        own = booked(session, mine, "CN430626")
        booked(session, other, "CN430681")
    plan_id = made(database, scope)
    with database.unit_of_work(scope) as session:
        accept_rounds(session, plan_id, person_id=None, now=now())
    firm = Scope(scope.tenant_id, role="planner", company_id=mine.id, sees_all=False)
    with database.unit_of_work(firm) as session:
        rows = own_orders(session, plan_id, company_id=mine.id)
        assert [one.order_no for one in rows] == [own]
        assert rows[0].share_minor is not None
        assert session.scalars(select(RoundOrder.order_no)).all() == [own]
        assert session.scalars(select(RoundTruck)).all() == []
        assert trucks(session, company_id=mine.id) == []
        with pytest.raises(refusals.UnknownRounds):
            whole_rounds(session, plan_id)


def test_a_firm_plans_its_own_goods_with_its_own_trucks(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        mine, other = make_company(session, "owner_of_goods"), make_company(session, "owner_of_goods")
        make_trucks(session, 2)
        [plate] = make_trucks(session, 1, company_id=mine.id, kind="OWN")
        own = booked(session, mine)
        booked(session, other)
    plan_id = made(database, scope, ask(company_id=mine.id))
    firm = Scope(scope.tenant_id, role="planner", company_id=mine.id, sees_all=False)
    with database.unit_of_work(firm) as session:
        assert accept_rounds(session, plan_id, person_id=None, now=now()) == 1
        found = whole_rounds(session, plan_id)
        assert [one.order_no for one in found.orders] == [own]
        assert found.driven["R001"].plate == plate
    with database.unit_of_work(scope) as session:
        assert own not in [one["id"] for one in gather(session, HUB, tomorrow(), None).entries]


def test_amended_goods_are_planned_anew(database: Database, scope: Scope, numbers: list[str]) -> None:
    """`amend` is for open consignments; a booked one keeps what it is."""
    with database.unit_of_work(scope) as session:
        row = queries.consignment(session, numbers[0])
        assert row is not None
        with pytest.raises(WmsError):
            amend(session, form(row.owner_id, consignment_no=numbers[0]))
