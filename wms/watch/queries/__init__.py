"""Reads of the watch: alarms and notes here, the cold chain beside them."""

from wms.watch.queries.alarms import (
    OVERLAP,
    OVERLAP_NOTES,
    AlarmRow,
    Note,
    alarms,
    count_raised,
    last_note_id,
    notes_after,
)

__all__ = [
    "OVERLAP",
    "OVERLAP_NOTES",
    "AlarmRow",
    "Note",
    "alarms",
    "count_raised",
    "last_note_id",
    "notes_after",
]
