"""Appointments, visits and the blacklist: who may come when, who is here, who stayed away."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.build import make_company, make_person, make_site, now
from tests.wms.gate.test_service import drive_through
from tests.wms.gate.world import World, crossing, make_lane, make_pass, make_world, new_plate, seen_of
from wms.db import Database, Scope
from wms.errors import WmsError
from wms.gate.queries import yard as queries
from wms.gate.rules import Seen
from wms.gate.rules import yard as rules
from wms.gate.rules.yard import BadAppointmentRules, Slot, SlotRules, check_slot, fits, rules_of, slots_of
from wms.gate.service import close_passage, decide_passage
from wms.gate.service.blacklisting import put_on_blacklist, take_off_blacklist
from wms.gate.service.booking import BookSlot, book, cancel, note_no_shows
from wms.gate.service.visiting import announce_arrival, move_on, note_overstays, turn_away
from wms.gate.tables import Appointment, AppointmentSlot, Visit, VisitStep
from wms.gate.verify import findings
from wms.parties.dated import set_value
from wms.parties.tables import Site
from wms.watch.tables import Alarm

RAW = {
    "opens": "07:00", "closes": "22:00", "slot_minutes": 60, "capacity": 2, "early_minutes": 60, "late_minutes": 60,
    "days_ahead": 14, "overstay_minutes": 720,
}  # fmt: skip
RULES = SlotRules(time(7), time(22), 60, 2, 60, 60, 14, 720)
ZONE = "Asia/Shanghai"
DAY = date(2027, 3, 5)


def local(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo(ZONE))


# --- the rules ------------------------------------------------------------------------------------------------------


def test_a_day_has_slots_from_opening_to_closing_time() -> None:
    slots = slots_of(DAY, RULES, ZONE)
    assert (len(slots), slots[0].from_at, slots[-1].until_at) == (15, local(7), local(22))


def test_a_slot_that_would_end_after_closing_time_is_none() -> None:
    slots = slots_of(DAY, SlotRules(time(7), time(8, 30), 60, 2, 60, 60, 14, 720), ZONE)
    assert [slot.from_at for slot in slots] == [local(7)]


@pytest.mark.parametrize(
    ("at", "when", "refusal"),
    [
        (local(9, 30), local(6), rules.NoSuchSlot),
        (local(6), local(5), rules.NoSuchSlot),
        (local(22), local(5), rules.NoSuchSlot),
        (local(9), local(10), rules.SlotOver),
        (local(9), local(9) - timedelta(days=15), rules.SlotTooFar),
    ],
)
def test_refuses_a_slot_that_is_none_or_over_or_too_far(at: datetime, when: datetime, refusal: type[WmsError]) -> None:
    with pytest.raises(refusal):
        check_slot(at, when, RULES, ZONE)


def test_a_slot_that_runs_may_still_be_booked_and_one_two_weeks_ahead_too() -> None:
    assert check_slot(local(9), local(9, 59), RULES, ZONE) == Slot(local(9), local(10))
    assert check_slot(local(9), local(9) - timedelta(days=14), RULES, ZONE).until_at == local(10)


@pytest.mark.parametrize(("minute", "fit"), [(-61, False), (-60, True), (0, True), (120, True), (121, False)])
def test_a_vehicle_comes_for_a_slot_from_an_hour_before_to_an_hour_after(minute: int, fit: bool) -> None:
    assert fits(Slot(local(9), local(10)), local(9) + timedelta(minutes=minute), RULES) is fit


# --- appointments ---------------------------------------------------------------------------------------------------


@pytest.fixture
def site(session: Session) -> Site:
    """A site that takes two vehicles in each slot, at every hour of the day."""
    made = make_site(session)
    allow(session, made, capacity=2)
    return made


def allow(session: Session, site: Site, *, capacity: int) -> None:
    value = {
        "opens": "00:00", "closes": "23:59", "slot_minutes": 30, "capacity": capacity, "early_minutes": 60,
        "late_minutes": 60, "days_ahead": 14, "overstay_minutes": 720,
    }  # fmt: skip
    set_value(session, rules.NAME, value, valid_from_on=date(2026, 1, 1), source="a test", subject=site.code)
    session.flush()


def next_slot(ahead: timedelta = timedelta(hours=1)) -> datetime:
    """A slot that begins later than now, never over midnight's missing last half hour."""
    return (datetime.now(ZoneInfo(ZONE)) + ahead).replace(minute=0, second=0, microsecond=0)


