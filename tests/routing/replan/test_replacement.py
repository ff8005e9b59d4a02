"""A repair takes the place of a plan made by hand: what has begun stays, what is stranded stays booked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from routing import desk
from routing.changes import DepartureChange
from routing.desk import NotItsPlace, PlanStale, UnknownPlan
from routing.hand_over.opening import HasLeft, NothingStranded, Stranded, open_box, stranded_of
from routing.plan import Plan
from routing.replan.desk import (
    accept_in_place,
)
from routing.tables import StoredPlan
from tests.build import make_company
from tests.routing.stored import held, stored_plan, successor
from tests.wms.freight.builders import make_consignments
from wms.db import Database, Scope
from wms.freight import queries
from wms.freight.service.milestones import Report, report_consignment


@dataclass(frozen=True)
class ByHand:
    """An accepted plan: K1 and K2 in box B0001, K3 loose, K4 behind; ids of plan and consignments."""

    plan_id: int
    names: tuple[str, ...]


@pytest.fixture
def by_hand(database: Database, scope: Scope) -> ByHand:
    with database.unit_of_work(scope) as session:
        base = stored_plan(session, make_company(session, "owner_of_goods"))
        desk.accept_plan(session, base.id)
        return ByHand(base.id, tuple((base.versions or {}).keys()))


def states(session: Session) -> dict[str, str]:
    return {row.consignment_no: row.state for row in queries.consignments(session)}


def next_of(session: Session, plan_id: int, **changes: Any) -> int:
    return successor(session, session.get_one(StoredPlan, plan_id), **changes).id


def test_what_is_under_way_or_delivered_stays_so_when_its_plan_is_replaced(
    database: Database, scope: Scope, by_hand: ByHand
) -> None:
    now = datetime.now(UTC)
    first, second, third, _ = by_hand.names
    with database.unit_of_work(scope) as session:
        made = next_of(session, by_hand.plan_id)
        report_consignment(session, first, Report("collected", "ACT", now - timedelta(hours=2), "floor"), now)
        report_consignment(session, second, Report("delivery", "ACT", now - timedelta(hours=1), "consignee"), now)
    with database.unit_of_work(scope) as session:
        accept_in_place(session, made)
    with database.unit_of_work(scope) as session:
        found = states(session)
        assert [found[name] for name in (first, second, third)] == ["under_way", "delivered", "booked"]
        assert {plan_id for plan_id, _ in held(session).values()} == {made}


def test_goods_stranded_in_a_closed_box_stay_booked_and_those_left_behind_are_open_again(
    database: Database, scope: Scope, by_hand: ByHand
) -> None:
    first, second, third, _ = by_hand.names
    with database.unit_of_work(scope) as session:
        before = held(session)
        made = next_of(session, by_hand.plan_id, stranded=(first,), without=(second,))
        assert accept_in_place(session, made) == 1
    with database.unit_of_work(scope) as session:
        found = states(session)
        assert [found[name] for name in (first, second, third)] == ["booked", "open", "booked"]
        assert held(session) == {first: before[first], third: (made, before[third][1])}
        again = next_of(session, made, stranded=(first,))
        assert accept_in_place(session, again) == 1
        assert held(session)[first] == before[first]


def test_a_repair_of_a_repair_takes_back_what_the_first_one_left_behind(
    database: Database, scope: Scope, by_hand: ByHand
) -> None:
    with database.unit_of_work(scope) as session:
        document = session.get_one(StoredPlan, by_hand.plan_id).document
        first = next_of(session, by_hand.plan_id, without=by_hand.names[:1])
        assert accept_in_place(session, first) == 2
    with database.unit_of_work(scope) as session:
        second = next_of(session, first, document=document)
        assert accept_in_place(session, second) == 3
    with database.unit_of_work(scope) as session:
        assert {plan_id for plan_id, _ in held(session).values()} == {second}


def moving(session: Session, by_hand: ByHand) -> int:
    """A repair that puts K2 into a box of its own."""
    return next_of(session, by_hand.plan_id, boxes={by_hand.names[1]: "B0003"})


def test_what_has_begun_since_the_repair_was_asked_for_is_not_moved(
    database: Database, scope: Scope, by_hand: ByHand
) -> None:
    now = datetime.now(UTC)
    with database.unit_of_work(scope) as session:
        made = moving(session, by_hand)
        report_consignment(session, by_hand.names[1], Report("collected", "ACT", now, "floor"), now)
    with database.unit_of_work(scope) as session, pytest.raises(PlanStale, match=by_hand.names[1]):
        accept_in_place(session, made)


def test_what_closed_since_the_repair_was_asked_for_is_not_moved(
    database: Database, scope: Scope, by_hand: ByHand
) -> None:
    with database.unit_of_work(scope) as session:
        made = moving(session, by_hand)
        base = session.get_one(StoredPlan, by_hand.plan_id)
        assert base.document is not None
        past = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        base.document = base.document | {"segments": [one | {"close_at": past} for one in base.document["segments"]]}
    with database.unit_of_work(scope) as session, pytest.raises(PlanStale, match=by_hand.names[1]):
        accept_in_place(session, made)


def test_a_repair_that_moves_nothing_of_what_is_closed_or_begun_is_accepted(
    database: Database, scope: Scope, by_hand: ByHand
) -> None:
    now = datetime.now(UTC)
    with database.unit_of_work(scope) as session:
        made = moving(session, by_hand)
        report_consignment(session, by_hand.names[0], Report("collected", "ACT", now, "floor"), now)
    with database.unit_of_work(scope) as session:
        assert accept_in_place(session, made) == 3


def test_a_repair_of_an_accepted_plan_is_not_accepted_beside_it(
    database: Database, scope: Scope, by_hand: ByHand
) -> None:
    with database.unit_of_work(scope) as session:
        made, rival = (next_of(session, by_hand.plan_id, without=by_hand.names[:3]) for _ in range(2))
    with database.unit_of_work(scope) as session, pytest.raises(NotItsPlace, match="accept it in place"):
        desk.accept_plan(session, made)
    with database.unit_of_work(scope) as session:
        accept_in_place(session, made)
    with database.unit_of_work(scope) as session, pytest.raises(NotItsPlace, match="which is superseded"):
        desk.accept_plan(session, rival)


def test_the_next_plan_knows_what_accepted_repairs_know_of_departures(
    database: Database, scope: Scope, by_hand: ByHand
) -> None:
    with database.unit_of_work(scope) as session:
        first, second = (leg.departure for leg in desk.Plan.model_validate(
            session.get_one(StoredPlan, by_hand.plan_id).document).legs[:2])  # fmt: skip
        gone, past = {"cancelled": True}, "BARGE-DOWN@20200101T1000"
        made = next_of(session, by_hand.plan_id, departures={first: gone, past: gone})
        make_consignments(session, 1)
        assert desk.snapshot(session, weeks=4)[0].changes.departures == {}  # it is not accepted yet
        accept_in_place(session, made)
        known = desk.snapshot(session, weeks=4)[0].changes.departures
        assert known == {first: DepartureChange(cancelled=True)}
        last = next_of(session, made, departures={first: {"depart_late_s": 60}, second: {"capacity": 3}})
        accept_in_place(session, last)
        known = desk.snapshot(session, weeks=4)[0].changes.departures
        assert known == {first: DepartureChange(depart_late_s=60), second: DepartureChange(capacity=3)}


def test_of_what_several_plans_know_of_a_departure_nothing_is_forgotten(
    database: Database, scope: Scope, by_hand: ByHand
) -> None:
    with database.unit_of_work(scope) as session:
        other = stored_plan(session, make_company(session, "owner_of_goods"))
        desk.accept_plan(session, other.id)
        name = desk.Plan.model_validate(other.document).legs[0].departure
        accept_in_place(session, next_of(session, by_hand.plan_id, departures={name: {"depart_late_s": 60}}))
        more = {name: {"cancelled": True, "capacity": 3}}
        accept_in_place(session, next_of(session, other.id, departures=more))
        known = desk.snapshot(session, weeks=4)[0].changes.departures
        assert known == {name: DepartureChange(cancelled=True, depart_late_s=60, capacity=3)}


def stranded(database: Database, scope: Scope, by_hand: ByHand) -> tuple[int, str]:
    """A repair has taken the plan's place and strands K1 in its closed box; the repair's id and the box."""
    with database.unit_of_work(scope) as session:
        made = next_of(session, by_hand.plan_id, stranded=by_hand.names[:1])
        accept_in_place(session, made)
        return made, "B0001"


def opened(session: Session, plan_id: int, box_no: str) -> list[str]:
    return open_box(session, plan_id, box_no, reason="the border stays closed", now=datetime.now(UTC))


def test_a_stranded_box_that_is_opened_gives_its_goods_back_to_be_planned(
    database: Database, scope: Scope, by_hand: ByHand
) -> None:
    made, box = stranded(database, scope, by_hand)
    name = by_hand.names[0]
    with database.unit_of_work(scope) as session:
        one = [Stranded(by_hand.plan_id, box, (name,))]
        assert stranded_of(session, made) == stranded_of(session, by_hand.plan_id) == one
        before = queries.consignment(session, name)
        assert before is not None
        assert opened(session, by_hand.plan_id, box) == [name]
        after = queries.consignment(session, name)
        assert after is not None
        assert (after.state, after.origin, after.version) == ("open", before.origin, before.version + 1)
        assert stranded_of(session, made) == []
        assert name not in held(session)
        problem, _versions = desk.snapshot(session, weeks=4)
        assert name in {good.id for good in problem.consignments}
    with database.unit_of_work(scope) as session, pytest.raises(NothingStranded):
        opened(session, by_hand.plan_id, box)


def test_goods_that_were_collected_go_on_from_where_their_box_stands(
    database: Database, scope: Scope, by_hand: ByHand
) -> None:
    name, now = by_hand.names[0], datetime.now(UTC)
    with database.unit_of_work(scope) as session:
        made = next_of(session, by_hand.plan_id, stranded=(name,))
        report_consignment(session, name, Report("collected", "ACT", now - timedelta(hours=2), "floor"), now)
        accept_in_place(session, made)
    with database.unit_of_work(scope) as session:
        row = session.get_one(StoredPlan, by_hand.plan_id)
        plan = Plan.model_validate(row.document)
        stuffed = {one.id: one.stuffing_place for one in plan.segments}
        segment = next(one.segment for one in plan.assignments if one.consignment == name)
        assert opened(session, by_hand.plan_id, "B0001") == [name]
        after = queries.consignment(session, name)
        assert after is not None
        assert (after.state, after.origin) == ("open", stuffed[segment])


def test_a_box_that_is_live_or_has_left_is_not_opened(database: Database, scope: Scope, by_hand: ByHand) -> None:
    with database.unit_of_work(scope) as session:
        assert stranded_of(session, by_hand.plan_id) == []
        with pytest.raises(NothingStranded):
            opened(session, by_hand.plan_id, "B0001")
        with pytest.raises(UnknownPlan):
            opened(session, 999_999, "B0001")
    made, box = stranded(database, scope, by_hand)
    now = datetime.now(UTC)
    with database.unit_of_work(scope) as session, pytest.raises(NothingStranded):
        opened(session, made, box)
    with database.unit_of_work(scope) as session:
        for event, hours in (("collected", 5), ("departure", 3)):
            leg_no = 1 if event == "departure" else None
            report = Report(event, "ACT", now - timedelta(hours=hours), "carrier", leg_no=leg_no)
            report_consignment(session, by_hand.names[0], report, now)
    with database.unit_of_work(scope) as session, pytest.raises(HasLeft, match=by_hand.names[0]):
        opened(session, by_hand.plan_id, box)


def test_a_consignment_that_is_ready_later_says_so_in_its_record_once_the_repair_is_accepted(
    database: Database, scope: Scope, by_hand: ByHand
) -> None:
    name = by_hand.names[2]
    with database.unit_of_work(scope) as session:
        before = queries.consignment(session, name)
        assert before is not None
        later = before.ready_at + timedelta(hours=7)
        made = session.get_one(StoredPlan, next_of(session, by_hand.plan_id))
        made.happened = {
            "events": {"events": [{"kind": "late", "consignment": name, "ready_at": later.isoformat()}]},
            "move_minor": None,
        }
        session.flush()
        accept_in_place(session, made.id)
        after = queries.consignment(session, name)
        assert after is not None
        assert (after.ready_at, after.version) == (later, before.version + 2)  # and its booking was ended once
        accept_in_place(session, made.id)
        again = queries.consignment(session, name)
        assert again == after
