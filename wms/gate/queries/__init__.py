"""Reads of the gate for screens, API and reports."""

from wms.gate.queries.lanes import LaneRow, PassageRow, lanes_now, passage_row, passages
from wms.gate.queries.settings import ControlRow, ToleranceRow, control_orders, lane_rules, tolerances
from wms.gate.queries.why import CheckRow, CommandRow, Explained, GoodsRow, ReadingRow, ReleaseRow, explain

__all__ = [
    "CheckRow",
    "CommandRow",
    "ControlRow",
    "Explained",
    "GoodsRow",
    "LaneRow",
    "PassageRow",
    "ReadingRow",
    "ReleaseRow",
    "ToleranceRow",
    "control_orders",
    "explain",
    "lane_rules",
    "lanes_now",
    "passage_row",
    "passages",
    "tolerances",
]
