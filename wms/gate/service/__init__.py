"""Use cases of the gate: open and decide a passage, release a hold, follow the barrier, confirm a passage."""

from wms.gate.service.barrier import CommandStep, command_due, expire_or_send, fail_silent, record_result
from wms.gate.service.controls import Ordered, controls_on, give_order, withdraw_order
from wms.gate.service.deciding import Decided, DecidePassage, ReadingUse, attach_readings, decide_passage, open_passage
from wms.gate.service.lane_rules import newest_rule, parameters_from, parameters_of, set_parameters
from wms.gate.service.passing import close_passage, confirm_passage, post_goods
from wms.gate.service.pictures import add_picture
from wms.gate.service.questions import customs_answered, decide_or_ask, open_questions
from wms.gate.service.releasing import ReleaseHold, approve_release, refuse_release, release_hold
from wms.gate.service.setup import NewLane, add_lane, register_vehicle, set_tolerance

__all__ = [
    "CommandStep",
    "DecidePassage",
    "Decided",
    "NewLane",
    "Ordered",
    "ReadingUse",
    "ReleaseHold",
    "add_lane",
    "add_picture",
    "approve_release",
    "attach_readings",
    "close_passage",
    "command_due",
    "confirm_passage",
    "controls_on",
    "customs_answered",
    "decide_or_ask",
    "decide_passage",
    "expire_or_send",
    "fail_silent",
    "give_order",
    "newest_rule",
    "open_passage",
    "open_questions",
    "parameters_from",
    "parameters_of",
    "post_goods",
    "record_result",
    "refuse_release",
    "register_vehicle",
    "release_hold",
    "set_parameters",
    "set_tolerance",
    "withdraw_order",
]
