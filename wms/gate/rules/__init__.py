"""Pure decisions of the gate: facts in, a verdict out. No session, no clock, no I/O."""

from wms.gate.rules.asked import asked_about
from wms.gate.rules.checks import ORDER, RULE_VERSION, VERSIONS, CheckResult, UnknownRules, Verdict, decide
from wms.gate.rules.facts import (
    Case,
    ControlOrder,
    Document,
    LaneFacts,
    PassFacts,
    Seen,
    SeenContainer,
    Tolerance,
    VehicleFacts,
)
from wms.gate.rules.holds import HOLDS, LAPSES, Hold, Words, hold_of
from wms.gate.rules.replay import case_from_payload, case_hash, case_payload, content_hash
from wms.gate.rules.weight import WeightFinding, allowed_difference_g, compare_weight

__all__ = [
    "HOLDS",
    "LAPSES",
    "ORDER",
    "RULE_VERSION",
    "VERSIONS",
    "Case",
    "CheckResult",
    "ControlOrder",
    "Document",
    "Hold",
    "LaneFacts",
    "PassFacts",
    "Seen",
    "SeenContainer",
    "Tolerance",
    "UnknownRules",
    "VehicleFacts",
    "Verdict",
    "WeightFinding",
    "Words",
    "allowed_difference_g",
    "asked_about",
    "case_from_payload",
    "case_hash",
    "case_payload",
    "compare_weight",
    "content_hash",
    "decide",
    "hold_of",
]
