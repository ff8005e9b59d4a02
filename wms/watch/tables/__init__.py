"""Tables of the watch: fence, cameras, alarms and live notes; temperature places beside them."""

from wms.watch.tables import temperatures
from wms.watch.tables.alarms import (
    ALARM_SOURCES,
    ALARM_STATES,
    CAMERA_PLACES,
    Alarm,
    Camera,
    FenceSection,
    LiveNote,
)

__all__ = [
    "ALARM_SOURCES",
    "ALARM_STATES",
    "CAMERA_PLACES",
    "Alarm",
    "Camera",
    "FenceSection",
    "LiveNote",
    "temperatures",
]
