"""A gate under load: the last reading of a vehicle → its barrier command at the controller, through sockets and disk.

Sixteen lanes at 225 vehicles an hour each (a vehicle every sixteen seconds), about fifteen messages a vehicle, while
other devices of the site send 1,000 events a second. Everything is real: a PostgreSQL with fsync on, the ingest process
with its embedded broker, MQTT clients for the lanes; the clock runs from the publish of the weight that completes the
plateau to the signed command in the controller's hands. Vehicles are empty ones with a pass of type 6.
"""

import json
import socket
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy import func, select

from benchmarks.ingest import SECRET, Bench, bench, ingest, load
from benchmarks.rows import Row, percentile, row
from iot.register import NewDevice, register_device
from wms.customs.gate_pass_rules import NewPass
from wms.customs.gate_passes import apply_for_pass, approve_pass
from wms.gate.rules.lane import LaneParameters
from wms.gate.service import NewLane, add_lane, register_vehicle, set_parameters
from wms.gate.tables import Decision, Passage
from wms.parties.tables import Company, Site

LANES, EVERY_S, BACKGROUND = 16, 16.0, 1_000
SECONDS, FULL_SECONDS = 60, 300
TARE_G = 14_000_000
P50_MS, P99_MS = 50.0, 300.0


@dataclass
class Lane:
    """One lane's devices, spoken to by two clients; ``took_ms`` are the waits for its commands."""

    code: str
    site: str
    gate: tuple[str, str]  # code and token of what sees and of the barrier's controller
    scale: tuple[str, str]
    plates: list[str]
    took_ms: list[float] = field(default_factory=list)
    sent_at: float = 0.0
    opened: threading.Event = field(default_factory=threading.Event)
    seqs: Counter[str] = field(default_factory=Counter)  # each device numbers its own
    boot: str = field(default_factory=lambda: uuid.uuid4().hex)

    def connect(self, port: int) -> None:
        """Both clients; the controller listens for its commands."""
        self._gate = client(port, *self.gate)
        self._scale = client(port, *self.scale)
        self._gate.on_message = self._command
        self._gate.subscribe(f"wms/v1/{self.site}/gate/{self.gate[0]}/cmd", 1)

    def close(self) -> None:
        """Leave the broker."""
        for one in (self._gate, self._scale):
            one.disconnect()
            one.loop_stop()

    def _command(self, _c: Any, _u: Any, message: Any) -> None:
        self.took_ms.append((time.perf_counter() - self.sent_at) * 1000)
        cmd_id = json.loads(message.payload)["cmd_id"]
        threading.Thread(target=self._obey, args=(cmd_id,), daemon=True).start()

    def _obey(self, cmd_id: str) -> None:
        for result in ("accepted", "opened", "passed", "closed"):
            body = json.dumps({"cmd_id": cmd_id, "result": result, "device": self.gate[0]})
            self._gate.publish(f"wms/v1/{self.site}/gate/{self.gate[0]}/cmd/result", body, qos=1)
            time.sleep(0.1)
        self.opened.set()

    def say(self, kind: str, type_: str, **data: Any) -> None:
        """One event of the lane's devices."""
        self.seqs[kind] += 1
        code = self.gate[0] if kind == "gate" else self.scale[0]
        body = {
            "v": 1, "id": str(uuid.uuid4()), "device": code, "kind": kind, "type": type_, "seq": self.seqs[kind],
            "boot": self.boot, "ts": datetime.now(UTC).isoformat(), "ts_q": "ntp", "data": data,
        }  # fmt: skip
        sender = self._gate if kind == "gate" else self._scale
        sender.publish(f"wms/v1/{self.site}/{kind}/{code}/event", json.dumps(body, ensure_ascii=False), qos=1)

    def loop(self, name: str, occupied: bool) -> None:
        """An edge of a loop."""
        self.say("gate", "loop", loop=name, occupied=occupied)

    def weigh(self, weight_g: int, stable: bool = True) -> None:
        """What the scale shows."""
        state = "weight" if weight_g else "zero"
        self.say("scale", "weight", weight_g=weight_g, stable=stable, gross=True, state=state)

    def vehicle(self, plate: str) -> None:
        """One vehicle comes, is weighed, waits for its command and drives on."""
        self.opened.clear()
        self.loop("arrive", True)
        for confidence in (91, 95, 97):
            self.say("gate", "plate", plate=plate, confidence_pct=confidence, position="front")
            time.sleep(0.2)
        self.loop("scale_front", True)
        self.weigh(9_000_000, stable=False)
        self.loop("scale_rear", True)
        self.loop("arrive", False)
        for _ in range(2):
            self.weigh(TARE_G)
            time.sleep(0.52)
        self.sent_at = time.perf_counter()
        self.weigh(TARE_G)  # the plateau is a second long: the last reading that the decision waits for
        self.opened.wait(10)
        for name, occupied in (("scale_front", False), ("exit", True), ("scale_rear", False), ("exit", False)):
            self.loop(name, occupied)
        self.weigh(0)


