"""Mappings of the gate: what stands there (lanes, vehicles), what happened (visits, passages), what was decided."""

from wms.gate.tables.decisions import BarrierCommand, Decision, GatePassUse, Release
from wms.gate.tables.passages import Passage, PassageReading, Visit
from wms.gate.tables.places import Blacklist, Lane, LaneState, Vehicle, WeightTolerance

__all__ = [
    "BarrierCommand",
    "Blacklist",
    "Decision",
    "GatePassUse",
    "Lane",
    "LaneState",
    "Passage",
    "PassageReading",
    "Release",
    "Vehicle",
    "Visit",
    "WeightTolerance",
]
