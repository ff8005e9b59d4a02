"""Vehicles in simulated lanes, and what the barrier controllers wrote down: each opening with its release and nonce."""

import itertools
import json
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from web.demo.yard.barrier import Barrier
from web.demo.yard.config import DeviceFile, LaneFile, Truck
from web.demo.yard.lane import Lane
from web.demo.yard.wire import Wire

TRIES = 8
PATIENCE_S = 12.0
CLEAR_S = 9.0  # longer than a command lives: nobody drives through an opening that was another's


@dataclass(frozen=True)
class Opening:
    """A barrier that was raised: by which command, for which release, and who stood there."""

    lane: str
    cmd_id: str
    release_id: int | None
    nonce: str | None
    plate: str | None


class Recorder(Wire):
    """The barrier's connection; keeps each command it got and each time that the arm went up."""

    def __init__(self, device: DeviceFile, site: str, port: int) -> None:
        super().__init__(device, site, "127.0.0.1", port)
        self.commands: dict[str, Mapping[str, Any]] = {}
        self.raised: list[tuple[str, str | None]] = []
        self.standing: str | None = None

    def listen(self) -> None:
        """Keep commands from now on; to be called when the controller has taken its place."""
        obey = self.on_command
        assert obey is not None

        def take(payload: bytes) -> None:
            command = json.loads(payload)
            self.commands[str(command["cmd_id"])] = command
            obey(payload)

        self.on_command = take

    def event(self, type_: str, data: Mapping[str, Any], *, at: datetime | None = None) -> None:
        """As any wire's, but an arm that goes up is written down."""
        if type_ == "barrier" and data.get("state") == "OPENING":
            self.raised.append((str(data.get("cmd_id")), self.standing))
        super().event(type_, data, at=at)

    def openings(self, lane: str) -> list[Opening]:
        """Every raise of the arm with what its command said."""
        found = []
        for cmd_id, plate in self.raised:
            command = self.commands.get(cmd_id, {})
            found.append(Opening(lane, cmd_id, command.get("release_id"), command.get("nonce"), plate))
        return found


@dataclass
class Gate:
    """Lanes with their vehicles while the block runs. A truck that was not let through comes again."""

    site: str
    lanes: Sequence[LaneFile]
    devices: Mapping[str, DeviceFile]
    port: int
    seed: str
    went_through: list[str] = field(default_factory=list)
    wrongly: list[str] = field(default_factory=list)
    gave_up: list[str] = field(default_factory=list)
    _wires: dict[str, Wire] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def open(self, trucks: Mapping[str, Sequence[Truck]]) -> None:
        """Connect every device and let each lane's trucks come."""
        for code, device in self.devices.items():
            made = Recorder(device, self.site, self.port) if device.role == "barrier" else None
            self._wires[code] = made or Wire(device, self.site, "127.0.0.1", self.port)
        for wire in self._wires.values():
            wire.start()
        for file in self.lanes:
            thread = threading.Thread(target=self._drive, args=(file, list(trucks[file.code])), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _drive(self, file: LaneFile, waiting: list[Truck]) -> None:
        wire = self._wires[file.devices["barrier"]]
        assert isinstance(wire, Recorder)
        barrier = Barrier(wire, file.code, wire.device.key)
        wire.listen()
        barrier.announce()
        draw = random.Random(f"{self.seed}-{file.code}")
        lane = Lane(file, self._wires, barrier, draw, PATIENCE_S)
        lane.announce()
        tries: dict[str, int] = {}
        for turn in itertools.count():
            if not waiting or self._stop.wait(2.0 if turn else 5.0):
                return
            truck = waiting.pop(0)
            tries[truck.plate] = tries.get(truck.plate, 0) + 1
            wire.standing = truck.plate
            opened = lane.pass_through(truck, self._stop)
            if opened:
                self.went_through.append(truck.plate)
                if truck.expect != "lift":
                    self.wrongly.append(truck.plate)
            else:
                self.gave_up.append(truck.plate)
                if truck.expect == "lift" and tries[truck.plate] < TRIES:
                    waiting.insert(1, truck)
                self._stop.wait(CLEAR_S)
            deadline = time.monotonic() + 20
            while barrier.is_open.is_set() and time.monotonic() < deadline:
                time.sleep(0.1)
            wire.standing = None

    def finish(self) -> None:
        """Let nobody come any more, and wait for who stands in a lane."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def openings(self) -> list[Opening]:
        """Every opening of every lane."""
        pairs = ((file.code, self._wires[file.devices["barrier"]]) for file in self.lanes)
        return [one for code, wire in pairs if isinstance(wire, Recorder) for one in wire.openings(code)]

    def close(self) -> None:
        """Disconnect the devices."""
        self._stop.set()
        for wire in self._wires.values():
            wire.stop()
