"""Pure decisions of the watch, by what they decide on."""

from wms.watch.rules.alarms import (
    JOIN_WITHIN,
    AlarmNotOpen,
    CauseMissing,
    UnknownAlarm,
)

__all__ = [
    "JOIN_WITHIN",
    "AlarmNotOpen",
    "CauseMissing",
    "UnknownAlarm",
]
