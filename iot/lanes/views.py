"""What a lane knows before it looks at its readings: who stands in it, and what is remembered of the one before."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from iot.lanes.readings import LaneMemory, LoopEdge, Standing
from wms.gate.service.releasing import ANOTHER_PLATE
from wms.gate.tables import Lane, LaneState, Passage, PassageReading

LOOPS = ("arrive", "exit", "scale_front", "scale_rear")
STATE = (LaneState.lane_id, LaneState.passage_id, LaneState.scale_was_zero, LaneState.from_exit_at)
STATES = select(*STATE)
LAST = select(
    select(Passage.id)
    .where(Passage.lane_id == Lane.id, Passage.closed_at.is_not(None))
    .order_by(Passage.id.desc())
    .limit(1)
    .correlate(Lane)
    .scalar_subquery()
)
# Loop edges and plates that are kept with a passage, in their order.
KEPT = (
    select(
        PassageReading.passage_id, PassageReading.reading_id, PassageReading.kind, PassageReading.device,
        PassageReading.was_used, PassageReading.why, PassageReading.content, PassageReading.received_at,
    )
    .where(PassageReading.kind.in_(("LoopRead", "PlateRead")))
    .order_by(PassageReading.reading_id)
)  # fmt: skip


@dataclass(frozen=True)
class View:
    """What a lane knows: the passage that stands in it, and what is remembered of the one before."""

    standing: Standing | None
    memory: LaneMemory


class Views:
    """What some lanes know, read for all of them in three statements, or two: ``states`` has those that were read."""

    def __init__(self, session: Session, lanes: Sequence[Lane], states: Mapping[int, Any] | None = None) -> None:
        self._states: dict[int, Any] = {}
        self._passages: dict[int, Passage] = {}
        self._kept: dict[int, list[Any]] = defaultdict(list)
        ids = [lane.id for lane in lanes]
        if not ids:
            return
        if states is None:
            states = {row.lane_id: row for row in session.execute(STATES.where(LaneState.lane_id.in_(ids)))}
        self._states = {one: states[one] for one in ids if one in states and states[one].lane_id is not None}
        standing = [row.passage_id for row in self._states.values() if row.passage_id is not None]
        empty = [one for one in ids if one not in self._states or self._states[one].passage_id is None]
        wanted = or_(Passage.id.in_(standing), Passage.id.in_(LAST.where(Lane.id.in_(empty))))
        found = session.scalars(select(Passage).where(wanted).execution_options(populate_existing=True)).all()
        self._passages = {passage.lane_id: passage for passage in found}
        if not found:
            return
        for one in session.execute(KEPT.where(PassageReading.passage_id.in_([passage.id for passage in found]))):
            self._kept[one.passage_id].append(one)

    def of(self, lane: Lane) -> View:
        """What one of them knows."""
        passage = self._passages.get(lane.id)
        return _view(passage, self._states.get(lane.id), self._kept.get(passage.id, ()) if passage else ())


def sequence_no(lane_id: int, first_reading_id: int) -> str:
    """The passage's SEQ_NO: the same after every restart, because it names the reading that opened it."""
    return f"{lane_id}-{first_reading_id}"


def first_reading_of(lane_id: int, seq_no: str) -> int:
    """The reading that a sequence number of ours names; 0 for one that another front end gave."""
    head, _, tail = seq_no.rpartition("-")
    return int(tail) if head == str(lane_id) and tail.isdecimal() else 0


def _view(passage: Passage | None, state: Any, kept: Sequence[Any]) -> View:
    zero, from_exit_at = (state.scale_was_zero, state.from_exit_at) if state else (None, None)
    memory = LaneMemory(scale_was_zero=zero is not False, came_from_exit_at=from_exit_at)
    if passage is None:
        return View(None, memory)
    own = [one for one in kept if _is_its_plate(one, passage)]
    if state is not None and state.passage_id == passage.id:
        return View(_standing(passage, kept, own), memory)
    return View(
        None,
        replace(
            memory,
            last_plate=passage.plate,
            last_passage_id=passage.id,
            last_closed_at=passage.closed_at,
            last_seen_at=max((one.received_at for one in own), default=None),
            last_object_ids=_object_ids(own),
        ),
    )


def _is_its_plate(one: Any, passage: Passage) -> bool:
    return bool(one.kind == "PlateRead" and one.content.get("plate") == passage.plate)


def _standing(passage: Passage, kept: Sequence[Any], own: Sequence[Any]) -> Standing:
    edges = [one for one in kept if one.kind == "LoopRead" and (one.was_used or one.why in LOOPS)]
    own = own if passage.plate is not None else ()
    return Standing(
        passage_id=passage.id,
        first_reading_id=first_reading_of(passage.lane_id, passage.seq_no),
        opened_at=passage.opened_at,
        is_decided=passage.state != "open",
        has_passed=passage.state == "passed",
        plate=passage.plate,
        loops=tuple(LoopEdge(one.content["loop"], one.content["is_occupied"], one.received_at) for one in edges),
        warned_of=frozenset(one.reading_id for one in kept if one.why == ANOTHER_PLATE),
        plate_seen_at=max((one.received_at for one in own), default=None),
        object_ids=_object_ids(own),
    )


def _object_ids(plates_read: Iterable[Any]) -> frozenset[str]:
    return frozenset(f"{one.device} {name}" for one in plates_read if (name := one.content.get("object_id")))
