"""A day of traffic: ``python -m benchmarks.gate_day [--vehicles 2000] [--lanes 16] [--seed N]``.

A database with passes and goods for every vehicle, the real ingest process, and the simulated yard as a process of
its own that speaks only MQTT in the makers' formats. One vehicle in a hundred (and never none) is of each kind of
:data:`KINDS` that must be held, or that comes with doubled readings, a barrier that is silent, a tailgater behind it.
The lanes' parameters are those of a real lane; only the pauses between vehicles are short. At the end the yard's own
journal, which knows the truth, is set against the books (:mod:`benchmarks.gate_truth`). Exit status 0: all agrees.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from benchmarks.gate_truth import Compared, compare, read_journal
from benchmarks.server import durable_server
from tests.build import now
from tests.iot.gate_yard import Yard, register_lane
from tests.iot.processes import IngestProcess
from tests.wms.gate.world import (
    GOODS_G,
    VEHICLE_G,
    World,
    make_lane,
    make_list,
    make_pass,
    make_world,
    new_box,
    new_plate,
)
from web.demo.yard.config import Truck
from wms.customs.gate_pass_rules import PassDocument, PassLine
from wms.customs.tables import GatePass, VerificationLine, VerificationList
from wms.db import Database, Scope
from wms.gate.service import register_vehicle
from wms.gate.service.setup import blacklist
from wms.gate.tables import Passage
from wms.parties.tables import Site

BOX_G, BATCH = 2_200_000, 50
CLOSE_S, YARD_S_A_VEHICLE = 60.0, 60.0
AMONG = 100  # one vehicle in so many is of each kind


@dataclass
class Zone:
    """What the vehicles of the day are made from."""

    session: Session
    world: World
    unreleased: tuple[VerificationList, VerificationLine]

    def good(self, **changes: Any) -> tuple[GatePass, str]:
        """An approved pass for one unit in a container, and the container."""
        box = new_box()
        given: dict[str, Any] = {"qty": 1, "container_nos": (box,), "container_weight_g": BOX_G}
        return make_pass(self.session, self.world, **(given | changes)), box


def _truck(zone: Zone, story: str, expect: str, *plays: str, share_pct: int = 100, **changes: Any) -> Truck:
    """A truck with a pass of its own; ``share_pct`` is its weight in per cent of what the pass says."""
    made, box = zone.good(**changes)
    weight_g = made.total_weight_g * share_pct // 100
    return Truck(story, "", expect, made.vehicle_plate, weight_g, (box,), None, plays)


def _with_order(order: str) -> Callable[[Zone], Truck]:
    def make(zone: Zone) -> Truck:
        made, box = zone.good()
        made.control_order = order
        zone.session.flush()
        return Truck(order, "", f"control_{order}", made.vehicle_plate, made.total_weight_g, (box,))

    return make


def _wrong_plate(zone: Zone) -> Truck:
    """A registered stranger with the container of another's pass."""
    truck = _truck(zone, "wrong_plate", "plate_differs")
    return replace(truck, plate=_stranger(zone))


def _stranger(zone: Zone) -> str:
    plate = new_plate()
    register_vehicle(zone.session, plate, tare_g=VEHICLE_G)
    return plate


def _blacklisted(zone: Zone) -> Truck:
    truck = _truck(zone, "blacklisted", "blacklisted")
    blacklist(zone.session, truck.plate, reason="wanted by the police", from_at=now() - timedelta(hours=1))
    return truck


def _unreleased(zone: Zone) -> Truck:
    listed, line = zone.unreleased
    lines = (PassLine(zone.world.shelf.trade_item_id, 1, GOODS_G, line.id),)
    documents = (PassDocument("1", listed.list_no or "", listed.id),)
    return _truck(zone, "unreleased", "not_released", lines=lines, documents=documents)


def _lapsed(zone: Zone) -> Truck:
    truck = _truck(zone, "lapsed", "vehicle_lapsed")
    zone.session.execute(
        text("UPDATE vehicle SET registered_until_at = :at WHERE plate = :plate"),
        {"at": now() - timedelta(days=1), "plate": truck.plate},
    )
    return truck


