"""Run the yard: every device at the broker, every lane in a thread of its own, fence and thermometers beside them."""

import logging
import random
import signal
import threading
import time
from pathlib import Path
from typing import Protocol

from web.demo.yard.barrier import Barrier
from web.demo.yard.config import Truck, YardFile, broker_address, read_yard
from web.demo.yard.lane import Lane
from web.demo.yard.truth import Journal
from web.demo.yard.wire import Wire

log = logging.getLogger("yard")
WAIT_FOR_FILE_S, WAIT_FOR_BROKER_S = 120.0, 60.0
FENCE_EVERY_S, TEMPERATURE_EVERY_S = (60.0, 180.0), 20.0


class HasPlace(Protocol):
    """What the yard takes from the settings: where its file lies and where the broker listens."""

    @property
    def data_dir(self) -> Path: ...
    @property
    def broker_url(self) -> str: ...


def run(settings: HasPlace) -> None:
    """Run until SIGTERM or SIGINT; the file may still have to be written by the seed."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    path = settings.data_dir / "yard.json"
    deadline = time.monotonic() + WAIT_FOR_FILE_S
    while not path.exists() and not stop.wait(0.5):
        if time.monotonic() > deadline:
            raise SystemExit(f"yard (simulated): there is no {path}; the demo's seed writes it")
    if not stop.is_set():
        run_yard(read_yard(path), settings.broker_url, stop)


def run_yard(yard: YardFile, broker_url: str, stop: threading.Event) -> None:
    """Play ``yard`` against the broker until ``stop`` is set, or all trucks that come once have come."""
    host, port = broker_address(broker_url)
    wires = {code: Wire(device, yard.site, host, port, paced=yard.paced) for code, device in yard.devices.items()}
    log.info("simulated yard: %d devices, %d lanes, broker %s:%d", len(wires), len(yard.lanes), host, port)
    for wire in wires.values():
        wire.start()
    try:
        _wait_for_broker(wires, stop)
        lanes = _lane_threads(yard, wires, stop)
        for thread in [*lanes, *_other_threads(yard, wires, stop)]:
            thread.start()
        while not stop.wait(0.5) and not (yard.once and not any(thread.is_alive() for thread in lanes)):
            pass
        if not stop.is_set():
            _wait_for_receipts(wires, stop)
    finally:
        for wire in wires.values():
            wire.leave()  # all at once: one after the other would take too long
        for wire in wires.values():
            wire.end()


def _wait_for_broker(wires: dict[str, Wire], stop: threading.Event) -> None:
    deadline = time.monotonic() + WAIT_FOR_BROKER_S
    while not all(wire.is_connected for wire in wires.values()) and not stop.wait(0.2):
        if time.monotonic() > deadline:
            away = ", ".join(code for code, wire in wires.items() if not wire.is_connected)
            log.warning("simulated devices not connected yet: %s", away)
            return


def _wait_for_receipts(wires: dict[str, Wire], stop: threading.Event) -> None:
    """Before it goes for good, the yard waits until the server holds everything."""
    deadline = time.monotonic() + WAIT_FOR_BROKER_S
    while any(wire.waits_for_receipt for wire in wires.values()) and time.monotonic() < deadline and not stop.wait(0.2):
        pass


def noise(seed: str) -> random.Random:
    """Repeatable chance."""
    return random.Random(seed)  # noqa: S311 - noise, not a secret


def _lane_threads(yard: YardFile, wires: dict[str, Wire], stop: threading.Event) -> list[threading.Thread]:
    threads = []
    journal = Journal(yard.journal)
    for place, file in enumerate(yard.lanes):
        wire = wires[file.devices["barrier"]]
        barrier = Barrier(wire, file.code, wire.device.key, journal)
        barrier.announce()
        lane = Lane(file, wires, barrier, noise(f"{yard.seed}-{file.code}"), yard.patience_s, journal)
        lane.announce()
        trucks = [truck for truck in yard.trucks if truck.lane == file.code]
        threads.append(threading.Thread(target=_drive, args=(lane, trucks, stop, yard, place), daemon=True))
    return threads


def _drive(lane: Lane, trucks: list[Truck], stop: threading.Event, yard: YardFile, place: int) -> None:
    if not stop.wait(5.0 + (0.4 if yard.once else 2.0) * place):  # the lanes settle first
        lane.drive(trucks, stop, yard.pause_s, once=yard.once)


def _other_threads(yard: YardFile, wires: dict[str, Wire], stop: threading.Event) -> list[threading.Thread]:
    rng = noise(f"{yard.seed}-beside")
    return [
        threading.Thread(target=_fence, args=(yard, wires, stop, rng), daemon=True),
        threading.Thread(target=_temperature, args=(yard, wires, stop, rng), daemon=True),
    ]


def _fence(yard: YardFile, wires: dict[str, Wire], stop: threading.Event, rng: random.Random) -> None:
    """Now and then something touches the fence: an alarming edge, sometimes doubled, and its clearing."""
    while yard.fence and not stop.wait(rng.uniform(*FENCE_EVERY_S)):
        one = rng.choice(yard.fence)
        wire = wires.get(one["sensor"])
        if wire is None:
            continue
        what = {"rule": "touch", "section": one["section"], "object_class": rng.choice(("animal", "branch", "human"))}
        for active in (True, *((True,) if rng.random() < 0.3 else ()), False):
            wire.event("alarm", {**what, "active": active})
            stop.wait(2.0)


def _temperature(yard: YardFile, wires: dict[str, Wire], stop: threading.Event, rng: random.Random) -> None:
    while yard.temperature and not stop.is_set():
        for one in yard.temperature:
            wire = wires.get(one["sensor"])
            if wire is not None:
                shown = int(one["setpoint_mdegc"]) + rng.randint(-400, 400)
                wire.event("temperature", {"temperature_mdegc": shown, "place": one["place"], "battery_pct": 97})
        stop.wait(TEMPERATURE_EVERY_S)