def booking(session: Session, site: Site, **changes: Any) -> BookSlot:
    given: dict[str, Any] = {
        "company_id": make_company(session, "logistics_firm").id, "site_id": site.id, "plate": new_plate(),
        "purpose": "deliver", "from_at": next_slot(timedelta(hours=2)), "at": now(),
    }  # fmt: skip
    return BookSlot(**(given | changes))


def test_books_a_slot_and_counts_its_places(session: Session, site: Site) -> None:
    command = booking(session, site)
    made = book(session, command)
    slot = session.get_one(AppointmentSlot, made.slot_id)
    assert (made.state, slot.booked, slot.capacity) == ("booked", 1, 2)
    rows = queries.free_slots(session, site, command.from_at)
    assert [row.booked for row in rows if row.from_at == command.from_at] == [1]


def test_refuses_a_third_vehicle_and_takes_it_when_one_is_cancelled(session: Session, site: Site) -> None:
    first, _ = book(session, booking(session, site)), book(session, booking(session, site))
    with pytest.raises(rules.SlotFull):
        book(session, booking(session, site))
    cancel(session, first.id, reason="the ship is late", at=now())
    assert book(session, booking(session, site)).state == "booked"


def test_refuses_the_same_vehicle_twice_in_a_slot(session: Session, site: Site) -> None:
    command = booking(session, site)
    book(session, command)
    with pytest.raises(rules.AlreadyBooked), session.begin_nested():
        book(session, command)


@pytest.mark.parametrize("plate", ["", "SCANIA", "12345", "湘F"])
def test_refuses_what_is_no_number_plate(session: Session, site: Site, plate: str) -> None:
    with pytest.raises(rules.BadPlate):
        book(session, booking(session, site, plate=plate))


def test_cancelling_needs_a_reason_a_booked_appointment_and_one_that_exists(session: Session, site: Site) -> None:
    made = book(session, booking(session, site))
    with pytest.raises(rules.YardReasonTooShort):
        cancel(session, made.id, reason=" x ", at=now())
    cancel(session, made.id, reason="no goods today", at=now())
    with pytest.raises(rules.AppointmentNotBooked):
        cancel(session, made.id, reason="no goods today", at=now())
    with pytest.raises(rules.UnknownAppointment):
        cancel(session, made.id + 10_000, reason="no goods today", at=now())