def _window(story: str, expect: str, begins: timedelta, ends: timedelta) -> Callable[[Zone], Truck]:
    return lambda zone: _truck(zone, story, expect, valid_from_at=now() + begins, valid_until_at=now() + ends)


def _tailgated(zone: Zone) -> Truck:
    return replace(_truck(zone, "tailgated", "lift", "tailgated"), follower=_stranger(zone))


HOUR = timedelta(hours=1)
KINDS: dict[str, Callable[[Zone], Truck]] = {
    "wrong_plate": _wrong_plate,
    "heavy": lambda zone: _truck(zone, "heavy", "weight_high", share_pct=109),
    "light": lambda zone: _truck(zone, "light", "weight_low", share_pct=90),
    "wrong_container": lambda zone: replace(
        _truck(zone, "wrong_container", "container_differs"), containers=(new_box(),)
    ),
    "lost_container": lambda zone: _truck(zone, "lost_container", "container_missing", "no_container"),
    "lost_plate": lambda zone: _truck(zone, "lost_plate", "plate_unread", "no_plate"),
    "old_plate": lambda zone: _truck(zone, "old_plate", "plate_unread", "old_plate"),
    "lost_weight": lambda zone: _truck(zone, "lost_weight", "not_weighed", "no_weight"),
    "expired": _window("expired", "too_late", -10 * HOUR, -1 * HOUR),
    "early": _window("early", "too_early", 24 * HOUR, 48 * HOUR),
    "tailgated": _tailgated,
    "unreleased": _unreleased,
    "stop": _with_order("stop"),
    "detain": _with_order("detain"),
    "inspect": _with_order("inspect"),
    "blacklisted": _blacklisted,
    "lapsed": _lapsed,
    "unknown": lambda zone: replace(_truck(zone, "unknown", "vehicle_unknown"), plate=new_plate()),
    "empty": lambda zone: Truck("empty", "", "empty_needs_pass", _stranger(zone), VEHICLE_G),
    "no_pass": lambda zone: Truck("no_pass", "", "no_pass", _stranger(zone), VEHICLE_G + GOODS_G),
    "doubled": lambda zone: _truck(zone, "doubled", "lift", "doubled"),
    "mute_barrier": lambda zone: _truck(zone, "mute_barrier", "barrier_fault", "mute_barrier"),
    "stuck_barrier": lambda zone: _truck(zone, "stuck_barrier", "barrier_fault", "stuck_barrier"),
    "runs_through": lambda zone: _truck(zone, "runs_through", "weight_high", "runs_through", share_pct=109),
    "by_hand": lambda zone: _truck(zone, "by_hand", "weight_high", "by_hand", share_pct=109),
}


