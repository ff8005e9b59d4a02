"""What a gate decision looks at: the lane, what was seen, the vehicle, its gate passes and the tolerance.

Everything is frozen and made of strings, integers and instants, so that the same facts stored today give the same
answer in three years. Weights are grams, shares are basis points (1/10,000).
"""

from dataclasses import dataclass, field
from datetime import datetime

EMPTY_VEHICLE = "6"  # passportTypecd 空车进出区
REGISTERED_GOODS = "5"  # passportTypecd 卡口登记货物
NEEDS_NO_DOCUMENT = (REGISTERED_GOODS, EMPTY_VEHICLE)


@dataclass(frozen=True)
class LaneFacts:
    """One lane. ``stage``: 0 single gate, 1 or 2 the first or second gate of a double gate."""

    code: str
    direction: str  # I into the zone, E out of it
    kind: str  # goods, passenger, temporary
    stage: int = 0
    is_open: bool = True
    needs_weight: bool = True
    needs_tag: bool = False
    needs_customs_answer: bool = False
    needs_seal: bool = False
    min_confidence_permille: int = 700


@dataclass(frozen=True)
class SeenContainer:
    """A container number as the reader gave it; ``recognised`` is CONTA_RECO, ``length_ft`` from its ISO type."""

    number: str
    check_digit_ok: bool
    recognised: bool = True
    length_ft: int | None = None


@dataclass(frozen=True)
class Seen:
    """What the readings of one vehicle say together. ``weight_g`` None or 0 means: not weighed."""

    plate: str | None
    plate_confidence_permille: int = 0
    trailer_plate: str | None = None
    containers: tuple[SeenContainer, ...] = ()
    weight_g: int | None = None
    tag_plate: str | None = None  # the plate that the e-plate is registered for
    tag: str | None = None
    seals: tuple[str, ...] = ()
    broken_seals: tuple[str, ...] = ()  # of these the reader says that they are not intact
    moved: str | None = None  # forward, backward; None: the loops do not tell
    missing: tuple[str, ...] = ()  # what the lane requires and did not get in time: plate, container, weight, tag, seal
    is_fresh: bool = True  # False when read from replayed, retained, skewed or old messages
    customs_answer: str | None = None  # lift, hold


@dataclass(frozen=True)
class VehicleFacts:
    """The vehicle register's row of the seen plate."""

    plate: str
    kind: str  # goods, passenger
    tare_g: int = 0
    is_registered: bool = True
    registered_until_at: datetime | None = None
    blacklisted_for: str | None = None


@dataclass(frozen=True)
class ControlOrder:
    """An order of customs that stands: ``order`` is stop, detain or inspect; ``target`` what it names."""

    order_id: int
    order: str
    target_kind: str  # plate, container, gate_pass, document
    target: str


@dataclass(frozen=True)
class Document:
    """A verification list, movement slip or bill of lading behind a pass."""

    number: str
    is_released: bool
    control_order: str | None = None  # inspect, detain, stop


@dataclass(frozen=True)
class PassFacts:
    """A gate pass (核放单) that names the plate, the e-plate or a container that was seen."""

    pass_id: int
    number: str
    state: str
    direction: str
    pass_type: str
    bind_type: str
    plate: str
    trailer_plate: str | None
    containers: tuple[str, ...]
    seal: str | None
    total_weight_g: int
    goods_class: str
    is_double_gate: bool
    valid_from_at: datetime
    valid_until_at: datetime
    control_order: str | None = None
    documents: tuple[Document, ...] = ()
    goods_missing: bool = False  # some of its goods do not lie declared and waiting to leave
    is_claimed: bool = False  # a living release of another passage rests on it

    def is_open_for(self, lane: LaneFacts) -> bool:
        """Whether the pass still serves this direction and gate stage (state 1, or 3 at the second gate).

        A pass for a double gate serves only lanes of a double gate, one for a single gate only single ones: else the
        goods would leave the ledger at the wrong gate.
        """
        if self.direction != lane.direction or self.is_double_gate != (lane.stage > 0):
            return False
        return self.state == ("passed_first" if lane.stage == 2 else "approved")


@dataclass(frozen=True)
class Tolerance:
    """Dated data: how far a weight may be off, by lane and goods class. Default 5 % or 100 kg, the wider one.

    ``is_relaxed``: the weight is kept and shown but holds nobody (pass type 5 on entry, GAC notice 2023-200).
    """

    share_bp: int = 500
    absolute_g: int = 100_000
    unweighed_may_pass: bool = False
    row_id: int | None = None
    is_relaxed: bool = False


@dataclass(frozen=True)
class Case:
    """All facts of one decision."""

    seq_no: str
    decided_at: datetime
    lane: LaneFacts
    seen: Seen
    vehicle: VehicleFacts | None = None
    passes: tuple[PassFacts, ...] = ()
    tolerance: Tolerance = field(default_factory=Tolerance)
    orders: tuple[ControlOrder, ...] = ()  # of customs, standing now, that name the vehicle, its goods or documents
