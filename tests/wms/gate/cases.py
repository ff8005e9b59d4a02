"""Facts for gate decisions: an approved truck that is let out, to be changed one thing at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wms.gate.rules import (
    Case,
    Document,
    LaneFacts,
    PassFacts,
    Seen,
    SeenContainer,
    Tolerance,
    VehicleFacts,
)

NOW = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
PLATE = "湘F12345"
BOX = "CSQU3054383"

LANE = LaneFacts(code="OUT1", direction="E", kind="goods")
VEHICLE = VehicleFacts(plate=PLATE, kind="goods", tare_g=14_000_000)
SEEN = Seen(plate=PLATE, plate_confidence_permille=980, containers=(SeenContainer(BOX, True),), weight_g=20_000_000)
PASS = PassFacts(
    pass_id=7,
    number="Z4912E260701000000000007",
    state="approved",
    direction="E",
    pass_type="3",
    bind_type="1",
    plate=PLATE,
    trailer_plate=None,
    containers=(BOX,),
    seal=None,
    total_weight_g=20_000_000,
    goods_class="general",
    is_double_gate=False,
    valid_from_at=NOW - timedelta(hours=1),
    valid_until_at=NOW + timedelta(hours=1),
    documents=(Document("QD491226E000000001", True),),
)
CASE = Case("SEQ1", NOW, LANE, SEEN, VEHICLE, (PASS,), Tolerance())


def with_seen(**changes: Any) -> Case:
    """The good case with other readings."""
    return replace(CASE, seen=replace(SEEN, **changes))


def with_pass(**changes: Any) -> Case:
    """The good case with another pass."""
    return replace(CASE, passes=(replace(PASS, **changes),))


def with_vehicle(**changes: Any) -> Case:
    """The good case with another register row."""
    return replace(CASE, vehicle=replace(VEHICLE, **changes))


def with_lane(**changes: Any) -> Case:
    """The good case in another lane."""
    return replace(CASE, lane=replace(LANE, **changes))
