"""A simulated lane: a truck comes, is read by every device in its maker's format, waits, and goes through or back."""

import base64
import json
import logging
import random
import threading
import time
import uuid

from web.demo.yard.barrier import Barrier
from web.demo.yard.config import LaneFile, Truck
from web.demo.yard.truth import Journal
from web.demo.yard.wire import Wire

log = logging.getLogger("yard")
DIVISION_KG = 20
LOOPS = ("arrive", "scale_front", "scale_rear", "exit")
BADGES = ("SCANIA", "FAW解放", "京城物流")


def plate_message(serial: str, plate: str | None, confidence: int, *, is_backfill: bool = False) -> bytes:
    """``ivs_result`` of a Zhenshi camera: the plate is base64 of UTF-8, and ``_无_`` means none."""
    at = time.time()
    result = {
        "license": base64.b64encode((plate or "_无_").encode()).decode(),
        "confidence": confidence if plate else 0,
        "colorType": 2,
        "direction": 4,
        "triggerType": 2,
        "isoffline": int(is_backfill),
        "unique_id": uuid.uuid4().hex,
        "timeStamp": {"Timeval": {"sec": int(at), "usec": int(at % 1 * 1_000_000)}},
        "location": {"RECT": {"left": 556, "top": 700, "right": 1376, "bottom": 904}},
    }
    alarm = {"channel": 0, "deviceName": f"{serial} (simulated)", "serialno": serial, "result": {"PlateResult": result}}
    body = {
        "id": str(uuid.uuid4()), "sn": serial, "name": "ivs_result", "version": "1.0", "timestamp": int(at),
        "payload": {"type": "ivs_result", "body": {"AlarmInfoPlate": alarm}},
    }  # fmt: skip
    return json.dumps(body, ensure_ascii=False).encode()


def weight_line(weight_g: int, *, stable: bool) -> bytes:
    """A line of a weighbridge indicator: ST/US is stable or not, GS is gross."""
    shown_kg = round(weight_g / 1000 / DIVISION_KG) * DIVISION_KG
    return f"{'ST' if stable else 'US'},GS,{'-' if shown_kg < 0 else '+'}{abs(shown_kg):>7}kg\r\n".encode()


