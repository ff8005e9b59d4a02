"""Set the yard's journal, which knows what really happened, against what the books say about it.

The journal (:mod:`web.demo.yard.truth`) and the database share nothing but the lanes' codes and the ids of commands,
so what agrees here was seen, decided and written down as it was.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wms.gate.tables import BarrierCommand, Decision, GatePassUse, Lane, Passage, Release
from wms.gate.verify import findings
from wms.watch.tables import Alarm

MAY_OPEN = ("lift", "barrier_fault")  # a barrier that does not answer was told to open
SLOW = ("command_expired", "barrier_fault")  # of a vehicle in order: this machine took longer than a barrier waits
ALARMED = {"tailgater": "tailgating", "runs_through": "passed_while_held", "by_hand": "opened_without_release"}


@dataclass
class Truck:
    """One vehicle as the yard drove it."""

    lane: str
    number: int
    plate: str
    story: str
    expect: str
    went_through: bool = False
    was_opened: bool = False
    cmd_id: str | None = None


@dataclass
class Compared:
    """What the comparison found; ``wrong_releases`` must be empty whatever else is.

    ``slow`` are vehicles in order that were held, safely, because the machine itself took longer than the five seconds
    of a command or the three of an answer: a matter of its load, and of no rule.
    """

    trucks: Counter[str] = field(default_factory=Counter)
    wrong_releases: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether books and truth agree in everything."""
        return not self.wrong_releases and not self.differences


def read_journal(path: Path) -> tuple[dict[str, list[Truck]], list[dict[str, Any]]]:
    """The vehicles of each lane in the order in which they came, and every rise of an arm."""
    lanes: dict[str, list[Truck]] = defaultdict(list)
    arms: list[dict[str, Any]] = []
    for text in path.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        if line["what"] == "arrived":
            truck = Truck(line["lane"], line["truck"], line["plate"], line["story"], line["expect"])
            lanes[line["lane"]].append(truck)
        elif line["what"] == "through":
            truck = next(one for one in lanes[line["lane"]] if one.number == line["truck"])
            truck.went_through, truck.was_opened, truck.cmd_id = True, line["opened"], line["cmd_id"]
        elif line["what"] == "arm_up":
            arms.append(line)
    return lanes, arms


def compare(session: Session, journal: Path) -> Compared:
    """Every vehicle against its passage, every rise of an arm against its release, and the checks of the ledger."""
    lanes, arms = read_journal(journal)
    said = Compared(Counter(truck.story for trucks in lanes.values() for truck in trucks))
    for code, trucks in sorted(lanes.items()):
        lane = session.scalars(select(Lane).where(Lane.code == code)).one()
        passages = list(session.scalars(select(Passage).where(Passage.lane_id == lane.id).order_by(Passage.id)))
        if len(passages) != len(trucks):
            said.differences.append(f"{code}: {len(trucks)} vehicles came, {len(passages)} passages are on record")
        for truck, passage in zip(trucks, passages, strict=False):
            _compare_one(session, said, truck, passage)
    _compare_arms(session, said, lanes, arms)
    _compare_alarms(session, said)
    said.differences += [f"verify: {one}" for one in findings(session)]
    return said


def _compare_one(session: Session, said: Compared, truck: Truck, passage: Passage) -> None:
    where = f"{truck.lane} vehicle {truck.number} ({truck.story}, {truck.plate}), passage {passage.seq_no}"
    got = passage.hold_code or ("lift" if passage.state == "passed" else passage.state)
    if truck.expect in MAY_OPEN and got in SLOW and got != truck.expect:
        said.slow.append(f"{where}: {got}")
    elif got != truck.expect:
        said.differences.append(f"{where}: expected {truck.expect}, got {got}")
    if passage.plate not in (truck.plate, None):
        said.differences.append(f"{where}: the plate on record is {passage.plate}")
    granted = session.scalars(
        select(Release.id).where(Release.passage_id == passage.id, Release.granted_at.is_not(None))
    ).all()
    if granted and truck.expect not in MAY_OPEN:
        said.wrong_releases.append(f"{where}: was released")
    if len(granted) > 1:
        said.wrong_releases.append(f"{where}: was released {len(granted)} times")
    has_left = truck.went_through and truck.was_opened and truck.cmd_id is not None
    if (passage.state == "passed") != has_left:
        said.differences.append(f"{where}: {passage.state}, but in truth {'left' if has_left else 'did not leave'}")
    used = session.scalar(select(func.count()).select_from(GatePassUse).where(GatePassUse.passage_id == passage.id))
    if (used == 1) != has_left:
        said.differences.append(f"{where}: {used} uses of a gate pass")
    decisions = session.scalar(select(func.count()).select_from(Decision).where(Decision.passage_id == passage.id))
    if decisions != 1 and truck.story != "tailgater":
        said.differences.append(f"{where}: was never decided")


def _compare_arms(session: Session, said: Compared, lanes: dict[str, list[Truck]], arms: list[dict[str, Any]]) -> None:
    """Each arm that rose did so once for one command, of a release for the very plate that stood in front of it."""
    times = Counter(arm["cmd_id"] for arm in arms if arm["cmd_id"])
    said.wrong_releases += [f"command {cmd_id} raised the arm {n} times" for cmd_id, n in times.items() if n > 1]
    for arm in arms:
        truck = next(one for one in lanes[arm["lane"]] if one.number == arm["truck"])
        where = f"{arm['lane']} vehicle {truck.number} ({truck.story}, {truck.plate})"
        if arm["cmd_id"] is None:
            if truck.story != "by_hand":
                said.wrong_releases.append(f"{where}: the arm rose without a command")
            continue
        plate = session.scalar(
            select(Release.vehicle_plate)
            .join(BarrierCommand, BarrierCommand.release_id == Release.id)
            .where(BarrierCommand.cmd_id == arm["cmd_id"], Release.granted_at.is_not(None))
        )
        if plate != truck.plate or truck.expect != "lift":
            said.wrong_releases.append(f"{where}: the arm rose on a release for {plate}")


def _compare_alarms(session: Session, said: Compared) -> None:
    """Each vehicle that went where it should not was alarmed; alarms of one lane may have joined, none may lack."""
    raised: Counter[str] = Counter()
    for code, n in session.execute(select(Alarm.code, func.sum(Alarm.trigger_count)).group_by(Alarm.code)):
        raised[code] = int(n)
    for story, code in ALARMED.items():
        if raised[code] < said.trucks[story]:
            said.differences.append(f"{said.trucks[story]} vehicles of kind {story}, but {raised[code]} {code} alarms")
