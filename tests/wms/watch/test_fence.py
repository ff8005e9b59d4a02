"""The fence: edges kept once, alarms joined and taken to their review by persons, arming, patrols, levels, rates."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from tests.build import make_company, make_person, make_site, now, number
from wms.parties.dated import set_value
from wms.parties.tables import Person
from wms.watch.queries import fence as queries
from wms.watch.rules import AlarmNotOpen, CauseMissing, NobodySent, OutcomeUnknown, ReviewedBySettler, UnknownAlarm
from wms.watch.rules.fence import (
    AlreadyArmed,
    AlreadyDisarmed,
    BadPath,
    CheckpointTwice,
    NoRoundOpen,
    RouteExists,
    RouteTimes,
    SectionExists,
    SwitchReason,
    UnknownCheckpoint,
    UnknownRoute,
    UnknownSection,
    UnknownZone,
    VisitedAlready,
)
from wms.watch.service import acknowledge, close, dispatch, raise_alarm, review
from wms.watch.service.alarms import NewAlarm
from wms.watch.service.fence import (
    Edge,
    NewSection,
    add_section,
    add_sensor,
    add_zone,
    alarm_long_disarmed,
    switch,
    take_edge,
)
from wms.watch.service.levels import due_of, escalate
from wms.watch.service.patrols import NewCheckpoint, NewRoute, add_route, judge_rounds, route_by_code, visit
from wms.watch.tables import Alarm, AlarmOverdue, FenceSection, PatrolRound

START = now().replace(microsecond=0)


def seconds(n: float) -> timedelta:
    return timedelta(seconds=n)


def officer(session: Session) -> Person:
    return make_person(session, make_company(session, "customs"), "customs_officer")


@pytest.fixture
def section(session: Session) -> FenceSection:
    site = make_site(session)
    add_zone(session, site.id, "Z1", "围网一区", "Zone 1")
    new = NewSection(site.id, "N1", "北一段", "North 1", f"fibre-{number()}", 2600, 180_000, "Z1", (0, 0, 900, 0))
    return add_section(session, new)


def edge(section: FenceSection, **changes: Any) -> Edge:
    given = Edge(section.site_id, number(), section.sensor, True, "touch", START, object_class="human", event_at=START)
    return replace(given, **changes)


def alarms(session: Session) -> list[Alarm]:
    return list(session.scalars(select(Alarm).order_by(Alarm.id).execution_options(populate_existing=True)))


def test_an_edge_is_kept_once_and_raises_one_alarm(session: Session, section: FenceSection) -> None:
    one = edge(section)
    assert take_edge(session, one)
    assert not take_edge(session, one)  # the same reading again: after a crash, or by another worker
    (alarm,) = alarms(session)
    assert (alarm.code, alarm.fence_section_id, alarm.trigger_count) == ("fence_alarm", section.id, 1)
    (signal,) = queries.signals(session, section_id=section.id)
    assert (signal.alarm_id, signal.is_alarm, signal.was_armed) == (alarm.id, True, True)


def test_repeated_triggers_within_the_window_join_and_none_is_lost(session: Session, section: FenceSection) -> None:
    for n in range(5):
        at = START + seconds(29 * n)
        take_edge(session, edge(section, event_at=at, received_at=at))
    take_edge(session, edge(section, event_at=START + seconds(4 * 29 + 31), received_at=START + seconds(4 * 29 + 31)))
    assert [alarm.trigger_count for alarm in alarms(session)] == [5, 1]
    assert len(queries.signals(session, section_id=section.id)) == 6


def test_the_window_is_dated_data(session: Session, section: FenceSection) -> None:
    set_value(session, "fence.join_s", 5, valid_from_on=START.date(), source="a test")
    for n in (0, 6):
        take_edge(session, edge(section, event_at=START + seconds(n), received_at=START + seconds(n)))
    assert len(alarms(session)) == 2


def test_a_clearing_edge_is_kept_and_closes_nothing(session: Session, section: FenceSection) -> None:
    take_edge(session, edge(section))
    take_edge(session, edge(section, is_alarm=False, event_at=START + seconds(3)))
    assert [alarm.state for alarm in alarms(session)] == ["raised"]
    assert [signal.is_alarm for signal in queries.signals(session, section_id=section.id)] == [False, True]


@pytest.mark.parametrize("flag", ["replayed", "retained", "late", "ahead"])
def test_what_is_not_live_raises_under_a_code_of_its_own(session: Session, section: FenceSection, flag: str) -> None:
    take_edge(session, edge(section, is_live=False, flags=(flag,), event_at=START - timedelta(days=400)))
    (alarm,) = alarms(session)
    assert (alarm.code, alarm.event_at) == ("fence_alarm_late", START)
    (signal,) = queries.signals(session, alarm_id=alarm.id)
    assert (signal.flags, signal.is_live) == ((flag,), False)


def test_several_sensors_and_parts_of_a_device_belong_to_their_section(session: Session, section: FenceSection) -> None:
    device = f"unit-{number()}"
    other = add_section(session, NewSection(section.site_id, "N2", "北二段", "North 2", f"{device}-1", 2600, 90_000))
    add_sensor(session, section.id, device, "A")
    add_sensor(session, other.id, device, "B")
    add_sensor(session, other.id, device, "B")  # again: nothing happens
    for part, wanted in (("A", section.id), ("B", other.id)):
        take_edge(session, edge(section, device=device, part=part))
        assert alarms(session)[-1].fence_section_id == wanted
    with pytest.raises(SectionExists):
        add_sensor(session, section.id, device, "B")
    take_edge(session, edge(section, device="nobody-knows-it"))
    assert (alarms(session)[-1].fence_section_id, alarms(session)[-1].subject) == (None, "nobody-knows-it")


def test_a_disarmed_section_keeps_its_edges_and_raises_nothing(session: Session, section: FenceSection) -> None:
    person = officer(session)
    take_edge(session, edge(section))
    switch(session, section.id, is_armed=False, person_id=person.id, reason="works at the drain", at=START)
    assert [alarm.state for alarm in alarms(session)] == ["raised"]  # disarming settles nothing
    take_edge(session, edge(section, event_at=START + seconds(60)))
    assert len(alarms(session)) == 1
    assert [signal.was_armed for signal in queries.signals(session, section_id=section.id)] == [False, True]
    take_edge(session, edge(section, rule="tamper", event_at=START + seconds(70)))
    assert alarms(session)[-1].trigger_count + len(alarms(session)) > 2  # a sensor that is attacked tells always
    switch(session, section.id, is_armed=True, person_id=person.id, reason="works are done", at=START + seconds(80))
    assert [(row.is_armed, row.reason) for row in queries.switches(session, section.id)] == [
        (True, "works are done"), (False, "works at the drain"),
    ]  # fmt: skip


def test_a_low_battery_is_kept_and_is_no_touch(session: Session, section: FenceSection) -> None:
    take_edge(session, edge(section, rule="battery_low"))
    assert alarms(session) == []
    assert len(queries.signals(session, section_id=section.id)) == 1


def test_arming_wants_a_reason_and_a_change(session: Session, section: FenceSection) -> None:
    person = officer(session)
    given: dict[str, Any] = {"person_id": person.id, "at": START}
    with pytest.raises(SwitchReason):
        switch(session, section.id, is_armed=False, reason="  ab ", **given)
    with pytest.raises(AlreadyArmed):
        switch(session, section.id, is_armed=True, reason="because", **given)
    switch(session, section.id, is_armed=False, reason="because", **given)
    with pytest.raises(AlreadyDisarmed):
        switch(session, section.id, is_armed=False, reason="because", **given)
    with pytest.raises(UnknownSection):
        switch(session, 10**12, is_armed=True, reason="because", **given)


def test_a_section_disarmed_for_too_long_is_alarmed_once(session: Session, section: FenceSection) -> None:
    person = officer(session)
    switch(session, section.id, is_armed=False, person_id=person.id, reason="works at the drain", at=START)
    assert alarm_long_disarmed(session, START + timedelta(hours=7)) == 0
    assert alarm_long_disarmed(session, START + timedelta(hours=9)) == 1
    assert alarm_long_disarmed(session, START + timedelta(hours=10)) == 0
    assert [alarm.code for alarm in alarms(session)] == ["fence_disarmed_long"]


def test_an_alarm_is_taken_step_by_step_by_named_persons(session: Session, section: FenceSection) -> None:
    first, second = officer(session), officer(session)
    take_edge(session, edge(section))
    alarm_id = alarms(session)[0].id
    with pytest.raises(AlarmNotOpen):
        dispatch(session, alarm_id, person_id=first.id, to="patrol 2", at=START)
    acknowledge(session, alarm_id, person_id=first.id, at=START + seconds(10))
    with pytest.raises(NobodySent):
        dispatch(session, alarm_id, person_id=first.id, to=" ", at=START)
    dispatch(session, alarm_id, person_id=first.id, to="patrol 2", at=START + seconds(30))
    with pytest.raises(CauseMissing):
        close(session, alarm_id, person_id=first.id, cause=" ", at=START)
    with pytest.raises(OutcomeUnknown):
        close(session, alarm_id, person_id=first.id, cause="a goat", at=START, outcome="perhaps")
    with pytest.raises(AlarmNotOpen):
        review(session, alarm_id, person_id=second.id, note="looks right", at=START)
    close(session, alarm_id, person_id=first.id, cause="a goat at the net", at=START + seconds(600), outcome="false")
    with pytest.raises(ReviewedBySettler):
        review(session, alarm_id, person_id=first.id, note="looks right", at=START)
    with pytest.raises(CauseMissing):
        review(session, alarm_id, person_id=second.id, note="", at=START)
    review(session, alarm_id, person_id=second.id, note="seen on the clip", at=START + seconds(900))
    (alarm,) = alarms(session)
    assert (alarm.state, alarm.outcome, alarm.dispatched_to) == ("reviewed", "false", "patrol 2")
    with pytest.raises(UnknownAlarm):
        dispatch(session, 10**12, person_id=first.id, to="patrol", at=START)


def test_the_database_itself_lets_nobody_review_what_they_settled(session: Session, section: FenceSection) -> None:
    person = officer(session)
    take_edge(session, edge(section))
    alarm = alarms(session)[0]
    acknowledge(session, alarm.id, person_id=person.id, at=START)
    close(session, alarm.id, person_id=person.id, cause="a goat", at=START)
    alarm.state, alarm.reviewed_at, alarm.reviewed_by, alarm.review_note = "reviewed", START, person.id, "mine"
    with pytest.raises(IntegrityError, match="reviewer_not_settler"):
        session.flush()


def test_steps_are_held_against_dated_levels_and_told_once(session: Session, section: FenceSection) -> None:
    take_edge(session, edge(section))
    (alarm,) = alarms(session)
    raised = alarm.raised_at
    assert [step.late_s for step in due_of(session, alarm, raised + seconds(60))] == [0, 0, 0]
    assert escalate(session, raised + seconds(60)) == 0
    assert escalate(session, raised + seconds(301)) == 2  # acknowledge and dispatch
    assert escalate(session, raised + seconds(400)) == 0
    set_value(
        session, "watch.service_level", {"acknowledge_s": 1, "dispatch_s": 2, "settle_s": 3, "review_s": 4},
        valid_from_on=raised.date(), source="a test", subject="fence",
    )  # fmt: skip
    assert escalate(session, raised + seconds(400)) == 1
    assert session.scalar(select(func.count()).select_from(AlarmOverdue)) == 3
    assert [alarm.state for alarm in alarms(session)] == ["raised"]  # nothing closes itself
    person = officer(session)
    acknowledge(session, alarm.id, person_id=person.id, at=raised + seconds(11))
    assert due_of(session, alarms(session)[0], raised + seconds(500))[0].late_s == 10


def test_false_alarms_are_counted_by_section(session: Session, section: FenceSection) -> None:
    person = officer(session)
    for n, outcome in enumerate(("false", "false", "real", "test", None)):
        at = START + timedelta(minutes=5 * n)
        take_edge(session, edge(section, event_at=at, received_at=at))
        alarm_id = alarms(session)[-1].id
        acknowledge(session, alarm_id, person_id=person.id, at=at)
        close(session, alarm_id, person_id=person.id, cause="as it was", at=at, outcome=outcome)
    (row,) = queries.rates(session, START - timedelta(days=1), now() + timedelta(days=1))
    assert (row.n_alarms, row.n_false, row.n_real, row.n_test, row.false_permille) == (5, 2, 1, 1, 667)


def test_the_plan_shows_each_section_as_it_stands(session: Session, section: FenceSection) -> None:
    person = officer(session)

    def state() -> str:
        return queries.section(session, section.id, START).state

    assert state() == "quiet"
    switch(session, section.id, is_armed=False, person_id=person.id, reason="works here", at=START)
    assert state() == "disarmed"
    switch(session, section.id, is_armed=True, person_id=person.id, reason="works done", at=START)
    take_edge(session, edge(section))
    assert state() == "alarm"
    acknowledge(session, alarms(session)[0].id, person_id=person.id, at=START)
    assert state() == "taken"
    close(session, alarms(session)[0].id, person_id=person.id, cause="a goat", at=START)
    assert state() == "quiet"


def test_facility_figures_are_judged_by_dated_data(session: Session, section: FenceSection) -> None:
    named = {one.figure for one in queries.section(session, section.id, START).shortfalls}
    assert "height_mm" not in named
    assert "mesh_mm2" in named  # nobody measured it
    section.height_mm, section.mesh_mm2, section.post_gap_mm, section.barbed_rows = 2500, 2500, 51, 3
    section.strip_inside_mm = section.strip_outside_mm = 6000
    session.flush()
    (short,) = queries.section(session, section.id, START).shortfalls
    assert (short.figure, short.measured, short.asked) == ("post_gap_mm", 51, 50)


def test_setting_up_names_each_mistake(session: Session, section: FenceSection) -> None:
    new = NewSection(section.site_id, "N9", "段", "Part", f"s-{number()}", 2500, 1000)
    with pytest.raises(SectionExists):
        add_section(session, replace(new, code="N1"))
    with pytest.raises(SectionExists):
        add_section(session, replace(new, sensor=section.sensor))
    with pytest.raises(UnknownZone):
        add_section(session, replace(new, zone="nowhere"))
    for path in ((1,), (1, 2), (1, 2, 3)):
        with pytest.raises(BadPath):
            add_section(session, replace(new, path=path))


def route(session: Session, section: FenceSection, **changes: Any) -> Any:
    new = NewRoute(
        section.site_id, "R1", "夜巡", "Night round", START, 3600, 1800,
        (NewCheckpoint("C1", "一", "One", 0, 0), NewCheckpoint("C2", "二", "Two")),
    )  # fmt: skip
    return add_route(session, replace(new, **changes))


def test_a_round_is_walked_checkpoint_by_checkpoint(session: Session, section: FenceSection) -> None:
    person, walked = officer(session), route(session, section)
    given: dict[str, Any] = {"person_id": person.id}
    visit(session, walked.id, "C2", at=START + seconds(60), **given)
    with pytest.raises(VisitedAlready):
        visit(session, walked.id, "C2", at=START + seconds(70), **given)
    with pytest.raises(UnknownCheckpoint):
        visit(session, walked.id, "C9", at=START + seconds(70), **given)
    visit(session, walked.id, "C1", at=START + seconds(90), finding="mesh is cut", **given)
    assert session.scalar(select(PatrolRound.state)) == "done"
    with pytest.raises(VisitedAlready):
        visit(session, walked.id, "C1", at=START + seconds(95), **given)
    with pytest.raises(NoRoundOpen):
        visit(session, walked.id, "C1", at=START + seconds(2000), **given)
    with pytest.raises(UnknownRoute):
        visit(session, 10**12, "C1", at=START, **given)
    assert [(alarm.code, alarm.detail) for alarm in alarms(session)] == [("patrol_finding", "mesh is cut")]
    (shown,) = queries.rounds(session)
    assert [(place.code, place.finding) for place in shown.checkpoints] == [("C1", "mesh is cut"), ("C2", "")]


def test_a_missed_checkpoint_is_an_alarm_and_the_round_stays_missed(session: Session, section: FenceSection) -> None:
    person, walked = officer(session), route(session, section)
    visit(session, walked.id, "C1", person_id=person.id, at=START + seconds(60))
    assert judge_rounds(session, START + seconds(1799)) == 0
    assert judge_rounds(session, START + seconds(1800)) == 1
    assert judge_rounds(session, START + seconds(1900)) == 0
    assert [(alarm.code, alarm.detail) for alarm in alarms(session)] == [("patrol_missed", "C2")]
    assert judge_rounds(session, START + seconds(3 * 3600)) == 2  # rounds 2 and 3 were walked by nobody
    states = session.scalars(select(PatrolRound.state).order_by(PatrolRound.due_at)).all()
    assert states == ["missed", "missed", "missed", "open"]


def test_routes_name_each_mistake(session: Session, section: FenceSection) -> None:
    route(session, section)
    with pytest.raises(RouteExists):
        route(session, section)
    for wrong in ({"within_s": 59}, {"within_s": 3601}):
        with pytest.raises(RouteTimes):
            route(session, section, code="R2", **wrong)
    with pytest.raises(UnknownCheckpoint):
        route(session, section, code="R2", checkpoints=())
    places = (NewCheckpoint("C1", "一", "One"), NewCheckpoint("C1", "又一", "One again"))
    with pytest.raises(CheckpointTwice):
        route(session, section, code="R2", checkpoints=places)
    with pytest.raises(UnknownRoute):
        route_by_code(session, section.site_id, "R9")


def test_a_trigger_that_another_part_of_the_house_raises_joins_too(session: Session, section: FenceSection) -> None:
    take_edge(session, edge(section))
    raise_alarm(session, NewAlarm(section.site_id, "fence", "fence_alarm", section.sensor, START + seconds(1)))
    assert alarms(session)[0].trigger_count == 2


def test_who_armed_and_why_is_never_edited(session: Session, section: FenceSection) -> None:
    switch(session, section.id, is_armed=False, person_id=officer(session).id, reason="works here", at=START)
    with pytest.raises(DBAPIError, match="permission denied"), session.begin_nested():
        session.execute(text("UPDATE fence_switch SET reason = 'another one'"))
    with pytest.raises(DBAPIError, match="permission denied"), session.begin_nested():
        session.execute(text("DELETE FROM fence_signal"))
