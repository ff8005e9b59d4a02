"""Reads of the watch: alarms and notes here, the cold chain beside them."""

from wms.watch.queries.alarms import (
    AlarmRow,
    Note,
    alarms,
    count_raised,
    first_note_id,
    last_note_id,
    notes_after,
    place_notes,
)

__all__ = [
    "AlarmRow",
    "Note",
    "alarms",
    "count_raised",
    "first_note_id",
    "last_note_id",
    "notes_after",
    "place_notes",
]
