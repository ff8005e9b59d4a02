"""The lane loop on a real database: readings stored and parsed as devices send them, passages decided."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from iot import barrier, lanes, outbox
from iot.inbox import store
from iot.lanes import desk
from iot.parsing import parse_waiting
from iot.register import NewDevice, Register, arrival, register_device
from iot.tables import Outbox, Reading
from tests.iot.gate_yard import Yard, register_lane
from tests.iot.world import read_register
from tests.wms.gate.world import World, make_pass, make_world, new_plate
from web.demo.yard.lane import plate_message, weight_line
from wms.db import Database, Scope
from wms.gate.rules.lane import LaneParameters
from wms.gate.rules.refusals import AnotherVehicle
from wms.gate.service import ReleaseHold, customs_answered, release_hold, set_parameters
from wms.gate.tables import BarrierCommand, Decision, Passage, PassageReading
from wms.watch.tables import Alarm


@dataclass
class Line:
    """One lane and its devices, spoken to through the inbox; ``now`` is the clock of the loop."""

    database: Database
    scope: Scope
    world: World
    yard: Yard
    register: Register
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    seq: int = 0

    def say(self, role: str, payload: bytes) -> None:
        device = self.yard.devices[self.yard.lane.devices[role]]
        sender = self.register.by_code[device.code]
        came = arrival(self.register, sender, device.topic, payload, qos=1, door="embedded", limit_bytes=10**6)
        with self.database.unit_of_work(self.scope) as session:
            store(session, [came])
        with self.database.unit_of_work(self.scope) as session:
            parse_waiting(session, self.register)

    def event(self, role: str, type_: str, **data: Any) -> None:
        device = self.yard.devices[self.yard.lane.devices[role]]
        self.seq += 1
        body = {
            "v": 1, "id": str(uuid.uuid4()), "device": device.code, "kind": device.family, "type": type_,
            "seq": self.seq, "boot": "b", "ts": datetime.now(UTC).isoformat(), "ts_q": "ntp", "data": data,
        }  # fmt: skip
        self.say(role, json.dumps(body).encode())

    def arrives(self, plate: str, weight_g: int) -> None:
        camera = self.yard.lane.devices["plate"]
        self.event("loop", "loop", loop="arrive", occupied=True)
        self.say("plate", plate_message(camera, plate, 97))
        self.event("container", "container", containers=[{"number": ""}])
        self.say("scale", weight_line(weight_g, stable=True))
        with self.database.unit_of_work(self.scope) as session:  # the second weight comes a second later
            first = session.scalars(
                select(Reading).where(Reading.kind == "WeightRead").order_by(Reading.id.desc())
            ).first()
            assert first is not None
            kept = {c.name: getattr(first, c.name) for c in Reading.__table__.columns if c.name != "id"}
            session.add(
                Reading(**kept | {"reading_key": f"{first.reading_key}+1", "recorded_at": first.recorded_at + SECOND})
            )

    def tick(self, later_s: float = 1.5) -> int:
        sites = frozenset({self.world.shelf.site_id})
        return lanes.tick(self.database, self.scope, sites, datetime.now(UTC) + timedelta(seconds=later_s))

    def one(self, query: Any) -> Any:
        with self.database.unit_of_work(self.scope) as session:
            return session.scalar(query)

    def count(self, table: Any) -> int:
        return int(self.one(select(func.count()).select_from(table)))


SECOND = timedelta(seconds=1)


@pytest.fixture
def line(database: Database, scope: Scope) -> Iterator[Line]:
    with database.unit_of_work(scope) as session:
        world = make_world(session)
        yard = register_lane(session, world)
    yield Line(database, scope, world, yard, read_register(database, scope))
    desk._failures.clear()


def approved(line: Line) -> tuple[str, int]:
    with line.database.unit_of_work(line.scope) as session:
        gate_pass = make_pass(session, line.world)
        return gate_pass.vehicle_plate, gate_pass.total_weight_g


def test_devices_own_formats_make_one_decided_passage(line: Line) -> None:
    plate, total_g = approved(line)
    line.arrives(plate, total_g)
    while line.tick():
        pass
    assert line.one(select(Passage.state)) == "released"
    assert line.count(Decision) == line.count(BarrierCommand) == 1
    assert line.count(Reading) == line.count(PassageReading) == 5
    assert line.one(select(func.count()).select_from(Reading).where(Reading.state == "open")) == 0


def test_a_decision_and_its_command_leave_in_one_transaction(line: Line) -> None:
    plate, total_g = approved(line)
    line.arrives(plate, total_g)
    left: list[list[outbox.Due]] = []

    def send(session: Session, site_id: int) -> Callable[[], None]:
        due = barrier.send_along(session, [site_id], datetime.now(UTC), secret_key="s" * 32)
        return lambda: left.append(due)

    at = datetime.now(UTC) + timedelta(seconds=1.5)
    for _ in range(3):
        lanes.tick(line.database, line.scope, frozenset({line.world.shelf.site_id}), at, send=send)
    assert [len(due) for due in left] == [1]  # asked only where something was decided, let go behind its commit
    assert line.one(select(BarrierCommand.state)) == "sent"
    assert line.one(select(Outbox.state)) == "sent"  # nobody else takes it out


def test_what_only_a_lane_would_look_at_waits_for_none_where_the_device_has_no_lane(line: Line) -> None:
    with line.database.unit_of_work(line.scope) as session:
        new = NewDevice(f"quay{uuid.uuid4().hex[:8]}", line.world.shelf.site_id, "gate")
        register_device(session, new, "a secret of thirty-two characters")
    register = read_register(line.database, line.scope)
    device = register.by_code[new.code]
    body = {"v": 1, "id": str(uuid.uuid4()), "device": new.code, "kind": "gate", "type": "plate", "seq": 1, "boot": "b",
            "ts": datetime.now(UTC).isoformat(), "data": {"plate": "湘F12345", "confidence_pct": 99}}  # fmt: skip
    topic = f"wms/v1/{line.yard.site}/gate/{new.code}/event"
    came = arrival(register, device, topic, json.dumps(body).encode(), qos=1, door="embedded", limit_bytes=10**6)
    with line.database.unit_of_work(line.scope) as session:
        store(session, [came])
        done = parse_waiting(session, register)
    assert (done.messages, done.is_open) == (1, False)
    assert line.one(select(Reading.state)) == "ignored"


def test_crash_after_any_step_puts_the_same_passage_together_again(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    plate, total_g = approved(line)
    line.arrives(plate, total_g)
    real, calls = desk._apply, iter(range(100))

    def dies_at(step: int) -> Any:
        def apply(*given: Any) -> Any:
            settled = real(*given)
            if next(calls) == step:
                raise KeyboardInterrupt
            return settled

        return apply

    for step in range(3):
        calls = iter(range(100))
        monkeypatch.setattr(desk, "_apply", dies_at(step))
        try:
            line.tick()
        except KeyboardInterrupt:
            assert line.count(Decision) == 0
    monkeypatch.setattr(desk, "_apply", real)
    line.tick()
    assert line.count(Passage) == line.count(Decision) == line.count(BarrierCommand) == 1


def test_a_lane_that_fails_is_alarmed_and_in_the_end_set_aside(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("boom")

    monkeypatch.setattr(desk, "assemble", broken)
    line.event("loop", "loop", loop="arrive", occupied=True)
    for _ in range(desk.GIVE_UP_AFTER):
        assert line.one(select(Reading.state)) == "open"
        line.tick()
    assert line.one(select(Reading.state)) == "ignored"
    assert line.one(select(Alarm.code)) == "lane_failed"


def test_another_plate_in_front_of_a_held_vehicle_alarms_once_and_bars_its_release(line: Line) -> None:
    plate, total_g = approved(line)
    line.arrives(plate, total_g * 109 // 100)
    line.tick()
    assert line.one(select(Passage.hold_code)) == "weight_high"
    other = new_plate()
    line.say("plate", plate_message(line.yard.lane.devices["plate"], other, 98))
    for _ in range(3):
        line.tick()
    assert line.one(select(Alarm.code)) == "another_plate"
    assert line.one(select(Alarm.trigger_count)) == 1
    passage_id = line.one(select(Passage.id))
    with pytest.raises(AnotherVehicle, match=other[1:]), line.database.unit_of_work(line.scope) as session:
        release_hold(session, ReleaseHold(passage_id, line.world.officer.id, "let it through", datetime.now(UTC)))


def test_stale_readings_are_held_and_never_lift(line: Line) -> None:
    plate, total_g = approved(line)
    line.arrives(plate, total_g)
    line.tick(60)
    assert line.one(select(Passage.hold_code)) == "readings_stale"
    assert line.count(BarrierCommand) == 0


def at_rest(line: Line) -> datetime:
    """An instant shortly after the last reading, however long the machine took to store it."""
    return line.one(select(func.max(Reading.recorded_at))) + SECOND / 2  # type: ignore[no-any-return]


def tick_at(line: Line, at: datetime) -> int:
    return lanes.tick(line.database, line.scope, frozenset({line.world.shelf.site_id}), at)


def asks_customs(line: Line, **changes: Any) -> None:
    with line.database.unit_of_work(line.scope) as session:
        asks = LaneParameters(needs_container=True, source="a test", **changes)
        set_parameters(session, line.world.lane.id, asks, from_at=datetime.now(UTC) - timedelta(days=1))


@pytest.mark.parametrize(
    ("answer", "after_s", "state", "hold"),
    [
        ("lift", 1, "released", None),
        ("hold", 1, "held", "customs_says_hold"),
        (None, 5, "held", "customs_says_hold"),
        ("lift", 5, "held", "customs_says_hold"),
    ],
)
def test_a_lane_that_asks_customs_lifts_only_with_its_answer_in_time(
    line: Line, answer: str | None, after_s: int, state: str, hold: str | None
) -> None:
    asks_customs(line, needs_customs_answer=True)
    plate, total_g = approved(line)
    line.arrives(plate, total_g)
    first = at_rest(line)
    for _ in range(3):
        tick_at(line, first)
    assert line.one(select(Passage.state)) == "open"
    assert line.count(BarrierCommand) == 0
    seq_no, then = line.one(select(Passage.seq_no)), first + timedelta(seconds=after_s)
    if answer is not None:
        with line.database.unit_of_work(line.scope) as session:
            customs_answered(session, seq_no, answer, at=then)
    tick_at(line, then)
    assert (line.one(select(Passage.state)), line.one(select(Passage.hold_code))) == (state, hold)
    assert line.count(BarrierCommand) == (1 if state == "released" else 0)
    assert line.count(Reading) == line.count(PassageReading) == 5


def test_a_vehicle_that_came_in_by_the_exit_is_alarmed_and_held(line: Line) -> None:
    asks_customs(line, gap_ms=600_000)
    plate, total_g = approved(line)
    line.event("loop", "loop", loop="exit", occupied=True)
    tick_at(line, at_rest(line))
    assert line.one(select(Alarm.code)) == "wrong_way"
    line.arrives(plate, total_g)
    tick_at(line, at_rest(line))
    assert line.one(select(Passage.hold_code)) == "wrong_way"
    assert line.one(select(Decision.inputs))["seen"]["moved"] == "backward"


def test_an_opened_seal_holds_the_vehicle_and_is_kept_with_it(line: Line) -> None:
    plate, total_g = approved(line)
    line.event("container", "seal", seal="cn 77", intact=False)
    tick_at(line, at_rest(line))  # before any vehicle: of nobody
    line.event("loop", "loop", loop="arrive", occupied=True)
    line.event("container", "seal", seal="cn 77", intact=False)
    line.arrives(plate, total_g)
    tick_at(line, at_rest(line))
    assert line.one(select(Passage.hold_code)) == "seal_broken"
    kept = line.one(select(PassageReading.why).where(PassageReading.kind == "SealRead"))
    assert kept == "opened"
