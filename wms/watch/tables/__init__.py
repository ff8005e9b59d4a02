"""Tables of the watch: alarms and live notes, the fence, video; temperature places beside them."""

from wms.watch.tables import temperatures
from wms.watch.tables.alarms import (
    ALARM_SOURCES,
    ALARM_STATES,
    ALARM_STEPS,
    OUTCOMES,
    Alarm,
    AlarmOverdue,
    LiveNote,
)
from wms.watch.tables.fence import (
    FenceSection,
    FenceSensor,
    FenceSignal,
    FenceSwitch,
    FenceZone,
    PatrolCheckpoint,
    PatrolRound,
    PatrolRoute,
    PatrolVisit,
)
from wms.watch.tables.video import (
    CAMERA_PLACES,
    Camera,
    CameraCheck,
    CameraLink,
    Clip,
    Recorder,
    VideoGap,
)

__all__ = [
    "ALARM_SOURCES",
    "ALARM_STATES",
    "ALARM_STEPS",
    "CAMERA_PLACES",
    "OUTCOMES",
    "Alarm",
    "AlarmOverdue",
    "Camera",
    "CameraCheck",
    "CameraLink",
    "Clip",
    "FenceSection",
    "FenceSensor",
    "FenceSignal",
    "FenceSwitch",
    "FenceZone",
    "LiveNote",
    "PatrolCheckpoint",
    "PatrolRound",
    "PatrolRoute",
    "PatrolVisit",
    "Recorder",
    "VideoGap",
    "temperatures",
]