def prepare(made: Bench, seconds: int) -> list[Lane]:
    """Lanes, their devices, and a pass for each vehicle that will come."""
    each = int(seconds / EVERY_S) + 1
    with made.database.unit_of_work(made.scope) as session:
        site = session.scalars(select(Site).where(Site.code == made.site)).one()
        owner = Company(code="BENCHOWNER", name_zh="测试货主", name_en="Owner")
        session.add(owner)
        session.flush()
        lanes = []
        for place in range(LANES):
            code = f"B{place:02d}"
            gate = register_device(session, NewDevice(f"gate{code}", site.id, "gate", lane=code), SECRET)[1]
            scale = register_device(session, NewDevice(f"scale{code}", site.id, "scale", lane=code), SECRET)[1]
            made_lane = add_lane(session, NewLane(site.id, code, "E", "出区", "Out", f"gate{code}"))
            waits = LaneParameters(source="benchmark")
            set_parameters(session, made_lane.id, waits, from_at=datetime.now(UTC) - timedelta(days=1))
            plates = [f"湘F{place:02d}{number:03d}" for number in range(each)]
            for plate in plates:
                register_vehicle(session, plate, tare_g=TARE_G)
                _pass(session, plate, owner.id, site.id)
            lanes.append(Lane(code, made.site, (f"gate{code}", gate), (f"scale{code}", scale), plates))
    return lanes


def _pass(session: Any, plate: str, owner_id: int, site_id: int) -> None:
    at = datetime.now(UTC)
    until = at + timedelta(hours=8)
    new = NewPass(f"B-{plate}", owner_id, site_id, "E", "6", plate, TARE_G, at - timedelta(hours=1), until)
    approve_pass(session, apply_for_pass(session, new).id, at=at)


def client(port: int, user: str, token: str) -> paho.Client:
    """A connected client without Nagle's delay."""
    made = paho.Client(CallbackAPIVersion.VERSION2, user, protocol=MQTTProtocolVersion.MQTTv311)
    made.username_pw_set(user, token)
    made.on_socket_open = lambda _c, _u, opened: opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected = threading.Event()
    made.on_connect = lambda _c, _u, _f, _r, _p: connected.set()
    made.connect("127.0.0.1", port, 60)
    made.loop_start()
    if not connected.wait(10):
        raise RuntimeError("not connected")
    return made


def drive(lanes: Sequence[Lane], seconds: int) -> None:
    """Every lane has a vehicle each sixteen seconds, the lanes one second apart."""
    started = time.perf_counter()

    def work(place: int, lane: Lane) -> None:
        for number, plate in enumerate(lane.plates):
            due = started + place + number * EVERY_S
            if due > started + seconds:
                return
            time.sleep(max(0.0, due - time.perf_counter()))
            lane.vehicle(plate)

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(lanes)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def measure(made: Bench, seconds: int, say: Callable[[str], None]) -> list[Row]:
    """Drive for ``seconds`` and report; what was held or never answered fails both figures."""
    lanes = prepare(made, seconds)
    with ingest(made) as port:
        for lane in lanes:
            lane.connect(port)
        noise = threading.Thread(
            target=load, args=(made, port), kwargs={"rate": BACKGROUND, "n": BACKGROUND * (seconds + 5)}
        )
        noise.start()
        time.sleep(2)
        drive(lanes, seconds)
        noise.join()
        for lane in lanes:
            lane.close()
    with made.database.unit_of_work(made.scope) as session:
        verdicts = dict(session.execute(select(Decision.verdict, func.count()).group_by(Decision.verdict)).all())
        holds = session.execute(
            select(Passage.hold_code, func.count()).where(Passage.hold_code.is_not(None)).group_by(Passage.hold_code)
        ).all()
    took = [ms for lane in lanes for ms in lane.took_ms]
    say(f"gate: {len(took)} vehicles, decided {verdicts}, holds {[tuple(one) for one in holds]}")
    whole = len(took) == verdicts.get("lift", 0) > 0 and not holds
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    return [
        row("gate_command_p50", p50, "ms", target=P50_MS, ok=whole and p50 <= P50_MS),
        row("gate_command_p99", p99, "ms", target=P99_MS, ok=whole and p99 <= P99_MS),
        row("gate_vehicles", len(took) * 3600 / seconds, "vehicles/h", ok=None),
    ]


def run(full: bool = False) -> list[Row]:
    """Sixty seconds, or three hundred when everything is measured."""
    with bench() as made:
        return measure(made, FULL_SECONDS if full else SECONDS, lambda line: print(line, file=sys.stderr, flush=True))


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line))
