"""Reads of the gate for screens, API and reports."""

from wms.gate.queries.lanes import LaneRow, PassageRow, lanes_now, passage_row, passages
from wms.gate.queries.why import CheckRow, CommandRow, Explained, GoodsRow, ReadingRow, ReleaseRow, explain

__all__ = [
    "CheckRow",
    "CommandRow",
    "Explained",
    "GoodsRow",
    "LaneRow",
    "PassageRow",
    "ReadingRow",
    "ReleaseRow",
    "explain",
    "lanes_now",
    "passage_row",
    "passages",
]
