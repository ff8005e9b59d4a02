"""Use cases of the watch: alarms here, the cold chain beside them."""

from wms.watch.service.alarms import (
    MIN_CAUSE_CHARS,
    NewAlarm,
    acknowledge,
    announce,
    close,
    dispatch,
    raise_alarm,
    review,
)

__all__ = [
    "MIN_CAUSE_CHARS",
    "NewAlarm",
    "acknowledge",
    "announce",
    "close",
    "dispatch",
    "raise_alarm",
    "review",
]
