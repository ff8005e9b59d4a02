"""The fence's readings become signals and alarms in the transaction that marks them: once each, late ones flagged."""

from sqlalchemy.orm import Session

from iot.readings import OpenReading
from wms.watch.service.fence import Edge, take_edge
from wms.watch.service.video import camera_of_recorder, section_of_camera


def take(session: Session, row: OpenReading) -> bool:
    """Take one edge of a fence sensor; whether it was new."""
    body = row.payload
    return take_edge(
        session,
        Edge(
            site_id=row.site_id,
            reading_id=row.id,
            device=row.device_code or str(body.get("device")),
            is_alarm=bool(body.get("active", True)),
            rule=str(body.get("rule") or ""),
            received_at=row.recorded_at,
            part=_text(body.get("section")),
            object_class=_text(body.get("object_class")),
            event_at=row.event_at,
            is_live=row.is_live,
            flags=tuple(row.flags),
        ),
    )


def take_alert(session: Session, row: OpenReading) -> bool:
    """Take a recorder's alert on a camera that looks at the fence: begin and end are edges like a sensor's."""
    body = row.payload
    camera = camera_of_recorder(session, row.device_code or "", str(body.get("device") or ""))
    section_id = None if camera is None else section_of_camera(session, camera)
    if camera is None or section_id is None:
        return False
    objects = body.get("objects")
    return take_edge(
        session,
        Edge(
            site_id=row.site_id,
            reading_id=row.id,
            device=camera.camera_code,
            is_alarm=body.get("phase") != "review_end",
            rule="seen",
            received_at=row.recorded_at,
            object_class=_text(objects[0]) if isinstance(objects, list) and objects else None,
            event_at=row.event_at,
            is_live=row.is_live,
            flags=tuple(row.flags),
            source="video",
            section_id=section_id,
        ),
    )


def _text(value: object) -> str | None:
    return str(value)[:200] if value else None