class Lane:
    """Drives the trucks of one lane, one after the other, over and over."""

    def __init__(
        self,
        file: LaneFile,
        wires: dict[str, Wire],
        barrier: Barrier,
        rng: random.Random,
        patience_s: float,
        journal: Journal | None = None,
    ) -> None:
        self.file, self._patience_s = file, patience_s
        self._wires = {role: wires[code] for role, code in file.devices.items() if code in wires}
        self._barrier, self._rng = barrier, rng
        self._journal, self._number, self._last_plate = journal or Journal(None), 0, ""

    def announce(self) -> None:
        """Tell the state of loops and scale, as after power-up: nobody stands here.

        A yard that was killed may have left a vehicle in the lane's record; it drove off while nobody looked.
        """
        for loop in LOOPS:
            self._loop(loop, False)
        self._weight(0, stable=True)

    def drive(self, trucks: list[Truck], stop: threading.Event, pause_s: float, *, once: bool = False) -> None:
        """Every truck in its order; those with a pass of their own come once, the others again and again."""
        waiting = list(trucks)
        while not stop.is_set() and waiting:
            for truck in waiting:
                opened = self.pass_through(truck, stop)
                self._tell(truck, opened)
                if stop.wait(pause_s * self._rng.uniform(0.8, 1.6)):
                    return
            waiting = [] if once else [truck for truck in trucks if truck.expect != "lift"]

    def _tell(self, truck: Truck, opened: bool) -> None:
        truth = "went through" if opened else "was held and backed out"
        log.info(
            "simulated truck %s (%s) at %s %s, expected %s",
            truck.plate,
            truck.story,
            self.file.code,
            truth,
            truck.expect,
        )

    def pass_through(self, truck: Truck, stop: threading.Event) -> bool:
        """One truck; returns whether the barrier opened for it."""
        self._number += 1
        self._barrier.truck = self._number
        self._barrier.fault = next((play.split("_")[0] for play in truck.plays if play.endswith("_barrier")), None)
        self._note("arrived", truck, expect=truck.expect, weight_g=truck.weight_g)
        self._doubled("doubled" in truck.plays)
        self._arrive(truck)
        self._doubled(False)
        self._wait(stop)
        if "by_hand" in truck.plays and not self._barrier.is_open.is_set():
            threading.Thread(target=self._barrier.open_by_hand, daemon=True).start()
            self._barrier.is_open.wait(self._patience_s)
        opened = self._barrier.is_open.is_set()
        if opened or "runs_through" in truck.plays:
            self._leave_forwards(truck, opened)
        else:
            self._note("backed_out", truck)
            self._leave_backwards(truck)
        self._barrier.fault = None
        return opened

    def _wait(self, stop: threading.Event) -> None:
        deadline = time.monotonic() + self._patience_s
        while time.monotonic() < deadline and not self._barrier.is_open.is_set() and not stop.wait(0.1):
            pass

    def _note(self, what: str, truck: Truck, **more: object) -> None:
        told = {"truck": self._number, "plate": truck.plate, "story": truck.story, **more}
        self._journal.note(self.file.code, what, **told)

    def _doubled(self, twice: bool) -> None:
        for role, wire in self._wires.items():
            if role != "barrier":
                wire.send_twice(twice=twice)

    def _arrive(self, truck: Truck) -> None:
        self._loop("arrive", True)
        if self._rng.random() < 0.15:  # a badge or an unread frame now and then: cameras do that
            self._plate(self._rng.choice([*BADGES, None]), 55)
        self._show_plate(truck)
        if "doubled" in truck.plays and self._last_plate:
            self._plate(self._last_plate, 99, is_backfill=True)
        self._last_plate = truck.plate
        self._loop("scale_front", True)
        for share in (0.3, 0.55, 0.8):
            self._weight(int(truck.weight_g * share), stable=False)
            time.sleep(0.25)
        self._loop("arrive", False)
        self._loop("scale_rear", True)
        self._show_plate(truck)
        if "no_container" not in truck.plays:
            self._containers(truck)
        if truck.tag:
            self._tag(truck.tag)
        for _ in range(6):
            self._weight(truck.weight_g, stable="no_weight" not in truck.plays)
            time.sleep(0.3)

    def _show_plate(self, truck: Truck) -> None:
        is_backfill = "old_plate" in truck.plays
        plate = None if "no_plate" in truck.plays else truck.plate
        self._plate(plate, self._rng.randint(93, 99), is_backfill=is_backfill)

    def _leave_forwards(self, truck: Truck, opened: bool) -> None:
        time.sleep(0.5)
        self._loop("scale_front", False)
        self._loop("exit", True)
        self._weight(int(truck.weight_g * 0.4), stable=False)
        self._loop("scale_rear", False)
        if truck.follower:
            self._follow(truck.follower)
        time.sleep(0.6)
        cmd_id = self._barrier.opened_by if opened else None
        self._note("through", truck, opened=opened, cmd_id=cmd_id)
        if truck.follower:
            self._loop("exit", False)
            self._follow_through(truck)
        else:
            self._weight(0, stable=True)
            self._barrier.vehicle_passed.set()
            self._loop("exit", False)
        time.sleep(1.5)

    def _follow(self, plate: str) -> None:
        """Bumper to bumper: the next vehicle rolls onto the scale while the first one leaves it."""
        self._loop("arrive", True)
        self._plate(plate, 97)
        self._loop("scale_front", True)
        self._loop("arrive", False)
        self._loop("scale_rear", True)

    def _follow_through(self, truck: Truck) -> None:
        """The follower drives out under the arm that its safety loop keeps up."""
        self._number += 1
        told = {"truck": self._number, "plate": truck.follower, "story": "tailgater", "expect": "tailgated"}
        self._journal.note(self.file.code, "arrived", **told, weight_g=0)
        time.sleep(0.3)
        self._loop("exit", True)
        self._loop("scale_front", False)
        self._loop("scale_rear", False)
        time.sleep(0.5)
        self._journal.note(self.file.code, "through", **told, opened=True, cmd_id=None)
        self._weight(0, stable=True)
        self._loop("exit", False)
        self._barrier.vehicle_passed.set()

    def _leave_backwards(self, truck: Truck) -> None:
        self._loop("arrive", True)
        self._loop("scale_front", False)
        self._weight(int(truck.weight_g * 0.5), stable=False)
        self._loop("scale_rear", False)
        time.sleep(0.8)
        self._weight(0, stable=True)
        self._loop("arrive", False)
        time.sleep(4.0)

    def _plate(self, plate: str | None, confidence: int, *, is_backfill: bool = False) -> None:
        wire = self._wires.get("plate")
        if wire is None:
            return
        if wire.device.format == "zhenshi":
            wire.raw(plate_message(wire.device.code, plate, confidence, is_backfill=is_backfill))
        else:
            wire.event("plate", {"plate": plate or "", "confidence_pct": confidence, "lane": self.file.code})

    def _weight(self, weight_g: int, *, stable: bool) -> None:
        wire = self._wires.get("scale")
        if wire is None:
            return
        shown_g = weight_g + (0 if stable else self._rng.randint(-300, 300) * 1000)
        if wire.device.format == "scale":
            wire.raw(weight_line(shown_g, stable=stable))
        else:
            state = "weight" if shown_g > 0 else "zero"
            wire.event("weight", {"weight_g": max(shown_g, 0), "stable": stable, "gross": True, "state": state})

    def _containers(self, truck: Truck) -> None:
        wire = self._wires.get("container")
        if wire is None:
            return
        ends = ("front", "back")
        found = [
            {"number": number, "position": end, "confidence_pct": self._rng.randint(90, 99)}
            for number, end in zip(truck.containers, ends, strict=False)
        ]
        wire.event("container", {"containers": found or [{"number": ""}], "lane": self.file.code})

    def _tag(self, tag: str) -> None:
        wire = self._wires.get("tag")
        if wire is not None:
            wire.event("tag", {"tid": tag, "epc": tag, "antenna": 1, "rssi_cdbm": -4200, "lane": self.file.code})

    def _loop(self, name: str, occupied: bool) -> None:
        wire = self._wires.get("loop")
        if wire is not None:
            wire.event("loop", {"loop": name, "occupied": occupied, "lane": self.file.code})
