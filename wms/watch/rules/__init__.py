"""Pure decisions of the watch, by what they decide on."""

from wms.watch.rules.alarms import (
    JOIN_WITHIN,
    AlarmNotOpen,
    CauseMissing,
    NobodySent,
    OutcomeUnknown,
    ReviewedBySettler,
    StepDue,
    StepTimes,
    UnknownAlarm,
    steps_due,
)

__all__ = [
    "JOIN_WITHIN",
    "AlarmNotOpen",
    "CauseMissing",
    "NobodySent",
    "OutcomeUnknown",
    "ReviewedBySettler",
    "StepDue",
    "StepTimes",
    "UnknownAlarm",
    "steps_due",
]
