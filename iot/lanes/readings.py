"""What the assembling of passages looks at: a lane's parameters, a reading, and the passage that stands in the lane.

Pure and frozen, so that a passage can be put together again from what was stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class LaneRules:
    """Parameters of one lane. ``settle`` is how long all loops must be free before a vehicle counts as gone."""

    lane_id: int
    code: str
    has_loops: bool = True
    needs_container: bool = False
    needs_weight: bool = True
    needs_tag: bool = False
    needs_seal: bool = False
    decide_within: timedelta = 8 * SECOND
    gap: timedelta = 20 * SECOND
    settle: timedelta = 3 * SECOND
    stable_for: timedelta = SECOND
    division_g: int = 20_000
    antennas: tuple[int, ...] = ()  # of the tag reader, where others of it look at other lanes
    tag_margin_cdb: int = 600
    sure_permille: int = 900

    @property
    def stale_after(self) -> timedelta:
        """Readings older than this at the decision no longer describe what stands in the lane."""
        return self.decide_within + 7 * SECOND


@dataclass(frozen=True)
class LaneReading:
    """A reading of this lane; ``at`` is when we recorded it, ``body`` the canonical reading as JSON."""

    id: int
    kind: str
    device: str
    at: datetime
    event_at: datetime | None
    is_live: bool
    flags: tuple[str, ...]
    body: Mapping[str, Any] = field(hash=False)

    @property
    def is_arrival(self) -> bool:
        """The arrive loop (or the scale's front loop, where there is no other) became occupied."""
        return self.kind == "LoopRead" and bool(self.body["is_occupied"]) and self.body["loop"] == "arrive"

    @property
    def plate(self) -> str | None:
        """The normalised plate of a camera read."""
        return self.body.get("plate") if self.kind == "PlateRead" else None

    @property
    def object_id(self) -> str | None:
        """The name that the camera gives to what it follows: one for a vehicle as long as it stays in the picture."""
        found = self.body.get("object_id") if self.kind == "PlateRead" else None
        return f"{self.device} {found}" if found else None


@dataclass(frozen=True)
class LoopEdge:
    """An edge of a loop that belongs to a passage."""

    loop: str
    is_occupied: bool
    at: datetime


@dataclass(frozen=True)
class Standing:
    """The passage that stands in the lane: ``first_reading_id`` opened it; ``loops`` are edges already kept with it."""

    passage_id: int
    first_reading_id: int
    opened_at: datetime
    is_decided: bool
    has_passed: bool = False
    plate: str | None = None
    loops: tuple[LoopEdge, ...] = ()
    warned_of: frozenset[int] = frozenset()  # readings of another plate that were alarmed already
    plate_seen_at: datetime | None = None  # when its plate was last read
    object_ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LaneMemory:
    """What is known besides the standing passage: whether the scale showed zero, and who was here last."""

    scale_was_zero: bool = True
    last_plate: str | None = None
    last_passage_id: int | None = None
    last_closed_at: datetime | None = None
    last_seen_at: datetime | None = None  # when the plate of the one before was last read, also after it had gone
    last_object_ids: frozenset[str] = frozenset()
    came_from_exit_at: datetime | None = None  # when something drove onto the exit loop of the empty lane
