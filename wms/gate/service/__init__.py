"""Use cases of the gate: open and decide a passage, release a hold, follow the barrier, confirm a passage."""

from wms.gate.service.barrier import CommandStep, command_due, expire_or_send, fail_silent, record_result
from wms.gate.service.deciding import Decided, DecidePassage, ReadingUse, attach_readings, decide_passage, open_passage
from wms.gate.service.passing import close_passage, confirm_passage, post_goods
from wms.gate.service.releasing import ReleaseHold, approve_release, refuse_release, release_hold
from wms.gate.service.setup import NewLane, add_lane, register_vehicle, set_tolerance

__all__ = [
    "CommandStep",
    "DecidePassage",
    "Decided",
    "NewLane",
    "ReadingUse",
    "ReleaseHold",
    "add_lane",
    "approve_release",
    "attach_readings",
    "close_passage",
    "command_due",
    "confirm_passage",
    "decide_passage",
    "expire_or_send",
    "fail_silent",
    "open_passage",
    "post_goods",
    "record_result",
    "refuse_release",
    "register_vehicle",
    "release_hold",
    "set_tolerance",
]