def test_eight_who_book_the_last_two_places_at_once_leave_none_overbooked(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        site = make_site(session)
        allow(session, site, capacity=2)
        commands = [booking(session, site) for _ in range(8)]

    def attempt(command: BookSlot) -> str:
        try:
            with database.unit_of_work(scope) as session:
                return book(session, command).state
        except rules.SlotFull:
            return "full"

    with ThreadPoolExecutor(8) as pool:
        said = sorted(pool.map(attempt, commands))
    assert said == ["booked"] * 2 + ["full"] * 6


def test_a_firm_sees_and_cancels_its_own_appointments_only(database: Database, scope: Scope) -> None:
    with database.unit_of_work(scope) as session:
        site = make_site(session)
        allow(session, site, capacity=2)
        mine, other = booking(session, site), booking(session, site)
        theirs = book(session, other).id
    firm = Scope(scope.tenant_id, role="declarant", company_id=mine.company_id, sees_all=False)
    with database.unit_of_work(firm) as session:
        own = book(session, mine).id
        assert [row.id for row in queries.appointments(session)] == [own]
        assert queries.appointment(session, theirs) is None
        with pytest.raises(rules.UnknownAppointment):
            cancel(session, theirs, reason="not mine to cancel", at=now())
        # It sees how many places are taken, but not by whom.
        assert [row.booked for row in queries.free_slots(session, site, mine.from_at) if row.booked] == [2]


def test_a_vehicle_that_does_not_come_is_a_no_show_with_one_alarm(session: Session, site: Site) -> None:
    command = booking(session, site)
    made = book(session, command)
    end = command.from_at + timedelta(minutes=30)
    assert note_no_shows(session, end + timedelta(minutes=60)) == 0
    assert note_no_shows(session, end + timedelta(minutes=61)) == 1
    assert note_no_shows(session, end + timedelta(minutes=62)) == 0
    assert session.get_one(Appointment, made.id).state == "no_show"
    assert list(session.scalars(select(Alarm.code))) == ["no_show"]


# --- visits ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def world(session: Session) -> World:
    made = make_world(session)
    allow(session, session.get_one(Site, made.shelf.site_id), capacity=5)
    return made


def come_in(session: Session, world: World, plate: str, weight_g: int, at: datetime) -> int:
    """A vehicle drives in through a lane of its own on a pass for an empty vehicle; returns the passage."""
    lane = make_lane(session, world.shelf.site_id, direction="I")
    empty = make_pass(
        session, world, plate=plate, direction="I", pass_type="6", lines=(), documents=(), vehicle_weight_g=weight_g
    )
    decided = decide_passage(session, crossing(lane, seen_of(empty, weight_g=weight_g), at=at))
    assert decided.verdict == "lift", decided
    drive_through(session, decided.passage_id)
    return decided.passage_id


def test_a_visit_from_its_appointment_to_the_exit_with_both_weighings(session: Session, world: World) -> None:
    site = session.get_one(Site, world.shelf.site_id)
    plate, begin = new_plate(), now()
    made = book(session, booking(session, site, plate=plate, from_at=next_slot(), at=begin))
    visit = announce_arrival(session, site.id, plate, person_id=None, at=begin)
    assert session.get_one(Appointment, made.id).state == "arrived"
    assert queries.visits(session, begin)[0].now.kind == "queue"  # type: ignore[union-attr]
    come_in(session, world, plate, 14_000_000, now())
    session.refresh(visit)
    assert (visit.state, visit.weigh_in_g) == ("inside", 14_000_000)
    officer = world.officer.id
    move_on(session, visit.id, "dock", "D-03", person_id=officer, at=now())
    move_on(session, visit.id, "inspection", "", person_id=officer, at=now())
    out = make_pass(session, world, plate=plate, qty=1)
    lifted = decide_passage(session, crossing(world.lane, seen_of(out)))
    drive_through(session, lifted.passage_id)
    row = queries.visit(session, visit.id, now())
    assert row is not None
    assert [step.kind for step in row.steps] == ["queue", "lane_in", "parking", "dock", "inspection", "lane_out"]
    assert all(step.until_at is not None for step in row.steps)
    assert (row.state, row.weigh_out_g) == ("left", out.total_weight_g)
    assert row.net_g == 14_000_000 - out.total_weight_g
    assert row.slot_at is not None
    assert [str(one) for one in findings(session)] == []


def test_a_vehicle_that_backs_out_of_its_lane_waits_outside_again_or_stands_inside(
    session: Session, world: World
) -> None:
    plate, begin = new_plate(), now()
    announce_arrival(session, world.shelf.site_id, plate, person_id=None, at=begin)
    lane = make_lane(session, world.shelf.site_id, direction="I")
    seen = Seen(plate=plate, plate_confidence_permille=980, weight_g=14_000_000)
    held = decide_passage(session, crossing(lane, seen))
    assert held.verdict == "hold"
    close_passage(session, held.passage_id, at=now(), went_through=False)
    [row] = queries.visits(session, now())
    assert [step.kind for step in row.steps] == ["queue", "lane_in", "queue"]
    assert row.now is not None
    come_in(session, world, plate, 14_000_000, now())
    held = decide_passage(session, crossing(world.lane, seen))
    close_passage(session, held.passage_id, at=now(), went_through=False)
    [row] = queries.visits(session, now())
    assert [step.kind for step in row.steps][3:] == ["lane_in", "parking", "lane_out", "parking"]
    assert [step.until_at is None for step in row.steps].count(True) == 1
    assert [str(one) for one in findings(session)] == []


def test_a_vehicle_that_waits_since_yesterday_comes_for_the_appointment_of_today(
    session: Session, world: World
) -> None:
    site, plate = session.get_one(Site, world.shelf.site_id), new_plate()
    visit = announce_arrival(session, site.id, plate, person_id=None, at=now() - timedelta(days=1))
    made = book(session, booking(session, site, plate=plate, from_at=next_slot(), at=now()))
    come_in(session, world, plate, 14_000_000, now())
    session.refresh(session.get_one(Appointment, made.id))
    appointment = session.get_one(Appointment, made.id)
    assert (appointment.state, appointment.visit_id) == ("arrived", visit.id)


def test_a_vehicle_without_an_appointment_is_counted_as_unannounced(session: Session, world: World) -> None:
    begin = now() - timedelta(minutes=1)
    come_in(session, world, new_plate(), 14_000_000, now())
    found = queries.expected(session, begin, now() + timedelta(minutes=1))
    assert (found.arrived, found.unannounced) == (0, 1)


def test_a_vehicle_outside_is_at_no_dock_and_one_that_left_is_nowhere(session: Session, site: Site) -> None:
    visit = announce_arrival(session, site.id, new_plate(), person_id=None, at=now())
    with pytest.raises(rules.StepNotPossible):
        move_on(session, visit.id, "dock", "D-01", person_id=None, at=now())
    with pytest.raises(rules.AlreadyHere):
        announce_arrival(session, site.id, visit.plate, person_id=None, at=now())
    assert turn_away(session, visit.id, at=now()).state == "gone"
    for act in (
        lambda: move_on(session, visit.id, "queue", "", person_id=None, at=now()),
        lambda: turn_away(session, visit.id, at=now()),
    ):
        with pytest.raises(rules.VisitOver):
            act()
    with pytest.raises(rules.UnknownVisit):
        turn_away(session, visit.id + 10_000, at=now())
    assert session.scalars(select(VisitStep.until_at)).one() is not None


def test_a_vehicle_that_stays_too_long_is_alarmed_once(session: Session, world: World) -> None:
    come_in(session, world, new_plate(), 14_000_000, now())
    assert note_overstays(session, now() + timedelta(hours=11)) == 0
    assert note_overstays(session, now() + timedelta(hours=13)) == 1
    assert note_overstays(session, now() + timedelta(hours=14)) == 0
    assert queries.visits(session, now())[0].is_overstay


def test_verify_finds_a_visit_that_does_not_agree_with_the_passages(session: Session, world: World) -> None:
    session.add(Visit(site_id=world.shelf.site_id, plate=new_plate(), state="left", left_at=now()))
    session.flush()
    assert ["no passage out" in str(one) for one in findings(session)] == [True]


# --- the blacklist --------------------------------------------------------------------------------------------------


def test_an_entry_holds_until_it_is_ended_by_a_named_officer_with_a_reason(session: Session, world: World) -> None:
    gate_pass = make_pass(session, world, qty=1)
    officer, at = world.officer.id, now()
    entry = put_on_blacklist(
        session, gate_pass.vehicle_plate, reason="smuggling in May", person_id=officer, at=at - timedelta(seconds=1)
    )
    with pytest.raises(rules.AlreadyBlacklisted):
        put_on_blacklist(session, gate_pass.vehicle_plate, reason="again", person_id=officer, at=at)
    held = decide_passage(session, crossing(world.lane, seen_of(gate_pass)))
    assert held.hold_code == "blacklisted"
    take_off_blacklist(session, entry.id, reason="cleared by the police", person_id=officer, at=now())
    assert decide_passage(session, crossing(world.lane, seen_of(gate_pass))).verdict == "lift"
    with pytest.raises(rules.BlacklistingOver):
        take_off_blacklist(session, entry.id, reason="once more", person_id=officer, at=now())
    rows = queries.blacklist(session, now(), only_living=False)
    assert [(row.plate, row.end_reason) for row in rows] == [(gate_pass.vehicle_plate, "cleared by the police")]
    assert queries.blacklist(session, now()) == []


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"plate": "SCANIA"}, rules.BadPlate),
        ({"reason": "no"}, rules.YardReasonTooShort),
        ({"until_at": datetime(2020, 1, 1, tzinfo=UTC)}, rules.EndsBeforeNow),
    ],
)
def test_refuses_a_bad_entry(session: Session, change: dict[str, Any], refusal: type[WmsError]) -> None:
    person = make_person(session, make_company(session, "customs"), "customs_officer")
    given = {"reason": "wanted by the police", "person_id": person.id, "at": now()} | change
    plate = str(given.pop("plate", new_plate()))
    add: Callable[..., Any] = put_on_blacklist
    with pytest.raises(refusal):
        add(session, plate, **given)
    with pytest.raises(rules.UnknownBlacklisting):
        take_off_blacklist(session, 10**9, reason="no such entry", person_id=person.id, at=now())
    assert session.scalar(select(func.count()).select_from(Visit)) == 0


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("slot_minutes", 0), ("slot_minutes", "60"), ("capacity", None), ("capacity", -1), ("opens", 7),
        ("opens", "25:00"), ("closes", "07:00"), ("late_minutes", 10**12), ("days_ahead", True),
        ("overstay_minutes", 0),
    ],
)  # fmt: skip
def test_a_dated_value_that_cannot_be_used_is_named_by_its_part(field: str, said: object) -> None:
    assert rules_of(RAW) == RULES
    with pytest.raises(BadAppointmentRules) as refusal:
        rules_of(RAW | {field: said})
    assert refusal.value.values["part"] == field
