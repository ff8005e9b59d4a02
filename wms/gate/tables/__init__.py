"""Mappings of the gate: what stands there (lanes, vehicles), what happened (visits, passages), what was decided."""

from wms.gate.tables.decisions import BarrierCommand, Decision, GatePassUse, Release
from wms.gate.tables.orders import ControlOrderRow, CustomsQuestion, PassagePhoto
from wms.gate.tables.passages import Passage, PassageReading, Visit
from wms.gate.tables.places import Blacklist, Lane, LaneRule, LaneState, Vehicle, WeightTolerance
from wms.gate.tables.yard import Appointment, AppointmentSlot, ManualOpening, VisitStep

__all__ = [
    "Appointment",
    "AppointmentSlot",
    "BarrierCommand",
    "Blacklist",
    "ControlOrderRow",
    "CustomsQuestion",
    "Decision",
    "GatePassUse",
    "Lane",
    "LaneRule",
    "LaneState",
    "ManualOpening",
    "Passage",
    "PassagePhoto",
    "PassageReading",
    "Release",
    "Vehicle",
    "Visit",
    "VisitStep",
    "WeightTolerance",
]
