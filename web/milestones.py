"""What was planned, asked for, is expected and happened on the way of a consignment, one line an event, for people."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from wms.freight.queries import MilestoneRow
from wms.freight.rules.milestones import EventLine, Said, lines


def event_lines(rows: Iterable[MilestoneRow]) -> list[EventLine]:
    """One line an event, in the order of the way."""
    return lines(
        Said(row.event, row.leg_no, row.kind, row.place, row.event_at, row.recorded_at, row.source) for row in rows
    )


def line_json(line: EventLine) -> dict[str, Any]:
    """A line as JSON: the newest time of each kind with who said it."""
    kinds = (("PLN", line.planned), ("REQ", line.requested), ("EST", line.estimated), ("ACT", line.actual))
    times = {
        kind: {"event_at": _iso(said.event_at), "source": said.source, "recorded_at": _iso(said.recorded_at)}
        for kind, said in kinds
        if said is not None
    }
    return {"event": line.event, "leg_no": line.leg_no, "place": line.place, "times": times, "late_s": line.late_s}


def _iso(at: datetime) -> str:
    return at.isoformat()