def draw_kinds(vehicles: int, rng: random.Random) -> list[str]:
    """The kinds of all vehicles in the order in which they come: the rest of them are in order."""
    special = [kind for kind in KINDS for _ in range(max(1, vehicles // AMONG))]
    kinds = special + ["good"] * (vehicles - len(special))
    rng.shuffle(kinds)
    return kinds


def build(
    database: Database, scope: Scope, vehicles: int, lanes: int, rng: random.Random, *, decide_within_ms: int = 8_000
) -> dict[str, Any]:
    """Write the zone, its lanes with their devices, and a pass with goods for each vehicle; returns ``yard.json``.

    A driver waits for twelve seconds longer than the lane may take to decide.
    """
    with database.unit_of_work(scope) as session:
        world = make_world(session, declared=vehicles * 2)
        unreleased = make_list(session, world.shelf, vehicles)
        unreleased[0].entry_released_at = None
        site = session.get_one(Site, world.shelf.site_id)
        worlds = [world, *(replace(world, lane=make_lane(session, site.id)) for _ in range(lanes - 1))]
        yards = [register_lane(session, one) for one in worlds]
        for one in worlds:
            one.lane.decide_within_ms = decide_within_ms
        session.flush()
        session.expunge_all()
    trucks: list[Truck] = []
    kinds = draw_kinds(vehicles, rng)
    for start in range(0, vehicles, BATCH):
        with database.unit_of_work(scope) as session:
            zone = Zone(session, world, unreleased)
            for place, kind in enumerate(kinds[start : start + BATCH], start):
                made = KINDS[kind](zone) if kind in KINDS else _truck(zone, "good", "lift")
                trucks.append(replace(made, lane=yards[place % lanes].lane.code))
    return yard_json(yards, trucks, seed=rng.randrange(10**6), patience_s=decide_within_ms / 1000 + 12)


def yard_json(yards: list[Yard], trucks: list[Truck], *, seed: int, patience_s: float) -> dict[str, Any]:
    """``yard.json`` of a run that keeps a journal and ends when all have come."""
    return {
        "format": "dongting.yard.v1", "site": yards[0].site, "seed": seed, "pause_s": 0.5, "patience_s": patience_s,
        "journal": "truth.jsonl", "once": True, "paced": True,
        "devices": [asdict(device) for yard in yards for device in yard.devices.values()],
        "lanes": [asdict(yard.lane) for yard in yards],
        "trucks": [asdict(truck) for truck in trucks],
    }  # fmt: skip


def play(database: Database, scope: Scope, url: str, folder: Path, yard: dict[str, Any]) -> Compared:
    """Run ingest and yard as processes until every vehicle has come, and compare."""
    (folder / "yard.json").write_text(json.dumps(yard, ensure_ascii=False), encoding="utf-8")
    ingest = IngestProcess(url, scope.tenant_id, folder).start()
    longest = max(Counter(truck["lane"] for truck in yard["trucks"]).values())
    try:
        drive_yard(ingest.environ, folder, 120 + longest * YARD_S_A_VEHICLE)
        wait_for_quiet(database, scope, folder / "truth.jsonl")
    finally:
        ingest.stop()
    with database.unit_of_work(scope) as session:
        return compare(session, folder / "truth.jsonl")


def drive_yard(environ: dict[str, str], folder: Path, within_s: float) -> None:
    """The yard's process until it ends by itself. Raises CalledProcessError, TimeoutExpired."""
    command = [sys.executable, "-m", "web.cli", "yard"]
    root = Path(__file__).parents[1]
    with (folder / "yard.out").open("ab") as log:
        subprocess.run(command, env=environ, cwd=root, stdout=log, stderr=log, timeout=within_s, check=True)


def wait_for_quiet(database: Database, scope: Scope, journal: Path) -> None:
    """Wait until every vehicle of the journal has a passage that is closed, or a minute has gone by."""
    lanes, _ = read_journal(journal)
    wanted = sum(map(len, lanes.values()))
    deadline = time.monotonic() + CLOSE_S
    while time.monotonic() < deadline:
        with database.unit_of_work(scope) as session:
            closed = select(func.count()).select_from(Passage).where(Passage.closed_at.is_not(None))
            if (session.scalar(closed) or 0) >= wanted:
                return
        time.sleep(0.5)


def main() -> int:
    """Play the day; print seed, counts, and every difference."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate_day", description=__doc__)
    parser.add_argument("--vehicles", type=int, default=2_000)
    parser.add_argument("--lanes", type=int, default=16)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--keep", type=Path, help="a folder to leave the journal and the logs in")
    asked = parser.parse_args()
    print(f"gate day: seed {asked.seed}, {asked.vehicles} vehicles, {asked.lanes} lanes", flush=True)
    with durable_server() as urls, tempfile.TemporaryDirectory(prefix="dongting-day-") as scratch:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        database, scope = Database(urls.app, pool_size=5), Scope.system(1)
        start = time.monotonic()
        yard = build(database, scope, asked.vehicles, asked.lanes, random.Random(asked.seed))
        print(f"gate day: built in {time.monotonic() - start:.0f} s", flush=True)
        start = time.monotonic()
        said = play(database, scope, urls.app, folder, yard)
        database.close()
    for line in (*said.wrong_releases, *said.differences, *said.slow):
        print(f"gate day: {line}")
    print(f"gate day: {sum(said.trucks.values())} vehicles in {time.monotonic() - start:.0f} s: {dict(said.trucks)}")
    print(
        f"gate day: {len(said.wrong_releases)} wrong releases, {len(said.differences)} other differences,"
        f" {len(said.slow)} held because the machine was slow"
    )
    return 0 if said.is_clean else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
